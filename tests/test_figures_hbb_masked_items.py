"""Figures 1, 3 to 8, K1, K2 and table K3 of hbb: numbers, verdicts and pictures."""

import itertools
import json
from importlib import resources

import jsonschema
import numpy as np
import pytest
from interaction_oracle import rows_of
from record_files import computing, jets_of_a_class_by_chance, write_record
from scipy.special import expit
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score, roc_curve

from repro.catalogue import find_item, load_claims
from repro.cli import main
from repro.data.hbb.opening import open_table
from repro.figures import masked_scores as module
from repro.figures.curves import curves_of
from repro.figures.feature_sets import THRESHOLDS, features_of, published_sets
from repro.figures.hbb import fig08, figK2
from repro.figures.hbb.fig01 import working_points
from repro.figures.masked_scores import masked_scores
from repro.figures.replacements import compared_rows
from repro.figures.run import compute_item, render_item
from repro.metrics.intervals import placements
from repro.models.tagger import predict_logits
from repro.results.document import look_up
from repro.results.tables import to_markdown

SCHEMA = json.loads(resources.files("repro.results").joinpath("schema.json").read_text("utf-8"))
STEMS = ("figK1", "figK2", "tableK3", "fig1", "fig3", "fig4", "fig5", "fig6", "fig7", "fig8")
IDS = tuple(f"hbb/{stem}" for stem in STEMS)
PICTURES = tuple(name for name in IDS if name != "hbb/tableK3")
JETS = 400


@pytest.fixture(scope="module")
def jets():
    return jets_of_a_class_by_chance(JETS)


@pytest.fixture(scope="module")
def record(jets, tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("masked") / "newdata_0.h5", *jets)


@pytest.fixture(scope="module")
def context(make_context, record):
    return make_context(data=str(record), weights="authors")


@pytest.fixture(scope="module")
def scores(context):
    return masked_scores(context)


@pytest.fixture(scope="module")
def compute(context):
    return computing(context)


@pytest.fixture(scope="module")
def compute_without(make_context):
    return computing(make_context(data="fixtures", weights="authors"))


def everything(found):
    """All entries of a tree that have a value."""
    if isinstance(found, dict):
        if "value" in found:
            yield found
        for entry in found.values():
            yield from everything(entry)


# --- all items -----------------------------------------------------------------------------------


@pytest.mark.parametrize("item_id", IDS)
def test_each_claim_finds_its_number_with_an_interval(compute, item_id):
    result = compute(item_id)
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    for claim in load_claims("hbb"):
        if claim.item != item_id:
            continue
        found = look_up(result.values, claim.value)
        assert found is not None, claim.id
        if claim.comparison == "equal":
            assert found["shares"], claim.id
        else:
            low, high = found["interval"]
            assert low <= found["value"] <= high, claim.id


@pytest.mark.parametrize("item_id", IDS)
def test_jets_of_a_file_are_described(compute, item_id):
    result = compute(item_id)
    assert result.data["source"] == "path"
    assert result.data["jets"] == JETS
    assert result.evidence[""].kind == "other"
    assert "without a label and taken for background" in result.evidence[""].description
    if item_id != "hbb/figK1":
        assert any("(H1)" in note for note in result.notes)


@pytest.mark.parametrize("item_id", PICTURES)
def test_pictures_are_drawn_of_the_numbers_alone(compute, item_id):
    figure = render_item(find_item(item_id), compute(item_id))
    assert f"{JETS} jets" in figure._supxlabel.get_text()


@pytest.mark.parametrize("item_id", IDS)
def test_without_jets_nothing_is_tested_and_the_reason_is_said(compute_without, item_id):
    result = compute_without(item_id)
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    assert result.data["jets"] == 0
    assert not list(everything(result.values))
    for entry in result.claims:
        assert entry["verdict"] == "not tested"
        assert entry["got"] is None
        assert "stored no jets of hbb" in entry["reason"]


@pytest.mark.parametrize("item_id", PICTURES)
def test_without_jets_a_picture_says_what_gets_them(compute_without, item_id):
    figure = render_item(find_item(item_id), compute_without(item_id))
    (axes,) = figure.axes
    assert "stored no jets" in axes.texts[0].get_text()
    assert "0 jets" in figure._supxlabel.get_text()


