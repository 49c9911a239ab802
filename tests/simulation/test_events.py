"""Events of Pythia as arrays: the same for a seed, with the physics and units that they claim."""

import subprocess
import sys

import numpy as np
import pytest
from generators import generator

pytest.importorskip("pythia8mc")
pytest.importorskip("awkward")

from repro.errors import BadInput
from repro.simulation.events import NEUTRINOS, Generator
from repro.simulation.presets import find_preset
from repro.simulation.selection import find_tops

ARRAYS = ("offsets", "pdg", "status", "daughters", "momentum", "vertex", "charge")


@pytest.fixture(scope="module")
def tops():
    return generator("top").seed(11).generate(40)


@pytest.fixture(scope="module")
def qcd():
    return generator("qcd").seed(12).generate(20)


@pytest.fixture(params=["qcd", "top"])
def record(request):
    return request.getfixturevalue({"qcd": "qcd", "top": "tops"}[request.param])


def assert_same(first, second):
    for name in ARRAYS:
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes(), name


@pytest.mark.parametrize("process", ["qcd", "top"])
def test_same_seed_same_events_whatever_came_before(process):
    one = generator(process)
    first = one.seed(5).generate(4)
    other = one.seed(6).generate(7)
    assert_same(one.seed(5).generate(4), first)
    assert other.momentum[:100].tobytes() != first.momentum[:100].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("process", ["qcd", "top"])
def test_a_fresh_generator_gives_the_same_events_as_a_used_one(process):
    used = generator(process)
    used.seed(3).generate(300)
    fresh = Generator(find_preset("matched").settings[process])
    assert_same(used.seed(5).generate(20), fresh.seed(5).generate(20))


def test_shapes(record):
    entries = len(record.pdg)
    assert record.offsets[0] == 0
    assert record.offsets[-1] == entries
    assert (np.diff(record.offsets) > 0).all()
    shapes = {"daughters": (entries, 2), "momentum": (entries, 4), "vertex": (entries, 3)}
    for name in ARRAYS[1:]:
        assert getattr(record, name).shape == shapes.get(name, (entries,)), name
    np.testing.assert_array_equal(np.bincount(record.event), np.diff(record.offsets))


def test_final_particles_carry_the_momentum_and_charge_of_the_beams(record):
    final = record.status > 0
    total = np.zeros((len(record), 4))
    np.add.at(total, record.event[final], record.momentum[final])
    np.testing.assert_allclose(total, np.tile([14000.0, 0, 0, 0], (len(record), 1)), atol=0.1)
    charge = np.bincount(record.event[final], record.charge[final])
    np.testing.assert_allclose(charge, 2.0, atol=1e-9)


def test_neutrinos_are_left_out(tops):
    particles = tops.final_particles()
    final = tops.status > 0
    neutrino = np.isin(np.abs(tops.pdg), NEUTRINOS) & final
    assert neutrino.any()
    assert len(particles) == (final & ~neutrino).sum()
    assert not np.isin(np.abs(particles.pdg), NEUTRINOS).any()
    assert (np.diff(particles.event) >= 0).all()


def test_particles_of_some_events_keep_their_numbers(tops):
    chosen = np.zeros(len(tops), bool)
    chosen[[2, 30]] = True
    few, all_of_them = tops.final_particles(chosen), tops.final_particles()
    assert set(few.event) == {2, 30}
    expected = all_of_them[np.isin(all_of_them.event, [2, 30])]
    np.testing.assert_array_equal(few.energy, expected.energy)


def test_momentum_of_daughters_is_their_mothers(record):
    """Neutral pions have two or three daughters, one after another."""
    mothers = np.flatnonzero((record.pdg == 111) & (record.status < 0))
    assert len(mothers) > 500
    first, last = record.daughters[mothers].T
    assert (record.event[first] == record.event[mothers]).all()
    assert (record.event[last] == record.event[mothers]).all()
    running = np.concatenate([np.zeros((1, 4)), np.cumsum(record.momentum, axis=0)])
    np.testing.assert_allclose(
        running[last + 1] - running[first], record.momentum[mothers], atol=1e-4
    )


