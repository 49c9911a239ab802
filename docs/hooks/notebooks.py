"""Notebooks as pages like all others.

mkdocs-jupyter brings the style sheet of JupyterLab (half a megabyte, in light colours alone), its
own buttons, and formulae and diagrams that are drawn by scripts from elsewhere.  Nothing of that is
kept: what is left is text, code and pictures, which the theme knows how to show.  Links lead to
pages as in Markdown, and pictures have the texts that the notebook gives them.
"""

import json
import logging
import posixpath
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Comment, Tag
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

_LOG = logging.getLogger("mkdocs.plugins.notebooks")

_UNWANTED = (
    "script, style, a.anchor-link, .zeroclipboard-container, .clipboard-copy-txt, .celltoolbar"
)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Keep text, code, outputs and pictures of a notebook; other pages stay as they are."""
    del config
    if not page.file.src_uri.endswith(".ipynb"):
        return html
    soup = BeautifulSoup(html, "html.parser")
    for part in soup.select(_UNWANTED):
        part.decompose()
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for block in soup.find_all("pre"):
        _as_the_theme_has_it(soup, block)
    for box in soup.find_all("div"):
        if "highlight" not in box.get("class", ()):
            box.unwrap()
    for heading in soup.find_all(["h1", "h2", "h3"]):
        _add_permalink(soup, heading)
    texts = alternative_texts(Path(page.file.abs_src_path or ""))
    for picture, text in zip(soup.find_all("img"), texts, strict=True):
        picture.attrs = {"src": picture["src"], "alt": text}
    for link in soup.find_all("a", href=True):
        link["href"] = _resolved(link["href"], page, files)
    return str(soup)


def alternative_texts(path: Path) -> list[str]:
    """Return what the pictures of a notebook show, in their order; a picture has to have a text."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return [
        output["metadata"]["image/png"]["alt"]
        for output in outputs
        if "image/png" in output.get("data", {})
    ]


def _as_the_theme_has_it(soup: BeautifulSoup, block: Tag) -> None:
    """Give code its colours and its button, and what it printed a look of its own."""
    code = soup.new_tag("code")
    code.extend(list(block.contents))
    block.append(code)
    parent = block.parent
    shows_code = parent is not None and "highlight-ipynb" in parent.get("class", ())
    box = block.wrap(soup.new_tag("div"))
    box["class"] = "highlight" if shows_code else "highlight notebook-output"


def _add_permalink(soup: BeautifulSoup, heading: Tag) -> None:
    link = soup.new_tag("a", attrs={"class": "headerlink", "title": "Permanent link"})
    link["href"] = f"#{heading['id']}"
    link.string = "¶"
    heading.append(link)


def _resolved(href: str, page: Page, files: Files) -> str:
    """Return a link to a page's source as one to the page; others as they are."""
    parts = urlsplit(href)
    if parts.scheme or not parts.path:
        return href
    uri = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), parts.path))
    target = files.get_file_from_path(uri)
    if target is None:
        _LOG.warning("%s links to %s, which is no page", page.file.src_uri, href)
        return href
    anchor = f"#{parts.fragment}" if parts.fragment else ""
    return target.url_relative_to(page.file) + anchor
