"""Jets with their tracks and vertices: against plain loops over one jet after the other."""

import numpy as np
import pytest
from hbb_stand_ins import perfect_tracks, record, scattered_vertices

pytest.importorskip("fastjet")
pytest.importorskip("awkward")

from repro.data.hbb.branches import find_group
from repro.data.hbb.derived import derive
from repro.simulation.hbb.jets import Event, measure_jets
from repro.simulation.hbb.settings import load_settings
from repro.simulation.particles import Particles, wrap_angle

SETTINGS = load_settings()
WINDOW = SETTINGS.find_preset("window")
SOURCES = {source.process: number for number, source in enumerate(SETTINGS.sources)}
EVENTS = 8
AXES = ((-1.5, 3.1), (0.4, -0.2), (3.0, 1.5))  # the last one is outside


def particles(rng):
    """Three sprays in each event, of pions and photons; none in event 2."""
    event, eta, phi, pt, charge = [], [], [], [], []
    for number in range(EVENTS):
        for axis in AXES if number != 2 else ():
            k = int(rng.integers(30, 120))
            event += [number] * k
            eta += list(axis[0] + rng.normal(0, 0.2, k))
            phi += list(axis[1] + rng.normal(0, 0.2, k))
            pt += list(1.0 + rng.exponential(7, k))
            charge += list(rng.integers(-1, 2, k).astype(float))
    event, eta, phi, pt, charge = map(np.array, (event, eta, phi, pt, charge))
    pdg = np.where(charge == 0, 22, 211 * charge).astype(int)
    three = [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]
    origin = np.zeros(len(event))
    return Particles(event, pdg, charge, *three, pt * np.cosh(eta), origin, origin, origin)


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(12)
    made = particles(rng)
    charged = np.flatnonzero(
        (made.charge != 0) & (np.abs(made.pz) < 6 * np.hypot(made.px, made.py))
    )
    tracks = perfect_tracks(made[charged], rows=charged, rng=rng)
    of_event = np.sort(rng.choice([0, 1, 2, 3, 4, 6, 7], 90))  # none in event 5
    axis = np.array(AXES)[rng.integers(0, 2, 90)]
    vertices = scattered_vertices(
        of_event, axis[:, 0] + rng.normal(0, 0.4, 90), axis[:, 1] + rng.normal(0, 0.4, 90), rng
    )
    higgs = [[(25, (1, 1), *AXES[0]), (5, (-1, -1), 0, 0)]] * EVENTS
    primary = np.tile([1e-6, 2e-6, 3e-6], (EVENTS, 1))
    return Event(record(*higgs), made, tracks, vertices, primary)


@pytest.fixture(scope="module")
def jets(batch):
    return measure_jets(batch, "record", SOURCES["graviton"], np.random.default_rng(3))


# The event of each jet: two sprays of each are inside, and event 2 has none.
EVENT_OF = [number for number in range(EVENTS) for _ in range(2) if number != 2]


def near(objects, jet):
    return np.hypot(objects.eta - jet["eta"], wrap_angle(objects.phi - jet["phi"]))


def test_jets_are_where_the_sprays_are(jets):
    assert len(jets) == len(EVENT_OF)
    assert (jets.jets["pt"] > 200).all()
    inside = np.abs(jets.jets["eta"][:, None] - np.array(AXES)[None, :2, 0]) < 0.2
    assert (inside.sum(axis=1) == 1).all()


def test_labels(batch, jets):
    first = np.abs(jets.jets["eta"] - AXES[0][0]) < 0.3
    np.testing.assert_array_equal(jets.jets["is_higgs"], first)
    assert not jets.jets["is_qcd"].any()
    none = record(*[[(21, (-1, -1), 0.0, 0.0)]] * EVENTS)
    dijets = Event(none, batch.particles, batch.tracks, batch.vertices, batch.primary)
    found = measure_jets(dijets, "record", SOURCES["dijets"], np.random.default_rng(3))
    assert found.jets["is_qcd"].all()
    assert not found.jets["is_higgs"].any()
    np.testing.assert_array_equal(found.jets["pt"], jets.jets["pt"])


