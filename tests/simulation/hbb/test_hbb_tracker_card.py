"""The tracker's card: its numbers, what lies between them, and what is refused."""

import copy
import tomllib

import numpy as np
import pytest
from hbb_guns import CARD
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import UnknownName
from repro.simulation.card import card_text
from repro.simulation.hbb.tracker_card import load_tracker_card, parse_tracker_card
from repro.simulation.hbb.tracker_parts import PARAMETERS

DATA = tomllib.loads(card_text("cms_tracker"))


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_tables_are_met_at_their_knots(parameter):
    resolution = CARD.resolution
    for row, eta in enumerate(resolution.abs_eta):
        got = resolution.at(parameter, np.full(len(resolution.pt_knots), -eta), resolution.pt_knots)
        np.testing.assert_allclose(got, resolution.tables[parameter][row])


@given(st.floats(-2.5, 2.5), st.floats(0.9, 2000.0))
def test_resolutions_are_smooth_and_even(eta, pt):
    for parameter in PARAMETERS:
        at = CARD.resolution.at(
            parameter, np.array([eta, -eta, eta * 1.001, eta]), np.array([pt, pt, pt, pt * 1.001])
        )
        assert at[0] > 0
        assert at[0] == at[1]
        np.testing.assert_allclose(at[2:], at[0], rtol=0.01)


def test_numbers_that_the_paper_states():
    """2.8 % in pt, 10 and 30 micrometres, for muons of 100 GeV with |eta| < 1.4 (abstract)."""
    eta, pt = np.linspace(0, 1.4, 20), np.full(20, 100.0)
    mean = {name: CARD.resolution.at(name, eta, pt).mean() for name in PARAMETERS}
    assert mean["pt"] == pytest.approx(0.028, rel=0.15)
    assert mean["dxy"] == pytest.approx(10e-4, rel=0.15)
    assert mean["dz"] == pytest.approx(30e-4, rel=0.15)


def test_displaced_particles_are_found_less_and_less():
    radius = np.linspace(0, 80, 200)
    efficiency = CARD.displaced.at(radius)
    assert efficiency[0] == 1
    assert (np.diff(efficiency) <= 0).all()
    assert (efficiency[radius > CARD.lever.layers[-1]] == 0).all()


def without(section, key):
    data = copy.deepcopy(DATA)
    del data[section][key]
    return data


def with_value(section, key, value):
    data = copy.deepcopy(DATA)
    data[section][key] = value
    return data


@pytest.mark.parametrize(
    "data",
    [
        without("resolution", "dz"),
        with_value("resolution", "dz", [[1.0, 2.0]]),
        with_value("resolution", "pt", [[0.0] * 12] * 3),
        without("efficiency", "muon"),
        with_value("efficiency", "tau", DATA["efficiency"]["muon"]),
    ],
)
def test_what_does_not_fit_together_is_refused(data):
    with pytest.raises(ValueError, match=r"resolutions|efficiencies"):
        parse_tracker_card(data)


@pytest.mark.parametrize("section", ["tails", "fakes", "primary", "lever", "finder"])
def test_missing_and_unknown_numbers_are_refused(section):
    with pytest.raises(TypeError, match="unexpected"):
        parse_tracker_card(with_value(section, "nonsense", 1.0))
    with pytest.raises((TypeError, KeyError)):
        parse_tracker_card(without(section, next(iter(DATA[section]))))


def test_unknown_cards_are_named():
    with pytest.raises(UnknownName, match="cms_tracker"):
        load_tracker_card("nonsense")
