"""The jets that an Interaction Network learns from: tracks and vertices of record 12102.

Sources: FAIR4HEP/hbb_interaction_network, ``src/models/train.py``; dossier, sections 2.3 and 4.7.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.data.callbacks import Progress
from repro.data.hbb.jets import HbbJets
from repro.data.hbb.labels import Unlabelled
from repro.data.hbb.opening import open_table
from repro.data.hbb.processed import read_recipe
from repro.data.integrity import hash_file
from repro.errors import BadInput, MissingData
from repro.features.interaction import interaction_features, interaction_inputs
from repro.models.tagger import Tagger
from repro.training.examples import Examples

__all__ = ["find_files", "read_track_examples"]

_CHUNK = 4096


def find_files(*paths: Path) -> list[Path]:
    """Return files as they are given, and those of folders, HDF5 and ROOT, in the order of names.

    Raises:
        MissingData: If there is none at a path.
        BadInput: If one is there twice.
    """
    found = [file for path in paths for file in _files_at(path)]
    twice = [file for file, times in Counter(found).items() if times > 1]
    if twice:
        raise BadInput(f"{twice[0]} is given twice: give each file once")
    return found


def _files_at(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix in (".h5", ".hdf5", ".root"))
        if found:
            return found
        raise MissingData(
            f"{path} has no .h5, .hdf5 or .root file: give a folder with jets, or a file"
        )
    if not path.is_file():
        raise MissingData(f"no jets at {path}: check the path")
    return [path]


def read_track_examples(
    files: Sequence[Path],
    tagger: Tagger,
    jets: int | None,
    progress: Progress,
    *,
    corrected: bool = False,
) -> Examples:
    """Read the jets of files and make the inputs of a variant.

    What is in memory is the inputs, 7.5 kB a jet where no feature is dropped.

    Args:
        files: Each as :func:`repro.data.hbb.opening.open_table` takes it; one or more.
        tagger: An Interaction Network; its weights are not looked at.
        jets: The first so many; all if not given.
        progress: Wraps the chunks.
        corrected: Whether jets without a label are left out, which count as background as
            published (quirk 1).

    Raises:
        MissingData: If a file is not there.
        BadInput: If one cannot be used, or a class is missing.
        NotAvailable: If a library of the extra ``root`` is needed and not installed.
    """
    features = interaction_features()
    columns = tagger.card.columns(features)
    unlabelled: Unlabelled = "removed" if corrected else "background"
    lengths = _lengths(files, jets)
    inputs = np.empty((sum(lengths), len(columns)), np.float32)
    labels = np.empty(len(inputs), np.int64)
    filled, without = 0, 0
    for file, length in zip(files, lengths, strict=True):
        with open_table(file) as table:
            parts = table.iter_jets(stop=length, chunk=_CHUNK, unlabelled=unlabelled)
            for part in progress(parts, file.name):
                rows = slice(filled, filled + len(part))
                inputs[rows], labels[rows] = _rows(part, columns), part.labels
                filled, without = rows.stop, without + int(part.unlabelled.sum())
    inputs, labels = inputs[:filled], labels[:filled]
    if np.bincount(labels, minlength=2).min() < 2:
        names = ", ".join(file.name for file in files)
        raise BadInput(f"{names}: fewer than two jets of a class: give more, of both classes")
    hashes = [hash_file(file) for file in files]
    recipes = [read_recipe(file) or {} for file in files]
    source = {
        "file": files[0].name if len(files) == 1 else [file.name for file in files],
        "sha256": hashes[0] if len(files) == 1 else hashes,
        "rows": [0, sum(lengths)],
        "jets": filled,
        "simulation": recipes[0] if len(files) == 1 else recipes,
        "unlabelled": f"{without} of {filled} as background" if not corrected else "removed",
    }
    return Examples(inputs, labels, tuple(features[column] for column in columns), source)


def _rows(jets: HbbJets, columns: Sequence[int]) -> NDArray[np.float32]:
    inputs = interaction_inputs(jets.tracks, jets.vertices)
    return inputs if len(columns) == inputs.shape[1] else inputs[:, columns]


def _lengths(files: Sequence[Path], jets: int | None) -> list[int]:
    """Return how many jets of each file are read."""
    lengths = []
    left = jets
    for file in files:
        with open_table(file) as table:
            lengths.append(len(table) if left is None else min(left, len(table)))
        if left is not None:
            left -= lengths[-1]
    return lengths
