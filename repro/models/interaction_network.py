"""The Interaction Network for H→bb̄ jets (arXiv:2211.12770; architecture of arXiv:1909.12285).

A row of inputs is the track features that a variant sees, each of 60 slots, then its vertex
features, each of 5 slots, see :mod:`repro.features.interaction`.  Two logits (QCD, H→bb̄).

An edge goes from each track slot to each other one, and from each vertex slot to each track slot:
f_R and f_R^pv see the two that it joins, receiver first.  A track slot gets the sums over its
edges; f_O sees it with them, and the sum of f_O over all slots is what is classified.  There is a
ReLU after each layer but the last.

Padding takes part in all of it, as published: empty slots send, receive and are summed, so the
network sees how many tracks there are.  They are all equal, so a jet with k tracks has k² + k + 1
edges between slots that differ, not 3540; those are computed, and counted (:mod:`.distinct`).
First layers are linear in the two ends of an edge: each end is multiplied once, and edges add two
numbers.  Matrices have features as rows, so that sums over edges run along memory.

Source: FAIR4HEP/hbb_interaction_network, ``src/models/models.py``.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from repro.data.hbb.features import TRACK_SLOTS, VERTEX_SLOTS
from repro.models.dense import linear_layers, relu_layers
from repro.models.distinct import (
    DistinctSlots,
    Memory,
    counted_sum,
    groups_of_distinct_slots,
    tiles,
)
from repro.models.host import selection
from repro.models.interaction_activity import sums_of_activations
from repro.models.interaction_relevance import Through, relevance_of_group

__all__ = ["LAYERS", "InteractionNetwork", "dense"]

LAYERS = ("fr1", "fr2", "fr3", "fr1_pv", "fr2_pv", "fr3_pv", "fo1", "fo2", "fo3")
"""The authors' names of the hidden layers: of f_R, of f_R^pv, of f_O."""

_CLASSES = 2
# Activations of the edges that are computed together.  On a processor they should stay in the cache
# of each core; on other devices each tile has to be large enough to be worth a start.
_EDGE_BYTES_OF_CORE = 2**22
_EDGE_BYTES_ELSEWHERE = 2**28
# Different slots that are computed together: their own layers are thin, and starts cost time.
_SLOTS_PER_GROUP = {"cpu": 2**12}
_SLOTS_PER_GROUP_ELSEWHERE = 2**18
# Where gradients are wanted, all activations of a group are kept until it is differentiated: they
# should still be in the cache then.
_SLOTS_PER_GROUP_LEARNED = {"cpu": 2**9}

_Visit = Callable[[int, Tensor, slice, slice], None]


def _unseen(*_: object) -> None:
    """Look at no activations."""


