"""The detector model: single particles, many times, against the numbers of the card."""

import dataclasses

import numpy as np
import pytest
from particle_gun import nothing, places, shoot, together
from scipy.optimize import brentq
from scipy.stats import kstest, lognorm, norm

from repro.simulation.card import load_card
from repro.simulation.detector import detect
from repro.simulation.particles import Particles

OLD, TODAY = "atlas_delphes_3_3_2", "atlas_delphes_3_5"
N = 10_000
CELL = np.pi / 18
# Generators are seeded, so that a test passes always or never; this is how unlikely a
# distribution may be, and 4 standard deviations are as unlikely.
UNLIKELY = 1e-4


def run(particles, card=OLD, seed=1):
    return detect(particles, load_card(card), np.random.default_rng(seed))


def sigma_ecal(energy):
    return np.sqrt((0.0017 * energy) ** 2 + 0.101**2 * energy)


def sigma_hcal(energy):
    return np.sqrt((0.0302 * energy) ** 2 + 0.5205**2 * energy + 1.59**2)


def log_normal_of(energy, sigma):
    """The log-normal distribution with this mean and standard deviation."""
    width = np.sqrt(np.log(1 + (sigma / energy) ** 2))
    return lognorm(width, scale=energy * np.exp(-(width**2) / 2))


def assert_follows(values, distribution):
    assert kstest(values, distribution.cdf).pvalue > UNLIKELY


def assert_count(found, tries, probability):
    sigma = np.sqrt(tries * probability * (1 - probability))
    assert abs(found - tries * probability) <= 4 * sigma


def is_track(objects, eta, phi):
    _, found_eta, found_phi = places(objects)
    return np.isclose(found_eta, eta, rtol=0, atol=1e-9) & np.isclose(found_phi, phi, atol=1e-9)


@pytest.mark.parametrize("energy", [1.5, 50.0])
def test_photon_is_one_object_somewhere_in_its_cell(energy):
    objects = run(shoot(22, energy / np.cosh(0.05), eta=0.05, phi=0.1, copies=N))
    np.testing.assert_array_equal(objects.event, np.arange(N))
    _, eta, phi = places(objects)
    assert kstest(eta / 0.1, "uniform").pvalue > UNLIKELY
    assert kstest(phi / CELL, "uniform").pvalue > UNLIKELY
    assert abs(np.corrcoef(eta, phi)[0, 1]) < 4 / np.sqrt(N)
    assert_follows(objects.energy, log_normal_of(energy, sigma_ecal(energy)))


def test_photon_cells_are_those_of_the_impact():
    for eta, phi, low_eta, low_phi in [
        (-0.05, -0.1, -0.1, -CELL),
        (1.23, 3.1, 1.2, 17 * CELL),
        (-2.44, -3.1, -2.5, -np.pi),
    ]:
        _, found_eta, found_phi = places(run(shoot(22, 20.0, eta=eta, phi=phi, copies=2000)))
        for found, low, width in ((found_eta, low_eta, 0.1), (found_phi, low_phi, CELL)):
            assert low - 1e-9 < found.min() < low + 0.01 * width
            assert low + 0.99 * width < found.max() < low + width + 1e-9


def test_displaced_photon_is_in_the_cell_that_it_meets():
    """Made at z = 0.5 m with eta 0, it meets the barrel at eta 0.42."""
    _, eta, _ = places(run(shoot(22, 20.0, eta=0.0, copies=500, vertex=(0.0, 0.0, 0.5))))
    assert 0.4 <= eta.min() < eta.max() <= 0.5


def test_photons_are_seen_from_half_a_gev():
    objects = run(shoot(22, 0.5 / np.cosh(0.05), copies=N))
    assert objects.energy.min() >= 0.5
    assert_count(len(objects), N, log_normal_of(0.5, sigma_ecal(0.5)).sf(0.5))
    assert len(run(shoot(22, 0.1, copies=N))) == 0


