"""Points of impact, against a numerical integration of the Lorentz force."""

import dataclasses

import numpy as np
import pytest
from particle_gun import nothing, shoot

from repro.simulation.card import Field
from repro.simulation.particles import Particles
from repro.simulation.propagation import propagate

FIELD = Field(strength=2.0, radius=1.15, half_length=3.51)
OFF = dataclasses.replace(FIELD, strength=0.0)
K = 0.299792458  # GeV per tesla and metre
COPIES = 300


def random_particles(seed, least_pt, charged):
    """Particles of all directions, made up to a metre from the beam."""
    rng = np.random.default_rng(seed)
    n = COPIES
    pt = least_pt * 1000 ** rng.random(n)
    phi, eta = rng.uniform(-np.pi, np.pi, n), rng.choice([-1, 1], n) * rng.uniform(0.3, 2.5, n)
    distance, angle = rng.choice([0, 0.02, 1.0], n) * rng.random(n), rng.uniform(-np.pi, np.pi, n)
    z = rng.uniform(-1, 1, n)
    charge = rng.choice([-2.0, -1.0, 1.0, 2.0], n) * charged
    return Particles(
        np.arange(n), np.full(n, 211), charge,
        pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta),
        distance * np.cos(angle), distance * np.sin(angle), z,
    )  # fmt: skip


def integrate(p, field, step=5e-4):
    """Follow dp/dt = q v x B until the cylinder is left; the midpoint rule in steps [m]."""
    place = np.stack([p.x, p.y, p.z])
    momentum = np.stack([p.px, p.py, p.pz])
    pt = np.hypot(p.px, p.py)
    turning = K * p.charge * field.strength
    end = np.full((3, len(p)), np.nan)
    flying = np.arange(len(p))
    while len(flying):
        here, along, rate = place[:, flying], momentum[:, flying], turning[flying]

        def force(along, rate=rate, pt=pt[flying]):
            zero = np.zeros_like(rate)
            return np.stack([rate * along[1], -rate * along[0], zero]) / pt

        middle = along + step / 2 * force(along)
        there = here + step * middle / pt[flying]
        momentum[:, flying] = along + step * force(middle)
        over = np.maximum(np.hypot(*there[:2]) / field.radius, np.abs(there[2]) / field.half_length)
        out = over >= 1
        # The last step is shortened to the surface.
        before = np.maximum(np.hypot(*here[:2]) / field.radius, np.abs(here[2]) / field.half_length)
        part = (1 - before[out]) / (over - before)[out]
        end[:, flying[out]] = here[:, out] + part * (there - here)[:, out]
        place[:, flying] = there
        flying = flying[~out]
    return np.arcsinh(end[2] / np.hypot(*end[:2])), np.arctan2(end[1], end[0])


def leaves_the_barrel(p, field):
    """How far from the beam the circle of each particle gets, over the barrel's radius."""
    with np.errstate(divide="ignore"):
        turn = np.hypot(p.px, p.py) / (K * p.charge * field.strength)
    phi = np.arctan2(p.py, p.px)
    centre = np.hypot(p.x + turn * np.sin(phi), p.y - turn * np.cos(phi))
    return (centre + np.abs(turn)) / field.radius


def unit(eta, phi):
    """Unit vectors: an azimuth means little beside the beam."""
    return np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)]) / np.cosh(eta)


@pytest.mark.parametrize("strength", [2.0, -3.8])
@pytest.mark.parametrize(("seed", "least_pt"), [(1, 0.05), (2, 0.4)])
def test_helices_are_solutions_of_the_equation_of_motion(seed, least_pt, strength):
    field = dataclasses.replace(FIELD, strength=strength)
    particles = random_particles(seed, least_pt, charged=True)
    far = leaves_the_barrel(particles, field)
    # A circle that touches the barrel is no test of either.
    particles = particles[np.abs(far - 1) > 0.01]
    assert (far < 1).sum() > (20 if least_pt < 0.1 else 0)  # loopers
    impact = propagate(particles, field)
    assert impact.reached.all()
    expected = integrate(particles, field)
    np.testing.assert_allclose(unit(impact.eta, impact.phi), unit(*expected), atol=1e-4)


