"""``repro simulate``: generate labelled jets in the file formats of the papers' data."""

import argparse
import functools
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli.options import add_verbosity, natural, positive
from repro.errors import BadInput

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from repro.simulation.chunked import Chunked

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Simulate jets with Pythia, a detector model and FastJet, and write them in the file format
of the paper's data: toptag as its tables, hbb as processed files of record 12102. The same
preset, seed and number of jets give the same bytes, with any number of processes. What was
made is kept in FILE.parts until all is there: a run that was stopped goes on when the same
command is given again."""

_EPILOG = """\
On several machines that share a folder, make the chunks (toptag: 500 jets each, hbb: 600) apart,
then give the command without --chunks, which makes what is missing and puts the file together:
  repro simulate toptag --jets 1000000 --seed 1 --out jets.h5 --chunks 0:1000
  repro simulate toptag --jets 1000000 --seed 1 --out jets.h5 --chunks 1000:2000
  repro simulate toptag --jets 1000000 --seed 1 --out jets.h5"""

_RANGE = re.compile(r"(\d+):(\d+)")


@dataclass(frozen=True)
class _Paper:
    """How the jets of a paper are made.

    Attributes:
        presets: Their names, the default one first.
        production: Makes a production of a preset.
        pack: Gives what packs its chunks.
    """

    presets: tuple[str, ...]
    production: Callable[[str, argparse.Namespace], "Chunked[Any, Any]"]
    pack: Callable[[], Callable[[Any], None]]


def _toptag(preset: str, arguments: argparse.Namespace) -> "Chunked[Any, Any]":
    from repro.simulation.production import Production  # noqa: PLC0415 - slow

    return Production(preset, arguments.seed, arguments.jets, arguments.out)


def _pack_toptag() -> Callable[[Any], None]:
    from repro.features.embedded import pack  # noqa: PLC0415 - slow

    return pack


def _hbb(preset: str, arguments: argparse.Namespace) -> "Chunked[Any, Any]":
    from repro.simulation.hbb.production import HbbProduction  # noqa: PLC0415 - slow

    return HbbProduction(preset, arguments.seed, arguments.jets, arguments.out)


def _pack_hbb() -> Callable[[Any], None]:
    from repro.simulation.hbb.production import pack  # noqa: PLC0415 - slow

    return pack


_PAPERS = {
    "toptag": _Paper(("matched", "documented"), _toptag, _pack_toptag),
    "hbb": _Paper(("window", "record"), _hbb, _pack_hbb),
}


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "simulate",
        help="generate labelled jets in the format of the paper's data",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paper",
        choices=tuple(_PAPERS),
        help="whose jets: toptag, top and QCD jets; hbb, H->bb and QCD jets with tracks and "
        "secondary vertices",
    )
    parser.add_argument("--jets", type=positive, required=True, metavar="N", help="how many jets")
    parser.add_argument("--seed", type=natural, default=0, metavar="S", help="seed (default: 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file (HDF5)")
    parser.add_argument(
        "--preset",
        choices=[preset for paper in _PAPERS.values() for preset in paper.presets],
        help="of toptag: matched, chosen to look like the published jets (default), or documented, "
        "as the data set's description says; of hbb: window, 300 to 2000 GeV and soft-drop masses "
        "of 40 to 200 GeV, as the authors evaluated (default), or record, all from 200 GeV",
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
        help="write the small form of the shipped sample, and no table: toptag with subjettiness, "
        "hbb as what is measured",
    )
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, and print the path of the file."""
    from repro.simulation.chunked import simulate  # noqa: PLC0415 - slow
    from repro.simulation.workers import count_jets, processors  # noqa: PLC0415

    paper = _PAPERS[arguments.paper]
    preset = arguments.preset or paper.presets[0]
    if preset not in paper.presets:
        raise BadInput(
            f"--preset {preset} is not of {arguments.paper}: give {' or '.join(paper.presets)}"
        )
    production = paper.production(preset, arguments)
    chunks = _chunks(arguments.chunks, production)
    hidden = arguments.verbosity < 0
    # Batch systems end jobs so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    finish = paper.pack() if arguments.packed else None
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


def _chunks(text: str | None, production: "Chunked[Any, Any]") -> range | None:
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    total = len(production.tasks)
    if match is None or not int(match[1]) < int(match[2]) <= total:
        raise BadInput(f"--chunks {text}: give A:B with 0 <= A < B <= {total}")
    return range(int(match[1]), int(match[2]))
