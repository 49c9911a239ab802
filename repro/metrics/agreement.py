"""How far two rankings of the same things agree, when both are of numbers with errors.

Kendall's tau of measured numbers is nearer to zero than that of the true ones: noise puts things
out of order.  How much nearer is seen by putting noise on top once more.  With Gaussian numbers of
variance 1 and errors of variance s, the correlation of the measured numbers with such a repetition
is sqrt((1 + s) / (1 + 2 s)), which gives s; and that of two measured rankings is the true one
divided by sqrt((1 + s)(1 + t)).  Importances are not Gaussian, and ranks need not be of such
numbers: the rho here are those that go with the tau of Gaussian pairs, tau = 2/pi arcsin(rho).

Sources:
    Spearman, Am. J. Psychol. 15 (1904) 72 (correction for attenuation).
    Greiner, Z. Math. Phys. 57 (1909) 121 (tau and rho of Gaussian pairs).
    Davison and Hinkley, Bootstrap Methods and their Application (1997), section 5.2 (basic and
    percentile intervals).
    Zou and Donner, Stat. Med. 27 (2008) 1693 (intervals of differences from intervals).
"""

import functools
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from repro.data.arrays import FloatArray
from repro.metrics.intervals import Interval

__all__ = ["Ranking", "agreement", "agreement_gain"]

_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Ranking:
    """Numbers, and repetitions of them.

    Attributes:
        drawn: (1 + draws, things), the numbers as measured, and with noise on top as large as
            their errors.
    """

    drawn: FloatArray

    @functools.cached_property
    def stretch(self) -> float:
        """What a correlation with the true numbers is to that with the measured ones, 1 or more.

        Infinite if the measured numbers are all noise.
        """
        measured, repeated = self.drawn[0], self.drawn[1:]
        if not len(repeated):
            return 1.0
        alike = _rho(float(np.mean([_tau(measured, each) for each in repeated]))) ** 2
        return float(np.sqrt(alike / (2 * alike - 1))) if alike > 0.5 else np.inf


def agreement(first: Ranking, second: Ranking) -> Interval:
    """Return Kendall's tau of the measured numbers, with an interval of that of the true ones.

    It holds the repetitions' values and their mirror image about the measured one, since
    repetitions have their noise on top of it, and both of these corrected for attenuation; and all
    there is if one of the rankings is noise.

    >>> exact = Ranking(np.array([[3.0, 2.0, 1.0]]))
    >>> agreement(exact, exact)
    Interval(value=1.0, low=1.0, high=1.0, level=0.95)
    """
    taus = _taus(first, second)
    low, high = _mirrored(taus)
    stretch = first.stretch * second.stretch
    if not np.isfinite(stretch):
        return _within(float(taus[0]), -1.0, 1.0, 1.0)
    ends = [low, high, _stretched(low, stretch), _stretched(high, stretch)]
    return _within(float(taus[0]), min(ends), max(ends), 1.0)


def agreement_gain(common: Ranking, better: Ranking, other: Ranking) -> Interval:
    """Return by how much one ranking agrees better with a common one than another does.

    Returns:
        The difference of two tau, with an interval that is made from theirs as if these were
        independent.
    """
    first, second = (agreement(common, each) for each in (better, other))
    value = first.value - second.value
    below = np.hypot(first.value - first.low, second.high - second.value)
    above = np.hypot(first.high - first.value, second.value - second.low)
    return _within(value, value - float(below), value + float(above), 2.0)


def _taus(first: Ranking, second: Ranking) -> FloatArray:
    pairs = zip(first.drawn, second.drawn, strict=True)
    return np.array([_tau(one, other) for one, other in pairs])


def _mirrored(values: FloatArray) -> tuple[float, float]:
    """Return the ends of the interval of repetitions, and of their mirror image, together."""
    value, repeated = float(values[0]), values[1:] if len(values) > 1 else values
    tail = (1 - _LEVEL) / 2
    low, high = (float(end) - value for end in np.quantile(repeated, [tail, 1 - tail]))
    return value + min(low, -high, 0.0), value + max(high, -low, 0.0)


def _stretched(tau: float, stretch: float) -> float:
    """Return a tau corrected for attenuation."""
    rho = _rho(float(np.clip(tau, -1, 1)))
    return float(2 / np.pi * np.arcsin(np.clip(rho * stretch, -1, 1)))


def _within(value: float, low: float, high: float, most: float) -> Interval:
    # Rounding may bring the value itself beyond.
    return Interval(value, max(low, min(-most, value)), min(high, max(most, value)), _LEVEL)


def _rho(tau: float) -> float:
    return float(np.sin(np.pi / 2 * tau))


def _tau(first: FloatArray, second: FloatArray) -> float:
    return float(np.nan_to_num(kendalltau(first, second).statistic))
