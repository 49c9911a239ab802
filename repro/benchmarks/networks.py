"""How fast a network is: as it is used, as its plain version, and as the machine's limit.

The plain version computes all slots and all pairs and multiplies what is padding by zero
(:mod:`repro.models.padded`), as the authors' networks do.  How fast it is depends on how many
jets are computed together: small batches stay in the processor's cache.  So it is measured in the
authors' batches, which the ratio refers to, and in smaller ones, of which the fastest is named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from repro.benchmarks.features import Measured
from repro.benchmarks.machine import best_times
from repro.benchmarks.products import count_operations, matrix_products, multiplication_rate
from repro.errors import BadInput
from repro.features.registry import FAMILIES
from repro.models.padded import padded
from repro.models.tagger import Tagger, predict_logits

__all__ = [
    "AUTHORS_BATCH",
    "DEFAULT_MODELS",
    "NetworkSpeed",
    "inputs_of_tagger",
    "measure_network",
]

DEFAULT_MODELS = ("topodnn", "mbns", "pfn", "pfin:sum", "pfin:cat")

AUTHORS_BATCH = 250
"""Jets in one batch of the authors' training of PFN and PFIN."""
_SMALLER_BATCHES = (4, 16, 64)


@dataclass(frozen=True)
class NetworkSpeed:
    """What was measured of one network.

    Attributes:
        model: ``family:variant``.
        jets: How many jets the network got.
        jets_per_second: Of the network as it is used.
        plain_jets: How many jets its plain version got; None if it is plain itself.
        plain: Jets per second of the plain version, by the number of jets in a batch.
        largest_difference: Between logits of the two, of the largest logit.
        operations_per_jet: Of the network's products of matrices.
        rate: Operations per second of the network.
        limit: Operations per second of this machine for such products alone.
    """

    model: str
    jets: int
    jets_per_second: float
    plain_jets: int | None
    plain: dict[int, float]
    largest_difference: float | None
    operations_per_jet: float
    rate: float
    limit: float

    @property
    def ratio(self) -> float | None:
        """How many times faster than the plain version in the authors' batches."""
        return self.jets_per_second / self.plain[AUTHORS_BATCH] if self.plain else None

    @property
    def ratio_to_fastest_plain(self) -> float | None:
        """How many times faster than the plain version in its fastest batches."""
        return self.jets_per_second / max(self.plain.values()) if self.plain else None

    @property
    def share(self) -> float:
        """Part of the limit that is reached."""
        return self.rate / self.limit

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON has it; rates in operations or jets per second."""
        derived = ("ratio", "ratio_to_fastest_plain", "share")
        return {
            **vars(self),
            "plain": {str(batch): rate for batch, rate in self.plain.items()},
            **{name: getattr(self, name) for name in derived},
        }


def inputs_of_tagger(tagger: Tagger, measured: Measured) -> NDArray[np.floating]:
    """Return what the network of a tagger gets for these jets, in its precision.

    Raises:
        BadInput: If no jet has inputs.
        NotAvailable: If subjettiness is needed, and neither it nor FastJet is there.
    """
    family = FAMILIES[tagger.card.family]
    inputs = family.compute(measured.four_momenta, measured.taus)
    rows = tagger.prepare(inputs, family.features())
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not len(rows):
        raise BadInput(f"none of these jets has inputs of {tagger.card.name}: give more jets")
    precision = str(_precision(tagger.network)).removeprefix("torch.")
    return np.asarray(rows, dtype=np.dtype(precision))


def measure_network(
    tagger: Tagger, inputs: NDArray[np.floating], repeats: int, device: str = "cpu"
) -> NetworkSpeed:
    """Measure a network and its plain version on the same jets, taking turns.

    Args:
        tagger: Its network is moved to the device.
        inputs: (n, inputs), from :func:`inputs_of_tagger`.
        repeats: The shortest of so many times counts.
        device: Where to compute.
    """
    network = tagger.network.to(device)
    plain = padded(network)
    products = matrix_products(network, inputs, device)
    some = inputs[:AUTHORS_BATCH] if plain is not network else inputs[:0]
    batches = (*_SMALLER_BATCHES, AUTHORS_BATCH) if len(some) else ()
    runs: list[Callable[[], object]] = [lambda: predict_logits(network, inputs, device)]
    runs += [_in_batches(plain, some, batch, device) for batch in batches]
    seconds, *plain_seconds = best_times(runs, repeats, device)
    operations = count_operations(products)
    return NetworkSpeed(
        model=tagger.card.name,
        jets=len(inputs),
        jets_per_second=len(inputs) / seconds,
        plain_jets=len(some) or None,
        plain={batch: len(some) / each for batch, each in zip(batches, plain_seconds, strict=True)},
        largest_difference=_difference(network, plain, some, device) if len(some) else None,
        operations_per_jet=operations / len(inputs),
        rate=operations / seconds,
        limit=multiplication_rate(products, repeats, _precision(network), device),
    )


def _in_batches(
    network: nn.Module, inputs: NDArray[np.floating], batch: int, device: str
) -> Callable[[], Sequence[NDArray[np.floating]]]:
    parts = [inputs[start : start + batch] for start in range(0, len(inputs), batch)]
    return lambda: [predict_logits(network, part, device) for part in parts]


def _difference(
    network: nn.Module, plain: nn.Module, inputs: NDArray[np.floating], device: str
) -> float:
    wanted, found = (predict_logits(version, inputs, device) for version in (network, plain))
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def _precision(network: nn.Module) -> torch.dtype:
    return next(network.parameters()).dtype
