"""Taggers as ONNX files, for programs without Python or torch.

The file takes prepared inputs, as :meth:`repro.models.tagger.Tagger.prepare` returns them: of the
columns that it names, z-scored already where the variant asks for it.  Any number of jets is one
batch.  PFN and PFIN are exported in their padded form (:mod:`repro.models.padded`).

The published pair masses of PFIN are rounding noise (quirk B17), which no two programs share to
the last bit.  The file makes four-momenta in double precision, so that all programs that run it
agree with each other; they agree with torch up to that noise.  With stable masses the noise is
gone.
"""

import importlib
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import repro
from repro.data.atomic import write_atomically
from repro.errors import NotAvailable
from repro.features.registry import find_inputs
from repro.models.padded import padded
from repro.models.tagger import Tagger

__all__ = ["INPUT", "LOGITS", "PROBABILITY", "describe", "export_onnx"]

INPUT = "inputs"
LOGITS = "logits"
PROBABILITY = "probability_of_top"

_MODULES = ("onnx", "onnxscript")
# What torch 2.13's exporter says of itself.
_NOISE = (DeprecationWarning, FutureWarning)


class _Probability(nn.Module):
    """P(top) from the logits of a network: (n,) or (n, 2) to (n,)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(inputs)
        return torch.sigmoid(logits if logits.ndim == 1 else logits[:, 1] - logits[:, 0])


def export_onnx(tagger: Tagger, path: Path, *, probabilities: bool = True) -> None:
    """Write a tagger as an ONNX file, whole or not at all.

    Args:
        tagger: Its network is used on the processor.
        path: The file; replaced if it exists.
        probabilities: Whether the output is P(top), (n,); else the logits as the network gives
            them, (n,) or (n, 2) of QCD and top.

    Raises:
        NotAvailable: If the extra ``onnx`` is not installed.
        BadInput: If the file cannot be written.
    """
    for name in _MODULES:
        _load(name)
    network = padded(tagger.network.cpu().eval(), portable=True)
    output = PROBABILITY if probabilities else LOGITS
    precision = next(network.parameters()).dtype
    # Two jets: of one, the exporter would take their number for a constant.
    example = torch.zeros(2, tagger.card.inputs, dtype=precision)
    with _quiet():
        program: Any = torch.onnx.export(
            _Probability(network).eval() if probabilities else network,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[output],
            dynamic_shapes=({0: torch.export.Dim("jets")},),
        )
    model = program.model_proto
    _forget_origins(model.graph)
    _load("onnx").helper.set_model_props(model, describe(tagger, output))
    write_atomically(path, model.SerializeToString())


def describe(tagger: Tagger, output: str) -> dict[str, str]:
    """Return what the file says of itself.

    Args:
        tagger: What was exported.
        output: Name of the output.

    Returns:
        Texts; lists are JSON.
    """
    card = tagger.card
    features = find_inputs(card.family).features()
    columns = [features[position] for position in card.columns(features)]
    standardised = [features[position] for position in card.standardised(features)]
    return {
        "model": card.name,
        "output": output,
        "input_columns": json.dumps(columns),
        "standardised_columns": json.dumps(standardised),
        "stable_pair_mass": json.dumps(bool(getattr(tagger.network, "stable_mass", False))),
        "weights": json.dumps([f"{file.source}, {file.id}" for file in tagger.weights]),
        "weights_sha256": json.dumps([file.sha256 for file in tagger.weights]),
        "repro_version": repro.__version__,
    }


def _forget_origins(graph: Any) -> None:  # noqa: ANN401 - a message of protobuf
    """Remove what torch notes of each step: lines of its source, and where they lie on disk."""
    steps = (graph.node, graph.initializer, graph.value_info, graph.input, graph.output)
    for step in (graph, *(entry for entries in steps for entry in entries)):
        del step.metadata_props[:]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what the exporter says of itself, which is nothing that a user can change."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for category in _NOISE:
                warnings.simplefilter("ignore", category)
            yield
    finally:
        logging.disable(before)


def _load(name: str) -> Any:  # noqa: ANN401 - untyped
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotAvailable(
            f"{name} is not installed and the export needs it: pip install 'repro[onnx]'"
        ) from error
