"""``repro report``: whole, resumable, and described so that other programs take it."""

import collections
import csv
import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repro.cli import main
from repro.data.pins import find_artifact
from repro.errors import BadInput, MissingData
from repro.fair.software import load_software
from repro.figures import report as making

FIGURES = Path(__file__).resolve().parent.parent / "figures"
ITEMS = ("toptag/fig5", "toptag/table8", "hbb/figK7", "hbb/tableK3")
COMPUTING = ["--data", "embedded", "--weights", "embedded", "--jets", "300", "--device", "cpu"]
FAST = ["toptag/fig5", "toptag/fig7"]


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


def graph_of(folder):
    document = json.loads((folder / "ro-crate-metadata.json").read_text("utf-8"))
    return {entity["@id"]: entity for entity in document["@graph"]}


def files_of(folder):
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {"ro-crate-metadata.json"}


def contents(folder):
    return {name: (folder / name).read_bytes() for name in sorted(files_of(folder))}


def entries(value):
    """All references of an entity."""
    if isinstance(value, dict):
        if value.keys() == {"@id"}:
            yield value["@id"]
        for entry in value.values():
            yield from entries(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from entries(entry)


def run(arguments, folder):
    return main(["report", *arguments, *COMPUTING, "--out", str(folder), "-q"])


def check_structure(folder):
    graph = graph_of(folder)
    for entity in graph.values():
        missing = [name for name in entries(entity) if name not in graph]
        allowed = [name for name in missing if name.startswith("https://w3id.org/ro/crate/1.1")]
        assert missing == allowed, entity["@id"]
    listed = {name for name in entries(graph["./"]["hasPart"]) if ":" not in name}
    assert listed == files_of(folder)
    for name in listed:
        content = (folder / name).read_bytes()
        assert graph[name]["sha256"] == hashlib.sha256(content).hexdigest(), name
        assert graph[name]["contentSize"] == str(len(content)), name
    return graph


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
    assert root["license"]["@id"] == f"https://spdx.org/licenses/{load_software().licence}.html"
    assert "inputs are no part of it and keep their own licences" in root["description"]
    other = dataclasses.replace(load_software(), licence="CC0-1.0")
    monkeypatch.setattr("repro.fair.crate.load_software", lambda: other)
    out = tmp_path / "out"
    assert main(["report", FAST[0], "--from", str(FIGURES), "--out", str(out), "-q"]) == 0
    for name in ("./", "reproduce.sh"):
        assert graph_of(out)[name]["license"]["@id"] == "https://spdx.org/licenses/CC0-1.0.html"


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


class Counting:
    """Computes as ever, and counts; stops at an item if it is told to."""

    def __init__(self, stop_at=None, error=KeyboardInterrupt):
        self.items, self.stop_at, self.error = [], stop_at, error
        self.compute = making.compute_item

    def __call__(self, item, context):
        self.items.append(item.id)
        if item.id == self.stop_at:
            raise self.error
        return self.compute(item, context)


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


def metadata_of(folder):
    return (folder / "ro-crate-metadata.json").read_bytes()


def broken_document(folder, **changes):
    document = json.loads((FIGURES / "toptag" / "fig05.json").read_text("utf-8"))
    path = folder / "from" / "toptag" / "fig05.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**document, **changes}))
    return ["toptag/fig5", "--from", str(folder / "from")]


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
