"""The folder of a report: resumable, and nothing in it but the report."""

import csv
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from report_folders import (
    COMPUTING,
    FAST,
    FIGURES,
    Counting,
    check_structure,
    contents,
    files_of,
    graph_of,
    metadata_of,
    run,
)

from repro.cli import build_parser, main
from repro.cli.report import _command
from repro.errors import BadInput, MissingData
from repro.figures import report as making


@pytest.fixture(autouse=True)
def _off_the_network(monkeypatch, tmp_path):
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(making, "commit", lambda: "a" * 40)


def test_an_interrupted_report_goes_on_where_it_stopped(tmp_path, monkeypatch):
    out = tmp_path / "report"
    first = Counting(stop_at="toptag/fig7")
    monkeypatch.setattr(making, "compute_item", first)
    assert run(FAST, out) == 130
    assert not (out / "ro-crate-metadata.json").exists()
    second = Counting()
    second.compute = first.compute
    monkeypatch.setattr(making, "compute_item", second)
    assert run(FAST, out) in (0, 1)
    assert second.items == ["toptag/fig7"]
    graph = check_structure(out)
    for item in FAST:
        action = graph[f"#item/{item}"]
        assert action["startTime"] <= action["endTime"]
    # A whole one has nothing left to compute; a changed one has.
    run(FAST, out)
    assert second.items == ["toptag/fig7"]
    (out / "toptag" / "fig05.json").write_text("{}")
    run(FAST, out)
    assert second.items == ["toptag/fig7", "toptag/fig5"]
    check_structure(out)


def test_with_uncommitted_changes_all_is_computed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "commit", lambda: "a" * 40 + "-dirty")
    counting = Counting()
    monkeypatch.setattr(making, "compute_item", counting)
    run(FAST[:1], tmp_path / "report")
    run(FAST[:1], tmp_path / "report")
    assert counting.items == FAST[:1] * 2


def test_other_settings_are_another_report(tmp_path, capsys):
    out = tmp_path / "report"
    run(FAST[:1], out)
    before = contents(out)
    capsys.readouterr()
    assert main(["report", *FAST[:1], *COMPUTING, "--seed", "1", "--out", str(out)]) == 2
    assert "holds a report with other settings" in capsys.readouterr().err.splitlines()[-1]
    assert run(FAST, out) == 2
    assert "other items" in capsys.readouterr().err
    assert contents(out) == before


