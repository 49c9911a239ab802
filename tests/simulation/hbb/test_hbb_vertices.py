"""Secondary vertices from tracks: found where decays are, and nowhere else."""

import dataclasses

import numpy as np
import pytest
from hbb_guns import (
    CARD,
    PION,
    assert_same_bytes,
    changed,
    decays,
    everything_found,
    no_tracks,
    pions,
    rotated,
    spray,
    together,
    vectors,
)
from scipy.optimize import brentq

from repro.simulation.hbb.clusters import find_clusters, impact_of
from repro.simulation.hbb.found import distance_significance, merge
from repro.simulation.hbb.helix import Helices
from repro.simulation.hbb.primary import primary_covariance
from repro.simulation.hbb.tracks import reconstruct_tracks
from repro.simulation.hbb.vertex_fit import Candidates, Measured
from repro.simulation.hbb.vertices import find_vertices

ALL = everything_found()


def reconstruct(particles, events, card=ALL, seed=1):
    return reconstruct_tracks(particles, card, np.random.default_rng(seed), events)


def flights(rng, number, mean, size=60.0):
    """Directions, and places of exponential decays with this mean flight distance [cm]."""
    momentum = vectors(
        np.full(number, size), rng.uniform(-1.5, 1.5, number), rng.uniform(-np.pi, np.pi, number)
    )
    direction = momentum / np.linalg.norm(momentum, axis=1)[:, None]
    return direction * rng.exponential(mean, number)[:, None], momentum


@pytest.fixture(scope="module")
def busy():
    """Decays over 0.5 cm on average among 30 prompt tracks."""
    rng = np.random.default_rng(11)
    number = 300
    places, momentum = flights(rng, number, 0.5)
    particles = together(spray(rng, number, 30), decays(rng, places, momentum))
    tracks = reconstruct(particles, number)
    return places, tracks, find_vertices(tracks, ALL, number)


def mass(vertices):
    energy, *momentum = vertices.momentum.T
    return np.sqrt(np.maximum(energy**2 - sum(part**2 for part in momentum), 0))


def distances(vertices):
    return np.linalg.norm(vertices.position, axis=1)


def test_decays_are_found_where_they_are(busy):
    places, _, vertices = busy
    far = np.linalg.norm(places, axis=1) > 0.1
    apart = vertices.position - places[vertices.event]
    right = distance_significance(apart, vertices.covariance) < 5
    assert len(np.unique(vertices.event[right & far[vertices.event]])) / far.sum() > 0.9
    inverse = np.linalg.inv(np.linalg.cholesky(vertices.covariance[right]))
    white = np.einsum("mij,mj->mi", inverse, apart[right])
    low, high = np.quantile(white, [0.1587, 0.8413], axis=0)
    np.testing.assert_allclose((high - low) / 2, 1, atol=0.2)


def test_tracks_of_a_decay_are_its_members(busy):
    places, tracks, vertices = busy
    owner = np.repeat(np.arange(len(vertices)), vertices.counts)
    np.testing.assert_array_equal(tracks.event[vertices.members], vertices.event[owner])
    assert vertices.counts.sum() == len(vertices.members)
    assert vertices.counts.min() >= 2
    # The decay's particles stand behind the 30 prompt ones of each event.
    displaced = tracks.particle[vertices.members] % 34 >= 30
    far = np.linalg.norm(places, axis=1)[vertices.event[owner]] > 0.3
    assert displaced[far].mean() > 0.95


def test_momenta_are_the_members_sums(busy):
    _, tracks, vertices = busy
    owner = np.repeat(np.arange(len(vertices)), vertices.counts)
    pz = tracks.pt * np.sinh(tracks.eta)
    np.testing.assert_allclose(
        vertices.momentum[:, 3], np.bincount(owner, weights=pz[vertices.members])
    )
    energy = np.hypot(tracks.pt * np.cosh(tracks.eta), PION)
    np.testing.assert_allclose(
        vertices.momentum[:, 0], np.bincount(owner, weights=energy[vertices.members])
    )
    assert (mass(vertices) > 2 * PION - 1e-6).all()


def test_vertices_point_away_and_are_far_enough(busy):
    """The finder's cuts hold for what it found; what was fitted again may be beside them."""
    _, _, vertices = busy
    momentum = vertices.momentum[:, 1:]
    cosine = (momentum * vertices.position).sum(axis=1) / (
        np.linalg.norm(momentum, axis=1) * distances(vertices)
    )
    significance = distance_significance(vertices.position[:, :2], vertices.covariance[:, :2, :2])
    assert np.mean(cosine > CARD.finder.vertex_min_cosine) > 0.97
    assert np.mean(significance > CARD.finder.vertex_min_significance_2d) > 0.97


