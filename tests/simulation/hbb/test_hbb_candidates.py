"""Candidates: what is measured by what, how well, and that nothing is measured twice."""

import dataclasses

import numpy as np
import pytest
from hbb_stand_ins import perfect_tracks
from particle_gun import shoot, together

from repro.simulation.hbb.candidates import find_candidates
from repro.simulation.hbb.settings import load_settings

SETTINGS = load_settings()
MANY = 20_000


def measure(particles, tracks=None, seed=1):
    tracks = perfect_tracks(particles[:0]) if tracks is None else tracks
    return find_candidates(particles, tracks, SETTINGS, np.random.default_rng(seed))


@pytest.mark.parametrize(("pdg", "energy", "response"), [
    (22, 5.0, SETTINGS.photons),
    (22, 100.0, SETTINGS.photons),
    (130, 60.0, SETTINGS.hadrons),
    (2112, 400.0, SETTINGS.hadrons),
    (211, 100.0, SETTINGS.hadrons),  # its track was not found
    (11, 100.0, SETTINGS.photons),
])  # fmt: skip
def test_calorimeters_measure_as_they_say(pdg, energy, response):
    found = measure(shoot(pdg, energy, eta=0.0, copies=MANY))
    sigma = float(response.sigma(np.array([energy]))[0])
    assert sigma < energy / 4  # or thresholds would cut the spread
    measured = found.momentum[:, 0]
    assert measured.mean() == pytest.approx(energy, abs=5 * sigma / MANY**0.5)
    assert measured.std() == pytest.approx(sigma, rel=5 / (2 * MANY) ** 0.5)
    assert (found.track == -1).all()


def test_neutral_candidates_are_massless_and_keep_their_direction():
    found = measure(shoot(130, 20.0, eta=1.2, phi=-2.0, copies=50))
    energy, *three = found.momentum.T
    np.testing.assert_allclose(np.sqrt(sum(part**2 for part in three)), energy)
    np.testing.assert_allclose(np.arctan2(three[1], three[0]), -2.0)
    np.testing.assert_allclose(three[2] / found.pt, np.sinh(1.2))


@pytest.mark.parametrize(("particle", "why"), [
    (shoot(22, 0.01, copies=20), "below the threshold"),
    (shoot(130, 0.0001, copies=20), "below the threshold"),
    (shoot(22, 50.0, eta=3.2, copies=20), "outside the calorimeters"),
    (shoot(13, 50.0, copies=20), "a muon without a track"),
    (shoot(211, 0.2, copies=20), "too soft for a track"),
])  # fmt: skip
def test_what_is_not_seen(particle, why):
    assert len(measure(particle).event) == 0, why


def test_soft_tracks_are_candidates_without_a_row():
    found = measure(shoot(211, 0.6, copies=MANY))
    assert len(found.event) == MANY
    spread = found.pt.std() / 0.6
    assert spread == pytest.approx(SETTINGS.soft_resolution, rel=5 / (2 * MANY) ** 0.5)
    assert (found.track == -1).all()


def test_particle_with_a_track_is_measured_by_it_alone():
    pions, photons = shoot(211, 30.0, copies=10), shoot(22, 40.0, eta=0.5, copies=10)
    particles = together(pions, photons)
    tracks = perfect_tracks(particles[particles.charge != 0])
    tracks = dataclasses.replace(tracks, particle=np.flatnonzero(particles.charge != 0))
    found = measure(particles, tracks)
    assert len(found.event) == 20
    assert (np.diff(found.event) >= 0).all()
    of_track = found.track >= 0
    np.testing.assert_array_equal(found.track[of_track], np.arange(10))
    np.testing.assert_allclose(found.pt[of_track], 30.0)


def test_false_tracks_take_nothing_from_particles():
    pions = shoot(211, 30.0, copies=10)
    false = dataclasses.replace(perfect_tracks(pions), particle=np.full(10, -1))
    assert len(measure(pions, false).event) == 20
