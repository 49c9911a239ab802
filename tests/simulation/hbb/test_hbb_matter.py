"""What matter does: how often, where, and that momenta are kept."""

import dataclasses

import numpy as np
import pytest
from hbb_guns import CARD, assert_same_bytes, pions, vectors
from scipy.stats import kstest

from repro.simulation.hbb.helix import Helices
from repro.simulation.hbb.matter import pass_matter
from repro.simulation.particles import Particles

MATTER = CARD.matter
PHOTON, ELECTRON = 22, 11
SEEN = MATTER.share.sum()


def gun(number, eta, pdg=PHOTON, charge=0.0, pt=10.0):
    """One particle in each event, from the origin."""
    rng = np.random.default_rng(1)
    momentum = vectors(np.full(number, pt), eta, rng.uniform(-np.pi, np.pi, number))
    return pions(np.arange(number), momentum, charge=charge, pdg=pdg)


def passed(particles, seed=3, card=CARD):
    return pass_matter(particles, card, np.random.default_rng(seed))


def changed_events(before, after):
    """Events whose particle is gone."""
    counts = np.bincount(after.event, minlength=len(before))
    return counts != 1


def three(particles):
    return np.stack([particles.px, particles.py, particles.pz], axis=1)


def summed(particles, events):
    return np.stack([np.bincount(particles.event, p, minlength=events) for p in three(particles).T])


@pytest.mark.parametrize("eta", [0.0, -1.4, 2.3])
def test_as_many_photons_convert_as_the_thickness_says(eta):
    before = gun(20_000, eta)
    share = changed_events(before, passed(before)).mean()
    lengths = np.interp(abs(eta), MATTER.abs_eta, MATTER.radiation_lengths)
    assert share == pytest.approx(1 - np.exp(-7 / 9 * lengths * SEEN), abs=0.01)


@pytest.mark.parametrize(("pdg", "charge"), [(211, 1.0), (-211, -1.0), (2112, 0.0), (130, 0.0)])
def test_as_many_hadrons_interact_as_the_thickness_says(pdg, charge):
    before = gun(20_000, 1.2, pdg, charge)
    share = changed_events(before, passed(before)).mean()
    lengths = np.interp(1.2, MATTER.abs_eta, MATTER.interaction_lengths)
    assert share == pytest.approx(1 - np.exp(-lengths * SEEN), abs=0.01)


def test_hadrons_are_found_as_often_as_published():
    """0.94 and 0.85, averages of arXiv:1405.6569, of those that interact and those that do not."""
    for low, high, published in ((0.0, 0.9, 0.94), (0.9, 2.5, 0.85)):
        eta = np.linspace(low + 0.01, high, 50)
        lengths = np.interp(eta, MATTER.abs_eta, MATTER.interaction_lengths)
        found = CARD.efficiency["hadron"].at(eta, np.full(50, 5.0)) * np.exp(-lengths * SEEN)
        assert found.mean() == pytest.approx(published, abs=0.02)


def test_where_it_happens_is_on_the_layers_in_their_shares():
    before = gun(40_000, 0.3)
    after = passed(before)
    made = after[np.hypot(after.x, after.y) > 0]
    radius = 100 * np.hypot(made.x, made.y)[::2]
    layers, counts = np.unique(radius.round(6), return_counts=True)
    np.testing.assert_allclose(layers, MATTER.radius)
    # Nearly: what converted before does not convert again.
    np.testing.assert_allclose(counts / counts.sum(), MATTER.share / SEEN, atol=0.04)
    # Along the photon.
    line = np.cross(np.stack([made.x, made.y, made.z], axis=1), three(before)[made.event])
    assert np.abs(line).max() < 1e-9


def test_pairs_keep_the_momentum_and_share_it_as_bethe_and_heitler_say():
    before = gun(30_000, 1.4)
    after = passed(before)
    np.testing.assert_allclose(summed(after, 30_000), three(before).T, rtol=1e-9, atol=1e-12)
    electrons = after[after.charge != 0]
    assert set(electrons.pdg[electrons.charge < 0]) == {ELECTRON}
    assert set(electrons.pdg[electrons.charge > 0]) == {-ELECTRON}
    assert electrons.charge.sum() == 0
    part = np.hypot(electrons.px, electrons.py)[electrons.charge < 0] / 10.0

    def up_to(x):
        return (x - 2 / 3 * x**2 + 4 / 9 * x**3) * 9 / 7

    assert kstest(part, up_to).statistic < 0.015


def test_debris_of_neutral_hadrons_keeps_the_momentum():
    before = gun(10_000, 0.8, 2112, 0.0)
    after = passed(before)
    np.testing.assert_allclose(summed(after, 10_000), three(before).T, atol=1e-9)
    assert np.bincount(after.event)[changed_events(before, after)].min() >= 2


def test_charged_hadrons_interact_on_their_helices():
    before = gun(10_000, 0.8, 211, 1.0, pt=1.2)
    after = passed(before)
    made = after[np.hypot(after.x, after.y) > 0]
    helices = Helices.of_particles(before, CARD.field)[made.event]
    x, y, z = 100 * made.x, 100 * made.y, 100 * made.z
    place = helices.position(helices.path_near(x, y))
    np.testing.assert_allclose(place, np.stack([x, y, z], axis=1), atol=1e-6)
    # All debris of one goes where the hadron went, and has its momentum.
    total = summed(made, 10_000).T[np.unique(made.event)]
    first = np.unique(made.event, return_index=True)[1]
    path = helices.path_near(x, y)
    along = helices.direction(path)[first] * np.linalg.norm(three(before), axis=1)[0]
    np.testing.assert_allclose(total, along, atol=1e-9)


def test_electrons_of_conversions_miss_the_vertex_as_circles_do():
    """A circle of radius R that is straight outwards at a radius r: by sqrt(R² + r²) - R."""
    after = passed(gun(5000, 0.0, pt=5.0))
    electrons = after[after.charge != 0]
    helices = Helices.of_particles(electrons, CARD.field)
    radius = 100 * np.hypot(electrons.x, electrons.y)
    expected = np.hypot(helices.radius, radius) - np.abs(helices.radius)
    np.testing.assert_allclose(np.abs(helices.dxy), expected, rtol=1e-6, atol=1e-9)
    assert (expected > 1).mean() > 0.1


@pytest.mark.parametrize(
    ("pdg", "charge", "pt", "born"),
    [
        (13, -1.0, 10.0, 0.0),
        (11, -1.0, 10.0, 0.0),
        (12, 0.0, 10.0, 0.0),
        (22, 0.0, 0.9, 0.0),
        (22, 0.0, 10.0, 0.4),
    ],
    ids=["muon", "electron", "neutrino", "soft", "born outside"],
)
def test_others_are_let_pass(pdg, charge, pt, born):
    before = dataclasses.replace(gun(3000, 1.4, pdg, charge, pt), x=np.full(3000, born))
    assert_same_bytes(passed(before), before)


def test_events_stay_in_order_and_the_same_seed_gives_the_same_bytes():
    before = gun(2000, 1.0)
    before = dataclasses.replace(before, event=before.event // 20)
    after = passed(before)
    assert (np.diff(after.event) >= 0).all()
    assert_same_bytes(after, passed(before))
    assert len(passed(before, seed=4)) != len(after)


def test_no_particles_no_debris():
    nothing = Particles(*(np.zeros(0) for _ in dataclasses.fields(Particles)))
    nothing = dataclasses.replace(nothing, event=np.zeros(0, np.int64), pdg=np.zeros(0, np.int64))
    assert len(passed(nothing)) == 0