def truncated_mean(flight, low, high):
    """The most likely mean of exponential flights that are seen between two distances."""
    average = flight.mean() - low
    width = high - low

    def excess(mean):
        return mean - width / np.expm1(width / mean) - average

    return brentq(excess, width / 500, 1e3)


@pytest.mark.parametrize("mean", [0.2, 0.5, 1.0])
def test_the_lifetime_is_recovered_from_flight_distances(mean):
    rng = np.random.default_rng(12)
    number, low, high = 1500, 0.15, 3.0
    places, momentum = flights(rng, number, mean)
    particles = together(spray(rng, number, 15), decays(rng, places, momentum, each=5))
    vertices = find_vertices(reconstruct(particles, number), ALL, number)
    leading = np.lexsort((-vertices.counts, vertices.event))
    _, first = np.unique(vertices.event[leading], return_index=True)
    flight = distances(vertices)[leading[first]]
    seen = flight[(flight > low) & (flight < high)]
    assert len(seen) > 0.8 * number * (np.exp(-low / mean) - np.exp(-high / mean))
    # The truth's own estimate has the same fluctuation; the error is mean/sqrt(n), or more for
    # a mean that is not small against the range.
    error = mean / np.sqrt(len(seen)) * (2.0 if mean > 0.6 else 1.2)
    assert truncated_mean(seen, low, high) == pytest.approx(mean, abs=3 * error)


def test_kaons_make_vertices_with_their_mass():
    rng = np.random.default_rng(13)
    number, kaon = 400, 0.497611
    places, momentum = flights(rng, number, 2.0, size=6.0)
    half = np.sqrt(kaon**2 / 4 - PION**2)
    direction = rng.standard_normal((number, 3))
    direction *= half / np.linalg.norm(direction, axis=1)[:, None]
    energy = np.sqrt((momentum**2).sum(axis=1) + kaon**2)
    along = (momentum * direction).sum(axis=1)
    boosts = [
        sign * direction + momentum * ((sign * along / (energy + kaon) + kaon / 2) / kaon)[:, None]
        for sign in (1, -1)
    ]
    pairs = [
        pions(np.arange(number), boost, places, charge=sign)
        for sign, boost in zip((1, -1), boosts, strict=True)
    ]
    particles = together(spray(rng, number, 15), *pairs)
    vertices = find_vertices(reconstruct(particles, number), ALL, number)
    found = mass(vertices)[(vertices.counts == 2) & (distances(vertices) > 0.5)]
    assert len(found) > 0.3 * number
    assert np.median(found) == pytest.approx(kaon, abs=0.005)
    assert np.mean(np.abs(found - kaon) < 0.03) > 0.8


def test_prompt_tracks_make_few_vertices_and_small_ones():
    rng = np.random.default_rng(14)
    number = 200
    vertices = find_vertices(reconstruct(spray(rng, number, 60), number), ALL, number)
    assert len(vertices) < 0.5 * number
    assert np.mean(vertices.counts <= 3) > 0.95


def test_false_tracks_make_vertices():
    rng = np.random.default_rng(15)
    number = 200
    card = changed(ALL, fakes={"fraction": 1.0, "distance": 0.1})
    clean = find_vertices(reconstruct(spray(rng, number, 40, eta=1.0), number), ALL, number)
    tracks = reconstruct(spray(rng, number, 40, eta=1.0), number, card)
    vertices = find_vertices(tracks, card, number)
    assert len(vertices) > 3 * max(len(clean), 5)
    assert (tracks.particle[vertices.members] < 0).mean() > 0.5


@pytest.mark.parametrize("angle", [0.7, 3.0, -2.2])
def test_turned_tracks_make_turned_vertices(busy, angle):
    _, tracks, vertices = busy
    other = find_vertices(rotated(tracks, angle), ALL, 300)
    np.testing.assert_array_equal(other.members, vertices.members)
    np.testing.assert_array_equal(other.counts, vertices.counts)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    np.testing.assert_allclose(other.position, vertices.position @ turn.T, atol=2e-4)
    np.testing.assert_allclose(other.momentum[:, [0, 3]], vertices.momentum[:, [0, 3]])
    np.testing.assert_allclose(other.momentum[:, 1:], vertices.momentum[:, 1:] @ turn.T, atol=2e-3)


