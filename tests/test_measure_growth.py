"""What items take on more and more jets: how it is measured, and the table on the site."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
from programs import load_program
from site_hooks import hook

from repro.benchmarks.machine import describe_machine
from repro.data.hbb.opening import open_table
from repro.data.tables import read_jets
from repro.errors import BadInput

growth = load_program("scripts/measure_growth.py")
measured_tables = hook("measured_tables")


def test_copies_are_turned_about_the_beam():
    jets = next(growth.turned_copies(50))
    again = growth.turned(jets.four_momenta, 0.7)
    for before, after in ((jets.four_momenta, again), (jets.truth, growth.turned(jets.truth, 0.7))):
        pt = [np.hypot(array[..., 1], array[..., 2]) for array in (before, after)]
        np.testing.assert_allclose(pt[1], pt[0], rtol=1e-5)
        np.testing.assert_array_equal(after[..., [0, 3]], before[..., [0, 3]])
    assert not np.allclose(again, jets.four_momenta)


def test_files_have_as_many_jets_as_are_asked_for_and_are_made_once(tmp_path):
    path = growth.many_jets("toptag", 12_030, tmp_path)
    jets = read_jets(path)
    assert len(jets) == 12_030
    first, copy = jets.four_momenta[:30], jets.four_momenta[12_000:]
    np.testing.assert_array_equal(copy[..., [0, 3]], first[..., [0, 3]])
    assert not np.allclose(first, copy)
    before = path.stat().st_mtime_ns
    assert growth.many_jets("toptag", 12_030, tmp_path).stat().st_mtime_ns == before


def test_jets_of_hbb_are_repeated(tmp_path):
    with open_table(growth.many_jets("hbb", 12_030, tmp_path)) as table:
        assert len(table) == 24_000
        first = next(iter(table.iter_jets(stop=30)))
        copy = next(iter(table.iter_jets(start=12_000, stop=12_030)))
    np.testing.assert_array_equal(first.tracks, copy.tracks)
    np.testing.assert_array_equal(first.vertices, copy.vertices)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Make measurements up, and count them."""
    asked = []

    def measure(item, jets, _file):
        asked.append((item, jets))
        code = int(item == "toptag/fig99")
        sizes = {"seconds": 1.0, "processor_seconds": jets / 10, "peak_memory_bytes": jets * 10**6}
        return {"item": item, "jets": jets, "weights": "embedded", **sizes, "code": code}

    monkeypatch.setattr(growth, "measure", measure)
    out = tmp_path / "growth.json"

    def run(*items):
        asked.clear()
        code = growth.measure_all(out, items, (20, 3000), {"toptag": "jets.h5"})
        return code, list(asked)

    return out, run


def test_what_is_known_is_not_measured_again_and_failures_are(measured):
    out, run = measured
    assert run("toptag/fig18") == (0, [("toptag/fig18", 20), ("toptag/fig18", 3000)])
    assert run("toptag/fig18", "toptag/fig19")[1] == [("toptag/fig19", 20), ("toptag/fig19", 3000)]
    assert run("toptag/fig99")[0] == 1
    assert len(run("toptag/fig99")[1]) == 2
    found = json.loads(out.read_text("utf-8"))
    assert {entry["item"] for entry in found["measured"]} == {"toptag/fig18", "toptag/fig19"}
    assert {entry["commit"] for entry in found["measured"]} == {describe_machine("cpu")["commit"]}
    found["machine"]["torch"] = "another"
    out.write_text(json.dumps(found), "utf-8")
    with pytest.raises(BadInput, match="measured with torch another"):
        run("toptag/fig18")
    assert json.loads(out.read_text("utf-8")) == found


def test_the_page_shows_what_was_measured(measured, monkeypatch):
    out, run = measured
    monkeypatch.setattr(measured_tables, "FOLDER", out.parent)
    assert measured_tables.on_page_markdown("<!-- growth -->") == "Nothing has been measured yet."
    run("toptag/fig18")
    page = measured_tables.on_page_markdown("<!-- growth -->")
    assert "| item | weights | 20 jets | 3,000 jets |" in page
    assert "| `toptag/fig18` | embedded | 20 MB, 2 s | 3,000 MB, 300 s |" in page
    found = json.loads(out.read_text("utf-8"))
    found["measured"][0]["commit"], found["measured"][1]["commit"] = "abc", "def"
    out.write_text(json.dumps(found), "utf-8")
    page = measured_tables.on_page_markdown("<!-- growth -->")
    assert "commit `abc`, commit `def` for `toptag/fig18`; load" in page


def test_what_is_committed_can_be_shown():
    page = measured_tables.on_page_markdown("<!-- growth -->")
    assert "| `hbb/fig5` | authors |" in page


@pytest.mark.skipif(find_spec("resource") is None, reason="no system that counts memory so")
def test_what_starts_a_command_does_not_count():
    """This process has more memory than a command that does nothing."""
    held = np.ones(40_000_000)
    found = growth.usage_of(["true"], {})
    assert found["code"] == 0
    assert found["peak_memory_bytes"] < 50e6 < held.nbytes
    assert growth.usage_of(["false"], {})["code"] == 1


def test_mistakes_are_one_line(tmp_path, capsys, monkeypatch):
    out = tmp_path / "growth.json"
    monkeypatch.setattr(growth.sys, "argv", ["growth", "--out", str(out), "--items", "fig18"])
    assert growth.main() == 2
    said = capsys.readouterr().err
    assert "unknown item 'fig18'" in said
    assert said.count("\n") == 1
    assert not out.exists()


@pytest.mark.skipif(find_spec("resource") is None, reason="no system that counts memory so")
def test_an_item_is_measured_in_a_process_of_its_own(tmp_path):
    found = growth.measure("toptag/fig26", 10, tmp_path / "no-jets.h5")
    assert found["code"] == 0
    assert 50e6 < found["peak_memory_bytes"] < 2e9
    assert found["processor_seconds"] > 0
