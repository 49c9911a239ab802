"""Values of a feature that go with the others: drawn from jets that are alike in all else.

A mean or a zero in place of one feature makes jets that do not exist, and a network's answer to
them mixes what the feature says with how strange they are.  Here the feature of each object (a jet,
or a track or vertex of one) is predicted by a linear regression on its other features; objects are
put in the order of the prediction, and neighbours exchange their values.  So each value is one that
occurs, and what the other features know of it stays; what only this feature knows is gone.

Sources:
    Little, J. Bus. Econ. Stat. 6 (1988) 287 (predictive mean matching).
    Strobl et al., BMC Bioinformatics 9 (2008) 307 (conditional importance).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.explain.padding import filled_entries
from repro.explain.problem import Problem

__all__ = ["draw_conditionally"]

# Neighbours that exchange values, as many as donors are usual in imputation.
_NEIGHBOURS = 10
# Of the variance of standardised features: those that follow from others leave the matrix singular.
_RIDGE = 1e-6


def draw_conditionally(problem: Problem) -> NDArray[np.floating]:
    """Return the inputs with each column's values drawn as its object's other columns suggest.

    Each column is drawn by itself, from the inputs as they are: the result is for masking one
    feature at a time.  What is padding stays.

    Args:
        problem: Columns that are filled together, see its ``filled_by``, belong to one object; all
            columns do if it has none.  Objects with the same features, by its ``groups``, are
            drawn from together, whatever their place in the jet.  Its seed is that of the draws.

    Returns:
        (n, columns), in the precision of the inputs.
    """
    generator = np.random.default_rng(problem.seed)
    drawn = problem.inputs.copy()
    for slots in _kinds(problem):
        filled = [
            filled_entries(problem.inputs[:, slot], _fill_of(problem, slot))[:, 0] for slot in slots
        ]
        objects = np.concatenate(
            [problem.inputs[rows][:, slot] for rows, slot in zip(filled, slots, strict=True)]
        )
        changed = _exchanged(objects, generator)
        ends = np.cumsum([rows.sum() for rows in filled])[:-1]
        for rows, slot, values in zip(filled, slots, np.split(changed, ends), strict=True):
            drawn[np.flatnonzero(rows)[:, None], slot] = values
    return drawn


def _kinds(problem: Problem) -> Iterator[list[list[int]]]:
    """Yield the objects of each kind: the columns of each object, features in the same order."""
    if not problem.filled_by:
        yield [list(range(len(problem.features)))]
        return
    feature_of = {column: name for name, columns in problem.groups.items() for column in columns}
    objects: dict[int | tuple[int, ...], list[int]] = {}
    for column, key in enumerate(problem.filled_by):
        objects.setdefault(key, []).append(column)
    kinds: dict[tuple[str, ...], list[list[int]]] = {}
    for columns in objects.values():
        names = tuple(feature_of.get(column, f"column {column}") for column in columns)
        kinds.setdefault(names, []).append(columns)
    yield from kinds.values()


def _fill_of(problem: Problem, slot: list[int]) -> tuple[int | tuple[int, ...], ...]:
    """Return what tells whether an object is there, by places within its columns."""
    if not problem.filled_by:
        return ()
    key = problem.filled_by[slot[0]]
    columns = (key,) if isinstance(key, int) else key
    return (tuple(slot.index(column) for column in columns),)


def _exchanged(objects: NDArray[np.floating], generator: np.random.Generator) -> FloatArray:
    """Return objects (m, features) whose values are exchanged among like objects, by feature."""
    m = len(objects)
    values = objects.astype(np.float64)
    centred = values - (values.mean(axis=0) if m else 0.0)
    spread = np.sqrt((centred**2).mean(axis=0)) if m else np.ones(values.shape[1])
    standard = centred / np.where(spread > 0, spread, 1.0)
    precision = np.linalg.inv(standard.T @ standard / max(m, 1) + _RIDGE * np.eye(values.shape[1]))
    # What is left of each feature when the linear prediction by all others is taken away.
    left = standard @ precision / np.diag(precision)
    changed = values.copy()
    for feature in range(values.shape[1]):
        predicted = standard[:, feature] - left[:, feature]
        order = np.lexsort((generator.random(m), predicted))
        among = _donors(m, generator)
        changed[order, feature] = values[order[among], feature]
    return changed


def _donors(count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return for each place that of another one in the same block of neighbours, each once.

    >>> found = _donors(25, np.random.default_rng(0))
    >>> sorted(found[:10].tolist()) == list(range(10)), (found == np.arange(25)).any()
    (True, np.False_)
    """
    # What is left over joins the last block: alone it would keep its value.
    last = max(count // _NEIGHBOURS - 1, 0)
    blocks = np.minimum(np.arange(count) // _NEIGHBOURS, last)
    order = np.lexsort((generator.random(count), blocks))
    following = np.roll(order, -1)
    # The last of each block is followed by the first one of it.
    starts = np.flatnonzero(np.diff(blocks, prepend=-1))
    ends = np.append(starts[1:], count) - 1
    following[ends] = order[starts]
    found = np.empty(count, np.int64)
    found[order] = following
    return found
