"""No home, read-only places, a working directory that is gone, odd clocks."""

import os
import sys

import pytest
from fault_commands import COMMANDS, contents, environment_of, settings_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

CHEAP = ("list", "score", "explain", "convert", "card", "cite", "info", "fetch", "train")
NO_CACHE_NEEDED = ("list", "score", "explain", "convert", "card", "cite")
CACHE = "set REPRO_CACHE to a directory that you can write to"


def refused(outcome, message):
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1, outcome.err
    assert message in outcome.err


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def run(forking, inputs, tmp_path, folder):
    """Run a row of the table; an environment of None takes the variable away."""

    def go(name, variables=None, *, server=forking, where=folder, **settings):
        command = COMMANDS[name]
        environment = environment_of(inputs, tmp_path / "cache") | (variables or {})
        environment = {key: value for key, value in environment.items() if value is not None}
        settings |= settings_of(name, inputs)
        return server.run(command.arguments(inputs), where, environment=environment, **settings)

    return go


@pytest.mark.parametrize("name", CHEAP)
def test_without_a_home(run, name, folder):
    outcome = run(name, {"HOME": None, "REPRO_CACHE": None}, homeless=True)
    if outcome.code == 0:
        assert outcome.err == ""
    else:
        assert name not in NO_CACHE_NEEDED
        refused(outcome, "set REPRO_CACHE")
    refused(run("fetch", {"HOME": None, "REPRO_CACHE": "~/c"}, homeless=True), "~/c: no such home")
    assert not (folder / "~").exists()


@pytest.mark.parametrize("name", CHEAP)
def test_odd_variables(run, name, folder):
    odd = {
        "HOME": "/nonexistent",
        "TMPDIR": "/nonexistent",
        "TZ": "Nowhere/Odd+99",
        "SOURCE_DATE_EPOCH": "-5",
        "LANG": "xx_YY.UTF-9",
    }
    outcome = run(name, odd)
    assert (outcome.code, outcome.err) == (0, ""), outcome
    assert (
        set(contents(folder, COMMANDS[name].leaves))
        or not COMMANDS[name].leaves
        or (name == "fetch")
    )


def test_no_place_for_the_cache(run):
    for place, reason in {
        "/proc/nowhere": "No such file or directory",
        "/etc/passwd": "Not a directory",
        "/proc/1/mem/x": "Not a directory",
    }.items():
        outcome = run("fetch", {"REPRO_CACHE": place})
        refused(outcome, CACHE)
        assert reason in outcome.err
    assert run("score", {"REPRO_CACHE": "/etc/passwd"}).code == 0


@pytest.mark.parametrize("name", [n for n in COMMANDS if not COMMANDS[n].dear])
def test_a_read_only_folder(namespace, run, tmp_path, name):
    place = tmp_path / "readonly"
    place.mkdir()
    namespace.mount("-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", place)
    outcome = run(name, server=namespace, where=place)
    if name == "fetch" or not COMMANDS[name].leaves:  # it writes into the cache
        assert (outcome.code, outcome.err) == (0, "")
    elif name == "explain":  # shows all first
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert "choose another folder" in outcome.err
    else:
        refused(outcome, "choose another folder")


def test_a_read_only_cache(namespace, run, tmp_path):
    place = tmp_path / "readonly"
    place.mkdir()
    namespace.mount("-t", "tmpfs", "tmpfs", place)
    cache = {"REPRO_CACHE": str(place / "cache")}
    assert run("fetch", cache, server=namespace).code == 0
    namespace.mount("-o", "remount,ro", place)
    assert run("fetch", cache, server=namespace).code == 0
    assert run("score", cache, server=namespace).code == 0
    empty = {"REPRO_CACHE": str(place / "other")}
    refused(run("fetch", empty, server=namespace), "Read-only file system; set REPRO_CACHE")


def test_jets_that_would_be_simulated_into_a_read_only_cache(forking, inputs, folder):
    environment = environment_of(inputs, "/proc/nowhere")
    words = ["fig", "3", "--data", "embedded", "--jets", "20000", "-q"]
    refused(forking.run(words, folder, environment=environment), CACHE)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", [n for n in CHEAP if n != "train"])
def test_a_working_directory_that_is_gone(run, name):
    outcome = run(name, gone=True)
    if name in ("list", "card", "cite", "info", "fetch"):
        assert (outcome.code, outcome.err) == (0, "")
    else:
        assert outcome.code == 2
        assert outcome.err.count("\n") == 1
        assert "Traceback" not in outcome.err


def test_files_of_any_time(run, inputs, tmp_path):
    """Of 1901, 1970 and 2100: a stamp is of one time, whichever it is."""
    run("fetch")
    (path,) = (tmp_path / "cache").rglob("data.h5")
    whole = path.read_bytes()
    for moment in (-(2**31), 0, 2**32):
        os.utime(path, (moment, moment))
        os.utime(inputs / "jets.h5", (moment, moment))
        assert run("fetch").code == 0
        assert run("score").code == 0
    path.write_bytes(whole[:-1] + b"x")  # of the same size and time
    os.utime(path, (0, 0))
    assert run("fetch").code == 0
    assert path.read_bytes() == whole


@pytest.mark.long
@pytest.mark.parametrize("name", [n for n in COMMANDS if not COMMANDS[n].dear])
def test_python_without_asserts(name, inputs, tmp_path):
    import subprocess

    words = [sys.executable, "-OO", "-m", "repro", *COMMANDS[name].arguments(inputs)]
    if name == "fetch":
        words[-2:] = ["--list"]
    environment = environment_of(inputs, tmp_path / "cache")
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=200
    )
    assert (done.returncode, done.stderr) == (0, b"")
