"""Damage reaches a user as one line and exit code 2, and nothing is left behind."""

import dataclasses

import pytest
from attacks import ATTACKS
from damages import CONTENTS, PLACES
from guarded import check_line, read_under_law
from readers import FIGURES, READERS

from repro.cli import main

DAMAGES = {
    **{name: CONTENTS[name] for name in ("zero bytes", "page", "cut after 50%", "noise")},
    **PLACES,
}

# By reader: a command that reads its file, and what it must not leave.
COMMANDS = {
    "table": ["score", "pfn", "FILE", "--weights", "embedded", "--out", "OUT"],
    "packed": ["explain", "lrp", "pfn", "FILE", "--weights", "embedded", "--out", "OUT"],
    "twin": ["score", "in:baseline", "FILE", "--weights", "embedded", "--out", "OUT"],
    "processed": ["score", "in:baseline", "FILE", "--weights", "embedded", "--out", "OUT"],
    "measured": ["score", "in:baseline", "FILE", "--weights", "embedded", "--out", "OUT"],
    "root": ["convert", "FILE", "--out", "OUT"],
    "safetensors": ["export", "pfn", "--weights", "FILE", "--out", "OUT"],
    "torch": ["export", "pfn", "--weights", "FILE", "--out", "OUT"],
    "picture": ["draw", "FILE", "--out", "OUT"],
}


@pytest.fixture(autouse=True)
def _off_the_network(monkeypatch, tmp_path):
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    monkeypatch.setenv("REPRO_MIRROR", "")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))


def _run(arguments, path, out, capsys):
    """Run a command under the law; return its exit code and the line that it says."""
    words = {"FILE": str(path), "OUT": str(out), "FROM": str(path.parent)}
    command = [words.get(word, word) for word in arguments]
    reader = dataclasses.replace(READERS["table"], read=lambda _: main(command))
    code = read_under_law(reader, path).value
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert "Traceback" not in said.err
    return code, lines


def _refused(code, lines, out):
    assert code == 2
    check_line(lines[-1])
    assert lines[-1].startswith("repro: error: ")
    assert not out.exists()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", COMMANDS)
def test_damage_is_one_line(name, damage, tmp_path, capsys):
    folder = tmp_path / "given"
    folder.mkdir()
    path, out = folder / READERS[name].name, tmp_path / "out"
    READERS[name].make(path)
    DAMAGES[damage](path)
    _refused(*_run(COMMANDS[name], path, out, capsys), out)


@pytest.mark.parametrize("attack", [a for a, (name, _) in ATTACKS.items() if name in COMMANDS])
def test_attacks_are_one_line(attack, tmp_path, capsys):
    name, make = ATTACKS[attack]
    folder = tmp_path / "given"
    folder.mkdir()
    path, out = folder / READERS[name].name, tmp_path / "out"
    make(path)
    _refused(*_run(COMMANDS[name], path, out, capsys), out)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_result_is_not_reported(damage, tmp_path, capsys):
    folder = tmp_path / "given" / "toptag"
    folder.mkdir(parents=True)
    path, out = folder / "fig05.json", tmp_path / "out"
    path.write_bytes((FIGURES / "toptag" / "fig05.json").read_bytes())
    DAMAGES[damage](path)
    _refused(
        *_run(["report", "--from", str(folder.parent), "--out", "OUT"], path, out, capsys), out
    )
