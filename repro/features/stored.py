"""What the authors stored: inputs of some jets, outputs and momenta of all, SHAP values.

Their test set is not among it, but inputs of 500 QCD and 500 top jets for TopoDNN and for MBNS
are, and outputs of TopoDNN for all 404,000.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.archives import read_array
from repro.data.callbacks import Fetch
from repro.data.pickles import Table, load_pickle
from repro.errors import BadInput, MissingData
from repro.features.mbns import MBNS, mbns_features
from repro.features.topodnn import topodnn_features

__all__ = [
    "StoredClass",
    "authors_background",
    "authors_mbns_background",
    "authors_mbns_shap_values",
    "authors_shap_values",
    "real_jet_pt",
    "stored_inputs",
    "stored_outputs",
]

_TOPODNN = "toptag/fixtures/topodnn_shap"
_MBNS = "toptag/fixtures/mbns_shap"
_PREDICTIONS = "toptag/fixtures/topodnn_test_predictions.npy"
_JET_PT = "toptag/fixtures/test_jet_pt.pkl"
_LABELS = "toptag/fixtures/test_labels.pkl"
_CLASSES = ("bkg", "sig")


@dataclass(frozen=True, eq=False)
class StoredClass:
    """Inputs of test jets of one class.

    Attributes:
        name: Id of the file that they are in.
        inputs: (n, inputs), in the precision of the family's network.
        rows: (n,), their rows in the test set.
    """

    name: str
    inputs: NDArray[Any]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


def stored_inputs(family: str, fetch: Fetch) -> tuple[StoredClass, StoredClass]:
    """Return the inputs of QCD and of top jets that the authors stored.

    Args:
        family: Whose inputs.
        fetch: Gives the local path of a pinned file.

    Raises:
        MissingData: If they stored none for this family.
        BadInput: If the files hold something else.
    """
    if family not in _READERS:
        raise MissingData(
            f"the authors stored no jets for {_TITLES[family]}: "
            "use --data embedded, paper or a file"
        )
    qcd, top = (_READERS[family](name, label, fetch) for label, name in enumerate(_CLASSES))
    return qcd, top


def stored_outputs(fetch: Fetch) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the authors' TopoDNN outputs P(top) for the whole test set, and its labels.

    Raises:
        BadInput: If the files hold something else.
    """
    try:
        predictions = read_array(fetch(_PREDICTIONS))
    except (OSError, ValueError) as error:
        raise BadInput(f"{_PREDICTIONS} is no readable array ({error})") from error
    return predictions, _labels_of(predictions, _PREDICTIONS, fetch)


def real_jet_pt(fetch: Fetch) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the transverse momenta of all jets of the test set [GeV], and their labels.

    Raises:
        BadInput: If the files hold something else.
    """
    pt = np.asarray(load_pickle(fetch(_JET_PT)), dtype=np.float64).ravel()
    return pt, _labels_of(pt, _JET_PT, fetch)


def authors_background(fetch: Fetch) -> NDArray[np.float32]:
    """Return the authors' KernelSHAP background: 5000 QCD training jets (quirk B7)."""
    return _table(fetch(f"{_TOPODNN}/background.pkl")).values.astype(np.float32)


