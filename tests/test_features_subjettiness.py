"""Subjettiness against an own kT clustering, and its laws."""

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_jets import jets_of, toy_jets

from repro.errors import NotAvailable
from repro.features import subjettiness as module
from repro.features.mbns import mbns_inputs_of_jets
from repro.features.registry import find_inputs
from repro.features.subjettiness import subjettiness, subjettiness_features
from repro.features.summary import quantities_of_jets, summary_of_jets
from repro.simulation import extras

seeds = st.integers(0, 2**32 - 1)
CLOSE = {"rtol": 1e-8, "atol": 1e-10}


@pytest.fixture(autouse=True)
def _fastjet(request):
    if "without_fastjet" not in request.fixturenames:
        pytest.importorskip("fastjet")


@pytest.fixture
def without_fastjet(monkeypatch):
    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    extras.load_fastjet.cache_clear()
    yield
    extras.load_fastjet.cache_clear()


# --- oracle: an own clustering, O(n³), jet by jet ----------------------------------------------


def direction(vector):
    energy, px, py, pz = vector
    return 0.5 * np.log((energy + pz) / (energy - pz)), np.arctan2(py, px)


def exclusive_subjets(vectors):
    """Return the subjets that are left when N are left, by N, and whether the beam took any."""
    left, found, lost = [np.array(v) for v in vectors], {}, False
    while left:
        found[len(left)] = list(left)
        best = (np.inf, 0, 0)
        for i, first in enumerate(left):
            beam = first[1] ** 2 + first[2] ** 2
            best = min(best, (beam, i, -1))
            for j in range(i):
                second = left[j]
                (y1, phi1), (y2, phi2) = direction(first), direction(second)
                turn = np.abs(phi1 - phi2)
                turn = min(turn, 2 * np.pi - turn)  # the clustering itself wraps
                softer = min(beam, second[1] ** 2 + second[2] ** 2)
                separation = ((y1 - y2) ** 2 + turn**2) / 0.4**2
                best = min(best, (softer * separation, i, j))
        _, i, j = best
        first = left.pop(i)
        if j < 0:
            lost = lost or len(left) > 0
        else:
            left[j] = left[j] + first  # j < i: its position is unchanged
    return found, lost


def tau(vectors, axes, beta, wrap=False):
    """The definition, term by term."""
    total = 0.0
    for vector in vectors:
        y, phi = direction(vector)
        distances = []
        for axis in axes:
            y_axis, phi_axis = direction(axis)
            turn = phi - phi_axis
            if wrap:
                turn = np.angle(np.exp(1j * turn))
            distances.append(np.hypot(y - y_axis, turn) ** beta)
        total += np.hypot(vector[1], vector[2]) * min(distances)
    return total / np.hypot(*np.sum(vectors, axis=0)[1:3])


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(("constituents", "radius"), [(8, 0.8), (11, 0.3), (16, 0.8), (20, 1.5)])
def test_subjettiness_is_that_of_an_own_clustering(constituents, radius, wrap):
    jets = toy_jets(constituents, 4, constituents, radius)
    jets[:2] = toy_jets(constituents + 1, 2, constituents, radius, centre=np.pi)
    found = subjettiness(jets, wrap_azimuth=wrap)
    losses = 0
    for row, vectors in enumerate(jets):
        subjets, lost = exclusive_subjets(vectors)
        losses += lost
        expected = [tau(vectors, subjets[n], b, wrap) for n in range(1, 9) for b in (0.5, 1, 2)]
        np.testing.assert_allclose(found[row], expected, **CLOSE)
    if radius > 1:
        assert losses  # wide jets lose subjets to the beam: the case that R = 0.4 matters for


@pytest.mark.parametrize("constituents", range(2, 8))
def test_small_jets_have_as_many_axes_as_constituents(constituents):
    """Quirk B16 corrected: fewer axes by the definition, no distance to as many or more."""
    jets = np.zeros((3, 12, 4))
    jets[:, :constituents] = toy_jets(constituents, 3, constituents)
    found = subjettiness(jets, small_jets=True).reshape(3, 8, 3)
    for row in range(3):
        vectors = jets[row, :constituents]
        subjets, _ = exclusive_subjets(vectors)
        for n in range(1, constituents):
            expected = [tau(vectors, subjets[n], beta) for beta in (0.5, 1, 2)]
            np.testing.assert_allclose(found[row, n - 1], expected, **CLOSE)
            assert (found[row, n - 1] > 0).all()
    assert (found[:, constituents - 1 :] == 0).all()


