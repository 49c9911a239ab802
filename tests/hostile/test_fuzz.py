"""A short campaign against every reader, and what longer ones have found."""

import subprocess
from pathlib import Path

import campaign
import pytest
from programs import load_program
from readers import READERS

FINDINGS = Path(__file__).parent / "findings"

_EXAMPLES, _FEW, _SECONDS = 40, 5, 1.0


@pytest.mark.parametrize("name", READERS)
def test_a_short_campaign_finds_nothing(name):
    examples = _FEW if READERS[name].slow else _EXAMPLES
    with campaign.opened(name) as target:
        tried, found = campaign.run(target, examples=examples, seconds=_SECONDS)
    assert tried > 0
    assert [finding.said for finding in found] == []


@pytest.mark.parametrize(
    "path", sorted(FINDINGS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_what_was_found_is_mended(path):
    with campaign.opened(path.parent.name) as target:
        target.read(path.read_bytes())


def test_a_campaign_finds_a_fault(monkeypatch):
    """A reader that fails for one byte in a thousand is found, and the input is made small."""

    def read(path):
        if b"\xff" in path.read_bytes():
            raise ZeroDivisionError

    valid = bytes(1000)
    reader = READERS["pickle-array"]
    broken = type(reader)("a.bin", lambda path: path.write_bytes(valid), read, ())
    monkeypatch.setitem(READERS, "broken", broken)
    with campaign.opened("broken") as target:
        _, (finding,) = campaign.run(target, examples=200)
    assert "ZeroDivisionError" in finding.said
    assert sum(byte != 0 for byte in finding.data) == finding.data.count(b"\xff") > 0


def test_an_input_that_is_read_for_ever_is_kept(tmp_path, monkeypatch, capsys):
    """A process that no clock of its own can stop is killed, and what it read is found."""
    fuzz = load_program("scripts/fuzz.py")
    arguments = fuzz.parse(["packed", "--seconds", "1", "--out", str(tmp_path)])

    def hang(command, *, timeout, **_):
        (tmp_path / "packed").mkdir()
        (tmp_path / "packed/last").write_bytes(b"that one")
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(fuzz.subprocess, "run", hang)
    assert fuzz._apart("packed", arguments) == 1
    assert (tmp_path / "packed/found/endless").read_bytes() == b"that one"
    assert "did not end" in capsys.readouterr().out
