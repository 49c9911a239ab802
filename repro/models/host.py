"""The device, where computing waits for it on purpose, and how it does not otherwise."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from repro.errors import BadInput

__all__ = ["AtOnce", "choose_device", "selection", "waiting_for"]


@dataclass(frozen=True)
class AtOnce:
    """How many rows are computed together.

    Attributes:
        processor: So many that they stay in the cache.
        elsewhere: So many that a GPU is busy for longer than it takes to launch its kernels.
    """

    processor: int
    elsewhere: int

    def on(self, device: torch.device) -> int:
        """Return the number for a device.

        >>> AtOnce(processor=2, elsewhere=8).on(torch.device("cpu"))
        2
        """
        return self.processor if device.type == "cpu" else self.elsewhere


def choose_device(chosen: str) -> str:
    """Return the device to compute on.

    Raises:
        BadInput: If it is not there.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", chosen):
        raise BadInput(f"unknown device {chosen!r}: give auto, cpu, cuda or cuda:1")
    if chosen == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"--device {chosen} cannot be used ({reason}): try cpu") from error
    return chosen


@contextmanager
def waiting_for(device: torch.device | str) -> Iterator[None]:
    """Allow the host and a device to wait for each other, where torch is told to refuse that.

    Batches are copied to the device and results from it; and sizes have to be known before memory
    can be taken, so how many jets there are of each number of constituents is asked once for a
    batch.  All else stays on the device: a test makes sure of that by
    ``torch.cuda.set_sync_debug_mode("error")``.

    Args:
        device: Which; a processor waits for nobody.

    >>> with waiting_for("cpu"):
    ...     torch.nonzero(torch.tensor([0, 3])).tolist()
    [[1]]
    """
    if torch.device(device).type != "cuda":
        yield
        return
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("default")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def selection(columns: tuple[int, ...]) -> slice | list[int]:
    """Return what selects columns: a slice if they lie side by side.

    A list would be copied to the device each time, which waits for it.

    >>> selection((3,)), selection((3, 4, 5)), selection((3, 5))
    (slice(3, 4, None), slice(3, 6, None), [3, 5])
    """
    first, last = columns[0], columns[-1]
    beside = columns == tuple(range(first, last + 1))
    return slice(first, last + 1) if beside else list(columns)
