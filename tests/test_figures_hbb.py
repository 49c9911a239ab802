"""Items of hbb: what the weights alone give, and what jets of record 12102 add."""

import dataclasses
import itertools
import json
from importlib import resources

import jsonschema
import numpy as np
import pytest
import torch
from interaction_oracle import rows_of
from record_files import computing, jets_of_a_class_by_chance, write_record
from sklearn.metrics import roc_auc_score

from repro.catalogue import find_item, load_claims, load_items
from repro.cli import main
from repro.data.hbb.opening import open_table
from repro.errors import MissingData, NotAvailable
from repro.figures.hbb.fig02 import largest_change
from repro.figures.hbb.figP1 import render as render_onnx
from repro.figures.record_scores import score_record
from repro.figures.run import compute_item, render_item
from repro.metrics.fidelity import fidelity
from repro.metrics.intervals import placements
from repro.models.cards import load_cards
from repro.models.tagger import predict_logits
from repro.results.document import look_up

SCHEMA = json.loads(resources.files("repro.results").joinpath("schema.json").read_text("utf-8"))
ITEMS = [item for item in load_items("hbb") if item.module]
IDS = [item.id for item in ITEMS]
LABELS = list(load_cards("in"))
# Claims that the weights decide; every other one needs jets.
OF_CARDS = "hbb/C26.epochs"
"""How long trainings took is told by the cards of those that ship."""
ROUNDING = "it is rounding"
ALONE = {f"hbb/C{number}" for number in range(1, 9)}
WITH_JETS = {"hbb/C4.auc"}
COUNTED = ("hbb/C20.parameters", "hbb/C20.ratio")


def of_weights(claim_id):
    """Whether the weights alone decide a claim."""
    group = claim_id.partition(".")[0]
    return claim_id.startswith(COUNTED) or (group in ALONE and claim_id not in WITH_JETS)


WEIGHED = {claim.item for claim in load_claims("hbb") if of_weights(claim.id)}
OF_WEIGHTS = [item for item in ITEMS if item.id in WEIGHED]


@pytest.fixture(scope="module", autouse=True)
def few_neighbours():
    """A tenth of the draws says as much to a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repro.figures.known_relevance._NEIGHBOURS", 6)
        yield


@pytest.fixture(scope="module")
def context(make_context):
    return make_context(data="fixtures", weights="authors")


@pytest.fixture(scope="module")
def compute(context):
    return computing(context)


@pytest.fixture(scope="module")
def jets():
    return jets_of_a_class_by_chance(260)


@pytest.fixture(scope="module")
def record(jets, tmp_path_factory):
    """A file as the authors' converter makes them."""
    return write_record(tmp_path_factory.mktemp("record") / "newdata_0.h5", *jets)


# --- without jets --------------------------------------------------------------------------------


def test_the_first_items_are_there():
    assert {"table1", "fig2", "figP1", "tableK4", "fig10", "fig11"} <= {
        name.partition("/")[2] for name in IDS
    }


@pytest.mark.parametrize("item", OF_WEIGHTS, ids=lambda item: item.id)
def test_claims_about_weights_are_reproduced_and_others_say_what_they_lack(compute, item):
    result = compute(item.id)
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    assert [entry["id"] for entry in result.claims] == [
        claim.id for claim in load_claims("hbb") if claim.item == item.id
    ]
    alone = 0
    for entry in result.claims:
        if of_weights(entry["id"]):
            alone += 1
            if ROUNDING in entry["reason"]:  # has a test of its own
                assert entry["verdict"] == "not tested"
                continue
            assert entry["verdict"] == "reproduced", entry
            assert "weights alone" in entry["reason"]
        elif entry["id"] == OF_CARDS:
            assert entry["verdict"] == "replicated", entry
            assert "pairs of own trainings" in entry["reason"]
        else:
            assert entry["verdict"] == "not tested", entry
            of_other_jets = "learned from other jets than those of the record" in entry["reason"]
            assert of_other_jets or entry["got"] is None
            lacking = ("stored no jets of hbb", "TensorRT is not run here")
            assert of_other_jets or any(words in entry["reason"] for words in lacking)
    assert alone


def test_all_claims_about_weights_have_an_item(compute):
    known = {claim.id for claim in load_claims("hbb") if of_weights(claim.id)}
    reproduced = {
        entry["id"]
        for item in OF_WEIGHTS
        for entry in compute(item.id).claims
        if entry["verdict"] == "reproduced" or ROUNDING in entry["reason"]
    }
    assert reproduced == known


@pytest.mark.parametrize("item", ITEMS, ids=IDS)
def test_evidence_speaks_of_values_that_are_there(compute, item):
    result = compute(item.id)
    for path, evidence in result.evidence.items():
        if path and evidence.kind != "missing":
            assert look_up(result.values, path) is not None, path
    assert result.data["jets"] == 0


@pytest.mark.parametrize(
    "item", [item for item in OF_WEIGHTS if item.kind == "fig"], ids=lambda item: item.id
)
def test_pictures_say_that_the_jets_are_artificial(compute, item):
    result = compute(item.id)
    figure = render_item(item, result)
    assert "artificial" in figure._supxlabel.get_text()
    assert "weights: the authors'" in figure._supxlabel.get_text()


