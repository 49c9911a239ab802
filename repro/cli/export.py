"""``repro export``: write a tagger as an ONNX file."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.options import add_verbosity, add_weights, check_published, make_context
from repro.data.atomic import check_writable
from repro.errors import BadInput

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Write a tagger as an ONNX file, for programs without Python or torch. The file takes prepared
inputs, (jets, columns), in single precision (MBNS: double), and gives P(top), (jets,). It says
itself what its columns are, whose weights it has and their hashes: metadata properties of the
model. Variants that see standardised columns take them standardised. The Interaction Network (in)
takes tracks (jets, features, 60) and vertices (jets, features, 5), and gives P(Hbb).

The published pair masses of PFIN are rounding noise in single precision: P(top) differs from
torch's by less than 0.0001 on average, and by some 0.01 for single jets. With --corrected it does
not."""

_EPILOG = """\
examples:
  repro export pfn --out pfn.onnx
  repro export topodnn:v4 --weights mine.safetensors --logits --out mine.onnx"""


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        help="write a tagger as an ONNX file",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model", metavar="MODEL[:VARIANT]", help="topodnn, mbns, pfn, pfin, augpfn or in"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.onnx", help="the file")
    add_weights(parser)
    parser.add_argument("--logits", action="store_true", help="give logits, not P(top)")
    parser.add_argument(
        "--corrected",
        action="store_true",
        help="compute PFIN's pair masses without cancellation (it was trained with it)",
    )
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export, and print what was written."""
    if arguments.out.suffix != ".onnx" or arguments.out.is_dir():
        raise BadInput(f"--out {arguments.out}: give a file whose name ends in .onnx")
    check_writable(arguments.out)
    from repro.models.cards import find_card  # noqa: PLC0415

    card = find_card(arguments.model)
    check_published(card, arguments.weights)
    if arguments.corrected and card.family != "pfin":
        raise BadInput("--corrected: of the networks only PFIN has a quirk: leave it out")
    from repro.models.onnx_export import export_onnx, output_of  # noqa: PLC0415 - imports torch

    tagger = make_context(arguments, "weights", "corrected").tagger(card.name)
    export_onnx(tagger, arguments.out, probabilities=not arguments.logits)
    output = output_of(tagger, probabilities=not arguments.logits)
    for file in tagger.weights:
        print(f"weights: {file.source}, {file.id}, sha256 {file.sha256[:12]}")
    print(f"wrote {arguments.out}: {card.inputs} inputs to {output}")
    return 0
