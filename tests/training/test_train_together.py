"""Several processes that train one network, as ``torchrun`` starts them, on one machine or two."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import safetensors.torch
import torch
from record_files import jets_of_a_class_by_chance, write_record
from trainings import write_jets

from repro.cli import main

JETS = 400
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    """A file with some of the shipped jets."""
    return write_jets(tmp_path_factory.mktemp("jets") / "jets.h5", JETS)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    """A file in the format of the record."""
    arrays = jets_of_a_class_by_chance(JETS)
    return write_record(tmp_path_factory.mktemp("tracks") / "newdata_0.h5", *arrays)


def arguments(data, out, model, *more):
    fixed = ["--device", "cpu", "-q", "--batch", "64", "--epochs", "2"]
    return ["train", model, "--data", str(data), "--out", str(out), *fixed, *map(str, more)]


def start(launcher, command, **variables):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.Popen(
        [*launcher, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def by_hand(ranks):
    """What ``torchrun`` tells its processes, for some who are started without it."""
    port = str(free_port())
    shared = {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(ranks)]


def finish(*processes):
    """Wait for processes; return their exit codes, outputs and errors."""
    said = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)]


def weights_of(out):
    return safetensors.torch.load_file(out / "weights.safetensors")


def loss_of(out):
    with (out / "history.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def assert_alike(one, other):
    """The two trainings have the same weights, and the same losses in all epochs."""
    first, second = weights_of(one), weights_of(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-3, atol=1e-4)
    losses = [loss_of(out) for out in (one, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize(
    ("model", "recipe"),
    [
        ("topodnn:v4", "published"),
        pytest.param("topodnn:v4", "embedded", marks=pytest.mark.long),
        pytest.param("pfn:v4", "embedded", marks=pytest.mark.long),
        pytest.param("augpfn:v4_aug", "embedded", marks=pytest.mark.long),
        pytest.param("pfin:sum", "embedded", marks=pytest.mark.long),
        pytest.param("in:pfeaturesdropped14_hidden16_De8_Do8", "embedded", marks=pytest.mark.long),
    ],
)
def test_two_processes_train_as_one_does(jets, tracks, tmp_path, model, recipe):
    data = tracks if model.startswith("in:") else jets
    more = ("--recipe", recipe)
    assert main(arguments(data, tmp_path / "one", model, *more)) == 0
    launcher = [*TORCHRUN, "--standalone", "--nproc-per-node", "2", "-m", "repro"]
    [(code, output, error)] = finish(
        start(launcher, arguments(data, tmp_path / "two", model, *more))
    )
    assert code == 0, error
    assert output.count("wrote") == 1
    assert_alike(tmp_path / "one", tmp_path / "two")


@pytest.mark.long
def test_two_machines_with_folders_of_their_own_train_as_one_does(jets, tmp_path):
    """The second has no part of the training in its folder, and goes on where the first stands."""
    model, port = "topodnn:v4", free_port()
    assert main(arguments(jets, tmp_path / "one", model, "--recipe", "published")) == 0
    machines = [tmp_path / "first", tmp_path / "second"]
    launcher = [*TORCHRUN, "--nnodes", "2", "--nproc-per-node", "1"]
    launcher += ["--master-addr", "127.0.0.1", "--master-port", str(port)]

    def run(*more):
        return finish(
            *(
                start(
                    [*launcher, "--node-rank", str(rank), "-m", "repro"],
                    arguments(jets, out, model, "--recipe", "published", *more),
                )
                for rank, out in enumerate(machines)
            )
        )

    assert [code for code, *_ in run()] == [0, 0]
    assert (machines[0] / "weights.safetensors").exists()
    assert not (machines[1] / "weights.safetensors").exists()
    assert_alike(tmp_path / "one", machines[0])
    # Once more: there is nothing left to do, as the first machine alone can tell.
    assert [code for code, *_ in run()] == [0, 0]


@pytest.mark.long
def test_processes_that_are_ended_go_on_to_the_same_weights(jets, tmp_path):
    more = ("mbns:OneLayer", "--recipe", "embedded", "--epochs", 150)
    launcher = [sys.executable, "-m", "repro"]

    def run(out):
        return [start(launcher, arguments(jets, out, *more), **told) for told in by_hand(2)]

    assert [code for code, *_ in finish(*run(tmp_path / "whole"))] == [0, 0]
    out = tmp_path / "ended"
    processes = run(out)
    history, deadline = out / "history.csv", time.monotonic() + 60
    while time.monotonic() < deadline and processes[0].poll() is None:
        if history.exists() and history.read_text().count("\n") > 3:
            break
        time.sleep(0.005)
    # One of them is told, and all of them stop after the same step.
    processes[1].send_signal(signal.SIGTERM)
    assert [code for code, *_ in finish(*processes)] == [130, 130]
    assert not (out / "weights.safetensors").exists()
    assert [code for code, *_ in finish(*run(out))] == [0, 0]
    one, other = (tmp_path / name / "weights.safetensors" for name in ("whole", "ended"))
    assert one.read_bytes() == other.read_bytes()


def test_processes_with_other_settings_are_one_line_each(jets, tmp_path):
    launcher = [sys.executable, "-m", "repro"]
    processes = [
        start(launcher, arguments(jets, tmp_path, "topodnn:v4", "--seed", rank), **told)
        for rank, told in enumerate(by_hand(2))
    ]
    (first, _, lost), (second, _, other) = finish(*processes)
    assert (first, second) == (2, 2)
    assert "process 1 trains with other settings than the first (seed): start all" in other
    assert "process 0 of 2 lost the others: see what they say" in lost
    assert lost.count("\n") == other.count("\n") == 1
    assert not (tmp_path / "weights.safetensors").exists()


def test_processes_that_are_announced_and_not_there_are_one_line(jets, tmp_path):
    command = arguments(jets, tmp_path / "run", "topodnn:v4")
    process = start([sys.executable, "-m", "repro"], command, WORLD_SIZE="2")
    [(code, _, error)] = finish(process)
    assert code == 2
    assert error.count("\n") == 1
    assert "start them with torchrun" in error


LAUNCHES = [
    ({"WORLD_SIZE": "two"}, "cpu", "unset WORLD_SIZE"),
    ({"WORLD_SIZE": "2"}, "cuda:0", "give cuda, or one process"),
    ({"WORLD_SIZE": "2", "LOCAL_RANK": "99"}, "cuda", "cuda:99 cannot be used"),
]


@pytest.mark.parametrize("launch", LAUNCHES, ids=lambda launch: launch[1])
def test_a_launch_that_cannot_be_meant_is_one_line(jets, tmp_path, capsys, monkeypatch, launch):
    environment, device, advice = launch
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    command = arguments(jets, tmp_path / "run", "topodnn:v4")
    command[command.index("--device") + 1] = device
    assert main(command) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert advice in said
