"""NaN and infinity among features: named and counted, or replaced.

The program that wrote the ntuples replaces them before it writes; the authors' converter lets
through whatever it reads.  So a file with such values is not as it should be, and reading it
fails, unless it is asked to do what that program does.
"""

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import Group

__all__ = ["describe_faults", "repair_values"]

_HUGE = np.float32(1e32)  # from here on, that program takes a value for infinite


def describe_faults(values: NDArray[np.float32], group: Group, row: int = 0) -> str:
    """Say which features are NaN or infinite and how often; nothing if none is.

    What that program takes for infinite counts as such.

    Args:
        values: (n, features) or (n, features, slots).
        group: What the features are.
        row: Number of the first jet.

    >>> from repro.data.hbb.branches import find_group
    >>> values = np.zeros((2, 14, 5), np.float32)
    >>> values[1, 6, :3] = np.nan
    >>> describe_faults(values, find_group("vertices"))
    'sv_mass is NaN or infinite 3 times (first in jet 1)'
    """
    # NaN is not smaller than anything.
    finite = np.abs(values) <= _HUGE
    if finite.all():
        return ""
    bad = ~finite.reshape(*values.shape[:2], -1)
    counts = bad.sum(axis=(0, 2))
    told = [
        f"{name} is NaN or infinite {count} time{'s' if count > 1 else ''} "
        f"(first in jet {row + int(bad[:, i].any(axis=1).argmax())})"
        for i, (name, count) in enumerate(zip(group.branches, counts, strict=True))
        if count
    ]
    return ", ".join(told)


def repair_values(values: NDArray[np.float32], group: Group) -> NDArray[np.float32]:
    """Return the values with NaN and infinity replaced as the ntuples' own program does.

    Args:
        values: (n, features) or (n, features, slots); not changed.
        group: What the features are, and what replaces their faults.

    >>> from repro.data.hbb.branches import find_group
    >>> values = np.full((1, 14, 5), np.nan, np.float32)
    >>> print(repair_values(values, find_group("vertices"))[0, 8, 0])  # sv_normchi2
    1000.0
    """
    good = np.abs(values) <= _HUGE
    if good.all():
        return values
    replacements = [group.replacements.get(name, 0.0) for name in group.branches]
    column = np.array(replacements, np.float32).reshape(-1, *[1] * (values.ndim - 2))
    return np.where(good, values, column)
