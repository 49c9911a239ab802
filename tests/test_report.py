"""``repro report``: whole, and described so that other programs take it."""

import collections
import csv
import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from report_folders import (
    FAST,
    FIGURES,
    Counting,
    broken_document,
    check_structure,
    contents,
    entries,
    graph_of,
    run,
)

from repro.cli import main
from repro.data.pins import find_artifact
from repro.errors import MissingData
from repro.fair.software import load_software
from repro.figures import report as making

ITEMS = ("toptag/fig5", "toptag/table8", "hbb/figK7", "hbb/tableK3")


@pytest.fixture(autouse=True)
def _off_the_network(monkeypatch, tmp_path):
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(making, "commit", lambda: "a" * 40)


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """A report of committed results of both papers."""
    folder = tmp_path_factory.mktemp("reports") / "taken"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "commit", lambda: "a" * 40)
        assert main(["report", *ITEMS, "--from", str(FIGURES), "--out", str(folder), "-q"]) == 0
    return folder


def test_each_file_is_listed_with_its_hash_and_each_reference_leads_somewhere(taken):
    check_structure(taken)


def test_a_changed_file_would_be_found(taken, tmp_path):
    copy = shutil.copytree(taken, tmp_path / "copy")
    (copy / "verdicts.md").write_text("other")
    with pytest.raises(AssertionError, match=r"verdicts\.md"):
        check_structure(copy)


def test_items_are_as_they_were_and_verdicts_are_theirs(taken):
    claims = []
    for item in ITEMS:
        paper, stem = item.replace("fig5", "fig05").replace("table8", "table08").split("/")
        for suffix in ("json", "csv", "png", "pdf", "md", "tex"):
            original = FIGURES / paper / f"{stem}.{suffix}"
            if original.exists():
                assert (taken / paper / original.name).read_bytes() == original.read_bytes()
        claims += json.loads((FIGURES / paper / f"{stem}.json").read_text("utf-8"))["claims"]
    with (taken / "verdicts.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    expected = {claim["id"]: claim["verdict"] for claim in claims}
    assert {row["id"]: row["verdict"] for row in rows} == expected
    graph = graph_of(taken)
    reviews = [e for e in graph.values() if "ClaimReview" in e["@type"]]
    rated = {
        graph[e["itemReviewed"]["@id"]]["identifier"]: graph[e["reviewRating"]["@id"]]["name"]
        for e in reviews
    }
    assert rated == expected
    number = next(c for c in claims if c["id"] == "toptag/C18.value.pt_0" or c["interval"])
    review = graph[f"#verdict-of/{number['id']}"]
    assert review["value"] == number["got"]
    assert [review.get("minValue"), review.get("maxValue")] == number["interval"]


def test_inputs_have_hash_licence_and_citation_of_their_pins(taken):
    graph = graph_of(taken)
    name = "toptag/weights/TopoDNN/topodnnmodel/variables/variables.index"
    pin = find_artifact(name)
    (entity,) = (e for e in graph.values() if e.get("name") == name)
    assert entity["sha256"] == pin.sha256
    assert entity["identifier"] == pin.swhid
    assert entity["@id"] in pin.urls
    assert graph[entity["license"]["@id"]]["name"] == "No licence stated"
    cited = entity["citation"] if isinstance(entity["citation"], list) else [entity["citation"]]
    assert "; ".join(graph[each["@id"]]["name"] for each in cited) == pin.citation
    assert entity["@id"] in set(entries(graph["#item/toptag/fig5"]["object"]))
    jets = graph["#input/toptag/embedded/matched-1.h5"]
    assert jets["sha256"] == find_artifact("toptag/embedded/matched-1.h5").sha256


def test_a_file_that_is_not_the_pinned_one_has_the_hash_that_was_read(tmp_path):
    document = json.loads((FIGURES / "toptag" / "fig05.json").read_text("utf-8"))
    weights, name = document["weights"], document["weights"][0]["id"]
    other = "0123456789abcdef" * 4
    arguments = broken_document(tmp_path, weights=[{**weights[0], "sha256": other}, *weights[1:]])
    assert main(["report", *arguments, "--out", str(tmp_path / "out"), "-q"]) == 0
    graph = check_structure(tmp_path / "out")
    (entity,) = (e for e in graph.values() if e.get("name") == name)
    assert entity["sha256"] == other
    assert entity["@id"] == f"#input/{name}/{other[:16]}"
    pin = find_artifact(weights[1]["id"])
    assert next(e for e in graph.values() if e.get("name") == pin.id)["@id"] in pin.urls


def test_names_of_any_kind_give_ids_that_lead_somewhere(tmp_path):
    jets = tmp_path / "my jets#1 %é.h5"
    shutil.copy(Path(making.__file__).parents[1] / "data/embedded/toptag_matched_1.h5", jets)
    options = ["--data", str(jets), "--weights", "embedded", "--jets", "300", "-q"]
    out = tmp_path / "report"
    assert main(["report", "toptag/fig5", *options, "--out", str(out)]) in (0, 1)
    graph = check_structure(out)
    (name,) = (name for name, e in graph.items() if e.get("name") == jets.name)
    assert name.startswith("#input/my%20jets%231%20%25%C3%A9.h5")
    assert all(re.fullmatch(r"[!#$%&'()*+,./:;=?@\w~-]+", name, re.ASCII) for name in graph)
    assert not any("#" in name[1:] and name.startswith("#") for name in graph)
    formal = [e for e in graph.values() if e["@type"] == "FormalParameter"]
    assert {e["@id"] for e in formal} == set(entries(graph["reproduce.sh"]["input"]))
    assert all(e["@id"] == f"#parameter/{e['name']}" for e in formal)


def test_the_licence_is_the_package_s_and_not_that_of_inputs(taken, monkeypatch, tmp_path):
    root = graph_of(taken)["./"]
    assert root["license"]["@id"] == f"https://spdx.org/licenses/{load_software().licence}"
    assert "inputs are no part of it and keep their own licences" in root["description"]
    other = dataclasses.replace(load_software(), licence="CC0-1.0")
    monkeypatch.setattr("repro.fair.crate.load_software", lambda: other)
    out = tmp_path / "out"
    assert main(["report", FAST[0], "--from", str(FIGURES), "--out", str(out), "-q"]) == 0
    for name in ("./", "reproduce.sh"):
        assert graph_of(out)[name]["license"]["@id"] == "https://spdx.org/licenses/CC0-1.0"


def test_the_page_needs_nothing_from_elsewhere_and_its_links_lead_somewhere(taken):
    page = (taken / "index.html").read_text("utf-8")
    assert "<script" not in page
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) > 10
    for link in links:
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in page
        else:
            assert (taken / link).is_file(), link


