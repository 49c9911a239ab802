"""Weights of a large Interaction Network as the beginning of a smaller one's.

The authors train networks that see fewer features not from random weights, but from those of the
baseline: tensors of equal shape are copied, and of first layers the columns of the features that
are left.  What does not fit keeps its random weights.  Before any training such a network gives
what the baseline gives with the other features set to zero.

Quirk: where edges carry fewer numbers (D_E), first layers of f_O take the columns of the first
2 · D_E of both sums together, which are not those of D_E numbers of each; and the last layers of
f_R and f_R^pv, of another shape, stay random.  All published networks that were preloaded have the
D_E of the baseline.  Corrected, the first D_E numbers of each are taken, with the nodes that make
them: the network then begins as the baseline with the others cut off.

Source: FAIR4HEP/hbb_interaction_network, ``src/models/train.py``; dossier, section 4.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from repro.data.hbb.features import track_features, vertex_features

__all__ = ["BASELINE_FEATURES", "Preloaded", "cosines", "preload"]

# First layers, whose columns belong to features; our names, see repro.models.interaction_network.
_EDGES, _VERTEX_EDGES, _NODES = "edges.0.weight", "vertex_edges.0.weight", "nodes.0.weight"
_LAST = "edges.4", "vertex_edges.4"

BASELINE_FEATURES = len(track_features()), len(vertex_features())
"""How many features of a track and of a vertex the baseline sees."""


@dataclass(frozen=True, eq=False)
class Preloaded:
    """A state dict to begin with.

    Attributes:
        state: All tensors of the smaller network.
        random: Names of those that keep their random weights.
    """

    state: Mapping[str, Tensor]
    random: tuple[str, ...]


def preload(
    fresh: Mapping[str, Tensor],
    baseline: Mapping[str, Tensor],
    tracks: Sequence[int],
    vertices: Sequence[int],
    *,
    corrected: bool = False,
) -> Preloaded:
    """Return the weights of a smaller network, taken from a larger one where they fit.

    Args:
        fresh: State dict of the smaller network, with random weights; not changed.
        baseline: State dict of the larger network.
        tracks: Positions of the track features that the smaller one sees among those of the
            larger one, see :func:`repro.models.interaction.kept_features`.
        vertices: Positions of its vertex features, likewise.
        corrected: Whether the quirk is off.
    """
    edge_features = fresh["edges.4.bias"].shape[0]
    cut = _cut(baseline, tracks, vertices, edge_features, corrected=corrected)
    fits = {name: name in cut and cut[name].shape == tensor.shape for name, tensor in fresh.items()}
    state = {name: (cut if fits[name] else fresh)[name].clone() for name in fresh}
    return Preloaded(state, tuple(name for name in fresh if not fits[name]))


def cosines(
    state: Mapping[str, Tensor],
    baseline: Mapping[str, Tensor],
    tracks: Sequence[int],
    vertices: Sequence[int],
) -> dict[str, float]:
    """Return the cosine between each tensor of a network and what preloading would put there.

    Their mean is near 1 for networks that were preloaded and near 0 for others, however long they
    were trained.  Tensors that do not fit are left out: of networks with other hidden layers all
    but a few biases, which say nothing.

    Args:
        state: State dict of the network.
        baseline: As in :func:`preload`.
        tracks: As in :func:`preload`.
        vertices: As in :func:`preload`.
    """
    found = preload(state, baseline, tracks, vertices)
    return {
        name: float(torch.cosine_similarity(tensor.flatten(), found.state[name].flatten(), dim=0))
        for name, tensor in state.items()
        if name not in found.random
    }


def _cut(
    baseline: Mapping[str, Tensor],
    tracks: Sequence[int],
    vertices: Sequence[int],
    edge_features: int,
    *,
    corrected: bool,
) -> dict[str, Tensor]:
    """Return the tensors of a larger network without what a smaller one does not see."""
    # Inputs of f_R are two tracks, those of f_R^pv a track and a vertex.
    all_tracks = baseline[_EDGES].shape[1] // 2
    both = [baseline[f"{layer}.bias"].shape[0] for layer in _LAST]
    cut = dict(baseline)
    cut[_EDGES] = _columns(baseline[_EDGES], tracks, [all_tracks + i for i in tracks])
    cut[_VERTEX_EDGES] = _columns(
        baseline[_VERTEX_EDGES], tracks, [all_tracks + i for i in vertices]
    )
    if edge_features > min(both):
        sums = [all_tracks + i for i in range(sum(both))]
    elif corrected:
        starts = all_tracks, all_tracks + both[0]
        sums = [start + i for start in starts for i in range(edge_features)]
        for layer in _LAST:
            for leaf in ("weight", "bias"):
                cut[f"{layer}.{leaf}"] = baseline[f"{layer}.{leaf}"][:edge_features]
    else:
        sums = [all_tracks + i for i in range(2 * edge_features)]
    cut[_NODES] = _columns(baseline[_NODES], tracks, sums)
    return cut


def _columns(weights: Tensor, *parts: Sequence[int]) -> Tensor:
    return weights[:, [column for part in parts for column in part]]
