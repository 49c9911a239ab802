"""Tracks and vertices of Pythia's events: lifetimes, masses and multiplicities of b hadrons."""

import functools

import numpy as np
import pytest
from hbb_guns import CARD

pytest.importorskip("pythia8mc")
pytest.importorskip("awkward")

from repro.simulation.events import Generator
from repro.simulation.hbb.found import distance_significance
from repro.simulation.hbb.primary import primary_covariance
from repro.simulation.hbb.tracks import reconstruct_tracks
from repro.simulation.hbb.vertices import find_vertices
from repro.simulation.particles import cylindrical, wrap_angle

pytestmark = pytest.mark.slow

EVENTS = 150
COMMON = ("Beams:eCM = 13000.", "Tune:pp = 14")
PROCESSES = {
    "hh": (
        *COMMON,
        "ExtraDimensionsG*:gg2G* = on",
        "ExtraDimensionsG*:SMinBulk = on",
        "ExtraDimensionsG*:Ghh = 1.0",
        "5100039:m0 = 1500.",
        "5100039:onMode = off",
        "5100039:onIfMatch = 25 25",
        "25:onMode = off",
        "25:onIfMatch = 5 -5",
    ),
    "qcd": (
        *COMMON,
        "HardQCD:all = on",
        "PhaseSpace:pTHatMin = 470.",
        "PhaseSpace:pTHatMax = 800.",
    ),
}
C_TAU = 0.0455  # cm, of B mesons, which the other b hadrons are near


@functools.cache
def events(process):
    record = Generator(PROCESSES[process]).seed(3).generate(EVENTS)
    particles = record.final_particles()
    tracks = reconstruct_tracks(particles, CARD, np.random.default_rng(1), EVENTS)
    return record, particles, tracks, find_vertices(tracks, CARD, EVENTS)


def decaying(record, flavour):
    """Rows of the hadrons with a b (5) or c (4) quark whose daughters have none."""
    size = np.abs(record.pdg)
    heavy = ((size // 100) % 10 == flavour) | ((size // 1000) % 10 == flavour)
    rows = np.flatnonzero(heavy & (record.daughters[:, 0] >= 0) & (size > 100))
    first, last = record.daughters[rows].T
    passed = np.concatenate([[0], np.cumsum(heavy)])
    return rows[passed[np.maximum(first, last) + 1] == passed[first]]


def distances_to(record, rows, vertices):
    """Distance in eta and phi of each vertex from each hadron of its event, (m, hadrons)."""
    _, eta, phi = cylindrical(*vertices.position.T)
    _, other_eta, other_phi = cylindrical(*record.momentum[rows, 1:].T)
    apart = np.hypot(eta[:, None] - other_eta, wrap_angle(phi[:, None] - other_phi))
    return np.where(vertices.event[:, None] == record.event[rows], apart, np.inf)


def nearest(record, flavour, vertices):
    rows = decaying(record, flavour)
    return distances_to(record, rows, vertices).min(axis=1, initial=np.inf)


def mass(vertices):
    energy, *momentum = vertices.momentum.T
    return np.sqrt(np.maximum(energy**2 - sum(part**2 for part in momentum), 0))


def significant(vertices):
    """Within the beam pipe's surroundings, and away from the primary vertex for sure."""
    plane = vertices.position[:, :2]
    clear = distance_significance(plane, vertices.covariance[:, :2, :2]) > 5
    return clear & (np.linalg.norm(vertices.position, axis=1) < 4)


def vertices_of_b():
    record, _, _, vertices = events("hh")
    return vertices, significant(vertices) & (nearest(record, 5, vertices) < 0.1)


def vertices_of_light():
    record, _, _, vertices = events("qcd")
    far = np.minimum(nearest(record, 5, vertices), nearest(record, 4, vertices)) > 0.4
    return vertices, significant(vertices) & far


@pytest.mark.parametrize("process", ["hh", "qcd"])
def test_impact_parameters_of_prompt_tracks_pull_like_unit_gaussians(process):
    _, particles, tracks, _ = events(process)
    made = np.stack([particles.x, particles.y, particles.z], axis=1)[tracks.particle]
    prompt = (tracks.particle >= 0) & (np.linalg.norm(made, axis=1) < 1e-7)
    vertex = primary_covariance(tracks, CARD, EVENTS)[tracks.event]
    across = np.stack([-np.sin(tracks.phi), np.cos(tracks.phi), 0 * tracks.phi], axis=1)
    error = tracks.covariance[:, 3, 3] + np.einsum("ni,nij,nj->n", across, vertex, across)
    pull = (tracks.dxy / np.sqrt(error))[prompt]
    low, high = np.quantile(pull, [0.1587, 0.8413])
    assert (high - low) / 2 == pytest.approx(1.03, abs=0.06)  # the tails widen the core a little
    assert np.mean(np.abs(pull) > 4) < 0.02
    assert np.mean(pull) == pytest.approx(0, abs=0.05)


def test_vertices_of_b_hadrons_are_heavier_and_have_more_tracks():
    b, of_b = vertices_of_b()
    light, of_light = vertices_of_light()
    assert of_b.sum() > 200
    assert of_light.sum() > 15
    assert np.median(mass(b)[of_b]) > 1.3
    # K0S are most of them: 0.498 GeV and two tracks.
    assert np.median(mass(light)[of_light]) < 1.0
    assert b.counts[of_b].mean() > light.counts[of_light].mean() + 0.7
    assert np.median(np.hypot(*b.momentum[of_b, 1:3].T)) > 2 * np.median(
        np.hypot(*light.momentum[of_light, 1:3].T)
    )


def test_events_with_b_hadrons_have_more_vertices():
    (_, b), (_, light) = vertices_of_b(), vertices_of_light()
    assert b.sum() > 5 * light.sum()


def test_the_lifetime_of_b_hadrons_is_seen_in_flight_distances():
    record, _, _, vertices = events("hh")
    rows = decaying(record, 5)
    decay = 100 * record.vertex[record.daughters[rows, 0]]
    flight = np.linalg.norm(decay, axis=1)
    size = np.linalg.norm(record.momentum[rows, 1:], axis=1)
    rest = np.sqrt(record.momentum[rows, 0] ** 2 - size**2) / size
    assert np.mean(flight * rest) == pytest.approx(C_TAU, rel=0.15)

    apart = np.linalg.norm(vertices.position - decay[:, None], axis=2)
    apart[record.event[rows][:, None] != vertices.event] = np.inf
    beside = distances_to(record, rows, vertices).T
    partner = apart.argmin(axis=1)
    seen = (beside[np.arange(len(rows)), partner] < 0.1) & (flight > 0.1) & (flight < 5)
    wanted = (flight > 0.1) & (flight < 5) & (size > 50)
    assert seen[wanted].mean() > 0.6
    found = np.linalg.norm(vertices.position[partner], axis=1)
    ratio = (found / flight)[seen & wanted]
    # Tracks of the charmed hadron behind it pull a vertex outwards.
    assert 0.98 < np.median(ratio) < 1.12
    mean = np.mean((found * rest)[seen & wanted]) / np.mean((flight * rest)[seen & wanted])
    assert mean == pytest.approx(1.05, abs=0.1)


def test_the_same_seed_gives_the_same_bytes_from_event_to_vertex():
    _, particles, tracks, vertices = events("qcd")
    again = reconstruct_tracks(particles, CARD, np.random.default_rng(1), EVENTS)
    assert again.covariance.tobytes() == tracks.covariance.tobytes()
    assert find_vertices(again, CARD, EVENTS).position.tobytes() == vertices.position.tobytes()
