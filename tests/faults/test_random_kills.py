"""Kills at random moments: what is left in the end is what an undisturbed run leaves."""

import random
import re
import signal
import time

import pytest
from fault_commands import COMMANDS, SHAP, WRITING, contents, environment_of, settings_of
from programs import load_program

kills = load_program("scripts/random_kills.py")

# The others draw pictures or simulate, in seconds.
FAST = ("fetch", "score", "explain", "convert", "convert-folder")
ROWS = [name if name in FAST else pytest.param(name, marks=pytest.mark.long) for name in WRITING]


@pytest.mark.parametrize("name", ROWS)
def test_files_are_those_of_an_undisturbed_run(forking, inputs, tmp_path, name):
    if not COMMANDS[name].at_hand:
        pytest.skip(f"needs {COMMANDS[name].needs}")
    source = random.Random(name)
    found = kills.kill_at_random(forking, name, inputs, tmp_path, kills=3, source=source)
    assert found.faults == []
    assert found.kills == 3
    assert found.rounds >= 1


def test_rows_that_a_killed_run_kept_are_gone_on_with(forking, inputs, tmp_path):
    name, cache = "fig-shap", tmp_path / "cache"
    words = [word for word in SHAP.format(jets=60).split() if word != "-q"]
    settings = {"environment": environment_of(inputs, cache), **settings_of(name, inputs)}
    run = forking.start(words, tmp_path, **settings)
    deadline = time.monotonic() + 60
    while not list(cache.glob("stopped/**/reached.npz")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    run.kill()
    assert run.outcome.code == -signal.SIGKILL
    outcome = forking.run(words, tmp_path, **settings)
    assert outcome.code == 0
    assert re.search(r"going on after the \d+ jets of a stopped run", outcome.err)
    assert not list(cache.glob("stopped/*"))
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert forking.run(words, fresh, **settings).code == 0
    assert contents(tmp_path, ("results/",)) == contents(fresh, ("results/",))


def test_a_difference_is_found(forking, inputs, tmp_path, monkeypatch):
    """The test can fail: one file of the last run has a byte more."""
    contents = kills.contents

    def other(folder, leaves):
        found = contents(folder, leaves)
        return found if folder.name == "undisturbed" else dict.fromkeys(found, "")

    monkeypatch.setattr(kills, "contents", other)
    source = random.Random(0)
    found = kills.kill_at_random(forking, "score", inputs, tmp_path, kills=1, source=source)
    assert found.faults == ["differ after kills: scores.npy"]
