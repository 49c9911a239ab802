"""The page of all claims: one row for each number, which ``claims.js`` filters.

``<!-- claims -->`` stands for the table.  Without JavaScript it is a plain table.
"""

import html
from collections.abc import Iterator

from marks import fill
from results_shown import PAPERS_SHOWN, STORED, all_claims, judged, path_of, title_of
from words import chip, expectation, expected, got

from repro.catalogue import Claim, find_item

__all__ = ["MARKS", "claims", "on_page_markdown"]

_HEADER = ("paper", "item", "claim", "quantity", "the paper", "here", "verdict", "on stored jets")
_NOT_COMPUTED = "not tested"


def claims() -> str:
    """Return the table."""
    head = "".join(f'<th scope="col">{title}</th>' for title in _HEADER)
    rows = "\n".join(row for paper in PAPERS_SHOWN for row in _rows(paper))
    return (
        '<div class="wide" id="claims" data-search-exclude=""><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _rows(paper: str) -> Iterator[str]:
    found, stored = judged(paper), judged(paper, STORED)
    for name, claim in all_claims(paper).items():
        here = found.get(name)
        cells = [
            paper,
            *_place(claim, computed=here is not None),
            html.escape(claim.quantity, quote=False),
        ]
        if here is None:
            cells += [html.escape(expectation(claim), quote=False), "–", chip(_NOT_COMPUTED)]
        else:
            allowed = expected(
                here["comparison"], here["expected"], here["tolerance"], here["ours"]
            )
            numbers = (html.escape(words, quote=False) for words in (allowed, got(here)))
            cells += [*numbers, chip(here["verdict"])]
        cells.append(chip(stored[name]["verdict"]) if name in stored else "")
        yield f"<tr>{''.join(f'<td>{part}</td>' for part in cells)}</tr>"


def _place(claim: Claim, *, computed: bool) -> tuple[str, str]:
    """Return the claim's item and its name, linked to the page and to the row there."""
    name = claim.id.partition("/")[2]
    if claim.item is None:
        return "–", name
    item = find_item(claim.item)
    page = f"items/{path_of(item)}.html"
    row = f'<a href="{page}#{name}">{name}</a>' if computed else name
    return f'<a href="{page}">{title_of(item)}</a>', row


MARKS = {"claims": claims}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the table."""
    return fill(markdown, MARKS)
