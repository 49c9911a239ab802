"""The prefilter saves time and loses nothing: jets of the benchmark without and with it."""

import numpy as np
import pytest
from generators import generator

pytest.importorskip("fastjet")

from repro.simulation.card import load_card
from repro.simulation.clustering import find_jets
from repro.simulation.detector import detect
from repro.simulation.particles import Particles
from repro.simulation.presets import find_preset
from repro.simulation.selection import _match, find_tops, pass_prefilter, select_jets

PRESET = find_preset("matched")
BATCHES, EVENTS = 5, 100


def events_with_jets(record, objects, process):
    """Events of the jets that would be kept."""
    momentum = np.stack([objects.energy, objects.px, objects.py, objects.pz], axis=1)
    benchmark = PRESET.benchmark
    low, high = benchmark.pt
    jets = find_jets(objects.event, momentum, len(record), benchmark.radius, low)
    eta, _ = jets.axis
    chosen = (jets.rank < PRESET.leading_jets) & (jets.pt < high)
    chosen &= np.abs(eta) < benchmark.max_abs_eta
    if process == "top":
        partons = np.column_stack(find_tops(record))
        chosen &= _match(jets, record, partons, benchmark.match_radius) >= 0
    kept = jets.event[chosen]
    # It is what the simulation itself would keep.
    expected = select_jets(record, objects, process, PRESET.leading_jets, benchmark)
    assert len(expected) == len(kept)
    return kept


@pytest.mark.slow
@pytest.mark.parametrize("process", ["qcd", "top"])
def test_events_with_a_jet_pass(process):
    """Some 100 jets or more of 500 events, and none of them is lost."""
    source, card = generator(process).seed(21), load_card(PRESET.card)
    rng = np.random.default_rng(22)
    kept = lost = stopped = 0
    for _ in range(BATCHES):
        record = source.generate(EVENTS)
        particles = record.final_particles()
        passed = pass_prefilter(particles, len(record), PRESET.benchmark)
        with_jets = events_with_jets(record, detect(particles, card, rng), process)
        kept += passed[with_jets].sum()
        lost += (~passed[with_jets]).sum()
        stopped += (~passed).sum()
    assert kept > 100
    assert lost == 0
    assert stopped > 0.1 * BATCHES * EVENTS  # else it is of no use


def test_events_that_fail_have_no_objects_and_the_others_keep_theirs():
    """What the prefilter stops never gets to the detector; numbers of events do not change."""
    record = generator("qcd").seed(23).generate(20)
    passed = pass_prefilter(record.final_particles(), len(record), PRESET.benchmark)
    assert 0 < passed.sum() < 20
    rng = np.random.default_rng(1)
    objects = detect(record.final_particles(passed), load_card(PRESET.card), rng)
    np.testing.assert_array_equal(np.unique(objects.event), np.flatnonzero(passed))


def test_one_hard_jet_is_enough_however_hard():
    """The detector can lose half of a jet's energy: none is too hard."""
    # Two jets of one particle each in five events: their pt.
    pt = np.array([[900, 600], [900, 300], [600, 300], [499, 300], [490, 480]], float).ravel()
    phi = np.tile([0.0, 2.5], 5)
    nothing = np.zeros(10)
    particles = Particles(
        np.repeat(np.arange(5), 2), np.full(10, 22), nothing,
        pt * np.cos(phi), pt * np.sin(phi), nothing, pt, nothing, nothing, nothing,
    )  # fmt: skip
    passed = pass_prefilter(particles, 5, PRESET.benchmark)
    np.testing.assert_array_equal(passed, [True, True, True, False, False])
