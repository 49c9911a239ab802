"""Misspelt names: one line that has the nearest one, whatever command takes them."""

import pytest
from fault_commands import COMMANDS

from repro.cli import build_parser, main

MISSPELT = {
    "fig": ("fig nosuch", None),
    "fig-label": ("fig K11 --paper hbb", "K1"),
    "fig-paper": ("fig 5 --paper topttag", "toptag"),
    "table-label": ("table K33 --paper hbb", "K3"),
    "table": ("table 1 --paper hb", "hbb"),
    "list": ("list --paper hhb", "hbb"),
    "verify": ("verify toptag/fgi5", "toptag/fig5"),
    "verify-claim": ("verify toptag/C117", "toptag/C17"),
    "report": ("report hbb/tabel1", "hbb/table1"),
    "score": ("score topodn jets.h5 --out s.npy", "topodnn"),
    "score-variant": ("score topodnn:v44 jets.h5 --out s.npy", "v4"),
    "score-many": ("score in:baselin jets.h5 --out s.npy", "baseline"),
    "explain": ("explain oclusion topodnn {inputs}/jets.h5 --weights embedded", "occlusion"),
    "explain-model": ("explain lrp pfinn jets.h5", "pfin"),
    "explain-option": (
        "explain lrp topodnn {inputs}/jets.h5 --weights embedded --option rull=zero",
        "rule",
    ),
    "export": ("export mbsn --out m.onnx", "mbns"),
    "simulate": ("simulate toptagg --jets 1 --out j.h5", "toptag"),
    "simulate-preset": ("simulate toptag --preset matchd --jets 1 --out j.h5", "matched"),
    "convert": ("convert jets.h5 --out o.h5 --split trainn", "train"),
    "train": ("train topoddn --data embedded --out run", "topodnn"),
    "train-recipe": ("train topodnn --recipe publisht --data embedded --out run", "published"),
    "bench": ("bench pffin", "pfin"),
    "fetch": ("fetch toptag/data/tset.h5", "toptag/data/test.h5"),
    "card": ("card toptag-matchd-1", "toptag-matched-1"),
    "card-model": ("card pfin:summ", "sum"),
    "cite": ("cite toptag/fig55", "toptag/fig5"),
    "command": ("verifyy", "verify"),
}
NAMELESS = {"draw", "info"}


def test_every_command_that_takes_a_name_is_here():
    (commands,) = (a for a in build_parser()._actions if a.dest == "command")
    here = {words.split()[0] for words, _ in MISSPELT.values()}
    assert set(commands.choices) - NAMELESS <= here
    assert set(commands.choices) == {row.words.split()[0] for row in COMMANDS.values()}


@pytest.mark.parametrize("name", MISSPELT)
def test_the_nearest_name_is_said(name, capsys, monkeypatch, tmp_path, inputs):
    words, nearest = MISSPELT[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    try:
        code = main(words.format(inputs=inputs).split())
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1), err
    if nearest:
        hint = err.partition("did you mean ")[2].partition("?")[0]
        assert nearest in hint.split(" or ")
    else:
        assert "did you mean" not in err
    assert not list(tmp_path.iterdir())
