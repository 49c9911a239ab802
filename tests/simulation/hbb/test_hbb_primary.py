"""The fitted primary vertex: its pulls, and that tracks pull it with them."""

import dataclasses

import numpy as np
import pytest
from hbb_guns import changed, everything_found, rotated, spray
from scipy.stats import chi2 as chi2_distribution
from scipy.stats import kstest

from repro.simulation.hbb.primary import fit_primary, primary_covariance, relative_to
from repro.simulation.hbb.tracks import reconstruct_tracks

ALL = everything_found()
FITTED = changed(
    ALL,
    primary={
        "floor": 0.0,
        "max_significance": 50.0,
        "annealing": dataclasses.replace(ALL.primary.annealing, cut=1e6),
    },
)
EXACT = changed(
    ALL, primary={"max_significance": -1.0, "beam_transverse": 1e-9, "beam_longitudinal": 1e-9}
)


def tracks_of(particles, events, card=EXACT, seed=1):
    """Tracks relative to the true vertex, if no other card is given."""
    return reconstruct_tracks(particles, card, np.random.default_rng(seed), events)


def fit(tracks, card, events, seed=1):
    return fit_primary(tracks, card, np.random.default_rng(seed), events)


def chi2_to_vertex(tracks, events):
    """Sum over the tracks of each event, of both impact parameters, (events,)."""
    residual = np.stack([tracks.dxy, tracks.dz / np.cosh(tracks.eta)], axis=1)
    inverse = np.linalg.inv(tracks.covariance[:, 3:, 3:])
    of_tracks = np.einsum("ni,nij,nj->n", residual, inverse, residual)
    return np.bincount(tracks.event, of_tracks, minlength=events)


@pytest.mark.parametrize("card", [ALL, FITTED], ids=["floor", "fit alone"])
def test_the_vertex_misses_the_truth_by_its_own_error(card):
    events = 1500
    tracks = tracks_of(spray(np.random.default_rng(2), events, 25), events)
    vertex = fit(tracks, card, events)
    covariance = primary_covariance(tracks, card, events)
    white = np.einsum("mij,mj->mi", np.linalg.inv(np.linalg.cholesky(covariance)), vertex)
    low, high = np.quantile(white, [0.1587, 0.8413], axis=0)
    np.testing.assert_allclose((high - low) / 2, 1, atol=0.07)
    np.testing.assert_allclose(np.median(white, axis=0), 0, atol=0.08)


def test_tracks_miss_a_vertex_of_their_own_by_less_than_the_true_one():
    """chi2 has two degrees of freedom for each track, and three fewer after a fit of a point."""
    events, each = 800, 4
    particles = spray(np.random.default_rng(3), events, each, eta=1.5)
    # Softer tracks turn away from straight lines between the vertices.
    true = tracks_of(particles, events)
    fitted = tracks_of(particles, events, FITTED)
    whole = np.bincount(true.event, minlength=events) == each
    for tracks, freedom in ((true, 2 * each), (fitted, 2 * each - 3)):
        chi2 = chi2_to_vertex(tracks, events)[whole]
        assert chi2.mean() == pytest.approx(freedom, rel=0.06)
        assert kstest(chi2_distribution.sf(chi2, freedom), "uniform").statistic < 0.06


def test_a_displaced_track_does_not_pull_the_vertex():
    events, each = 200, 20
    tracks = tracks_of(spray(np.random.default_rng(4), events, each), events)
    first = np.unique(tracks.event, return_index=True)[1]
    dxy = tracks.dxy.copy()
    dxy[first] += 6 * np.sqrt(tracks.covariance[first, 3, 3])
    moved = dataclasses.replace(tracks, dxy=dxy)
    wide = changed(ALL, primary={"max_significance": 20.0})
    without = np.delete(np.arange(len(tracks)), first)
    # Weighted by its chi2 it has no part; with equal weights it has one.
    adaptive = np.abs(fit(moved, wide, events) - fit(tracks[without], wide, events))
    equal = changed(wide, primary={"annealing": FITTED.primary.annealing})
    plain = np.abs(fit(moved, equal, events) - fit(tracks[without], equal, events))
    assert np.median(adaptive) < 0.2 * np.median(plain)


def test_turned_tracks_have_a_turned_vertex_whatever_their_order():
    events, angle = 50, 0.9
    tracks = tracks_of(spray(np.random.default_rng(5), events, 15), events)
    vertex = fit(tracks, FITTED, events)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    turned = fit(rotated(tracks, angle), FITTED, events)
    np.testing.assert_allclose(turned, vertex @ turn.T, atol=1e-7)
    order = np.lexsort((tracks.pt, tracks.event))
    np.testing.assert_allclose(fit(tracks[order], FITTED, events), vertex, atol=1e-7)


def test_an_event_with_one_track_has_its_vertex_in_the_beam_spot():
    events = 4000
    tracks = tracks_of(spray(np.random.default_rng(6), events, 1), events)
    vertex = fit(tracks, ALL, events)
    beam = [ALL.primary.beam_transverse] * 2 + [ALL.primary.beam_longitudinal]
    np.testing.assert_allclose(vertex.std(axis=0), beam, rtol=0.05)


def test_what_is_measured_is_relative_to_the_fitted_vertex():
    events = 20
    particles = spray(np.random.default_rng(7), events, 30)
    true, fitted = tracks_of(particles, events), tracks_of(particles, events, FITTED)
    # The beam spot of a millionth of a centimetre is drawn as well.
    vertex = fit(true, FITTED, events)[true.event]
    dxy, dz = relative_to(vertex, true.phi, true.eta, true.dxy, true.dz)
    np.testing.assert_allclose(fitted.dxy, dxy, atol=1e-7)
    np.testing.assert_allclose(fitted.dz, dz, atol=1e-6)
