"""Productions of H→bb̄ and QCD jets: chunks from seeds alone, put together to the same bytes."""

import json
from unittest import mock

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured_toys import measured_toys

from repro.cli import main
from repro.data.hbb.derived import derive
from repro.data.hbb.measured import join_measured
from repro.data.hbb.measured_file import MeasuredTable
from repro.data.hbb.opening import open_table
from repro.errors import BadInput, UnknownName
from repro.simulation import chunked
from repro.simulation.chunked import simulate
from repro.simulation.hbb import production as module
from repro.simulation.hbb.chunk import HbbTask, make_chunk, read_chunk, shares, write_chunk
from repro.simulation.hbb.production import HbbProduction, pack
from repro.simulation.hbb.settings import Settings, load_settings

CHUNK = 20


def no_progress(tasks, _total, _made):
    return tasks


def toy_chunk(task):
    return measured_toys(task.jets, seed=100 * task.seed + task.number).rounded()


@pytest.fixture
def toys(monkeypatch):
    """Small toy chunks, made in this process."""

    def run(function, tasks, _jobs):
        for task in tasks:
            function(task)
            yield task

    monkeypatch.setattr(Settings, "chunk_jets", CHUNK)
    monkeypatch.setattr(module, "make_chunk", toy_chunk)
    monkeypatch.setattr(chunked, "run_tasks", run)
    monkeypatch.setattr(module, "versions", lambda: {"pythia8mc": "8", "fastjet": "3"})


def toys_of(production):
    return join_measured([toy_chunk(task) for task in production.tasks])


@given(jets=st.integers(0, 5000), weights=st.lists(st.integers(1, 99), min_size=1, max_size=20))
def test_shares_are_as_near_as_can_be(jets, weights):
    counts = shares(jets, weights)
    assert sum(counts) == jets
    exact = np.array(weights) * jets / sum(weights)
    assert (np.abs(counts - exact) < 1).all()


def test_a_full_chunk_has_the_shares_of_its_processes():
    sources = load_settings().sources
    for preset in load_settings().presets:
        weights = [source.shares[preset] for source in sources]
        assert shares(load_settings().chunk_jets, weights) == weights


def test_chunks_of_a_smaller_production_serve_a_larger_one():
    tasks = HbbProduction("window", 3, 1500, "any.h5").tasks
    assert [task.jets for task in tasks] == [600, 600, 300]
    assert HbbProduction("window", 3, 1200, "any.h5").tasks == tasks[:2]


@pytest.mark.parametrize(("seed", "jets"), [(0, 0), (-1, 5)])
def test_numbers_that_make_no_sense(seed, jets):
    with pytest.raises(BadInput, match="give"):
        HbbProduction("window", seed, jets, "any.h5")


@pytest.mark.usefixtures("toys")
def test_file_is_a_processed_file_with_all_jets_in_order(tmp_path):
    production = HbbProduction("window", 4, 50, tmp_path / "jets.h5")
    assert simulate(production, 1, no_progress)
    with open_table(production.path) as table:
        jets = table.read_jets()
        assert table.feature_sets == ("tracks", "vertices")
    expected = toys_of(production)
    for kind in ("tracks", "vertices", "spectators"):
        np.testing.assert_array_equal(getattr(jets, kind), derive(expected, kind))
    np.testing.assert_array_equal(jets.labels, expected.jets["is_higgs"])
    assert jets.unlabelled.any()
    assert {path.name for path in tmp_path.iterdir()} == {"jets.h5"}


