"""Relevance in the Interaction Network: from its logits to tracks and vertices.

Layers share relevance by a rule that is given (:func:`repro.explain.lrp.propagate`).  A sum over
slots or edges shares it in proportion to what each adds.  Edges give it to their two ends.

Source: FAIR4HEP/hbb_interaction_network, notebook 4.0; dossier, section 4.6.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from repro.models.dense import linear_layers
from repro.models.distinct import DistinctSlots, tiles

if TYPE_CHECKING:
    from repro.models.interaction_network import InteractionNetwork

__all__ = ["Through", "relevance_of_group"]

Through = Callable[[Sequence[nn.Linear], Tensor, Tensor], Tensor]
"""From layers, their inputs (n, inputs) and the relevance of their outputs (n, outputs) to that of
the inputs."""

# As published: sums of what comes out of a ReLU are never negative.
_SMALL = 1e-5
_EDGES_AT_ONCE = 2**15


def relevance_of_group(
    network: "InteractionNetwork",
    group: DistinctSlots,
    vertices: Tensor,
    start: Tensor,
    through: Through,
) -> tuple[Tensor, Tensor]:
    """Return the relevance of tracks (m, features, k) and of vertices (m, features, slots).

    Args:
        network: Its layers are used.
        group: The m jets, with k different track slots.
        vertices: (features, m, vertex slots).
        start: (m, 2), relevance of the logits.
        through: How layers share relevance.
    """
    tracks, vertices = (part.permute(1, 2, 0) for part in (group.values, vertices))
    jets, count, _ = tracks.shape
    parts = [
        _relevance(network, tracks[some], vertices[some], group.counts, start[some], through)
        for some, _ in tiles(jets, count, count, _EDGES_AT_ONCE)
    ]
    of_tracks, of_vertices = (
        torch.cat(found).transpose(1, 2) for found in zip(*parts, strict=True)
    )
    return of_tracks, of_vertices


def _relevance(  # noqa: PLR0917 - one computation from end to end
    network: "InteractionNetwork",
    tracks: Tensor,
    vertices: Tensor,
    counts: Tensor,
    start: Tensor,
    through: Through,
) -> tuple[Tensor, Tensor]:
    """Return the relevance of tracks (m, k, features) and vertices (m, slots, features)."""
    width = tracks.shape[2]
    # How many edges there are from each sender (columns) to one receiver (rows).
    edges_to = counts - torch.eye(len(counts)).to(counts)
    both = _joined(tracks, tracks)
    edges = network.edges(both)
    effects = (edges * edges_to[..., None]).sum(dim=2)
    with_vertices = _joined(tracks, vertices)
    vertex_edges = network.vertex_edges(with_vertices)
    vertex_effects = vertex_edges.sum(dim=2)
    seen = torch.cat([tracks, effects, vertex_effects], dim=2)
    nodes = network.nodes(seen)
    pooled = (nodes * counts[:, None]).sum(dim=1)

    of_pooled = through([network.classifier], pooled, start)
    of_nodes = nodes * (of_pooled / (pooled + _SMALL))[:, None]
    sizes = [width, effects.shape[2], vertex_effects.shape[2]]
    direct, of_effects, of_vertex_effects = torch.split(
        _through(through, network.nodes, seen, of_nodes), sizes, dim=2
    )
    of_edges = edges * (of_effects / (effects + _SMALL))[:, :, None]
    of_both = _through(through, network.edges, both, of_edges)
    received = (of_both[..., :width] * edges_to[..., None]).sum(dim=2)
    # And how many from one sender to each receiver.
    sent = (of_both[..., width:] * edges_to.T[..., None]).sum(dim=1)
    of_vertex_edges = vertex_edges * (of_vertex_effects / (vertex_effects + _SMALL))[:, :, None]
    of_ends = _through(through, network.vertex_edges, with_vertices, of_vertex_edges)
    of_tracks = direct + received + sent + of_ends[..., :width].sum(dim=2)
    return of_tracks, (of_ends[..., width:] * counts[:, None, None]).sum(dim=1)


def _joined(receivers: Tensor, senders: Tensor) -> Tensor:
    """Return all pairs (m, receivers, senders, features of both)."""
    shape = -1, receivers.shape[1], senders.shape[1], -1
    return torch.cat([receivers[:, :, None].expand(shape), senders[:, None].expand(shape)], dim=3)


def _through(through: Through, layers: nn.Sequential, inputs: Tensor, relevance: Tensor) -> Tensor:
    """Return the relevance (..., inputs) of the inputs of layers that run on many things."""
    flat = inputs.flatten(0, -2), relevance.flatten(0, -2)
    return through(linear_layers(layers), *flat).view(inputs.shape)
