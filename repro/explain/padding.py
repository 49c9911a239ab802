"""Which entries of the inputs are padding."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["FilledBy", "filled_entries", "filled_tensor"]

FilledBy = tuple[int | tuple[int, ...], ...]
"""For each column the position of the one that is zero where the column is padding, or several
that are all zero there."""


def filled_entries(values: NDArray[np.floating], filled_by: FilledBy) -> NDArray[np.bool_]:
    """Return which entries are no padding.

    Args:
        values: (n, columns).
        filled_by: Of some or all columns; empty: nothing is padding.

    Returns:
        (n, len(filled_by)), or of the shape of the values.

    >>> filled_entries(np.array([[0.0, 0.0, 2.0], [0.0, 1.0, 0.0]]), (0, (0, 1), 2))
    array([[False, False,  True],
           [False,  True, False]])
    """
    if not filled_by:
        return np.ones(values.shape, np.bool_)
    places = {key: place for place, key in enumerate(dict.fromkeys(filled_by))}
    filled = np.stack([(values[:, _columns(key)] != 0).any(axis=1) for key in places], axis=1)
    return np.asarray(filled[:, [places[key] for key in filled_by]])


def filled_tensor(values: Tensor, filled_by: FilledBy) -> Tensor:
    """Return the same of a tensor."""
    if not filled_by:
        return torch.ones_like(values, dtype=torch.bool)
    places = {key: place for place, key in enumerate(dict.fromkeys(filled_by))}
    filled = torch.stack([(values[:, _columns(key)] != 0).any(dim=1) for key in places], dim=1)
    return filled[:, [places[key] for key in filled_by]]


def _columns(key: int | tuple[int, ...]) -> list[int]:
    return [key] if isinstance(key, int) else list(key)
