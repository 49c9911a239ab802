"""Soft drop and N-subjettiness of many jets at once, by FastJet (arXiv:1111.6097).

Soft drop (arXiv:1402.2657) with beta = 0, on the Cambridge/Aachen tree of each jet's members.
N-subjettiness (arXiv:1108.2701) with beta = 1 and axes of one minimisation that starts from the kT
axes, as CMS has it.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.extras import load_awkward, load_fastjet

__all__ = ["Groomed", "groom", "n_subjettiness"]

_COMPONENTS = ("E", "px", "py", "pz")
# Anything that clusters all members of a jet into one.
_WIDE = 10.0


@dataclass(frozen=True, eq=False)
class Groomed:
    """Jets after soft drop.

    Attributes:
        momentum: (jets, 4), E, px, py, pz [GeV].
        subjets: (jets, 2, 4), likewise, of larger pT first; zeros where there is only one.
        count: (jets,), 1 or 2 subjets.
    """

    momentum: FloatArray
    subjets: FloatArray
    count: IntArray


def groom(members: FloatArray, counts: IntArray, cut: float, radius: float) -> Groomed:
    """Return soft-dropped jets with their subjets.

    Args:
        members: (k, 4), E, px, py, pz of the members of jet after jet [GeV].
        counts: (jets,), how many members each has, at least 1.
        cut: The z that the softer subjet must have.
        radius: Of the jets.

    Raises:
        NotAvailable: If FastJet is not installed.
    """
    awkward, fastjet = load_awkward(), load_fastjet()
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, _WIDE)
    with _quiet():
        tree = fastjet.ClusterSequence(_events(awkward, members, counts), definition)
        dropped = tree.exclusive_jets_softdrop_grooming(beta=0.0, symmetry_cut=cut, R0=radius)
        kept = np.asarray(awkward.num(dropped.constituents), dtype=np.int64)
        momentum = _flat(awkward.sum(dropped.constituents[name], axis=1) for name in _COMPONENTS)
        # The two subjets are the last that the tree of what is kept puts together.
        two = kept > 1
        subjets = np.zeros((len(counts), 2, 4))
        subjets[~two, 0] = momentum[~two]
        if two.any():
            tree = fastjet.ClusterSequence(dropped.constituents[two], definition)
            pair = tree.exclusive_jets(n_jets=2)
            columns = _flat(awkward.flatten(pair[name]) for name in _COMPONENTS)
            subjets[two] = columns.reshape(-1, 2, 4)
    pt = np.hypot(subjets[..., 1], subjets[..., 2])
    order = np.argsort(-pt, axis=1, kind="stable")
    subjets = np.take_along_axis(subjets, order[..., None], axis=1)
    return Groomed(momentum, subjets, np.where(two, 2, 1))


def n_subjettiness(members: FloatArray, counts: IntArray, radius: float) -> FloatArray:
    """Return tau_1, tau_2 and tau_3 of each jet, (jets, 3).

    Args:
        members: As for :func:`groom`.
        counts: Likewise.
        radius: Of the jets, to which distances are compared.

    Raises:
        NotAvailable: If FastJet is not installed.
    """
    awkward, fastjet = load_awkward(), load_fastjet()
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, _WIDE)
    with _quiet():
        tree = fastjet.ClusterSequence(_events(awkward, members, counts), definition)
        found = tree.njettiness(
            measure_definition="NormalizedMeasure",
            axes_definition="OnePass_KT_Axes",
            njets=[1, 2, 3],
            beta=1.0,
            R0=radius,
        )
    return np.asarray(awkward.to_numpy(found), dtype=np.float64)


def _quiet() -> "warnings.catch_warnings[None]":
    """Hide what FastJet's wrapper says of exclusive jets of every algorithm."""
    return warnings.catch_warnings(action="ignore", category=UserWarning)


def _flat(columns: Iterable[Any]) -> FloatArray:
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _events(awkward: Any, members: FloatArray, counts: IntArray) -> Any:  # noqa: ANN401
    columns = dict(zip(_COMPONENTS, members.T.copy(), strict=True))
    return awkward.unflatten(awkward.zip(columns, with_name="Momentum4D"), counts)
