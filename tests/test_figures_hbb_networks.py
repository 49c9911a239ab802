"""Items of hbb that run all networks on jets: table 1, table K4, figures 9, 10, K5, K6 and K7."""

import itertools
import json

import numpy as np
import pytest
import torch
from interaction_oracle import rows_of
from record_files import computing, jets_of_a_class_by_chance, write_record
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score, roc_curve
from stopped_runs import recording, stopping_after

from repro.catalogue import find_item, load_claims
from repro.cli import main
from repro.data.hbb.opening import open_table
from repro.errors import BadInput, UnknownName
from repro.explain.activation_patterns import ActivityCounter
from repro.explain.activity_contrast import contrast_classes
from repro.figures import record_scores
from repro.figures.hbb.fig10 import render as render_patterns
from repro.figures.interaction import rows_of as rows_seen
from repro.figures.record_scores import Watched, networks_on_record, score_record
from repro.figures.retrained import labels_of, pairs_of_labels
from repro.figures.run import compute_item, render_item
from repro.models.cards import load_cards
from repro.models.interaction_network import LAYERS
from repro.models.scores import score
from repro.models.tagger import predict_logits
from repro.results.document import look_up

LABELS = list(load_cards("in"))
ITEMS = ["hbb/table1", "hbb/tableK4", "hbb/fig9", "hbb/fig10", "hbb/figK5", "hbb/figK6"]
SQUEEZED = "pfeaturesdropped14_hidden16_De8_Do8"


@pytest.fixture(scope="module")
def jets():
    return jets_of_a_class_by_chance(260)


@pytest.fixture(scope="module")
def record(jets, tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("record") / "newdata_0.h5", *jets)


@pytest.fixture(scope="module")
def context(make_context, record):
    return make_context(data=str(record), weights="authors")


@pytest.fixture(scope="module")
def compute(context):
    return computing(context)


@pytest.fixture(scope="module")
def probabilities(context, jets):
    """P(H→bb̄) by label, of a forward pass through each network."""

    def of(label):
        tagger = context.tagger(f"in:{label}")
        logits = predict_logits(tagger.network, rows_seen(tagger, *jets[:2]))
        return torch.softmax(torch.from_numpy(logits).double(), dim=1)[:, 1].numpy()

    return of


# --- activity of two classes ---------------------------------------------------------------------


@pytest.mark.parametrize("fired", [False, True])
def test_contrast_is_that_of_plain_sums(context, jets, fired):
    tracks, vertices, targets = jets
    network = context.tagger("in").network
    rows, labels = rows_of(tracks, vertices), targets[:, 1].astype(np.int64)
    counter = ActivityCounter(network, fired=fired)
    counter.add(rows, labels)
    found = contrast_classes(counter, ("qcd", "hbb"))
    sums = network.summed_activations(torch.from_numpy(rows), fired=fired)
    quiet = {"qcd": 0, "hbb": 0}
    for layer, activations in zip(LAYERS, sums, strict=True):
        by_class = [activations[labels == k].double().sum(dim=0).numpy() for k in (0, 1)]
        rna = [total / total.max() for total in by_class]
        shown = {name: found.by_layer(found.rna[name].value)[layer] for name in quiet}
        for name, wanted in zip(quiet, rna, strict=True):
            np.testing.assert_allclose(shown[name], wanted, rtol=1e-5, atol=1e-9)
            quiet[name] += (wanted < 0.2).sum()
            assert found.quiet[name][layer].value == pytest.approx((wanted < 0.2).mean())
        gap = np.abs(rna[1] - rna[0])
        assert found.correlation[layer].value == pytest.approx(np.corrcoef(*rna)[0, 1], abs=1e-6)
        assert found.largest[layer].value == pytest.approx(gap.max(), abs=1e-6)
        assert found.mean[layer].value == pytest.approx(gap.mean(), abs=1e-6)
    early = [found.correlation[layer].value for layer in LAYERS[:-1]]
    assert found.separation.value == pytest.approx(min(early) - found.correlation["fo3"].value)
    for name, number in quiet.items():
        assert found.sparsity[name].value == pytest.approx(number / 424)
        assert found.sparsity[name].low <= found.sparsity[name].value <= found.sparsity[name].high


