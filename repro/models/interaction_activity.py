"""Activations of the Interaction Network, summed over the edges or slots of each jet."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from repro.models.dense import linear_layers
from repro.models.distinct import DistinctSlots, Memory

if TYPE_CHECKING:
    from repro.models.interaction_network import InteractionNetwork

__all__ = ["sums_of_activations"]


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
        filled = group.filled.to(inputs.dtype), (vertices != 0).any(dim=0).to(inputs.dtype)
        counted = group.counts.expand_as(filled[0]), torch.ones_like(filled[1])
        slots, of_vertices = counted if padding else filled

        def visit(  # noqa: PLR0917 - bound to this turn of the loop
            number: int,
            found: Tensor,
            jets: slice,
            rows: slice,
            group: DistinctSlots = group,
            slots: Tensor = slots,
            of_vertices: Tensor = of_vertices,
        ) -> None:
            found = (found > 0).to(found.dtype) if fired else found
            weights = slots[jets]
            if number < 3:
                itself = found.diagonal(offset=rows.start, dim1=2, dim2=3)
                received = (found * weights[:, None]).sum(dim=3) - itself
                total = (received * weights[:, rows]).sum(dim=2)
            elif number < 6:
                pairs = of_vertices[jets, :, None] * weights[:, None]
                total = (found * pairs).sum(dim=(2, 3))
            else:
                total = (found * weights).sum(dim=2)
            sums[number].index_add_(0, group.rows[jets], total.T)

        network.run_group(group, vertices, memory, visit)
    return sums