class InteractionNetwork(nn.Module):
    """Interaction Network of tracks and secondary vertices.

    Args:
        tracks: Number of features of a track.
        vertices: Number of features of a vertex.
        hidden: Sizes of the two hidden layers of f_R, f_R^pv and f_O.
        edge_features: Size of what an edge carries, D_E.
        node_features: Size of what a slot becomes, D_O.
        slots: Number of track slots and of vertex slots.

    Attributes:
        edges: f_R, from 2 · tracks to edge_features.
        vertex_edges: f_R^pv, from tracks + vertices to edge_features.
        nodes: f_O, from tracks + 2 · edge_features to node_features.
        classifier: From node_features to the logits.
        edge_bytes: Bytes of activations that are computed together; None: as suits the device.
        layers: Names of the hidden layers.
    """

    layers = LAYERS

    def __init__(
        self,
        tracks: int,
        vertices: int,
        hidden: Sequence[int],
        edge_features: int,
        node_features: int,
        *,
        slots: tuple[int, int] = (TRACK_SLOTS, VERTEX_SLOTS),
    ) -> None:
        super().__init__()
        self.tracks, self.vertices = tracks, vertices
        self.track_slots, self.vertex_slots = slots
        self.edges = relu_layers([2 * tracks, *hidden, edge_features])
        self.vertex_edges = relu_layers([tracks + vertices, *hidden, edge_features])
        self.nodes = relu_layers([tracks + 2 * edge_features, *hidden, node_features])
        self.classifier = nn.Linear(node_features, _CLASSES)
        self.edge_bytes: int | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (n, 2) of rows of inputs (n, tracks · 60 + vertices · 5)."""
        logits: Tensor = self.classifier(self.pooled(inputs))
        return logits

    def split(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the tracks (n, features, 60) and vertices (n, features, 5) of rows of inputs."""
        # Not len(): an exporter would take the number of jets for a constant.
        jets, width = inputs.shape[0], self.tracks * self.track_slots
        tracks = inputs[:, :width].reshape(jets, self.tracks, self.track_slots)
        return tracks, inputs[:, width:].reshape(jets, self.vertices, self.vertex_slots)

    def pooled(self, inputs: Tensor, effects: list[Tensor] | None = None) -> Tensor:
        """Return the sum of f_O over all slots, (n, node_features), which is classified.

        Args:
            inputs: (n, inputs).
            effects: What the edges between tracks add up to, group by group: is filled if it is
                empty, and taken as it is if it is not.
        """
        total = inputs.new_zeros(len(inputs), self.classifier.in_features)
        rows, parts = [], []
        memory = Memory(inputs)
        known = iter(effects or ())
        for group, vertices in self.groups(inputs):
            found = next(known, None)
            if found is None:
                found = self._effects(group, memory, _unseen)
                if effects is not None:
                    effects.append(found)
            nodes = self.run_group(group, vertices, memory, effects=found)
            rows.append(group.rows)
            parts.append(counted_sum(nodes, group.counts).T)
        return total.index_copy(0, torch.cat(rows), torch.cat(parts).to(total)) if rows else total

    def groups(self, inputs: Tensor) -> Iterator[tuple[DistinctSlots, Tensor]]:
        """Yield all jets in groups: their different track slots, and vertices (features, m, 5)."""
        tracks, vertices = self.split(inputs)
        suited = _SLOTS_PER_GROUP_LEARNED if torch.is_grad_enabled() else _SLOTS_PER_GROUP
        most = suited.get(inputs.device.type, _SLOTS_PER_GROUP_ELSEWHERE)
        for group in groups_of_distinct_slots(tracks, most):
            yield group, vertices[group.rows].permute(1, 0, 2)

    def run_group(
        self,
        group: DistinctSlots,
        vertices: Tensor,
        memory: Memory,
        visit: _Visit = _unseen,
        effects: Tensor | None = None,
    ) -> Tensor:
        """Return f_O of the different slots of a group of jets.

        Args:
            group: The m jets, with k different track slots.
            vertices: (features, m, vertex slots).
            memory: Where activations may lie.
            visit: Is shown the activations of each hidden layer, by its number in
                :data:`LAYERS`, and for which of the jets and which of their rows they are:
                edges (nodes, jets, receivers, senders), vertex edges (nodes, jets, vertices,
                tracks), slots (nodes, jets, slots).  They are overwritten afterwards.
            effects: What the edges between tracks add up to, if it is known: they are not visited.

        Returns:
            (node_features, m, k).
        """
        shape = group.values.shape[1:]
        values = group.values.flatten(1)
        if effects is None:
            effects = self._effects(group, memory, visit)
        vertex_effects = self._vertex_effects(group, vertices, memory, visit)
        found = torch.cat([values, effects.flatten(1), vertex_effects.flatten(1)])
        everything = slice(0, shape[0]), slice(0, shape[1])
        for number, layer in enumerate(linear_layers(self.nodes)):
            found = dense(layer, found)
            visit(6 + number, found.view(-1, *shape), *everything)
        return found.view(-1, *shape)

    def substitute_group(
        self, inputs: Tensor
    ) -> tuple[Tensor, Callable[[tuple[int, ...], Tensor], Tensor]]:
        """Return the logits (n, 2), and a function of columns and their new values (n, m) to them.

        Where vertices alone are changed, edges between tracks stay as they are.

        Args:
            inputs: (n, inputs), the jets with nothing changed.
        """
        width = self.tracks * self.track_slots
        kept: list[Tensor] = []

        def evaluate(columns: tuple[int, ...], values: Tensor) -> Tensor:
            changed = inputs.clone()
            changed[:, selection(columns)] = values.to(inputs)
            effects = kept if min(columns) >= width else None
            logits: Tensor = self.classifier(self.pooled(changed, effects))
            return logits

        return self.classifier(self.pooled(inputs, kept)), evaluate

    @torch.no_grad()
    def summed_activations(
        self, inputs: Tensor, *, fired: bool = False, padding: bool = True
    ) -> list[Tensor]:
        """Return the activations of each hidden layer, summed over the edges or slots of each jet.

        Those of edges and slots that are equal are computed once, and count as often as there are
        such.

        Args:
            inputs: (n, inputs).
            fired: Whether activations count as 1 where they are not zero.
            padding: Whether empty slots, and edges with one, are summed as well (as published).

        Returns:
            (n, nodes) for each of :data:`LAYERS`.
        """
        return sums_of_activations(self, inputs, fired=fired, padding=padding)

    def propagated_relevance(self, inputs: Tensor, start: Tensor, through: Through) -> Tensor:
        """Return the relevance of the inputs, (n, inputs), from that of the logits.

        What is equal is computed once, as in the forward pass: it is equally relevant.

        Args:
            inputs: (n, inputs).
            start: (n, 2), relevance of the logits.
            through: Gives the relevance of the inputs of layers from that of their outputs.
        """
        found = torch.zeros_like(inputs)
        tracks, vertices = self.split(found)
        for group, of_vertices in self.groups(inputs):
            of_group = relevance_of_group(self, group, of_vertices, start[group.rows], through)
            # Slots of the group stand for those of the jets that they were taken from.
            tracks[group.rows] = tracks[group.rows].scatter(2, group.places, of_group[0])
            vertices[group.rows] = of_group[1]
        return torch.cat([tracks.flatten(1), vertices.flatten(1)], dim=1)

    def _effects(self, group: DistinctSlots, memory: Memory, visit: _Visit) -> Tensor:
        """Return the sum of f_R over all edges to each slot, (edge_features, m, k)."""
        _, jets, count = group.values.shape
        first, *others = linear_layers(self.edges)
        receivers, senders = self._ends(first, group.values, group.values)
        found = []
        for some, parts in tiles(jets, count, count, self._edges_at_once(group.values)):
            sums = []
            for part in parts:
                ends = receivers[:, some, part, None], senders[:, some, None]
                edges = self._edge_layers(ends, others, memory, _at(visit, 0, some, part))
                total = counted_sum(edges, group.counts)
                # No slot sends to itself; nor does an empty one, to which the others do.
                itself = edges.diagonal(offset=part.start, dim1=2, dim2=3)
                sums.append(total - itself)
            found.append(torch.cat(sums, dim=2))
        return torch.cat(found, dim=1)

    def _vertex_effects(
        self, group: DistinctSlots, vertices: Tensor, memory: Memory, visit: _Visit
    ) -> Tensor:
        """Return the sum of f_R^pv over all vertices for each slot, (edge_features, m, k)."""
        _, jets, count = group.values.shape
        slots = self.vertex_slots
        first, *others = linear_layers(self.vertex_edges)
        receivers, senders = self._ends(first, group.values, vertices)
        found = []
        for some, _ in tiles(jets, slots, count, self._edges_at_once(group.values)):
            ends = receivers[:, some, None], senders[:, some, :, None]
            shown = _at(visit, 3, some, slice(0, slots))
            edges = self._edge_layers(ends, others, memory, shown)
            found.append(edges.sum(dim=2))
        return torch.cat(found, dim=1)

    def _ends(self, first: nn.Linear, receivers: Tensor, senders: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the two ends of edges add to a first layer, (nodes, m, ends) each."""
        weights = first.weight[:, : self.tracks], first.weight[:, self.tracks :]
        of_receivers = torch.addmm(first.bias[:, None], weights[0], receivers.flatten(1))
        of_senders = torch.mm(weights[1], senders.flatten(1))
        return (
            of_receivers.view(-1, *receivers.shape[1:]),
            of_senders.view(-1, *senders.shape[1:]),
        )

    def _edge_layers(
        self,
        ends: tuple[Tensor, Tensor],
        layers: Sequence[nn.Linear],
        memory: Memory,
        visit: Callable[[int, Tensor], None],
    ) -> Tensor:
        """Return the last layer of edges (edge_features, jets, rows, columns)."""
        shape = [max(sizes) for sizes in zip(*(end.shape for end in ends), strict=True)]
        found = torch.add(*ends, out=memory.piece(0, *shape)).relu_()
        visit(0, found)
        found = found.flatten(1)
        for place, layer in enumerate(layers, 1):
            found = dense(layer, found, memory.piece(place, layer.out_features, found.shape[1]))
            visit(place, found.view(-1, *shape[1:]))
        return found.view(-1, *shape[1:])

    def _edges_at_once(self, like: Tensor) -> int:
        layers = linear_layers(self.edges)
        of_cores = _EDGE_BYTES_OF_CORE * torch.get_num_threads()
        suited = of_cores if like.device.type == "cpu" else _EDGE_BYTES_ELSEWHERE
        chosen = self.edge_bytes or suited
        return chosen // (like.element_size() * sum(layer.out_features for layer in layers))


def _at(visit: _Visit, number: int, jets: slice, rows: slice) -> Callable[[int, Tensor], None]:
    """Return a visit of the layers from a number on, of some jets and rows."""
    return lambda place, found: visit(number + place, found, jets, rows)


def dense(layer: nn.Linear, values: Tensor, out: Tensor | None = None) -> Tensor:
    """Return a layer with its ReLU, (outputs, items), of values (inputs, items)."""
    return torch.addmm(layer.bias[:, None], layer.weight, values, out=out).relu_()
