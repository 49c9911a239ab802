"""Productions: chunks that are kept, made by anyone, and put together to the same bytes.

Most tests make toy chunks in this process; a few run everything, for jets as few as 30.
"""

import contextlib
import importlib
import json
import multiprocessing
import subprocess
import sys
from unittest import mock

import filelock
import h5py
import numpy as np
import pandas as pd
import pytest
import worker_tasks

from repro.cli import main
from repro.data.jets import Jets
from repro.data.tables import read_jets
from repro.errors import BadInput, NotAvailable, UnknownName
from repro.simulation import chunked, extras
from repro.simulation import production as module
from repro.simulation.chunk import Task, make_chunk, read_chunk, write_chunk
from repro.simulation.production import Production, merge, simulate

CHUNK = 20


def no_progress(tasks, _total, _made):
    return tasks


def toy_chunk(task):
    """Jets that follow from the task alone."""
    rng = np.random.default_rng([task.seed, task.number, task.jets])
    counts = rng.integers(0, 9, task.jets)
    four_momenta = rng.random((task.jets, 8, 4), np.float32) + 1
    four_momenta[np.arange(8) >= counts[:, None]] = 0
    labels = rng.permutation(np.arange(task.jets) % 2)
    truth = rng.random((task.jets, 4), np.float32) * labels[:, None].astype(np.float32)
    return Jets(four_momenta, labels, truth, np.full(task.jets, 2))


@pytest.fixture
def made(monkeypatch):
    """Small toy chunks, made in this process; gives the tasks in the order they were made."""
    done = []

    def make(task):
        done.append(task)
        return toy_chunk(task)

    def run(function, tasks, _jobs):
        for task in tasks:
            function(task)
            yield task

    monkeypatch.setattr(module, "CHUNK_JETS", CHUNK)
    monkeypatch.setattr(module, "make_chunk", make)
    monkeypatch.setattr(chunked, "run_tasks", run)
    monkeypatch.setattr(module, "versions", lambda: {"pythia8mc": "8", "fastjet": "3"})
    return done


def produce(path, *, jets=50, seed=1, preset="matched", chunks=None, progress=no_progress):
    production = Production(preset, seed, jets, path)
    return production, simulate(production, 1, progress, chunks)


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_tasks_are_chunks_and_a_rest():
    tasks = Production("matched", 3, 1200, "any.h5").tasks
    assert [task.number for task in tasks] == [0, 1, 2]
    assert [task.jets for task in tasks] == [500, 500, 200]
    assert [task.per_class for task in tasks] == [(250, 250), (250, 250), (100, 100)]
    # What was made for a smaller production serves a larger one.
    assert Production("matched", 3, 1000, "any.h5").tasks == tasks[:2]


def test_file_holds_all_jets_in_order(made, tmp_path):
    production, complete = produce(tmp_path / "jets.h5")
    assert complete
    assert [task.jets for task in made] == [20, 20, 10]
    jets = read_jets(tmp_path / "jets.h5")
    expected = [toy_chunk(task) for task in production.tasks]
    for name in ("four_momenta", "labels", "truth", "split"):
        whole = np.concatenate([getattr(one, name) for one in expected])
        np.testing.assert_array_equal(getattr(jets, name), whole)
    assert names_in(tmp_path) == {"jets.h5"}


@pytest.mark.usefixtures("made")
def test_file_says_how_it_was_made(tmp_path):
    produce(tmp_path / "jets.h5", seed=4)
    with h5py.File(tmp_path / "jets.h5") as file:
        recipe = json.loads(file.attrs["repro"])
    assert (recipe["preset"], recipe["seed"], recipe["jets"]) == ("matched", 4, 50)
    assert {"repro", "pythia8mc", "fastjet"} <= set(recipe["versions"])


def test_interrupted_production_goes_on(made, tmp_path):
    whole = tmp_path / "whole.h5"
    produce(whole)
    made.clear()

    def interrupt(tasks, _total, _done):
        for count, task in enumerate(tasks, start=1):
            yield task
            if count == 2:
                raise KeyboardInterrupt

    path = tmp_path / "jets.h5"
    with pytest.raises(KeyboardInterrupt):
        produce(path, progress=interrupt)
    assert names_in(tmp_path) == {"whole.h5", "jets.h5.parts"}
    assert len(list((tmp_path / "jets.h5.parts").glob("*.npz"))) == 2
    seen = {}

    def observe(tasks, total, done):
        seen.update(total=total, done=done)
        return tasks

    produce(path, progress=observe)
    assert seen == {"total": 50, "done": 40}
    assert [task.number for task in made] == [0, 1, 2]  # each of them once
    assert path.read_bytes() == whole.read_bytes()
    assert names_in(tmp_path) == {"whole.h5", "jets.h5"}


