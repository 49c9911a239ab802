"""What every explanation method takes and gives."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.data.arrays import FloatArray
from repro.data.callbacks import Progress, silent
from repro.data.memory import free_memory
from repro.data.rows import Table, take_rows
from repro.errors import BadInput
from repro.explain.padding import FilledBy, filled_entries
from repro.metrics.bootstrap import Intervals
from repro.metrics.means import column_means
from repro.metrics.ranks import Places, places_of
from repro.models.host import waiting_for

__all__ = ["Explanation", "Problem"]

# Modules that do something else in training than in evaluation.
_RANDOM = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)  # noqa: SLF001

_JETS_PER_BATCH = 16_384
_NUMBERS_PER_BATCH = 2**23

# Methods that hold all jets copy the inputs, and what is left is for the results.
_COPIES = 3


@dataclass(frozen=True)
class Problem:
    """A classifier, and the jets on which it is explained.

    Attributes:
        network: From inputs (n, features) to logits: (n,) for one output, which favours
            class 1, or (n, classes).
        inputs: (n, features); or what reads them, for methods that go over the jets batch by batch.
        labels: (n,) in 0, 1.
        features: Names of the input columns.
        classes: Names of class 0 and class 1.
        skip: Features left out of rankings, such as those that are constant by construction.
        groups: Columns by the name of a feature, if features take up several, such as one for each
            track of a jet: they are masked together, and their relevance is added.  Empty: each
            column is a feature.
        filled_by: For each column the position of the one that is zero where the column is
            padding, or several that are all zero there: means, medians and correlations are those
            of filled entries, and padding stays padding.  Empty: there is no padding, or it counts.
        device: Where to compute.
        seed: Seed of everything random.
        progress: Wraps the steps of long loops.
        spool: A folder for what is too large for memory, which it is in otherwise.
    """

    network: nn.Module
    inputs: Table
    labels: NDArray[np.integer]
    features: tuple[str, ...]
    classes: tuple[str, str] = ("qcd", "top")
    skip: tuple[str, ...] = ()
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    filled_by: FilledBy = ()
    device: str = "cpu"
    seed: int = 0
    progress: Progress = field(default=silent, compare=False)
    spool: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if len(self.inputs.shape) != 2 or self.inputs.shape[1] != len(self.features):
            raise BadInput(
                f"inputs have shape {self.inputs.shape} and there are {len(self.features)} "
                "feature names: give one name per column"
            )
        if self.labels.shape != (len(self.inputs),):
            raise BadInput(f"{len(self.inputs)} jets and labels of shape {self.labels.shape}")
        if self.filled_by and len(self.filled_by) != len(self.features):
            raise BadInput(
                f"filled_by has {len(self.filled_by)} entries and there are {len(self.features)} "
                "columns: give one for each, or none"
            )
        for name, columns in self.groups.items():
            there = all(0 <= column < len(self.features) for column in columns)
            if not columns or not there or len(set(columns)) < len(columns):
                raise BadInput(
                    f"the feature {name!r} has no column, one twice, or one that there is not: "
                    "name columns of the inputs"
                )
        if set(np.unique(self.labels)) != {0, 1}:
            raise BadInput("labels must hold both 0 and 1: explain jets of both classes")
        if any(
            module.training and isinstance(module, _RANDOM) for module in self.network.modules()
        ):
            raise BadInput("the network is in training mode and would be random: call its eval()")
        numbers = next((p for p in self.network.parameters() if p.is_floating_point()), None)
        given = torch.from_numpy(np.empty(0, self.inputs.dtype)).dtype
        if numbers is not None and numbers.dtype != given:
            raise BadInput(
                f"inputs are {given} and the network's weights {numbers.dtype}: cast one"
            )
        # Those that are read are checked when they are.
        if isinstance(self.inputs, np.ndarray) and not np.isfinite(self.inputs).all():
            raise BadInput("inputs hold NaN or infinity: drop or repair these jets first")

    @property
    def members(self) -> dict[str, tuple[int, ...]]:
        """Positions of the columns of each feature that takes part in rankings."""
        every = self.groups or {name: (i,) for i, name in enumerate(self.features)}
        return {name: columns for name, columns in every.items() if name not in self.skip}

    @property
    def ranked(self) -> list[int]:
        """Positions of the columns that take part in rankings, each a feature.

        Raises:
            BadInput: If a feature takes up several columns.
        """
        if any(len(columns) > 1 for columns in self.members.values()):
            raise BadInput(
                "this method looks at single columns, and here features take up several: take "
                "occlusion, permutation, lrp or integrated_gradients"
            )
        return [columns[0] for columns in self.members.values()]

    @property
    def ranked_features(self) -> tuple[str, ...]:
        """Names of the features that take part in rankings."""
        return tuple(self.members)

    def summed(self, values: FloatArray) -> FloatArray:
        """Return numbers of columns (n, columns) added up for each ranked feature, (n, ranked)."""
        members = list(self.members.values())
        if all(len(columns) == 1 for columns in members):
            return values[:, [columns[0] for columns in members]]
        return np.stack([values[:, list(columns)].sum(axis=1) for columns in members], axis=1)

    def of_class(self, label: int) -> NDArray[np.bool_]:
        """Return the mask of the jets of class 0 or 1."""
        return np.asarray(self.labels == label)

    def first_of_each_class(self, count: int) -> "Problem":
        """Return the problem with so many jets of each class at most, in their order."""
        kept = [np.flatnonzero(self.of_class(label))[:count] for label in (0, 1)]
        return self.with_jets(np.sort(np.concatenate(kept)))

    def with_jets(self, rows: NDArray[np.integer]) -> "Problem":
        """Return the problem with some of its jets, in the order of ``rows``."""
        return dataclasses.replace(
            self, inputs=take_rows(self.inputs, rows), labels=self.labels[rows]
        )

    def in_memory(self) -> "Problem":
        """Return the problem with the inputs of all jets in memory, where they may be already.

        Raises:
            BadInput: If they do not fit, or cannot be read.
        """
        if isinstance(self.inputs, np.ndarray):
            return self
        jets, columns = self.inputs.shape
        each = _COPIES * columns * self.inputs.dtype.itemsize
        free = free_memory()
        if free is not None and jets * each > free:
            raise BadInput(
                f"{jets:,} jets do not fit: all have to be in memory, {each / 1e3:.0f} kB each, "
                f"and {free / 1e9:.1f} GB are free: give --jets {free // each} or fewer"
            )
        return dataclasses.replace(self, inputs=self.inputs.whole())

    @property
    def whole(self) -> NDArray[np.floating]:
        """The inputs of all jets, (n, features), see :meth:`in_memory`."""
        found = self.in_memory().inputs
        assert isinstance(found, np.ndarray)  # noqa: S101 - for mypy
        return found

    def batches(self) -> Iterator[tuple[NDArray[np.floating], NDArray[np.integer]]]:
        """Yield inputs and labels: all at once if they are in memory, else a few at a time."""
        size = len(self.labels) if isinstance(self.inputs, np.ndarray) else self.rows_at_once
        for start in range(0, len(self.labels), size):
            yield self.inputs[start : start + size], self.labels[start : start + size]

    @property
    def rows_at_once(self) -> int:
        """Jets in a batch: fewer where a jet has thousands of columns."""
        return max(1, min(_JETS_PER_BATCH, _NUMBERS_PER_BATCH // max(1, len(self.features))))

    def tensor(self, values: NDArray[np.floating]) -> Tensor:
        """Return an array as a tensor on the device."""
        with waiting_for(self.device):
            return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def means(self) -> FloatArray:
        """Return the mean of each column over all jets, both classes together; see ``filled_by``.

        Zero where no entry is filled.
        """
        if not self.filled_by:
            return column_means(self.inputs)
        filled, total = self._filled_sums(np.zeros(self.inputs.shape[1]), 1)
        return np.asarray(total / np.maximum(filled, 1))

    def medians(self) -> FloatArray:
        """Return the median of each column, as :meth:`means` takes the mean.

        Columns of one group have the median of all of them.
        """
        alone = {str(i): (i,) for i in range(len(self.features))}
        found = np.zeros(len(self.features))
        loaded = self.in_memory()
        whole, filled = loaded.whole, loaded.filled_table()
        for columns in map(list, (self.groups or alone).values()):
            values = whole[:, columns][filled(columns)]
            found[columns] = np.median(values) if len(values) else 0.0
        return found

    def filled(self, column: int) -> NDArray[np.bool_]:
        """Return in which jets a column is no padding, (n,)."""
        if not self.filled_by:
            return np.ones(len(self.inputs), np.bool_)
        return filled_entries(self.whole, (self.filled_by[column],))[:, 0]

    def filled_table(self) -> Callable[[Sequence[int]], NDArray[np.bool_]]:
        """Return a function from m columns to where they are no padding, (n, m).

        Columns that are filled together are looked at once.
        """
        if not self.filled_by:
            return lambda columns: np.ones((len(self.inputs), len(columns)), np.bool_)
        keys = tuple(dict.fromkeys(self.filled_by))
        table = filled_entries(self.whole, keys)
        places = {key: place for place, key in enumerate(keys)}
        return lambda columns: table[:, [places[self.filled_by[column]] for column in columns]]

    def filled_counts(self) -> FloatArray:
        """Return in how many jets each column is no padding, (columns,)."""
        return self._filled_sums(np.zeros(self.inputs.shape[1]), 1)[0]

    def errors_of_means(self) -> FloatArray:
        """Return the standard error of each column's mean, as :meth:`means` takes it."""
        filled, squares = self._filled_sums(self.means(), 2)
        return np.asarray(np.sqrt(squares) / np.maximum(filled, 1))

    def _filled_sums(self, centre: FloatArray, power: int) -> tuple[FloatArray, FloatArray]:
        """Return for each column the filled entries, and their sum of (x - centre)^power."""
        filled, total = np.zeros((2, self.inputs.shape[1]))
        for start in range(0, len(self.inputs), self.rows_at_once):
            batch = self.inputs[start : start + self.rows_at_once].astype(np.float64)
            real = filled_entries(batch, self.filled_by)
            filled += real.sum(axis=0)
            batch -= centre
            if power != 1:
                batch **= power
            batch[~real] = 0
            total += batch.sum(axis=0)
        return filled, total


@dataclass(frozen=True)
class Explanation:
    """What a method says.

    Attributes:
        method: Name of the method.
        unit: Unit of the numbers.
        names: What the entries of a panel stand for (features or nodes).
        panels: One per class, or ``all``; NaN ends where there is no interval.
        details: Further numbers of the method by name.
        settings: The settings that it ran with.
    """

    method: str
    unit: str
    names: tuple[str, ...]
    panels: Mapping[str, Intervals]
    details: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def order(self, panel: str) -> tuple[str, ...]:
        """Return the names of a panel, largest value first.

        Raises:
            BadInput: If the panel is a matrix, such as of correlations.
        """
        if self.panels[panel].value.ndim != 1:
            raise BadInput(f"{self.method} gives a matrix, which has no order")
        positions = np.argsort(-self.panels[panel].value, kind="stable")
        return tuple(self.names[i] for i in positions)

    def places(self, panel: str) -> Places:
        """Return the places of a panel's names, and which may be exchanged.

        Raises:
            BadInput: If the panel is a matrix.
        """
        if self.panels[panel].value.ndim != 1:
            raise BadInput(f"{self.method} gives a matrix, which has no places")
        return places_of(self.panels[panel])
