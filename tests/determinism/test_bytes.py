"""Two runs of a command write the same bytes but for times.

The second run is in another folder and time zone, with other hashes of strings, another state of
the generators that all share, and folders that list their entries the other way round.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from run_commands import TABLE

from repro.results.times import without_times

PROGRAM = Path(__file__).with_name("run_commands.py")
RUNS = {
    "forward": {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    "backward": {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kolkata", "LC_ALL": "C"},
}


def run(folder, order, names, **variables):
    """Run commands of the table in a process of their own; return their folder."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("REPRO_")}
    own = {"REPRO_OFFLINE": "1", "REPRO_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, PROGRAM, folder / "made", order, *names],
        env={**inherited, **own, **RUNS[order], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "made"


def files_of(folder):
    """What was written, without times, by name."""
    return {
        str(path.relative_to(folder)): comparable(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def comparable(path):
    if path.name == "checkpoint.pt":
        state = torch.load(path, weights_only=True)
        return repr(plain(state))
    return without_times(path.name, path.read_bytes())


def plain(state):
    """A state of a training without its times, every number in full."""
    if isinstance(state, dict):
        return {key: plain(entry) for key, entry in state.items() if key != "seconds"}
    if isinstance(state, list | tuple):
        return [plain(entry) for entry in state]
    return (state.dtype, state.tolist()) if isinstance(state, torch.Tensor) else state


def failures(folder):
    """Lines of commands that did not do what they should: 0, or 1 of claims that deviate."""
    lines = (folder / "printed.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line.rpartition(": ")[2] in {"2", "130"}]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            command,
            id=command["name"],
            marks=[pytest.mark.long, pytest.mark.timeout(3000)] if command.get("long") else [],
        )
        for command in TABLE
    ],
)
def test_two_runs_write_the_same_bytes(command, request, tmp_path):
    needs, variables = command.get("needs"), {}
    if needs == "mirror":
        variables["REPRO_MIRROR"] = str(request.getfixturevalue("mirror"))
    elif needs and importlib.util.find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed")
    first, second = (run(tmp_path / order, order, [command["name"]], **variables) for order in RUNS)
    assert failures(first / command["name"]) == []
    found, again = files_of(first), files_of(second)
    assert list(found) == list(again)
    assert len(found) > 1 or command["name"] == "words"
    assert [name for name in found if found[name] != again[name]] == []


@pytest.mark.parametrize(
    ("name", "with_times", "without"),
    [
        (
            "a/fig05.json",
            '{"schema": 1, "item": "toptag/fig5", "seconds": 1.5, "values": {"seconds": 2}}',
            '{"schema": 1, "item": "toptag/fig5", "values": {"seconds": 2}}',
        ),
        ("scores.json", '{"seconds": 1.5}', '{"seconds": 1.5}'),
        (
            "card.json",
            '{"training": {"seconds": 3, "history": [{"seconds": 3, "auc": 1}]}}',
            '{"training": {"history": [{"auc": 1}]}}',
        ),
        ("history.csv", "epoch,seconds,auc\n1,2.5,0.5\n", "epoch,auc\n1,0.5\n"),
        (
            "ro-crate-metadata.json",
            '{"@graph": [{"@id": "#item/a/seconds", "value": 2}, {"@id": "#b", "value": 3}]}',
            '{"@graph": [{"@id": "#item/a/seconds"}, {"@id": "#b", "value": 3}]}',
        ),
        (
            "report.json",
            '{"started": "x", "ended": "y", "items": {"a": {"sha256": "f", "error": ""}}}',
            '{"items": {"a": {"error": ""}}}',
        ),
        ("jets.h5", "seconds", "seconds"),
    ],
)
def test_times_alone_are_left_out(name, with_times, without):
    assert without_times(name, with_times.encode()) == without.encode()
