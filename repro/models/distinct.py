"""Slots of jets of which equal ones are computed once and counted.

In a network whose padding takes part, the empty slots of a jet are all equal: vectors of zeros.
So what a jet is computed with is its filled slots, and one empty slot that counts as often as
there are empty ones.  Jets with equally many of them are computed together, in groups and tiles of
bounded size, without padding.  Which slots are filled does not matter.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from repro.models.particles import groups_of_equal_count

__all__ = ["DistinctSlots", "Memory", "counted_sum", "groups_of_distinct_slots", "tiles"]


@dataclass(frozen=True, eq=False)
class DistinctSlots:
    """Jets with equally many different slots.

    Attributes:
        rows: (m,), which jets these are.
        values: (features, m, k), their filled slots, then an empty one unless all are filled.
        counts: (k,), how many slots of the jet each of them stands for.
        filled: (m, k), whether a slot is filled.
        places: (m, features, k), which slots of the jets these are.
    """

    rows: Tensor
    values: Tensor
    counts: Tensor
    filled: Tensor
    places: Tensor


def groups_of_distinct_slots(values: Tensor, most: int) -> Iterator[DistinctSlots]:
    """Yield all jets, those with equally many different slots together.

    Args:
        values: (n, features, slots); a slot is empty if all of its features are zero.
        most: Groups have at most so many different slots, or one jet.

    >>> values = torch.tensor([[[0.0, 5.0, 0.0]], [[7.0, 8.0, 9.0]]])
    >>> for group in groups_of_distinct_slots(values, 100):
    ...     print(group.rows.tolist(), group.values.tolist(), group.counts.tolist())
    [0] [[[5.0, 0.0]]] [1.0, 2.0]
    [1] [[[7.0, 8.0, 9.0]]] [1.0, 1.0, 1.0]
    """
    _, features, slots = values.shape
    filled = (values != 0).any(dim=1)
    # Filled slots first, in their order.
    order = torch.argsort(filled.to(torch.uint8), dim=1, descending=True, stable=True)
    different = (filled.sum(dim=1, keepdim=True) + 1).clamp(max=slots)
    used = torch.arange(slots, device=values.device) < different
    for rows, count in groups_of_equal_count(used, int, most):
        places = order[rows, :count]
        everywhere = places[:, None].expand(-1, features, -1)
        chosen = values[rows].gather(2, everywhere)
        counts = values.new_ones(count)
        counts[-1] = slots - count + 1
        yield DistinctSlots(
            rows=rows,
            values=chosen.permute(1, 0, 2).contiguous(),
            counts=counts,
            filled=filled[rows].gather(1, places),
            places=everywhere,
        )


def counted_sum(values: Tensor, counts: Tensor) -> Tensor:
    """Return the sum over the last axis of values (..., k), each counted so many times.

    What has to be read is read once, and nothing is copied.  In the precision of the values, which
    autocast lowers and the counts are not: whole numbers up to 60 are exact in bfloat16.

    >>> counted_sum(torch.tensor([[1.0, 10.0]]), torch.tensor([2.0, 3.0])).tolist()
    [32.0]
    """
    return torch.mv(values.flatten(0, -2), counts.to(values.dtype)).view(values.shape[:-1])


def tiles(jets: int, rows: int, columns: int, most: int) -> Iterator[tuple[slice, list[slice]]]:
    """Cut tables (rows, columns) of jets into tiles of at most so many entries.

    Args:
        jets: Number of tables.
        rows: Rows of each.
        columns: Columns of each; a row is not cut.
        most: Entries of a tile, more only if one row has more.

    Yields:
        Some jets, and the parts of their rows that are computed one after the other.

    >>> list(tiles(3, 2, 2, 8))
    [(slice(0, 1, None), [slice(0, 2, None)]), (slice(1, 3, None), [slice(0, 2, None)])]
    >>> list(tiles(1, 2, 2, 3))
    [(slice(0, 1, None), [slice(0, 1, None), slice(1, 2, None)])]
    """
    parts = _parts(rows, max(1, most // columns))
    for some in _parts(jets, max(1, most // (rows * columns))):
        yield some, parts


def _parts(total: int, most: int) -> list[slice]:
    """Cut a range into parts of nearly the same size."""
    number = -(-total // most)
    edges = [total * part // number for part in range(number + 1)]
    return [slice(*ends) for ends in itertools.pairwise(edges)]


class Memory:
    """Pieces of memory that are used again for each tile.

    New memory for each would cost the system as much time as a network takes to fill it.  Where
    gradients are wanted all results are kept, so each gets memory of its own.

    Args:
        like: Pieces have its type and device.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._pieces: dict[int, Tensor] = {}
        self._kept = torch.is_grad_enabled()

    def piece(self, place: int, *shape: int) -> Tensor | None:
        """Return the memory of a place, in this shape; None if results are kept.

        What the same place held before is overwritten.
        """
        if self._kept:
            return None
        size = 1
        for length in shape:
            size *= length
        if place not in self._pieces or self._pieces[place].numel() < size:
            self._pieces[place] = self._like.new_empty(size)
        return self._pieces[place][:size].view(shape)
