"""Closed, full and narrow streams: no traceback, and the right exit code."""

import json
import os
import subprocess
import sys

import pytest
from fault_commands import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


def shell(line, **environment):
    """Run ``repro`` in a shell, as ``$R``; returns exit code, stdout and stderr, as bytes."""
    outer = os.environ | {"PYTHONPATH": str(ROOT), "R": f"{sys.executable} -m repro"}
    done = subprocess.run(
        ["sh", "-c", line], env=outer | environment, capture_output=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$R list >&-", 0),
        ("$R list 2>&-", 0),
        ("$R list <&- >&- 2>&-", 0),
        ("$R info >&- 2>&-", 0),
        ("$R cite toptag/nosuch 2>&-", 2),
        ("$R cite toptag/nosuch 2>/dev/full", 2),
        ("$R fetch --lisst 2>/dev/full", 2),
        ("$R list >/dev/full 2>&1", 2),
    ],
)
def test_streams_that_are_closed_or_full(line, code):
    got, _, err = shell(line)
    assert got == code
    assert err == b""


def test_results_that_cannot_be_printed_are_no_success():
    code, _, err = shell("$R list >/dev/full")
    assert code == 2
    assert err == b"repro: error: No space left on device: make room\n"


def test_a_reader_that_has_enough():
    code, out, err = shell("$R list --json | head -n 1; $R card topodnn:v4 | true")
    assert (code, out, err) == (0, b"[\n", b"")


def test_no_file_gets_the_number_of_a_closed_stream():
    """What libraries print to stdout would get into it."""
    watch = "import os, sys; from repro.cli import main; main(['list'])\n"
    watch += "sys.exit(os.open(os.devnull, os.O_RDONLY))"
    code, _, _ = shell(f'{sys.executable} -c "{watch}" <&- >&- 2>&-')
    assert code > 2


@pytest.mark.parametrize(
    "narrow",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_letters_that_a_stream_does_not_know(narrow):
    _, plain, _ = shell("$R card topodnn:v4 --format jsonld")
    code, out, err = shell("$R card topodnn:v4 --format jsonld", **narrow)
    assert (code, err) == (0, b"")
    assert not plain.isascii()
    assert json.loads(out.decode("latin-1")) == json.loads(plain)
    code, _, err = shell("$R cite nö", **narrow)
    assert code == 2
    assert b"Traceback" not in err
    assert err.count(b"\n") == 1


@pytest.mark.parametrize("columns", ["1", "0", "-5", "many"])
def test_terminals_of_no_width(columns):
    code, out, err = shell("$R list && $R fetch --help", COLUMNS=columns, NO_COLOR="1", TERM="dumb")
    assert (code, err) == (0, b"")
    assert b"toptag/fig5" in out