# --- laws --------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(1e-2, 1e2))
def test_the_scale_of_momenta_does_not_matter(seed, scale):
    jets = toy_jets(seed, 5, 30)
    np.testing.assert_allclose(subjettiness(scale * jets), subjettiness(jets), **CLOSE)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_order_of_constituents_does_not_matter(seed):
    jets = toy_jets(seed, 5, 30)
    shuffled = np.random.default_rng(seed).permutation(jets, axis=1)
    np.testing.assert_allclose(subjettiness(shuffled), subjettiness(jets), **CLOSE)


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(-1.5, 1.5), st.floats(-np.pi, np.pi))
def test_boosts_along_the_beam_and_turns_about_it_do_not_matter_when_wrapped(seed, boost, turn):
    jets = toy_jets(seed, 5, 30)
    energy, px, py, pz = np.moveaxis(jets, 2, 0)
    moved = np.stack(
        [
            energy * np.cosh(boost) + pz * np.sinh(boost),
            px * np.cos(turn) - py * np.sin(turn),
            px * np.sin(turn) + py * np.cos(turn),
            pz * np.cosh(boost) + energy * np.sinh(boost),
        ],
        axis=2,
    )
    found = subjettiness(moved, wrap_azimuth=True)
    np.testing.assert_allclose(found, subjettiness(jets, wrap_azimuth=True), rtol=1e-7, atol=1e-8)


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(8, 60))
def test_means_of_powers_of_the_same_distances_are_ordered(seed, constituents):
    """Jensen's inequality among the exponents, for each number of axes."""
    jets = toy_jets(seed, 5, constituents)
    pt = np.hypot(jets[..., 1], jets[..., 2]).sum(axis=1)
    weight = (pt / np.hypot(*jets.sum(axis=1).T[1:3]))[:, None]
    half, one, two = np.moveaxis(subjettiness(jets).reshape(5, 8, 3), 2, 0) / weight
    assert (half >= 0).all()
    assert (half**2 <= one * (1 + 1e-12) + 1e-15).all()
    assert (one**2 <= two * (1 + 1e-12) + 1e-15).all()


def test_eight_axes_of_eight_constituents_are_the_constituents():
    taus = subjettiness(toy_jets(0, 10, 8)).reshape(10, 8, 3)
    # The square root of a distance of 1e-16 is 1e-8.
    np.testing.assert_allclose(taus[:, -1], 0, atol=1e-7)
    assert (taus[:, :-1] > 0).all()


def test_azimuth_is_wrapped_only_on_request():
    """Quirk B3: jets across the seam have tau_1 of the order of 2π times a share of pt."""
    across, there = toy_jets(1, 40, 30, centre=np.pi), toy_jets(1, 40, 30, centre=0.5)
    wrapped = subjettiness(across, wrap_azimuth=True)
    np.testing.assert_allclose(wrapped, subjettiness(there), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(subjettiness(there, wrap_azimuth=True), subjettiness(there), **CLOSE)
    torn = subjettiness(across)[:, 1]
    assert np.median(torn) > 1
    assert (wrapped[:, 1] < 0.9).all()


# --- rows --------------------------------------------------------------------------------------


def test_jets_under_8_constituents_are_nan_and_padding_does_not_matter():
    jets = np.zeros((4, 40, 4))
    for row, count in enumerate((7, 8, 0, 40)):
        jets[row, :count] = toy_jets(row, 1, count)[0] if count else 0
    taus = subjettiness(jets)
    assert taus.shape == (4, len(subjettiness_features()))
    assert np.isnan(taus).all(axis=1).tolist() == [True, False, True, False]
    assert np.isfinite(taus[[1, 3]]).all()
    np.testing.assert_array_equal(taus[1], subjettiness(jets[1:2, :8])[0])
    assert np.isnan(mbns_inputs_of_jets(jets)).all(axis=1).tolist() == [True, False, True, False]


def test_small_jets_on_request_leave_the_others_alone():
    counts = (3, 8, 0, 40, 1, 7)
    jets = np.zeros((len(counts), 40, 4))
    for row, count in enumerate(counts):
        jets[row, :count] = toy_jets(row, 1, count)[0] if count else 0
    found, published = subjettiness(jets, small_jets=True), subjettiness(jets)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[[1, 3]], published[[1, 3]])
    assert not found[[2, 4]].any()
    inputs = mbns_inputs_of_jets(jets, small_jets=True)
    assert np.isfinite(inputs).all()
    np.testing.assert_array_equal(inputs[[1, 3]], mbns_inputs_of_jets(jets)[[1, 3]])


