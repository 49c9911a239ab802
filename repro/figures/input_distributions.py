"""What the network sees of tracks and vertices, of both classes, in one pass over the jets.

Numbers of tracks are kept for each jet; tracks and vertices themselves of the first jets of each
class alone.

Source: arXiv:2211.12770; dossier, section 1.11.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.data.hbb.features import track_features, vertex_features
from repro.data.hbb.jets import HbbJets
from repro.errors import BadInput
from repro.figures.context import Context
from repro.figures.interaction import CLASSES

__all__ = [
    "FIRST_JETS",
    "GOOD",
    "TRACKS",
    "VERTICES",
    "ClassInputs",
    "Members",
    "joined",
    "read_inputs",
]

TRACKS = (
    "track_deltaR",
    "track_drsubjet1",
    "track_drsubjet2",
    "track_quality",
    "trackBTag_EtaRel",
)
"""The features of tracks whose masking costs more than two points of AUC, in the study."""

VERTICES = ("sv_pt", "sv_ptrel", "sv_erel")

GOOD = 5
"""Quality of nearly all tracks."""

FIRST_JETS = 1000
"""So many jets of a class are looked at track by track, as published."""

_FIRST_SLOTS = 15
_QUALITY = "track_quality"


@dataclass(frozen=True, eq=False)
class Members:
    """Tracks or vertices of some jets.

    Attributes:
        values: (m, k), their features.
        jets: (m,), the number of the jet of each.
    """

    values: FloatArray
    jets: NDArray[np.int64]


@dataclass(eq=False)
class ClassInputs:
    """What is found out about the jets of a class.

    Attributes:
        zeros: By part, (n,), slots of each jet with quality 0.
        good: By part, (n,), slots with quality 5.
        filled: By part, (n,), slots with a track.
        qualities: How many slots have each quality.
        tracks: Tracks of the first jets, in the first 15 slots.
        vertices: Vertices of the first jets.
    """

    zeros: list[NDArray[np.int64]] = field(default_factory=list)
    good: list[NDArray[np.int64]] = field(default_factory=list)
    filled: list[NDArray[np.int64]] = field(default_factory=list)
    qualities: Counter[float] = field(default_factory=Counter)
    tracks: list[Members] = field(default_factory=list)
    vertices: list[Members] = field(default_factory=list)

    @property
    def jets(self) -> int:
        """How many jets were seen."""
        return sum(map(len, self.filled))

    def add(self, tracks: NDArray[np.float32], vertices: NDArray[np.float32]) -> None:
        """Look at jets of the class: tracks (n, 30, 60), vertices (n, 14, 5)."""
        seen, left = self.jets, max(0, FIRST_JETS - self.jets)
        quality = tracks[:, _places(_QUALITY)[0]]
        self.zeros.append((quality == 0).sum(axis=1))
        self.good.append((quality == GOOD).sum(axis=1))
        self.filled.append((tracks != 0).any(axis=1).sum(axis=1))
        values, counts = np.unique(quality, return_counts=True)
        self.qualities.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        self.tracks.append(_members(tracks[:left, :, :_FIRST_SLOTS], _places(*TRACKS), seen))
        self.vertices.append(_members(vertices[:left], _places(*VERTICES), seen))


def read_inputs(context: Context) -> tuple[dict[str, ClassInputs], NDArray[np.int64], int]:
    """Return what is found out by class, the labels (n,), and how many jets have no label.

    As published, jets without a label are background (H1); corrected, they are left out, and
    counted all the same.

    Raises:
        BadInput: If a class has fewer than two jets, or the jets cannot be used.
        MissingData, DownloadFailed, NotAvailable: As
            :meth:`repro.figures.record_jets.RecordFiles.iter_jets`.
    """
    found = {name: ClassInputs() for name in CLASSES}
    labels, lacking = [], 0
    for jets in context.progress_of_jets(context.record.iter_jets(), "jets"):
        lacking += int(jets.unlabelled.sum())
        mine: HbbJets = jets.treat_unlabelled(
            "removed" if context.settings.corrected else "background"
        )
        labels.append(mine.labels)
        for label, name in enumerate(CLASSES):
            some = mine.labels == label
            found[name].add(mine.tracks[some], mine.vertices[some])
    for name, one in found.items():
        if one.jets < 2:
            raise BadInput(f"there are {one.jets} jets of class {name}: give two or more of each")
    return found, np.concatenate(labels), lacking


def joined(parts: list[Members]) -> Members:
    """Return the members of all parts."""
    return Members(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.jets for part in parts]),
    )


def _places(*names: str) -> list[int]:
    every = [feature.name for feature in track_features()]
    if names[0] not in every:
        every = [feature.name for feature in vertex_features()]
    return [every.index(name) for name in names]


def _members(objects: NDArray[np.float32], places: list[int], first: int) -> Members:
    """Return the filled slots of jets (n, features, slots); jets are numbered from the first on."""
    rows, slots = np.nonzero((objects != 0).any(axis=1))
    values: Any = objects[rows[:, None], places, slots[:, None]]
    return Members(values.astype(np.float64), rows + first)
