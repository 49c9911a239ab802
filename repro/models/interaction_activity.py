"""Activations of the Interaction Network, summed over the edges or slots of each jet."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from repro.models.dense import linear_layers
from repro.models.distinct import DistinctSlots, Memory, counted_sum

if TYPE_CHECKING:
    from repro.models.interaction_network import InteractionNetwork

__all__ = ["sums_of_activations"]

_KINDS = ("edges", "vertex_edges", "slots")
_Weigh = Callable[[str, Tensor, slice, slice], Tensor]


def sums_of_activations(
    network: "InteractionNetwork", inputs: Tensor, *, fired: bool, padding: bool
) -> list[Tensor]:
    """Return the sums (n, nodes) of each hidden layer.

    Args:
        network: Whose layers.
        inputs: (n, inputs).
        fired: Whether activations count as 1 where they are not zero.
        padding: Whether empty slots, and edges with one, are summed as well.
    """
    layers = [
        layer
        for block in (network.edges, network.vertex_edges, network.nodes)
        for layer in linear_layers(block)
    ]
    sums = [inputs.new_zeros(len(inputs), layer.out_features) for layer in layers]
    memory = Memory(inputs)
    for group, vertices in network.groups(inputs):
        weigh = _by_counts(group) if padding else _by_filled(group, vertices)
        network.run_group(group, vertices, memory, _adding(sums, group.rows, weigh, fired=fired))
    return sums


def _adding(
    sums: list[Tensor], jets_of_group: Tensor, weigh: _Weigh, *, fired: bool
) -> Callable[[int, Tensor, slice, slice], None]:
    """Return what adds the activations that it is shown to the sums of their jets."""

    def visit(number: int, found: Tensor, jets: slice, rows: slice) -> None:
        found = (found > 0).to(found.dtype) if fired else found
        total = weigh(_KINDS[number // 3], found, jets, rows)
        sums[number].index_add_(0, jets_of_group[jets], total.T)

    return visit


def _by_counts(group: DistinctSlots) -> _Weigh:
    """Return the sum (nodes, m) of activations over all edges or slots, empty ones as well.

    Matrix products with the counts: what has to be read is read once, and nothing is copied.
    """
    counts = group.counts

    def weigh(kind: str, found: Tensor, _jets: slice, rows: slice) -> Tensor:
        summed = counted_sum(found, counts)
        if kind == "edges":
            itself = found.diagonal(offset=rows.start, dim1=2, dim2=3)
            return (summed - itself) @ counts[rows]
        return summed.sum(dim=2) if kind == "vertex_edges" else summed

    return weigh


def _by_filled(group: DistinctSlots, vertices: Tensor) -> _Weigh:
    """Return the sum (nodes, m) over filled slots, and edges between such.

    Args:
        group: The jets.
        vertices: (features, m, vertex slots).
    """
    filled = group.filled.to(vertices.dtype)
    of_vertices = (vertices != 0).any(dim=0).to(vertices.dtype)

    def weigh(kind: str, found: Tensor, jets: slice, rows: slice) -> Tensor:
        slots = filled[jets]
        if kind == "edges":
            itself = found.diagonal(offset=rows.start, dim1=2, dim2=3)
            received = (found * slots[:, None]).sum(dim=3) - itself
            return (received * slots[:, rows]).sum(dim=2)
        if kind == "vertex_edges":
            return (found * (of_vertices[jets, :, None] * slots[:, None])).sum(dim=(2, 3))
        return (found * slots).sum(dim=2)

    return weigh
