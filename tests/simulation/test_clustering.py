"""Jets of many events, against FastJet called event by event."""

import subprocess
import sys

import numpy as np
import pytest

fastjet = pytest.importorskip("fastjet")
pytest.importorskip("awkward")

from repro.simulation.clustering import find_jets  # noqa: E402

RADIUS, LEAST = 0.8, 20.0


@pytest.fixture(scope="module")
def batch():
    """Massive objects around a few directions in 40 events, of which some are empty."""
    rng = np.random.default_rng(8)
    counts = rng.integers(0, 120, 40)
    counts[[0, 7, 8, 39]] = 0
    event = np.repeat(np.arange(40), counts)
    n = len(event)
    axis = rng.integers(0, 3, n)
    eta = np.array([-1.0, 0.3, 1.5])[axis] + rng.normal(0, 0.3, n)
    phi = np.array([-2.9, 0.1, 3.0])[axis] + rng.normal(0, 0.3, n)
    pt = rng.exponential(8, n) + 0.1
    momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)
    energy = np.sqrt((momentum**2).sum(axis=1) + rng.uniform(0, 1, n))
    return event, np.column_stack([energy, momentum])


@pytest.fixture(scope="module")
def jets(batch):
    event, momentum = batch
    return find_jets(event, momentum, 40, RADIUS, LEAST)


def members_of(jets, jet):
    return jets.members[jets.offsets[jet] : jets.offsets[jet + 1]]


def test_same_jets_as_event_by_event(batch, jets):
    event, momentum = batch
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    expected = []
    for number in range(40):
        positions = np.flatnonzero(event == number)
        objects = []
        for position in positions:
            energy, px, py, pz = momentum[position].tolist()
            objects.append(fastjet.PseudoJet(px, py, pz, energy))
            objects[-1].set_user_index(int(position))
        if not objects:
            continue
        sequence = fastjet.ClusterSequence(objects, definition)
        for jet in fastjet.sorted_by_pt(sequence.inclusive_jets(LEAST)):
            p4 = [jet.e(), jet.px(), jet.py(), jet.pz()]
            members = sorted(one.user_index() for one in jet.constituents())
            expected.append((number, p4, members))
    assert len(jets) == len(expected) > 60
    for jet, (number, p4, members) in enumerate(expected):
        assert jets.event[jet] == number
        np.testing.assert_allclose(jets.momentum[jet], p4, rtol=1e-9, atol=1e-9)
        assert sorted(members_of(jets, jet)) == members


def test_a_jet_is_the_sum_of_its_members(batch, jets):
    _, momentum = batch
    for jet in range(len(jets)):
        total = momentum[members_of(jets, jet)].sum(axis=0)
        np.testing.assert_allclose(jets.momentum[jet], total, rtol=0, atol=1e-9 * total[0])


def test_members_belong_to_one_jet_of_their_own_event(batch, jets):
    event, _ = batch
    assert len(np.unique(jets.members)) == len(jets.members)
    owner = np.repeat(jets.event, np.diff(jets.offsets))
    np.testing.assert_array_equal(event[jets.members], owner)


def test_order_and_ranks(jets):
    for number in range(40):
        of_event = np.flatnonzero(jets.event == number)
        np.testing.assert_array_equal(jets.rank[of_event], np.arange(len(of_event)))
        assert (np.diff(jets.pt[of_event]) <= 0).all()
    assert (np.diff(jets.event) >= 0).all()
    assert jets.pt.min() >= LEAST


def test_axis(jets):
    eta, phi = jets.axis
    size = np.sqrt((jets.momentum[:, 1:] ** 2).sum(axis=1))
    np.testing.assert_allclose(np.tanh(eta), jets.momentum[:, 3] / size)
    np.testing.assert_allclose(jets.pt * np.cos(phi), jets.momentum[:, 1], atol=1e-9)


@pytest.mark.parametrize("events", [0, 3])
def test_no_objects(events):
    jets = find_jets(np.zeros(0, np.int64), np.zeros((0, 4)), events, RADIUS, LEAST)
    assert len(jets) == len(jets.pt) == len(jets.members) == 0
    np.testing.assert_array_equal(jets.offsets, [0])


def test_no_jet_is_hard_enough(batch):
    event, momentum = batch
    assert len(find_jets(event, momentum, 40, RADIUS, 1e6)) == 0


def test_nothing_is_printed():
    """FastJet greets once in a process: stdout is for results, and still works afterwards."""
    code = (
        "import numpy as np\n"
        "from repro.simulation.clustering import find_jets\n"
        "one = np.zeros(1, np.int64), np.array([[100.0, 100.0, 0.0, 0.0]])\n"
        "for _ in range(2): print(len(find_jets(*one, 1, 0.8, 20.0)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert (done.stdout, done.stderr) == ("1\n1\n", "")