def test_one_pass_gives_scores_and_activity_of_two(context, jets):
    """The sum of the last activations is what is classified."""
    taggers = {name: context.tagger(f"in:{name}") for name in ("baseline", "De8")}
    found = score_record(context, taggers, [Watched("baseline", fired=True)])
    rows, labels = rows_of(*jets[:2]), jets[2][:, 1].astype(np.int64)
    for name, tagger in taggers.items():
        np.testing.assert_allclose(found.scores[name], score(tagger, rows), atol=1e-6)
        counter = ActivityCounter(tagger.network)
        counter.add(rows, labels)
        alone = contrast_classes(counter, ("qcd", "hbb"))
        for kind in ("qcd", "hbb"):
            np.testing.assert_allclose(
                found.activity[Watched(name)].rna[kind].value, alone.rna[kind].value, atol=1e-6
            )
    fired = found.activity[Watched("baseline", fired=True)].rna["qcd"].value
    assert np.abs(fired - found.activity[Watched("baseline")].rna["qcd"].value).max() > 0.1


def test_activity_is_that_of_the_first_jets_alone(context, jets, monkeypatch):
    monkeypatch.setattr("repro.figures.record_scores.JETS_OF_PATTERNS", 100)
    taggers = {"baseline": context.tagger("in")}
    found = score_record(context, taggers)
    assert len(found.labels) == 260
    rows, labels = rows_of(*jets[:2])[:100], jets[2][:100, 1].astype(np.int64)
    counter = ActivityCounter(taggers["baseline"].network)
    counter.add(rows, labels)
    wanted = contrast_classes(counter, ("qcd", "hbb")).rna["hbb"].value
    np.testing.assert_allclose(found.activity[Watched("baseline")].rna["hbb"].value, wanted)


def between_networks(monkeypatch, _context):
    """Press Ctrl-C when one of two networks has seen the fourth chunk."""
    calls = itertools.count()
    count = record_scores._score_and_count

    def stopped(*arguments):
        if next(calls) == 7:
            raise KeyboardInterrupt
        return count(*arguments)

    monkeypatch.setattr(record_scores, "_score_and_count", stopped)


def between_chunks(monkeypatch, context):
    monkeypatch.setattr(type(context), "progress_of_jets", stopping_after(3))


@pytest.mark.parametrize("stop", [between_chunks, between_networks])
def test_a_stopped_run_goes_on_with_the_activity_that_it_had(
    make_context, record, monkeypatch, stop
):
    contexts = [make_context(data=str(record), weights="authors") for _ in range(2)]
    most = 200 if stop is between_chunks else 1000
    monkeypatch.setattr("repro.figures.record_scores.JETS_OF_PATTERNS", most)
    monkeypatch.setattr(type(contexts[0].record), "iter_jets", in_pieces)
    taggers = {label: contexts[0].tagger(f"in:{label}") for label in ("baseline", SQUEEZED)}
    further = [Watched("baseline", fired=True)]
    whole = score_record(contexts[0], taggers, further)
    with monkeypatch.context() as patch:
        stop(patch, contexts[1])
        with pytest.raises(KeyboardInterrupt):
            score_record(contexts[1], taggers, further)
    steps = []
    with monkeypatch.context() as patch:
        patch.setattr(type(contexts[1]), "progress_of_jets", recording(steps))
        found = score_record(contexts[1], taggers, further)
    assert [len(jets) for jets in steps] == [60, 20]
    for label, scores in whole.scores.items():
        np.testing.assert_array_equal(found.scores[label], scores)
    assert found.activity.keys() == whole.activity.keys()
    for one, activity in whole.activity.items():
        for kind in ("qcd", "hbb"):
            there = found.activity[one].rna[kind]
            np.testing.assert_array_equal(there.value, activity.rna[kind].value)
            np.testing.assert_array_equal(there.low, activity.rna[kind].low)


def in_pieces(self, unlabelled="background", *, start=0):
    with open_table(self.files[0]) as table:
        yield from table.iter_jets(start=start, chunk=60, unlabelled=unlabelled)


def test_corrected_leaves_unlabelled_jets_and_padding_out(make_context, record, jets):
    context = make_context(data=str(record), weights="authors", corrected=True)
    taggers = {"baseline": context.tagger("in")}
    found = score_record(context, taggers)
    known = jets[2].any(axis=1)
    assert len(found.labels) == known.sum() < 260
    assert not found.unlabelled.any()
    described = found.jets(context)
    assert f"260 jets of newdata_0.h5, {(~known).sum()} of them" in described.description
    assert "left out" in described.description
    counter = ActivityCounter(taggers["baseline"].network, padding=False)
    counter.add(rows_of(*jets[:2])[known], jets[2][known, 1].astype(np.int64))
    wanted = contrast_classes(counter, ("qcd", "hbb")).rna["qcd"].value
    np.testing.assert_allclose(found.activity[Watched("baseline")].rna["qcd"].value, wanted)


def test_one_class_alone_is_refused_in_words(make_context, jets, tmp_path):
    signal = jets[2][:, 1] == 1
    path = write_record(tmp_path / "one.h5", *(part[signal] for part in jets))
    context = make_context(data=str(path), weights="authors")
    with pytest.raises(BadInput, match="two jets or more"):
        score_record(context, {"baseline": context.tagger("in")})


