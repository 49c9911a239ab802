"""``repro score``: the scores of a tagger for all jets of a file."""

import argparse
import io
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli.options import (
    add_device,
    add_verbosity,
    add_weights,
    check_published,
    make_context,
    positive,
)
from repro.errors import BadInput

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from repro.models.tagger import Tagger

__all__ = ["add_parser", "run"]

_LOG = logging.getLogger(__name__)

_DESCRIPTION = """\
Score the jets of a file with a tagger: P(top) of each jet, as a NumPy array (n,) of float32 in
the order of the file, and NaN where the tagger is undefined (jets without constituents; MBNS, of
fewer than 8). The file is a table in the paper's format or packed jets. The constituents of each
jet must be ordered by pt, as in the paper's data: the networks look at places, and nothing is
ordered here."""

_EPILOG = """\
examples:
  repro score topodnn:v4 jets.h5 --out scores.npy
  repro score pfin jets.h5 --out scores.npy --corrected --device cuda"""


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
        "model", metavar="MODEL[:VARIANT]", help="topodnn, mbns, pfn, pfin or augpfn"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the jets (HDF5)")
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
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score, write, and print what was done."""
    _check_out(arguments.out, arguments.file)
    from repro.data.atomic import write_atomically  # noqa: PLC0415 - with numpy, as all below
    from repro.data.open_jets import open_jets  # noqa: PLC0415
    from repro.models.cards import find_card  # noqa: PLC0415

    card = find_card(arguments.model)
    check_published(card, arguments.weights)
    with open_jets(arguments.file):
        pass  # complains before weights are fetched
    from repro.models.scoring import score_file  # noqa: PLC0415 - imports torch

    context = make_context(arguments, "weights", "device", "jets", "corrected")
    device, tagger = context.device, context.tagger(card.name)
    found, labels = score_file(
        arguments.file,
        {card.name: tagger},
        jets=arguments.jets,
        device=device,
        corrected=arguments.corrected,
        progress=context.progress,
    )
    scores = found[card.name]
    _warn_of_other_quirks(arguments)
    summary = _summary(tagger, arguments, scores, labels)
    write_atomically(arguments.out, _npy(scores))
    print(*summary, f"wrote {arguments.out}", sep="\n")
    return 0


def _warn_of_other_quirks(arguments: argparse.Namespace) -> None:
    """Say so if a training's weights have seen inputs with the quirks on and these are off."""
    try:
        text = Path(arguments.weights).with_name("card.json").read_text("utf-8")
        corrected = bool(json.loads(text)["training"]["corrected"])
    except (OSError, ValueError, LookupError, TypeError):
        return  # no weights of a training
    if corrected != arguments.corrected:
        trained, fix = ("off", "give") if corrected else ("on", "leave out")
        _LOG.warning(
            "%s was trained with the originals' quirks %s: %s --corrected to score likewise",
            arguments.weights,
            trained,
            fix,
        )


def _check_out(out: Path, file: Path) -> None:
    """Refuse what cannot be written before anything is computed.

    Raises:
        BadInput: If the path is not a NumPy file's, is that of the jets, or cannot be written.
    """
    if out.suffix != ".npy":
        raise BadInput(f"--out {out}: scores are a NumPy array: give a name that ends in .npy")
    if out.resolve() == file.resolve():
        raise BadInput(f"--out {out}: these are the jets: give another name")
    if out.is_dir():
        raise BadInput(f"--out {out} is a folder: give a file in it")
    folder = next(parent for parent in out.resolve().parents if os.access(parent, os.F_OK))
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise BadInput(f"--out {out}: {folder} cannot be written: choose another folder")


def _npy(array: Any) -> bytes:
    import numpy as np  # noqa: PLC0415 - slow

    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _summary(
    tagger: "Tagger", arguments: argparse.Namespace, scores: Any, labels: Any
) -> Sequence[str]:
    """Return what was done, line by line: model, weights, jets, AUC."""
    import numpy as np  # noqa: PLC0415 - slow

    from repro.metrics import auc_interval, rank_jets  # noqa: PLC0415 - imports scipy

    known = ~np.isnan(scores)
    missing = int((~known).sum())
    jets = f"{len(scores):,} jets of {arguments.file.name}"
    lines = [
        f"model: {tagger.card.name}{', quirks corrected' if arguments.corrected else ''}",
        *(
            f"weights: {file.source}, {file.id}, sha256 {file.sha256[:12]}"
            for file in tagger.weights
        ),
        f"jets: {jets}, {f'{missing:,} of them' if missing else 'none'} without a score",
    ]
    qcd, top = (int((labels[known] == label).sum()) for label in (0, 1))
    if min(qcd, top) > 1:  # the fewest that an interval can be had of
        area = auc_interval(rank_jets(scores[known], labels[known]))
        low, value, high = (f"{100 * edge:.2f}" for edge in (area.low, area.value, area.high))
        lines.append(f"AUC (%): {value} [{low}, {high}] on {top:,} top and {qcd:,} QCD jets")
    return lines
