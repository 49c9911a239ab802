"""How alike the activity of two classes is, layer by layer: what is read off activation patterns.

Source: arXiv:2211.12770, neural activation patterns of QCD and H→bb̄ jets; dossier, section 1.10.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from repro.data.arrays import FloatArray
from repro.explain.activation_patterns import QUIET, ActivityCounter, Relative, sparsity
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval
from repro.metrics.means import percentile_intervals
from repro.metrics.ranks import largest

__all__ = ["ActivityContrast", "contrast_classes", "correlation_of_rows"]

_Layers = Mapping[str, slice]


@dataclass(frozen=True, eq=False)
class ActivityContrast:
    """Relative neuron activity (RNA) of two classes, and how they differ.

    Attributes:
        layers: Nodes of each layer, by its name.
        rna: By class, (nodes,), layers one after the other.
        difference: Of the RNA of the classes, without its sign, (nodes,).
        sparsity: Fraction of all nodes with an RNA below 0.2, by class, and ``both``: of the
            larger of the two RNA.
        quiet: The same fraction, by class and layer.
        correlation: Pearson correlation of the RNA of the classes over the nodes, by layer.
        largest: Largest difference, by layer; its interval knows that it was chosen.
        mean: Mean difference, by layer.
        separation: Smallest correlation in a layer before the last, minus that in the last.
    """

    layers: dict[str, int]
    rna: dict[str, Intervals]
    difference: Intervals
    sparsity: dict[str, Interval]
    quiet: dict[str, dict[str, Interval]]
    correlation: dict[str, Interval]
    largest: dict[str, Interval]
    mean: dict[str, Interval]
    separation: Interval

    def by_layer(self, numbers: FloatArray) -> dict[str, FloatArray]:
        """Return numbers of all nodes by layer."""
        return {name: numbers[nodes] for name, nodes in _slices(self.layers).items()}


def contrast_classes(
    counter: ActivityCounter, classes: tuple[str, str], seed: int = 0, level: float = 0.95
) -> ActivityContrast:
    """Compare the activity of the two classes that a counter has seen.

    Args:
        counter: Has seen all jets.
        classes: Names of class 0 and class 1.
        seed: Seed of the intervals.
        level: Confidence level of the intervals.

    Raises:
        BadInput: If there are fewer than two jets of a class.
    """
    both = counter.relative(seed)
    layers = counter.layers
    where = _slices(layers)
    difference = _interval(lambda one, other: np.abs(other - one), both, level)
    every = dict(zip(classes, both, strict=True)) | {"both": _larger(*both)}
    return ActivityContrast(
        layers=layers,
        rna={
            name: percentile_intervals(one.value, one.draws, level)
            for name, one in every.items()
            if name != "both"
        },
        difference=difference,
        sparsity={name: _quiet(one, slice(None), level) for name, one in every.items()},
        quiet={
            name: {layer: _quiet(every[name], nodes, level) for layer, nodes in where.items()}
            for name in classes
        },
        correlation=_by_layer(correlation_of_rows, both, where, level),
        largest={
            layer: largest(difference.take(np.arange(nodes.start, nodes.stop)))
            for layer, nodes in where.items()
        },
        mean=_by_layer(_mean_difference, both, where, level),
        separation=_single(_separation(both, where, level)),
    )


def correlation_of_rows(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return Pearson's correlation along the last axis; NaN where a row is constant.

    >>> correlation_of_rows(np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 4.0, 6.0]])).round(6)
    array([1.])
    """
    one, other = (row - row.mean(axis=-1, keepdims=True) for row in (first, second))
    scale = np.asarray(np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1)))
    found = np.full_like(scale, np.nan)
    np.divide((one * other).sum(axis=-1), scale, out=found, where=scale > 0)
    return found


def _separation(both: Sequence[Relative], where: _Layers, level: float) -> Intervals:
    def separation(first: FloatArray, second: FloatArray) -> FloatArray:
        found = [correlation_of_rows(first[..., i], second[..., i]) for i in where.values()]
        *before, last = found
        # A network of one layer has none before it.
        return np.asarray(np.min(before, axis=0) - last if before else last * np.nan)

    return _interval(separation, both, level)


def _mean_difference(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.asarray(np.abs(second - first).mean(axis=-1))


def _larger(first: Relative, second: Relative) -> Relative:
    return Relative(np.maximum(first.value, second.value), np.maximum(first.draws, second.draws))


def _quiet(found: Relative, nodes: slice, level: float) -> Interval:
    return _single(
        percentile_intervals(
            sparsity(found.value[nodes], QUIET), sparsity(found.draws[:, nodes], QUIET), level
        )
    )


def _by_layer(
    statistic: Callable[[FloatArray, FloatArray], FloatArray],
    both: Sequence[Relative],
    where: _Layers,
    level: float,
) -> dict[str, Interval]:
    found = {}
    for layer, nodes in where.items():
        parts = [Relative(one.value[nodes], one.draws[:, nodes]) for one in both]
        found[layer] = _single(_interval(statistic, parts, level))
    return found


def _interval(
    statistic: Callable[[FloatArray, FloatArray], FloatArray],
    both: Sequence[Relative],
    level: float,
) -> Intervals:
    values, draws = (
        statistic(*(getattr(one, kind) for one in both)) for kind in ("value", "draws")
    )
    return percentile_intervals(values, draws, level)


def _single(numbers: Intervals) -> Interval:
    return Interval(float(numbers.value), float(numbers.low), float(numbers.high), numbers.level)


def _slices(layers: Mapping[str, int]) -> dict[str, slice]:
    ends = np.cumsum(list(layers.values()))
    return {
        name: slice(int(end) - size, int(end))
        for (name, size), end in zip(layers.items(), ends, strict=True)
    }
