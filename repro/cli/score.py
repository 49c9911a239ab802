"""``repro score``: the scores of a tagger for all jets of a file."""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli.options import (
    add_device,
    add_tracks,
    add_verbosity,
    add_weights,
    check_published,
    make_context,
    positive,
)
from repro.cli.scorers import SCORERS, check_options
from repro.data.atomic import check_writable, write_atomically
from repro.errors import BadInput

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from repro.models.tagger import Tagger

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Score the jets of a file with a tagger: P(top) of each jet, as a NumPy array (n,) of float32 in
the order of the file, and NaN where the tagger is undefined (jets without constituents; MBNS, of
fewer than 8). The file is a table in the paper's format or packed jets. The constituents of each
jet must be ordered by pt, as in the paper's data: the networks look at places, and nothing is
ordered here.

The Interaction Networks (in) score files of CERN Open Data record 12102: P(H->bb) of each jet, also
of jets without tracks. The file is a ROOT file, its HDF5 twin or a processed file, or the https
address of one, of which only the jets that are scored are transferred. Jets that are neither H->bb
nor QCD have a score; --unlabelled says whether the AUC counts them."""

_EPILOG = """\
examples:
  repro score topodnn:v4 jets.h5 --out scores.npy
  repro score pfin jets.h5 --out scores.npy --corrected --device cuda
  repro score in:baseline ntuple_merged_0.h5 --out scores.npy --unlabelled removed"""


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "score",
        help="apply a tagger to the jets of a file",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model", metavar="MODEL[:VARIANT]", help="topodnn, mbns, pfn, pfin, augpfn or in"
    )
    parser.add_argument("file", metavar="FILE", help="the jets (HDF5; for in, ROOT as well)")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="SCORES.npy", help="where the scores go"
    )
    add_weights(parser)
    add_device(parser)
    parser.add_argument("--jets", type=positive, metavar="N", help="score the first N jets")
    parser.add_argument(
        "--corrected",
        action="store_true",
        help="switch the originals' quirks off (the networks were trained with them)",
    )
    add_tracks(parser)
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score, write, and print what was done."""
    _check_out(arguments.out, arguments.file)
    from repro.features.registry import objects_of  # noqa: PLC0415 - with numpy, as all below
    from repro.models.cards import find_card  # noqa: PLC0415

    card = find_card(arguments.model)
    scorer = SCORERS[objects_of(card.family)]
    check_options(arguments, card.name, scorer)
    check_published(card, arguments.weights)
    scorer.check(arguments)  # complains before weights are fetched
    context = make_context(arguments, "weights", "device", "jets", "corrected")
    _ = context.device  # likewise
    tagger = context.tagger(card.name)
    scored = scorer.score(arguments, context, tagger)
    write_atomically(arguments.out, _npy(scored.scores))
    print(*_weights(tagger, arguments), *scored.lines, f"wrote {arguments.out}", sep="\n")
    return 0


def _check_out(out: Path, file: str) -> None:
    """Refuse what cannot be written before anything is computed.

    Raises:
        BadInput: If the path is not a NumPy file's, is that of the jets, or cannot be written.
    """
    if out.suffix != ".npy":
        raise BadInput(f"--out {out}: scores are a NumPy array: give a name that ends in .npy")
    if out.resolve() == Path(file).resolve():
        raise BadInput(f"--out {out}: these are the jets: give another name")
    if out.is_dir():
        raise BadInput(f"--out {out} is a folder: give a file in it")
    check_writable(out)


def _npy(array: Any) -> bytes:
    import numpy as np  # noqa: PLC0415 - slow

    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _weights(tagger: "Tagger", arguments: argparse.Namespace) -> Iterator[str]:
    """Yield which model it was, and each file of its weights."""
    yield f"model: {tagger.card.name}{', quirks corrected' if arguments.corrected else ''}"
    for file in tagger.weights:
        yield f"weights: {file.source}, {file.id}, sha256 {file.sha256[:12]}"
