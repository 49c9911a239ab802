"""``repro fig N`` and ``repro table N``: compute, judge and draw one item."""

import argparse
from typing import TYPE_CHECKING

from repro.catalogue import Item, load_items
from repro.cli.options import (
    add_computing,
    add_json,
    add_out,
    add_paper,
    add_verbosity,
    make_context,
)
from repro.cli.verdicts import made_of, summary_line, verdict_lines
from repro.errors import UnknownName, did_you_mean

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parser", "run"]

_KINDS = {"fig": "figure", "table": "table"}


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands."""
    for kind, word in _KINDS.items():
        parser = commands.add_parser(kind, help=f"compute, judge and draw one {word}")
        parser.add_argument("label", metavar="N", help=f"the {word}'s number, as 'repro list' says")
        add_paper(parser)
        add_computing(parser)
        add_out(parser)
        add_json(parser, "the result document")
        parser.add_argument("--strict", action="store_true", help="exit with 1 if a claim deviates")
        add_verbosity(parser)
        parser.set_defaults(run=run, kind=kind)


def run(arguments: argparse.Namespace) -> int:
    """Compute, judge, write and print an item."""
    item = _find(arguments)
    item.implementation()  # before torch is imported
    from repro.figures.pictures import draw  # noqa: PLC0415 - imports matplotlib
    from repro.figures.run import compute_item  # noqa: PLC0415 - imports torch
    from repro.results.files import check_place, write_result  # noqa: PLC0415
    from repro.results.judge import summarise  # noqa: PLC0415

    check_place(item, arguments.out)
    context = make_context(arguments)
    with context.stopped.until_written():
        result = compute_item(item, context)
        paths = write_result(result, draw(item, result), arguments.out)
    if arguments.json:
        print(result.to_json(), end="")
    else:
        print(f"{item.id}: {item.title}")
        print(*made_of(result), sep="\n")
        for line in verdict_lines(result.claims, each=arguments.verbosity > 0):
            print(line)
        if result.claims:
            print(summary_line(summarise(result.claims)))
        for note in result.notes:
            print(f"note: {note}")
        print("wrote " + " ".join(str(path) for path in paths))
    deviates = any(claim["verdict"] == "deviates" for claim in result.claims)
    return int(deviates and arguments.strict)


def _find(arguments: argparse.Namespace) -> Item:
    label = arguments.label.upper().lstrip("0")
    for item in load_items(arguments.paper):
        if (item.kind, item.label) == (arguments.kind, label):
            return item
    known = [item.label for item in load_items(arguments.paper) if item.kind == arguments.kind]
    others = [item for item in load_items() if (item.kind, item.label) == (arguments.kind, label)]
    hint = did_you_mean(arguments.label, known)
    if others:
        hint = f" ({others[0].paper} has: --paper {others[0].paper})"
    raise UnknownName(
        f"{arguments.paper} has no {_KINDS[arguments.kind]} {arguments.label!r}{hint}: give a "
        "number as 'repro list' shows it, such as 5"
    )
