"""Weights to begin with: drawn at random, or taken from an earlier training.

Source: FAIR4HEP/xAI4toptagger, option ``preload`` of the training of PFIN; the H→bb̄ works use the
same surgery to retrain with fewer inputs (arXiv:2212.05081).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from repro.errors import BadInput

__all__ = ["initialise", "preload"]


def initialise(network: nn.Module, kind: str, seed: int) -> None:
    """Draw the weights of a network.

    Args:
        network: Gets them.
        kind: ``torch``: each module's own ``reset_parameters``; ``glorot``: weights uniform in
            ±√(6 / (inputs + outputs)), biases zero, as Keras does.
        seed: The same seed gives the same weights.

    Raises:
        BadInput: If there is no such kind.
    """
    if kind not in _DRAW:
        raise BadInput(f"unknown initialisation {kind!r}: choose from {', '.join(_DRAW)}")
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            _DRAW[kind](module)


def _glorot(layer: nn.Linear) -> None:
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)


_DRAW = {"torch": nn.Linear.reset_parameters, "glorot": _glorot}


def preload(network: nn.Module, state: Mapping[str, Tensor]) -> list[str]:
    """Begin with the weights of another network: the corners in which the tensors overlap.

    Tensors that only partly overlap are zero elsewhere, as in the original; tensors that the
    other network lacks are left as drawn.

    Args:
        network: Gets the weights.
        state: Tensors by name.

    Returns:
        Names of the tensors that were taken, those of which only a corner was with ``(part)``.

    Raises:
        BadInput: If no tensor has a name and a number of dimensions in common.

    >>> layer = nn.Linear(3, 1)
    >>> preload(layer, {"weight": torch.ones(1, 2)}), layer.weight.tolist()
    (['weight (part)'], [[1.0, 1.0, 0.0]])
    """
    taken = []
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            given = state.get(name)
            if given is None or given.ndim != tensor.ndim:
                continue
            corner = tuple(
                slice(0, min(*sizes)) for sizes in zip(tensor.shape, given.shape, strict=True)
            )
            tensor.zero_()
            tensor[corner] = given[corner].to(tensor)
            taken.append(name if given.shape == tensor.shape else f"{name} (part)")
    if not taken:
        raise BadInput("the weights to begin with have no tensor in common with the network")
    return taken
