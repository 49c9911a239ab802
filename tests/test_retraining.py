"""How much sooner preloaded networks are trained, by cards of small trainings made here."""

import json
import logging
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from record_files import jets_of_a_class_by_chance, write_record
from scipy.stats import ttest_1samp

from repro.catalogue import find_item
from repro.cli import main
from repro.errors import IntegrityError
from repro.figures.retraining import mean_ratio, read_trainings, speed_ups, training_values
from repro.figures.run import compute_item
from repro.models.embedded_weights import embedded_trainings

PAIR = ("pfeaturesdropped_100", "pfeaturesdropped_100_preload")
SEEDS = (0, 1, 2)
KEYS = ("0001", "0005", "001", "005", "100")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Cards as those that would be shipped, of six trainings of three epochs each."""
    logger = logging.getLogger("repro")
    handlers, propagate, level = logger.handlers[:], logger.propagate, logger.level
    base = tmp_path_factory.mktemp("trainings")
    jets = write_record(base / "newdata_0.h5", *jets_of_a_class_by_chance(260))
    short = ["--data", str(jets), "--recipe", "published", "-q", "--device", "cpu"]
    begin = ["--epochs", "1", "--out", str(base / "first")]
    assert main(["train", "in:baseline", *short, *begin]) == 0
    cards = base / "embedded"
    cards.mkdir()
    for seed in SEEDS:
        for label in PAIR:
            out = base / f"{label}-{seed}"
            more = ["--epochs", "3", "--seed", str(seed), "--out", str(out)]
            if label.endswith("_preload"):
                more += ["--preload", str(base / "first" / "weights.safetensors")]
            assert main(["train", f"in:{label}", *short, *more]) == 0
            shutil.copy(out / "card.json", cards / f"in-{label}.{seed}.json")
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)
    return cards


@pytest.fixture
def trained(folder, monkeypatch):
    monkeypatch.setattr("repro.models.embedded_weights._folder", lambda: folder)
    return read_trainings()


def test_cards_have_the_history_of_each_epoch(trained, folder):
    assert [(t.label, t.seed) for t in trained] == [(n, s) for n in PAIR for s in SEEDS]
    for training in trained:
        assert len(training.loss) == 3
        assert training.chosen_epoch == 1 + int(np.argmin(training.loss))
        assert training.preloaded == training.label.endswith("_preload")
        card = json.loads((folder / f"in-{training.label}.{training.seed}.json").read_text())
        history = card["training"]["history"]
        assert training.seconds == sum(e["seconds"] for e in history[: training.chosen_epoch])
        assert all(0 <= epoch["validation_auc"] <= 1 for epoch in history)
        assert training.auc == 100 * card["metrics"]["validation"]["auc"]["value"]


def test_pairs_have_one_seed_and_the_same_jets(trained):
    pairs = speed_ups(trained)
    assert list(pairs) == ["100"]
    assert [one["seed"] for one in pairs["100"]] == list(SEEDS)
    known = {(t.label, t.seed): t for t in trained}
    for one in pairs["100"]:
        random, preloaded = (known[label, one["seed"]] for label in PAIR)
        assert one["epochs_ratio"] == random.chosen_epoch / preloaded.chosen_epoch
        assert one["seconds_ratio"] == random.seconds / preloaded.seconds


def test_trainings_of_other_jets_are_no_pair(trained):
    moved = [
        t if t.preloaded else type(t)(**{**vars(t), "jets": {**t.jets, "sha256": "another"}})
        for t in trained
    ]
    assert speed_ups(moved) == {}
    assert speed_ups(t for t in trained if t.preloaded) == {}


def test_table_judges_the_speed_up_by_its_interval(make_context, trained):
    result = compute_item(find_item("hbb/tableK4"), make_context(data="fixtures"))
    (entry,) = (e for e in result.claims if e["id"] == "hbb/C26.epochs")
    ratios = [one["epochs_ratio"] for one in speed_ups(trained)["100"]]
    assert entry["got"] == pytest.approx(math.exp(np.mean(np.log(ratios))))
    assert "3 pairs of own trainings, 3 seeds" in entry["reason"]
    ratio, bound = result.values["speed_up"]["epochs"], 1.5
    low, high = ratio["interval"]
    if low >= bound:
        assert entry["verdict"] == "replicated"
    else:
        far = ratio["value"] + (high - low) < bound
        assert entry["verdict"] == ("deviates" if far else "not tested")


@pytest.mark.usefixtures("trained")
def test_values_of_trainings_say_that_they_rest_on_own_weights(make_context, folder):
    result = compute_item(find_item("hbb/tableK4"), make_context(data="fixtures"))
    for path in ("speed_up.epochs", "pairs.100"):
        evidence = result.evidence_for(path)
        assert evidence.own_weights
        assert "own trainings" in evidence.description
    assert not result.evidence_for("rows.De16.cosine").own_weights
    assert "weights alone" in result.evidence_for("rows.De16.tensors").description
    assert "weights alone" not in result.evidence_for("rows.De16.auc").description
    cards = [json.loads(path.read_text()) for path in folder.iterdir()]
    own = {entry["sha256"] for entry in result.weights if entry["source"] == "embedded"}
    assert own == {card["weights"]["sha256"] for card in cards}
    named = {digest for one in result.values["pairs"]["100"] for digest in one["weights"]}
    assert own == named


def test_interval_is_one_over_seeds(trained):
    """Pairs of one seed share a baseline, and are no independent trainings."""
    one_seed = [training for training in trained if training.seed == 0]
    values, evidence = training_values(one_seed)
    assert "one seed" in evidence.description
    assert math.isnan(values["speed_up"]["epochs"].low)
    copies = [replace(t, label=t.label.replace("100", key)) for t in trained for key in KEYS]
    values, evidence = training_values(copies)
    assert "15 pairs of own trainings, 3 seeds" in evidence.description
    once = training_values(trained)[0]["speed_up"]["epochs"]
    assert values["speed_up"]["epochs"] == once


def test_without_cards_it_is_not_tested(make_context, tmp_path, monkeypatch):
    monkeypatch.setattr("repro.models.embedded_weights._folder", lambda: tmp_path)
    values, evidence = training_values(read_trainings())
    assert values == {"speed_up": {}}
    assert evidence.kind == "missing"
    result = compute_item(find_item("hbb/tableK4"), make_context(data="fixtures"))
    (entry,) = (e for e in result.claims if e["id"] == "hbb/C26.epochs")
    assert entry["verdict"] == "not tested"
    assert "this version ships no pair of trainings" in entry["reason"]


def test_a_card_that_is_damaged_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "in-baseline.json").write_text("{")
    monkeypatch.setattr("repro.models.embedded_weights._folder", lambda: tmp_path)
    with pytest.raises(IntegrityError, match="install the package again"):
        embedded_trainings("in")


def test_mean_ratio_has_students_interval():
    ratios = [2.0, 3.0, 8.0]
    found = mean_ratio(ratios)
    wanted = ttest_1samp(np.log(ratios), 0).confidence_interval(0.95)
    np.testing.assert_allclose([found.low, found.high], np.exp(wanted), rtol=1e-9)
    assert found.value == pytest.approx(48 ** (1 / 3))
    assert math.isnan(mean_ratio([2.0, 3.0]).low)