def test_an_event_does_not_know_of_others(busy):
    _, tracks, vertices = busy
    for event in (0, 5, 150, 299):
        chosen = np.flatnonzero(tracks.event == event)
        alone = dataclasses.replace(tracks[chosen], event=np.zeros(len(chosen), dtype=np.int64))
        one, mine = find_vertices(alone, ALL, 1), vertices.event == event
        np.testing.assert_allclose(one.position, vertices.position[mine], atol=1e-9)
        np.testing.assert_allclose(one.momentum, vertices.momentum[mine], rtol=1e-9)
        owner = np.repeat(mine, vertices.counts)
        np.testing.assert_array_equal(chosen[one.members], vertices.members[owner])


def test_the_same_tracks_give_the_same_bytes(busy):
    _, tracks, vertices = busy
    assert_same_bytes(find_vertices(tracks, ALL, 300), vertices)


@pytest.mark.parametrize("events", [0, 4])
def test_no_tracks_no_vertices(events):
    vertices = find_vertices(no_tracks(), CARD, events)
    assert len(vertices) == 0
    assert vertices.position.shape == (0, 3)
    assert vertices.momentum.shape == (0, 4)
    assert vertices.covariance.shape == (0, 3, 3)


def test_prompt_events_and_events_with_one_track_have_no_vertices():
    particles = pions([1, 3, 3], vectors(np.full(3, 5.0), 0.1, np.array([0.0, 1.0, 1.2])))
    tracks = reconstruct(particles, 5)
    assert len(find_vertices(tracks[tracks.event == 1], ALL, 5)) == 0
    assert len(find_vertices(tracks, ALL, 5)) == 0


def test_clusters_hold_their_seed_and_what_is_close(busy):
    _, tracks, _ = busy
    measured = Measured(Helices.of_tracks(tracks, ALL.field), tracks.covariance, ALL.field)
    primary = primary_covariance(tracks, ALL, 300)
    clusters = find_clusters(tracks, measured, primary, ALL.finder)
    seeds = clusters.members[clusters.offsets]
    assert len(np.unique(seeds)) == len(seeds)
    impact = impact_of(measured, np.zeros((len(tracks), 3)), primary[tracks.event])
    # In the transverse plane and along z, near the vertex: the two impact parameters.
    expected = np.hypot(tracks.dxy, tracks.dz / np.cosh(tracks.eta))
    near = expected < 0.05
    np.testing.assert_allclose(impact.value[near], expected[near], rtol=2e-3, atol=1e-6)
    assert (impact.value[seeds] >= ALL.finder.seed_min_ip).all()
    assert (impact.significance[seeds] >= ALL.finder.seed_min_significance).all()
    assert clusters.counts.min() >= 2
    assert clusters.counts.max() <= ALL.finder.max_tracks


def a_found(members, positions, error=0.01):
    from repro.simulation.hbb.found import Found

    counts = np.array([len(rows) for rows in members])
    number = len(members)
    return Found(
        np.zeros(number, dtype=np.int64),
        Candidates(np.concatenate(members), counts, np.array(positions, dtype=float)),
        np.tile(error**2 * np.eye(3), (number, 1, 1)),
        np.ones(number),
        np.ones(number),
    )


@pytest.mark.parametrize(
    ("members", "positions", "left"),
    [
        # The same vertex twice: the later one stays.
        ([[0, 1], [0, 1]], [[1, 0, 0], [1, 0, 0]], [1]),
        # A part of another: the smaller one goes, whichever comes first.
        ([[0, 1, 2], [0, 1]], [[1, 0, 0], [1, 0, 0]], [0]),
        ([[0, 1], [0, 1, 2]], [[1, 0, 0], [1, 0, 0]], [1]),
        # Too far apart, or too little shared: both stay.
        ([[0, 1], [0, 1]], [[1, 0, 0], [2, 0, 0]], [0, 1]),
        ([[0, 1, 2], [0, 3, 4]], [[1, 0, 0], [1, 0, 0]], [0, 1]),
        # Three of a kind.
        ([[0, 1], [0, 1], [1, 0]], [[1, 0, 0]] * 3, [2]),
    ],
)
def test_vertices_that_share_their_tracks_are_one(members, positions, left):
    found = a_found([np.array(rows) for rows in members], positions)
    kept = merge(found, CARD.finder.merging[0])
    expected = [members[row] for row in left]
    offsets = kept.tracks.offsets
    assert [
        sorted(kept.tracks.members[a : a + n].tolist())
        for a, n in zip(offsets, kept.tracks.counts, strict=True)
    ] == [sorted(rows) for rows in expected]
