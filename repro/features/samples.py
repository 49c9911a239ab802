"""Inputs of labelled jets for each family of taggers, from each source of data.

Sources are ``fixtures``, the inputs that the authors stored; ``paper``, the pinned data set;
``embedded``, simulated jets; and anything else is the path of a file of jets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from repro.data.callbacks import Fetch, Progress
from repro.data.integrity import verify
from repro.data.pins import find_artifact
from repro.data.rows import Table, take_rows, whole_of
from repro.errors import BadInput, IntegrityError, MissingData
from repro.features.embedded import SHIPPED, describe_file
from repro.features.jet_source import JetSource
from repro.features.registry import find_inputs
from repro.features.sample_streams import SamplePart, SampleStream, collect, stream_file
from repro.features.stored import (
    authors_background,
    authors_shap_values,
    real_jet_pt,
    stored_inputs,
    stored_outputs,
)
from repro.features.streams import JETS_PER_CHUNK

__all__ = [
    "CONSTANT_FEATURES",
    "Described",
    "JetSource",
    "Sample",
    "authors_background",
    "authors_shap_values",
    "find_jets",
    "read_sample",
    "read_topodnn_sample",
    "real_jet_pt",
    "stored_outputs",
    "stream_sample",
]

EmbeddedFile = Callable[[int | None], Path]

CONSTANT_FEATURES = ("eta_0", "phi_0")
"""Columns of TopoDNN that are zero in every jet."""

_CHUNK = JETS_PER_CHUNK


class Described(Protocol):
    """Some labelled jets, as results describe them; see :class:`Sample`."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """(n,), 1 for top and 0 for QCD."""

    @property
    def rows(self) -> NDArray[np.int64]:
        """(n,), rows in the file that they come from."""

    @property
    def kind(self) -> str:
        """``complete``, ``subset`` or ``other``."""

    @property
    def description(self) -> str:
        """The jets in words."""

    @property
    def data(self) -> dict[str, Any]:
        """The ``data`` block of a result."""


@dataclass(frozen=True)
class Sample:
    """Inputs of some jets.

    Attributes:
        inputs: (n, inputs), in the precision of the family's network: float64 for MBNS, float32
            for the others.  No row has NaN: jets without inputs are not in the sample.  In a file
            if they are too many for memory.
        labels: (n,), 1 for top and 0 for QCD.
        rows: (n,), rows in the file that they come from.
        kind: ``complete`` if these are all jets of a pinned file that the authors used,
            ``subset`` if some, and ``other`` if they are no jets of the paper.
        description: The jets in words.
        data: The ``data`` block of a result.
        family: Whose inputs they are.
    """

    inputs: Table
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    kind: str
    description: str
    data: dict[str, Any]
    family: str = "topodnn"

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns."""
        return find_inputs(self.family).features()

    def of_class(self, label: int) -> NDArray[Any]:
        """Return the inputs of one class."""
        return take_rows(self.inputs, np.flatnonzero(self.labels == label))

    @property
    def array(self) -> NDArray[Any]:
        """The inputs of all jets, in memory."""
        return whole_of(self.inputs)


def read_sample(
    family: str,
    source: str,
    split: str,
    jets: int | None,
    fetch: Fetch,
    *,
    progress: Progress,
    embedded: EmbeddedFile | None = None,
    corrected: bool = False,
    spool: Path | None = None,
) -> Sample:
    """Read jets and preprocess them for a family of taggers.

    Args:
        family: ``topodnn``, ``mbns``, ``pfn``, ``pfin`` or ``augpfn``.
        source: ``fixtures``, ``paper``, ``embedded`` or a path.
        split: ``train``, ``val`` or ``test`` of the paper's data.
        jets: Use the first N jets; all if not given.
        fetch: Gives the local path of a pinned file.
        progress: Wraps the chunks.
        embedded: Gives the path of at least so many embedded jets; if not given, the shipped
            ones serve, however many are asked for.
        corrected: Whether the originals' quirks are off.
        spool: A folder for inputs that are too many for memory, which they are in otherwise.

    Raises:
        BadInput: If the jets cannot be used.
        MissingData: If the source has no jets for this family.
        NotAvailable: If subjettiness has to be computed and FastJet is not installed.
    """
    if source == "fixtures":
        _check(jets)
        return _from_fixtures(family, jets, fetch)
    stream = stream_sample(
        family,
        source,
        split,
        jets,
        fetch,
        progress=progress,
        embedded=embedded,
        corrected=corrected,
    )
    return _collected(stream, spool)