def test_neutral_hadrons_are_seen_from_one_standard_deviation():
    least = brentq(lambda energy: energy - sigma_hcal(energy), 1, 3)
    assert least > 1  # else the threshold of 1 GeV decides
    objects = run(shoot(130, 3.0 / np.cosh(0.05), copies=N))
    assert least <= objects.energy.min() < 1.05 * least
    assert_count(len(objects), N, log_normal_of(3.0, sigma_hcal(3.0)).sf(least))


def test_charged_pion_below_the_cusp_is_a_track():
    eta, phi, pt = 0.3, 0.1, 20.0
    objects = run(shoot(211, pt, eta=eta, phi=phi, copies=N))
    track = is_track(objects, eta, phi)
    assert np.unique(objects.event[track], return_counts=True)[1].max() == 1
    assert_count(track.sum(), N, 0.95)
    measured, _, _ = places(objects)
    assert_follows(measured[track], norm(pt, pt * np.hypot(0.06, 1.3e-3 * pt)))
    # What the calorimeter sees beyond the track is a neutral object.
    with_track = np.isin(objects.event, objects.event[track])
    excess = objects.energy[~track & with_track]
    assert (excess >= 1.0).all()
    assert (excess >= sigma_hcal(excess)).all()
    rng = np.random.default_rng(2)
    energy = pt * np.cosh(eta)
    cell = log_normal_of(energy, sigma_hcal(energy)).rvs(10**6, random_state=rng)
    expected = cell - energy * (1 + np.hypot(0.06, 1.3e-3 * pt) * rng.standard_normal(10**6))
    least = brentq(lambda value: value - sigma_hcal(value), 1, 3)
    assert_count(len(excess), track.sum(), (expected > least).mean())
    # Without a track all of its energy is neutral.
    lost = objects.energy[~with_track]
    assert lost.mean() == pytest.approx(energy, abs=4 * sigma_hcal(energy) / np.sqrt(len(lost)))


@pytest.mark.parametrize(
    ("eta", "efficiency", "constant", "linear"),
    [(1.0, 0.95, 0.10, 1.7e-3), (2.0, 0.85, 0.25, 3.1e-3)],
)
def test_tracks_of_other_pseudorapidities(eta, efficiency, constant, linear):
    """At pt 1.5 the calorimeter is worse than even the forward tracker."""
    pt = 1.5
    objects = run(shoot(211, pt, eta=eta, copies=N))
    track = is_track(objects, eta, 0.1)
    positive = norm(pt, pt * np.hypot(constant, linear * pt)).sf(0)
    assert_count(track.sum(), N, efficiency * positive)
    measured = places(objects)[0][track]
    spread = 1.4826 * np.median(np.abs(measured - np.median(measured)))
    assert np.median(measured) == pytest.approx(pt, rel=0.02)
    assert spread == pytest.approx(pt * np.hypot(constant, linear * pt), rel=0.05)


@pytest.mark.parametrize(
    ("pdg", "pt", "expected"),
    [
        (211, 0.09, 0.0),
        (211, 0.9, 0.70),
        (11, 0.9, 0.73),
        (11, 150.0, 0.99),
        (13, 0.9, 0.75),
    ],
)
def test_efficiencies(pdg, pt, expected):
    """Counted as tracks: what keeps the direction of the particle."""
    objects = run(shoot(pdg, pt, eta=0.45, copies=N))
    assert_count(is_track(objects, 0.45, 0.1).sum(), N, expected)


def test_charged_pion_above_the_cusp_is_measured_by_the_calorimeter():
    eta, phi, pt = 0.3, 0.1, 200.0
    objects = run(shoot(211, pt, eta=eta, phi=phi, copies=N))
    np.testing.assert_array_equal(objects.event, np.arange(N))
    track = is_track(objects, eta, phi)
    assert_count(track.sum(), N, 0.95)
    energy = pt * np.cosh(eta)
    for part in (track, ~track):
        assert_follows(objects.energy[part], log_normal_of(energy, sigma_hcal(energy)))


