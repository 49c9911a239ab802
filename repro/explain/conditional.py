"""Values of a feature that go with the others: those of objects for which they predict the same.

A mean or a zero in place of one feature makes jets that do not exist, and a network's answer to
them mixes what the feature says with how strange they are.  Here the feature of each object (a jet,
or a constituent, track or vertex of one) is predicted by a linear regression on the other features
of the same object, made from other objects than the predicted one.  Objects are put in the order of
the prediction, and neighbours exchange their values, none of which stays.  So each value is one
that occurs, and what the other features say of it linearly stays.  What they say of it otherwise,
and what other objects of the jet say of it, is lost.

Sources:
    Little, J. Bus. Econ. Stat. 6 (1988) 287 (predictive mean matching).
    Strobl et al., BMC Bioinformatics 9 (2008) 307 (conditional importance).
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.errors import BadInput
from repro.explain.problem import Problem

__all__ = ["draw_conditionally"]

# Neighbours that exchange values, as many as donors are usual in imputation.
_NEIGHBOURS = 10
# Each object is predicted from those of the other folds: from itself, it would predict its noise.
_FOLDS = 5
# Fewer leave a prediction whose own noise decides who the neighbours are.
_OBJECTS_PER_COLUMN = 20
# Of the variance of standardised features: those that follow from others leave the matrix singular.
_RIDGE = 1e-6
# Objects whose products are added at once.
_ROWS = 65_536


def draw_conditionally(problem: Problem) -> NDArray[np.floating]:
    """Return the inputs with each ranked column's values drawn as its object's others suggest.

    Each column is drawn by itself, from the inputs as they are: the result is for masking one
    feature at a time.  What is padding stays.

    Args:
        problem: Columns that are filled together, see its ``filled_by``, belong to one object; all
            columns do if it has none.  Objects with the same features, by its ``groups``, are
            drawn from together, whatever their place in the jet.  Its seed is that of the draws.

    Returns:
        (n, columns), in the precision of the inputs.

    Raises:
        BadInput: If a feature has several columns of one object, or there are fewer than 20
            objects for each of their columns.
    """
    generator = np.random.default_rng(problem.seed)
    problem = problem.in_memory()
    whole = problem.whole
    drawn = whole.copy()
    ranked = {column for columns in problem.members.values() for column in columns}
    filled = problem.filled_table()
    for names, places in _kinds(problem).items():
        wanted = [i for i in range(len(names)) if any(slot[i] in ranked for slot in places)]
        if not wanted:
            continue
        rows = [np.flatnonzero(filled(slot[:1])[:, 0]) for slot in places]
        objects = np.concatenate(
            [whole[mine][:, slot] for mine, slot in zip(rows, places, strict=True)]
        )
        if not len(objects):
            continue
        if len(objects) < _OBJECTS_PER_COLUMN * len(names):
            raise BadInput(
                f"{len(objects)} jets or parts of jets with {names[wanted[0]]} are too few for "
                f"conditional values: it takes {_OBJECTS_PER_COLUMN * len(names)}, "
                f"{_OBJECTS_PER_COLUMN} for each column: take more jets"
            )
        exchange = _Exchange(objects, generator)
        ends = np.cumsum([len(mine) for mine in rows])[:-1]
        for feature in wanted:
            parts = np.split(exchange.values_of(feature), ends)
            for mine, slot, values in zip(rows, places, parts, strict=True):
                drawn[mine, slot[feature]] = values
    return drawn


def _kinds(problem: Problem) -> Mapping[tuple[str, ...], list[list[int]]]:
    """Return the objects by their features: the columns of each, features in the same order."""
    names = dict(enumerate(problem.features))
    names |= {column: name for name, columns in problem.groups.items() for column in columns}
    objects: dict[int | tuple[int, ...], list[int]] = {}
    for column in range(len(problem.features)):
        objects.setdefault(problem.filled_by[column] if problem.filled_by else 0, []).append(column)
    kinds: dict[tuple[str, ...], list[list[int]]] = {}
    for columns in objects.values():
        mine = tuple(names[column] for column in columns)
        twice = next((name for name in mine if mine.count(name) > 1), None)
        if twice is not None:
            raise BadInput(
                f"{twice} has several columns of one jet or track, which would be drawn given each "
                "other: conditional values go with features of one column each"
            )
        kinds.setdefault(mine, []).append(columns)
    return kinds


class _Exchange:
    """Exchanges the values of objects among neighbours, feature by feature.

    Args:
        objects: (m, features).
        generator: Source of the draws.
    """

    def __init__(self, objects: NDArray[np.floating], generator: np.random.Generator) -> None:
        self._objects = objects
        self._generator = generator
        self._mean = objects.mean(axis=0, dtype=np.float64)
        spread = objects.std(axis=0, dtype=np.float64)
        self._scale = np.where(spread > 0, spread, 1.0)
        self._fold = generator.permutation(len(objects)) % _FOLDS
        products = np.stack([self._products(fold) for fold in range(_FOLDS)])
        ridge = _RIDGE * np.eye(objects.shape[1])
        counts = np.bincount(self._fold, minlength=_FOLDS)
        self._precision = [
            np.linalg.inv((products.sum(axis=0) - mine) / (len(objects) - count) + ridge)
            for mine, count in zip(products, counts, strict=True)
        ]

    def values_of(self, feature: int) -> NDArray[np.floating]:
        """Return a feature's values (m,), exchanged."""
        order = np.lexsort((self._generator.random(len(self._objects)), self._predicted(feature)))
        values = np.empty_like(self._objects[:, feature])
        values[order] = self._objects[order[_donors(len(order), self._generator)], feature]
        return values

    def _predicted(self, feature: int) -> FloatArray:
        found = np.empty(len(self._objects))
        weights = np.stack([-each[:, feature] / each[feature, feature] for each in self._precision])
        # By the others alone: its own weight is minus one by construction.
        weights[:, feature] = 0.0
        for rows, standard in self._parts():
            found[rows] = np.einsum("mf,mf->m", standard, weights[self._fold[rows]])
        return found

    def _products(self, fold: int) -> FloatArray:
        total = np.zeros((self._objects.shape[1],) * 2)
        for rows, standard in self._parts():
            mine = standard[self._fold[rows] == fold]
            total += mine.T @ mine
        return total

    def _parts(self) -> Iterator[tuple[slice, FloatArray]]:
        """Yield rows and their standardised features, (m, features)."""
        for start in range(0, len(self._objects), _ROWS):
            rows = slice(start, start + _ROWS)
            yield rows, (self._objects[rows] - self._mean) / self._scale


def _donors(count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return for each place that of another one in the same block of neighbours, each once.

    >>> found = _donors(25, np.random.default_rng(0))
    >>> sorted(found[:10].tolist()) == list(range(10)), bool((found == np.arange(25)).any())
    (True, False)
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
