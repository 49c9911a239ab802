"""The inputs of every family with the originals' quirks on and off: what they must not depend on.

Toy jets point along given azimuths, so that a jet can be put across the seam at ±π.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_jets import jets_of, toy_jets

from repro.features.augpfn import augpfn_inputs
from repro.features.jets import cylindrical, jet_quantities
from repro.features.pfin import pfin_inputs
from repro.features.registry import FAMILIES, inputs_of
from repro.models.cards import find_card
from repro.models.scores import score_jets
from repro.models.tagger import load_tagger

seeds = st.integers(0, 2**32 - 1)
TORN = [family for family in FAMILIES if family != "topodnn"]
# eta through the polar angle in float32 loses digits, as the authors' does.
CLOSE = {"rtol": 1e-5, "atol": 2e-6}


@pytest.fixture(autouse=True)
def _fastjet(request):
    named = getattr(request.node, "callspec", None)
    if named and FAMILIES.get(named.params.get("family", "pfn")).needs_fastjet:
        pytest.importorskip("fastjet")


def turned(jets, angle):
    """The jets, turned about the beam."""
    energy, px, py, pz = np.moveaxis(jets, 2, 0)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([energy, px * cosine - py * sine, px * sine + py * cosine, pz], axis=2)


def without_azimuth_of_jet(family, inputs):
    """PFIN is told where its jet is: that column turns with the jet."""
    return np.delete(inputs, 182, axis=1) if family == "pfin" else inputs


def compare(family, found, wanted):
    found, wanted = (without_azimuth_of_jet(family, inputs) for inputs in (found, wanted))
    np.testing.assert_allclose(found, wanted, **CLOSE)


# --- azimuth (B3) ------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(seeds, st.floats(-7, 7))
@pytest.mark.parametrize("family", TORN)
def test_corrected_inputs_do_not_change_when_the_jet_turns(family, seed, angle):
    jets = toy_jets(seed, 4, 30)
    make = inputs_of(family)
    compare(family, make(turned(jets, angle), corrected=True), make(jets, corrected=True))


@pytest.mark.parametrize("family", TORN)
def test_published_inputs_jump_at_the_seam_and_nowhere_else(family):
    jets = toy_jets(1, 20, 30, centre=0.0)
    make = inputs_of(family)
    whole = make(jets)
    compare(family, make(turned(jets, 1.0)), whole)
    torn = without_azimuth_of_jet(family, make(turned(jets, np.pi)))
    jump = np.abs(torn - without_azimuth_of_jet(family, whole)).max(axis=1)
    assert (jump > 1).mean() > 0.8


@pytest.mark.parametrize("family", TORN)
def test_where_no_quirk_enters_both_are_the_same(family):
    """Jets of 8 to 60 constituents, away from the seam."""
    jets = np.concatenate([toy_jets(i, 2, 60, centre=0.5) for i in range(3)])
    jets[1::2, 8:] = 0
    make = inputs_of(family)
    np.testing.assert_allclose(make(jets, corrected=True), make(jets), rtol=1e-6, atol=1e-7)


def test_topodnn_needs_no_correction():
    jets = toy_jets(2, 20, 30, centre=np.pi)
    make = inputs_of("topodnn")
    np.testing.assert_array_equal(make(jets, corrected=True), make(jets))


# --- PFIN's jet --------------------------------------------------------------------------------


@pytest.mark.parametrize("whole_jet", [False, True])
def test_slots_and_jet_columns_of_pfin_give_the_constituents_back(whole_jet):
    jets = jets_of([5, 60, 61, 150, 200], 200)
    inputs = pfin_inputs(jets, whole_jet=whole_jet).astype(np.float64)
    slots, (pt_sum, eta, phi, _) = inputs[:, :180].reshape(-1, 60, 3), inputs[:, 180:].T[..., None]
    wanted = cylindrical(jets[:, :60].astype(np.float64))
    filled = wanted[0] > 0
    found = slots[..., 0] * pt_sum, slots[..., 1] + eta, slots[..., 2] + phi
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours[filled], theirs[filled], rtol=1e-5, atol=5e-6)


def test_corrected_pfin_is_relative_to_the_whole_jet_and_counts_its_slots():
    counts = [5, 60, 61, 150, 200]
    jets = jets_of(counts, 200)
    whole = jet_quantities(jets)
    inputs = inputs_of("pfin")(jets, corrected=True)
    np.testing.assert_array_equal(inputs[:, 180], whole.pt_sum.astype(np.float32))
    np.testing.assert_array_equal(inputs[:, 181], whole.eta.astype(np.float32))
    np.testing.assert_array_equal(inputs[:, 182], whole.phi.astype(np.float32))
    assert inputs[:, 183].tolist() == [5, 60, 60, 60, 60]
    shares = inputs[:, :180:3].sum(axis=1)
    np.testing.assert_allclose(shares[:2], 1, rtol=1e-5)
    assert (shares[2:] < 1 - 1e-4).all()
    published = inputs_of("pfin")(jets)[:, :180:3].sum(axis=1)
    np.testing.assert_allclose(published, 1, rtol=1e-5)


# --- small jets (B16) --------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["mbns", "augpfn"])
def test_corrected_small_jets_have_subjettiness(family):
    jets = jets_of([0, 1, 2, 7, 8, 30], 200)
    published, corrected = (inputs_of(family)(jets, corrected=flag) for flag in (False, True))
    taus = slice(0, 20) if family == "mbns" else slice(600, 607)
    if family == "mbns":
        assert np.isnan(published).all(axis=1).tolist() == [True] * 4 + [False] * 2
    else:
        assert not published[:4, taus].any()
    assert np.isfinite(corrected).all()
    # Of one constituent and of none, nothing is far from its axis.
    assert corrected[:, taus].any(axis=1).tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize("family", ["mbns", "augpfn"])
def test_known_subjettiness_is_the_published_one(family):
    """It is taken as given, and computed anew where the quirks are off."""
    jets = toy_jets(3, 4, 20, centre=np.pi)
    make, rubbish = inputs_of(family), np.full((4, 24), 7.0)
    assert (make(jets, rubbish) == 7).any()
    found = make(jets, rubbish, corrected=True)
    np.testing.assert_array_equal(found, make(jets, corrected=True))


def test_augpfn_is_pfn_and_the_named_subjettiness():
    jets, taus = toy_jets(4, 3, 20), np.arange(72.0).reshape(3, 24)
    inputs = augpfn_inputs(jets, taus)
    np.testing.assert_array_equal(inputs[:, :600], inputs_of("pfn")(jets))
    assert inputs[0, 600:].tolist() == [1, 4, 7, 10, 13, 16, 19]


# --- units and order ---------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(seeds, st.floats(0.05, 20))
@pytest.mark.parametrize("family", TORN)
def test_only_what_is_in_gev_scales_with_the_jet(family, seed, factor):
    jets = toy_jets(seed, 4, 30)
    make = inputs_of(family)
    wanted = make(jets).copy()
    wanted[:, {"mbns": [20, 21], "pfin": [180]}.get(family, [])] *= factor
    np.testing.assert_allclose(make(factor * jets), wanted, **CLOSE)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("family", ["pfn", "mbns"])
def test_scores_of_sums_do_not_depend_on_the_order_of_constituents(fetch, family, corrected):
    jets = np.concatenate([toy_jets(5, 20, 80), toy_jets(6, 10, 80, centre=np.pi)])
    shuffled = np.random.default_rng(0).permutation(jets, axis=1)
    tagger = load_tagger(family, "authors", fetch)
    found = score_jets(tagger, shuffled, corrected=corrected)
    np.testing.assert_allclose(found, score_jets(tagger, jets, corrected=corrected), atol=1e-5)


@pytest.mark.parametrize("family", ["topodnn", "pfin"])
def test_the_order_of_constituents_matters_where_the_leading_ones_are_looked_at(fetch, family):
    jets = toy_jets(5, 20, 80)
    shuffled = np.random.default_rng(0).permutation(jets, axis=1)
    tagger = load_tagger(find_card(family).name, "authors", fetch)
    assert np.abs(score_jets(tagger, shuffled) - score_jets(tagger, jets)).max() > 0.01