def test_without_jets_the_table_has_the_published_sets(compute_without):
    rows = compute_without("hbb/tableK3").values["rows"]
    counts = [(row["tracks_published"], row["vertices_published"]) for row in rows.values()]
    assert counts == [(8, 2), (9, 2), (11, 3), (14, 4), (25, 8)]
    assert "| 0001 | 0.001 | 8 |" in to_markdown(compute_without("hbb/tableK3"))


@pytest.mark.parametrize("item_id", ["hbb/fig5", "hbb/fig8"])
def test_corrected_leaves_out_jets_without_a_label(make_context, jets, record, compute, item_id):
    other = make_context(data=str(record), weights="authors", corrected=True)
    result = compute_item(find_item(item_id), other)
    lacking = int((~jets[2].any(axis=1)).sum())
    assert result.settings["corrected"]
    assert f"{lacking} of them without a label and left out" in result.evidence[""].description
    assert {entry["verdict"] for entry in result.claims} == {"not tested"}
    assert result.values != compute(item_id).values


# --- curves: figures 1, K1 and 4 -----------------------------------------------------------------


def test_areas_are_those_of_scikit_learn(compute, scores):
    found = {name: compute(name).values for name in ("hbb/fig1", "hbb/figK1", "hbb/fig4")}
    known = ~scores.unlabelled
    for rows, mask, pair in (
        (slice(None), "", [found["hbb/fig1"][kind]["baseline"] for kind in ("auc", "pr_auc")]),
        (known, "", [found["hbb/figK1"][kind]["unlabelled_removed"] for kind in ("auc", "pr_auc")]),
        *(
            (slice(None), name, [found["hbb/fig4"][kind][name] for kind in ("auc", "pr_auc")])
            for name in features_of("both")
        ),
    ):
        labels, mine = scores.labels[rows], scores.of(mask)[rows]
        precision, recall, _ = precision_recall_curve(labels, mine)
        assert pair[0]["value"] == pytest.approx(100 * roc_auc_score(labels, mine), abs=1e-4)
        assert pair[1]["value"] == pytest.approx(100 * auc(recall, precision), abs=1e-4)


def test_working_points_are_on_the_curve(scores):
    false_rate, true_rate, _ = roc_curve(scores.labels, scores.plain, drop_intermediate=False)
    for name, entry in working_points(scores.plain, scores.labels).items():
        # Where several points have the efficiency, the last one counts.
        wanted = np.interp(int(name) / 100, true_rate, false_rate)
        assert entry.value == pytest.approx(wanted, abs=1e-12)
        assert entry.low <= entry.value <= entry.high


def test_a_background_that_all_fails_leaves_a_bound():
    scores, labels = np.arange(20.0), np.repeat([0, 1], 10)
    found = working_points(scores, labels)["50"]
    assert found.value == found.low == 0
    # Clopper and Pearson: 1 - 0.025^(1/10).
    assert found.high == pytest.approx(1 - 0.025**0.1)


def test_accuracy_is_counted_both_ways(compute, scores):
    found = compute("hbb/figK1").values["accuracy"]
    said, known = expit(scores.plain) > 0.5, ~scores.unlabelled
    right = said == (scores.labels == 1)
    assert found["unlabelled_removed"]["value"] == pytest.approx(100 * right[known].mean())
    # Without a label, the column of QCD is zero: right is who says H to bb.
    counted = np.where(known, right, said)
    assert found["unlabelled_counted"]["value"] == pytest.approx(100 * counted.mean())
    shares = compute("hbb/figK1").values["share"]
    assert sum(entry["value"] for entry in shares.values()) == pytest.approx(100)
    assert shares["unlabelled"]["value"] == pytest.approx(100 * scores.unlabelled.mean())


def test_kept_points_are_points_of_the_curves():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 5000)
    scores = rng.normal(labels, 1)
    found = curves_of(scores, labels)
    false_rate, true_rate, _ = roc_curve(labels, scores, drop_intermediate=False)
    precision, recall, _ = precision_recall_curve(labels, scores)
    for (x, y), (mine_x, mine_y) in (
        ((false_rate, true_rate), (found["roc"]["background"], found["roc"]["signal"])),
        ((recall, precision), (found["pr"]["recall"], found["pr"]["precision"])),
    ):
        assert 20 < len(mine_x) < 100
        for a, b in zip(mine_x, mine_y, strict=True):
            assert (np.abs(x - a) + np.abs(y - b)).min() < 1e-4
    assert (found["roc"]["background"][0], found["roc"]["signal"][-1]) == (0, 1)


