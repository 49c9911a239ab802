"""Scores of jets of record 12102, by any number of Interaction Networks in one pass over them.

What is in memory at once is one chunk of jets and its inputs, besides the scores and labels.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data.callbacks import Progress, silent
from repro.data.hbb.jets import HbbJets
from repro.data.hbb.opening import open_table
from repro.data.hbb.table import CHUNK
from repro.data.kept_rows import Arrays, add_prefix, join_rows, take_prefix
from repro.features.interaction import interaction_features, interaction_inputs
from repro.models.scores import Observer, score
from repro.models.tagger import Tagger

__all__ = ["TrackScores", "iter_track_scores", "score_tracks_of_file"]


_SCORE = "score."


@dataclass(frozen=True, eq=False)
class TrackScores:
    """Scores of jets, in the order of their file.

    Attributes:
        scores: P(H→bb̄) by the names of the networks, each (n,), float32.
        labels: (n,), int64; 1 for H→bb̄, 0 for others.
        unlabelled: (n,), bool; which of the others are not QCD either.
    """

    scores: dict[str, NDArray[np.floating]]
    labels: NDArray[np.int64]
    unlabelled: NDArray[np.bool_]

    def rows(self) -> Arrays:
        """Return all as arrays by names, scores by those of their networks after ``score.``."""
        scores = add_prefix(_SCORE, self.scores)
        return {"labels": self.labels, "unlabelled": self.unlabelled, **scores}

    @classmethod
    def of_rows(cls, rows: Arrays) -> "TrackScores":
        """Return what :meth:`rows` returned."""
        return cls(take_prefix(_SCORE, rows), rows["labels"], rows["unlabelled"])

    @classmethod
    def joined(cls, parts: Iterable["TrackScores"]) -> "TrackScores":
        """Return the scores of one or more chunks by the same networks, in their order."""
        return cls.of_rows(join_rows([chunk.rows() for chunk in parts]))


def iter_track_scores(
    chunks: Iterable[HbbJets],
    taggers: Mapping[str, Tagger],
    device: torch.device | str = "cpu",
    observers: Mapping[str, Observer] | None = None,
) -> Iterator[TrackScores]:
    """Yield P(H→bb̄) of each chunk of jets.

    Args:
        chunks: The jets; they are not kept.
        taggers: Interaction Networks, by any names; their inputs are arranged once for all.
        device: Where to compute.
        observers: By the name of the network whose inputs they see.
    """
    features = interaction_features()
    for jets in chunks:
        inputs = interaction_inputs(jets.tracks, jets.vertices)
        scores = {}
        for name, tagger in taggers.items():
            rows = tagger.prepare(inputs, features)
            scores[name] = score(tagger, rows, device)
            if observers and name in observers:
                observers[name].add(rows, jets.labels)
        yield TrackScores(scores, jets.labels, jets.unlabelled)


def score_tracks_of_file(
    path: str | PathLike[str],
    taggers: Mapping[str, Tagger],
    *,
    jets: int | None = None,
    device: torch.device | str = "cpu",
    repair: bool = False,
    progress: Progress = silent,
    chunk: int = CHUNK,
) -> TrackScores:
    """Return P(H→bb̄) of the jets of a file, unlabelled ones as well.

    Args:
        path: As :func:`repro.data.hbb.opening.open_table` takes it: a ROOT file, an HDF5 twin or
            a processed file, or the address of one.
        taggers: One or more Interaction Networks, by any names.
        jets: Use the first so many; all if not given.
        device: Where to compute.
        repair: Replace NaN and infinity instead of refusing them.
        progress: Wraps the chunks.
        chunk: Jets at a time.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it cannot be used: a branch is missing, a value is NaN or infinite, a label
            makes no sense, or the file is damaged.
        DownloadFailed: If the network fails.
        NotAvailable: If a library of the extra ``root`` is needed and not installed.
    """
    with open_table(path) as table:
        total = len(table) if jets is None else min(jets, len(table))
        chunks = table.iter_jets(stop=total, chunk=chunk, unlabelled="background", repair=repair)
        found = iter_track_scores(chunks, taggers, device)
        # Chunks of all jets hold as many as are asked for, so each is where it begins.
        starts = progress(range(0, total, chunk), "scoring")
        return TrackScores.joined(part for part, _ in zip(found, starts, strict=True))
