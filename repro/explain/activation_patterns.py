"""Relative neuron activity (RNA) and neuron activation patterns (NAP).

    RNA(j, k; S) = Σ_{x in S} a_jk(x) / max_j' Σ_{x in S} a_j'k(x)

for node j of layer k, over the activations a after the ReLU, for the jets S of one class
(arXiv:2210.04371; arXiv:2211.12770).  Sparsity is the fraction of nodes with RNA < 0.2.

Where a layer runs on edges or constituents, a_jk(x) is the sum over those of a jet.  A network
that has such layers says itself what the sums are (:class:`SumsActivations`): it may compute what
is equal once, and count it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.data.arrays import FloatArray
from repro.data.callbacks import Progress, silent
from repro.data.kept_rows import Arrays, take_prefix
from repro.errors import BadInput
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.bootstrap import Intervals
from repro.metrics.means import (
    Sums,
    add_rows,
    draw_means,
    moments_of,
    percentile_intervals,
)
from repro.models.host import waiting_for

__all__ = [
    "QUIET",
    "ActivityCounter",
    "Relative",
    "SumsActivations",
    "explain_by_activation_patterns",
    "relative_activity",
    "sparsity",
]

QUIET = 0.2

_USUAL = {"fired": False, "padding": True}
_JETS_PER_BATCH = 16_384


@dataclass(frozen=True)
class _Activity:
    """Mean activations of one class, and means that repetitions would have had."""

    mean: FloatArray
    draws: FloatArray


@dataclass(frozen=True, eq=False)
class Relative:
    """Relative activities of one class.

    Attributes:
        value: (nodes,), layers one after the other.
        draws: (draws, nodes), that repetitions would have had.
    """

    value: FloatArray
    draws: FloatArray


@runtime_checkable
class SumsActivations(Protocol):
    """A network that sums the activations of its hidden layers over parts of a jet.

    Attributes:
        layers: Names of the hidden layers.
    """

    layers: tuple[str, ...]

    def summed_activations(
        self, inputs: Tensor, *, fired: bool = False, padding: bool = True
    ) -> Sequence[Tensor]:
        """Return the sums (n, nodes) of each hidden layer.

        Args:
            inputs: (n, features).
            fired: Whether activations count as 1 where they are not zero.
            padding: Whether parts that are padding are summed as well.
        """


@method("activation_patterns", "Relative neuron activity per class, sparsity")
def explain_by_activation_patterns(
    problem: Problem,
    *,
    quiet: float = QUIET,
    level: float = 0.95,
    fired: bool = False,
    padding: bool = True,
) -> Explanation:
    r"""Return RNA of every hidden node per class, sparsities, and the class difference.

    For the activations $a_{jk}(x)$ of the nodes $j$ of layer $k$ and the jets $S$ of a class,

    $$
    \mathrm{RNA}(j, k; S) = \frac{\sum_{x \in S} a_{jk}(x)}{\max_m \sum_{x \in S} a_{mk}(x)} .
    $$

    Hidden layers are the network's ReLU modules, in the order in which they run.

    Args:
        problem: The classifier, a module whose hidden layers end in ``nn.ReLU`` modules, or one
            that :class:`SumsActivations`.
        quiet: Nodes with a smaller RNA count as inactive.
        level: Confidence level of the intervals.
        fired: Whether activations count as 1 where they are not zero (unweighted RNA).
        padding: Whether padding counts, as published; only of networks that sum activations.

    Raises:
        BadInput: If the network has no ReLU module, or no padding that could be left out.
    """
    counter = ActivityCounter(problem.network, problem.device, fired=fired, padding=padding)
    for inputs, labels in problem.batches():
        counter.add(inputs, labels, problem.progress)
    return counter.explain(problem.classes, problem.seed, quiet=quiet, level=level)


class ActivityCounter:
    """Activations of all hidden nodes, summed class by class over jets that come in batches.

    The jets themselves are not kept, so there may be any number of them.

    Args:
        network: In evaluation mode; its hidden layers end in ``nn.ReLU`` modules, or it
            :class:`SumsActivations`.
        device: Where to compute; the network is moved there.
        fired: Whether activations count as 1 where they are not zero.
        padding: Whether padding counts.

    Raises:
        BadInput: If the network has no ReLU module, or no padding that could be left out.
    """

    def __init__(
        self,
        network: nn.Module,
        device: str = "cpu",
        *,
        fired: bool = False,
        padding: bool = True,
    ) -> None:
        self._network = network.to(device)
        self._device = device
        self._options = {"fired": fired, "padding": padding}
        self._relus = [module for module in network.modules() if isinstance(module, nn.ReLU)]
        if not self._relus:
            raise BadInput("neuron activity needs a network with nn.ReLU modules, and it has none")
        if not padding and not isinstance(network, SumsActivations):
            raise BadInput("this network does not say what is padding: it cannot be left out")
        self._sizes: list[int] = []
        self._sums: list[Sums | None] = [None, None]

    def add(
        self,
        inputs: NDArray[np.floating],
        labels: NDArray[np.integer],
        progress: Progress = silent,
    ) -> None:
        """Let some jets go through the network.

        Args:
            inputs: (n, features), in the precision of the network.
            labels: (n,) in 0, 1.
            progress: Wraps the batches.
        """
        for label in range(len(self._sums)):
            rows = np.flatnonzero(labels == label)
            for start in progress(range(0, len(rows), _JETS_PER_BATCH), "activations"):
                found = self._hidden(inputs[rows[start : start + _JETS_PER_BATCH]])
                self._sums[label] = add_rows(self._sums[label], found)

    def add_activations(self, layers: Sequence[Tensor], labels: NDArray[np.integer]) -> None:
        """Take the activations of some jets as known.

        Args:
            layers: (n, nodes) of each hidden layer.
            labels: (n,) in 0, 1.
        """
        found = self._joined(layers)
        for label in range(len(self._sums)):
            self._sums[label] = add_rows(self._sums[label], found[labels == label])

    def state(self) -> Arrays:
        """Return what was summed up so far, for :meth:`restore`."""
        sums = {
            f"{label}.{name}": np.asarray(array)
            for label, one in enumerate(self._sums)
            if one is not None
            for name, array in vars(one).items()
        }
        return {"sizes": np.array(self._sizes, dtype=np.int64), **sums}

    def restore(self, state: Arrays) -> None:
        """Go on from what another counter of the same network had summed up."""
        self._sizes = state["sizes"].tolist() if state else []
        for label in range(len(self._sums)):
            found = take_prefix(f"{label}.", state)
            self._sums[label] = (
                Sums(int(found["count"]), found["shift"], found["total"], found["cross"])
                if found
                else None
            )

    def explain(
        self,
        classes: tuple[str, str] = ("qcd", "top"),
        seed: int = 0,
        *,
        quiet: float = QUIET,
        level: float = 0.95,
    ) -> Explanation:
        """Return what :func:`explain_by_activation_patterns` does, for the jets so far.

        Args:
            classes: Names of class 0 and class 1.
            seed: Seed of the intervals.
            quiet: Nodes with a smaller RNA count as inactive.
            level: Confidence level of the intervals.

        Raises:
            BadInput: If there are fewer than two jets of a class.
        """
        activities = {
            name: _activity(self._sums[label], seed + label) for label, name in enumerate(classes)
        }
        network = self._network
        names = network.layers if isinstance(network, SumsActivations) else ()
        settings = {"quiet": quiet} | {k: v for k, v in self._options.items() if v != _USUAL[k]}
        return _explanation(activities, self._sizes, names, settings, level)

    @property
    def layers(self) -> dict[str, int]:
        """Nodes of each hidden layer, by its name."""
        network = self._network
        names = network.layers if isinstance(network, SumsActivations) else ()
        return dict(zip(names or _numbered(self._sizes), self._sizes, strict=True))

    def relative(self, seed: int = 0) -> tuple[Relative, Relative]:
        """Return the relative activities of class 0 and of class 1, for the jets so far.

        Args:
            seed: Seed of the draws.

        Raises:
            BadInput: If there are fewer than two jets of a class.
        """
        first, second = (
            Relative(*(relative_activity(one, self._sizes) for one in (found.mean, found.draws)))
            for found in (_activity(sums, seed + label) for label, sums in enumerate(self._sums))
        )
        return first, second

    def _hidden(self, inputs: NDArray[np.floating]) -> FloatArray:
        """Return the activations (n, nodes), layers one after the other."""
        with waiting_for(self._device):
            rows = torch.from_numpy(np.ascontiguousarray(inputs)).to(self._device)
        with torch.inference_mode():
            if isinstance(self._network, SumsActivations):
                found = list(self._network.summed_activations(rows, **self._options))
            else:
                found = self._recorded(rows)
        return self._joined(found)

    def _joined(self, layers: Sequence[Tensor]) -> FloatArray:
        self._sizes = [tensor.shape[-1] for tensor in layers]
        with waiting_for(self._device):
            return np.asarray(torch.cat(list(layers), dim=-1).double().cpu().numpy())

    def _recorded(self, inputs: Tensor) -> list[Tensor]:
        """Return the activations (n, nodes) of each ReLU module."""
        with _recording(self._relus) as seen:
            self._network(inputs)
        if any(tensor.ndim != 2 or len(tensor) != len(inputs) for tensor in seen):
            raise BadInput(
                "a ReLU module of the network runs on something else than jets, such as their "
                "constituents: explain the networks that it is made of, as figure 22 does"
            )
        return [(tensor > 0).to(tensor) for tensor in seen] if self._options["fired"] else seen


def relative_activity(sums: FloatArray, sizes: Sequence[int]) -> FloatArray:
    """Divide the activations of each layer by those of its most active node.

    Args:
        sums: (..., nodes), summed or mean activations, layers one after the other.
        sizes: Nodes of each layer.

    Returns:
        Same shape; zero for a layer without any activity.

    >>> relative_activity(np.array([1.0, 2.0, 5.0]), [2, 1])
    array([0.5, 1. , 1. ])
    """
    layers = np.split(sums, np.cumsum(sizes)[:-1], axis=-1)
    return np.concatenate([_divided(layer) for layer in layers], axis=-1)


def sparsity(activity: FloatArray, quiet: float = QUIET) -> FloatArray:
    """Return the fraction of nodes, along the last axis, with less than ``quiet`` activity."""
    return np.asarray((activity < quiet).mean(axis=-1))


def _numbered(sizes: Sequence[int]) -> list[str]:
    return [f"layer{k + 1}" for k in range(len(sizes))]


def _divided(layer: FloatArray) -> FloatArray:
    largest = layer.max(axis=-1, keepdims=True)
    activity = np.zeros_like(layer)
    np.divide(layer, largest, out=activity, where=largest > 0)
    return activity


def _sparsity_interval(
    value: FloatArray, draws: FloatArray, quiet: float, level: float
) -> Intervals:
    return percentile_intervals(sparsity(value, quiet), sparsity(draws, quiet), level)


def _activity(sums: Sums | None, seed: int) -> _Activity:
    sample = moments_of(sums)
    # Activations cannot be negative; a draw of a barely active node could.
    return _Activity(sample[1], draw_means(sample, seed).clip(min=0))


def _explanation(
    activities: dict[str, _Activity],
    sizes: Sequence[int],
    names: Sequence[str],
    settings: dict[str, float],
    level: float,
) -> Explanation:
    quiet = settings["quiet"]
    names = names or _numbered(sizes)
    rna = {
        name: percentile_intervals(
            relative_activity(activity.mean, sizes),
            relative_activity(activity.draws, sizes),
            level,
        )
        for name, activity in activities.items()
    }
    draws = [relative_activity(activities[name].draws, sizes) for name in activities]
    values = [rna[name].value for name in activities]
    sparsities = {
        name: _sparsity_interval(values[i], draws[i], quiet, level)
        for i, name in enumerate(activities)
    }
    sparsities["both"] = _sparsity_interval(np.maximum(*values), np.maximum(*draws), quiet, level)
    difference = percentile_intervals(
        np.abs(values[1] - values[0]), np.abs(draws[1] - draws[0]), level
    )
    return Explanation(
        "activation_patterns",
        "1",
        tuple(f"{name}/{j}" for name, size in zip(names, sizes, strict=True) for j in range(size)),
        {**rna, "difference": difference},
        details={"layers": list(sizes), "sparsity": sparsities},
        settings=settings,
    )


@contextmanager
def _recording(relus: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """Record what these modules give, in the order in which they run."""
    seen: list[Tensor] = []
    hooks = [module.register_forward_hook(_recorder(seen)) for module in relus]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _recorder(seen: list[Tensor]) -> Callable[[nn.Module, object, Tensor], None]:
    def record(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen.append(output)

    return record
