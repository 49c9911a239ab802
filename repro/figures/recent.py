"""Samples that were used lately, within bounds."""

import math
from collections.abc import Callable, Hashable

from repro.data.spooled import IN_MEMORY
from repro.features.samples import Sample

__all__ = ["RecentSamples"]


class RecentSamples:
    """Samples by key: items that follow each other often want the same one.

    The paper's 404,000 test jets have inputs of 145 MB for TopoDNN, which most items explain.

    Args:
        most: Keep samples of so many bytes together; the last one is kept however large it is.
    """

    def __init__(self, most: int = IN_MEMORY) -> None:
        self._most = most
        self._samples: dict[Hashable, Sample] = {}

    def get(self, key: Hashable, read: Callable[[], Sample]) -> Sample:
        """Return the sample of a key, read if it is not here; let go of those not used longest."""
        sample = self._samples.pop(key) if key in self._samples else read()
        self._samples[key] = sample  # the last one, in the order of use
        while len(self._samples) > 1 and self.size > self._most:
            del self._samples[next(iter(self._samples))]
        return sample

    @property
    def size(self) -> int:
        """Bytes of the samples that are kept, in memory or in files."""
        return sum(
            math.prod(array.shape) * array.dtype.itemsize
            for sample in self._samples.values()
            for array in (sample.inputs, sample.labels, sample.rows)
        )
