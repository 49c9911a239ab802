"""The jets that a tagger learns from: inputs of its own, and labels."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.integrity import hash_file
from repro.data.open_jets import open_jets
from repro.data.packed import PackedJets
from repro.errors import BadInput
from repro.features.registry import FAMILIES
from repro.features.streams import iter_jets_with_subjettiness
from repro.models.tagger import Tagger

__all__ = ["Examples", "read_examples", "split_examples"]

_CHUNK = 8192

Progress = Callable[[Iterable[Any], str], Iterable[Any]]


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs of a variant, and labels.

    Attributes:
        inputs: (n, inputs) in the precision of the network.
        labels: (n,), 1 for top and 0 for QCD.
        names: Names of the columns of the inputs.
        source: What names the jets in a card: file, hash, rows, how they were made.
    """

    inputs: NDArray[np.floating]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    source: dict[str, Any]

    def __len__(self) -> int:
        return len(self.labels)


def read_examples(
    path: Path, tagger: Tagger, jets: int | None, progress: Progress, *, corrected: bool = False
) -> Examples:
    """Read jets of a file and make the inputs of a variant.

    Jets for which the tagger has no inputs are dropped.

    Args:
        path: A file in the paper's format or packed.
        tagger: Whose inputs; its weights are not looked at.
        jets: The first so many; all if not given.
        progress: Wraps the chunks.
        corrected: Whether the originals' quirks are off.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it cannot be used, or lacks a class.
        NotAvailable: If subjettiness is needed and FastJet is not installed.
    """
    family = FAMILIES[tagger.card.family]
    precision = str(next(tagger.network.parameters()).dtype).removeprefix("torch.")
    with open_jets(path) as file:
        total = len(file) if jets is None else min(jets, len(file))
        inputs = np.empty((total, len(family.features())), precision)
        labels = np.empty(total, np.int64)
        recipe = file.recipe if isinstance(file, PackedJets) else {}
        parts = iter_jets_with_subjettiness(
            file,
            stop=total,
            chunk=_CHUNK,
            constituents=family.leading(corrected),
            wanted=family.needs_fastjet and not corrected,
        )
        starts = progress(range(0, total, _CHUNK), "reading jets")
        for start, (part, taus) in zip(starts, parts, strict=True):
            rows = slice(start, start + len(part))
            inputs[rows] = family.compute(part.four_momenta, taus, corrected=corrected)
            labels[rows] = part.labels
    known = ~np.isnan(inputs).any(axis=1)
    if not known.all():
        inputs, labels = inputs[known], labels[known]
    if len(np.unique(labels)) < 2:
        raise BadInput(f"{path} has jets of one class only: both are needed")
    source = {
        "file": path.name,
        "sha256": hash_file(path),
        "rows": [0, total],
        "jets": len(labels),
        "without_inputs": int((~known).sum()),
        "simulation": recipe,
    }
    names = family.features()
    seen = tuple(names[column] for column in tagger.card.columns(names))
    return Examples(tagger.prepare(inputs, names), labels, seen, source)


def split_examples(examples: Examples, fraction: float) -> tuple[Examples, Examples]:
    """Set the last jets of a file aside for validation.

    Raises:
        BadInput: If a part would lack a class.
    """
    aside = round(fraction * len(examples))
    stop = len(examples) - aside
    parts = (slice(0, stop), slice(stop, None))
    for part in parts:
        if len(np.unique(examples.labels[part])) < 2:
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
        )
        for part, name in zip(parts, (f"first {stop}", f"last {aside}"), strict=True)
    )
    return learning, validation
