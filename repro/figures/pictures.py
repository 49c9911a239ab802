"""Pictures as files: drawn from a result, or again from its document."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from repro.catalogue import Item, find_item
from repro.errors import BadInput, NotAvailable
from repro.figures.run import render_item
from repro.figures.style import hep_style
from repro.results.document import Result
from repro.results.fingerprint import fingerprint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "draw_again"]

_DPI = 130
# A picture with more bytes than that, such as heat maps full of numbers, gets fewer colours.
_LARGE = 250_000
_COLOURS = 256
# What drawing makes of numbers that are not as it needs them.
_UNFIT = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    RuntimeError,
)


def draw(item: Item, result: Result) -> dict[str, bytes]:
    """Return the picture of an item as PNG and PDF, by suffix; empty for a table without one.

    Each carries the id of the item and the fingerprint of its numbers.  It has no date and no
    versions: the same numbers give the same bytes.
    """
    # Some of the style is read only when the figure is written.
    with hep_style():
        figure = render_item(item, result)
        if figure is None:
            return {}
        numbers = f"sha256:{fingerprint(result)}"
        return {"png": _png(figure, item.id, numbers), "pdf": _pdf(figure, item.id, numbers)}


def draw_again(path: Path) -> tuple[Item, dict[str, bytes]]:
    """Return the item of a result document, and its pictures by suffix.

    Raises:
        BadInput: If the file is no result document, or lacks numbers that the picture shows.
        NotAvailable: If the item has no picture.
        UnknownName: If there is no such item.
    """
    result = Result.from_json(path)
    item = find_item(result.item)
    try:
        pictures = draw(item, result)
    except _UNFIT as error:
        raise BadInput(
            f"{path} lacks numbers that the picture of {item.id} shows, or has others: compute it "
            "again"
        ) from error
    if not pictures:
        raise NotAvailable(f"{item.id} has no picture: take the document of a figure")
    return item, pictures


def _png(figure: "Figure", title: str, comment: str) -> bytes:
    drawn, written = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=_DPI)
    image = Image.open(drawn).convert("RGB")
    if len(drawn.getvalue()) > _LARGE:
        image = image.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    about = PngInfo()
    about.add_text("Title", title)
    about.add_text("Comment", comment)
    image.save(written, "png", pnginfo=about, optimize=True, dpi=(_DPI, _DPI))
    return written.getvalue()


def _pdf(figure: "Figure", title: str, comment: str) -> bytes:
    written = io.BytesIO()
    about = {"Subject": title, "Keywords": comment}
    without = dict.fromkeys(("Creator", "Producer", "CreationDate"))
    figure.savefig(written, format="pdf", dpi=_DPI, metadata={**about, **without})
    return written.getvalue()