def test_table_has_all_models_and_says_nothing_of_performance(compute):
    rows = compute("hbb/table1").values["rows"]
    assert set(rows) == set(LABELS)
    assert list(rows)[-1] == "random_split"
    for label, row in rows.items():
        assert row["auc"] is row["fidelity"] is row["sparsity_qcd"] is None
        if label.endswith("_preload"):
            assert row["preloaded"] is True
    assert rows["psvfeaturesdropped_001_preload"]["tracks_dropped"] == 11
    assert rows["psvfeaturesdropped_001_preload"]["vertices_dropped"] == 3


def test_other_weights_have_other_logits_and_hashes(compute):
    """The comparison with what is claimed could fail."""
    values = compute("hbb/table1").values
    digests = list(values["weights"]["sha256"].values())
    assert len(set(digests)) == len(digests) == 31
    for first, second in itertools.combinations(LABELS, 2):
        one, other = (values["golden"][label]["b0"]["qcd"] for label in (first, second))
        assert abs(one - other) > 1e-3 * abs(one) + 1e-3


def test_patterns_are_those_of_every_node(compute):
    shown = compute("hbb/fig10").values["artificial"]
    for kind in ("weighted", "unweighted"):
        for name in ("qcd", "hbb"):
            rna = shown[kind]["rna"][name]
            assert [len(nodes) for nodes in rna.values()] == [60, 60, 20, 60, 60, 20, 60, 60, 24]
            assert all(max(nodes) == 1 for nodes in rna.values())
        for layer, nodes in shown[kind]["difference"].items():
            gap = np.subtract(shown[kind]["rna"]["hbb"][layer], shown[kind]["rna"]["qcd"][layer])
            np.testing.assert_allclose(nodes, np.abs(gap), atol=1e-12)


def test_relevance_is_that_of_two_forms_of_the_rule(compute):
    values = compute("hbb/fig11").values
    forms = [values["double"][name]["target0"] for name in ("gamma", "gamma_constant")]
    assert abs(forms[0]["track_ptrel"] - forms[1]["track_ptrel"]) > 0.01
    for form in forms:
        assert form["total"] == pytest.approx(1, abs=1e-3)


def test_shares_that_rounding_moves_decide_no_claim(compute):
    result = compute("hbb/fig11")
    for entry in result.claims:
        if not entry["id"].startswith("hbb/C8"):
            continue
        path = next(claim.value for claim in load_claims("hbb") if claim.id == entry["id"])
        name, key, feature = path.split(".")[1:]
        move = result.values["moves"][name][key][feature]
        allowed = next(c.reproduction for c in load_claims("hbb") if c.id == entry["id"])
        ill = move > allowed.distance(entry["expected"])
        assert entry["verdict"] == ("not tested" if ill else "reproduced"), entry["id"]
        assert entry["got"] is not None
        assert (ROUNDING in entry["reason"]) == ill
    drawn = {(name, key) for name, by_key in result.values["moves"].items() for key in by_key}
    claimed = (
        c.value.split(".")
        for c in load_claims("hbb")
        if c.item == "hbb/fig11" and (c.value or "").startswith("golden")
    )
    assert drawn == {(path[1], path[2]) for path in claimed}
    moves = result.values["moves"]["gamma"]
    assert moves["target0"]["track_erel"] > 0.001 > moves["target0"]["sv_erel"]
    exact = [result.values[kind]["gamma"]["target0"]["sv_erel"] for kind in ("golden", "double")]
    assert exact[0] == pytest.approx(exact[1], abs=1e-4)


def test_change_of_logits_is_seen():
    before = np.array([[1.0, -2.0], [4.0, 1.0]])
    assert largest_change(before, before) == 0
    assert largest_change(before, before + np.array([[0.5, 0], [0, -1]])) == 0.25


# --- libraries and weights that are not there ----------------------------------------------------


def test_without_onnx_the_claim_says_what_to_install(context, monkeypatch):
    def absent(name, advice):
        raise NotAvailable(f"{name} is not installed and {advice}")

    monkeypatch.setattr("repro.figures.hbb.figP1.load_optional", absent)
    result = compute_item(find_item("hbb/figP1"), context)
    verdicts = {entry["id"]: entry for entry in result.claims}
    for name in ("own_export", "published_file"):
        assert verdicts[f"hbb/C5.{name}"]["verdict"] == "not tested"
        assert "pip install 'repro[onnx]'" in verdicts[f"hbb/C5.{name}"]["reason"]
    assert verdicts["hbb/C2.sha256.onnx"]["verdict"] == "reproduced"
    assert render_onnx(result) is not None