def test_the_same_results_give_the_same_bytes_but_for_times(taken, tmp_path, monkeypatch):
    first = contents(taken)
    again = tmp_path / "again"
    for module in ("repro.fair.report_folder", "repro.figures.report"):
        monkeypatch.setattr(f"{module}.now", lambda: "2030-01-01T00:00:00+00:00")
    assert main(["report", *ITEMS, "--from", str(FIGURES), "--out", str(again), "-q"]) == 0
    second = contents(again)
    assert {name for name in first if first[name] != second[name]} == {"report.json"}
    times = re.compile(r'"20\d\d-[^"]+"')
    for name in ("report.json", "ro-crate-metadata.json"):
        texts = [(folder / name).read_text("utf-8") for folder in (taken, again)]
        # The record holds a time, and so has another hash.
        plain = [re.sub(r'"sha256": "[0-9a-f]+"', "", times.sub("", text)) for text in texts]
        assert plain[0] == plain[1]


def test_without_ids_it_takes_what_is_there_and_says_what_is_not(tmp_path, capsys):
    source = tmp_path / "some"
    (source / "toptag").mkdir(parents=True)
    shutil.copy(FIGURES / "toptag" / "fig05.json", source / "toptag")
    out = tmp_path / "out"
    main(["report", "--paper", "toptag", "--from", str(source), "--out", str(out), "-q"])
    # Its picture was not beside it.
    drawn = (out / "toptag" / "fig05.png").read_bytes()
    assert drawn == (FIGURES / "toptag" / "fig05.png").read_bytes()
    rows = list(csv.DictReader((out / "verdicts.csv").read_text("utf-8").splitlines()))
    reasons = collections.Counter(row["reason"] for row in rows if row["item"] == "toptag/table1")
    assert set(reasons) == {"no result of toptag/table1 was at hand"}
    assert len(graph_of(out)["./"]["mentions"]) == 2
    assert "not tested" in capsys.readouterr().out


def deviating():
    for path in sorted(FIGURES.glob("*/*.json")):
        document = json.loads(path.read_text("utf-8"))
        if any(claim["verdict"] == "deviates" for claim in document["claims"]):
            return document["item"]
    pytest.skip("no committed claim deviates")


def test_exit_codes_are_those_of_verify(tmp_path, capsys):
    take = ["report", "--from", str(FIGURES), "-q", "--out"]
    assert main([*take, str(tmp_path / "a"), deviating()]) == 1
    assert main([*take, str(tmp_path / "b"), "hbb/tableK3"]) == 0
    assert main([*take, str(tmp_path / "c"), "hbb/tableK3", "--strict"]) == 1
    # A claim stands for the item that computes it.
    assert main([*take, str(tmp_path / "d"), "toptag/C18"]) == 0
    assert (tmp_path / "d" / "toptag" / "fig05.json").is_file()
    assert capsys.readouterr().out.splitlines()[-1] == f"wrote {tmp_path / 'd'}"


def validate(folder):
    script = Path(__file__).with_name("validate_crate.py")
    command = [sys.executable, str(script), str(folder), "required"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_public_validator_takes_the_crate(taken, tmp_path, monkeypatch):
    pytest.importorskip("rocrate_validator")
    assert validate(taken) == []
    out = tmp_path / "report"
    counting = Counting(stop_at="toptag/fig7", error=MissingData("no such jets"))
    monkeypatch.setattr(making, "compute_item", counting)
    run(FAST, out)
    assert validate(out) == []
    # It would say what is wrong.
    metadata = out / "ro-crate-metadata.json"
    document = json.loads(metadata.read_text("utf-8"))
    for entity in document["@graph"]:
        entity.pop("instrument", None)
    metadata.write_text(json.dumps(document))
    assert validate(out) != []