def test_cusp_is_where_the_real_jets_have_it():
    """Tracks are replaced from 45 to 48 GeV on in |eta| < 0.5, from the numbers of the card."""
    card = load_card(OLD)
    _, hcal = card.calorimeters

    def difference(pt, eta):
        energy = pt * np.cosh(eta)
        by_tracker = card.tracking["hadron"].resolution.of_track(eta, pt)
        return float(by_tracker - hcal.resolution.of_energy(eta, energy) / energy)

    cusps = [brentq(difference, 20, 100, args=(eta,)) for eta in (0.05, 0.15, 0.25, 0.35, 0.45)]
    assert 45 < np.mean(cusps) < 48
    assert np.ptp(cusps) < 4
    # The model itself turns there: a track that was replaced has no neutral object beside it.
    for factor, replaced in ((0.6, False), (1.6, True)):
        objects = run(shoot(211, factor * cusps[0], copies=N))
        assert (np.bincount(objects.event, minlength=N).max() == 1) == replaced


def test_electron_is_measured_by_the_calorimeter():
    eta, pt = 0.45, 20.0
    objects = run(shoot(11, pt, eta=eta, copies=N))
    np.testing.assert_array_equal(objects.event, np.arange(N))
    assert_count(is_track(objects, eta, 0.1).sum(), N, 0.95)
    energy = pt * np.cosh(eta)
    assert_follows(objects.energy, log_normal_of(energy, sigma_ecal(energy)))


def test_pion_and_photon_in_one_cell_are_told_apart():
    """ECAL and HCAL are subtracted separately: the pion takes nothing from the photon."""
    eta = 0.35
    pion, photon = shoot(211, 20.0, eta=eta, copies=N), shoot(22, 30.0, eta=eta, copies=N)
    objects = run(together(pion, photon))
    track = is_track(objects, eta, 0.1)
    assert_count(track.sum(), N, 0.95)
    neutral = np.flatnonzero(~track)
    # Photons come before neutral hadrons.
    events, first = np.unique(objects.event[neutral], return_index=True)
    np.testing.assert_array_equal(events, np.arange(N))
    energy = 30.0 * np.cosh(eta)
    assert_follows(objects.energy[neutral[first]], log_normal_of(energy, sigma_ecal(energy)))


def test_photon_and_neutral_hadron_of_one_cell_share_their_place():
    objects = run(together(shoot(22, 30.0, copies=N), shoot(130, 50.0, copies=N)))
    np.testing.assert_array_equal(objects.event, np.repeat(np.arange(N), 2))
    _, eta, phi = places(objects)
    np.testing.assert_allclose(eta[::2], eta[1::2], atol=1e-12)
    np.testing.assert_allclose(phi[::2], phi[1::2], atol=1e-12)
    assert np.unique(np.round(eta, 9)).size > 0.99 * N  # and every event has its own


def test_energies_of_one_cell_are_smeared_together():
    """Two photons of 1 GeV are smeared as one of 2 GeV, not as two."""
    objects = run(together(*[shoot(22, 1.0 / np.cosh(0.05), copies=N)] * 2))
    assert len(objects) == N
    assert_follows(objects.energy, log_normal_of(2.0, sigma_ecal(2.0)))


def test_muon_is_a_track_and_nothing_else():
    pt = 50.0
    objects = run(shoot(-13, pt, eta=0.3, copies=N))
    assert is_track(objects, 0.3, 0.1).all()
    assert_count(len(objects), N, 0.99)
    assert_follows(places(objects)[0], norm(pt, pt * np.hypot(0.02, 2e-4 * pt)))


def test_long_lived_kaons_and_short_lived_ones():
    energy = 100.0 / np.cosh(0.05)
    objects = run(shoot(310, energy, copies=N))
    np.testing.assert_array_equal(objects.event, np.repeat(np.arange(N), 2))
    assert_follows(objects.energy[::2], log_normal_of(30.0, sigma_ecal(30.0)))
    assert_follows(objects.energy[1::2], log_normal_of(70.0, sigma_hcal(70.0)))
    objects = run(shoot(130, energy, copies=N))
    assert_follows(objects.energy, log_normal_of(100.0, sigma_hcal(100.0)))


