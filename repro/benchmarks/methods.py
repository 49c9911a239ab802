"""How fast explanation methods are, beside other ways to compute the same numbers.

Both explain the same jets of the same network, taking turns.  Networks of constituents or tracks
have hundreds of columns and a plain version computes all of their padding for each: of these, few
features of few jets are explained.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from repro.benchmarks.other_masks import MASKS
from repro.benchmarks.other_relevance import RELEVANCE
from repro.benchmarks.others import Other, Panels, batch_of, first_features
from repro.benchmarks.timing import measure_times
from repro.data.arrays import FloatArray
from repro.errors import BadInput
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import Method, load_methods
from repro.models.dense import DenseNetwork

__all__ = [
    "FEATURES",
    "FEWER_JETS",
    "JETS_OF_DENSE",
    "OTHERS",
    "MethodSpeed",
    "measure_methods",
]

OTHERS: tuple[Other, ...] = (*MASKS, *RELEVANCE)
"""All other ways that methods are measured beside."""

JETS_OF_DENSE = 16
"""How many times as many jets of dense networks are explained."""

FEWER_JETS = {"kernel_shap": 8, "integrated_gradients": 16}
"""How many jets dear methods explain at most, whatever the network."""

FEATURES = 12
"""How many features of networks that are not dense take part at most."""


@dataclass(frozen=True)
class MethodSpeed:
    """What was measured of a method on the jets of one network.

    Attributes:
        method: Its name.
        model: ``family:variant``.
        jets: How many were explained.
        features: How many features took part.
        beside: The other way: ``plain``, or a library and its class; None if none is known.
        jets_per_second: Of the package, with the median and its spread; None if it cannot explain
            such a network.
        other_per_second: The same of the other way.
        largest_difference: Between the numbers of the two, of the largest of each panel.
        options: Of the package's method.
        reason: Why it was not measured.
        authors_batch: Jets in one batch of the plain version.
    """

    method: str
    model: str
    jets: int
    features: int
    beside: str | None = None
    jets_per_second: Mapping[str, Any] | None = None
    other_per_second: Mapping[str, Any] | None = None
    largest_difference: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    authors_batch: int | None = None

    @property
    def ratio(self) -> float | None:
        """How many times faster than the other way, by medians."""
        if self.jets_per_second is None or self.other_per_second is None:
            return None
        return float(self.jets_per_second["median"] / self.other_per_second["median"])

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {**vars(self), "options": dict(self.options), "ratio": self.ratio}


def measure_methods(
    problem: Problem, model: str, repeats: int, jets: int = 64, methods: Sequence[str] = ()
) -> Iterator[MethodSpeed]:
    """Measure methods on a network, one after the other.

    Args:
        problem: The network and its jets; of some of the methods a part of them.
        model: What the network is called.
        repeats: The median of so many times counts.
        jets: How many are explained, or :data:`JETS_OF_DENSE` times as many.
        methods: Which; all if none is named.
    """
    for name, method in load_methods().items():
        if methods and name not in methods:
            continue
        some = _some(problem, name, jets)
        others = [other for other in OTHERS if other.method == name and other.fits(some)]
        about = MethodSpeed(name, model, len(some.labels), len(some.members))
        if not others and name == "kernel_shap":
            yield dataclasses.replace(about, reason="hundreds of columns take as many coalitions")
        elif not others:
            yield _measure(method, None, some, about, repeats)
        for other in others:
            yield _measure(method, other, some, about, repeats)


def _some(problem: Problem, method: str, jets: int) -> Problem:
    """Return the jets and features on which a method is measured."""
    count = min(jets, FEWER_JETS.get(method, jets))
    if isinstance(problem.network, DenseNetwork) and method not in FEWER_JETS:
        count *= JETS_OF_DENSE
    some = problem.first_of_each_class(max(count // 2, 2))
    return some if isinstance(problem.network, DenseNetwork) else first_features(some, FEATURES)


def _measure(
    method: Method, other: Other | None, problem: Problem, about: MethodSpeed, repeats: int
) -> MethodSpeed:
    options = other.options_for(problem) if other else {}
    run = functools.partial(method.explain, problem, **options)
    try:
        found = run()
    except BadInput as error:
        return dataclasses.replace(about, reason=str(error))
    if other is None:
        (ours,) = measure_times([run], repeats, problem.device)
        return dataclasses.replace(about, jets_per_second=ours.rates(about.jets))
    expected = other.run(problem)
    ours, theirs = measure_times(
        [run, functools.partial(other.run, problem)], repeats, problem.device
    )
    return dataclasses.replace(
        about,
        beside=other.name,
        authors_batch=batch_of(problem) if other.name == "plain" else None,
        jets_per_second=ours.rates(about.jets),
        other_per_second=theirs.rates(about.jets),
        largest_difference=_difference(found, expected),
        options=options,
    )


def _difference(found: Explanation, expected: Panels) -> float:
    """Return the largest difference of numbers, of the largest number of their panel."""
    return max(_of_panel(found.panels[name].value, numbers) for name, numbers in expected.items())


def _of_panel(found: FloatArray, expected: FloatArray) -> float:
    if not np.array_equal(np.isnan(found), np.isnan(expected)):
        return float("inf")
    scale = np.nanmax(np.abs(expected), initial=0.0) or 1.0
    return float(np.nanmax(np.abs(found - expected), initial=0.0) / scale)
