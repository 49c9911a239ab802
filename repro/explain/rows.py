"""Inputs that need not be in memory."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows"]


class Rows(Protocol):
    """Inputs (n, columns) that are read when a slice of them is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Jets and columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the inputs."""

    def __len__(self) -> int:
        """Return the number of jets."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.floating]:
        """Return the inputs of consecutive jets."""

    def whole(self) -> NDArray[np.floating]:
        """Return the inputs of all jets."""
