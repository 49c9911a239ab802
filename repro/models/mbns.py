"""MBNS (multi-body N-subjettiness): a dense float64 network, two logits (QCD, top).

Source: FAIR4HEP/xAI4toptagger, ``multimodel.py``; the shipped weights are float64.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from repro.models.cards import Card
from repro.models.dense import DenseNetwork
from repro.models.state import read_state, rename_layers

__all__ = ["authors_names", "build", "read_authors"]

_CLASSES = 2


def build(card: Card) -> DenseNetwork:
    """Return the untrained network of a variant: (n, inputs) to (n, 2), in float64.

    >>> from repro.models.cards import find_card
    >>> [layer.p for layer in build(find_card("mbns")).layers if hasattr(layer, "p")]
    [0.2, 0.2, 0.1, 0.1]
    """
    # As published: layer i of all layer sizes, inputs and outputs included, drops a fifth if
    # it is in the first half.
    half = (len(card.hidden) + 2) / 2
    dropout = [0.2 if i < half else 0.1 for i in range(1, len(card.hidden) + 1)]
    return DenseNetwork(card.inputs, card.hidden, _CLASSES, dropout).double()


def read_authors(card: Card, files: Sequence[Path]) -> Mapping[str, Tensor]:
    """Return the state dict from the authors' file.

    Raises:
        BadInput: If the file is no state dict.
    """
    (path,) = files
    return rename_layers(read_state(path), authors_names(card))


def authors_names(card: Card) -> dict[str, str]:
    """Return our names of all layers by the authors'."""
    # Linear, ReLU and dropout make one block of theirs and three layers of ours.
    return {f"_nn.{i}.0": f"layers.{3 * i}" for i in range(len(card.hidden) + 1)}