def test_chunks_made_apart_are_put_together(made, tmp_path):
    produce(tmp_path / "whole.h5", jets=90)
    path = tmp_path / "jets.h5"
    for chunks in (range(3, 5), range(2)):
        _, complete = produce(path, jets=90, chunks=chunks)
        assert not complete
        assert not path.exists()
    made.clear()
    produce(path, jets=90)
    assert [task.number for task in made] == [2]
    assert path.read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_chunks_of_a_smaller_production_are_used_in_a_larger_one(made, tmp_path):
    path = tmp_path / "jets.h5"
    produce(path, jets=50, chunks=range(3))
    made.clear()
    produce(path, jets=90)
    # The rest of 10 jets is no chunk of 20.
    assert [task.number for task in made] == [2, 3, 4]
    np.testing.assert_array_equal(
        read_jets(path).four_momenta[40:60], toy_chunk(Task("matched", 1, 2, 20)).four_momenta
    )


@pytest.mark.parametrize("change", [{"seed": 2}, {"preset": "documented"}])
def test_chunks_of_other_jets_are_refused(made, tmp_path, change):
    path = tmp_path / "jets.h5"
    produce(path, chunks=[0])
    with pytest.raises(BadInput, match="holds jets of another preset, seed or version"):
        produce(path, **change)
    assert len(made) == 1


@pytest.mark.usefixtures("made")
def test_chunks_of_another_version_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "jets.h5"
    produce(path, chunks=[0])
    monkeypatch.setattr(module, "versions", lambda: {"pythia8mc": "9", "fastjet": "3"})
    with pytest.raises(BadInput, match="version"):
        produce(path)


@pytest.mark.usefixtures("made")
def test_chunks_of_other_settings_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "jets.h5"
    produce(path, chunks=[0])
    monkeypatch.setattr("repro.simulation.presets.card_text", lambda _: "another card")
    with pytest.raises(BadInput, match="holds jets of another"):
        produce(path)


def test_a_file_is_not_overwritten(made, tmp_path):
    path = tmp_path / "jets.h5"
    path.write_text("dear to someone")
    with pytest.raises(BadInput, match="is there already"):
        produce(path)
    assert path.read_text() == "dear to someone"
    assert made == []


@pytest.mark.usefixtures("made")
def test_two_runs_do_not_make_one_file(tmp_path):
    path = tmp_path / "jets.h5"
    production, _ = produce(path, chunks=range(1))
    with (
        filelock.FileLock(production.parts / "run.lock"),
        pytest.raises(BadInput, match=r"another run makes .*: wait for it") as caught,
    ):
        produce(path)
    assert "\n" not in str(caught.value)
    assert produce(path)[1]
    assert names_in(tmp_path) == {"jets.h5"}


def test_many_that_begin_at_once_do_not_refuse_each_other(tmp_path):
    """As the jobs of a cluster do, each of which makes other chunks."""
    several = multiprocessing.get_context("spawn")
    barrier, said = several.Barrier(4, timeout=60), several.SimpleQueue()
    given = (str(tmp_path), 150, barrier, said)
    processes = [
        several.Process(target=worker_tasks.begin_productions, args=given) for _ in range(4)
    ]
    for process in processes:
        process.start()
    wrong = [text for _ in processes for text in said.get()]
    for process in processes:
        process.join()
    assert wrong == []


@pytest.mark.usefixtures("made")
def test_one_that_begins_late_finds_what_another_began_meanwhile(tmp_path, monkeypatch):
    """The other one's recipe and chunk appear after it was looked whether a recipe is there."""
    path = tmp_path / "jets.h5"
    look = chunked._strangers

    def look_late(parts):
        monkeypatch.setattr(chunked, "_strangers", look)
        produce(path, chunks=range(1))
        return look(parts)

    monkeypatch.setattr(chunked, "_strangers", look_late)
    assert produce(path, chunks=range(1, 2))[1] is False
    assert len(list((tmp_path / "jets.h5.parts").glob("*.npz"))) == 2


