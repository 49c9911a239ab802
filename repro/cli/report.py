"""``repro report --out DIR``: results, verdicts and their provenance as one folder."""

import argparse
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.catalogue import Claim, Item, load_claims, load_items
from repro.cli.options import (
    add_computing,
    add_paper,
    add_source,
    add_verbosity,
    check_reading,
    make_context,
)
from repro.cli.verdicts import item_lines, summary_line
from repro.cli.verify import check_names, why_untested
from repro.errors import BadInput, ReproError

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Iterator

    from repro.fair.report_folder import ReportFolder
    from repro.figures.report import Step

__all__ = ["add_parser", "run"]

_LOCK = ".lock"  # a name that the report does not look at


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "report", help="results, verdicts and where they come from, as one folder"
    )
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="items (toptag/fig5) or claims (toptag/C17)"
    )
    add_paper(parser, default=None)
    add_computing(parser)
    add_source(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("report"),
        metavar="DIR",
        help="a new folder, or one of the same report that was interrupted (default: report/)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 also if a claim is not tested"
    )
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute or take the items, judge, and write the folder."""
    check_names(arguments.ids, arguments.paper)
    claims = _claims(arguments.ids, arguments.paper)
    wanted = {*arguments.ids, *(claim.item for claim in claims)}
    items = [item for item in load_items(arguments.paper) if not arguments.ids or item.id in wanted]
    from repro.data.locks import alone  # noqa: PLC0415 - slow

    out = arguments.out
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is no folder: choose another")
    busy = f"another run makes the report in {out}: wait for it, or choose another folder"
    with alone(out / _LOCK, busy, leave=False):
        return _report(arguments, claims, items)


def _report(arguments: argparse.Namespace, claims: Sequence[Claim], items: Sequence[Item]) -> int:
    from repro.results.judge import not_tested, summarise  # noqa: PLC0415 - imports numpy

    folder, steps = _begin(arguments, [item for item in items if item.module])
    judged: list[dict[str, Any]] = []
    done, last, computed = set(), None, 0
    for step in _steps(folder, steps):
        done.add(step.item.id)
        if step.result is None:
            last = step.error
            mine = [claim for claim in claims if claim.item == step.item.id]
            entries = [not_tested(claim, step.why) for claim in mine]
        else:
            computed += 1
            entries = [dict(entry) for entry in step.result.claims]
        judged += [{"item": step.item.id, **entry} for entry in entries]
        print(f"{step.item.id}: {_outcome(step, entries)}", flush=True)
        if arguments.verbosity > 0:
            print(*item_lines(step.item.id, step.result, entries, each=True), sep="\n", flush=True)
    if last is not None and not computed:
        folder.abandon()
        raise last
    for claim in (claim for claim in claims if claim.item not in done):
        why = why_untested(claim, reading=arguments.source is not None)
        judged.append({"item": claim.item, **not_tested(claim, why)})
    folder.finish(judged)
    summary = summarise(judged)
    print(summary_line(summary))
    print(f"wrote {arguments.out}")
    failed = summary["deviates"] + (summary["not tested"] if arguments.strict else 0)
    return int(failed > 0)


def _steps(folder: "ReportFolder", steps: "Iterable[Step]") -> "Iterator[Step]":
    """Yield the items; if they end with an error before the first, leave no report of none."""
    try:
        yield from steps
    except ReproError:
        folder.abandon()
        raise


def _outcome(step: "Step", entries: Sequence[dict[str, Any]]) -> str:
    """Return the verdicts of an item, or why it has none."""
    from repro.results.judge import summarise  # noqa: PLC0415 - imports numpy

    if step.error is not None:
        return f"not computed: {step.error}"
    counts = {verdict: count for verdict, count in summarise(entries).items() if count}
    return summary_line(counts) if counts else "no claim is about it"


def _begin(
    arguments: argparse.Namespace, items: Sequence[Item]
) -> "tuple[ReportFolder, Iterator[Step]]":
    """Return the folder, and the items as they come."""
    from repro.fair.report_folder import ReportFolder  # noqa: PLC0415
    from repro.figures import report  # noqa: PLC0415 - imports torch

    if arguments.source is None:
        context = make_context(arguments)
        context.check(sorted({item.paper for item in items}))
        plan = report.plan_of(context, items)
        folder = ReportFolder(arguments.out, items, plan, *_command(arguments))
        return folder, report.compute_items(folder, items, context)
    check_reading(arguments)
    found = report.find_results(arguments.source, items, all_of_them=bool(arguments.ids))
    items = [item for item in items if item.id in found]
    plan = report.plan_of_reading(found)
    folder = ReportFolder(arguments.out, items, plan, *_command(arguments))
    return folder, report.take_items(folder, found, items)


def _claims(ids: Iterable[str], paper: str | None) -> list[Claim]:
    """Return the claims of the items that are named, or whose claims are; all if none is."""
    names = set(ids)
    claims = load_claims(paper)
    if not names:
        return list(claims)
    items = {claim.item for claim in claims if names & {claim.item, claim.id, claim.group}}
    return [claim for claim in claims if claim.item in items and claim.item]


def _command(arguments: argparse.Namespace) -> tuple[str, list[str]]:
    """Return what was typed, without the folder and without paths, and the options with files.

    Files are in it by their names.
    """
    words, own = ["repro", "report", *arguments.ids], []
    if arguments.paper:
        words += ["--paper", arguments.paper]
    if arguments.source:
        words += ["--from", _name(arguments.source)]
        own.append("--from")
    for name in arguments.defaults:
        chosen = getattr(arguments, name)
        if chosen is True:
            words.append(f"--{name}")
        elif chosen != arguments.defaults[name]:
            if _is_file(name, chosen):
                own.append(f"--{name}")
                chosen = _name(Path(chosen))
            words += [f"--{name}", str(chosen)]
    return shlex.join(words), own


def _is_file(name: str, chosen: Any) -> bool:
    """Return whether a setting names a file or a folder, and no word or address."""
    from repro.data.hbb.streaming import is_address  # noqa: PLC0415 - slow
    from repro.figures.choices import DATA_WORDS, WEIGHTS_WORDS  # noqa: PLC0415 - imports torch

    words = {"data": DATA_WORDS, "weights": WEIGHTS_WORDS}.get(name)
    return words is not None and chosen not in words and not is_address(chosen)


def _name(path: Path) -> str:
    """Return the name of a file or folder, also of one that is written as dots."""
    return (path.resolve() if path.name in ("", "..") else path).name or "."
