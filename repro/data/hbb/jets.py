"""Jets of record 12102: tracks and vertices as the Interaction Network takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import check_shape, find_group
from repro.data.hbb.labels import Unlabelled, check_policy
from repro.data.hbb.values import describe_faults
from repro.errors import BadInput

__all__ = ["HbbJets", "join_jets"]


@dataclass(frozen=True, eq=False)
class HbbJets:
    """Some jets.

    Attributes:
        tracks: (n, 30, 60), float32; features as in ``branches.toml``, tracks in the file's order
            (most displaced first), zero where there is none.  Nothing is scaled.
        vertices: (n, 14, 5), float32, likewise.
        labels: (n,), int64; 1 for H→bb̄, 0 for others.
        unlabelled: (n,), bool; which of the others are not QCD either.
        spectators: (n, 11), float32; ``fj_pt`` and more, which no network sees.

    Raises:
        BadInput: If shapes or types do not fit, a value is NaN or infinite, a label is neither 0
            nor 1, or an unlabelled jet has label 1.
    """

    tracks: NDArray[np.float32]
    vertices: NDArray[np.float32]
    labels: NDArray[np.int64]
    unlabelled: NDArray[np.bool_]
    spectators: NDArray[np.float32]

    def __post_init__(self) -> None:
        n = len(self.tracks)
        for name in ("tracks", "vertices", "spectators"):
            _check_array(name, getattr(self, name), n)
        if self.labels.shape != (n,) or self.labels.dtype != np.int64:
            raise BadInput(f"labels must be int64 of shape ({n},), not {_kind(self.labels)}")
        if self.unlabelled.shape != (n,) or self.unlabelled.dtype != np.bool_:
            raise BadInput(f"unlabelled must be bool of shape ({n},), not {_kind(self.unlabelled)}")
        if not np.isin(self.labels, (0, 1)).all():
            raise BadInput("labels must be 1 (H→bb̄) or 0 (other jets)")
        if (self.labels[self.unlabelled] != 0).any():
            raise BadInput("a jet with label 1 cannot be unlabelled")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """Return the jets at these rows: a slice, indices or a mask."""
        return type(self)(*(array[rows] for array in _arrays(self)))

    def treat_unlabelled(self, policy: Unlabelled) -> Self:
        """Return the jets with unlabelled ones as background, which they are, or without them.

        Raises:
            UnknownName: If there is no such policy.
        """
        check_policy(policy)
        return self.take(~self.unlabelled) if policy == "removed" else self


def join_jets(parts: Sequence[HbbJets]) -> HbbJets:
    """Return all jets of some parts, in their order.

    Raises:
        BadInput: If there are none.
    """
    if not parts:
        raise BadInput("no jets are left: give a longer range or keep unlabelled jets")
    return HbbJets(*(np.concatenate(a) for a in zip(*map(_arrays, parts), strict=True)))


def _check_array(name: str, values: NDArray[Any], n: int) -> None:
    check_shape(name, values, n)
    if values.dtype != np.float32:
        raise BadInput(f"{name} are of type {values.dtype}, not float32")
    faults = describe_faults(values, find_group(name))
    if faults:
        raise BadInput(faults)


def _kind(array: NDArray[Any]) -> str:
    return f"{array.dtype} of shape {array.shape}"


def _arrays(jets: HbbJets) -> tuple[NDArray[Any], ...]:
    return jets.tracks, jets.vertices, jets.labels, jets.unlabelled, jets.spectators
