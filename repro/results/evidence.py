"""What a number rests on: which jets, how many, and whether they can decide a claim."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.metrics.bootstrap import Intervals
from repro.metrics.correlated import draw_numbers
from repro.metrics.intervals import auc_interval
from repro.metrics.roc import auc, rank_jets

__all__ = [
    "FEWEST",
    "KINDS",
    "SURE",
    "Evidence",
    "missing",
    "order_stability",
    "rate",
    "sample_control",
]

KINDS = ("complete", "estimate", "subset", "few", "other", "missing")

SURE = 0.9999
"""Confidence that it takes to say that an order is not as claimed.

An item judges tens of things at once, one in twenty of which is wrong by chance at 95 %: as for
numbers, which deviate beyond twice their 95 % interval, it is one in ten thousand."""

# Jets of each class below which the Gaussian intervals of means say too little.
FEWEST = 100


@dataclass(frozen=True)
class Evidence:
    """What numbers rest on.

    Attributes:
        kind: ``complete``: the very jets of the paper; ``estimate``: the very jets, but less was
            computed than for the paper, and each number has an interval ``estimate`` of what all
            of it would give on these jets; ``subset``: some of them;
            ``few``: jets too few to decide anything; ``other``: other jets, simulated or a
            user's; ``missing``: nothing.
        description: The jets in words, for the reasons of verdicts.
        own_weights: Whether the weights are not the authors'.
        control: Why the jets cannot decide numbers, if a control measurement says so.
    """

    kind: str
    description: str
    own_weights: bool = False
    control: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of evidence {self.kind!r}")

    @property
    def reproduces(self) -> bool:
        """Whether paper's data met the authors' weights, so that the narrow tolerance holds."""
        return self.kind in ("complete", "estimate", "subset") and not self.own_weights


def missing(reason: str) -> Evidence:
    """Return the evidence of a number that could not be computed."""
    return Evidence("missing", reason)


def rate(kind: str, labels: NDArray[np.integer]) -> str:
    """Return the kind of evidence, ``few`` unless all jets are there or enough of each class.

    >>> rate("subset", np.array([0, 1, 1])), rate("complete", np.array([0, 1, 1]))
    ('few', 'complete')
    """
    enough = np.bincount(labels, minlength=2).min() >= FEWEST
    return kind if enough or kind == "complete" else "few"


def sample_control(
    predictions: NDArray[np.floating],
    labels: NDArray[np.integer],
    rows: NDArray[np.integer],
    level: float = 0.95,
) -> str | None:
    """Check whether some jets of a set are a typical draw, by the authors' own outputs.

    Both AUCs come from one network's stored outputs, so they differ by the draw alone.

    Args:
        predictions: (n,), the network's outputs for the whole set.
        labels: (n,).
        rows: (m,), the rows that were drawn.
        level: Confidence level of the test.

    Returns:
        None for a typical draw; else the sentence that says why it is not.
    """
    whole = auc(rank_jets(predictions, labels))
    drawn = auc_interval(rank_jets(predictions[rows], labels[rows]), level)
    if drawn.low <= whole <= drawn.high:
        return None
    return (
        f"These jets are an untypical draw: the authors' own outputs give them an AUC of "
        f"{drawn.value:.4f} [{drawn.low:.4f}, {drawn.high:.4f}], and all {len(labels):,} jets "
        f"{whole:.4f}. No number measured on them is held against the paper's."
    )


def order_stability(
    names: tuple[str, ...], numbers: Intervals, first: int, seed: int, draws: int = 2000
) -> dict[tuple[str, ...], float]:
    """Return how often each order of the leading names comes out of repeated samples.

    Numbers are drawn from Gaussians as wide as their intervals, with the correlations of their
    errors; where these are not known, as if independent.

    Args:
        names: Names of the numbers.
        numbers: Their values, intervals and correlations, (k,).
        first: How many leading names make up the order.
        seed: Seed of the draws.
        draws: Number of draws.
    """
    drawn = draw_numbers(numbers, np.random.default_rng(seed), draws)
    leading = np.argsort(-drawn, axis=1, kind="stable")[:, :first]
    orders, counts = np.unique(leading, axis=0, return_counts=True)
    return {
        tuple(names[i] for i in order): float(count / draws)
        for order, count in zip(orders, counts, strict=True)
    }
