"""Tracks: pulls, efficiencies, false tracks, and what the errors are made of."""

import dataclasses

import numpy as np
import pytest
from hbb_guns import (
    CARD,
    assert_same_bytes,
    changed,
    everything_found,
    no_tracks,
    pions,
    spray,
    vectors,
)
from hypothesis import given
from hypothesis import strategies as st

from repro.simulation.hbb.covariance import natural_covariance, to_cms
from repro.simulation.hbb.helix import Helices
from repro.simulation.hbb.primary import primary_covariance, relative_to
from repro.simulation.hbb.tracks import reconstruct_tracks, track_efficiency
from repro.simulation.particles import wrap_angle

ALL = everything_found()
EVENTS = 100


def reconstruct(particles, card=ALL, seed=1, events=EVENTS):
    return reconstruct_tracks(particles, card, np.random.default_rng(seed), events)


def sigma(tracks, row):
    return np.sqrt(tracks.covariance[:, row, row])


def core(values):
    """Half of the width of the central 68 %."""
    low, high = np.quantile(values, [0.1587, 0.8413])
    return (high - low) / 2


@pytest.fixture(scope="module")
def particles():
    return spray(np.random.default_rng(2), EVENTS, 120)


@pytest.fixture(scope="module")
def tracks(particles):
    return reconstruct(particles)


def test_pulls_of_what_is_measured_are_unit_gaussians(particles, tracks):
    """pt, eta and phi do not know of the primary vertex."""
    true = Helices.of_particles(particles[tracks.particle], ALL.field)
    pt = np.hypot(particles.px, particles.py)[tracks.particle]
    # Errors are those at the true momentum, and are quoted at the measured one.
    pulls = {
        "curvature": (tracks.charge / tracks.pt - np.sign(true.radius) / pt)
        / (tracks.pt_error / tracks.pt / pt),
        "eta": (tracks.eta - np.arcsinh(true.slope)) / tracks.eta_error,
        "phi": wrap_angle(tracks.phi - true.phi) / sigma(tracks, 2),
        "lambda": (np.arctan(np.sinh(tracks.eta)) - np.arctan(true.slope)) / sigma(tracks, 1),
    }
    well_inside = pt > 1.2  # of the least pt, which cuts into the distribution
    for name, pull in pulls.items():
        assert pull[well_inside].mean() == pytest.approx(0, abs=0.04), name
        assert pull[well_inside].std() == pytest.approx(1, abs=0.03), name
        assert core(pull[well_inside]) == pytest.approx(1, abs=0.03), name


def test_pulls_of_impact_parameters_are_unit_gaussians_about_the_true_vertex(particles):
    """With the primary vertex' own error small against the tracks'."""
    exact = changed(
        ALL, primary={"max_significance": -1.0, "beam_transverse": 1e-9, "beam_longitudinal": 1e-9}
    )
    tracks = reconstruct(particles, exact)
    for pull in (
        tracks.dxy / sigma(tracks, 3),
        tracks.dz / np.cosh(tracks.eta) / sigma(tracks, 4),
    ):
        assert pull.mean() == pytest.approx(0, abs=0.04)
        assert pull.std() == pytest.approx(1, abs=0.03)


def test_the_primary_vertex_widens_the_pulls_by_its_own_error(tracks):
    """dxy is measured from a vertex with an error, which dxy's own does not contain."""
    vertex = primary_covariance(tracks, ALL, EVENTS)
    across = np.stack([-np.sin(tracks.phi), np.cos(tracks.phi), 0 * tracks.phi], axis=1)
    extra = np.einsum("ni,nij,nj->n", across, vertex[tracks.event], across)
    own = tracks.covariance[:, 3, 3]
    assert (tracks.dxy / np.sqrt(own + extra)).std() == pytest.approx(1, abs=0.04)
    fast = own < 4 * extra
    assert fast.sum() > 300
    assert (tracks.dxy[fast] / np.sqrt(own[fast])).std() > 1.08


