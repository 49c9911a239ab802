"""A mark that no hook knew fails the build: the text would have a hole where a number belongs."""

from marks import MARK, BadMark
from mkdocs.structure.pages import Page

__all__ = ["on_page_content"]


def on_page_content(html: str, page: Page, **_: object) -> str:
    """Refuse pages that still have marks.

    Raises:
        BadMark: If there is one.  Marks in code are escaped by then, and none.
    """
    is_written = page.file.src_uri.endswith(".md")
    if is_written and (mark := MARK.search(html)):
        raise BadMark(f"{page.file.src_uri}: no hook knows the mark {mark[0]}")
    return html
