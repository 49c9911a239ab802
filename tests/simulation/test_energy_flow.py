"""Energy flow: what two algorithms make of one cell, against arithmetic by hand."""

import numpy as np
import pytest

from repro.simulation.card import load_card
from repro.simulation.energy_flow import FLOWS, Cells, CellTracks

CENTRAL, FORWARD = 0.05, 2.05


def flow_of(card, calorimeter, energies, tracks, *, eta=CENTRAL, sigma=None):
    """Give cells these energies and tracks (cell, energy, resolution).

    The resolution is that of the energy, unless another one is given.
    """
    ecal, hcal = load_card(card).calorimeters
    chosen = {"ecal": ecal, "hcal": hcal}[calorimeter]
    cell, energy, resolution = (np.array(part) for part in zip(*tracks, strict=True))
    energies = np.array(energies)
    centres = np.full(len(energies), eta)
    if sigma is None:
        sigma = chosen.resolution.of_energy(centres, energies)
    cells = Cells(energies, np.broadcast_to(sigma, energies.shape), centres)
    flow = FLOWS[chosen.energy_flow](chosen, CellTracks(cell, energy, resolution), cells)
    return flow.scale, flow.neutral


def sigma_hcal(energy):
    return np.sqrt((0.0302 * energy) ** 2 + 0.5205**2 * energy + 1.59**2)


def replace(energies, tracks, calorimeter="hcal", **options):
    return flow_of("atlas_delphes_3_3_2", calorimeter, energies, tracks, **options)


def combine(energies, tracks, calorimeter="hcal", **options):
    return flow_of("atlas_delphes_3_5", calorimeter, energies, tracks, **options)


def test_replace_keeps_well_measured_tracks_and_makes_a_neutral_of_the_excess():
    scale, neutral = replace([30.0, 21.0], [(0, 20.0, 0.06), (1, 20.0, 0.06)])
    np.testing.assert_array_equal(scale, [1, 1])
    # 1 GeV is less than its own resolution.
    np.testing.assert_allclose(neutral, [10, 0])


def test_replace_scales_badly_measured_tracks_to_what_is_left():
    tracks = [(0, 200.0, 0.27), (0, 100.0, 0.15), (0, 20.0, 0.06)]
    scale, neutral = replace([260.0], tracks)
    np.testing.assert_allclose(scale, [240 / 300, 240 / 300, 1])
    np.testing.assert_array_equal(neutral, [0])


def test_replace_leaves_nothing_of_replaced_tracks_in_an_overdrawn_cell():
    scale, neutral = replace([50.0], [(0, 100.0, 0.15), (0, 40.0, 0.06), (0, 20.0, 0.06)])
    np.testing.assert_array_equal(scale, [0, 1, 1])
    np.testing.assert_array_equal(neutral, [0])


def test_replace_compares_the_resolutions_at_the_energy_of_the_track():
    own = sigma_hcal(60.0) / 60.0
    tracks = [(0, 60.0, own * 1.001), (1, 60.0, own * 0.999)]
    scale, _ = replace([70.0, 70.0], tracks)
    np.testing.assert_allclose(scale, [70 / 60, 1])


def test_replace_has_no_threshold_for_tracks_that_it_scales():
    scale, neutral = replace([51.0], [(0, 100.0, 0.15), (0, 50.0, 0.06)])
    np.testing.assert_allclose(scale, [0.01, 1])
    np.testing.assert_array_equal(neutral, [0])


def test_combine_makes_a_neutral_of_a_significant_excess():
    scale, neutral = combine([90.0], [(0, 50.0, 0.08)])
    np.testing.assert_array_equal(scale, [1])
    np.testing.assert_allclose(neutral, [40])


@pytest.mark.parametrize("energy", [54.0, 46.0, 20.0])
def test_combine_scales_tracks_to_the_weighted_mean(energy):
    tracks = [(0, 30.0, 0.08), (0, 20.0, 0.07)]
    scale, neutral = combine([energy], tracks)
    weights = 1 / ((30 * 0.08) ** 2 + (20 * 0.07) ** 2), 1 / sigma_hcal(energy) ** 2
    best = np.average([50.0, energy], weights=weights)
    np.testing.assert_allclose(scale, [best / 50] * 2)
    np.testing.assert_array_equal(neutral, [0])


def test_combine_wants_an_excess_of_two_standard_deviations():
    def excess(significance):
        variance = (50 * 0.08) ** 2
        energy = 50.0
        for _ in range(100):
            energy = 50 + significance * np.sqrt(variance + sigma_hcal(energy) ** 2)
        return energy

    _, neutral = combine([excess(1.99), excess(2.01)], [(0, 50.0, 0.08), (1, 50.0, 0.08)])
    assert neutral[0] == 0
    assert neutral[1] == pytest.approx(excess(2.01) - 50)


def test_combine_gives_a_cell_below_the_threshold_the_weight_of_what_it_measured():
    """Its energy counts as 0; its resolution is that of the energy before the cut."""
    track, sigma = (0, 1.5, 0.25), 0.9
    scale, neutral = combine([0.0], [track], eta=FORWARD, sigma=sigma)
    weights = 1 / (1.5 * 0.25) ** 2, 1 / sigma**2
    np.testing.assert_allclose(scale, [np.average([1.5, 0.0], weights=weights) / 1.5])
    np.testing.assert_array_equal(neutral, [0])


@pytest.mark.parametrize("calorimeter", ["ecal", "hcal"])
def test_combine_keeps_tracks_where_the_calorimeter_measured_nothing(calorimeter):
    """A cell without a resolution has no weight."""
    scale, neutral = combine([0.0], [(0, 0.4, 0.03)], calorimeter, eta=CENTRAL, sigma=0.0)
    np.testing.assert_array_equal(scale, [1])
    np.testing.assert_array_equal(neutral, [0])