def test_an_item_that_cannot_be_computed_is_a_failed_action(tmp_path, monkeypatch):
    counting = Counting(stop_at="toptag/fig7", error=MissingData("no such jets"))
    monkeypatch.setattr(making, "compute_item", counting)
    out = tmp_path / "report"
    assert run(FAST, out) in (0, 1)
    graph = check_structure(out)
    action = graph["#item/toptag/fig7"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "no such jets"
    assert "no such jets" in (out / "README.md").read_text("utf-8")
    rows = list(csv.DictReader((out / "verdicts.csv").read_text("utf-8").splitlines()))
    assert {r["verdict"] for r in rows if r["item"] == "toptag/fig7"} == {"not tested"}


def test_if_nothing_can_be_computed_nothing_is_written(tmp_path, monkeypatch, capsys):
    counting = Counting(stop_at="toptag/fig5", error=MissingData("no such jets"))
    monkeypatch.setattr(making, "compute_item", counting)
    out = tmp_path / "report"
    assert run(FAST[:1], out) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "repro: error: no such jets"
    assert not out.exists()


def test_a_user_s_file_is_named_by_its_hash_and_no_path_gets_out(tmp_path):
    jets = tmp_path / "private" / "mine.h5"
    jets.parent.mkdir()
    shutil.copy(Path(making.__file__).parents[1] / "data/embedded/toptag_matched_1.h5", jets)
    out = tmp_path / "report"
    options = ["--data", str(jets), "--weights", "embedded", "--jets", "300", "-q"]
    assert main(["report", "toptag/fig5", *options, "--out", str(out)]) in (0, 1)
    for name, content in contents(out).items():
        assert b"private" not in content, name
    assert "private" not in (out / "ro-crate-metadata.json").read_text("utf-8")
    hashed = hashlib.sha256(jets.read_bytes()).hexdigest()
    (entity,) = (e for e in graph_of(out).values() if e.get("name") == "mine.h5")
    assert entity["sha256"] == hashed


def test_an_interruption_before_the_first_item_can_be_resumed(tmp_path, monkeypatch):
    out = tmp_path / "report"
    computing = making.compute_item
    monkeypatch.setattr(making, "compute_item", Counting(stop_at="toptag/fig5"))
    assert run(FAST[:1], out) == 130
    assert files_of(out) == {"report.json"}
    monkeypatch.setattr(making, "compute_item", computing)
    assert run(FAST[:1], out) in (0, 1)
    check_structure(out)


@pytest.mark.parametrize("existed", [True, False])
def test_if_the_first_item_cannot_be_written_no_report_is_left(tmp_path, monkeypatch, existed):
    def refuse(*_):
        raise BadInput("no picture")

    monkeypatch.setattr(making, "_pictures", refuse)
    out = tmp_path / "report"
    if existed:
        out.mkdir()
    assert main(["report", *FAST, "--from", str(FIGURES), "--out", str(out), "-q"]) == 2
    assert out.exists() == existed
    assert not existed or not any(out.iterdir())


def test_files_that_come_meanwhile_are_left_alone_and_left_out(tmp_path, monkeypatch):
    out = tmp_path / "report"
    computing = making.compute_item
    strange = [".DS_Store", "toptag/.fig05.json.k2x_", "desktop.ini", "toptag/notes.txt"]

    def compute(item, context):
        (out / "toptag").mkdir(exist_ok=True)
        for name in strange:
            (out / name).write_text("mine")
        return computing(item, context)

    monkeypatch.setattr(making, "compute_item", compute)
    assert run(FAST[:1], out) in (0, 1)
    for name in strange:
        assert (out / name).read_text() == "mine"
        assert name not in graph_of(out)
    # What has a name that is seen is somebody's: only the others are passed over.
    assert run(FAST[:1], out) == 2
    for name in strange[2:]:
        (out / name).unlink()
    assert run(FAST[:1], out) in (0, 1)


@pytest.mark.parametrize("link", ["toptag", "toptag/fig05.json", "hepdata", "README.md"])
def test_links_are_refused_and_what_they_lead_to_stays(tmp_path, capsys, link):
    out = tmp_path / "report"
    command = ["report", FAST[0], "--from", str(FIGURES), "--out", str(out), "-q"]
    assert main(command) == 0
    (out / link).rename(tmp_path / "elsewhere")
    (out / link).symlink_to(tmp_path / "elsewhere")
    before = contents(out)
    capsys.readouterr()
    assert main(command) == 2
    assert f"holds the link {link}" in capsys.readouterr().err
    assert contents(out) == before


def test_other_results_are_another_report(tmp_path, capsys):
    out = tmp_path / "report"
    other = shutil.copytree(FIGURES / "toptag", tmp_path / "other" / "toptag").parent
    document = json.loads((other / "toptag" / "fig05.json").read_text("utf-8"))
    (other / "toptag" / "fig05.json").write_text(json.dumps({**document, "seconds": 1.0}))
    assert main(["report", FAST[0], "--from", str(FIGURES), "--out", str(out), "-q"]) == 0
    before = contents(out)
    capsys.readouterr()
    assert main(["report", FAST[0], "--from", str(other), "--out", str(out), "-q"]) == 2
    assert "holds a report with other results" in capsys.readouterr().err
    assert contents(out) == before


def test_an_item_that_fails_later_leaves_nothing_of_its_earlier_result(tmp_path, monkeypatch):
    out = tmp_path / "report"
    run(FAST, out)
    assert (out / "toptag" / "fig07.png").is_file()
    (out / "toptag" / "fig07.json").write_text("{}")
    failing = Counting(stop_at="toptag/fig7", error=MissingData("no such jets"))
    monkeypatch.setattr(making, "compute_item", failing)
    assert run(FAST, out) in (0, 1)
    assert not [name for name in files_of(out) if "fig07" in name or "fig7" in name]
    assert "no such jets" in graph_of(out)["#item/toptag/fig7"]["error"]
    check_structure(out)


def test_errors_in_a_report_name_no_path(tmp_path, monkeypatch):
    private = tmp_path / "private folder"
    private.mkdir()
    jets = private / "mine.h5"
    shutil.copy(Path(making.__file__).parents[1] / "data/embedded/toptag_matched_1.h5", jets)
    home, mirror = private / "somebody", private / "copies"
    mirror.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("REPRO_MIRROR", str(mirror))
    monkeypatch.setenv("REPRO_CACHE", str(private / "kept"))
    monkeypatch.chdir(private)
    text = f"{jets}, {mirror}/a, {private}/kept/b and {home}/c are bad"
    failing = Counting(stop_at="toptag/fig7", error=MissingData(text))
    monkeypatch.setattr(making, "compute_item", failing)
    out = tmp_path / "report"
    options = ["--data", "./mine.h5", "--weights", "embedded", "--jets", "300", "-q"]
    assert main(["report", *FAST, *options, "--out", str(out)]) in (0, 1)
    assert "mine.h5, copies/a, kept/b and ~/c are bad" in (out / "README.md").read_text("utf-8")
    for name, content in {**contents(out), "crate": metadata_of(out)}.items():
        assert b"private" not in content, name
        assert b"somebody" not in content, name


def test_other_files_stay_as_they_are(tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    command = ["report", "toptag/fig5", "--from", str(FIGURES), "--out"]
    assert main([*command, str(out)]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert contents(out) == {"thesis.tex": b"mine"}
    report = tmp_path / "report"
    assert main([*command, str(report), "-q"]) == 0
    (report / "hepdata" / "notes.txt").write_text("mine")
    before = contents(report)
    assert main([*command, str(report)]) == 2
    assert "holds hepdata/notes.txt" in capsys.readouterr().err
    assert contents(report) == before
    for place in (tmp_path / "report" / "README.md", tmp_path / "report" / "README.md" / "x"):
        assert main([*command, str(place)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "choose another" in line


@pytest.fixture
def call_script(tmp_path):
    """Run a report's script in a folder, as a shell does; returns the code and what it said."""
    command = tmp_path / "bin" / "repro"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m repro "$@"\n')
    command.chmod(0o755)
    root = str(FIGURES.parent)
    paths = {"PYTHONPATH": root, "PATH": os.pathsep.join([str(command.parent), os.environ["PATH"]])}

    def call(script, folder, *words, **changes):
        folder.mkdir(exist_ok=True)
        asked = ["/bin/sh", script, *words]
        environment = os.environ | paths | changes
        done = subprocess.run(
            asked, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return call


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a script of a POSIX shell")
def test_the_script_makes_the_report_again_in_any_folder(tmp_path, monkeypatch, call_script):
    """As the workflow has it: the report beside the items, neither where it was asked for."""
    held = tmp_path / "results" / "it's made"
    shutil.copytree(FIGURES / "hbb", held / "items" / "hbb")
    monkeypatch.chdir(tmp_path)
    words = ["report", "hbb/figK7", "--from", "results/it's made/items", "-q", "--out"]
    assert main([*words, "results/it's made/report"]) == 0
    script = held / "report" / "reproduce.sh"
    assert str(tmp_path) not in script.read_text("utf-8")
    assert "`items` it finds" in (held / "report" / "README.md").read_text("utf-8")
    for folder, given in (("elsewhere", script), ("results", "it's made/report/reproduce.sh")):
        code, said = call_script(given, tmp_path / folder, "again")
        assert code == 0, said
        made = tmp_path / folder / "again" / "hbb" / "figK7.json"
        assert made.read_bytes() == (held / "report" / "hbb" / "figK7.json").read_bytes()
    moved = shutil.copytree(held / "report", tmp_path / "moved" / "report") / "reproduce.sh"
    code, said = call_script(moved, tmp_path / "elsewhere", "third")
    assert (code, said.count("\n")) == (2, 1)
    assert "no items beside the report or here: call this where it is" in said
    # Beside the report comes first, whatever has the same name where it is called.
    shutil.copytree(FIGURES / "toptag", tmp_path / "elsewhere" / "items" / "hbb")
    code, said = call_script(script, tmp_path / "elsewhere", "fifth")
    assert code == 0, said
    code, said = call_script(moved, held, "third")
    assert code == 0, said
    # Within the folder that it took.
    monkeypatch.chdir(held / "items")
    assert main(["report", "hbb/figK7", "--from", ".", "-q", "--out", "within"]) == 0
    code, said = call_script("within/reproduce.sh", held / "items", "sixth")
    assert code == 0, said
    code, said = call_script(script, held, "fourth", PATH="/nowhere")
    assert (code, said.count("\n")) == (2, 1)
    assert "no command repro" in said


def test_files_are_named_in_the_script_and_words_and_addresses_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jets.h5").touch()
    parser = build_parser()

    def asked(*words):
        return _command(parser.parse_args(["report", *words]))

    assert asked("--data", "embedded", "--weights", "authors")[1] == []
    command, own = asked("--data", str(tmp_path / "jets.h5"), "--weights", "embedded")
    assert (command, own) == ("repro report --data jets.h5 --weights embedded", ["--data"])
    address = "https://opendata.cern.ch/a/test.root"
    assert asked("--data", address) == (f"repro report --data {address}", [])
    assert asked("--from", ".")[0] == f"repro report --from {tmp_path.name}"
