"""``repro verify``: compute items and judge every claim."""

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.catalogue import Claim, Item, find_item, load_claims, load_items
from repro.cli.options import (
    add_computing,
    add_json,
    add_paper,
    add_source,
    add_verbosity,
    check_reading,
    make_context,
)
from repro.cli.verdicts import item_lines, summary_line
from repro.errors import BadInput, ReproError, UnknownName, did_you_mean

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from repro.figures.context import Context
    from repro.results.document import Result

__all__ = ["add_parser", "check_names", "run", "why_untested"]

_LOG = logging.getLogger(__name__)


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        help="judge every claim",
        description="Compute items and judge their claims. Stopped, it goes on within the item "
        "that was computed alone; 'repro report' takes over the items that are done as well.",
    )
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="items (toptag/fig5) or claims (toptag/C17)"
    )
    add_paper(parser, default=None)
    add_computing(parser)
    add_source(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="also write each item's files there"
    )
    add_json(parser, "summary and claims")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 also if a claim is not tested"
    )
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute, judge and print, item by item."""
    claims = _chosen_claims(arguments.ids, arguments.paper)
    failures = _Failures()
    steps = (
        _judged_anew(arguments, claims, failures)
        if arguments.source is None
        else _judged_before(arguments, claims)
    )
    from repro.results.judge import summarise  # noqa: PLC0415 - imports numpy

    judged = []
    for item_id, result, entries in steps:
        judged += [{"item": item_id, **entry} for entry in entries]
        if not arguments.json:
            for line in item_lines(item_id, result, entries, each=arguments.verbosity > 0):
                print(line, flush=True)
    summary = summarise(judged)
    if arguments.json:
        document = {"summary": summary, "claims": judged}
        print(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        print(summary_line(summary))
    if failures.last and not failures.computed:
        raise failures.last
    failed = summary["deviates"] + (summary["not tested"] if arguments.strict else 0)
    return int(failed > 0)


def check_names(ids: Sequence[str], paper: str | None) -> None:
    """Make sure that items and claims are there, and of the paper.

    Raises:
        UnknownName: If one is not.
    """
    known = {item.id for item in load_items()}
    for name in ids:
        if name not in known and not any(name in (c.id, c.group) for c in load_claims()):
            names = [item.id for item in load_items()]
            names += [name for claim in load_claims() for name in (claim.id, claim.group)]
            hint = did_you_mean(name, names)
            raise UnknownName(
                f"unknown item or claim {name!r}{hint}: 'repro list' shows the items, such as "
                "toptag/fig5; claims are named as toptag/C17"
            )
        if paper and not name.startswith(f"{paper}/"):
            raise UnknownName(f"{name} is not of the paper {paper!r}: leave out --paper")


def _chosen_claims(ids: Sequence[str], paper: str | None) -> list[Claim]:
    claims = load_claims(paper)
    if not ids:
        return list(claims)
    check_names(ids, paper)
    known = {item.id for item in load_items()}
    chosen = [claim for claim in claims if not {claim.item, claim.id, claim.group}.isdisjoint(ids)]
    for name in sorted(known.intersection(ids) - {claim.item for claim in chosen}):
        _LOG.warning("no claim is about %s", name)
    return chosen


@dataclass
class _Failures:
    """Whether any item could be computed, and why the last one could not."""

    computed: int = 0
    last: ReproError | None = None


_Judged = tuple[str | None, "Result | None", list[dict[str, Any]]]
"""An item, its result, if there is one, and its claims."""


def _judged_anew(
    arguments: argparse.Namespace, claims: Sequence[Claim], failures: _Failures
) -> Iterator[_Judged]:
    """Return what computes the items."""
    from repro.results.files import check_place  # noqa: PLC0415

    context = make_context(arguments)
    items = [find_item(item_id) for item_id, _ in _by_item(claims) if item_id]
    # A misspelt option is no reason for a claim not to be tested.
    papers = {item.paper for item in items if item.module}
    if papers:
        context.check(sorted(papers))
    if arguments.out:
        for item in (item for item in items if item.module):
            check_place(item, arguments.out)

    def judged(item_id: str | None, mine: Sequence[Claim]) -> _Judged:
        item = find_item(item_id) if item_id else None
        return item_id, *_compute(item, mine, context, failures, arguments.out)

    return (judged(item_id, mine) for item_id, mine in _by_item(claims))


def _judged_before(arguments: argparse.Namespace, claims: Sequence[Claim]) -> Iterator[_Judged]:
    """Return what takes the results in a folder, with their verdicts."""
    check_reading(arguments)
    if arguments.out is not None:
        raise BadInput("--from takes results from where they are: leave out --out")
    from repro.figures.report import find_results  # noqa: PLC0415 - imports torch
    from repro.results.judge import not_tested  # noqa: PLC0415

    items = [find_item(item_id) for item_id, _ in _by_item(claims) if item_id]
    with_code = [item for item in items if item.module]
    found = find_results(arguments.source, with_code, all_of_them=bool(arguments.ids))

    def taken(item_id: str | None, mine: Sequence[Claim]) -> _Judged:
        result = found[item_id][1] if item_id in found else None
        judged = {entry["id"]: dict(entry) for entry in result.claims} if result else {}
        entries = [
            judged.get(claim.id) or not_tested(claim, why_untested(claim, reading=result is None))
            for claim in mine
        ]
        return item_id, result, entries

    return (taken(item_id, mine) for item_id, mine in _by_item(claims))


def _by_item(claims: Sequence[Claim]) -> list[tuple[str | None, list[Claim]]]:
    ids = dict.fromkeys(claim.item for claim in claims)
    return [(item_id, [claim for claim in claims if claim.item == item_id]) for item_id in ids]


def why_untested(claim: Claim, *, reading: bool) -> str:
    """Return why a claim has no verdict.

    Args:
        claim: The claim.
        reading: Whether results were read, and its item's was not among them.
    """
    if claim.item is None:
        return "no item computes it"
    if find_item(claim.item).module is None:
        return f"{claim.item} is not implemented yet"
    return (
        f"no result of {claim.item} was at hand"
        if reading
        else f"the result of {claim.item} has no verdict on it"
    )


def _compute(
    item: Item | None,
    claims: Sequence[Claim],
    context: "Context",
    failures: _Failures,
    out: Path | None,
) -> tuple["Result | None", list[dict[str, Any]]]:
    from repro.figures.pictures import draw  # noqa: PLC0415 - imports matplotlib
    from repro.figures.run import compute_item  # noqa: PLC0415 - imports torch
    from repro.results.files import write_result  # noqa: PLC0415
    from repro.results.judge import not_tested  # noqa: PLC0415

    if item is None or item.module is None:
        reason = f"{item.id} is not implemented yet" if item else "no item computes it"
        return None, [not_tested(claim, reason) for claim in claims]
    with context.stopped.until_written():
        try:
            result = compute_item(item, context)
        except ReproError as error:
            failures.last = error
            return None, [not_tested(claim, str(error)) for claim in claims]
        failures.computed += 1
        if out:
            write_result(result, draw(item, result), out)
    judged = {entry["id"]: dict(entry) for entry in result.claims}
    return result, [judged[claim.id] for claim in claims]
