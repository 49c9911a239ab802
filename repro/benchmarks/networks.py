"""How fast a network is: as it is used, as its plain version, and as the machine's limit.

The plain version computes all slots and all pairs and multiplies what is padding by zero
(:mod:`repro.models.padded`), as the authors' networks do; in the Interaction Network padding
counts, and incidence matrices take slots to edges.  How fast it is depends on how many
jets are computed together: small batches stay in the processor's cache.  So it is measured in the
authors' batches, which the ratio refers to, and in smaller ones, of which the fastest is named.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from repro.benchmarks.features import Measured
from repro.benchmarks.products import (
    Product,
    count_operations,
    matrix_products,
    multiplication_rate,
)
from repro.benchmarks.timing import measure_times
from repro.errors import BadInput
from repro.features.registry import find_inputs
from repro.models.padded import padded
from repro.models.tagger import Scale, Tagger, predict_logits

__all__ = [
    "AUTHORS_BATCH",
    "DEFAULT_MODELS",
    "NetworkSpeed",
    "authors_batch_of",
    "iter_inputs_of_tagger",
    "measure_network",
]

DEFAULT_MODELS = ("topodnn", "mbns", "pfn", "augpfn", "pfin:sum", "pfin:cat", "in")

AUTHORS_BATCH = 250
"""Jets in one batch of the authors' training of PFN and PFIN; dense networks get as many here."""
_OTHER_BATCHES = {"in": 128}
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
        authors_batch: Jets in one batch of the authors' training.
        spread: Rates, which are medians, with all of :meth:`~repro.benchmarks.timing.Timing.rates`.
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
    authors_batch: int = AUTHORS_BATCH
    spread: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times faster than the plain version in the authors' batches."""
        return self.jets_per_second / self.plain[self.authors_batch] if self.plain else None

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


def authors_batch_of(family: str) -> int:
    """Return how many jets are in a batch of the authors' training.

    >>> authors_batch_of("pfin"), authors_batch_of("in")
    (250, 128)
    """
    return _OTHER_BATCHES.get(family, AUTHORS_BATCH)


def iter_inputs_of_tagger(
    tagger: Tagger, parts: Iterable[Measured]
) -> Iterator[NDArray[np.floating]]:
    """Yield what the network of a tagger gets for jets that come in parts, in its precision.

    Inputs that the variant standardises are left as they are: speed does not depend on it.

    Raises:
        BadInput: If no jet has inputs.
        NotAvailable: If subjettiness is needed, and neither it nor FastJet is there.
    """
    family = find_inputs(tagger.card.family)
    features = family.features()
    scaled = len(tagger.card.standardised(features))
    unscaled = Scale(np.zeros(scaled), np.ones(scaled))
    precision = str(_precision(tagger.network)).removeprefix("torch.")
    found = 0
    for measured in parts:
        inputs = family.compute(measured.four_momenta, measured.taus)
        rows = tagger.prepare(inputs, features, unscaled)
        rows = rows[~np.isnan(rows).any(axis=1)]
        found += len(rows)
        if len(rows):
            yield np.asarray(rows, dtype=np.dtype(precision))
    if not found:
        raise BadInput(f"none of these jets has inputs of {tagger.card.name}: give more jets")


def measure_network(
    tagger: Tagger, parts: Iterable[NDArray[np.floating]], repeats: int, device: str = "cpu"
) -> NetworkSpeed:
    """Measure a network and its plain version on the same jets, taking turns.

    Each part is measured by itself, and their times are added; the plain version gets some jets
    of the first part.

    Args:
        tagger: Its network is moved to the device.
        parts: Each (n, inputs), from :func:`iter_inputs_of_tagger`.
        repeats: The median of so many times counts; of the limit, the shortest.
        device: Where to compute.
    """
    network = tagger.network.to(device)
    plain = padded(network)
    authors_batch = authors_batch_of(tagger.card.family)
    remaining = iter(parts)
    first = next(remaining)
    some = first[:authors_batch] if plain is not network else first[:0]
    batches = (*_SMALLER_BATCHES, authors_batch) if len(some) else ()
    runs: list[Callable[[], object]] = [lambda: predict_logits(network, first, device)]
    runs += [_in_batches(plain, some, batch, device) for batch in batches]
    products: Counter[Product] = matrix_products(network, first, device)
    taken, *plain_taken = measure_times(runs, repeats, device)
    jets = len(first)
    for part in remaining:
        products += matrix_products(network, part, device)
        run = functools.partial(predict_logits, network, part, device)
        taken += measure_times([run], repeats, device)[0]
        jets += len(part)
    operations = count_operations(products)
    ours = taken.rates(jets)
    theirs = {b: each.rates(len(some)) for b, each in zip(batches, plain_taken, strict=True)}
    return NetworkSpeed(
        model=tagger.card.name,
        jets=jets,
        jets_per_second=ours["median"],
        plain_jets=len(some) or None,
        plain={batch: rates["median"] for batch, rates in theirs.items()},
        largest_difference=_difference(network, plain, some, device) if len(some) else None,
        operations_per_jet=operations / jets,
        rate=operations * ours["median"] / jets,
        limit=multiplication_rate(products, repeats, _precision(network), device),
        authors_batch=authors_batch,
        spread={"jets_per_second": ours, "plain": {str(b): r for b, r in theirs.items()}},
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
