"""Events of the H→bb̄ sample: what the generator's settings make."""

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("awkward")

from repro.simulation.hbb.chunk import _generator
from repro.simulation.hbb.settings import load_settings
from repro.simulation.hbb.truth import find_higgs

SOURCES = {source.name: number for number, source in enumerate(load_settings().sources)}
EVENTS = 15

pytestmark = pytest.mark.slow


def generate(name):
    return _generator(SOURCES[name]).seed(3).generate(EVENTS)


def mass(momentum):
    energy, *three = np.moveaxis(momentum, -1, 0)
    return np.sqrt(energy**2 - sum(part**2 for part in three))


@pytest.mark.parametrize("graviton", [600, 2000])
def test_narrow_gravitons_decay_to_two_higgs_bosons_and_four_b_quarks(graviton):
    record = generate(f"graviton {graviton}")
    bosons = find_higgs(record)
    assert np.bincount(record.event[bosons]).tolist() == [2] * EVENTS
    np.testing.assert_allclose(mass(record.momentum[bosons]), 125, atol=1)
    pairs = record.momentum[bosons].reshape(EVENTS, 2, 4).sum(axis=1)
    assert np.abs(mass(pairs) - graviton).max() < 30
    quarks = record.pdg[record.daughters[bosons]]
    assert (np.sort(quarks, axis=1) == [-5, 5]).all()


def test_dijets_are_in_their_bin_and_have_no_higgs_bosons():
    record = generate("dijets 600 to 800")
    assert len(find_higgs(record)) == 0
    hard = np.abs(record.status) == 23  # outgoing partons of the hard process
    pt = np.hypot(*record.momentum[hard, 1:3].T)
    assert len(pt) == 2 * EVENTS
    assert pt.min() > 599
    assert pt.max() < 801
    # Multiple interactions are on.
    assert (np.abs(record.status) == 33).sum() > EVENTS
