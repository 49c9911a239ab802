"""Weights to begin with: drawn at random, or taken from an earlier training.

Sources: FAIR4HEP/xAI4toptagger, option ``preload`` of the training of PFIN: the corners in which
tensors overlap; arXiv:2212.05081, retraining of the Interaction Network with fewer features: what
belongs to those that it sees (:mod:`repro.models.preload`).
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models import preload as surgery
from repro.models.interaction import feature_counts, kept_features
from repro.models.tagger import Tagger

__all__ = ["begin_with", "initialise", "preload"]


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


def begin_with(tagger: Tagger, state: Mapping[str, Tensor], *, corrected: bool) -> list[str]:
    """Begin with the weights of another network, in the way of the tagger's family.

    Args:
        tagger: Its network gets the weights; what they have nothing for stays as it is.
        state: Tensors by name.
        corrected: Whether the originals' quirks are off.

    Returns:
        Names of the tensors that were taken.

    Raises:
        BadInput: If the weights have nothing in common with the network, or a number is none.
    """
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise BadInput(f"the weights to begin with: tensor {name} holds NaN or infinity")
    return _BEGIN.get(tagger.card.family, _corners)(tagger, state, corrected)


def _corners(tagger: Tagger, state: Mapping[str, Tensor], _corrected: bool) -> list[str]:
    return preload(tagger.network, state)


def _features(tagger: Tagger, state: Mapping[str, Tensor], corrected: bool) -> list[str]:
    """Take from an Interaction Network what belongs to the features that this one sees."""
    fresh = tagger.network.state_dict()
    given = feature_counts(state)
    tracks, vertices = kept_features(tagger.card)
    if given == (len(tracks), len(vertices)):
        # It sees no fewer: its features are those of the other one.
        tracks, vertices = list(range(given[0])), list(range(given[1]))
    elif given != surgery.BASELINE_FEATURES:
        raise BadInput(
            f"the weights to begin with see {given[0]} track and {given[1]} vertex features: "
            f"{tagger.card.name} can begin with those of in:baseline, or its own"
        )
    found = surgery.preload(fresh, state, tracks, vertices, corrected=corrected)
    tagger.network.load_state_dict(dict(found.state))
    return [name for name in fresh if name not in found.random]


_BEGIN: dict[str, Callable[[Tagger, Mapping[str, Tensor], bool], list[str]]] = {"in": _features}


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
