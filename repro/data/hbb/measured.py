"""What a detector measures of jets with tracks and secondary vertices: ``measured.toml``.

All features of record 12102 follow from it (:mod:`repro.data.hbb.derived`), in a third of the room
that the features take.  Values are rounded as they are kept, before anything is computed from
them, so that features are the same bit for bit wherever they are computed.
"""

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray

__all__ = ["COUNTS", "KINDS", "Column", "MeasuredJets", "columns_of", "join_measured"]

KINDS = ("jets", "tracks", "vertices")
COUNTS = ("tracks", "vertices")
"""What a jet has several of."""


@dataclass(frozen=True)
class Column:
    """One quantity.

    Attributes:
        name: Its name.
        meaning: What it is.
        unit: Its unit; empty for a pure number.
        bits: Bits of the mantissa that are kept; None for what is kept as whole numbers.
        step: What a whole number stands for.
        dtype: In which type it is kept.
    """

    name: str
    meaning: str
    unit: str = ""
    bits: int | None = None
    step: float = 1.0
    dtype: str = "float32"

    def pack(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values as they are kept: the nearest ones that can be.

        >>> Column("pt", "", bits=3).pack(np.array([1.0, 1.1, 1.3])).tolist()
        [1.0, 1.0, 1.25]
        >>> Column("eta", "", step=0.25, dtype="int16").pack(np.array([-0.3, 0.9])).tolist()
        [-1, 4]
        """
        if self.bits is None:
            limits = np.iinfo(self.dtype)
            whole = np.rint(np.asarray(values, np.float64) / self.step)
            return np.clip(whole, limits.min, limits.max).astype(self.dtype)
        fraction, exponent = np.frexp(np.asarray(values, np.float64))
        scale = 2.0**self.bits
        kept: NDArray[Any] = np.ldexp(np.rint(fraction * scale) / scale, exponent)
        return kept.astype(self.dtype)

    def unpack(self, kept: NDArray[Any]) -> FloatArray:
        """Return what the kept values stand for, in float64."""
        return np.asarray(kept, np.float64) * self.step

    def round(self, values: NDArray[Any]) -> FloatArray:
        """Return the values as they come back after they were kept."""
        return self.unpack(self.pack(values))


@dataclass(frozen=True, eq=False)
class MeasuredJets:
    """Some jets.

    Attributes:
        jets: Values of each column of jets, (n,).
        tracks: Values of each column of tracks, (k,), jet after jet, most displaced first.
        vertices: Values of each column of vertices, (m,), likewise.
        counts: (n,) for ``tracks`` and for ``vertices``: how many each jet has.
    """

    jets: Mapping[str, FloatArray]
    tracks: Mapping[str, FloatArray]
    vertices: Mapping[str, FloatArray]
    counts: Mapping[str, IntArray]

    def __len__(self) -> int:
        return len(self.counts["tracks"])

    def values(self, kind: str) -> Mapping[str, FloatArray]:
        """Return the columns of ``jets``, ``tracks`` or ``vertices``."""
        found: Mapping[str, FloatArray] = getattr(self, kind)
        return found

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """Return the jets at these rows: a slice, indices or a mask."""
        chosen = np.arange(len(self))[rows]
        taken = {"jets": _pick(self.jets, chosen)}
        for kind in COUNTS:
            taken[kind] = _pick(self.values(kind), members(self.counts[kind], chosen))
        counts = {kind: self.counts[kind][chosen] for kind in COUNTS}
        return type(self)(taken["jets"], taken["tracks"], taken["vertices"], counts)

    def rounded(self) -> Self:
        """Return the jets as they come back after they were kept."""
        found = {
            kind: {c.name: c.round(self.values(kind)[c.name]) for c in columns_of(kind)}
            for kind in KINDS
        }
        return type(self)(found["jets"], found["tracks"], found["vertices"], self.counts)


def join_measured(parts: Sequence[MeasuredJets]) -> MeasuredJets:
    """Return all jets of some parts, in their order; no jets for no parts."""
    found = {
        kind: {
            c.name: np.concatenate([np.zeros(0), *(p.values(kind)[c.name] for p in parts)])
            for c in columns_of(kind)
        }
        for kind in KINDS
    }
    counts = {
        kind: np.concatenate([np.zeros(0, np.int64), *(p.counts[kind] for p in parts)])
        for kind in COUNTS
    }
    return MeasuredJets(found["jets"], found["tracks"], found["vertices"], counts)


def members(counts: IntArray, rows: IntArray) -> IntArray:
    """Return the positions of the members of some rows, in a list that has row after row.

    >>> members(np.array([2, 0, 3]), np.array([2, 0])).tolist()
    [2, 3, 4, 0, 1]
    """
    starts = np.cumsum(counts) - counts
    taken = counts[rows]
    within = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
    return np.asarray(np.repeat(starts[rows], taken) + within, dtype=np.int64)


def columns_of(kind: str) -> tuple[Column, ...]:
    """Return the columns of ``jets``, ``tracks`` or ``vertices``.

    >>> [column.name for column in columns_of("tracks")][:3]
    ['pt', 'eta', 'phi']
    """
    return _load()[kind]


@functools.cache
def _load() -> dict[str, tuple[Column, ...]]:
    text = resources.files("repro.data.hbb").joinpath("measured.toml").read_text("utf-8")
    document = tomllib.loads(text)
    return {
        kind: tuple(Column(name, **entry) for name, entry in document[kind].items())
        for kind in KINDS
    }


def _pick(values: Mapping[str, FloatArray], rows: IntArray) -> dict[str, FloatArray]:
    return {name: column[rows] for name, column in values.items()}
