"""Jet quantities, and the inputs of PFN, PFIN and MBNS that are made of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_jets import jets_of, momenta, toy_jets

from repro.errors import BadInput, UnknownName
from repro.features import jets as jets_module
from repro.features.jets import cylindrical, jet_quantities, wrap_angle
from repro.features.mbns import mbns_features, mbns_inputs, mbns_inputs_of_jets
from repro.features.pfin import pfin_features, pfin_inputs
from repro.features.pfn import pfn_features, pfn_inputs
from repro.features.registry import FAMILIES, inputs_of
from repro.features.subjettiness import subjettiness_features
from repro.models.cards import load_cards

FUNCTIONS = [jet_quantities, pfn_inputs, pfin_inputs, mbns_inputs_of_jets]
COUNTS = [0, 1, 2, 8, 60, 61, 200]


def slots_of(inputs, slots):
    return np.moveaxis(inputs[:, : 3 * slots].reshape(len(inputs), slots, 3), 2, 0)


# --- jets --------------------------------------------------------------------------------------


def test_quantities_of_a_known_jet():
    jet = jet_quantities(np.array([[[5.0, 3, 0, 4], [13, 0, 5, 12], [0, 0, 0, 0]]]))
    assert jet.energy[0] == 18
    assert jet.constituents[0] == 2
    assert jet.pt_sum[0] == pytest.approx(8)
    assert jet.pt[0] == pytest.approx(np.hypot(3, 5))
    assert jet.eta[0] == pytest.approx(np.arcsinh(16 / np.hypot(3, 5)))
    assert jet.phi[0] == pytest.approx(np.arctan2(5, 3))
    assert jet.mass[0] == pytest.approx(np.sqrt(18**2 - 9 - 25 - 16**2))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_cylindrical_gives_back_what_the_vectors_were_made_of(seed, constituents):
    rng = np.random.default_rng(seed)
    pt, eta = rng.uniform(0.1, 500, constituents), rng.uniform(-3, 3, constituents)
    phi = rng.uniform(-3.14, 3.14, constituents)
    for found, expected in zip(cylindrical(momenta(pt, eta, phi)), (pt, eta, phi), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


def test_vectors_without_a_direction_have_angles_zero():
    vectors = np.array([[0, 0, 0, 0], [7, 0, 0, 7], [7, 0, 0, -7], [0, -0.0, -0.0, 0]])
    for kind in (np.float32, np.float64):
        for quantity in cylindrical(vectors.astype(kind)):
            np.testing.assert_array_equal(quantity, 0)


def test_float32_momenta_are_added_one_after_the_other_in_float32():
    jets = toy_jets(3, 20, 200).astype(np.float32)
    found = jet_quantities(jets)
    for row in range(20):
        energy, pt_sum = np.float32(0), np.float32(0)
        for e, px, py, _ in jets[row]:
            energy += e
            pt_sum += np.sqrt(px * px + py * py)
        assert (found.energy[row], found.pt_sum[row]) == (energy, pt_sum)
    assert (found.energy != jet_quantities(jets.astype(np.float64)).energy).any()


def test_wrapped_angles_lie_around_zero():
    angles = np.linspace(-20, 20, 4001)
    wrapped = wrap_angle(angles)
    assert wrapped.min() >= -np.pi
    assert wrapped.max() < np.pi
    np.testing.assert_allclose(np.exp(1j * wrapped), np.exp(1j * angles), atol=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(3, 4), (3, 5, 3), (2, 2, 2, 4)])
def test_other_shapes_are_refused(function, shape):
    with pytest.raises(BadInput, match="expected"):
        function(np.zeros(shape))


# --- PFN and PFIN ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "names", "slots"), [(pfn_inputs, pfn_features, 200), (pfin_inputs, pfin_features, 60)]
)
def test_inputs_are_shares_of_pt_and_plain_differences_of_angles(make, names, slots):
    jets = jets_of(COUNTS, 200)
    inputs = make(jets)
    assert inputs.dtype == np.float32
    assert inputs.shape == (len(COUNTS), len(names()))
    pt, eta, phi = slots_of(inputs, slots)
    for row, count in enumerate(COUNTS):
        used = min(count, slots)
        total = jets[row, :used].astype(np.float64)
        assert (pt[row, used:] == 0).all()
        assert (eta[row, used:] == 0).all()
        assert (phi[row, used:] == 0).all()
        if used:
            _, px, py, pz = total.sum(axis=0)
            own_pt = np.hypot(total[:, 1], total[:, 2])
            np.testing.assert_allclose(pt[row, :used], own_pt / own_pt.sum(), rtol=1e-5)
            own_eta = np.arcsinh(total[:, 3] / own_pt) - np.arcsinh(pz / np.hypot(px, py))
            np.testing.assert_allclose(eta[row, :used], own_eta, atol=2e-6)
            own_phi = np.arctan2(total[:, 2], total[:, 1]) - np.arctan2(py, px)
            np.testing.assert_allclose(phi[row, :used], own_phi, atol=2e-6)


def test_pfin_says_what_its_60_constituents_are_relative_to():
    jets = jets_of(COUNTS, 200)
    leading = jet_quantities(jets[:, :60])
    columns = pfin_inputs(jets)[:, -4:].T
    expected = (leading.pt_sum, leading.eta, leading.phi, leading.constituents)
    for found, wanted in zip(columns, expected, strict=True):
        np.testing.assert_array_equal(found, wanted.astype(np.float32))
    assert columns[3].tolist() == [0, 1, 2, 8, 60, 60, 60]
    # 61 and 200 constituents have more pt than their first 60.
    assert (jet_quantities(jets).pt_sum[5:] > columns[0][5:]).all()


@pytest.mark.parametrize(("make", "slots"), [(pfn_inputs, 200), (pfin_inputs, 60)])
def test_azimuth_is_wrapped_only_on_request(make, slots):
    """Quirk B3: as published, a jet across the seam is torn in two."""
    across = toy_jets(5, 50, 40, centre=np.pi)
    there = toy_jets(5, 50, 40, centre=0.0)
    torn, whole = slots_of(make(across), slots)[2], slots_of(make(across, wrap_azimuth=True), slots)
    assert np.abs(torn).max() > 5
    assert np.abs(whole[2]).max() < 2
    for found, expected in zip(whole, slots_of(make(there), slots), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(make(there, wrap_azimuth=True), make(there), atol=1e-7)


@pytest.mark.parametrize("make", [pfn_inputs, pfin_inputs])
@pytest.mark.parametrize("size", [1, 7])
def test_chunks_do_not_change_the_inputs(make, size, monkeypatch):
    jets = toy_jets(6, 20, 70).astype(np.float32)
    whole = make(jets)
    monkeypatch.setattr(
        f"{make.__module__}.iter_slices", lambda n: jets_module.iter_slices(n, size)
    )
    np.testing.assert_array_equal(make(jets), whole)


# --- MBNS --------------------------------------------------------------------------------------


def test_mbns_inputs_are_the_named_columns_in_order():
    taus = np.arange(24.0)[None] + np.array([[0.0], [100.0]])
    inputs = mbns_inputs(taus, np.array([600.0, 550]), np.array([170.0, 60]))
    assert inputs.dtype == np.float64
    assert inputs.shape == (2, 22)
    names = subjettiness_features()
    for column, name in enumerate(mbns_features()[:-2]):
        np.testing.assert_array_equal(inputs[:, column], taus[:, names.index(name)])
    # The authors: tau_1 to tau_6 whole, tau_7 without exponent 0.5, tau_8 unseen.
    assert inputs[0, :20].tolist() == [*range(18), 19, 20]
    np.testing.assert_array_equal(inputs[:, -2:], [[0.6, 0.17], [0.55, 0.06]])


def test_mbns_takes_known_subjettiness_and_adds_pt_and_mass_in_float64():
    jets = toy_jets(7, 5, 12).astype(np.float32)
    taus = np.random.default_rng(0).random((5, 24))
    taus[3] = np.nan
    inputs = mbns_inputs_of_jets(jets, taus)
    exact = jet_quantities(jets.astype(np.float64))
    kept = [0, 1, 2, 4]
    np.testing.assert_array_equal(inputs[kept, -2], exact.pt[kept] / 1000)
    np.testing.assert_array_equal(inputs[kept, -1], exact.mass[kept] / 1000)
    assert np.isnan(inputs[3]).all()


def test_mbns_inputs_that_do_not_fit_are_refused():
    for taus, pt in (((2, 23), 2), ((2, 24), 3)):
        with pytest.raises(BadInput, match="do not fit"):
            mbns_inputs(np.zeros(taus), np.zeros(pt), np.zeros(2))


# --- registry ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_inputs_for_its_cards(family):
    inputs = inputs_of(family)(toy_jets(8, 4, 200).astype(np.float32), np.ones((4, 24)))
    features = FAMILIES[family].features()
    assert inputs.shape == (4, len(features))
    assert inputs.dtype == (np.float64 if family == "mbns" else np.float32)
    for card in load_cards(family).values():
        assert len(card.columns(features)) == card.inputs


@pytest.mark.parametrize("family", ["topodnn", "pfn", "pfin"])
def test_only_the_leading_constituents_of_a_family_count(family):
    jets = toy_jets(9, 4, 250)
    for corrected in (False, True):
        count = FAMILIES[family].leading(corrected)
        found = inputs_of(family)(jets[:, :count], corrected=corrected)
        np.testing.assert_array_equal(found, inputs_of(family)(jets, corrected=corrected))


def test_an_unknown_family_is_refused():
    with pytest.raises(UnknownName, match="topodnn, mbns, pfn, augpfn, pfin"):
        inputs_of("resnet")
