"""Figures 2 and P1 of hbb on jets: permuted slots, and one network in two libraries."""

from functools import partial

import numpy as np
import pytest
import torch
from interaction_oracle import rows_of
from record_files import computing, jets_of_a_class_by_chance, write_record
from sklearn.metrics import accuracy_score, roc_auc_score
from stopped_runs import recording, stopping_after

from repro.catalogue import find_item, load_claims
from repro.data.hbb.opening import open_table
from repro.errors import NotAvailable
from repro.figures.hbb import fig02, figP1
from repro.figures.run import compute_item, render_item
from repro.models.tagger import predict_logits
from repro.results.document import look_up, plain

ITEMS = {"hbb/fig2": fig02.compute, "hbb/figP1": figP1.compute}
JETS = 260
SIZES = (8, 32)


@pytest.fixture(scope="module", autouse=True)
def small_batches():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repro.figures.portability._SIZES", SIZES)
        patch.setattr("repro.figures.portability._TIMED", 64)
        yield


@pytest.fixture(scope="module")
def jets():
    return jets_of_a_class_by_chance(JETS)


@pytest.fixture(scope="module")
def record(jets, tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("record") / "newdata_0.h5", *jets)


@pytest.fixture(scope="module")
def context(make_context, record):
    return make_context(data=str(record), weights="authors")


@pytest.fixture(scope="module")
def compute(context):
    return computing(context)


def probability(context, name, tracks, vertices):
    network = context.tagger(f"in:{name}").network
    logits = torch.from_numpy(predict_logits(network, rows_of(tracks, vertices)))
    return torch.softmax(logits.double(), dim=1)[:, 1].numpy()


# --- figure 2 ----------------------------------------------------------------------------------


def test_curves_before_and_after_are_those_of_the_jets(compute, context, jets):
    values = compute("hbb/fig2").values
    tracks, vertices, targets = jets
    area = 100 * roc_auc_score(targets[:, 1], probability(context, "baseline", tracks, vertices))
    for name in ("before", "after"):
        assert values["auc"][name]["value"] == pytest.approx(area, abs=0.02)
        assert len(values["curves"][name]["signal"]) > 10
    gap = values["invariance"]["auc_difference"]
    assert gap["value"] == pytest.approx(
        values["auc"]["after"]["value"] - values["auc"]["before"]["value"], abs=1e-9
    )
    assert 0 < values["invariance"]["jets_max_relative_difference"] < 1e-4


def test_the_claim_on_the_auc_is_judged_by_its_interval(compute):
    claims = {entry["id"]: entry for entry in compute("hbb/fig2").claims}
    assert claims["hbb/C4.logits"]["verdict"] == "reproduced"
    assert claims["hbb/C4.auc"]["interval"] is not None


def test_another_network_is_not_invariant(context, monkeypatch):
    """Were the order seen, the test would say so."""
    look = "repro.figures.hbb.fig02.logits_of"

    def ordered(_context, _tagger, tracks, vertices):
        first = tracks[:, 0, 0] + vertices[:, 0, 0]
        return np.stack([np.ones_like(first), 3 + first], axis=1)

    monkeypatch.setattr(look, ordered)
    values = compute_item(find_item("hbb/fig2"), context).values
    assert values["invariance"]["max_relative_difference"] > 0.01
    assert values["invariance"]["auc_difference"]["value"] != 0


# --- figure P1 ---------------------------------------------------------------------------------


def test_performance_is_that_of_labelled_jets(compute, context, jets):
    tracks, vertices, targets = jets
    known = targets.any(axis=1)
    scores = probability(context, "random_split", tracks, vertices)[known]
    labels = targets[known, 1]
    found = compute("hbb/figP1").values["random_split"]
    assert found["auc"]["value"] == pytest.approx(roc_auc_score(labels, scores), abs=2e-4)
    assert found["accuracy"]["value"] == accuracy_score(labels, scores > 0.5)
    assert compute("hbb/figP1").data["jets"] == JETS


def test_both_libraries_give_the_same(compute):
    pytest.importorskip("onnxruntime")
    found = compute("hbb/figP1").values["random_split"]
    assert found["max_abs_difference"] < 1e-5
    assert found["auc_pytorch_minus_onnx"]["value"] == pytest.approx(0, abs=1e-4)
    assert len(found["auc_pytorch_minus_onnx"]["interval"]) == 2


