"""Jets of the preset ``matched``: symmetries and spectra that any right simulation has."""

import numpy as np
import pytest
from generators import generator
from scipy.stats import kstest

pytest.importorskip("fastjet")

from repro.features.samples import real_jet_pt
from repro.simulation.chunk import Task, _make_class
from repro.simulation.particles import wrap_angle
from repro.simulation.presets import find_preset

UNLIKELY = 1e-3
JETS = 400

pytestmark = pytest.mark.slow


def make(process):
    generator(process)  # or skips
    task = Task("matched", 77, 0, 2 * JETS)
    return _make_class(find_preset("matched"), process, task, JETS)


@pytest.fixture(scope="module")
def qcd():
    return make("qcd")


@pytest.fixture(scope="module")
def top():
    return make("top")


@pytest.fixture(params=["qcd", "top"])
def jets(request):
    return request.getfixturevalue(request.param)


def axes(jets):
    """pt, eta, phi and mass of the sums of constituents."""
    energy, px, py, pz = jets.four_momenta.astype(np.float64).sum(axis=1).T
    pt = np.hypot(px, py)
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))
    return pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass


def constituents_of(jets):
    return (jets.four_momenta[:, :, 0] > 0).sum(axis=1)


def test_azimuth_is_uniform(jets):
    _, _, phi, _ = axes(jets)
    assert kstest((phi + np.pi) / (2 * np.pi), "uniform").pvalue > UNLIKELY


def test_pseudorapidity_is_symmetric(jets):
    _, eta, _, _ = axes(jets)
    assert abs((eta > 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(JETS)
    assert abs(eta.mean()) < 4 * eta.std() / np.sqrt(JETS)
    assert 1 < np.abs(eta).max() < 2


def test_spectrum_is_the_real_one(jets, fetch):
    """As many jets below 600 GeV as of the real ones, within four standard deviations."""
    real_pt, labels = real_jet_pt(fetch)
    real = (real_pt[labels == jets.labels[0]] < 600).mean()
    pt, _, _, _ = axes(jets)
    assert abs((pt < 600).mean() - real) < 4 * np.sqrt(real * (1 - real) / JETS)
    assert 550 < pt.min() < pt.max() < 650


def test_top_jets_have_the_mass_of_the_top(top):
    _, _, _, mass = axes(top)
    counts, edges = np.histogram(mass, bins=np.arange(100, 260, 10))
    assert 160 <= edges[counts.argmax()] <= 175
    assert np.median(mass) == pytest.approx(172, abs=5)
    assert 0.4 < (np.abs(mass - 172) < 15).mean() < 0.85


def test_qcd_jets_have_no_such_mass(qcd):
    """Quantiles of the real jets, with what 400 jets allow."""
    _, _, _, mass = axes(qcd)
    assert np.median(mass) == pytest.approx(82, rel=0.15)
    assert (np.abs(mass - 172) < 15).mean() < 0.15


def test_numbers_of_constituents_are_those_of_the_real_jets(top, qcd):
    """54.5 and 43.1 in the data set; the real Delphes gives 53.7 and 42.9 with these settings."""
    for jets, expected in ((top, 53.7), (qcd, 42.9)):
        counts = constituents_of(jets)
        error = counts.std() / np.sqrt(JETS)
        assert counts.mean() == pytest.approx(expected, abs=4 * error + 0.5)


def test_a_top_jet_holds_its_top(top):
    _, px, py, pz = top.truth.astype(np.float64).T
    _, eta, phi, _ = axes(top)
    distance = np.hypot(
        np.arcsinh(pz / np.hypot(px, py)) - eta, wrap_angle(np.arctan2(py, px) - phi)
    )
    assert distance.max() < 0.8
    assert np.median(distance) < 0.1
    assert top.labels.min() == 1


def test_jets_of_different_events_differ(jets):
    leading = jets.four_momenta[:, 0, 0]
    assert np.unique(leading).size == JETS
