"""What is seen in a picture, for those who cannot see it (``pictures.toml``)."""

import functools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repro.catalogue import Item

__all__ = ["alternative", "descriptions"]

_LEADING = 3


@functools.cache
def descriptions() -> dict[str, str]:
    """Return the descriptions of all pictures by the ids of their items."""
    return tomllib.loads(Path(__file__).with_name("pictures.toml").read_text("utf-8"))


def alternative(item: Item, result: Mapping[str, Any]) -> str:
    """Return a picture's text: what is drawn, and the longest bars of rankings.

    Raises:
        LookupError: If nobody has described the picture.
    """
    if item.id not in descriptions():
        raise LookupError(f"docs/hooks/pictures.toml does not say what is seen in {item.id}")
    leading = "; ".join(_leading(result["values"], ()))
    return descriptions()[item.id] + (f" Longest bars: {leading}." if leading else "")


def _leading(values: object, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the leading names of each ranking at or below a value."""
    if not isinstance(values, Mapping):
        return
    ranks = {
        name: entry["rank"]
        for name, entry in values.items()
        if isinstance(entry, Mapping) and "rank" in entry
    }
    if len(ranks) > _LEADING:
        names = sorted(ranks, key=ranks.__getitem__)[:_LEADING]
        yield f"{' '.join(path[1:])} {', '.join(names)}".strip()
        return
    for name, inner in values.items():
        yield from _leading(inner, (*path, name))