@pytest.mark.usefixtures("made")
def test_an_unreadable_recipe_is_another_one(tmp_path):
    production, _ = produce(tmp_path / "jets.h5", chunks=range(1))
    (production.parts / "recipe.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="another preset, seed or version"):
        produce(tmp_path / "jets.h5")


@pytest.mark.usefixtures("made")
def test_what_killed_processes_left_is_removed(tmp_path):
    production, _ = produce(tmp_path / "jets.h5", chunks=range(1))
    (production.parts / ".000001-20.npz.ab12cd").write_bytes(b"half")
    produce(tmp_path / "jets.h5")
    assert names_in(tmp_path) == {"jets.h5"}


@pytest.mark.usefixtures("made")
def test_what_others_put_into_the_folder_is_not_removed(tmp_path):
    other = tmp_path / "jets.h5.parts" / "thesis.tex"
    other.parent.mkdir()
    other.write_text("dear to someone")
    with contextlib.suppress(BadInput):  # to refuse is as good
        produce(tmp_path / "jets.h5")
    assert other.read_text() == "dear to someone"


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"no chunk",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-10],
        lambda content: content.replace(b"counts", b"county"),
        lambda content: content[:1000] + bytes(100) + content[1100:],
    ],
)
@pytest.mark.usefixtures("made")
def test_damaged_chunks_are_named(tmp_path, damage):
    path = tmp_path / "jets.h5"
    production, _ = produce(path, chunks=range(3))
    part = production.part(production.tasks[1])
    part.write_bytes(damage(part.read_bytes()))
    with pytest.raises(BadInput, match=r"000001-20\.npz is damaged: delete it") as caught:
        produce(path)
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == {"jets.h5.parts"}
    part.unlink()
    produce(path)
    assert len(read_jets(path).labels) == 50


@pytest.mark.usefixtures("made")
def test_a_chunk_of_another_size_is_damaged(tmp_path):
    production, _ = produce(tmp_path / "jets.h5", chunks=range(3))
    write_chunk(production.part(production.tasks[1]), toy_chunk(Task("matched", 1, 1, 19)))
    with pytest.raises(BadInput, match="is damaged"):
        merge(production)


def test_chunks_are_read_as_they_were_written(tmp_path):
    jets = toy_chunk(Task("matched", 1, 0, 30))
    write_chunk(tmp_path / "a.npz", jets)
    found = read_chunk(tmp_path / "a.npz")
    for name in ("four_momenta", "labels", "truth", "split"):
        assert getattr(found, name).tobytes() == getattr(jets, name).tobytes()
        assert getattr(found, name).dtype == getattr(jets, name).dtype
    assert (found.four_momenta[:, :, 0] == 0).any()


