"""Single numbers of committed results, for the page on quirks.

``<!-- number STEM PATH -->`` stands for the number at a dotted path of the values of a top-tagging
item, and ``<!-- number STEM PATH FORMAT -->`` for it in a Python format, such as ``.2f``.
"""

import json
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from repro.results.document import look_up

RESULTS = Path(__file__).resolve().parent.parent / "figures" / "toptag"

_MARK = re.compile(r"<!-- number (?P<stem>\w+) (?P<path>[\w.]+)(?: (?P<form>\S+))? -->")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the numbers."""
    del page, config, files
    return _MARK.sub(lambda mark: number(mark["stem"], mark["path"], mark["form"] or ""), markdown)


def number(stem: str, path: str, form: str) -> str:
    """Return the number at a path as text.

    Raises:
        LookupError: If there is none: the text speaks of something that the result has not.
    """
    values = json.loads((RESULTS / f"{stem}.json").read_text("utf-8"))["values"]
    found = look_up(values, path)
    found = found.get("value") if isinstance(found, dict) else found
    if found is None:
        raise LookupError(f"{stem}.json has no {path}")
    return format(found, form)
