"""Other ways to compute what an explanation method computes: what they have in common.

A plain version does what the authors' notebooks do: it runs the padded network again for each
feature, in batches of the authors' training.  captum and shap get the network as it is used here.
All of them give the numbers of the method's panels and no intervals, which the package's methods
have besides.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.benchmarks.networks import authors_batch_of
from repro.data.arrays import FloatArray
from repro.explain.problem import Problem
from repro.models.dense import DenseNetwork
from repro.models.interaction_network import InteractionNetwork

__all__ = [
    "Other",
    "Panels",
    "batch_of",
    "first_features",
    "logits_again",
    "one_number",
    "parts",
    "per_class",
]

Panels = Mapping[str, FloatArray]
"""Numbers of each panel, as :attr:`~repro.explain.problem.Explanation.panels` has them."""


@dataclass(frozen=True)
class Other:
    """Another way to compute a method's numbers.

    Attributes:
        method: Name of the method.
        name: Whose it is: ``plain``, or a library and its class.
        run: From a problem to the numbers of the panels.
        options: Of the package's method, for both to compute the same; a function stands for a
            value that the problem decides.
        dense: Whether it takes dense networks alone.
    """

    method: str
    name: str
    run: Callable[[Problem], Panels]
    options: Mapping[str, Any] = field(default_factory=dict)
    dense: bool = False

    def options_for(self, problem: Problem) -> dict[str, Any]:
        """Return the options of the package's method on a problem."""
        return {
            name: value(problem) if callable(value) else value
            for name, value in self.options.items()
        }

    def fits(self, problem: Problem) -> bool:
        """Whether it can explain the network of a problem."""
        return not self.dense or isinstance(problem.network, DenseNetwork)


def first_features(problem: Problem, count: int) -> Problem:
    """Return a problem in which so many features take part at most, the first ones."""
    return dataclasses.replace(problem, skip=(*problem.skip, *list(problem.members)[count:]))


def per_class(problem: Problem, values: FloatArray) -> Panels:
    """Return the mean over the jets of each class of values (n, features)."""
    return {
        name: values[problem.of_class(label)].mean(axis=0)
        for label, name in enumerate(problem.classes)
    }


def batch_of(problem: Problem) -> int:
    """Return how many jets are in one batch of the authors' training of such a network."""
    return authors_batch_of("in" if isinstance(problem.network, InteractionNetwork) else "pfn")


def parts(problem: Problem) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs and labels on the device, batch by batch of the authors' size."""
    size = batch_of(problem)
    for start in range(0, len(problem.labels), size):
        rows = slice(start, start + size)
        labels = torch.from_numpy(np.array(problem.labels[rows]))
        yield problem.tensor(problem.whole[rows]), labels.long().to(problem.device)


def logits_again(
    network: nn.Module, problem: Problem, rows: NDArray[np.floating] | None = None
) -> FloatArray:
    """Return logits in float64, batch by batch of the authors' size."""
    given, size = problem.whole if rows is None else rows, batch_of(problem)
    with torch.inference_mode():
        found = [
            network(problem.tensor(given[start : start + size])).double().cpu().numpy()
            for start in range(0, len(given), size)
        ]
    return np.concatenate(found)


def one_number(problem: Problem) -> Callable[[Tensor], Tensor]:
    """Return the function from inputs to a number (n,) that grows with P(class 1)."""

    def discriminate(inputs: Tensor) -> Tensor:
        logits: Tensor = problem.network(inputs)
        return logits.reshape(-1) if logits.ndim == 1 else logits[:, 1] - logits[:, 0]

    return discriminate
