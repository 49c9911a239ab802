"""One page for each table and figure, made from the catalogue and the committed results.

A result's picture and files lie beside its page: ``items/<paper>/<stem>.*``, those on the authors'
stored jets in ``items/<paper>/stored/``.  An item without a result has a page that says so.
"""

from collections.abc import Iterator

from item_index import index_page
from item_page import item_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from results_shown import PAPERS_SHOWN, RESULTS, STORED, path_of, read_result, title_of

from repro.catalogue import Item, load_items

__all__ = ["SECTION", "on_config", "on_files", "shown_files"]

SECTION = "Results"
"""The section of the navigation that gets the pages."""

_SUFFIXES = (".png", ".pdf", ".json", ".csv", ".md", ".tex")
_ALWAYS_A_PAGE = ".md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages into the navigation, paper by paper, so that each has neighbours."""
    (section,) = (entry for entry in config.nav or () if SECTION in entry)
    for paper, name in PAPERS_SHOWN.items():
        pages = [{title_of(item): f"items/{path_of(item)}.md"} for item in load_items(paper)]
        section[SECTION].append({name.partition(" (")[0]: pages})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and the files of those that were computed."""
    pages = {"items/index.md": index_page(load_items())}
    for item in load_items():
        results = (read_result(item), read_result(item, STORED))
        pages[f"items/{path_of(item)}.md"] = item_page(item, *results)
    for source, content in pages.items():
        files.append(File.generated(config, source, content=content))
    for item in load_items():
        for source, path in shown_files(item):
            files.append(File.generated(config, source, abs_src_path=path))
    return files


def shown_files(item: Item) -> Iterator[tuple[str, str]]:
    """Yield the item's files: where each is shown, and where it lies."""
    for folder, place in (("", ""), (STORED, "stored/")):
        for suffix in _SUFFIXES:
            path = RESULTS / folder / f"{path_of(item)}{suffix}"
            if path.is_file() and suffix != _ALWAYS_A_PAGE:
                yield f"items/{item.paper}/{place}{item.stem}{suffix}", str(path)
