"""Taggers as ONNX files, for programs without Python or torch.

The file takes prepared inputs, as :meth:`repro.models.tagger.Tagger.prepare` returns them: of the
columns that it names, z-scored already where the variant asks for it.  Any number of jets is one
batch.  PFN and PFIN are exported in their padded form (:mod:`repro.models.padded`).  The
Interaction Network takes its tracks (jets, features, 60) and vertices (jets, features, 5), zero
where there is none.

The file says whether its output is a probability already (``softmax``): the authors' own file has
the softmax inside, and their evaluation applies it again (dossier, section 4.7, quirk 9).

The published pair masses of PFIN are rounding noise (quirk B17), which no two programs share to
the last bit.  The file makes four-momenta in double precision, so that all programs that run it
agree with each other; they agree with torch up to that noise.  With stable masses the noise is
gone.
"""

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
from repro.data.hbb.features import track_features, vertex_features
from repro.data.optional import load_optional
from repro.features.registry import features_of
from repro.models.interaction import kept_features
from repro.models.interaction_network import InteractionNetwork
from repro.models.padded import padded
from repro.models.tagger import Tagger

__all__ = ["INPUT", "LOGITS", "PROBABILITY", "describe", "export_onnx", "output_of"]

INPUT = "inputs"
LOGITS = "logits"
PROBABILITY = "probability_of_top"

_ARRAYS = ("tracks", "vertices")
_PROBABILITIES = {"in": "probability_of_hbb"}

_MODULES = ("onnx", "onnxscript")
# What torch 2.13's exporter says of itself.
_NOISE = (DeprecationWarning, FutureWarning)


class _Probability(nn.Module):
    """P(class 1) from the logits of a network: (n,) or (n, 2) to (n,)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(*inputs)
        return torch.sigmoid(logits if logits.ndim == 1 else logits[:, 1] - logits[:, 0])


class _OfArrays(nn.Module):
    """An Interaction Network that takes tracks and vertices by themselves."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tracks: Tensor, vertices: Tensor) -> Tensor:
        logits: Tensor = self.network(torch.cat([tracks.flatten(1), vertices.flatten(1)], dim=1))
        return logits


def output_of(tagger: Tagger, *, probabilities: bool) -> str:
    """Return the name of the output of a tagger's file."""
    return _PROBABILITIES.get(tagger.card.family, PROBABILITY) if probabilities else LOGITS


def export_onnx(tagger: Tagger, path: Path, *, probabilities: bool = True) -> None:
    """Write a tagger as an ONNX file, whole or not at all.

    Args:
        tagger: Its network is used on the processor.
        path: The file; replaced if it exists.
        probabilities: Whether the output is P(top) or P(H→bb̄), (n,); else the logits as the
            network gives them, (n,) or (n, 2), QCD first.

    Raises:
        NotAvailable: If the extra ``onnx`` is not installed.
        BadInput: If the file cannot be written.
    """
    for name in _MODULES:
        _load(name)
    network = tagger.network.cpu().eval()
    output = output_of(tagger, probabilities=probabilities)
    form, examples = padded(network, portable=True), _examples(network, tagger.card.inputs)
    if len(examples) > 1:
        form = _OfArrays(form)
    jets = torch.export.Dim("jets")
    # A bare forward of several inputs takes them as one argument.
    shapes = tuple({0: jets} for _ in examples)
    with _quiet():
        program: Any = torch.onnx.export(
            _Probability(form).eval() if probabilities else form.eval(),
            examples,
            dynamo=True,
            verbose=False,
            input_names=[INPUT] if len(examples) == 1 else list(_ARRAYS),
            output_names=[output],
            dynamic_shapes=(shapes,) if probabilities else shapes,
        )
    model = program.model_proto
    _forget_origins(model.graph)
    _load("onnx").helper.set_model_props(model, describe(tagger, output))
    write_atomically(path, model.SerializeToString())


def _examples(network: nn.Module, width: int) -> tuple[Tensor, ...]:
    """Return what a file takes: rows of inputs, or tracks and vertices."""
    # Two jets: of one, the exporter would take their number for a constant.
    rows = torch.zeros(2, width, dtype=next(network.parameters()).dtype)
    return network.split(rows) if isinstance(network, InteractionNetwork) else (rows,)


def describe(tagger: Tagger, output: str) -> dict[str, str]:
    """Return what the file says of itself.

    Args:
        tagger: What was exported.
        output: Name of the output.

    Returns:
        Texts; lists are JSON.
    """
    card = tagger.card
    return {
        "model": card.name,
        "output": output,
        "softmax": json.dumps(output != LOGITS),
        **{name: json.dumps(value) for name, value in _inputs(tagger).items()},
        "weights": json.dumps([f"{file.source}, {file.id}" for file in tagger.weights]),
        "weights_sha256": json.dumps([file.sha256 for file in tagger.weights]),
        "repro_version": repro.__version__,
    }


def _inputs(tagger: Tagger) -> dict[str, Any]:
    """Return what the file says of its inputs."""
    card = tagger.card
    if isinstance(tagger.network, InteractionNetwork):
        all_features = track_features(), vertex_features()
        return {
            f"features_of_{array}": [features[position].name for position in kept]
            for array, features, kept in zip(
                _ARRAYS, all_features, kept_features(card), strict=True
            )
        }
    features = features_of(card.family)
    return {
        "input_columns": [features[position] for position in card.columns(features)],
        "standardised_columns": [features[position] for position in card.standardised(features)],
        "stable_pair_mass": bool(getattr(tagger.network, "stable_mass", False)),
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
            # Of arrays that have the same number of jets, as they must.
            warnings.filterwarnings("ignore", "# The axis name: jets", UserWarning)
            yield
    finally:
        logging.disable(before)


def _load(name: str) -> Any:  # noqa: ANN401 - untyped
    return load_optional(name, "the export needs it: pip install 'repro[onnx]'")
