"""``repro draw FILE...``: the pictures of results that are at hand, drawn again."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.options import add_out

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parser", "run"]


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("draw", help="draw figures again from their results")
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE.json", help="as 'repro fig' wrote it"
    )
    add_out(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw each, write PNG and PDF and nothing else, and say where they are."""
    from repro.figures.pictures import draw_again  # noqa: PLC0415 - imports matplotlib
    from repro.results.files import write_files  # noqa: PLC0415

    for file in arguments.files:
        item, pictures = draw_again(file)
        paths = write_files(item, pictures, arguments.out)
        print(f"{item.id}: wrote " + " ".join(map(str, paths)))
    return 0
