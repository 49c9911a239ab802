"""The list of all tables and figures."""

from collections.abc import Iterator, Sequence

from results_shown import PAPERS_SHOWN, count_verdicts, path_of, read_result, title_of
from words import chips, table

from repro.catalogue import PAPERS, Item

__all__ = ["index_page"]

_HEADER = ("item", "shows", "verdicts", "cost")
_INTRODUCTION = """---
hide: [toc]
---

# Tables and figures

Each has a page: the picture, our numbers beside the paper's, verdicts with their reasons, the
command, and what it was made from. Numbers of figures and tables are this catalogue's own: those of
the publications are not confirmed yet. K are results of the authors' notebooks and talks beyond
the papers' main line, P is about performance of programs, S is this package's own. Costs are for
two cores, all from the start, and the paper's whole data unless they name other jets; items of a
run share scores, so the seconds on an item's page can be far fewer."""


def index_page(items: Sequence[Item]) -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for paper in PAPERS:
        rows = table(_HEADER, _rows([item for item in items if item.paper == paper]))
        parts += [f"## {PAPERS_SHOWN[paper]}", rows]
    return "\n\n".join([*parts, ""])


def _rows(items: Sequence[Item]) -> Iterator[tuple[str, ...]]:
    for item in items:
        link = f'<a class="count" href="{path_of(item)}.html">{title_of(item)}</a>'
        yield (link, item.title, _tally(item), item.cost)


def _tally(item: Item) -> str:
    result = read_result(item)
    if result is None:
        return "not computed yet" if item.module else "not implemented yet"
    return chips(count_verdicts(result["claims"])) or "no number claimed"
