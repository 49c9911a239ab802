"""How to cite: ``<!-- cite -->`` stands for what ``repro cite`` prints."""

import contextlib
import io

from marks import fill

from repro.cli import main

__all__ = ["MARKS", "cite", "on_page_markdown"]


def cite() -> str:
    """Return the BibTeX entries in a block of code."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = main(["cite"])
    if status:
        raise RuntimeError("repro cite failed")
    return f"```bibtex\n{printed.getvalue().strip()}\n```"


MARKS = {"cite": cite}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the entries."""
    return fill(markdown, MARKS)