def test_a_folder_that_cannot_be_written(made, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot write"):
        produce(tmp_path / "file" / "jets.h5")
    assert made == []


@pytest.mark.parametrize(
    ("change", "message"), [({"jets": 0}, "--jets 0"), ({"seed": -1}, "--seed -1")]
)
def test_numbers_that_make_no_sense(tmp_path, change, message):
    with pytest.raises(BadInput, match=message):
        produce(tmp_path / "jets.h5", **change)
    with pytest.raises(UnknownName, match="matched, documented"):
        Production("other", 1, 1, tmp_path / "jets.h5")


@pytest.mark.parametrize("missing", ["pythia8mc", "fastjet"])
def test_without_the_extra(monkeypatch, tmp_path, capsys, missing):
    real = importlib.import_module

    def import_module(name, *rest):
        if name == missing:
            raise ImportError(name)
        if name in ("pythia8mc", "fastjet", "awkward"):
            return mock.MagicMock()
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", import_module)
    # What was loaded before does not count.
    monkeypatch.setattr(extras, "load_fastjet", extras.load_fastjet.__wrapped__)
    with pytest.raises(NotAvailable):
        produce(tmp_path / "jets.h5")
    assert main(["simulate", "toptag", "--jets", "9", "--out", str(tmp_path / "jets.h5")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert missing in line
    assert "pip install 'repro[simulate]'" in line
    assert names_in(tmp_path) == set()


def run(*arguments):
    command = [sys.executable, "-m", "repro", "simulate", "toptag", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jets", "0"], "--jets"),
        (["--jets", "many"], "many"),
        (["--jets", "2000", "--chunks", "3:2"], "0 <= A < B <= 4"),
        (["--jets", "2000", "--chunks", "0:5"], "0 <= A < B <= 4"),
        (["--jets", "2000", "--chunks", "two"], "--chunks two"),
        (["--jets", "9", "--preset", "best"], "matched"),
        (["--jets", "9", "--jobs", "0"], "--jobs"),
        (["--jets", "9", "--seed", "-4"], "--seed"),
    ],
)
def test_command_refuses_in_one_line(tmp_path, arguments, message):
    done = run("--out", tmp_path / "jets.h5", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert message in line
    assert names_in(tmp_path) == set()


def test_command_refuses_a_place_that_cannot_be_written(tmp_path):
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    (tmp_path / "file").write_text("")
    done = run("--jets", 9, "--out", tmp_path / "file" / "jets.h5")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "cannot write" in line


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A chunk of 20 jets and one of 10, by one process and by two."""
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    folder = tmp_path_factory.mktemp("simulated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_JETS", CHUNK)
        for jobs in (1, 2):
            production = Production("matched", 3, 30, folder / f"{jobs}.h5")
            assert simulate(production, jobs, no_progress)
    return folder


def test_number_of_processes_changes_no_byte(simulated):
    assert (simulated / "1.h5").read_bytes() == (simulated / "2.h5").read_bytes()
    assert names_in(simulated) == {"1.h5", "2.h5"}


def test_a_chunk_is_the_same_whatever_was_made_before(simulated):
    """Also in this process, after another chunk, it is the file's second one."""
    make_chunk(Task("matched", 8, 0, 1))
    chunk, jets = make_chunk(Task("matched", 3, 1, 10)), read_jets(simulated / "1.h5")
    np.testing.assert_array_equal(chunk.four_momenta, jets.four_momenta[20:])
    np.testing.assert_array_equal(chunk.truth, jets.truth[20:])
    np.testing.assert_array_equal(chunk.labels, jets.labels[20:])


def test_pandas_reads_the_same(simulated):
    jets, frame = read_jets(simulated / "1.h5"), pd.read_hdf(simulated / "1.h5", "table")
    assert frame.shape == (30, 806)
    momenta = frame.iloc[:, :800].to_numpy(np.float32).reshape(30, 200, 4)
    np.testing.assert_array_equal(jets.four_momenta, momenta)
    np.testing.assert_array_equal(
        jets.truth, frame[["truthE", "truthPX", "truthPY", "truthPZ"]].to_numpy()
    )
    np.testing.assert_array_equal(jets.labels, frame["is_signal_new"])
    np.testing.assert_array_equal(jets.split, frame["ttv"])


def test_rows_are_those_of_the_benchmark(simulated):
    jets = read_jets(simulated / "1.h5")
    four_momenta = jets.four_momenta.astype(np.float64)
    energy, px, py, pz = np.moveaxis(four_momenta, 2, 0)
    pt = np.hypot(px, py)
    # By pt, then zeros.
    assert (np.diff(pt, axis=1) <= 0).all()
    np.testing.assert_array_equal(energy == 0, pt == 0)
    assert (four_momenta[energy == 0] == 0).all()
    assert ((energy > 0).sum(axis=1) > 5).all()
    # Massless to the last digit of float32.
    momentum = np.sqrt(px**2 + py**2 + pz**2)
    np.testing.assert_array_equal(energy.astype(np.float32), momentum.astype(np.float32))
    # The constituents alone make a jet of the benchmark.
    total = four_momenta.sum(axis=1)
    jet_pt = np.hypot(total[:, 1], total[:, 2])
    assert jet_pt.min() > 550 - 1e-3
    assert jet_pt.max() < 650 + 1e-3
    axis = np.arcsinh(total[:, 3] / jet_pt)
    assert np.abs(axis).max() < 2
    # All within the jet: nothing of the other jet or of the truth is among them.
    filled = pt > 0
    eta = np.arcsinh(np.divide(pz, pt, out=np.zeros_like(pt), where=filled))
    phi = np.arctan2(py, px) - np.arctan2(total[:, 2], total[:, 1])[:, None]
    distance = np.hypot(eta - axis[:, None], np.mod(phi + np.pi, 2 * np.pi) - np.pi)
    assert distance[filled].max() < 1.2


def test_labels_and_truth(simulated):
    jets = read_jets(simulated / "1.h5")
    top = jets.labels == 1
    assert (top[:20].sum(), top[20:].sum()) == (10, 5)
    assert np.diff(top).sum() > 5  # mixed, not one class after the other
    np.testing.assert_array_equal((jets.truth != 0).any(axis=1), top)
    energy, *momentum = jets.truth[top].astype(np.float64).T
    mass = np.sqrt(energy**2 - np.square(momentum).sum(axis=0))
    assert np.median(mass) == pytest.approx(171, abs=3)
    # The top lies in its jet, and is no constituent of it (quirk B1).
    total = jets.four_momenta[top].astype(np.float64).sum(axis=1)
    difference = np.arctan2(total[:, 2], total[:, 1]) - np.arctan2(momentum[1], momentum[0])
    assert np.abs(np.mod(difference + np.pi, 2 * np.pi) - np.pi).max() < 0.8
    assert not np.isin(jets.truth[top], jets.four_momenta[top]).any()
    assert (jets.split == 2).all()


def test_odd_numbers_have_one_more_qcd_jet():
    assert Task("matched", 1, 0, 7).per_class == (4, 3)
    assert Task("matched", 1, 0, 1).per_class == (1, 0)
