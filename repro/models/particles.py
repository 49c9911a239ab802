"""Sets of constituents: rows of slots, of which only the filled ones are computed.

Padding is skipped, not multiplied by zero: jets with equally many constituents are computed
together, without any padding, in groups of bounded size.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

__all__ = ["gather_real", "groups_of_equal_count", "split_slots"]

QUANTITIES = 3


def split_slots(inputs: Tensor, slots: int) -> tuple[Tensor, Tensor]:
    """Return the slots (n, slots, 3) of rows of inputs, and the columns after them.

    >>> slots, rest = split_slots(torch.zeros(5, 10), 2)
    >>> slots.shape, rest.shape
    (torch.Size([5, 2, 3]), torch.Size([5, 4]))
    """
    width = QUANTITIES * slots
    return inputs[:, :width].reshape(len(inputs), slots, QUANTITIES), inputs[:, width:]


def groups_of_equal_count(
    real: Tensor, items: Callable[[int], int], most: int
) -> Iterator[tuple[Tensor, int]]:
    """Yield groups of jets with the same number of constituents; jets without any are left out.

    Args:
        real: (n, slots), whether a slot is filled.
        items: How many items a jet with that many constituents is computed with.
        most: Groups have at most that many items, or one jet.

    Yields:
        Rows (m,) and the number of constituents that each of these jets has.

    >>> real = torch.tensor([[True, False], [True, True], [False, True], [False, False]])
    >>> [(rows.tolist(), count) for rows, count in groups_of_equal_count(real, int, 100)]
    [([0, 2], 1), ([1], 2)]
    """
    counts = real.sum(dim=1)
    for count in torch.unique(counts).tolist():
        if count:
            rows = torch.nonzero(counts == count).squeeze(1)
            for part in torch.split(rows, max(1, most // max(1, items(count)))):
                yield part, count


def gather_real(slots: Tensor, real: Tensor, rows: Tensor, count: int) -> Tensor:
    """Return the filled slots (m, count, 3) of the jets of a group, in their order.

    Args:
        slots: (n, slots, 3).
        real: (n, slots), whether a slot is filled.
        rows: (m,), jets with ``count`` filled slots each.
        count: Number of filled slots.
    """
    return slots[rows][real[rows]].reshape(len(rows), count, slots.shape[-1])
