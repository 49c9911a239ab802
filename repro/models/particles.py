"""Sets of constituents: rows of slots, of which only the filled ones are computed.

Padding is skipped, not multiplied by zero: jets with equally many constituents are computed
together, without any padding, in groups of bounded size.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from repro.models.host import waiting_for

__all__ = ["groups_of_equal_count", "split_slots", "sum_over_groups"]

QUANTITIES = 3


def split_slots(inputs: Tensor, slots: int) -> tuple[Tensor, Tensor]:
    """Return the slots (n, slots, 3) of rows of inputs, and the columns after them.

    >>> slots, rest = split_slots(torch.zeros(5, 10), 2)
    >>> slots.shape, rest.shape
    (torch.Size([5, 2, 3]), torch.Size([5, 4]))
    """
    width = QUANTITIES * slots
    # Not len(): an exporter would take the number of jets for a constant.
    return inputs[:, :width].reshape(inputs.shape[0], slots, QUANTITIES), inputs[:, width:]


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
    counts, order = torch.sort(real.sum(dim=1), stable=True)
    with waiting_for(counts.device):
        numbers, jets = torch.unique_consecutive(counts, return_counts=True)
        found, sizes = numbers.tolist(), jets.tolist()
    for count, rows in zip(found, torch.split(order, sizes), strict=True):
        if count:
            for part in torch.split(rows, max(1, most // max(1, items(count)))):
                yield part, count


def sum_over_groups(  # noqa: PLR0917 - the last two go on to groups_of_equal_count
    function: Callable[[Tensor, Tensor], Tensor],
    slots: Tensor,
    real: Tensor,
    width: int,
    items: Callable[[int], int],
    most: int,
) -> Tensor:
    """Return a function of each jet's constituents, computed without padding.

    Args:
        function: From the filled slots (m, k, columns) of jets with equally many, and the rows
            (m,) of these jets, to (m, width).
        slots: (n, slots, columns).
        real: (n, slots), whether a slot is filled.
        width: Number of columns of the result.
        items: How many items a jet with that many constituents is computed with.
        most: The function gets at most that many items, or one jet.

    Returns:
        (n, width); zero for a jet without constituents.

    >>> slots = torch.tensor([[[1.0], [2.0]], [[3.0], [0.0]], [[0.0], [0.0]]])
    >>> real = slots[..., 0] != 0
    >>> sum_over_groups(lambda filled, _: filled.sum(dim=1), slots, real, 1, int, 100).tolist()
    [[3.0], [3.0], [0.0]]
    """
    total = slots.new_zeros(len(slots), width)
    groups = list(groups_of_equal_count(real, items, most))
    if not groups:
        return total
    order = torch.cat([rows for rows, _ in groups])
    # One gather for all groups: each of them is then a view of consecutive constituents.
    with waiting_for(real.device):
        jet, slot = torch.nonzero(real[order], as_tuple=True)
    filled = slots[order[jet], slot]
    sizes = [len(rows) * count for rows, count in groups]
    results = [
        function(part.reshape(len(rows), count, -1), rows)
        for part, (rows, count) in zip(torch.split(filled, sizes), groups, strict=True)
    ]
    return total.index_copy(0, order, torch.cat(results))
