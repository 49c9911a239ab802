"""How rates are written, in what ``repro bench`` prints and on the page of benchmarks."""

from collections.abc import Mapping
from typing import Any

__all__ = ["number_of", "rate_of"]

_DIGITS = 100


def rate_of(rates: Mapping[str, Any]) -> str:
    """Return a median with its quartiles.

    >>> rate_of({"median": 2000.4, "low": 1500.0, "high": 3000.0})
    '2,000 [1,500, 3,000]'
    """
    return f"{number_of(rates['median'])} [{number_of(rates['low'])}, {number_of(rates['high'])}]"


def number_of(value: float) -> str:
    """Return three digits of a number, or all before its point.

    >>> number_of(12345.6), number_of(99.96), number_of(0.01234)
    ('12,346', '100', '0.0123')
    """
    return f"{value:,.0f}" if value >= _DIGITS else f"{value:.3g}"
