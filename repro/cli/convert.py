"""``repro convert``: processed files of the jets of CERN Open Data record 12102."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.options import add_verbosity, make_progress, natural, positive
from repro.errors import BadInput

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Make processed files, which the networks of the study of H->bb read, of files of CERN Open Data
record 12102: of a ROOT file, an HDF5 twin, or the https address of one. In them each jet has its
own features (those of the authors' converter have the first jet's). A file is written whole or not
at all, the same jets give the same bytes, and what was made from the same jets is not made again.

With --out NAME.h5, one file gets the jets that are asked for. With --out FOLDER it gets
newdata_0.h5 and on, of 100,000 jets at most, as the authors' converter makes them."""

_EPILOG = """\
examples:
  repro convert ntuple_merged_0.root --out newdata.h5 --split test --jets 20000
  repro convert ntuple_merged_9.h5 --out part.h5 --start 100000 --stop 150000
  repro convert ntuple_merged_*.h5 --out processed"""

_SPLITS = ("train", "test")  # as in repro.data.record
_FILES = (".h5", ".hdf5")  # what ends otherwise is a folder


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "convert",
        help="make processed files of the record of the second paper",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="files of the record, in order")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="NAME.h5|FOLDER", help="where the jets go"
    )
    parser.add_argument(
        "--start", type=natural, metavar="A", help="the first jet, by its number (default: 0)"
    )
    last = parser.add_mutually_exclusive_group()
    last.add_argument(
        "--stop", type=positive, metavar="B", help="the jet after the last (default: the end)"
    )
    last.add_argument("--jets", type=positive, metavar="N", help="convert at most N jets")
    parser.add_argument(
        "--split",
        choices=_SPLITS,
        default=_SPLITS[0],
        help="what the jets are for, which is in the names of the arrays (default: train)",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="replace NaN and infinity as the program that wrote the ntuples does, instead of "
        "refusing them",
    )
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Convert, and print the paths of the files."""
    if arguments.out.suffix.lower() in _FILES:
        return _into_file(arguments)
    return _into_folder(arguments)


def _into_file(arguments: argparse.Namespace) -> int:
    if len(arguments.files) > 1:
        raise BadInput(
            f"--out {arguments.out}: one file is made of one; for several, give a folder"
        )
    if arguments.out.is_dir():
        raise BadInput(f"--out {arguments.out} is a folder: give a file in it")
    from repro.data.hbb.convert import convert_range  # noqa: PLC0415 - slow

    jets, written = convert_range(
        arguments.files[0],
        arguments.out,
        start=arguments.start or 0,
        stop=arguments.stop,
        max_jets=arguments.jets,
        split=arguments.split,
        repair=arguments.repair,
        progress=make_progress(arguments),
    )
    what = "wrote" if written else "made before, of the same jets:"
    print(f"{what} {arguments.out}, {jets:,} jets")
    return 0


def _into_folder(arguments: argparse.Namespace) -> int:
    if arguments.start is not None or arguments.stop is not None:
        raise BadInput("--start and --stop are for one file: give --out a name that ends in .h5")
    if arguments.out.exists() and not arguments.out.is_dir():
        raise BadInput(f"--out {arguments.out} is no folder: give one, or a name that ends in .h5")
    from repro.data.hbb.convert import convert  # noqa: PLC0415 - slow

    paths = convert(
        arguments.files,
        arguments.out,
        split=arguments.split,
        max_jets=arguments.jets,
        repair=arguments.repair,
        progress=make_progress(arguments),
    )
    print(*paths, sep="\n")
    return 0