def test_our_own_export_is_compared_where_the_published_file_is_out_of_reach(
    make_context, monkeypatch
):
    pytest.importorskip("onnxruntime")
    context = make_context(data="fixtures")
    fetch = type(context).fetch

    def without(self, name):
        if name.endswith(".onnx"):
            raise MissingData("it is out of reach")
        return fetch(self, name)

    monkeypatch.setattr(type(context), "fetch", without)
    verdicts = {e["id"]: e for e in compute_item(find_item("hbb/figP1"), context).claims}
    assert verdicts["hbb/C5.own_export"]["verdict"] == "reproduced"
    assert verdicts["hbb/C5.published_file"]["verdict"] == "not tested"
    assert "it is out of reach" in verdicts["hbb/C5.published_file"]["reason"]


# --- with jets -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_jets(make_context, record):
    return make_context(data=str(record), weights="authors")


@pytest.fixture(scope="module")
def scored(with_jets):
    taggers = {name: with_jets.tagger(f"in:{name}") for name in ("baseline", "De8")}
    return score_record(with_jets, taggers)


def probabilities(context, name, tracks, vertices):
    network = context.tagger(f"in:{name}").network
    logits = torch.from_numpy(predict_logits(network, rows_of(tracks, vertices)))
    return torch.softmax(logits.double(), dim=1)[:, 1].numpy()


def test_performance_is_that_of_independent_formulae(with_jets, scored, jets):
    tracks, vertices, targets = jets
    first, mine = (probabilities(with_jets, name, tracks, vertices) for name in ("baseline", "De8"))
    row = scored.row("De8", "baseline")
    labels, known = targets[:, 1], targets.any(axis=1)
    assert row["auc"].value == pytest.approx(100 * roc_auc_score(labels, mine), abs=0.01)
    assert row["auc_without_unlabelled"].value == pytest.approx(
        100 * roc_auc_score(labels[known], mine[known]), abs=0.01
    )
    assert row["auc"].value != row["auc_without_unlabelled"].value
    assert row["fidelity"].value == pytest.approx(100 * (1 - np.abs(mine - first).mean()), abs=1e-3)
    gap = 100 * (roc_auc_score(labels, mine) - roc_auc_score(labels, first))
    assert row["auc_minus_baseline"].value == pytest.approx(gap, abs=0.02)
    for name in ("auc", "fidelity", "sparsity_qcd", "sparsity_hbb"):
        assert row[name].low <= row[name].value <= row[name].high


def test_the_baseline_is_placed_once(scored, monkeypatch):
    fresh = dataclasses.replace(scored)
    placed = []

    def spy(scores, labels):
        placed.append(len(scores))
        return placements(scores, labels)

    monkeypatch.setattr("repro.figures.record_scores.placements", spy)
    rows = [fresh.row("De8", "baseline") for _ in range(3)]
    assert len(placed) == 4
    assert rows[0]["auc_minus_baseline"] == rows[2]["auc_minus_baseline"]


def test_chunks_do_not_change_the_numbers(with_jets, scored, monkeypatch):
    read = type(with_jets.record).iter_jets

    def in_pieces(self, unlabelled="background", *, start=0):
        with open_table(self.paths[0]) as table:
            yield from table.iter_jets(start=start, chunk=37, unlabelled=unlabelled)

    assert read is not in_pieces
    monkeypatch.setattr(type(with_jets.record), "iter_jets", in_pieces)
    other = score_record(
        with_jets, {name: with_jets.tagger(f"in:{name}") for name in scored.scores}
    )
    for name in scored.scores:
        first, second = (one.row(name, "baseline") for one in (scored, other))
        for column, number in first.items():
            assert second[column].value == pytest.approx(number.value, abs=1e-4), column


def test_fidelity_of_a_network_with_itself_is_complete():
    scores = np.random.default_rng(0).random(50).astype(np.float32)
    found = fidelity(scores, scores)
    assert (found.value, found.low, found.high) == (100, 100, 100)


def test_jets_of_a_file_do_not_decide_by_the_papers_tolerance(with_jets, scored):
    jets = scored.jets(with_jets)
    assert jets.kind == "other"
    assert "without a label" in jets.description
    assert scored.evidence(with_jets, own_weights=False).kind == "few"


def test_the_command_works_without_jets_and_with_a_file(
    monkeypatch, tmp_path, capsys, store, record
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_MIRROR", store.mirrors[0])
    monkeypatch.setenv("REPRO_CACHE", str(store.directory))
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    command = ["table", "1", "--paper", "hbb", "--weights", "authors"]
    assert main([*command, "--data", "fixtures"]) == 0
    shown = capsys.readouterr()
    assert "data: no jets" in shown.err
    assert "data: none, 0 jets" in shown.out
    line = ["table", "1", "--paper", "hbb", "--weights", "authors", "--data", str(record)]
    assert main([*line, "--jets", "60"]) == 0
    shown = capsys.readouterr()
    assert "data: newdata_0.h5, 60 jets (first 60)" in shown.out
    written = json.loads((tmp_path / "results" / "hbb" / "table01.json").read_text())
    jsonschema.validate(written, SCHEMA)
    assert written["values"]["rows"]["De8"]["auc"]["interval"]
    assert main(["fig", "11", "--paper", "hbb", "--data", "nowhere.root"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