# --- masks: figures 3, 5, 6, 7 and table K3 ------------------------------------------------------


def test_masked_tracks_have_their_aucs_and_fidelities(compute, scores):
    values = compute("hbb/fig3").values
    for side, count in (("first", "1"), ("first", "5"), ("last", "50")):
        entry, mine = values[side][count], scores.of(f"{side}.{count}")
        area = 100 * roc_auc_score(scores.labels, mine)
        assert entry["auc"]["value"] == pytest.approx(area, abs=1e-4)
        change = np.abs(expit(mine) - expit(scores.plain)).mean()
        assert entry["fidelity"]["value"] == pytest.approx(100 * (1 - change), abs=1e-4)
        loss = values["first"]["0"]["auc"]["value"] - area
        assert entry["loss"]["value"] == pytest.approx(loss, abs=1e-4)
    assert values["first"]["0"]["fidelity"]["value"] == 100
    gap = values["last"]["20"]["auc"]["value"] - values["first"]["20"]["auc"]["value"]
    assert values["last_minus_first"]["20"]["value"] == pytest.approx(gap, abs=1e-6)


def test_leading_sets_are_those_of_the_drops(compute, scores):
    values = compute("hbb/fig5").values
    base = roc_auc_score(scores.labels, scores.plain)
    drops = {name: base - roc_auc_score(scores.labels, scores.of(name)) for name in scores.masked}
    order = sorted(features_of("both"), key=lambda name: -drops[name])
    assert values["sets"]["first_four"]["value"] == sorted(order[:4])
    assert values["sets"]["next_three"]["value"] == sorted(order[4:7])
    for name, entry in values["sets"].items():
        assert sum(entry["shares"].values()) == pytest.approx(1)
        assert set(entry["value"]) <= set(entry["candidates"]), name
    assert values["rank"]["sv_ptrel"]["value"] == 1 + order.index("sv_ptrel")
    assert values["delta_auc"]["sv_pt"]["rank"] == 1 + order.index("sv_pt")


def test_loss_of_fidelity_is_the_mean_change_of_the_score(compute, scores):
    values = compute("hbb/fig6").values
    for name in features_of("both"):
        change = np.abs(expit(scores.of(name)) - expit(scores.plain)).mean()
        assert values["infidelity"][name]["value"] == pytest.approx(change, abs=1e-6)
    tau = values["kendall_tau"]["delta_auc"]
    assert -1 <= tau["interval"][0] <= tau["value"] <= tau["interval"][1] <= 1


def test_sets_cost_more_together_than_alone_by_the_formula(compute, scores):
    values = compute("hbb/fig7").values
    names = published_sets()["100"]["both"]
    labels = scores.labels
    contributions = {0: 0.0, 1: 0.0}
    base = placements(scores.plain, labels)
    for name, weight in [("published.100.both", 1), *((name, -1) for name in names)]:
        mine = placements(scores.of(name), labels)
        contributions[1] = contributions[1] + weight * (base.signal - mine.signal)
        contributions[0] = contributions[0] + weight * (base.background - mine.background)
    entry = values["together_minus_alone"]["100"]["both"]
    assert entry["value"] == pytest.approx(100 * contributions[1].mean(), abs=1e-6)
    error = np.sqrt(sum(part.var(ddof=1) / len(part) for part in contributions.values()))
    low, high = entry["interval"]
    assert high - low == pytest.approx(2 * 196 * error, rel=1e-3)


def test_published_and_found_sets_stand_side_by_side(compute, scores):
    figure, table = compute("hbb/fig7").values, compute("hbb/tableK3").values
    base = 100 * roc_auc_score(scores.labels, scores.plain)
    for threshold, kind in itertools.product(THRESHOLDS, ("tracks", "vertices", "both")):
        loss = figure["loss"][threshold][kind]["value"]
        masked = table["masks"][threshold]["published"][kind]["value"]
        assert loss == pytest.approx(base - masked, abs=1e-4)
        assert figure["found"]["loss"][threshold][kind]["value"] == pytest.approx(
            base - table["masks"][threshold]["found"][kind]["value"], abs=1e-4
        )
    alike = figure["found"]["fidelity"]["100"]["both"]["value"]
    assert 1 - alike / 100 == pytest.approx(figure["found"]["infidelity"]["100"]["both"]["value"])
    for threshold, row in table["rows"].items():
        sets = table["sets"][threshold]
        found = sets["found"]["both"]
        assert row["tracks"]["value"] + row["vertices"]["value"] == len(found)
        here, published = set(found), set(sets["published"]["both"])
        assert row["only_found"] == (", ".join(n for n in found if n not in published) or "none")
        missing = [name for name in sets["published"]["both"] if name not in here]
        assert row["only_published"] == (", ".join(missing) or "none")


