"""Scores of all jets of a file of record 12102, by any number of networks in one pass over it.

What is in memory at once is one chunk of jets and its inputs, besides the scores and labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data.callbacks import Progress, silent
from repro.data.hbb.opening import open_table
from repro.data.hbb.table import CHUNK
from repro.models.scores import score_tracks
from repro.models.tagger import Tagger

__all__ = ["RecordScores", "score_record"]


@dataclass(frozen=True, eq=False)
class RecordScores:
    """Scores of jets, in the order of their file.

    Attributes:
        scores: P(H→bb̄) by the names of the networks, each (n,), float32.
        labels: (n,), int64; 1 for H→bb̄, 0 for others.
        unlabelled: (n,), bool; which of the others are not QCD either.
    """

    scores: dict[str, NDArray[np.float32]]
    labels: NDArray[np.int64]
    unlabelled: NDArray[np.bool_]


def score_record(
    path: str | PathLike[str],
    taggers: Mapping[str, Tagger],
    *,
    jets: int | None = None,
    device: torch.device | str = "cpu",
    repair: bool = False,
    progress: Progress = silent,
    chunk: int = CHUNK,
) -> RecordScores:
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
        labels, unlabelled = np.empty(total, np.int64), np.empty(total, np.bool_)
        scores = {name: np.empty(total, np.float32) for name in taggers}
        # Chunks of all jets hold as many as are asked for, so each is where it begins.
        parts = table.iter_jets(stop=total, chunk=chunk, unlabelled="background", repair=repair)
        starts = progress(range(0, total, chunk), "scoring")
        for part, start in zip(parts, starts, strict=True):
            rows = slice(start, start + len(part))
            labels[rows], unlabelled[rows] = part.labels, part.unlabelled
            for name, tagger in taggers.items():
                scores[name][rows] = score_tracks(tagger, part.tracks, part.vertices, device)
    return RecordScores(scores, labels, unlabelled)