def test_neutrinos_leave_nothing():
    assert len(run(shoot(14, 100.0, copies=1000))) == 0


@pytest.mark.parametrize("eta", [2.75, -3.9])
def test_charged_particles_beyond_the_tracker_are_neutral_objects(eta):
    objects = run(shoot(211, 100.0, eta=eta, copies=1000))
    np.testing.assert_array_equal(objects.event, np.arange(1000))
    assert not is_track(objects, eta, 0.1).any()
    assert objects.energy.mean() == pytest.approx(100 * np.cosh(eta), rel=0.02)


def test_nothing_is_seen_beyond_the_calorimeters():
    assert len(run(shoot(22, 100.0, eta=4.95, copies=1000))) == 0
    assert len(run(shoot(22, 100.0, eta=4.85, copies=1000))) == 1000


def test_a_heavy_particle_deposits_its_energy_not_its_momentum():
    objects = run(shoot(2112, 10.0, copies=N, mass=50.0))
    energy = np.sqrt((10.0 * np.cosh(0.05)) ** 2 + 50.0**2)
    assert_follows(objects.energy, log_normal_of(energy, sigma_hcal(energy)))


@pytest.mark.parametrize("card", [OLD, TODAY])
def test_energy_is_conserved_on_average(card):
    particles = together(
        shoot(22, 50.0, eta=0.62, copies=N),
        shoot(130, 150.0, eta=0.71, phi=1.0, copies=N),
        shoot(310, 100.0, eta=-1.3, phi=-2.0, copies=N),
        shoot(211, 200.0, eta=-0.2, phi=2.5, copies=N),
    )
    objects = run(particles, card)
    found = np.bincount(objects.event, objects.energy, minlength=N)
    error = found.std() / np.sqrt(N)
    # Tracks that today's card keeps beside a neutral object fluctuated down, and are too soft.
    allowed = max(4 * error, 0.01 * found.mean() if card == TODAY else 0)
    assert found.mean() == pytest.approx(particles.energy.sum() / N, abs=allowed)


def mixture(copies=500):
    return together(
        shoot(22, 30.0, eta=0.33, phi=0.4, copies=copies),
        shoot(211, 15.0, eta=0.35, phi=0.45, copies=copies, mass=0.14),
        shoot(-211, 80.0, eta=-1.1, phi=3.0, copies=copies, mass=0.14),
        shoot(130, 25.0, eta=1.8, phi=-3.0, copies=copies, mass=0.5),
        shoot(11, 12.0, eta=0.3, phi=-1.5, copies=copies),
        shoot(13, 9.0, eta=0.3, phi=-1.5, copies=copies),
    )


def columns(objects):
    return np.column_stack([objects.event, objects.px, objects.py, objects.pz])