# --- replacements: figure K2 ---------------------------------------------------------------------


def test_other_replacements_are_of_the_same_jets(compute):
    values = compute("hbb/figK2").values
    zero = values["replacements"]["zero"]
    for name, entry in compute("hbb/fig5").values["delta_auc"].items():
        assert zero[name]["value"] == pytest.approx(entry["value"], abs=1e-6)
        assert values["delta_auc"][name]["value"] == entry["value"]
    assert set(values["replacements"]) == {"zero", "mean", "permutation", "conditional"}
    taus = values["kendall_tau"]
    assert len(taus) == 6
    assert all(-1 <= tau["interval"][0] <= tau["value"] <= 1 for tau in taus.values())


def test_a_mean_is_that_of_the_vertices_there_are(compute, context, jets, scores):
    tracks, vertices, _ = jets
    there = vertices.any(axis=1)
    changed = vertices.copy()
    column = changed[:, 5]
    column[there] = column[there].mean(dtype=np.float64)
    logits = predict_logits(context.tagger("in").network, rows_of(tracks, changed))
    area = roc_auc_score(scores.labels, logits[:, 1].astype(float) - logits[:, 0])
    drop = 100 * (roc_auc_score(scores.labels, scores.plain) - area)
    found = compute("hbb/figK2").values["replacements"]["mean"]["sv_pt"]["value"]
    assert found == pytest.approx(drop, abs=0.02)


def test_of_many_jets_some_are_compared(make_context, record, monkeypatch, scores):
    monkeypatch.setattr("repro.figures.replacements._JETS", 330)
    context = make_context(data=str(record), weights="authors")
    result = figK2.compute(context)
    assert result.settings["compared_jets"] == 330
    rows = compared_rows(JETS, 0)
    assert len(set(rows)) == 330
    some = scores.take(rows)
    drop = roc_auc_score(some.labels, some.plain) - roc_auc_score(some.labels, some.of("sv_pt"))
    found = result.values["replacements"]["zero"]["sv_pt"].copy()
    assert found["value"] == pytest.approx(100 * drop, abs=1e-3)


# --- inputs: figure 8 ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_qualities(jets, tmp_path_factory, make_context):
    """Qualities of 0, 1 and 5, as in the record."""
    tracks = jets[0].copy()
    there = tracks.any(axis=1)
    rng = np.random.default_rng(2)
    tracks[:, 13] = np.where(there, rng.choice([1.0, 5.0], there.shape, p=[0.1, 0.9]), 0)
    path = write_record(tmp_path_factory.mktemp("flags") / "newdata_0.h5", tracks, *jets[1:])
    return tracks, make_context(data=str(path), weights="authors")


def test_slots_and_tracks_are_counted(with_qualities, jets):
    tracks, context = with_qualities
    values = fig08.compute(context).values
    quality, there = tracks[:, 13], tracks.any(axis=1)
    for label, name in enumerate(("qcd", "hbb")):
        mine = jets[2][:, 1] == label
        found = values["track_quality"][name]
        for kind, value in (("zeros", 0), ("fives", 5)):
            wanted = 102_400 / JETS * (quality[mine] == value).sum()
            assert found[kind]["value"] == pytest.approx(wanted)
            assert found[kind]["interval"][0] < wanted < found[kind]["interval"][1]
        assert values["qualities"][name]["1"] == (quality[mine] == 1).sum()
        mean = there[mine].sum(axis=1).mean()
        assert values["tracks_per_jet"][name]["value"] == pytest.approx(mean)
        share = (quality[mine] == 5).sum() / there[mine].sum()
        assert values["share_of_fives"][name]["value"] == pytest.approx(share)
    gap = values["share_of_fives"]["hbb"]["value"] - values["share_of_fives"]["qcd"]["value"]
    assert values["share_of_fives"]["hbb_minus_qcd"]["value"] == pytest.approx(gap)


