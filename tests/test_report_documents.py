"""What ``repro report --from`` does not take."""

import json
import shutil

import pytest
from report_folders import (
    FIGURES,
    broken_document,
)

from repro.cli import main
from repro.figures import report as making


@pytest.fixture(autouse=True)
def _off_the_network(monkeypatch, tmp_path):
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(making, "commit", lambda: "a" * 40)


def with_claim(document, **changes):
    return {"claims": [{**document["claims"][0], **changes}, *document["claims"][1:]]}


def without(entry, *names):
    return {key: value for key, value in entry.items() if key not in names}


WRONG = {
    "claims.0.reason": lambda d: {"claims": [without(d["claims"][0], "reason")]},
    "claims.0.reason: null": lambda d: with_claim(d, reason=None),
    "claims.0.interval": lambda d: with_claim(d, interval=[1.0]),
    "claims.0.verdict": lambda d: with_claim(d, verdict="fine"),
    "claims.0.id": lambda _: {"claims": [{}]},
    "claims.0.got": lambda d: with_claim(d, got=None, verdict="deviates"),
    "weights.0.swhid": lambda d: {"weights": [without(d["weights"][0], "swhid", "sha256")]},
    "environment.python": lambda d: {"environment": without(d["environment"], "python")},
    "data.id": lambda d: {"data": {**d["data"], "id": 7}},
    "data.jets": lambda d: {"data": {**d["data"], "jets": 0}},
    "seconds": lambda _: {"seconds": -1},
    "title": lambda _: {"title": ["a"]},
    "which is judged before": lambda d: {"claims": [*d["claims"], d["claims"][0]]},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_document_of_another_form_is_one_line_with_the_place(tmp_path, capsys, case):
    document = json.loads((FIGURES / "toptag" / "fig05.json").read_text("utf-8"))
    arguments = broken_document(tmp_path, **WRONG[case](document))
    out = tmp_path / "out"
    assert main(["report", *arguments, "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert case.partition(":")[0] in line
    assert not out.exists()


def test_two_documents_cannot_judge_one_claim(tmp_path, capsys):
    document = json.loads((FIGURES / "toptag" / "fig06.json").read_text("utf-8"))
    broken_document(tmp_path, claims=document["claims"])
    shutil.copy(FIGURES / "toptag" / "fig06.json", tmp_path / "from" / "toptag")
    out = tmp_path / "out"
    assert document["claims"]
    assert main(["report", "--from", str(tmp_path / "from"), "--out", str(out)]) == 2
    assert "which is judged before" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (lambda folder: ["toptag/fig5", "--from", str(folder / "none")], "is not there"),
        (lambda folder: ["--from", str(folder / "none")], "holds no results"),
        (lambda _: ["--from", str(FIGURES), "--jets", "3"], "leave out --jets"),
        (lambda folder: broken_document(folder, schema=2), "another schema version"),
        (lambda folder: broken_document(folder, item="toptag/fig6"), "document of toptag/fig6"),
        (lambda _: ["toptag/fig99", "--from", str(FIGURES)], "unknown item"),
    ],
)
def test_what_cannot_be_taken_is_one_line_and_leaves_nothing(tmp_path, capsys, arguments, words):
    out = tmp_path / "out"
    assert main(["report", *arguments(tmp_path), "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not out.exists()
