"""TopoDNN inputs of labelled jets, from each source of data.

Sources are registered functions: ``fixtures`` are the arrays that the authors stored,
``paper`` the pinned data set; anything else is the path of a file in the same format.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from repro.data.integrity import verify
from repro.data.open_jets import open_jets
from repro.data.pickles import Table, load_pickle
from repro.data.pins import find_artifact
from repro.errors import BadInput, IntegrityError
from repro.features.embedded import SHIPPED, describe_file
from repro.features.topodnn import TOPODNN, topodnn_features, topodnn_inputs

__all__ = [
    "CONSTANT_FEATURES",
    "Described",
    "Fetch",
    "Sample",
    "authors_background",
    "authors_shap_values",
    "read_topodnn_sample",
    "real_jet_pt",
    "stored_outputs",
]

Fetch = Callable[[str], Path]
Progress = Callable[[Iterable[Any], str], Iterable[Any]]

CONSTANT_FEATURES = ("eta_0", "phi_0")

_FOLDER = "toptag/fixtures/topodnn_shap"
_PREDICTIONS = "toptag/fixtures/topodnn_test_predictions.npy"
_JET_PT = "toptag/fixtures/test_jet_pt.pkl"
_LABELS = "toptag/fixtures/test_labels.pkl"
_CHUNK = 20_000


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
    """TopoDNN inputs of some jets.

    Attributes:
        inputs: (n, 90), float32.
        labels: (n,), 1 for top and 0 for QCD.
        rows: (n,), rows in the file that they come from.
        kind: ``complete`` if these are all jets of a pinned file, ``subset`` if some, and
            ``other`` if they are no jets of the paper.
        description: The jets in words.
        data: The ``data`` block of a result.
    """

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    kind: str
    description: str
    data: dict[str, Any]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns."""
        return topodnn_features()

    def of_class(self, label: int) -> NDArray[np.float32]:
        """Return the inputs of one class."""
        return np.asarray(self.inputs[self.labels == label])


def read_topodnn_sample(
    source: str,
    split: str,
    jets: int | None,
    fetch: Fetch,
    progress: Progress,
    *,
    embedded: Callable[[int | None], Path] | None = None,
) -> Sample:
    """Read jets and preprocess them for TopoDNN.

    Args:
        source: ``fixtures``, ``paper``, ``embedded`` or a path.
        split: ``train``, ``val`` or ``test`` of the paper's data.
        jets: Use the first N jets; all if not given.
        fetch: Gives the local path of a pinned file.
        progress: Wraps the chunks.
        embedded: Gives the path of at least so many embedded jets; if not given, the shipped
            ones serve, however many are asked for.

    Raises:
        BadInput: If the jets cannot be used.
    """
    if jets is not None and jets < 2:
        raise BadInput(f"--jets {jets}: two jets or more are needed")
    if source == "fixtures":
        return _from_fixtures(jets, fetch)
    if source == "embedded":
        path = embedded(jets) if embedded else fetch(SHIPPED)
        return _from_file(path, describe_file(path), jets, progress)
    artifact_id = f"toptag/data/{split}.h5"
    path = fetch(artifact_id) if source == "paper" else Path(source)
    is_paper = source == "paper" or _is_pinned(path, artifact_id)
    block = _paper_block(artifact_id) if is_paper else _path_block(path)
    return _from_file(path, block, jets, progress)


def stored_outputs(fetch: Fetch) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the authors' TopoDNN outputs P(top) for the whole test set, and its labels.

    Raises:
        BadInput: If the files hold something else.
    """
    try:
        predictions = np.load(fetch(_PREDICTIONS), allow_pickle=False)
    except ValueError as error:
        raise BadInput(f"{_PREDICTIONS} is no readable array ({error})") from error
    return predictions, _labels_of(predictions, _PREDICTIONS, fetch)


def real_jet_pt(fetch: Fetch) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the transverse momenta of all jets of the test set [GeV], and their labels.

    Raises:
        BadInput: If the files hold something else.
    """
    pt = np.asarray(load_pickle(fetch(_JET_PT)), dtype=np.float64).ravel()
    return pt, _labels_of(pt, _JET_PT, fetch)