@pytest.mark.parametrize("card", [OLD, TODAY])
def test_same_seed_same_bytes(card):
    first, again, other = (columns(run(mixture(), card, seed)) for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("card", [OLD, TODAY])
def test_objects_come_event_by_event_with_positive_energies(card):
    objects = run(mixture(), card)
    assert (np.diff(objects.event) >= 0).all()
    assert set(objects.event) == set(range(500))
    assert (objects.energy > 0).all()


@pytest.mark.parametrize("card", [OLD, TODAY])
def test_an_event_does_not_depend_on_the_number_it_has(card):
    particles = mixture()
    relabelled = dataclasses.replace(particles, event=3 * particles.event + 5)
    first, second = run(particles, card), run(relabelled, card)
    np.testing.assert_array_equal(second.event, 3 * first.event + 5)
    np.testing.assert_array_equal(columns(second)[:, 1:], columns(first)[:, 1:])


def test_equal_events_are_measured_independently():
    energy = run(shoot(22, 5.0, copies=N)).energy
    assert abs(np.corrcoef(energy[:-1], energy[1:])[0, 1]) < 4 / np.sqrt(N)
    assert np.unique(energy).size == N


def test_particles_of_different_events_share_no_cell():
    one_each = run(shoot(22, 1.0 / np.cosh(0.05), copies=N))
    assert np.median(one_each.energy) < 1.2


@pytest.mark.parametrize("turns", [1, 7, 36])
def test_turning_everything_by_cells_turns_the_objects(turns):
    angle = turns * CELL
    for pdg in (22, 211):
        _, eta, phi = places(run(shoot(pdg, 10.0, phi=-2.9, copies=1000)))
        turned = run(shoot(pdg, 10.0, phi=-2.9 + angle, copies=1000))
        _, turned_eta, turned_phi = places(turned)
        np.testing.assert_allclose(turned_eta, eta, atol=1e-12)
        difference = np.mod(turned_phi - phi - angle + np.pi, 2 * np.pi) - np.pi
        np.testing.assert_allclose(difference, 0, atol=1e-9)


def test_charges_turn_opposite_ways():
    """A track keeps its direction; the cell of a lost one tells where it went."""
    means = []
    for pdg in (211, -211):
        objects = run(shoot(pdg, 1.5, eta=0.25, phi=CELL / 2, copies=4000))
        _, _, phi = places(objects)
        means.append(phi[~is_track(objects, 0.25, CELL / 2)].mean())
    # pt = 0.2998 B r: half the chord of 1.15 m, seen under arcsin(1.15 / 2 r) = 0.23.
    assert means[0] < 0 < 2 * CELL / 2 < means[1]
    assert means[0] + means[1] == pytest.approx(CELL, abs=0.05)


@pytest.mark.parametrize("card", [OLD, TODAY])
def test_no_particles_give_no_objects(card):
    objects = run(nothing(), card)
    assert len(objects) == 0
    assert objects.event.dtype == np.int64


@pytest.mark.parametrize("card", [OLD, TODAY])
def test_particles_that_reach_nothing_give_no_objects(card):
    lost = shoot(22, 50.0, copies=10, vertex=(2.0, 0.0, 0.0))
    assert len(run(lost, card)) == 0


def test_photons_of_todays_card_are_in_fine_cells():
    particles = shoot(22, 30.0, eta=0.005, phi=0.005, copies=2000)
    spreads = {}
    for card in (OLD, TODAY):
        _, eta, phi = places(run(particles, card))
        spreads[card] = np.ptp(eta), np.ptp(phi)
    assert spreads[OLD] == pytest.approx((0.1, CELL), rel=0.01)
    assert spreads[TODAY] == pytest.approx((0.0174, np.pi / 180), rel=0.01)


def test_photon_and_neutral_hadron_of_todays_card_have_places_of_their_own():
    objects = run(together(shoot(22, 30.0, copies=N), shoot(130, 80.0, copies=N)), TODAY)
    assert len(objects) == 2 * N
    _, eta, _ = places(objects)
    assert abs(np.corrcoef(eta[::2], eta[1::2])[0, 1]) < 4 / np.sqrt(N)


def test_tracks_of_todays_card_are_better_than_tracker_and_calorimeter():
    """Where both are equally good, their mean is better by the square root of 2."""
    eta, pt = 0.3, 46.0
    single = sigma_hcal(pt * np.cosh(eta)) / (pt * np.cosh(eta))
    objects = run(shoot(211, pt, eta=eta, copies=N), TODAY)
    measured = places(objects)[0][is_track(objects, eta, 0.1)]
    spread = 1.4826 * np.median(np.abs(measured - np.median(measured)))
    assert spread / pt == pytest.approx(single / np.sqrt(2), rel=0.05)


def test_particles_are_chosen_by_position_and_by_mask():
    particles = mixture(3)
    chosen = particles.pdg == 22
    for part in (particles[chosen], particles[np.flatnonzero(chosen)]):
        assert isinstance(part, Particles)
        np.testing.assert_array_equal(part.pdg, [22] * 3)
        np.testing.assert_array_equal(part.event, [0, 1, 2])
