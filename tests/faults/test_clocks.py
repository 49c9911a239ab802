"""Clocks that are decades away: the same files as ever, but for times."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fault_commands import COMMANDS, WRITING, contents, environment_of, litter, settings_of
from forking import Forking

COMPILER = shutil.which("gcc") or shutil.which("cc")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux"),
    pytest.mark.skipif(COMPILER is None, reason="no compiler for the other clock"),
]
ROWS = [
    pytest.param(name, marks=pytest.mark.long if COMMANDS[name].dear else ()) for name in WRITING
]
# A machine without a battery, before the first date that a ZIP archive can have; and one far ahead.
YEARS = (1970, 2099)


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """The library that changes the clock."""
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.fixture(scope="module", params=YEARS)
def elsewhen(request, shim):
    """What runs commands in another year."""
    then = dt.datetime(request.param, 3, 1, tzinfo=dt.UTC).timestamp()
    changes = {"LD_PRELOAD": str(shim), "CLOCK_OFFSET": str(int(then - time.time()))}
    server = Forking(environment=changes)
    yield request.param, server, changes
    server.close()


def test_the_clock_is_another(elsewhen):
    year, _, changes = elsewhen
    words = [sys.executable, "-c", "import datetime; print(datetime.datetime.now().year)"]
    said = subprocess.run(words, env=os.environ | changes, capture_output=True, check=True)
    assert int(said.stdout) == year


def test_what_the_server_runs_has_the_other_clock(elsewhen, inputs, tmp_path):
    year, server, changes = elsewhen
    environment = environment_of(inputs, tmp_path / "cache") | changes
    words = COMMANDS["report-from"].arguments(inputs)
    assert server.run(words, tmp_path, environment=environment).code == 0
    started = json.loads((tmp_path / "made/report.json").read_text("utf-8"))["started"]
    assert started.startswith(f"{year}-")


@pytest.mark.parametrize("name", ROWS)
def test_files_are_those_of_any_other_day(forking, elsewhen, inputs, tmp_path, name):
    command = COMMANDS[name]
    if not command.at_hand:
        pytest.skip(f"needs {command.needs}")
    found = []
    for label, server in (("now", forking), ("then", elsewhen[1])):
        folder = tmp_path / label
        folder.mkdir()
        # The library is there since the server began, and reads its offset again each time.
        environment = environment_of(inputs, folder / "cache")
        if label == "then":
            environment |= elsewhen[2]
        settings = settings_of(name, inputs)
        outcome = server.run(command.arguments(inputs), folder, environment=environment, **settings)
        assert outcome.code == 0, outcome
        assert outcome.err == ""
        found.append(contents(folder, command.leaves))
        assert litter(folder, found[-1]) == []
    assert found[0] == found[1]
