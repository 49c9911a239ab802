"""What the jets of record 12102 are, and what to do with those that are nothing.

A jet is H→bb̄ if a Higgs boson is near it (``fj_isH``), and QCD if its sample is QCD and no heavy
particle is near it (``sample_isQCD`` times ``fj_isQCD``).  About one jet in sixteen is neither: a
jet of a signal sample without a Higgs boson.  The notebooks count such jets as background, the
study of portability removes them, and the AUC is 99.02 % one way and 99.10 % the other (dossier,
4.7, quirk 1).  So what is to be done with them is said by name.
"""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import find_group
from repro.errors import BadInput, UnknownName

__all__ = ["UNLABELLED", "Unlabelled", "check_policy", "labels_of", "targets_of"]

Unlabelled = Literal["background", "removed"]
"""``background``: unlabelled jets have label 0, as in the notebooks; ``removed``: they are left
out, as in the study of portability."""

UNLABELLED: tuple[str, ...] = get_args(Unlabelled)


def check_policy(name: str) -> None:
    """Raise unless this is a way to treat unlabelled jets.

    Raises:
        UnknownName: If it is none.
    """
    if name not in UNLABELLED:
        raise UnknownName(
            f"unlabelled jets cannot be {name!r}: choose {' or '.join(map(repr, UNLABELLED))}"
        )


def targets_of(flags: NDArray[Any]) -> NDArray[np.float32]:
    """Return the authors' targets, (n, 2) for QCD and H→bb̄, of flags (n, 3).

    Args:
        flags: ``sample_isQCD, fj_isQCD, fj_isH``, each 0 or 1.

    Raises:
        BadInput: If a flag is neither.

    >>> targets_of(np.array([[1, 1, 0], [0, 0, 1], [0, 1, 0]])).tolist()
    [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    """
    wrong = (flags != 0) & (flags != 1)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        name = find_group("flags").branches[column]
        raise BadInput(f"{name} is {flags[row, column]} in jet {row}: flags must be 0 or 1")
    return np.stack([flags[:, 0] * flags[:, 1], flags[:, 2]], axis=1).astype(np.float32)


def labels_of(targets: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return labels, 1 for H→bb̄ and 0 for others, and which jets have none; both (n,).

    Args:
        targets: (n, 2), QCD and H→bb̄, each 0 or 1, not both 1.

    Raises:
        BadInput: If they are anything else.

    >>> labels, unlabelled = labels_of(np.array([[1, 0], [0, 1], [0, 0]]))
    >>> labels.tolist(), unlabelled.tolist()
    ([0, 1, 0], [False, False, True])
    """
    wrong = ((targets != 0) & (targets != 1)).any(axis=1) | (targets == 1).all(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise BadInput(
            f"the target of jet {row} is {targets[row].tolist()}: "
            "it must be [1, 0] for QCD, [0, 1] for H→bb̄ or [0, 0] for neither"
        )
    return (targets[:, 1] == 1).astype(np.int64), (targets == 0).all(axis=1)
