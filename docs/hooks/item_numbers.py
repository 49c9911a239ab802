"""An item's numbers beside the paper's: claims with their verdicts, and each number's reason."""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from results_shown import count_verdicts
from words import chip, chips, expectation, expected, folded, got, table

from repro.catalogue import Item, load_claims

__all__ = ["FOLDED_FROM", "expectations", "numbers"]

FOLDED_FROM = 30
"""Tables with more rows than this are folded."""

_NUMBERS = ("claim", "quantity", "the paper", "here", "verdict", "reason")


def numbers(result: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield each claim with the counts of its verdicts, then every number.

    Args:
        result: The result document.
        prefix: Of the anchors of the rows, which are names of numbers.
    """
    claims = result["claims"]
    if not claims:
        yield "The paper states no number that this item tests."
        return
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for claim in claims:
        groups.setdefault(_name(claim).partition(".")[0], []).append(claim)
    yield table(("claim", "statement", "numbers"), map(_summary, groups.items()))
    yield ""
    rows = table(_NUMBERS, (_row(claim, prefix) for claim in claims), ' data-search-exclude=""')
    yield rows if len(claims) <= FOLDED_FROM else folded(f"All {len(claims)} numbers", rows)


def expectations(item: Item) -> Iterator[str]:
    """Yield the claims of an item that was not computed."""
    claims = [claim for claim in load_claims(item.paper) if claim.item == item.id]
    if not claims:
        yield "No number."
        return
    rows = ((claim.id.partition("/")[2], claim.quantity, expectation(claim)) for claim in claims)
    yield table(("claim", "quantity", "the paper"), rows)


def _summary(group: tuple[str, Sequence[Mapping[str, Any]]]) -> tuple[str, str, str]:
    name, claims = group
    source = f"<span>{html.escape(claims[0]['statement'])} "
    source += f"<small>({html.escape(claims[0]['source'])})</small></span>"
    return (name, source, chips(count_verdicts(claims)))


def _row(claim: Mapping[str, Any], prefix: str) -> tuple[str, ...]:
    allowed = expected(claim["comparison"], claim["expected"], claim["tolerance"], claim["ours"])
    name = f'<code id="{prefix}{_name(claim)}">{html.escape(_name(claim))}</code>'
    return (name, claim["quantity"], allowed, got(claim), chip(claim["verdict"]), claim["reason"])


def _name(claim: Mapping[str, Any]) -> str:
    name: str = claim["id"].partition("/")[2]
    return name