def test_final_particles_have_no_daughters(record):
    np.testing.assert_array_equal(record.daughters[record.status > 0], -1)


def test_vertices_are_in_metres(record):
    """Neutral kaons fly 2.68 cm times momentum over mass, on average."""
    kaons = np.flatnonzero((record.pdg == 310) & (record.status < 0))
    flight = record.vertex[record.daughters[kaons, 0]] - record.vertex[kaons]
    momentum = np.sqrt((record.momentum[kaons, 1:] ** 2).sum(axis=1))
    proper = np.sqrt((flight**2).sum(axis=1)) * 0.4976 / momentum
    assert proper.mean() == pytest.approx(0.0268, abs=4 * 0.0268 / np.sqrt(len(kaons)))


def mass(momentum):
    return np.sqrt(momentum[:, 0] ** 2 - (momentum[:, 1:] ** 2).sum(axis=1))


def test_two_tops_in_each_event_decay_to_three_quarks(tops):
    found, quarks = find_tops(tops)
    np.testing.assert_array_equal(np.bincount(tops.event[found]), np.full(40, 2))
    assert sorted(set(tops.pdg[found])) == [-6, 6]
    beside, first, second = tops.pdg[quarks].T
    # A top decays to a down-type quark of its own sign, nearly always a b.
    np.testing.assert_array_equal(np.sign(beside), np.sign(tops.pdg[found]))
    assert (np.abs(beside) == 5).mean() > 0.95
    assert {*np.abs(first), *np.abs(second)} <= {1, 2, 3, 4, 5}
    # No quark of a decay is that of another top.
    assert len(np.unique(quarks)) == quarks.size
    charge = tops.charge[quarks].sum(axis=1)
    np.testing.assert_allclose(charge, np.sign(tops.pdg[found]) * 2 / 3)


def test_masses_of_tops_and_ws(tops):
    found, quarks = find_tops(tops)
    # A width of 2.1 GeV (W) and 1.4 GeV (top): the median of 80 is known to 0.2 GeV.
    w = tops.momentum[quarks[:, 1]] + tops.momentum[quarks[:, 2]]
    assert np.median(mass(w)) == pytest.approx(80.4, abs=1)
    assert np.median(mass(tops.momentum[found])) == pytest.approx(171.0, abs=1)
    # The W may recoil against what the b radiates before it decays itself.
    sum_of_quarks = tops.momentum[quarks].sum(axis=1)
    assert np.median(mass(sum_of_quarks)) == pytest.approx(171.0, abs=3)
    assert np.quantile(np.abs(mass(sum_of_quarks) - 171), 0.4) < 10


def test_no_tops_in_qcd_events(qcd):
    found, quarks = find_tops(qcd)
    assert found.shape == (0,)
    assert quarks.shape == (0, 3)


@pytest.mark.parametrize("seed", [0, -1, 900_000_001])
def test_seeds_that_pythia_would_change_are_refused(seed):
    with pytest.raises(ValueError, match="outside 1 to"):
        generator("qcd").seed(seed)


@pytest.mark.parametrize("setting", ["HardQCD:everything = on", "no setting at all"])
def test_unknown_settings_are_one_line(setting):
    with pytest.raises(BadInput, match="correct the preset") as caught:
        Generator([setting])
    assert "\n" not in str(caught.value)
    assert setting in str(caught.value)


def test_a_preset_that_cannot_be_set_up_is_one_line():
    with pytest.raises(BadInput, match="cannot be set up"):
        Generator(["Beams:eCM = 14000.", "HardQCD:all = off"])


def test_nothing_is_printed_on_stdout():
    """Not even about what is wrong: stdout is for results."""
    code = (
        "from repro.errors import BadInput\n"
        "from repro.simulation.events import Generator\n"
        "from repro.simulation.presets import find_preset\n"
        "Generator(find_preset('documented').settings['qcd']).seed(1).generate(2)\n"
        "try: Generator(['HardQCD:everything = on'])\n"
        "except BadInput: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == ""
