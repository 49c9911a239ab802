"""Fits of vertices: against a closed form, their pulls, and what outliers do."""

import dataclasses

import numpy as np
import pytest
from hbb_guns import CARD, pions, vectors
from scipy.linalg import lstsq
from scipy.stats import chi2 as chi2_distribution
from scipy.stats import kstest

from repro.simulation.hbb.covariance import natural_covariance, to_cms
from repro.simulation.hbb.helix import Helices
from repro.simulation.hbb.vertex_fit import Candidates, Measured, fit_vertices

EVERYTHING = dataclasses.replace(CARD.finder.annealing, cut=1e6)
ADAPTIVE = CARD.finder.annealing
STRAIGHT = 1e-5  # [T]


def measured_at(rng, places, each, *, field=CARD.field, pt=(1.0, 10.0), smear=True):
    """Tracks with Gaussian errors from places [cm], (m, 3), into the same half of space."""
    number = len(places) * each
    owner = np.repeat(np.arange(len(places)), each)
    eta, phi = rng.uniform(-1, 1, number), rng.uniform(-1.2, 1.2, number)
    pt = np.exp(rng.uniform(*np.log(pt), number))
    charge = rng.choice([-1.0, 1.0], number)
    true = Helices.of_particles(pions(owner, vectors(pt, eta, phi), places[owner], charge), field)
    natural = natural_covariance(pt, np.arcsinh(true.slope), np.zeros(number), CARD)
    shift = np.linalg.cholesky(natural) @ rng.standard_normal((number, 5, 1)) * smear
    angle = np.arctan(true.slope)
    helices = Helices(
        true.radius / (1 + shift[:, 0, 0]),
        true.phi + shift[:, 2, 0],
        np.tan(angle + shift[:, 1, 0]),
        true.dxy + shift[:, 3, 0],
        true.dz + shift[:, 4, 0] / np.cos(angle),
    )
    covariance = to_cms(natural, charge, pt, eta)
    return Measured(helices, covariance, field), Candidates(
        np.arange(number), np.full(len(places), each), places + rng.normal(0, 0.05, places.shape)
    )


def test_straight_tracks_meet_where_least_squares_says():
    """All tracks with their perigees near the vertex, so that their errors do not change."""
    rng = np.random.default_rng(1)
    places = rng.normal(0, 0.01, (30, 3))
    tracks, candidates = measured_at(rng, places, 5, field=STRAIGHT)
    fits = fit_vertices(tracks, candidates, EVERYTHING)
    path = np.zeros(len(tracks.helices))
    points, along = tracks.helices.position(path), tracks.helices.direction(path)
    for vertex in range(len(places)):
        rows, wanted = [], []
        for track in np.flatnonzero(candidates.owner == vertex):
            phi = tracks.helices.phi[track]
            across = np.array([-np.sin(phi), np.cos(phi), 0.0])
            normal = np.stack([across, np.cross(along[track], across)])
            way = (fits.position[vertex] - points[track]) @ along[track]
            cosine = np.hypot(*along[track][:2])
            lever = np.zeros((2, 5))
            lever[0, 2:4] = way * cosine, 1
            lever[1, [1, 4]] = way, 1
            errors = lever @ tracks.covariance[track] @ lever.T
            whiten = np.linalg.inv(np.linalg.cholesky(errors))
            rows.append(whiten @ normal)
            wanted.append(whiten @ normal @ points[track])
        design = np.concatenate(rows)
        expected, _, _, _ = lstsq(design, np.concatenate(wanted))
        np.testing.assert_allclose(fits.position[vertex], expected, atol=2e-6)
        np.testing.assert_allclose(
            fits.covariance[vertex], np.linalg.inv(design.T @ design), rtol=2e-3, atol=1e-12
        )
        left = ((design @ expected - np.concatenate(wanted)) ** 2).sum()
        assert fits.chi2[vertex] == pytest.approx(left, rel=1e-3)
    np.testing.assert_allclose(fits.degrees_of_freedom, 2 * 5 - 3)


def test_without_errors_the_vertex_is_found_to_rounding():
    rng = np.random.default_rng(2)
    places = np.abs(rng.normal(0, 3.0, (200, 3)))
    tracks, candidates = measured_at(rng, places, 3, smear=False)
    fits = fit_vertices(tracks, candidates, EVERYTHING)
    assert np.linalg.norm(fits.position - places, axis=1).max() < 1e-4
    assert fits.valid.all()


@pytest.mark.parametrize("distance", [0.0, 2.0])
@pytest.mark.parametrize("each", [2, 4])
def test_positions_pull_like_unit_gaussians_and_chi2_is_one(distance, each):
    rng = np.random.default_rng(3)
    places = np.zeros((3000, 3))
    places[:, 0] = distance
    tracks, candidates = measured_at(rng, places, each)
    fits = fit_vertices(tracks, candidates, EVERYTHING)
    inverse = np.linalg.inv(np.linalg.cholesky(fits.covariance))
    white = np.einsum("mij,mj->mi", inverse, fits.position - places)
    # Two tracks with a small angle know their vertex along them no better than not at all.
    sharp = np.sqrt(np.linalg.eigvalsh(fits.covariance)[:, -1]) < 0.1
    assert sharp.mean() > 0.8
    low, high = np.quantile(white[sharp], [0.1587, 0.8413], axis=0)
    np.testing.assert_allclose((high - low) / 2, 1, atol=0.06)
    np.testing.assert_allclose(np.median(white[sharp], axis=0), 0, atol=0.08)
    probability = chi2_distribution.sf(fits.chi2, fits.degrees_of_freedom)
    assert kstest(probability[sharp], "uniform").statistic < 0.04