def test_tails_are_as_many_and_as_wide_as_the_card_says(particles):
    card = changed(ALL, tails={"fraction": 0.1, "scale": 6.0})
    tracks = reconstruct(particles, card)
    true = Helices.of_particles(particles[tracks.particle], card.field)
    pull = np.abs(wrap_angle(tracks.phi - true.phi)) / sigma(tracks, 2)
    # Beyond 4: of the core 6e-5, of the tail 50 %.
    assert np.mean(pull > 4) == pytest.approx(0.1 * 0.505, rel=0.15)
    worse = pull > 4
    assert tracks.normchi2[worse].mean() == pytest.approx(card.fit.tail_scale, abs=0.1)
    assert tracks.normchi2[~worse].mean() == pytest.approx(1, abs=0.06)


def test_every_parameter_is_correlated_as_its_covariance_says(particles):
    """Whitened residuals are independent: also where the particle was made far out."""
    momentum = np.stack([particles.px, particles.py, particles.pz], axis=1)
    out = vectors(6.0, 0.0, np.arctan2(particles.py, particles.px))
    far = pions(particles.event, momentum, out, particles.charge)
    exact = changed(
        ALL, primary={"max_significance": -1.0, "beam_transverse": 1e-9, "beam_longitudinal": 1e-9}
    )
    for made in (particles, far):
        tracks = reconstruct(made, exact)
        true = Helices.of_particles(made[tracks.particle], exact.field)
        pt, angle = np.hypot(made.px, made.py)[tracks.particle], np.arctan(true.slope)
        residual = np.stack(
            [
                tracks.charge / (tracks.pt * np.cosh(tracks.eta))
                - np.sign(true.radius) * np.cos(angle) / pt,
                np.arctan(np.sinh(tracks.eta)) - angle,
                wrap_angle(tracks.phi - true.phi),
                tracks.dxy - true.dxy,
                (tracks.dz - true.dz) * np.cos(angle),
            ],
            axis=1,
        )
        inverse = np.linalg.inv(np.linalg.cholesky(tracks.covariance))
        white = np.einsum("nij,nj->ni", inverse, residual)[pt > 1.3]
        np.testing.assert_allclose(np.cov(white.T), np.eye(5), atol=0.06)


@given(
    st.floats(0.95, 2000.0),
    st.floats(-2.5, 2.5),
    st.floats(0.0, 60.0),
    st.sampled_from([-1.0, 1.0]),
)
def test_covariances_are_positive_definite(pt, eta, radius, charge):
    values = np.array([pt]), np.array([eta])
    natural = natural_covariance(*values, np.array([radius]), CARD)
    covariance = to_cms(natural, np.array([charge]), *values)[0]
    scale = np.sqrt(np.diagonal(covariance))
    correlation = covariance / np.outer(scale, scale)
    assert np.linalg.eigvalsh(correlation).min() > 1e-5
    np.testing.assert_array_equal(covariance, covariance.T)
    if radius == 0:
        at = {name: CARD.resolution.at(name, values[1], values[0])[0] for name in ("dxy", "dz")}
        assert scale[3] == pytest.approx(at["dxy"])
        assert scale[4] == pytest.approx(at["dz"] / np.cosh(eta))
        # Carried back to the beam line from the first layer.
        assert correlation[2, 3] < 0
        assert correlation[1, 4] < 0


def test_lost_layers_worsen_impact_parameters_and_directions_not():
    number = np.full(4, 2.0), np.zeros(4)
    radius = np.array([0.0, 4.0, 8.0, 30.0])
    found = natural_covariance(*number, radius, CARD)
    assert found[0, 3, 3] == found[1, 3, 3]
    assert (np.diff(found[1:, 3, 3]) > 0).all()
    assert (np.diff(found[1:, 4, 4]) > 0).all()
    assert np.ptp(found[:, 2, 2]) == 0
    # To the first remaining layer, 33.9 cm: the error of phi over 29.5 cm.
    expected = found[3, 2, 2] * 29.5**2 + found[0, 3, 3] - 2 * 29.5 * found[0, 2, 3]
    assert found[3, 3, 3] == pytest.approx(expected)


@pytest.mark.parametrize(("pdg", "kind"), [(211, "hadron"), (11, "electron"), (13, "muon")])
@pytest.mark.parametrize(("eta", "pt"), [(0.3, 5.0), (2.2, 5.0)])
def test_efficiency_is_the_cards(pdg, kind, eta, pt):
    number = 4000
    particles = pions(np.arange(number), vectors(np.full(number, pt), eta, 0.4), pdg=pdg)
    card = changed(fakes={"fraction": 0.0}, pileup={"density": 0.0})
    tracks = reconstruct(particles, card, events=number)
    expected = CARD.efficiency[kind].at(np.array([eta]), np.array([pt]))[0]
    error = np.sqrt(expected * (1 - expected) / number)
    assert len(tracks) / number == pytest.approx(expected, abs=4 * error)


