"""``repro simulate``: generate labelled jets in the file format of the paper's data."""

import argparse
import functools
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.options import add_verbosity, natural, positive
from repro.errors import BadInput

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from repro.simulation.production import Production

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Simulate jets with Pythia, a detector model and FastJet, and write them in the file format
of the paper's data. The same preset, seed and number of jets give the same bytes, with any
number of processes. What was made is kept in FILE.parts until all is there: a run that
was stopped goes on when the same command is given again."""

_EPILOG = """\
On several machines that share a folder, make the chunks (500 jets each) apart, then give the
command without --chunks, which makes what is missing and puts the file together:
  repro simulate toptag --jets 1000000 --seed 1 --out jets.h5 --chunks 0:1000
  repro simulate toptag --jets 1000000 --seed 1 --out jets.h5 --chunks 1000:2000
  repro simulate toptag --jets 1000000 --seed 1 --out jets.h5"""

_PRESETS = ("matched", "documented")
_RANGE = re.compile(r"(\d+):(\d+)")


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "simulate",
        help="generate labelled jets in the format of the paper's data",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paper", choices=("toptag",), help="whose jets: top and QCD jets")
    parser.add_argument("--jets", type=positive, required=True, metavar="N", help="how many jets")
    parser.add_argument("--seed", type=natural, default=0, metavar="S", help="seed (default: 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file (HDF5)")
    parser.add_argument(
        "--preset",
        choices=_PRESETS,
        default=_PRESETS[0],
        help="matched: chosen to look like the published jets (default); "
        "documented: as the data set's description says",
    )
    parser.add_argument(
        "--jobs", type=positive, metavar="J", help="processes (default: one for each processor)"
    )
    parser.add_argument(
        "--chunks", metavar="A:B", help="make only chunks A to B-1, and no file yet"
    )
    parser.add_argument(
        "--packed",
        action="store_true",
        help="write the small form of the shipped sample, with subjettiness, and no table",
    )
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, and print the path of the file."""
    from repro.simulation.production import Production, merge, simulate  # noqa: PLC0415 - slow
    from repro.simulation.workers import count_jets, processors  # noqa: PLC0415

    production = Production(arguments.preset, arguments.seed, arguments.jets, arguments.out)
    chunks = _chunks(arguments.chunks, production)
    hidden = arguments.verbosity < 0 or not sys.stderr.isatty()
    # Batch systems end jobs so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    finish = merge
    if arguments.packed:
        from repro.features.embedded import pack as finish  # noqa: PLC0415
    try:
        complete = simulate(
            production,
            arguments.jobs or processors(),
            functools.partial(count_jets, hidden=hidden),
            chunks,
            finish,
        )
    except KeyboardInterrupt:
        kept = f"; the same command goes on from what is there in {production.parts}"
        started = production.parts.is_dir() and any(production.parts.iterdir())
        print(f"repro: interrupted{kept if started else ''}", file=sys.stderr)
        return 130
    print(production.path if complete else production.parts)
    return 0


def _chunks(text: str | None, production: "Production") -> range | None:
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    total = len(production.tasks)
    if match is None or not int(match[1]) < int(match[2]) <= total:
        raise BadInput(f"--chunks {text}: give A:B with 0 <= A < B <= {total}")
    return range(int(match[1]), int(match[2]))
