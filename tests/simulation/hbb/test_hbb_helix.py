"""Helices: their perigees, places on them, and where pairs of them are closest."""

import dataclasses

import numpy as np
import pytest
from hbb_guns import pions, vectors
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar

from repro.simulation.card import Field
from repro.simulation.hbb.helix import Helices, closest_pairs
from repro.simulation.propagation import propagate

FIELD = 3.8

angles = st.floats(-3.1, 3.1)
lengths = st.floats(-8.0, 8.0)
charges = st.sampled_from([-1.0, 1.0])
momenta = st.floats(0.8, 300.0)
places = st.tuples(lengths, lengths, lengths)
# Not of the order of 1e-310: nothing is so, and reciprocals overflow.
etas = st.floats(-2.4, 2.4).filter(lambda eta: eta == 0 or abs(eta) > 1e-9)


def one(pt, eta, phi, vertex, charge):
    return Helices.of_particles(pions([0], vectors([pt], eta, phi), [vertex], charge), FIELD)


@given(momenta, etas, angles, lengths, charges)
def test_what_starts_on_the_axis_has_its_perigee_there(pt, eta, phi, z, charge):
    helix = one(pt, eta, phi, (0.0, 0.0, z), charge)
    assert helix.dxy[0] == pytest.approx(0, abs=1e-9)
    assert helix.dz[0] == pytest.approx(z, abs=1e-9)
    assert helix.phi[0] == pytest.approx(phi, abs=1e-9)
    assert helix.slope[0] == pytest.approx(np.sinh(eta))


@given(momenta, etas, angles, places, charges)
def test_the_perigee_is_the_closest_point(pt, eta, phi, place, charge):
    helix = one(pt, eta, phi, place, charge)

    def distance(path):
        return float(np.hypot(*helix.position(np.array([path]))[0, :2]))

    found = minimize_scalar(distance, bounds=(-15, 15), method="bounded", options={"xatol": 1e-9})
    assert abs(helix.dxy[0]) == pytest.approx(found.fun, abs=1e-6)
    perigee = helix.position(np.zeros(1))[0]
    # CMS's sign.
    signed = -perigee[0] * np.sin(helix.phi[0]) + perigee[1] * np.cos(helix.phi[0])
    assert signed == pytest.approx(helix.dxy[0], abs=1e-9)
    assert perigee[2] == pytest.approx(helix.dz[0])


@given(momenta, etas, angles, places, charges)
def test_the_helix_passes_where_the_particle_was_made(pt, eta, phi, place, charge):
    helix = one(pt, eta, phi, place, charge)
    path = helix.path_near(*np.array(place)[:2, None])
    np.testing.assert_allclose(helix.position(path)[0], place, atol=1e-7)
    size = pt * np.cosh(eta)
    np.testing.assert_allclose(
        helix.direction(path)[0], vectors([pt], eta, phi)[0] / size, atol=1e-8
    )


@given(momenta, etas, angles, places, charges)
def test_it_meets_the_calorimeter_where_the_detector_model_says(pt, eta, phi, place, charge):
    particles = pions([0], vectors([pt], eta, phi), [place], charge)
    impact = propagate(particles, Field(strength=FIELD, radius=0.3, half_length=20.0))
    helix = Helices.of_particles(particles, FIELD)
    there = vectors([30.0], impact.eta, impact.phi)
    path = helix.path_near(there[:, 0], there[:, 1])
    np.testing.assert_allclose(helix.position(path), there, atol=1e-5)


def some(rng, number):
    momentum = vectors(
        rng.uniform(1, 20, number), rng.uniform(-2, 2, number), rng.uniform(-3, 3, number)
    )
    return momentum, rng.choice([-1.0, 1.0], number)


def test_pairs_from_a_common_point_meet_there():
    rng = np.random.default_rng(4)
    number = 500
    places = rng.normal(0, 2.0, (number, 3))
    helices = []
    for _ in range(2):
        momentum, charge = some(rng, number)
        helices.append(
            Helices.of_particles(pions(np.arange(number), momentum, places, charge), FIELD)
        )
    paths = closest_pairs(*helices)
    points = [helix.position(path) for helix, path in zip(helices, paths, strict=True)]
    assert np.linalg.norm(points[0] - points[1], axis=1).max() < 1e-4
    # Two circles cross twice, and rarely both crossings agree in z.
    assert np.mean(np.linalg.norm(points[0] - places, axis=1) < 1e-3) > 0.99


def test_pairs_come_no_closer_than_found():
    rng = np.random.default_rng(5)
    number = 60
    helices = []
    for _ in range(2):
        momentum, charge = some(rng, number)
        places = rng.normal(0, 0.3, (number, 3))
        helices.append(
            Helices.of_particles(pions(np.arange(number), momentum, places, charge), FIELD)
        )
    paths = closest_pairs(*helices)
    points = [helix.position(path) for helix, path in zip(helices, paths, strict=True)]
    found = np.linalg.norm(points[0] - points[1], axis=1)
    for row in range(number):
        pair = [helix[np.array([row])] for helix in helices]

        def distance(both, pair=pair):
            first, second = (h.position(np.array([p]))[0] for h, p in zip(pair, both, strict=True))
            return float(((first - second) ** 2).sum())

        start = [paths[0][row], paths[1][row]]
        better = minimize(distance, start, method="Nelder-Mead", options={"xatol": 1e-7})
        assert found[row] <= np.sqrt(better.fun) + 1e-4


def test_transport_is_the_derivative_of_the_position():
    rng = np.random.default_rng(6)
    number = 40
    momentum, charge = some(rng, number)
    helices = Helices.of_particles(
        pions(np.arange(number), momentum, rng.normal(0, 0.01, (number, 3)), charge), FIELD
    )
    path = rng.uniform(-3, 3, number)
    points = helices.position(path)
    normal = helices.approach(points).normal
    rows = helices.transport(path, FIELD)
    angle = np.arctan(helices.slope)
    per_curvature = helices.radius * np.hypot(1, helices.slope)  # radius = constant / (q/pt)
    small = 1e-6
    inverse = 1 / (per_curvature * 0.299792458e-2 * FIELD)
    moved = {
        # The curvature is q/p over cos(lambda).
        0: {"radius": helices.radius / (1 + small / inverse)},
        1: {
            "slope": np.tan(angle + small),
            "radius": helices.radius * np.cos(angle + small) / np.cos(angle),
        },
        2: {"phi": helices.phi + small},
        3: {"dxy": helices.dxy + small},
        4: {"dz": helices.dz + small / np.cos(angle)},
    }
    for column, values in moved.items():
        other = dataclasses.replace(helices, **values)
        shift = (other.position(path) - points) / small
        got = np.einsum("nij,nj->ni", normal, shift)
        np.testing.assert_allclose(got, rows[:, :, column], atol=0.08 * (1 + np.abs(got).max()))
        # And at the perigee exactly.
    at_perigee = helices.transport(np.zeros(number), FIELD)
    np.testing.assert_allclose(at_perigee[:, 0], np.tile([0, 0, 0, 1, 0], (number, 1)), atol=1e-12)
    np.testing.assert_allclose(at_perigee[:, 1], np.tile([0, 0, 0, 0, 1], (number, 1)), atol=1e-12)
