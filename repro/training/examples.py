"""The jets that a tagger learns from: inputs of its own, and labels."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.callbacks import Progress
from repro.data.integrity import hash_file
from repro.data.open_jets import open_jets
from repro.data.packed import PackedJets
from repro.data.rows import whole_of
from repro.errors import BadInput
from repro.features.jet_source import JetSource
from repro.features.registry import find_inputs
from repro.features.sample_streams import collect, stream_file
from repro.features.streams import JETS_PER_CHUNK
from repro.models.tagger import Tagger

__all__ = ["Examples", "read_examples", "split_examples"]


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs of a variant, and labels.

    Attributes:
        inputs: (n, inputs) in the precision of the network.
        labels: (n,), 1 for top and 0 for QCD.
        names: Names of the columns of the inputs.
        source: What names the jets in a card: file, hash, rows, how they were made.
        scaled: Positions of the columns that the variant sees in units of these jets' own mean
            and standard deviation (ddof 1).
    """

    inputs: NDArray[np.floating]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    source: dict[str, Any]
    scaled: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @functools.cached_property
    def scale(self) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """What is subtracted from each column, and what it is divided by; each (inputs,)."""
        shift, width = np.zeros((2, self.inputs.shape[1]))
        columns = list(self.scaled)
        if columns:
            values = self.inputs[:, columns].astype(np.float64)
            shift[columns], width_of = values.mean(axis=0), values.std(axis=0, ddof=1)
            # A slot that no jet of a small set fills has no spread: it stays at zero.
            width[columns] = np.where(width_of == 0, 1, width_of)
        width[width == 0] = 1
        return shift.astype(self.inputs.dtype), width.astype(self.inputs.dtype)

    @property
    def prepared(self) -> NDArray[np.floating]:
        """The inputs as the network sees them, (n, inputs)."""
        if not self.scaled:
            return self.inputs
        shift, width = self.scale
        return np.asarray((self.inputs - shift) / width)


def read_examples(
    path: Path,
    tagger: Tagger,
    jets: int | None,
    progress: Progress,
    *,
    corrected: bool = False,
    of_paper: bool = False,
) -> Examples:
    """Read jets of a file and make the inputs of a variant.

    Jets for which the tagger has no inputs are dropped.

    Args:
        path: A file in the paper's format or packed.
        tagger: Whose inputs; its weights are not looked at.
        jets: The first so many; all if not given.
        progress: Wraps the chunks.
        corrected: Whether the originals' quirks are off.
        of_paper: Whether the file is the paper's, of which the authors used a part for MBNS.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it cannot be used, or lacks a class.
        NotAvailable: If subjettiness is needed and FastJet is not installed.
    """
    card = tagger.card
    jet_source = JetSource(path, {"source": "paper" if of_paper else "path"})
    stream = stream_file(
        card.family, jet_source, jets, progress, corrected=corrected, chunk=JETS_PER_CHUNK
    )
    found, labels, _ = collect(stream)
    inputs = whole_of(found)
    if _fewest(labels) < 2:
        raise BadInput(f"{path} has fewer than two jets of a class: give more, of both classes")
    source = {
        "file": path.name,
        "sha256": hash_file(path),
        "rows": [0, stream.total],
        "jets": len(labels),
        "without_inputs": stream.total - len(labels),
        "simulation": _recipe(path),
    }
    features = find_inputs(card.family).features()
    columns = card.columns(features)
    names = tuple(features[column] for column in columns)
    if len(names) < len(features):
        inputs = inputs[:, columns]
    return Examples(inputs, labels, names, source, tuple(card.standardised(names)))


def _fewest(labels: NDArray[np.int64]) -> int:
    """Return the number of jets of the smaller class; performance takes two of each."""
    return int(np.bincount(labels, minlength=2).min())


def _recipe(path: Path) -> dict[str, Any]:
    """Return how the jets of a file were simulated, if it says so."""
    with open_jets(path) as file:
        return dict(file.recipe) if isinstance(file, PackedJets) else {}


def split_examples(examples: Examples, fraction: float) -> tuple[Examples, Examples]:
    """Set the last jets of a file aside for validation.

    Raises:
        BadInput: If a part would lack a class.
    """
    aside = round(fraction * len(examples))
    stop = len(examples) - aside
    parts = (slice(0, stop), slice(stop, None))
    for part in parts:
        if _fewest(examples.labels[part]) < 2:
            raise BadInput(
                f"{len(examples)} jets are too few to set {fraction:.0%} aside for validation: "
                "give more, or a file with --validation"
            )
    learning, validation = (
        Examples(
            examples.inputs[part],
            examples.labels[part],
            examples.names,
            {**examples.source, "jets": len(examples.labels[part]), "part": name},
            examples.scaled,
        )
        for part, name in zip(parts, (f"first {stop}", f"last {aside}"), strict=True)
    )
    return learning, validation