@pytest.mark.parametrize("small_jets", [False, True])
def test_a_constituent_along_the_beam_makes_its_jet_nan_without_warnings(small_jets):
    jets = toy_jets(6, 4, 9)
    jets[1, 3] = [7, 0, 0, 7]
    jets[2] = [7, 0, 0, -7]
    taus = subjettiness(jets, small_jets=small_jets)
    assert np.isnan(taus).all(axis=1).tolist() == [False, True, True, False]
    np.testing.assert_array_equal(taus[[0, 3]], subjettiness(jets[[0, 3]]))


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_chunks_do_not_change_the_values(monkeypatch, chunk):
    jets = toy_jets(2, 10, 25)
    jets[4, 5:] = 0
    whole, with_small = subjettiness(jets), subjettiness(jets, small_jets=True)
    monkeypatch.setattr(module, "_JETS_PER_CHUNK", chunk)
    np.testing.assert_array_equal(subjettiness(jets), whole)
    np.testing.assert_array_equal(subjettiness(jets, small_jets=True), with_small)


def test_no_jets_and_no_constituents():
    assert subjettiness(np.zeros((0, 200, 4))).shape == (0, 24)
    assert np.isnan(subjettiness(np.zeros((3, 0, 4)))).all()


def test_float32_momenta_are_computed_in_float64():
    jets = toy_jets(3, 10, 25).astype(np.float32)
    found = subjettiness(jets)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, subjettiness(jets.astype(np.float64)))


def test_nothing_is_printed(capfd):
    extras.load_fastjet.cache_clear()
    subjettiness(toy_jets(4, 2, 10))
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("without_fastjet")
def test_without_fastjet_the_extra_is_named():
    with pytest.raises(NotAvailable, match=r"pip install 'repro\[simulate\]'") as caught:
        subjettiness(toy_jets(5, 2, 10))
    assert "\n" not in str(caught.value)


# --- of the leading constituents ------------------------------------------------------------------


def test_summary_of_leading_constituents_is_that_of_jets_without_the_others():
    jets = jets_of([5, 9, 60, 61, 120, 200], 200)
    known = subjettiness(jets)
    found = summary_of_jets(jets, known, leading=60)
    np.testing.assert_array_equal(found, summary_of_jets(jets[:, :60], None))
    whole = summary_of_jets(jets, known)
    # What is known is taken where there is no more, and only there.
    np.testing.assert_array_equal(found[:3], whole[:3])
    assert (found[3:, 7:] != whole[3:, 7:]).any(axis=1).all()
    marked = summary_of_jets(jets, np.full_like(known, 0.5), leading=60)
    np.testing.assert_array_equal(marked[:3, 7:], 0.5)
    np.testing.assert_array_equal(marked[3:], found[3:])


@pytest.mark.usefixtures("without_fastjet")
def test_quantities_of_leading_constituents_need_no_fastjet():
    jets = jets_of([9, 120], 200)
    found = find_inputs("leading_quantities").compute(jets)
    np.testing.assert_array_equal(found, quantities_of_jets(jets[:, :60]))
    corrected = find_inputs("leading_quantities").compute(jets, corrected=True)
    np.testing.assert_array_equal(corrected, quantities_of_jets(jets))
    with pytest.raises(NotAvailable):
        find_inputs("leading_jets").compute(jets)
