"""``repro simulate``: generate labelled jets in the file format of the paper's data."""

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.options import add_verbosity
from repro.errors import BadInput

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from repro.simulation.chunk import Task
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
    parser.add_argument("--jets", type=int, required=True, metavar="N", help="how many jets")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed (default: 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file (HDF5)")
    parser.add_argument(
        "--preset",
        choices=_PRESETS,
        default=_PRESETS[0],
        help="matched: chosen to look like the published jets (default); "
        "documented: as the data set's description says",
    )
    parser.add_argument(
        "--jobs", type=int, metavar="J", help="processes (default: one for each processor)"
    )
    parser.add_argument(
        "--chunks", metavar="A:B", help="make only chunks A to B-1, and no file yet"
    )
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, and print the path of the file."""
    from repro.simulation.production import Production, simulate  # noqa: PLC0415 - slow

    jobs = _processors() if arguments.jobs is None else arguments.jobs
    if jobs < 1:
        raise BadInput(f"--jobs {jobs}: give 1 or more")
    production = Production(arguments.preset, arguments.seed, arguments.jets, arguments.out)
    chunks = _chunks(arguments.chunks, production)
    bar = _Bar(quiet=arguments.verbosity < 0)
    try:
        complete = simulate(production, jobs, bar, chunks)
    except KeyboardInterrupt:
        print(
            f"repro: {bar.done:,} jets are kept in {production.parts}: "
            "give the same command again to go on",
            file=sys.stderr,
        )
        raise
    print(production.path if complete else production.parts)
    return 0


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _chunks(text: str | None, production: "Production") -> range | None:
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    total = len(production.tasks)
    if match is None or not int(match[1]) < int(match[2]) <= total:
        raise BadInput(f"--chunks {text}: give A:B with 0 <= A < B <= {total}")
    return range(int(match[1]), int(match[2]))


class _Bar:
    """A bar on stderr that counts jets."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.done = 0

    def __call__(self, tasks: Iterable["Task"], total: int, made: int) -> Iterator["Task"]:
        from tqdm import tqdm  # noqa: PLC0415 - slow

        self.done = made
        hidden = self.quiet or not sys.stderr.isatty()
        with tqdm(
            total=total,
            initial=made,
            unit=" jets",
            desc="simulating",
            disable=hidden,
            file=sys.stderr,
            smoothing=0.05,
        ) as bar:
            for task in tasks:
                self.done += task.jets
                bar.update(task.jets)
                yield task