def test_efficiency_falls_with_the_radius_and_with_neighbours():
    momentum = vectors(np.full(5, 5.0), 0.3, np.array([0.4, 0.4, 0.4, 2.0, 2.001]))
    place = vectors(np.array([0.0, 20.0, 70.0, 0.0, 0.0]), 0.0, 0.4)
    particles = pions([0, 1, 2, 3, 3], momentum, place)
    found = track_efficiency(particles, CARD)
    prompt = CARD.efficiency["hadron"].at(np.array([0.3]), np.array([5.0]))[0]
    np.testing.assert_allclose(
        found / prompt,
        [1, CARD.displaced.at(np.array([20.0]))[0], 0, *[1 - CARD.density.loss] * 2],
    )
    assert 2 not in reconstruct(particles, events=4).event
    # Not in different events, and over the seam at pi.
    apart = dataclasses.replace(particles, event=np.arange(5))
    np.testing.assert_allclose(track_efficiency(apart, CARD)[3:], prompt)
    seam = pions([0, 0], vectors(np.full(2, 5.0), 0.3, np.array([np.pi - 1e-4, -np.pi + 1e-4])))
    np.testing.assert_allclose(track_efficiency(seam, CARD), prompt * (1 - CARD.density.loss))


def test_false_tracks(particles):
    card = changed(ALL, fakes={"fraction": 0.3})
    tracks = reconstruct(particles, card)
    false = tracks.particle < 0
    assert false.sum() / (~false).sum() == pytest.approx(0.3, abs=0.02)
    assert np.median(np.abs(tracks.dxy[false])) > 10 * np.median(np.abs(tracks.dxy[~false]))
    assert tracks.normchi2[false].mean() > 2
    assert tracks.normchi2[~false].mean() == pytest.approx(1, abs=0.02)
    assert set(tracks.charge[false]) == {-1, 1}


def test_quality_bits(particles):
    assert set(reconstruct(particles).quality.tolist()) == {5}
    often = changed(ALL, fit={"low_fraction": 0.25})
    quality = reconstruct(particles, often).quality
    assert set(quality.tolist()) == {1, 5}
    assert np.mean(quality == 1) == pytest.approx(0.25, abs=0.02)


def test_tracks_are_within_the_acceptance_and_in_order(particles):
    tracks = reconstruct(particles, CARD)
    assert tracks.pt.min() > 0.95
    assert np.abs(tracks.eta).max() < 2.5
    assert (np.diff(tracks.event) >= 0).all()
    assert ((tracks.phi >= -np.pi) & (tracks.phi < np.pi)).all()
    real = tracks.particle >= 0
    np.testing.assert_array_equal(particles.event[tracks.particle[real]], tracks.event[real])
    assert (tracks.charge == particles.charge[tracks.particle])[real].all()


def test_neutral_soft_and_forward_particles_leave_no_tracks():
    momentum = vectors(np.array([5.0, 0.3, 5.0]), np.array([0.0, 0.0, 3.0]), 0.1)
    assert len(reconstruct(pions([0, 1, 2], momentum, charge=[0, 1, 1]))) == 0


def test_other_collisions_leave_tracks_along_the_beams():
    """As many as the card says, from the beam line, and mostly far from the vertex along it."""
    events, edge = 400, CARD.acceptance.max_abs_eta
    nothing = pions(np.zeros(0, dtype=np.int64), np.zeros((0, 3)))
    card = changed(
        ALL,
        primary={"max_significance": -1.0, "beam_transverse": 1e-9, "beam_longitudinal": 1e-9},
        pileup={"density": 0.4},
    )
    tracks = reconstruct(nothing, card, events=events)
    each = 0.4 * 2 * np.pi * 2 * edge
    assert len(tracks) / events == pytest.approx(each, abs=4 * np.sqrt(each / events) + 0.02 * each)
    assert (tracks.particle == -1).all()
    assert np.abs(tracks.eta).max() < edge
    assert tracks.dz.std() == pytest.approx(card.pileup.distance, rel=0.05)
    significance = np.abs(tracks.dz) / np.cosh(tracks.eta) / sigma(tracks, 4)
    assert (significance > 100).mean() > 0.5
    assert core(tracks.dxy / sigma(tracks, 3)) < 1.5