def _labels_of(values: NDArray[Any], name: str, fetch: Fetch) -> NDArray[np.int64]:
    """Return the labels of the test set, which must be as many as the values of a file."""
    labels = np.asarray(load_pickle(fetch(_LABELS)), dtype=np.int64).ravel()
    if values.shape != labels.shape:
        raise BadInput(f"{name} and {_LABELS} differ in length")
    return labels


def authors_background(fetch: Fetch) -> NDArray[np.float32]:
    """Return the authors' KernelSHAP background: 5000 QCD training jets (quirk B7)."""
    return _table(fetch(f"{_FOLDER}/background.pkl")).values.astype(np.float32)


def authors_shap_values(fetch: Fetch) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the authors' SHAP values of 500 QCD jets and of 500 top jets, and their base.

    Returns:
        (500, 90), (500, 90) and the base value, in units of the logit.
    """
    qcd, top = (
        np.asarray(load_pickle(fetch(f"{_FOLDER}/shap_values_{name}.pkl")), dtype=np.float64)
        for name in ("bkg", "sig")
    )
    base = np.asarray(load_pickle(fetch(f"{_FOLDER}/expected_value.pkl")), dtype=np.float64)
    if qcd.shape[-1] != len(topodnn_features()) or qcd.shape != top.shape or base.size != 1:
        raise BadInput(f"{_FOLDER} holds SHAP values of shapes {qcd.shape} and {top.shape}")
    # shap of 2022 stored a list with one array per output.
    width = qcd.shape[-1]
    return qcd.reshape(-1, width), top.reshape(-1, width), float(base.ravel()[0])


def _from_fixtures(jets: int | None, fetch: Fetch) -> Sample:
    names = [f"{_FOLDER}/samples_{name}.pkl" for name in ("bkg", "sig")]
    qcd, top = (_table(fetch(name)) for name in names)
    if qcd.columns != topodnn_features() or top.columns != topodnn_features():
        raise BadInput(f"{names[0]} does not have the columns of TopoDNN")
    # The first N of a mixed file: as many of each class.
    n_top = len(top) if jets is None else min(len(top), jets // 2)
    n_qcd = len(qcd) if jets is None else min(len(qcd), jets - jets // 2)
    return Sample(
        inputs=np.vstack([qcd.values[:n_qcd], top.values[:n_top]]).astype(np.float32),
        labels=np.repeat([0, 1], [n_qcd, n_top]),
        rows=np.concatenate([qcd.index[:n_qcd], top.index[:n_top]]),
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
    )


def _paper_block(artifact_id: str) -> dict[str, Any]:
    pin = find_artifact(artifact_id)
    facts = {"id": pin.id, "doi": pin.doi, "sha256": pin.sha256, "md5": pin.md5}
    return {"source": "paper", **facts}


def _path_block(path: Path) -> dict[str, Any]:
    return {"source": "path", "id": path.name, "doi": None, "sha256": None, "md5": None}


def _from_file(path: Path, block: dict[str, Any], jets: int | None, progress: Progress) -> Sample:
    """Read a file; ``block`` says what it is, as the ``data`` block of a result does."""
    with open_jets(path) as table:
        total = len(table) if jets is None else min(jets, len(table))
        inputs = np.empty((total, len(topodnn_features())), np.float32)
        labels = np.empty(total, np.int64)
        starts = range(0, total, _CHUNK)
        leading = min(TOPODNN.constituents, table.constituents)
        chunks = table.iter_jets(stop=total, chunk=_CHUNK, constituents=leading)
        for start, chunk in zip(progress(starts, "preprocessing"), chunks, strict=True):
            rows = slice(start, start + len(chunk.labels))
            inputs[rows] = topodnn_inputs(chunk.four_momenta)
            labels[rows] = chunk.labels
        complete = total == len(table)
    is_paper = block["source"] == "paper"
    name = "simulated jets" if block["source"] == "embedded" else f"jets of {path.name}"
    return Sample(
        inputs=inputs,
        labels=labels,
        rows=np.arange(total),
        kind=("complete" if complete else "subset") if is_paper else "other",
        description=f"{'all' if complete else 'the first'} {total:,} {name}",
        data={**block, "jets": total, "selection": "all" if complete else f"first {total}"},
    )


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


def _table(path: Path) -> Table:
    content = load_pickle(path)
    if not isinstance(content, Table):
        raise BadInput(f"{path} holds no table")
    return content
