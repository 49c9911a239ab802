"""A full disk during every kind of write: one line, nothing half-written, and then it works."""

import os

import pytest
from fault_commands import COMMANDS, WRITING, contents, environment_of, litter, settings_of

CHEAP = [name for name in WRITING if not COMMANDS[name].dear]
DEAR = [pytest.param(name, marks=pytest.mark.long) for name in WRITING if COMMANDS[name].dear]
# They say what they found before they write it, or go on with what they have.
SHOWN_FIRST = ("explain", "report", "report-from")
# Results hold times, which take a digit more or less in each run.
DIGITS = 64
BLOCK = 4096
DISK = 16 << 20


@pytest.fixture(scope="module")
def undisturbed(forking, inputs, tmp_path_factory):
    """Contents and the size of the largest file of an undisturbed run, by the row's name."""
    known = {}

    def find(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            outcome = run(forking, inputs, name, folder)
            assert outcome.code == 0, outcome
            found = contents(folder, COMMANDS[name].leaves)
            sizes = [(folder / entry).stat().st_size for entry in found]
            known[name] = found, sizes
        return known[name]

    return find


def run(server, inputs, name, folder, **settings):
    if not COMMANDS[name].at_hand:
        pytest.skip(f"needs {COMMANDS[name].needs}")
    settings |= settings_of(name, inputs)
    environment = environment_of(inputs, folder / "cache")
    arguments = COMMANDS[name].arguments(inputs)
    return server.run(arguments, folder, environment=environment, **settings)


def refused(name, outcome):
    assert outcome.code == 2, outcome
    assert outcome.err.count("\n") == 1, outcome.err
    assert "make room" in outcome.err
    assert outcome.out == "" or name in SHOWN_FIRST


def whole(name, folder, expected):
    """What is there is as it would be without the fault, and nothing is half there."""
    found = contents(folder, COMMANDS[name].leaves)
    resumable = {
        "cache/toy/data.h5.part",
        "made/report.json",
        "run/checkpoint.pt",
        "run/history.csv",
    }
    assert {entry for entry in found if found[entry] != expected.get(entry)} <= resumable
    allowed = [*expected, "cache/toy/data.h5.part", *(f"jets.h5.parts/{n}" for n in PARTS)]
    assert litter(folder, allowed) == []


PARTS = ("recipe.json", "000000-6.npz")


@pytest.mark.parametrize("name", [*CHEAP, *DEAR])
def test_a_limit_of_the_size_of_files(forking, inputs, tmp_path, undisturbed, name):
    """A little less than the largest file takes: what is smaller is written."""
    expected, sizes = undisturbed(name)
    outcome = run(forking, inputs, name, tmp_path, file_limit=max(sizes) - DIGITS)
    refused(name, outcome)
    whole(name, tmp_path, expected)
    assert run(forking, inputs, name, tmp_path).code == 0
    assert contents(tmp_path, COMMANDS[name].leaves) == expected


@pytest.mark.parametrize("name", [*CHEAP, *DEAR])
def test_a_disk_that_fills_up(namespace, inputs, tmp_path, undisturbed, name):
    """Real ENOSPC: less room than all files together need, and then more."""
    expected, sizes = undisturbed(name)
    place = tmp_path / "disk"
    place.mkdir()
    namespace.mount("-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", place)
    disk = namespace.inside(place)
    (disk / "here").mkdir()
    ballast = disk / "ballast"
    room = sum(sizes) // (2 * BLOCK) * BLOCK
    ballast.write_bytes(bytes(os.statvfs(disk).f_bavail * BLOCK - room))
    outcome = run(namespace, inputs, name, place / "here")
    refused(name, outcome)
    whole(name, disk / "here", expected)
    ballast.unlink()
    assert run(namespace, inputs, name, place / "here").code == 0
    assert contents(disk / "here", COMMANDS[name].leaves) == expected