# --- all items -----------------------------------------------------------------------------------


@pytest.mark.parametrize("item_id", ITEMS)
def test_every_claim_finds_its_number(compute, item_id):
    result = compute(item_id)
    for claim in load_claims("hbb"):
        own_training = claim.group in ("hbb/C26", "hbb/C27")
        if claim.item == item_id and not own_training:
            found = look_up(result.values, claim.value)
            assert found is not None, claim.value
            alone = claim.group in {f"hbb/C{number}" for number in range(1, 9)}
            counted = ".parameter" in f".{claim.value}"
            if not alone and not counted:
                assert len(found["interval"]) == 2, claim.value
                low, high = found["interval"]
                assert low <= found["value"] <= high, claim.value


@pytest.mark.parametrize("item_id", [i for i in ITEMS if "/fig" in i])
def test_pictures_are_drawn_from_the_numbers_alone(compute, item_id, tmp_path):
    result = compute(item_id)
    path = tmp_path / "result.json"
    path.write_text(result.to_json())
    figure = render_item(find_item(item_id), type(result).from_json(path))
    assert "260 jets" in figure._supxlabel.get_text()
    assert figure.axes


def test_networks_run_once_for_all_items(compute, context, monkeypatch):
    compute("hbb/table1")

    def never(*_, **__):
        raise AssertionError("the networks ran again")

    monkeypatch.setattr("repro.figures.record_scores.score_record", never)
    for item_id in ITEMS:
        compute_item(find_item(item_id), context)


def test_patterns_of_all_networks_are_drawn(compute):
    result = compute("hbb/fig10")
    assert set(result.values["models"]) == set(LABELS) - {"baseline"}
    titles = [axes.get_title(loc="left") for axes in render_patterns(result).axes]
    assert sum("nodes:" in title for title in titles) == len(LABELS) - 1
    rna = result.values["rna"]["fo3"]["qcd"]
    assert max(node["value"] for node in rna.values()) == 1
    assert len(rna) == 24


def test_curves_and_areas_are_those_of_scikit_learn(compute, context, jets, probabilities):
    values = compute("hbb/fig9").values
    labels, first = jets[2][:, 1], probabilities("baseline")
    for label in ("De16", "pfeaturesdropped_100_preload"):
        scores = probabilities(label)
        area = roc_auc_score(labels, scores)
        assert values["auc"][label]["value"] == pytest.approx(100 * area, abs=0.02)
        gap = 100 * (area - roc_auc_score(labels, first))
        assert values["auc_minus_baseline"][label]["value"] == pytest.approx(gap, abs=0.03)
        fidelity = 100 * (1 - np.abs(scores - first).mean())
        assert values["fidelity"][label]["value"] == pytest.approx(fidelity, abs=1e-3)
        tagger = context.tagger(f"in:{label}")
        rounded = score(tagger, rows_seen(tagger, *jets[:2]))
        background, signal, _ = roc_curve(labels, rounded, drop_intermediate=False)
        points = np.stack([background, signal], axis=1)
        curve = values["curves"][label]
        shown = np.stack(list(curve.values()), axis=1)
        assert len(shown) > 20
        for point in shown:
            assert np.abs(points - point).max(axis=1).min() < 1e-5


def test_groups_of_the_pictures_hold_all_thirty_networks(compute):
    groups = compute("hbb/fig9").values["groups"]
    assert [len(labels) for labels in groups.values()] == [11, 6, 10, 6]
    assert set().union(*groups.values()) == set(LABELS) - {"random_split"}


def test_losses_are_differences_and_means_are_means(compute, jets, probabilities):
    values = compute("hbb/figK6").values
    labels = jets[2][:, 1]
    lost = roc_auc_score(labels, probabilities("baseline")) - roc_auc_score(
        labels, probabilities(SQUEEZED)
    )
    assert values["loss"][SQUEEZED]["value"] == pytest.approx(100 * lost, abs=0.03)
    assert values["parameter_ratio"] == pytest.approx(25554 / 2794)
    rows = compute("hbb/table1").values["rows"]
    narrow = [row for row in rows.values() if row["hidden"] == 16]
    assert len(narrow) == 2
    wanted = np.mean([row[f"sparsity_{k}"]["value"] for row in narrow for k in ("qcd", "hbb")])
    assert values["sparsity"]["mean_hidden16"]["value"] == pytest.approx(wanted)
    apart = values["sparsity"]["baseline_minus_hidden16"]["value"]
    first = [rows["baseline"][f"sparsity_{k}"]["value"] for k in ("qcd", "hbb")]
    assert apart == pytest.approx(np.mean(first) - wanted)


