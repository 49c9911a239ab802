"""Scores: the probability P(top) of a jet."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import nn

from repro.features.interaction import interaction_features, interaction_inputs
from repro.features.jets import iter_slices
from repro.features.registry import find_inputs
from repro.models.pfin import PfinNetwork
from repro.models.tagger import Tagger, predict_logits

__all__ = ["Observer", "is_empty", "probability_of_top", "score", "score_jets", "score_tracks"]

_JETS_PER_CHUNK = 4096


class Observer(Protocol):
    """Sees what a network sees."""

    def add(self, inputs: NDArray[np.floating], labels: NDArray[np.int64]) -> None:
        """Look at some jets: inputs (n, card.inputs) as the network gets them, and labels."""


def score(
    tagger: Tagger,
    inputs: NDArray[np.floating],
    device: torch.device | str = "cpu",
    *,
    corrected: bool = False,
) -> NDArray[np.floating]:
    """Return P(top) of jets.

    Args:
        tagger: Its network is moved to the device and stays there.
        inputs: (n, card.inputs), as :meth:`Tagger.prepare` returns them; cast to the precision
            of the network.
        device: Where to compute.
        corrected: Whether PFIN computes pair masses without cancellation (corrects B17).

    Returns:
        (n,) in the precision of the network, float32 but for MBNS; NaN where a row has NaN.
    """
    network = tagger.network.to(device)
    precision = next(network.parameters()).dtype
    rows = inputs.astype(str(precision).removeprefix("torch."), copy=False)
    with _stable_mass(network, corrected):
        scores = probability_of_top(predict_logits(network, rows, device))
    scores[np.isnan(rows).any(axis=1)] = np.nan
    return scores


def score_jets(
    tagger: Tagger,
    four_momenta: NDArray[np.floating],
    taus: NDArray[np.floating] | None = None,
    device: torch.device | str = "cpu",
    *,
    truth: NDArray[np.floating] | None = None,
    corrected: bool = False,
) -> NDArray[np.floating]:
    """Return P(top) of jets, from their constituents.

    The networks were trained on jets ordered as in the paper's data, and nothing is ordered here.

    Args:
        tagger: Its network is moved to the device and stays there.
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, ordered by pt, zero padded.
        taus: (n, 24), subjettiness as published if it is known; else MBNS and AugPFN need
            FastJet.
        device: Where to compute.
        truth: (n, 4), the truth momenta as E, px, py, pz in GeV, for a network that sees them
            by mistake, ``leakypfn`` (quirk B1), and for no other.
        corrected: Whether the originals' quirks are off: those of the inputs
            (:class:`repro.features.registry.InputsOf`), and PFIN's pair masses.

    Returns:
        (n,), as :func:`score`; NaN where a jet has no constituents.

    Raises:
        MissingData: If truth momenta are needed and not given.
        BadInput: If they are given to a network that must not see them.
    """
    family = find_inputs(tagger.card.family)
    inputs = family.compute(four_momenta, taus, truth=truth, corrected=corrected)
    prepared = tagger.prepare(inputs, family.features())
    scores = score(tagger, prepared, device, corrected=corrected)
    scores[is_empty(four_momenta)] = np.nan
    return scores


def score_tracks(
    tagger: Tagger,
    tracks: NDArray[np.floating],
    vertices: NDArray[np.floating],
    device: torch.device | str = "cpu",
) -> NDArray[np.floating]:
    """Return P(H→bb̄) of jets, from their tracks and secondary vertices.

    Args:
        tagger: An Interaction Network; it is moved to the device and stays there.
        tracks: (n, 30, 60), all features, also those that the variant does not see, as in
            :func:`repro.data.hbb.features.track_features`; in any order, zero where there is none.
        vertices: (n, 14, 5), likewise.
        device: Where to compute.

    Returns:
        (n,), as :func:`score`; a jet without tracks and vertices has a score as well.

    Raises:
        BadInput: If the arrays have other shapes.
    """
    features = interaction_features()
    parts = []
    for rows in iter_slices(max(1, len(tracks)), _JETS_PER_CHUNK):
        inputs = interaction_inputs(tracks[rows], vertices[rows])
        parts.append(score(tagger, tagger.prepare(inputs, features), device))
    return np.concatenate(parts)


def is_empty(four_momenta: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return whether each jet (n, k, 4) has no constituents, (n,)."""
    return np.asarray(~four_momenta.any(axis=(1, 2)))


def probability_of_top(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return P(top) of logits: (n,) of top against QCD, or (n, 2) of QCD and of top.

    Of an Interaction Network, whose second class is H→bb̄, it is P(H→bb̄).

    >>> probability_of_top(np.array([[1.0, 1.0], [0.0, 800.0]]))
    array([0.5, 1. ])
    """
    # The softmax of two logits is the sigmoid of their difference.
    return np.asarray(expit(logits if logits.ndim == 1 else logits[:, 1] - logits[:, 0]))


@contextmanager
def _stable_mass(network: nn.Module, corrected: bool) -> Iterator[None]:
    """Let PFIN compute pair masses without cancellation, for a while."""
    if not (corrected and isinstance(network, PfinNetwork)):
        yield
        return
    before, network.stable_mass = network.stable_mass, True
    try:
        yield
    finally:
        network.stable_mass = before