def test_no_particles_no_tracks():
    nothing = pions(np.zeros(0, dtype=np.int64), np.zeros((0, 3)))
    for events in (0, 3):
        tracks = reconstruct(nothing, ALL, events=events)
        assert len(tracks) == 0
        assert tracks.covariance.shape == (0, 5, 5)
    assert primary_covariance(no_tracks(), CARD, 2).shape == (2, 3, 3)


def test_the_same_seed_gives_the_same_bytes(particles):
    assert_same_bytes(reconstruct(particles, CARD), reconstruct(particles, CARD))
    one, other = reconstruct(particles, ALL), reconstruct(particles, ALL, seed=2)
    assert not np.intersect1d(one.dxy, other.dxy).size


def test_azimuth_is_of_no_consequence(particles):
    """Turned particles with the same random numbers are turned tracks."""
    angle = 1.234
    c, s = np.cos(angle), np.sin(angle)
    turned = dataclasses.replace(
        particles,
        px=c * particles.px - s * particles.py,
        py=s * particles.px + c * particles.py,
    )
    exact = changed(
        CARD,
        primary={"max_significance": -1.0, "beam_transverse": 1e-9, "beam_longitudinal": 1e-9},
        pileup={"density": 0.0},
    )
    one, other = reconstruct(particles, exact), reconstruct(turned, exact)
    np.testing.assert_array_equal(one.particle, other.particle)
    for name in ("pt", "eta", "covariance", "normchi2", "charge"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-15)
    for name in ("dxy", "dz"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-7)
    np.testing.assert_allclose(np.cos(other.phi - one.phi), np.cos(angle))


def test_the_primary_vertex_is_known_better_with_more_and_harder_tracks():
    rng = np.random.default_rng(3)

    def errors(each, pt):
        tracks = reconstruct(spray(rng, 60, each, pt=pt), events=60)
        covariance = primary_covariance(tracks, ALL, 60)
        return np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)).mean(axis=0) * 1e4

    few, many, hard = errors(10, (1.0, 3.0)), errors(60, (1.0, 3.0)), errors(60, (5.0, 20.0))
    assert (few > many).all()
    assert (many > hard).all()
    # arXiv:1405.6569: 10 to 12 micrometres in each dimension for collisions of interest.
    assert (hard < 12).all()
    assert (many[:2] > 9).all()
    assert (many[:2] < 25).all()


def test_parallel_tracks_alone_still_make_a_primary_vertex():
    particles = pions([0, 0, 1], vectors(np.full(3, 5.0), 0.3, 0.4))
    tracks = reconstruct(particles, events=3)
    assert len(tracks) == 3
    twins = tracks[np.array([0, 0, 2])]
    covariance = primary_covariance(twins, ALL, 3)
    size = np.linalg.eigvalsh(covariance)
    assert size.min() > 0
    beam = ALL.primary.beam_longitudinal
    assert size[0].max() == pytest.approx(beam**2, rel=1e-3)  # along the tracks
    # One track, or none: the beam spot.
    for event in (1, 2):
        assert np.sqrt(np.diagonal(covariance[event]))[:2] == pytest.approx(15e-4, rel=1e-3)


def test_impact_parameters_are_relative_to_the_vertex_as_cms_has_them():
    rng = np.random.default_rng(8)
    number = 50
    vertex = rng.normal(0, 0.01, (number, 3))
    momentum = vectors(
        rng.uniform(1, 9, number), rng.uniform(-2, 2, number), rng.uniform(-3, 3, number)
    )
    helices = Helices.of_particles(pions(np.arange(number), momentum, vertex), CARD.field)
    dxy, dz = relative_to(vertex, helices.phi, np.arcsinh(helices.slope), helices.dxy, helices.dz)
    # Made at the vertex: what is left is the turn over some 100 micrometres.
    np.testing.assert_allclose(dxy, 0, atol=1e-5)
    np.testing.assert_allclose(dz, 0, atol=1e-5)