def test_wins_of_preloaded_networks_are_counted(compute, jets, probabilities):
    values = compute("hbb/tableK4").values
    labels, first = jets[2][:, 1], probabilities("baseline")
    closer = better = 0
    for random, preloaded in pairs_of_labels(LABELS).values():
        gaps = [np.abs(probabilities(label) - first).mean() for label in (random, preloaded)]
        areas = [roc_auc_score(labels, probabilities(label)) for label in (random, preloaded)]
        closer += gaps[1] < gaps[0]
        better += areas[1] >= areas[0]
    wins = values["preloaded_wins"]
    assert wins["fidelity"]["value"] == closer
    assert wins["fidelity"]["p"] == pytest.approx(
        binomtest(int(closer), 5, alternative="greater").pvalue
    )
    assert wins["auc"]["value"] == better
    for count in wins.values():
        least, most = count["interval"]
        assert 0 <= least <= count["value"] <= most <= 5


def test_what_is_not_recovered_is_the_smallest_loss(compute):
    values = compute("hbb/tableK4").values
    smallest = values["smallest_loss_at_100"]
    assert smallest["value"] == min(loss["value"] for loss in values["loss"].values())
    assert set(values["loss"]) == {
        labels_of(s, LABELS)["100"]
        for s in ("retrained_tracks", "preloaded_tracks", "preloaded_both")
    }


def test_a_network_that_does_not_load_is_left_out(make_context, record, monkeypatch):
    context = make_context(data=str(record), weights="authors")
    load = type(context).tagger

    def without(self, name):
        if name == f"in:{SQUEEZED}":
            raise BadInput("it is damaged")
        return load(self, name)

    monkeypatch.setattr(type(context), "tagger", without)
    monkeypatch.setattr(
        "repro.figures.interaction.sorted_labels", lambda: ["baseline", SQUEEZED, "De8"]
    )
    for item_id in ("hbb/figK6", "hbb/fig9", "hbb/fig10"):
        result = compute_item(find_item(item_id), context)
        assert render_item(find_item(item_id), result).axes
    claims = {e["id"]: e for e in compute_item(find_item("hbb/figK6"), context).claims}
    assert "it is damaged" in claims[f"hbb/C20.loss.{SQUEEZED}"]["reason"]


def test_the_command_draws_with_a_file_and_without(monkeypatch, tmp_path, capsys, store, record):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_MIRROR", store.mirrors[0])
    monkeypatch.setenv("REPRO_CACHE", str(store.directory))
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    line = ["fig", "K5", "--paper", "hbb", "--weights", "authors"]
    assert main([*line, "--data", str(record), "--jets", "80"]) == 0
    assert "80 jets (first 80)" in capsys.readouterr().out
    written = json.loads((tmp_path / "results" / "hbb" / "figK5.json").read_text())
    assert written["values"]["correlation"]["fo3"]["interval"]
    without = ["--weights", "authors", "--data", "fixtures"]
    assert main(["fig", "9", "--paper", "hbb", *without]) == 0
    shown = capsys.readouterr()
    assert "learned from other jets than those of the record" in shown.out
    assert (tmp_path / "results" / "hbb" / "fig09.png").is_file()
    assert main([*line, "--data", str(tmp_path / "none.h5")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


# --- what was planned ----------------------------------------------------------------------------


def test_the_plan_names_what_is_there(make_context, monkeypatch):
    item = find_item("hbb/figK7")
    result = compute_item(item, make_context(data="fixtures"))
    assert set(result.values["points"]) == {"fair", "notebooks", "instances", "local"}
    assert render_item(item, result) is not None
    assert not result.claims
    listed = {"point": [{"id": "a", "planned": "b", "methods": ["none_such"], "commands": []}]}
    monkeypatch.setattr("repro.figures.hbb.figK7.read_catalogue", lambda *_: listed)
    with pytest.raises(UnknownName):
        compute_item(item, make_context(data="fixtures"))


def test_commands_of_the_plan_exist(make_context):
    points = compute_item(find_item("hbb/figK7"), make_context(data="fixtures")).values["points"]
    for point in points.values():
        for command in point["commands"]:
            with pytest.raises(SystemExit) as stopped:
                main([command, "--help"])
            assert stopped.value.code == 0


def test_scores_are_shared_by_label(context):
    """Another set of networks is another pass."""
    one = networks_on_record(context, {"baseline": context.tagger("in")})
    other = networks_on_record(
        context, {name: context.tagger(f"in:{name}") for name in ("baseline", "De8")}
    )
    assert one is not other
    assert one is networks_on_record(context, {"baseline": context.tagger("in")})
