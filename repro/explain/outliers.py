"""The study's treatment of outliers, as published and corrected (quirk B4).

The authors call it "removing outliers": values outside
[q25 - c·IQR, q75 + c·IQR] are set to zero, and still counted in the mean.
"""

import numpy as np

from repro.data.arrays import FloatArray
from repro.errors import UnknownName, did_you_mean

__all__ = ["OUTLIERS", "PUBLISHED_FACTOR", "treat_outliers"]

OUTLIERS = ("zeroed", "dropped", "kept")
PUBLISHED_FACTOR = 1.5


def treat_outliers(
    values: FloatArray, treatment: str = "zeroed", factor: float = PUBLISHED_FACTOR
) -> FloatArray:
    """Treat the outliers of each column.

    Args:
        values: (n, ...), one distribution per position of the later axes; NaN is ignored.
        treatment: ``zeroed`` as published, ``dropped`` (NaN) as meant, or ``kept``.
        factor: Allowed distance from the quartiles in interquartile ranges.

    Returns:
        A new array of the same shape.

    Raises:
        UnknownName: If there is no such treatment.

    >>> treat_outliers(np.array([[1.0], [2.0], [3.0], [99.0]])).ravel()
    array([1., 2., 3., 0.])
    """
    if treatment not in OUTLIERS:
        hint, known = did_you_mean(treatment, OUTLIERS), ", ".join(OUTLIERS)
        raise UnknownName(f"unknown treatment {treatment!r}{hint}: choose from {known}")
    if treatment == "kept" or not len(values):
        return values.copy()
    lower, upper = np.nanquantile(values, [0.25, 0.75], axis=0)
    reach = factor * (upper - lower)
    outside = (values < lower - reach) | (values > upper + reach)
    return np.where(outside, 0.0 if treatment == "zeroed" else np.nan, values)
