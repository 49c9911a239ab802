"""Numbers and verdicts in words, and the HTML of tables that Markdown need not read again."""

import html
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from repro.catalogue import Claim

__all__ = ["cell", "chip", "chips", "expectation", "expected", "folded", "got", "table", "text"]


def expected(comparison: str, value: object, tolerance: float | None, ours: bool) -> str:
    """Return what is expected in a few words.

    >>> expected("within", 97.12, 0.002, ours=False), expected("above", 0.5, None, ours=True)
    ('97.12 ± 0.002', 'above 0.5 (our reading)')
    """
    word = {"above": "above ", "below": "below ", "between": "between "}.get(comparison, "")
    joint = " and " if comparison == "between" else ", "
    allowed = f" ± {tolerance:.4g}" if tolerance is not None else ""
    return f"{word}{text(value, joint)}{allowed}{' (our reading)' if ours else ''}"


def expectation(claim: Claim) -> str:
    """Return what a claim expects that no result has judged, with its narrower tolerance."""
    allowed = claim.reproduction or claim.replication
    number = isinstance(claim.expected, int | float)
    within = claim.comparison == "within" and allowed is not None and number
    distance = allowed.distance(claim.expected) if within else None
    return expected(claim.comparison, claim.expected, distance, claim.ours)


def got(claim: Mapping[str, Any]) -> str:
    """Return a measured number with its interval.

    >>> got({"got": 0.123456789, "interval": [0.1, None]})
    '0.123457 [0.1, no end]'
    """
    low, high = claim["interval"] or (None, None)
    if claim["got"] is None:
        return "–" if low is None else f"more than {text(low)}"
    ends = [text(end) if end is not None else "no end" for end in (low, high)]
    return text(claim["got"]) + (f" [{', '.join(ends)}]" if claim["interval"] else "")


def text(value: object, joint: str = ", ") -> str:
    """Return a value of a claim as text."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return joint.join(map(text, value))
    return str(value)


def cell(content: str) -> str:
    r"""Return text that Markdown leaves alone in a cell of a table.

    >>> cell("p_T | <1>, `a_<b>`")
    'p\\_T \\| &lt;1>, `a_<b>`'
    """
    parts = content.split("`")
    if len(parts) % 2 == 0:
        # A single mark is no code.
        return "\\`".join(map(_escaped, parts))
    return "`".join(
        part.replace("|", "\\|") if within else _escaped(part)
        for part, within in zip(parts, itertools.cycle((False, True)), strict=False)
    )


def _escaped(content: str) -> str:
    for mark in ("\\", "|", "*", "_", "[", "]", "$"):
        content = content.replace(mark, f"\\{mark}")
    return content.replace("<", "&lt;")


def chip(verdict: str, count: int | None = None) -> str:
    """Return a verdict as a coloured chip, with a count before it if there is one.

    >>> chip("not tested", 3)
    '<span class="verdict not-tested">3 not tested</span>'
    """
    number = "" if count is None else f"{count:,} "
    return f'<span class="verdict {verdict.replace(" ", "-")}">{number}{verdict}</span>'


def chips(counts: Mapping[str, int]) -> str:
    """Return the counts of verdicts as chips, one after the other."""
    return " ".join(chip(verdict, count) for verdict, count in counts.items())


def table(header: Sequence[str], rows: Iterable[Sequence[str]], attributes: str = "") -> str:
    """Return a table in HTML, without empty lines, so that Markdown passes it on as it is.

    Args:
        header: Titles of the columns, as text.
        rows: Cells of each row; text, or HTML if it begins with ``<``.
        attributes: Of the ``div`` around the table.
    """
    head = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in header)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{_inner(part)}</td>' for part in row)}</tr>" for row in rows
    )
    return (
        f'<div class="wide"{attributes}><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def folded(title: str, content: str) -> str:
    """Return HTML that opens when its title is clicked."""
    return f"<details>\n<summary>{html.escape(title)}</summary>\n{content}\n</details>"


def _inner(part: str) -> str:
    return part if part.startswith("<") else html.escape(part, quote=False)