@pytest.mark.usefixtures("toys")
def test_packed_file_has_the_same_features_bit_for_bit(tmp_path):
    plain = HbbProduction("window", 4, 50, tmp_path / "plain.h5")
    packed = HbbProduction("window", 4, 50, tmp_path / "packed.h5")
    simulate(plain, 1, no_progress)
    simulate(packed, 1, no_progress, finish=pack)
    with open_table(plain.path) as one, open_table(packed.path) as other:
        assert isinstance(other, MeasuredTable)
        first, second = one.read_jets(), other.read_jets()
        assert other.recipe["jets"] == 50
    for name in ("tracks", "vertices", "spectators", "labels", "unlabelled"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.usefixtures("toys")
def test_file_says_how_it_was_made(tmp_path):
    simulate(HbbProduction("window", 4, 30, tmp_path / "jets.h5"), 1, no_progress)
    with h5py.File(tmp_path / "jets.h5") as file:
        recipe = json.loads(file.attrs["repro"])
    assert (recipe["paper"], recipe["seed"], recipe["jets"]) == ("hbb", 4, 30)
    assert recipe["sources"] == [source.name for source in load_settings().sources]
    assert {"repro", "pythia8mc", "fastjet"} <= set(recipe["versions"])


@pytest.mark.usefixtures("toys")
def test_recipe_changes_with_everything_in_data_files():
    production = HbbProduction("window", 1, 10, "any.h5")
    recipe = production.recipe()
    assert recipe == HbbProduction("window", 1, 999, "other.h5").recipe()
    assert recipe != HbbProduction("record", 1, 10, "any.h5").recipe()
    for name in ("settings_text", "card_text"):
        with mock.patch.object(module, name, return_value="other"):
            assert production.recipe()["settings"] != recipe["settings"]


@pytest.mark.usefixtures("toys")
def test_chunks_of_another_seed_are_not_mixed_in(tmp_path):
    simulate(HbbProduction("window", 1, 50, tmp_path / "jets.h5"), 1, no_progress, [0])
    with pytest.raises(BadInput, match="another preset, seed or version"):
        simulate(HbbProduction("window", 2, 50, tmp_path / "jets.h5"), 1, no_progress)


def test_chunk_survives_its_file(tmp_path):
    jets = measured_toys(9, seed=1).rounded()
    write_chunk(tmp_path / "chunk.npz", jets)
    again = read_chunk(tmp_path / "chunk.npz")
    for kind in ("tracks", "vertices", "spectators"):
        np.testing.assert_array_equal(derive(again, kind), derive(jets, kind))
    data = (tmp_path / "chunk.npz").read_bytes()
    (tmp_path / "chunk.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput, match="delete it and run the same command again"):
        read_chunk(tmp_path / "chunk.npz")


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("packed", [[], ["--packed"]])
def test_command(tmp_path, monkeypatch, capsys, packed):
    monkeypatch.chdir(tmp_path)
    call = ["simulate", "hbb", "--jets", "50", "--seed", "3", "--out", "jets.h5", *packed]
    assert main([*call, "--chunks", "0:2"]) == 0
    assert capsys.readouterr().out == "jets.h5.parts\n"
    assert main(call) == 0
    assert capsys.readouterr().out == "jets.h5\n"
    with open_table("jets.h5") as table:
        assert len(table) == 50
        assert isinstance(table, MeasuredTable) == bool(packed)


@pytest.mark.parametrize(("paper", "preset"), [("hbb", "matched"), ("toptag", "record")])
def test_presets_are_of_one_paper(tmp_path, capsys, paper, preset):
    out = str(tmp_path / "jets.h5")
    assert main(["simulate", paper, "--jets", "5", "--out", out, "--preset", preset]) == 2
    assert f"--preset {preset} is not of {paper}: give" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_unknown_preset():
    with pytest.raises(UnknownName, match="choose from window, record"):
        HbbProduction("other", 1, 5, "any.h5")


# From here on, with a generator.


@pytest.fixture
def generators():
    for name in ("pythia8mc", "fastjet", "awkward"):
        pytest.importorskip(name)


@pytest.mark.slow
@pytest.mark.usefixtures("generators")
def test_chunk_follows_from_its_number_alone():
    task = HbbTask("window", 7, 0, 3)
    first = make_chunk(task)
    other = make_chunk(HbbTask("window", 7, 1, 3))
    again = make_chunk(task)
    assert len(first) == 3
    assert sorted(set(first.jets["source"])) == sorted(set(again.jets["source"]))
    for kind in ("jets", "tracks", "vertices"):
        for name, column in first.values(kind).items():
            np.testing.assert_array_equal(column, again.values(kind)[name])
    assert not np.array_equal(first.jets["pt"], other.jets["pt"])


@pytest.mark.slow
@pytest.mark.usefixtures("generators")
def test_same_bytes_from_one_and_two_processes(tmp_path, monkeypatch):
    # A chunk of so few jets is of a few processes only, which are quickly set up.
    monkeypatch.setattr(Settings, "chunk_jets", 3)
    made = []
    for jobs in (1, 2):
        production = HbbProduction("window", 5, 6, tmp_path / f"{jobs}.h5")
        simulate(production, jobs, no_progress, [0, 1])
        pack(production)  # all chunks are there
        packed = production.path.read_bytes()
        production.path.unlink()
        simulate(production, jobs, no_progress)
        made.append((packed, production.path.read_bytes()))
    assert made[0] == made[1]