def authors_shap_values(fetch: Fetch) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the authors' SHAP values of 500 QCD jets and of 500 top jets, and their base.

    Returns:
        (500, 90), (500, 90) and the base value, in units of the logit.
    """
    qcd, top = (
        np.asarray(load_pickle(fetch(f"{_TOPODNN}/shap_values_{name}.pkl")), dtype=np.float64)
        for name in _CLASSES
    )
    base = np.asarray(load_pickle(fetch(f"{_TOPODNN}/expected_value.pkl")), dtype=np.float64)
    if qcd.shape[-1] != len(topodnn_features()) or qcd.shape != top.shape or base.size != 1:
        raise BadInput(f"{_TOPODNN} holds SHAP values of shapes {qcd.shape} and {top.shape}")
    # shap of 2022 stored a list with one array per output.
    width = qcd.shape[-1]
    return qcd.reshape(-1, width), top.reshape(-1, width), float(base.ravel()[0])


def authors_mbns_shap_values(
    fetch: Fetch, variant: str = ""
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the authors' SHAP values of 500 QCD and 500 top jets for MBNS, of October 2022.

    They belong to older weights than the published ones, for which there are no arrays.

    Args:
        fetch: Gives the local path of a pinned file.
        variant: Empty for the baseline, or ``tau_x_1``.

    Returns:
        (n, inputs) of P(QCD) for the QCD jets, and of P(top) for the top jets.

    Raises:
        BadInput: If the files hold something else.
    """
    suffix = f"_{variant}" if variant else ""
    found = []
    for label, name in enumerate(_CLASSES):
        artifact = f"{_MBNS}/shap_values_{name}{suffix}.pkl"
        # shap of 2022 stored a list with one array per output.
        outputs = np.asarray(load_pickle(fetch(artifact)), dtype=np.float64)
        if outputs.ndim != 3 or len(outputs) != len(_CLASSES):
            raise BadInput(f"{artifact} holds an array {outputs.shape}, not (2, n, inputs)")
        found.append(outputs[label])
    qcd, top = found
    return qcd, top


def authors_mbns_background(fetch: Fetch) -> NDArray[np.float64]:
    """Return the authors' KernelSHAP background for MBNS: 5000 training jets, both classes.

    Raises:
        BadInput: If the file holds something else.
    """
    artifact = f"{_MBNS}/background.pkl"
    rows = np.asarray(load_pickle(fetch(artifact)), dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(mbns_features()):
        raise BadInput(f"{artifact} holds an array {rows.shape}, not (n, {len(mbns_features())})")
    return rows


def _topodnn(name: str, label: int, fetch: Fetch) -> StoredClass:  # noqa: ARG001  # as _mbns
    artifact = f"{_TOPODNN}/samples_{name}.pkl"
    table = _table(fetch(artifact))
    if table.columns != topodnn_features():
        raise BadInput(f"{artifact} does not have the columns of TopoDNN")
    return StoredClass(artifact, table.values.astype(np.float32), table.index)


def _mbns(name: str, label: int, fetch: Fetch) -> StoredClass:
    artifact = f"{_MBNS}/samples_{name}.pkl"
    inputs = np.asarray(load_pickle(fetch(artifact)), dtype=np.float64)
    if inputs.ndim != 2 or inputs.shape[1] != len(mbns_features()):
        raise BadInput(f"{artifact} holds an array {inputs.shape}, not (n, {len(mbns_features())})")
    pt, labels = real_jet_pt(fetch)
    rows = np.flatnonzero(labels == label)
    given = inputs[:, mbns_features().index("pT_J")] * MBNS.momentum_unit
    return StoredClass(artifact, inputs, rows[_nearest(pt[rows], given)])


def _nearest(known: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the position of the known number that is nearest to each wanted one.

    The authors stored these jets without their rows.  The jet's momentum, which they stored for
    all jets in float64, names it: 99 of 100 agree to the last digit, the others to the seventh.
    """
    order = np.argsort(known, kind="stable")
    middle = (known[order][1:] + known[order][:-1]) / 2
    return np.asarray(order[np.searchsorted(middle, wanted)])


def _labels_of(values: NDArray[Any], name: str, fetch: Fetch) -> NDArray[np.int64]:
    """Return the labels of the test set, which must be as many as the values of a file."""
    labels = np.asarray(load_pickle(fetch(_LABELS)), dtype=np.int64).ravel()
    if values.shape != labels.shape:
        raise BadInput(f"{name} and {_LABELS} differ in length")
    return labels


def _table(path: Path) -> Table:
    content = load_pickle(path)
    if not isinstance(content, Table):
        raise BadInput(f"{path} holds no table")
    return content


_READERS: dict[str, Callable[[str, int, Fetch], StoredClass]] = {"topodnn": _topodnn, "mbns": _mbns}
_TITLES = {"pfn": "PFN", "pfin": "PFIN", "augpfn": "AugPFN"}