def test_without_charge_or_field_the_way_is_straight():
    neutral = random_particles(3, 0.05, charged=False)
    charged = random_particles(3, 0.05, charged=True)
    expected = integrate(neutral, FIELD, step=1e-3)
    for particles, field in ((neutral, FIELD), (charged, OFF)):
        impact = propagate(particles, field)
        np.testing.assert_allclose(unit(impact.eta, impact.phi), unit(*expected), atol=1e-6)


def test_from_the_origin_neutral_particles_keep_their_direction():
    for eta, phi in ((0.0, 0.0), (1.0, 2.0), (-3.5, -3.0)):
        impact = propagate(shoot(22, 10.0, eta=eta, phi=phi), FIELD)
        np.testing.assert_allclose((impact.eta[0], impact.phi[0]), (eta, phi), atol=1e-12)


@pytest.mark.parametrize("pt", [1.0, 30.0, 7000.0])
def test_deflection_of_particles_from_the_origin(pt):
    """A chord R of a circle of radius r is seen under arcsin(R / 2r); positive is clockwise."""
    angle = np.arcsin(FIELD.radius / (2 * pt / (K * FIELD.strength)))
    for pdg, sign in ((211, -1), (-211, 1)):
        impact = propagate(shoot(pdg, pt, eta=0.0, phi=1.0), FIELD)
        assert impact.phi[0] - 1.0 == pytest.approx(sign * angle, rel=1e-6)
        assert impact.eta[0] == 0


def test_particles_that_stay_in_the_barrel_meet_an_endcap():
    turn = 0.1 / (K * FIELD.strength)
    for eta in (0.1, -0.1):
        impact = propagate(shoot(211, 0.1, eta=eta), FIELD)
        least = np.arcsinh(FIELD.half_length / (2 * turn))
        assert impact.reached[0]
        assert np.sign(eta) * impact.eta[0] >= least


@pytest.mark.parametrize("pdg", [22, 211])
@pytest.mark.parametrize(
    "vertex", [(1.2, 0.0, 0.0), (-1.0, 1.0, 0.0), (0.0, 0.0, 3.6), (0.0, 0.0, -3.6)]
)
def test_particles_made_outside_are_lost(pdg, vertex):
    for field in (FIELD, OFF):
        impact = propagate(shoot(pdg, 10.0, vertex=vertex), field)
        assert not impact.reached[0]
        assert (impact.eta[0], impact.phi[0]) == (0, 0)


@pytest.mark.parametrize("pdg", [22, 211])
def test_particles_along_the_beam_are_lost(pdg):
    particles = shoot(pdg, 0.0)
    particles = dataclasses.replace(particles, pz=np.array([100.0]), energy=np.array([100.0]))
    assert not propagate(particles, FIELD).reached[0]


@pytest.mark.parametrize("pdg", [22, 211, -211])
def test_a_particle_made_on_the_way_meets_the_same_place(pdg):
    """Where a straight particle or a helix passes by, its continuation ends at its end."""
    particle = shoot(pdg, 2.0, eta=0.8, phi=0.5)
    turn = np.inf if pdg == 22 else 2.0 / (K * FIELD.strength * np.sign(pdg))
    way = 0.9
    if pdg == 22:
        x, y, angle = way * np.cos(0.5), way * np.sin(0.5), 0.5
    else:
        angle = 0.5 - way / turn
        x, y = turn * (np.sin(0.5) - np.sin(angle)), -turn * (np.cos(0.5) - np.cos(angle))
    later = shoot(pdg, 2.0, eta=0.8, phi=angle, vertex=(x, y, way * np.sinh(0.8)))
    first, second = propagate(particle, FIELD), propagate(later, FIELD)
    assert second.eta[0] == pytest.approx(first.eta[0], abs=1e-9)
    assert second.phi[0] == pytest.approx(first.phi[0], abs=1e-9)


def test_no_particles():
    impact = propagate(nothing(), FIELD)
    assert len(impact.reached) == len(impact.eta) == len(impact.phi) == 0
