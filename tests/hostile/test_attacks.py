"""Files that are made to do harm: each is refused in one line, and nothing has happened."""

import os

import pytest
from attacks import ATTACKS
from guarded import read_under_law
from readers import READERS

# Damage of what is only kept for another time is no error: it is made anew.
_SILENT = {name for name, (reader, _) in ATTACKS.items() if READERS[reader].silent}


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_refused_and_nothing_happens(name, tmp_path, monkeypatch):
    kind, attack = ATTACKS[name]
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / READERS[kind].name
    attack(path)
    before = {file.name for file in tmp_path.iterdir()}
    outcome = read_under_law(READERS[kind], path)
    assert name in _SILENT or outcome.error is not None
    assert {file.name for file in tmp_path.iterdir()} == before
    assert "pwned" not in before
