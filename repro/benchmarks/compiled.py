"""What ``torch.compile`` gives, and on CUDA its graphs: beside the network as it is used.

Compiled code wants fixed shapes, so what is compiled is the padded version
(:mod:`repro.models.padded`): whether that pays depends on how much of the jets is padding.  All of
them get the same jets in one batch of the authors' training, and take turns.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repro.benchmarks.networks import authors_batch_of
from repro.benchmarks.timing import measure_times
from repro.models.compiling import compile_network
from repro.models.padded import padded
from repro.models.tagger import Tagger, predict_logits

__all__ = ["WAYS", "CompiledSpeed", "measure_compiled"]

WAYS: Mapping[str, str] = {"compiled": "default", "graphs": "reduce-overhead"}
"""Modes of ``torch.compile`` by their names here; ``graphs`` replays CUDA graphs, on CUDA alone."""


_CACHE = "TORCHINDUCTOR_CACHE_DIR"


@dataclass(frozen=True)
class CompiledSpeed:
    """What was measured of a compiled network.

    Attributes:
        model: ``family:variant``.
        way: A name of :data:`WAYS`.
        jets: In the one batch that all get.
        jets_per_second: Of the compiled network, with the median and its spread.
        used_per_second: Of the network as it is used, likewise.
        padded_per_second: Of what is compiled, without compiling it.
        seconds_to_compile: Of the first call, which compiles, less a median one.
        largest_difference: Of a logit to the network as it is used, of the largest.
    """

    model: str
    way: str
    jets: int
    jets_per_second: Mapping[str, Any]
    used_per_second: Mapping[str, Any]
    padded_per_second: Mapping[str, Any]
    seconds_to_compile: float
    largest_difference: float

    @property
    def ratio(self) -> float:
        """How many times faster than the network as it is used."""
        return float(self.jets_per_second["median"] / self.used_per_second["median"])

    @property
    def jets_to_pay(self) -> float | None:
        """How many jets until the time to compile is won back; None if it never is.

        >>> rates = [{"median": rate} for rate in (200.0, 100.0, 50.0)]
        >>> CompiledSpeed("pfn", "compiled", 250, *rates, 10.0, 0.0).jets_to_pay
        2000.0
        """
        won = 1 / self.used_per_second["median"] - 1 / self.jets_per_second["median"]
        return self.seconds_to_compile / won if won > 0 else None

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {**vars(self), "ratio": self.ratio, "jets_to_pay": self.jets_to_pay}


def measure_compiled(
    tagger: Tagger, inputs: NDArray[np.floating], repeats: int, device: str = "cpu"
) -> Iterator[CompiledSpeed]:
    """Measure a network compiled in each way that the device has.

    Args:
        tagger: Its network is moved to the device.
        inputs: (n, inputs), of which the first make a batch.
        repeats: The median of so many times counts.
        device: Where to compute.

    Raises:
        NotAvailable: If torch cannot compile here.
    """
    network = tagger.network.to(device)
    plain = padded(network)
    some = inputs[: authors_batch_of(tagger.card.family)]
    wanted = predict_logits(network, some, device)
    ways = [way for way in WAYS if way != "graphs" or device.startswith("cuda")]
    for way in ways:
        torch.compiler.reset()
        with _nothing_compiled_before():
            compiled = compile_network(network, WAYS[way])
            start = time.perf_counter()
            found = predict_logits(compiled, some, device)
            first = time.perf_counter() - start
        runs = [_scoring(version, some, device) for version in (compiled, network, plain)]
        fast, used, slow = measure_times(runs, repeats, device)
        yield CompiledSpeed(
            model=tagger.card.name,
            way=way,
            jets=len(some),
            jets_per_second=fast.rates(len(some)),
            used_per_second=used.rates(len(some)),
            padded_per_second=slow.rates(len(some)),
            seconds_to_compile=max(first - fast.median, 0.0),
            largest_difference=float(np.abs(found - wanted).max() / np.abs(wanted).max()),
        )


@contextmanager
def _nothing_compiled_before() -> Iterator[None]:
    """Let torch's compiler begin with an empty cache, so that its time is all of it."""
    before = os.environ.get(_CACHE)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[_CACHE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[_CACHE]
            else:
                os.environ[_CACHE] = before


def _scoring(
    network: Callable[[Tensor], Tensor], inputs: NDArray[np.floating], device: str
) -> Callable[[], object]:
    return lambda: predict_logits(network, inputs, device)