def stream_sample(
    family: str,
    source: str,
    split: str,
    jets: int | None,
    fetch: Fetch,
    *,
    progress: Progress,
    embedded: EmbeddedFile | None = None,
    corrected: bool = False,
) -> SampleStream:
    """Return the sample that :func:`read_sample` reads whole; arguments and errors as there.

    The jets are read, and may turn out not to be usable, when the stream is iterated over.
    """
    _check(jets)
    if source == "fixtures":
        return _in_one_part(_from_fixtures(family, jets, fetch))
    found = find_jets(source, split, jets, fetch, embedded=embedded)
    return stream_file(family, found, jets, progress, corrected=corrected, chunk=_CHUNK)


def read_topodnn_sample(
    source: str, split: str, jets: int | None, fetch: Fetch, progress: Progress
) -> Sample:
    """Read jets and preprocess them for TopoDNN; see :func:`read_sample`."""
    return read_sample("topodnn", source, split, jets, fetch, progress=progress)


def find_jets(
    source: str,
    split: str,
    jets: int | None,
    fetch: Fetch,
    *,
    embedded: EmbeddedFile | None = None,
) -> JetSource:
    """Return the file of a source, for those that need the constituents themselves.

    Args:
        source: ``paper``, ``embedded`` or a path.
        split: ``train``, ``val`` or ``test`` of the paper's data.
        jets: How many jets are wanted; if not given, what is at hand.
        fetch: Gives the local path of a pinned file.
        embedded: As :func:`read_sample` takes it.

    Raises:
        MissingData: If the source is ``fixtures``, which has inputs and no constituents.
    """
    if source == "fixtures":
        raise MissingData(
            "the authors stored inputs of their networks and no constituents: "
            "use --data embedded, paper or a file"
        )
    if source == "embedded":
        path = embedded(jets) if embedded else fetch(SHIPPED)
        return JetSource(path, describe_file(path))
    artifact_id = f"toptag/data/{split}.h5"
    path = fetch(artifact_id) if source == "paper" else Path(source)
    if source == "paper" or _is_pinned(path, artifact_id):
        pin = find_artifact(artifact_id)
        facts = {"id": pin.id, "doi": pin.doi, "sha256": pin.sha256, "md5": pin.md5}
        return JetSource(path, {"source": "paper", **facts})
    facts = {"id": path.name, "doi": None, "sha256": None, "md5": None}
    return JetSource(path, {"source": "path", **facts})


def _from_fixtures(family: str, jets: int | None, fetch: Fetch) -> Sample:
    qcd, top = stored_inputs(family, fetch)
    # The first N of a mixed file: as many of each class.
    n_top = len(top) if jets is None else min(len(top), jets // 2)
    n_qcd = len(qcd) if jets is None else min(len(qcd), jets - jets // 2)
    names = [qcd.name, top.name]
    return Sample(
        inputs=np.vstack([qcd.inputs[:n_qcd], top.inputs[:n_top]]),
        labels=np.repeat([0, 1], [n_qcd, n_top]),
        rows=np.concatenate([qcd.rows[:n_qcd], top.rows[:n_top]]),
        kind="subset",
        description=f"{n_qcd} QCD and {n_top} top test jets that the authors stored",
        data={
            "source": "fixtures",
            "id": names,
            "doi": None,
            "sha256": [find_artifact(name).sha256 for name in names],
            "jets": n_qcd + n_top,
            "selection": f"first {n_qcd} QCD and {n_top} top jets",
        },
        family=family,
    )


def _in_one_part(sample: Sample) -> SampleStream:
    part = SamplePart(sample.array, sample.labels, sample.rows)
    facts = {"kind": sample.kind, "description": sample.description, "data": sample.data}
    return SampleStream(sample.family, len(part.labels), lambda: iter([part]), lambda _: facts)


def _collected(stream: SampleStream, spool: Path | None) -> Sample:
    inputs, labels, rows = collect(stream, spool)
    return Sample(inputs, labels, rows, **stream.facts(len(labels)), family=stream.family)


def _check(jets: int | None) -> None:
    if jets is not None and jets < 2:
        raise BadInput(f"--jets {jets}: two jets or more are needed")


def _is_pinned(path: Path, artifact_id: str) -> bool:
    """Whether a user's file is the paper's, byte for byte."""
    artifact = find_artifact(artifact_id)
    if not path.is_file() or path.stat().st_size != artifact.size:
        return False
    try:
        verify(path, artifact)
    except IntegrityError:
        return False
    return True