def test_correlations_are_those_of_numpy(with_qualities, jets):
    tracks, context = with_qualities
    values = fig08.compute(context).values
    for label, name in enumerate(("qcd", "hbb")):
        mine = jets[2][:, 1] == label
        rows, slots = np.nonzero(tracks[mine].any(axis=1))
        pair = [tracks[mine][rows, place, slots] for place in (4, 22)]
        found = values["correlation"][name]["track_deltaR"]["trackBTag_EtaRel"]
        assert found["value"] == pytest.approx(np.corrcoef(*pair)[0, 1], abs=1e-6)
        rows, slots = np.nonzero(jets[1][mine].any(axis=1))
        pair = [jets[1][mine][rows, place, slots] for place in (0, 1)]
        found = values["correlation"][name]["sv_ptrel"]["sv_erel"]
        assert found["value"] == pytest.approx(np.corrcoef(*pair)[0, 1], abs=1e-6)
        assert found["interval"][0] < found["value"] < found["interval"][1]


def test_wedge_is_that_of_the_momenta_of_jets(make_context, jets, tmp_path):
    tracks, vertices, targets = jets
    rng = np.random.default_rng(4)
    momentum, filled = rng.uniform(300, 900, JETS), vertices.any(axis=1)
    vertices = vertices.copy()
    vertices[:, 0] = np.where(filled, rng.uniform(0.05, 0.5, filled.shape), 0)
    vertices[:, 5] = momentum[:, None] * vertices[:, 0]
    path = write_record(tmp_path / "newdata_0.h5", tracks, vertices, targets)
    values = fig08.compute(make_context(data=str(path), weights="authors")).values
    for label, name in enumerate(("qcd", "hbb")):
        mine = momentum[(targets[:, 1] == label) & filled.any(axis=1)]
        found = values["wedge"][name]
        for key, probability in (("low", 0.01), ("median", 0.5), ("high", 0.99)):
            wanted = np.quantile(mine, probability)
            assert found[key]["value"] == pytest.approx(wanted, rel=1e-4)
            assert found[key]["interval"][0] <= found[key]["value"] <= found[key]["interval"][1]


def test_chunks_do_not_change_what_is_seen_of_the_inputs(with_qualities, monkeypatch):
    _, context = with_qualities
    whole = fig08.compute(context).values

    def in_pieces(self, unlabelled="background"):
        with open_table(self.files[0]) as table:
            yield from table.iter_jets(chunk=37, unlabelled=unlabelled)

    monkeypatch.setattr(type(context.record), "iter_jets", in_pieces)
    assert fig08.compute(context).values == whole


# --- the command ---------------------------------------------------------------------------------


def test_the_command_works_with_a_file_and_says_what_is_wrong(
    monkeypatch, tmp_path, capsys, store, record
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_MIRROR", store.mirrors[0])
    monkeypatch.setenv("REPRO_CACHE", str(store.directory))
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    line = ["--paper", "hbb", "--weights", "authors", "--data", str(record), "-q"]
    assert main(["table", "K3", *line]) == 0
    assert "data: newdata_0.h5, 400 jets (all)" in capsys.readouterr().out
    written = (tmp_path / "results" / "hbb" / "tableK3.md").read_text()
    assert "found here, not published" in written
    assert main(["fig", "1", *line, "--jets", "200"]) == 0
    assert (tmp_path / "results" / "hbb" / "fig01.png").stat().st_size > 10_000
    capsys.readouterr()
    # The first jet alone is of one class.
    assert main(["fig", "5", *line, "--jets", "1", "--out", "nothing"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "nothing").exists()


def test_verify_judges_all_of_them_in_one_run(monkeypatch, tmp_path, capsys, store, record):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_MIRROR", store.mirrors[0])
    monkeypatch.setenv("REPRO_CACHE", str(store.directory))
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    passes = []
    run = module.score_masks

    def spy(context, masks):
        passes.append(len(masks))
        return run(context, masks)

    monkeypatch.setattr(module, "score_masks", spy)
    ids = [name for name in IDS if name not in ("hbb/figK2", "hbb/fig8")]
    line = ["--weights", "authors", "--data", str(record), "-q", "--json"]
    assert main(["verify", *ids, *line]) in (0, 1)
    judged = json.loads(capsys.readouterr().out)
    assert {entry["item"] for entry in judged["claims"]} == set(ids)
    # The baseline alone, all masks, and the sets that were found.
    assert len(passes) == 3
    assert passes[0] == 0
