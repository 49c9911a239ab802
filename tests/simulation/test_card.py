"""Detector cards and presets: their numbers, their cells, and what is refused."""

import copy
import tomllib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.cli import build_parser
from repro.errors import UnknownName
from repro.simulation.card import card_text, load_card, parse_card
from repro.simulation.presets import PROCESSES, find_preset, load_presets

CARDS = ("atlas_delphes_3_3_2", "atlas_delphes_3_5")
GRIDS = [(card, grid) for card in CARDS for grid in load_card(card).grids]
ECAL, HCAL = load_card(CARDS[0]).calorimeters


@pytest.mark.parametrize(("card", "name"), GRIDS)
@given(eta=st.floats(-5.2, 5.2), phi=st.floats(-np.pi, np.pi))
@example(eta=0.0, phi=np.pi)
@example(eta=2.5, phi=-np.pi)
@example(eta=-4.9, phi=0.0)
def test_a_place_is_in_the_box_of_its_cell(card, name, eta, phi):
    grid = load_card(card).grids[name]
    cell = grid.cell_of(np.array([eta]), np.array([phi]))
    if not grid.edges[0] < eta <= grid.edges[-1]:
        assert cell[0] == -1
        return
    low_eta, eta_width, low_phi, phi_width = (part[0] for part in grid.box_of(cell))
    assert low_eta < eta <= low_eta + eta_width + 1e-12
    assert low_phi - 1e-12 <= phi <= low_phi + phi_width + 1e-12


@pytest.mark.parametrize(("card", "name"), GRIDS)
def test_cells_tile_the_plane(card, name):
    grid = load_card(card).grids[name]
    cells = np.arange(grid.first[-1])
    low_eta, eta_width, low_phi, phi_width = grid.box_of(cells)
    centre = grid.cell_of(low_eta + eta_width / 2, low_phi + phi_width / 2)
    np.testing.assert_array_equal(centre, cells)
    area = 2 * np.pi * (grid.edges[-1] - grid.edges[0])
    assert (eta_width * phi_width).sum() == pytest.approx(area)
    assert (eta_width > 0).all()


def test_cells_of_the_towers():
    """0.1 x 10 degrees in the tracker's range, both calorimeters alike; 20 degrees beyond."""
    assert ECAL.grid == HCAL.grid == "towers"
    grid = load_card(CARDS[0]).grids["towers"]
    central = (grid.edges[1:] <= 2.5 + 1e-9) & (grid.edges[:-1] >= -2.5 - 1e-9)
    np.testing.assert_allclose(np.diff(grid.edges)[central], 0.1)
    assert central.sum() == 50
    assert (grid.phi_cells[central] == 36).all()
    assert set(grid.phi_cells[~central]) == {18, 36}
    assert {2.5, 2.6, 3.3, 4.9} <= set(grid.edges)
    assert (grid.edges[0], grid.edges[-1]) == (-4.9, 4.9)
    np.testing.assert_allclose(grid.edges, -grid.edges[::-1], atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "eta", "pt", "expected"),
    [
        ("hadron", 0.0, 0.1, 0.0),
        ("hadron", 0.0, 0.11, 0.70),
        ("hadron", -1.5, 1.0, 0.70),
        ("hadron", 1.51, 1.0, 0.60),
        ("hadron", -1.5, 1.01, 0.95),
        ("hadron", 2.5, 500.0, 0.85),
        ("hadron", 2.51, 500.0, 0.0),
        ("electron", 0.0, 1.0, 0.73),
        ("electron", 2.0, 1.0, 0.50),
        ("electron", 0.0, 100.0, 0.95),
        ("electron", 2.0, 100.0, 0.83),
        ("electron", 0.0, 101.0, 0.99),
        ("electron", -2.0, 101.0, 0.90),
        ("muon", 0.0, 0.1, 0.0),
        ("muon", 0.0, 0.5, 0.75),
        ("muon", 2.0, 0.5, 0.70),
        ("muon", 0.0, 5.0, 0.99),
        ("muon", 2.0, 5.0, 0.98),
    ],
)
def test_track_efficiency(kind, eta, pt, expected):
    efficiency = load_card(CARDS[0]).tracking[kind].efficiency
    assert efficiency.at(np.array([eta]), np.array([pt]))[0] == expected


@pytest.mark.parametrize(
    ("kind", "eta", "constant", "linear"),
    [
        ("hadron", 0.5, 0.06, 1.3e-3),
        ("hadron", -1.5, 0.10, 1.7e-3),
        ("electron", 1.51, 0.25, 3.1e-3),
        ("muon", 0.0, 0.02, 2e-4),
        ("muon", -0.51, 0.03, 3e-4),
        ("muon", 2.5, 0.06, 6e-4),
    ],
)
def test_track_resolution(kind, eta, constant, linear):
    resolution = load_card(CARDS[0]).tracking[kind].resolution
    found = resolution.of_track(np.array([eta] * 2), np.array([1e-9, 1e6]))
    np.testing.assert_allclose(found, [constant, linear * 1e6], rtol=1e-3)


