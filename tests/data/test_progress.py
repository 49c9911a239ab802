"""Progress: a bar on a terminal, a line in a while in a log, nothing if nothing is wanted."""

import time

import pytest

from repro.data import progress
from repro.data.progress import make_bar


@pytest.fixture
def log(monkeypatch, capsys):
    """What a log got, which gets a line each fifth of a second."""
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.2)
    return lambda: capsys.readouterr().err


def wait_in(steps, seconds=0.05):
    for step in steps:
        time.sleep(seconds)
        yield step


def test_a_log_gets_lines_and_nothing_that_moves_a_cursor(log):
    begun = time.monotonic()
    outer = make_bar(wait_in(range(3)), label="outer", hidden=False)
    for _ in outer:
        for _ in make_bar(wait_in(range(8)), label="inner", hidden=False):
            pass
    lines = log().splitlines()
    assert {line.partition(":")[0] for line in lines} == {"outer", "inner"}
    assert all(" [" in line and line.isprintable() and line.isascii() for line in lines), lines
    # Each of two bars a line in a fifth of a second.
    assert 2 <= len(lines) <= 2 * (time.monotonic() - begun) / 0.2 + 2


def test_jets_are_counted_with_those_of_a_stopped_run(log):
    with make_bar(label="masks", hidden=False, total=400, initial=200, unit=" jets") as bar:
        for _ in range(2):
            time.sleep(0.25)
            bar.update(50)
    first = log().splitlines()[0]
    assert first.startswith("masks:  62%|")
    assert "250/400 [" in first
    assert first.endswith(" jets/s]")


def test_what_takes_less_leaves_no_line(log):
    assert list(make_bar(range(3), label="quick", hidden=False)) == [0, 1, 2]
    assert log() == ""


def test_hidden_bars_write_nothing(log):
    assert list(make_bar(wait_in(range(8)), label="hidden", hidden=True)) == list(range(8))
    assert log() == ""
