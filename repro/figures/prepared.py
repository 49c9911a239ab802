"""What a network sees of the inputs of its family, in memory or not."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from repro.data.rows import ChangedRows, Table
from repro.metrics.means import moments
from repro.models.tagger import Scale, Tagger

__all__ = ["prepared", "scale_of"]

_ROWS_AT_ONCE = 4096


def prepared(tagger: Tagger, inputs: Table, features: Sequence[str]) -> Table:
    """Return the columns that a variant takes, standardised where it asks for it.

    Args:
        tagger: The variant.
        inputs: (n, len(features)); if they are read when they are asked for, so is the result.
        features: Names of the columns.

    Raises:
        BadInput: If the columns that are left are not those of the variant.
    """
    if isinstance(inputs, np.ndarray):
        return tagger.prepare(inputs, features)
    columns = tagger.card.standardised(features)
    scale = None
    if columns:
        starts = range(0, len(inputs), _ROWS_AT_ONCE)
        scale = scale_of(inputs[start : start + _ROWS_AT_ONCE][:, columns] for start in starts)
    tagger.prepare(inputs[:1], features, scale)  # complains now
    return ChangedRows(
        inputs, lambda rows: tagger.prepare(rows, features, scale), tagger.card.inputs
    )


def scale_of(parts: Iterable[NDArray[np.floating]]) -> Scale:
    """Return what columns (n, k) are standardised with, which come in parts.

    Raises:
        BadInput: If there are fewer than two rows.
    """
    _, mean, covariance = moments(part.astype(np.float64) for part in parts)
    return Scale(mean, np.sqrt(covariance.diagonal().clip(min=0)))
