"""The roofline of a network: what a device could do, by its products and by its memory.

A network has to multiply its matrices, and to move what its operations read and write.  A device
cannot be faster than its own rate of such products, nor than its bandwidth, both measured here.
What operations read from a cache is counted as moved: of small jets on a processor the share can be
more than one.

Source: Williams, Waterman and Patterson, Communications of the ACM 52 (2009) 65.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from repro.benchmarks.timing import measure_times
from repro.models.tagger import predict_logits

__all__ = ["Device", "measure_device", "moved_bytes"]

# Large enough for the rate not to depend on it, small enough for a busy processor.
_SIZE = {"cpu": 1024}
_SIZE_ELSEWHERE = 8192
_COPIED = {"cpu": 2**26}
_COPIED_ELSEWHERE = 2**30


@dataclass(frozen=True)
class Device:
    """What a device can do in one precision.

    Attributes:
        operations: Per second, in the product of two large square matrices.
        bandwidth: Bytes that a copy reads and writes per second.
    """

    operations: float
    bandwidth: float

    def least_seconds(self, operations: float, moved: float) -> float:
        """Return the time that it takes at least.

        >>> Device(operations=100.0, bandwidth=10.0).least_seconds(200, 50)
        5.0
        """
        return max(operations / self.operations, moved / self.bandwidth)


def measure_device(device: str, precision: torch.dtype, repeats: int) -> Device:
    """Measure a device; products in the mode, such as TF32, that torch is set to.

    Args:
        device: Which.
        precision: Of the matrices.
        repeats: The shortest of so many times counts.
    """
    kind = torch.device(device).type
    size = _SIZE.get(kind, _SIZE_ELSEWHERE)
    generator = torch.Generator().manual_seed(0)
    square = torch.rand(size, size, generator=generator).to(device, precision)
    found = torch.empty_like(square)
    given = torch.ones(_COPIED.get(kind, _COPIED_ELSEWHERE), dtype=torch.uint8, device=device)
    copied = torch.empty_like(given)
    with torch.inference_mode():
        multiplying, copying = measure_times(
            [lambda: torch.mm(square, square, out=found), lambda: copied.copy_(given)],
            repeats,
            device,
        )
    return Device(2 * size**3 / multiplying.least, 2 * given.numel() / copying.least)


def moved_bytes(network: nn.Module, inputs: NDArray[np.floating], device: str = "cpu") -> int:
    """Return the bytes that the operations of a network read and write for these jets.

    Args:
        network: On the device.
        inputs: (n, inputs), in its precision.
        device: Where to compute.

    >>> layer = nn.Linear(3, 4, bias=False)
    >>> moved_bytes(layer, np.zeros((5, 3), np.float32)) == 4 * (15 + 12 + 20)
    True
    """
    counting = _Moving()
    with counting:
        predict_logits(network, inputs, device)
    return counting.total


class _Moving(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up what operations read and write; those that only look at memory otherwise do not."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self,
        function: Any,  # noqa: ANN401 - an operator of torch
        types: object,
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the operator gives
        found = function(*arguments, **(options or {}))
        read, written = list(_tensors(arguments)), list(_tensors(found))
        known = {tensor.untyped_storage().data_ptr() for tensor in read}
        if any(tensor.untyped_storage().data_ptr() not in known for tensor in written):
            self.total += sum(t.numel() * t.element_size() for t in (*read, *written))
        return found


def _tensors(value: Any) -> Iterator[Tensor]:  # noqa: ANN401 - arguments of an operator
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _tensors(entry)
