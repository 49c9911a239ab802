"""The Interaction Network with all of its edges, by the same operations for any data.

Both versions use the modules of the network, and give its logits.
"""

import itertools

import torch
from torch import Tensor, nn

from repro.models.dense import linear_layers
from repro.models.interaction_network import InteractionNetwork

__all__ = ["MatrixInteraction", "PortableInteraction"]


class MatrixInteraction(nn.Module):
    """As its authors compute it: incidence matrices take slots to edges, and sums back.

    Args:
        network: Its modules are used, not copied.

    Attributes:
        receivers, senders: (track slots, edges), 1 where an edge between tracks ends or begins.
        tracks, vertices: (slots, edges), 1 where an edge between a vertex and a track ends or
            begins.

    Source: FAIR4HEP/hbb_interaction_network, ``src/models/models.py``.
    """

    receivers: Tensor
    senders: Tensor
    tracks: Tensor
    vertices: Tensor

    def __init__(self, network: InteractionNetwork) -> None:
        super().__init__()
        self.network = network
        slots = range(network.track_slots)
        edges = [ends for ends in itertools.product(slots, repeat=2) if ends[0] != ends[1]]
        vertex_edges = list(itertools.product(slots, range(network.vertex_slots)))
        like = network.classifier.weight
        for name, ends, number in (
            ("receivers", [edge[0] for edge in edges], network.track_slots),
            ("senders", [edge[1] for edge in edges], network.track_slots),
            ("tracks", [edge[0] for edge in vertex_edges], network.track_slots),
            ("vertices", [edge[1] for edge in vertex_edges], network.vertex_slots),
        ):
            matrix = nn.functional.one_hot(torch.tensor(ends), number).T.to(like)
            self.register_buffer(name, matrix.contiguous(), persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (n, 2) of the inputs of the network."""
        network = self.network
        tracks, vertices = network.split(inputs)
        ends = [tracks @ self.receivers, tracks @ self.senders]
        effects = network.edges(torch.cat(ends, dim=1).transpose(1, 2).contiguous())
        ends = [tracks @ self.tracks, vertices @ self.vertices]
        vertex_effects = network.vertex_edges(torch.cat(ends, dim=1).transpose(1, 2).contiguous())
        sums = self.receivers @ effects, self.tracks @ vertex_effects
        nodes = network.nodes(torch.cat([tracks.transpose(1, 2), *sums], dim=2))
        logits: Tensor = network.classifier(nodes.sum(dim=1))
        return logits


class PortableInteraction(nn.Module):
    """All pairs of slots at once, without matrices: small files, for other programs.

    Args:
        network: Its modules are used, not copied.

    Attributes:
        others: (track slots, track slots, 1), 0 for a slot and itself, else 1.
    """

    others: Tensor

    def __init__(self, network: InteractionNetwork) -> None:
        super().__init__()
        self.network = network
        itself = torch.eye(network.track_slots).to(network.classifier.weight)
        self.register_buffer("others", (1 - itself)[..., None], persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (n, 2) of the inputs of the network."""
        network = self.network
        tracks, vertices = (part.transpose(1, 2) for part in network.split(inputs))
        effects = self._edges(network.edges, tracks, tracks) * self.others
        vertex_effects = self._edges(network.vertex_edges, tracks, vertices)
        nodes = network.nodes(torch.cat([tracks, effects.sum(2), vertex_effects.sum(2)], dim=2))
        logits: Tensor = network.classifier(nodes.sum(dim=1))
        return logits

    def _edges(self, layers: nn.Sequential, receivers: Tensor, senders: Tensor) -> Tensor:
        """Return the edges (n, receivers, senders, nodes) of all pairs."""
        weight, bias = linear_layers(layers)[0].parameters()
        width = receivers.shape[2]
        ends = receivers @ weight[:, :width].T + bias, senders @ weight[:, width:].T
        found: Tensor = layers[1:](ends[0][:, :, None] + ends[1][:, None])
        return found