@pytest.mark.parametrize(
    ("place", "valid"),
    [([100.0, 0, 0], True), ([120.0, 0, 0], False), ([9, 0, 260.0], True), ([9, 0, 280.0], False)],
)
def test_vertices_outside_the_tracker_are_none(place, valid):
    rng = np.random.default_rng(12)
    tracks, candidates = measured_at(rng, np.array([place]), 3, smear=False)
    fits = fit_vertices(tracks, candidates, EVERYTHING)
    np.testing.assert_allclose(fits.position, [place], atol=0.01)
    assert fits.valid.tolist() == [valid]


def test_an_outlier_gets_no_weight_and_changes_nothing():
    rng = np.random.default_rng(4)
    places = np.tile([0.5, 0.0, 0.1], (100, 1))
    tracks, candidates = measured_at(rng, places, 5)
    last = candidates.offsets + 4
    helices = tracks.helices
    dxy = helices.dxy.copy()
    dxy[last] += 0.2
    spoilt = dataclasses.replace(tracks, helices=dataclasses.replace(helices, dxy=dxy))
    fits = fit_vertices(spoilt, candidates, ADAPTIVE)
    assert np.mean(fits.weights[last] < 1e-6) > 0.97
    others = np.ones(len(dxy), dtype=bool)
    others[last] = False
    without = candidates.chosen(np.ones(100, dtype=bool), others)
    expected = fit_vertices(tracks, without, ADAPTIVE)
    gone = fits.weights[last] < 1e-6
    apart = np.linalg.norm(fits.position - expected.position, axis=1)
    assert np.median(apart[gone]) < 2e-4
    np.testing.assert_allclose(
        fits.degrees_of_freedom,
        2 * np.add.reduceat(fits.weights, candidates.offsets) - 3,
    )


def test_weights_are_those_of_the_annealing_at_its_end():
    rng = np.random.default_rng(5)
    tracks, candidates = measured_at(rng, np.zeros((200, 3)), 4)
    fits = fit_vertices(tracks, candidates, ADAPTIVE)
    approach = tracks.helices.approach(fits.position[candidates.owner])
    apart = fits.position[candidates.owner] - approach.position
    residual = np.einsum("kij,kj->ki", approach.normal, apart)
    inverse = np.linalg.inv(tracks.errors_at(approach.path))
    chi2 = np.einsum("ki,kij,kj->k", residual, inverse, residual)
    cut = ADAPTIVE.cut**2
    np.testing.assert_allclose(
        fits.weights, np.exp(-chi2 / 2) / (np.exp(-chi2 / 2) + np.exp(-cut / 2)), rtol=1e-6
    )
    # Half the weight at the cut: three standard deviations.
    assert (fits.weights[chi2 < cut] > 0.5).all()
    assert (fits.weights[chi2 > cut] < 0.5).all()


def test_a_constraint_pulls_to_the_origin():
    rng = np.random.default_rng(6)
    places = np.tile([0.02, 0.0, 0.0], (50, 1))
    tracks, candidates = measured_at(rng, places, 3)
    free = fit_vertices(tracks, candidates, EVERYTHING)
    firm = fit_vertices(
        tracks, candidates, EVERYTHING, constraint=np.tile(1e-10 * np.eye(3), (50, 1, 1))
    )
    assert np.linalg.norm(firm.position, axis=1).max() < 1e-4
    assert (firm.chi2 > free.chi2).all()
    np.testing.assert_allclose(firm.degrees_of_freedom, free.degrees_of_freedom + 3)
    loose = fit_vertices(
        tracks, candidates, EVERYTHING, constraint=np.tile(1e4 * np.eye(3), (50, 1, 1))
    )
    np.testing.assert_allclose(loose.position, free.position, atol=1e-4)


def test_a_fit_does_not_depend_on_others():
    rng = np.random.default_rng(7)
    tracks, candidates = measured_at(rng, rng.normal(0, 0.5, (40, 3)), 4)
    fits = fit_vertices(tracks, candidates, ADAPTIVE)
    for vertex in (0, 17, 39):
        alone = candidates.chosen(np.arange(40) == vertex, np.ones(160, dtype=bool))
        one = fit_vertices(tracks, alone, ADAPTIVE)
        np.testing.assert_allclose(one.position[0], fits.position[vertex], atol=1e-12)
        np.testing.assert_allclose(one.covariance[0], fits.covariance[vertex], rtol=1e-9)


def test_nothing_to_fit():
    tracks, candidates = measured_at(np.random.default_rng(8), np.zeros((1, 3)), 2)
    none = candidates.chosen(np.zeros(1, dtype=bool), np.ones(2, dtype=bool))
    fits = fit_vertices(tracks, none, ADAPTIVE)
    assert fits.position.shape == (0, 3)
    assert len(fits.normchi2) == 0
