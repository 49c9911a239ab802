"""``repro verify``: compute items and judge every claim."""

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.catalogue import Claim, Item, find_item, load_claims, load_items
from repro.cli.options import add_computing, add_json, add_paper, add_verbosity, make_context
from repro.cli.verdicts import item_lines, summary_line
from repro.errors import ReproError, UnknownName, did_you_mean

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from repro.figures.context import Context
    from repro.results.document import Result

__all__ = ["add_parser", "check_names", "run"]

_LOG = logging.getLogger(__name__)


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("verify", help="judge every claim")
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="items (toptag/fig5) or claims (toptag/C17)"
    )
    add_paper(parser, default=None)
    add_computing(parser)
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
    context = make_context(arguments)
    # A misspelt option is no reason for a claim not to be tested.
    papers = {claim.paper for claim in claims if claim.item and find_item(claim.item).module}
    if papers:
        context.check(sorted(papers))
    from repro.results.judge import summarise  # noqa: PLC0415 - imports numpy

    judged, failures = [], _Failures()
    for item_id, result, entries in _judged(claims, context, failures, arguments.out):
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
            claimed = {name for claim in load_claims() for name in (claim.id, claim.group)}
            hint = did_you_mean(name, known | claimed)
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


def _judged(
    claims: Sequence[Claim], context: "Context", failures: _Failures, out: Path | None
) -> Iterator[tuple[str | None, "Result | None", list[dict[str, Any]]]]:
    """Yield items, their results, if they could be computed, and their claims."""
    for item_id in dict.fromkeys(claim.item for claim in claims):
        mine = [claim for claim in claims if claim.item == item_id]
        item = find_item(item_id) if item_id else None
        yield item_id, *_compute(item, mine, context, failures, out)


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