@pytest.mark.parametrize(
    ("calorimeter", "eta", "constant", "stochastic", "noise"),
    [
        (ECAL, 0.0, 0.0017, 0.101, 0.0),
        (ECAL, -3.15, 0.0017, 0.101, 0.0),
        (HCAL, 1.65, 0.0302, 0.5205, 1.59),
        (HCAL, -1.75, 0.05, 0.706, 0.0),
        (HCAL, 3.1, 0.05, 0.706, 0.0),
    ],
)
def test_energy_resolution(calorimeter, eta, constant, stochastic, noise):
    for energy in (0.0, 1.0, 100.0):
        found = calorimeter.resolution.of_energy(np.array([eta]), np.array([energy]))
        expected = np.sqrt((constant * energy) ** 2 + stochastic**2 * energy + noise**2)
        assert found[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("pdg", "ecal", "hcal"),
    [
        *[(11, 1, 0), (-11, 1, 0), (22, 1, 0), (13, 0, 0), (-14, 0, 0), (16, 0, 0), (12, 0, 0)],
        *[(310, 0.3, 0.7), (-3122, 0.3, 0.7)],
        *[(211, 0, 1), (-2212, 0, 1), (130, 0, 1), (2112, 0, 1)],
    ],
)
def test_energy_fractions(pdg, ecal, hcal):
    for card in CARDS:
        fractions = [c.fraction_of(np.array([pdg]))[0] for c in load_card(card).calorimeters]
        assert fractions == [ecal, hcal]


def test_other_numbers_of_the_card():
    card = load_card(CARDS[0])
    assert (card.field.strength, card.field.radius, card.field.half_length) == (2.0, 1.15, 3.51)
    assert card.smearing == "gaussian"
    assert [(c.name, c.threshold, c.significance) for c in card.calorimeters] == [
        ("ecal", 0.5, 1.0),
        ("hcal", 1.0, 1.0),
    ]
    assert {c.energy_flow for c in card.calorimeters} == {"replace"}


def test_unknown_names():
    for find in (load_card, card_text):
        with pytest.raises(UnknownName, match="atlas_delphes_3_3_2, atlas_delphes_3_5"):
            find("cms")
        with pytest.raises(UnknownName):
            find("../presets")
    with pytest.raises(UnknownName, match="matched, documented"):
        find_preset("default")


def change(**changes):
    """The first card with a part changed: a dotted path to each value."""
    data = copy.deepcopy(tomllib.loads(card_text(CARDS[0])))
    for path, value in changes.items():
        *way, last = path.split("__")
        part = data
        for step in way:
            part = part[int(step) if step.isdigit() else step]
        part[last] = value
    return data


def test_a_gap_in_a_grid_is_refused():
    segments = [{"edges": [-1.0, 0.0], "phi_cells": 4}, {"edges": [0.1, 1.0], "phi_cells": 4}]
    with pytest.raises(ValueError, match=r"towers.*0\.1"):
        parse_card(change(grid__0__segments=segments))
    segments[1]["edges"] = [0.0, 1.0]
    assert parse_card(change(grid__0__segments=segments)).grids["towers"].first[-1] == 8


@pytest.mark.parametrize("path", ["tracking__smearing", "calorimeter__1__energy_flow"])
def test_unknown_methods_are_refused(path):
    with pytest.raises(ValueError, match="unknown smearing or energy flow"):
        parse_card(change(**{path: "magic"}))


def test_presets():
    presets = load_presets()
    assert presets["matched"].leading_jets == 2
    assert presets["documented"].leading_jets == 1
    assert "6:m0 = 171." in presets["matched"].settings["top"]
    assert "PartonLevel:MPI = off" in presets["documented"].settings["qcd"]
    for preset in presets.values():
        assert set(preset.settings) == set(PROCESSES)
        assert "HardQCD:all = on" in preset.settings["qcd"]
        assert "HardQCD:all = on" not in preset.settings["top"]
        benchmark = preset.benchmark
        assert (benchmark.radius, benchmark.pt, benchmark.max_abs_eta) == (0.8, (550, 650), 2)
        assert benchmark.prefilter_min_pt < min(benchmark.pt)
        assert benchmark.prefilter_max_abs_eta > benchmark.max_abs_eta
        assert load_card(preset.card).name == preset.card


def test_the_command_offers_all_presets():
    parser = build_parser()
    for name in load_presets():
        line = ["simulate", "toptag", "--jets", "1", "--out", "a.h5", "--preset", name]
        assert parser.parse_args(line).preset == name
    from repro.cli.simulate import _PAPERS

    assert tuple(load_presets()) == _PAPERS["toptag"].presets