def test_tracks_of_a_jet_are_those_within_it_most_displaced_first(batch, jets):
    values = derive(jets, "tracks")
    significance = find_group("tracks").branches.index("trackBTag_Sip2dSig")
    position = 0
    for row, number in enumerate(EVENT_OF):
        jet = {name: column[row] for name, column in jets.jets.items()}
        count = jets.counts["tracks"][row]
        mine = slice(position, position + count)
        position += count
        tracks = batch.tracks[batch.tracks.event == number]
        # The sprays are narrow and far apart: all tracks nearby are the jet's.
        expected = tracks[near(tracks, jet) < 0.75]
        assert jet["ntracks"] >= len(expected)
        assert count == min(jet["ntracks"], 60)
        if count < 60:
            assert set(expected.pt) <= set(jets.tracks["pt"][mine])
        listed = values[row, significance, :count]
        assert (np.diff(listed) <= 0).all()
    assert (jets.counts["tracks"] == 60).any()
    assert (jets.counts["tracks"] < 60).any()


def test_nearest_vertex_of_the_whole_event(batch, jets):
    momentum = batch.vertices.momentum
    eta = np.arcsinh(momentum[:, 3] / np.hypot(momentum[:, 1], momentum[:, 2]))
    phi = np.arctan2(momentum[:, 2], momentum[:, 1])
    position, capped = 0, 0
    for row, number in enumerate(EVENT_OF):
        there = batch.vertices.event == number
        for k in range(position, position + jets.counts["tracks"][row]):
            turn = wrap_angle(jets.tracks["phi"][k] - phi[there])
            distances = np.hypot(jets.tracks["eta"][k] - eta[there], turn)
            expected = min([0.8, *distances])
            assert jets.tracks["vertex_distance"][k] == pytest.approx(expected)
            capped += expected == 0.8
        position += jets.counts["tracks"][row]
    assert 0 < capped < position


def test_vertices_of_a_jet(batch, jets):
    momentum, covariance = batch.vertices.momentum, batch.vertices.covariance
    pt = np.hypot(momentum[:, 1], momentum[:, 2])
    eta, phi = np.arcsinh(momentum[:, 3] / pt), np.arctan2(momentum[:, 2], momentum[:, 1])
    position, left_out = 0, 0
    for row, number in enumerate(EVENT_OF):
        jet = {name: column[row] for name, column in jets.jets.items()}
        expected = []
        for v in np.flatnonzero(batch.vertices.event == number):
            if np.hypot(eta[v] - jet["eta"], wrap_angle(phi[v] - jet["phi"])) < 0.8:
                x, y, _ = batch.vertices.position[v]
                unit = np.array([x, y]) / np.hypot(x, y)
                error = np.sqrt(unit @ covariance[v, :2, :2] @ unit)
                expected.append((np.hypot(x, y) / error, pt[v], np.hypot(x, y), error))
        expected.sort(reverse=True)
        assert jet["nsv"] == len(expected)
        left_out += len(expected) > 5
        count = jets.counts["vertices"][row]
        assert count == min(len(expected), 5)
        for slot, (_, size, dxy, error) in enumerate(expected[:5]):
            k = position + slot
            assert jets.vertices["pt"][k] == pytest.approx(size)
            assert jets.vertices["dxy"][k] == pytest.approx(dxy)
            assert jets.vertices["dxy_error"][k] == pytest.approx(error)
            assert jets.vertices["ntracks"][k] == 2
            assert jets.vertices["cosine"][k] == pytest.approx(1)
            assert jets.vertices["mass"][k] == pytest.approx(1, rel=1e-6)
        position += count
    assert position == len(jets.vertices["pt"])
    assert left_out


def test_window_is_a_part_of_all_jets(batch, jets):
    found = measure_jets(batch, "window", SOURCES["graviton"], np.random.default_rng(3))
    (low, high), (least, most) = WINDOW.pt, WINDOW.sdmass
    pt, mass = jets.jets["pt"], jets.jets["sdmass"]
    inside = (pt > low) & (pt < high) & (mass >= least) & (mass < most)
    assert 0 < inside.sum() < len(jets)
    for kind in ("tracks", "vertices", "spectators"):
        np.testing.assert_array_equal(derive(found, kind), derive(jets.take(inside), kind))


def test_no_jets_from_no_particles(batch):
    none = np.zeros(0, np.int64)
    empty = Event(
        record([(21, (-1, -1), 0.0, 0.0)]),
        batch.particles[none],
        batch.tracks[none],
        scattered_vertices(none, np.zeros(0), np.zeros(0), np.random.default_rng(1)),
        np.ones((1, 3)),
    )
    found = measure_jets(empty, "record", 0, np.random.default_rng(0))
    assert len(found) == 0
    assert len(derive(found, "tracks")) == 0