def test_throughput_has_runs_for_each_batch(compute):
    speeds = compute("hbb/figP1").values["throughput"]
    for sizes in speeds.values():
        assert list(sizes) == [str(size) for size in SIZES]
        for one in sizes.values():
            assert one["median"] == pytest.approx(np.median(one["runs"]), abs=0.1)
            assert min(one["runs"]) > 0


def test_without_onnx_runtime_pytorch_alone_is_measured(context, monkeypatch):
    def absent(_path):
        raise NotAvailable("onnxruntime is not installed")

    monkeypatch.setattr("repro.figures.hbb.figP1.open_onnx", absent)
    monkeypatch.setattr("repro.figures.hbb.figP1.load_optional", absent_library)
    result = compute_item(find_item("hbb/figP1"), context)
    assert list(result.values["throughput"]) == ["pytorch"]
    claims = {entry["id"]: entry for entry in result.claims}
    assert "pip install 'repro[onnx]'" in claims["hbb/P1.onnx_auc"]["reason"]
    assert claims["hbb/P1.auc"]["got"] is not None
    assert render_item(find_item("hbb/figP1"), result).axes


def absent_library(name, advice):
    raise NotAvailable(f"{name} is not installed and {advice}")


# --- both --------------------------------------------------------------------------------------


def in_pieces(self, unlabelled="background", *, start=0):
    with open_table(self.files[0]) as table:
        yield from table.iter_jets(start=start, chunk=60, unlabelled=unlabelled)


@pytest.mark.parametrize("item_id", ["hbb/fig2", "hbb/figP1"])
def test_a_stopped_run_goes_on(make_context, context, monkeypatch, item_id):
    if item_id == "hbb/figP1":
        pytest.importorskip("onnxruntime")
        monkeypatch.setattr("repro.figures.hbb.figP1.measure_speed", lambda *_given: {})
    compute = ITEMS[item_id]
    monkeypatch.setattr(type(context.record), "iter_jets", in_pieces)
    whole = compute(context).values
    stopped = make_context(data=str(context.record.files[0]), weights="authors")
    with monkeypatch.context() as patch:
        patch.setattr(type(stopped), "progress_of_jets", stopping_after(2))
        with pytest.raises(KeyboardInterrupt):
            compute(stopped)
    steps = []
    with monkeypatch.context() as patch:
        patch.setattr(type(stopped), "progress_of_jets", recording(steps))
        found = compute(stopped).values
    assert [len(jets) for jets in steps] == [60, 60, 20]
    assert plain(found) == plain(whole)


def stop_while_drawing(context, item_id):
    with context.stopped.until_written():
        compute_item(find_item(item_id), context)
        raise KeyboardInterrupt


@pytest.mark.parametrize("item_id", ["hbb/fig2", "hbb/figP1"])
def test_a_run_that_is_stopped_after_the_pass_passes_over_no_jet_again(
    make_context, context, monkeypatch, item_id
):
    if item_id == "hbb/figP1":
        pytest.importorskip("onnxruntime")
        monkeypatch.setattr("repro.figures.hbb.figP1.measure_speed", lambda *_given: {})
    make = partial(make_context, data=str(context.record.files[0]), weights="authors")
    # The cache is shared with other tests, which may have left something.
    before = set(context.stopped.place.glob("*"))
    with pytest.raises(KeyboardInterrupt):
        stop_while_drawing(make(), item_id)
    assert len(set(context.stopped.place.glob("*")) - before) == 1
    steps = []
    again = make()
    monkeypatch.setattr(type(again), "progress_of_jets", recording(steps))
    found = compute_item(find_item(item_id), again)
    assert steps == []
    assert found.values["auc" if item_id == "hbb/fig2" else "random_split"]
    assert set(again.stopped.place.glob("*")) == before


@pytest.mark.parametrize("item_id", ["hbb/fig2", "hbb/figP1"])
def test_claims_find_their_numbers_and_pictures_are_drawn(compute, item_id, tmp_path):
    pytest.importorskip("onnxruntime")
    result = compute(item_id)
    for claim in load_claims("hbb"):
        if claim.item == item_id:
            there = look_up(result.values, claim.value) is not None
            evidence = result.evidence_for(claim.value)
            assert there or "TensorRT is not run here" in evidence.description, claim.value
    path = tmp_path / "result.json"
    path.write_text(result.to_json())
    figure = render_item(find_item(item_id), type(result).from_json(path))
    assert f"{JETS} jets" in figure._supxlabel.get_text()
