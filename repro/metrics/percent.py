"""Fractions as the paper prints them."""

import dataclasses
from typing import TypeVar

from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval

__all__ = ["in_points"]

Numbers = TypeVar("Numbers", Interval, Intervals)


def in_points(fractions: Numbers) -> Numbers:
    """Return fractions, or differences of two, in per cent or percentage points.

    >>> in_points(Interval(0.5, 0.25, 1.0, 0.95))
    Interval(value=50.0, low=25.0, high=100.0, level=0.95)
    """
    return dataclasses.replace(
        fractions,
        value=100 * fractions.value,
        low=100 * fractions.low,
        high=100 * fractions.high,
    )
