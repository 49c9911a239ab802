"""Labelled jets whose inputs come a part at a time, for what needs but one look at each of them.

The inputs of PFN for all 404,000 test jets of the paper fill a gigabyte; a part of them, 20 MB.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.callbacks import Progress
from repro.data.open_jets import open_jets
from repro.data.rows import Table
from repro.data.spooled import store_rows
from repro.features.jet_source import JetSource
from repro.features.registry import find_inputs
from repro.features.streams import iter_inputs

__all__ = ["JetSet", "SamplePart", "SampleStream", "collect", "no_jets", "stream_file"]


@dataclass(frozen=True, eq=False)
class SamplePart:
    """Some jets of a sample.

    Attributes:
        inputs: (n, inputs), as :class:`repro.features.samples.Sample` has them.
        labels: (n,), 1 for top and 0 for QCD.
        rows: (n,), rows in the file that they come from.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JetSet:
    """A sample without its inputs: attributes as :class:`repro.features.samples.Sample`."""

    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    kind: str
    description: str
    data: dict[str, Any]


def no_jets(description: str, selection: str) -> JetSet:
    """Return what stands in a result for jets where it looks at none.

    Args:
        description: Of what it looks at instead.
        selection: The same, for the ``data`` block.
    """
    nowhere = {"source": "none", "id": "none", "doi": None, "sha256": None, "jets": 0}
    none = np.zeros(0, np.int64)
    return JetSet(none, none, "complete", description, {**nowhere, "selection": selection})


@dataclass(frozen=True)
class SampleStream:
    """A sample that is read anew whenever it is iterated over, and not kept.

    Attributes:
        family: Whose inputs they are.
        total: Number of jets that are read; those without inputs are left out then.
        read: Returns the parts from the first.
        facts: Returns ``kind``, ``description`` and ``data`` of the sample if so many are left.
    """

    family: str
    total: int
    read: Callable[[], Iterator[SamplePart]]
    facts: Callable[[int], dict[str, Any]]

    def __iter__(self) -> Iterator[SamplePart]:
        return self.read()

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns."""
        return find_inputs(self.family).features()

    def jet_set(self, labels: NDArray[np.int64], rows: NDArray[np.int64]) -> JetSet:
        """Return the jets of all parts, without inputs."""
        return JetSet(labels, rows, **self.facts(len(labels)))


def collect(
    stream: SampleStream, spool: Path | None = None
) -> tuple[Table, NDArray[np.int64], NDArray[np.int64]]:
    """Return inputs (n, inputs), labels (n,) and rows (n,) of all parts.

    Args:
        stream: The parts.
        spool: A folder for inputs of more than :data:`repro.data.spooled.IN_MEMORY` bytes.

    Raises:
        BadInput: If the folder has no room for them.
    """
    labels, rows = [], []

    def inputs() -> Iterator[NDArray[Any]]:
        for part in stream:
            labels.append(part.labels)
            rows.append(part.rows)
            yield part.inputs
        if not labels:
            yield np.empty((0, len(stream.features)))

    found = store_rows(inputs(), stream.total, spool)
    nothing = np.empty(0, np.int64)
    return found, np.concatenate([nothing, *labels]), np.concatenate([nothing, *rows])


def stream_file(
    family: str,
    source: JetSource,
    jets: int | None,
    progress: Progress,
    *,
    corrected: bool,
    chunk: int,
) -> SampleStream:
    """Return the jets of a file with the inputs of a family.

    Args:
        family: Whose inputs.
        source: The file.
        jets: Use the first N jets; all if not given.
        progress: Wraps the chunks, each time that they are read.
        corrected: Whether the originals' quirks are off.
        chunk: So many jets are read at a time.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it cannot be used; also while it is read.
        NotAvailable: While it is read, if subjettiness has to be computed and FastJet is not
            installed.
    """
    with open_jets(source.path) as file:
        length = len(file)
    used = source.used(family, length, corrected)
    total = used if jets is None else min(jets, used)

    def read() -> Iterator[SamplePart]:
        with open_jets(source.path) as file:
            parts = iter_inputs(
                file, find_inputs(family), stop=total, chunk=chunk, corrected=corrected
            )
            starts = progress(range(0, total, chunk), f"jets, {family}")
            for start, (inputs, labels) in zip(starts, parts, strict=True):
                known = ~np.isnan(inputs).any(axis=1)
                kept = inputs if known.all() else inputs[known]
                yield SamplePart(kept, labels[known], start + np.flatnonzero(known))

    return SampleStream(family, total, read, lambda kept: source.facts(length, used, total, kept))
