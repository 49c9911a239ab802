"""Scores of all jets of a file, by any number of taggers in one pass over it.

What is in memory at once is one chunk of jets and its inputs, besides the scores; and all inputs
of a variant that standardises them with the moments of the whole set.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data.callbacks import Progress, silent
from repro.data.open_jets import open_jets
from repro.features.registry import Inputs, find_inputs
from repro.features.streams import JETS_PER_CHUNK, iter_jets_with_subjettiness
from repro.models.scores import is_empty, score
from repro.models.tagger import Tagger

__all__ = ["score_file"]

_Scores = dict[str, NDArray[np.float32]]


def score_file(
    path: Path,
    taggers: Mapping[str, Tagger],
    *,
    jets: int | None = None,
    device: torch.device | str = "cpu",
    corrected: bool = False,
    progress: Progress = silent,
    chunk: int = JETS_PER_CHUNK,
) -> tuple[_Scores, NDArray[np.int64]]:
    """Return P(top) of the jets of a file.

    The networks were trained on jets whose constituents are ordered by pt, and nothing is
    ordered here: a file must have them as the paper's data do.

    Args:
        path: A table in the paper's format, or packed jets.
        taggers: One or more, by any names.
        jets: Use the first so many; all if not given.
        device: Where to compute.
        corrected: Whether the originals' quirks are off.
        progress: Wraps the chunks.
        chunk: Jets at a time.

    Returns:
        By the names of the taggers (n,), in the order of the file, NaN where a jet has no
        constituents, or no inputs (MBNS, fewer than 8); and the labels (n,), 1 for top and 0 for
        QCD.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it cannot be used, or has one jet and a variant standardises its inputs.
        NotAvailable: If subjettiness has to be computed and FastJet is not installed.
    """
    families = {tagger.card.family: find_inputs(tagger.card.family) for tagger in taggers.values()}
    at_once = {name: tagger for name, tagger in taggers.items() if not tagger.card.standardise}
    at_last = {name: tagger for name, tagger in taggers.items() if tagger.card.standardise}
    with open_jets(path) as file:
        total = len(file) if jets is None else min(jets, len(file))
        labels, empty = np.empty(total, np.int64), np.empty(total, np.bool_)
        scores = {name: np.empty(total, np.float32) for name in taggers}
        collected = {
            family: np.empty((total, len(find_inputs(family).features())), np.float32)
            for family in {tagger.card.family for tagger in at_last.values()}
        }
        parts = iter_jets_with_subjettiness(
            file,
            stop=total,
            chunk=chunk,
            constituents=_leading(families.values(), corrected),
            wanted=not corrected and any(family.needs_fastjet for family in families.values()),
        )
        starts = progress(range(0, total, chunk), "scoring")
        for (part, taus), start in zip(parts, starts, strict=True):
            rows = slice(start, start + len(part))
            labels[rows], empty[rows] = part.labels, is_empty(part.four_momenta)
            inputs = {
                name: family.of_jets(part, taus, corrected=corrected)
                for name, family in families.items()
            }
            for family, whole in collected.items():
                whole[rows] = inputs[family]
            for name, tagger in at_once.items():
                found = _score(tagger, inputs[tagger.card.family], device, corrected)
                scores[name][rows] = found
    for name, tagger in at_last.items():
        scores[name][:] = _score(tagger, collected[tagger.card.family], device, corrected)
    for of_tagger in scores.values():
        of_tagger[empty] = np.nan
    return scores, labels


def _score(
    tagger: Tagger, inputs: NDArray[np.floating], device: torch.device | str, corrected: bool
) -> NDArray[np.floating]:
    features = find_inputs(tagger.card.family).features()
    return score(tagger, tagger.prepare(inputs, features), device, corrected=corrected)


def _leading(families: Iterable[Inputs], corrected: bool) -> int | None:
    """Return how many leading constituents the families look at; None for all."""
    numbers = [family.leading(corrected) for family in families]
    known = [number for number in numbers if number is not None]
    return max(known) if len(known) == len(numbers) else None
