"""Masks of features, of sets of them, and of tracks: scores against the network run again."""

import numpy as np
import pytest
import torch
from interaction_oracle import jets_with, rows_of
from record_files import jets_of_a_class_by_chance, write_record
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from stopped_runs import recording, stopping_after

from repro.data.hbb.opening import open_table
from repro.explain.problem import Explanation
from repro.figures import masked_scores as module
from repro.figures import masked_tracks
from repro.figures.feature_sets import (
    THRESHOLDS,
    columns_of,
    features_of,
    find_sets,
    flat,
    published_sets,
)
from repro.figures.masked_scores import (
    FIRST,
    LAST,
    baseline_scores,
    feature_drops,
    found_scores,
    kept,
    masked_scores,
    score_masks,
)
from repro.metrics.bootstrap import Intervals
from repro.models.tagger import predict_logits

# Section 1.6 of the dossier, as the notebook prints them.
TRACKS = {
    "0001": [*range(14, 22)],
    "0005": [*range(14, 22), 25],
    "001": [2, *range(14, 22), 25, 26],
    "005": [2, 3, 12, *range(14, 22), 25, 26, 29],
    "100": [0, 1, 2, 3, 5, *range(8, 13), *range(14, 22), *range(23, 30)],
}
VERTICES = {
    "0001": [2, 8],
    "0005": [2, 8],
    "001": [2, 3, 8],
    "005": [2, 3, 8, 13],
    "100": [2, 3, 4, 7, 8, 9, 11, 13],
}


@pytest.fixture(scope="module")
def jets():
    return jets_of_a_class_by_chance(160)


@pytest.fixture(scope="module")
def context(make_context, jets, tmp_path_factory):
    path = write_record(tmp_path_factory.mktemp("masks") / "newdata_0.h5", *jets)
    return make_context(data=str(path), weights="authors")


@pytest.fixture(scope="module")
def scores(context):
    return masked_scores(context)


@pytest.fixture(scope="module")
def again(context, jets):
    """Runs the network again on tracks and vertices: logit of H→bb̄ minus that of QCD."""
    network = context.tagger("in").network

    def run(tracks=jets[0], vertices=jets[1]):
        logits = predict_logits(network, rows_of(tracks, vertices)).astype(np.float64)
        return logits[:, 1] - logits[:, 0]

    return run


def without(array, places):
    """Features at zero, in all slots."""
    changed = array.copy()
    changed[:, places] = 0
    return changed


def by_energy(tracks):
    """Tracks by descending energy, one jet at a time."""
    found = np.zeros_like(tracks)
    for jet, mine in zip(found, tracks, strict=True):
        filled = np.flatnonzero(mine.any(axis=0))
        order = filled[np.argsort(-mine[1, filled], kind="stable")]
        jet[:, : len(order)] = mine[:, order]
    return found


# --- scores --------------------------------------------------------------------------------------


def test_scores_with_nothing_masked_are_those_of_the_network(context, scores, again, jets):
    np.testing.assert_allclose(scores.plain, again(), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(scores.labels, jets[2][:, 1])
    np.testing.assert_array_equal(scores.unlabelled, ~jets[2].any(axis=1))
    np.testing.assert_allclose(baseline_scores(context).plain, scores.plain, atol=1e-4)


@pytest.mark.parametrize("place", [0, 4, 13, 22, 29])
def test_a_feature_of_tracks_is_zero_in_all_slots(scores, again, jets, place):
    wanted = again(tracks=without(jets[0], [place]))
    found = scores.of(features_of("tracks")[place])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-4)
    assert np.abs(found - scores.plain).max() > 0.01


@pytest.mark.parametrize("place", range(14))
def test_a_feature_of_vertices_is_zero_in_all_slots(scores, again, jets, place):
    wanted = again(vertices=without(jets[1], [place]))
    np.testing.assert_allclose(
        scores.of(features_of("vertices")[place]), wanted, rtol=1e-4, atol=2e-4
    )


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_published_sets_are_masked_at_once(scores, again, jets, threshold):
    tracks = without(jets[0], TRACKS[threshold])
    vertices = without(jets[1], VERTICES[threshold])
    for kind, wanted in (
        ("tracks", again(tracks=tracks)),
        ("vertices", again(vertices=vertices)),
        ("both", again(tracks, vertices)),
    ):
        found = scores.of(f"published.{threshold}.{kind}")
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-4)


def test_first_and_last_slots_are_those_of_tracks_sorted_by_energy(scores, again, jets):
    ordered = by_energy(jets[0])
    for name, slots in [(f"first.{n}", slice(0, n)) for n in FIRST[:3]] + [
        (f"last.{n}", slice(60 - n, 60)) for n in LAST
    ]:
        changed = ordered.copy()
        changed[:, :, slots] = 0
        np.testing.assert_allclose(scores.of(name), again(changed), rtol=1e-4, atol=2e-4)
    # Jets have seven tracks at most.
    np.testing.assert_array_equal(scores.of("last.50"), scores.plain)
    np.testing.assert_allclose(scores.of("first.10"), scores.of("first.50"), atol=1e-4)


def test_last_slots_matter_where_jets_have_many_tracks(make_context, tmp_path):

    tracks, vertices = jets_with(np.array([55, 52, 30, 58]), np.array([1, 0, 2, 1]), seed=1)
    targets = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    path = write_record(tmp_path / "newdata_0.h5", tracks, vertices, targets)
    context = make_context(data=str(path), weights="authors")
    columns = {"last.10": module._masks()["last.10"]}
    found = score_masks(context, columns)
    ordered = by_energy(tracks)
    ordered[:, :, 50:] = 0
    logits = predict_logits(context.tagger("in").network, rows_of(ordered, vertices))
    np.testing.assert_allclose(
        found.of("last.10"), logits[:, 1] - logits[:, 0], rtol=1e-4, atol=1e-3
    )
    assert found.of("last.10")[2] == found.plain[2]
    assert (found.of("last.10")[[0, 1, 3]] != found.plain[[0, 1, 3]]).all()


def in_pieces(self, unlabelled="background", *, start=0):
    with open_table(self.files[0]) as table:
        yield from table.iter_jets(start=start, chunk=37, unlabelled=unlabelled)


def test_a_stopped_run_goes_on_and_gives_the_same_scores(make_context, context, monkeypatch):
    monkeypatch.setattr(type(context.record), "iter_jets", in_pieces)
    masks = {name: columns_of((name,)) for name in ("track_quality", "sv_pt")}
    whole = score_masks(context, masks)
    stopped = make_context(data=str(context.record.files[0]), weights="authors")
    # The cache is shared with other tests, which may have left something.
    before = set(stopped.stopped.place.glob("*"))
    with monkeypatch.context() as patch:
        patch.setattr(type(stopped), "progress_of_jets", stopping_after(2))
        with pytest.raises(KeyboardInterrupt):
            score_masks(stopped, masks)
    (left,) = set(stopped.stopped.place.iterdir()) - before
    steps = []
    with monkeypatch.context() as patch:
        patch.setattr(type(stopped), "progress_of_jets", recording(steps))
        found = score_masks(stopped, masks)
    assert [len(jets) for jets in steps] == [37, 37, 12]
    assert not left.exists()
    for name in ("", *masks):
        np.testing.assert_array_equal(found.of(name), whole.of(name))
    np.testing.assert_array_equal(found.labels, whole.labels)
    np.testing.assert_array_equal(found.unlabelled, whole.unlabelled)


def test_chunks_do_not_change_the_scores(context, scores, monkeypatch):
    monkeypatch.setattr(type(context.record), "iter_jets", in_pieces)
    monkeypatch.setattr(masked_tracks, "_JETS_PER_BATCH", 11)
    names = ("track_quality", "sv_pt")
    other = score_masks(context, {name: columns_of((name,)) for name in names})
    np.testing.assert_allclose(other.plain, scores.plain, rtol=1e-4, atol=1e-4)
    for name in names:
        np.testing.assert_allclose(other.of(name), scores.of(name), rtol=1e-4, atol=1e-4)


def test_the_same_columns_are_masked_once(context, monkeypatch):
    calls = []
    run = masked_tracks._masked_logits

    def spy(network, batch, masks):
        calls.append(list(masks))
        return run(network, batch, masks)

    monkeypatch.setattr(masked_tracks, "_masked_logits", spy)
    columns = columns_of(("sv_pt",))
    found = score_masks(
        context, {"one": columns, "two": columns_of(("sv_mass",)), "three": columns}
    )
    assert calls == [["one", "two"]]
    assert found.of("three") is found.of("one")
    assert (found.of("two") != found.of("one")).any()


# --- numbers -------------------------------------------------------------------------------------


def test_drops_are_those_of_scikit_learn_and_fidelity_that_of_the_formula(context, scores):
    drops = feature_drops(context)
    assert drops.names == features_of("both")
    for i, name in enumerate(drops.names):
        areas = [roc_auc_score(scores.labels, scores.of(mask)) for mask in ("", name)]
        number = drops.panels["all"][i]
        assert number.value == pytest.approx(100 * (areas[0] - areas[1]), abs=1e-9)
        assert number.low <= number.value <= number.high
        change = np.abs(expit(scores.of(name)) - expit(scores.plain)).mean()
        assert drops.details["fidelity"][i].value == pytest.approx(100 * (1 - change), abs=1e-4)
    assert drops.details["auc"].value == pytest.approx(
        100 * roc_auc_score(scores.labels, scores.plain)
    )


def test_jets_without_a_label_are_background_and_left_out_when_corrected(
    context, make_context, scores
):
    corrected = make_context(data=context.settings.data, weights="authors", corrected=True)
    known = ~scores.unlabelled
    assert 0 < known.sum() < len(known)
    some = kept(corrected, baseline_scores(corrected))
    np.testing.assert_allclose(some.plain, scores.plain[known], atol=1e-4)
    assert not some.unlabelled.any()
    for one, here in ((some, corrected), (scores, context)):
        described = one.described(here)
        assert described.data["jets"] == 160
        assert f"{(~known).sum()} of them without a label" in described.description
        word = "left out" if here is corrected else "taken for background"
        assert described.description.endswith(word)
    assert kept(context, scores) is scores


# --- sets ----------------------------------------------------------------------------------------


def test_published_sets_are_those_that_the_notebook_prints():
    sets = published_sets()
    for threshold in THRESHOLDS:
        for kind, wanted in (("tracks", TRACKS), ("vertices", VERTICES)):
            places = [features_of(kind).index(name) for name in sets[threshold][kind]]
            assert places == wanted[threshold]
    assert len(flat(sets)) == 15


def drops_of(values, error):
    values = np.asarray(values, float)
    margin = 1.959964 * np.asarray(error) * np.ones_like(values)
    numbers = Intervals(values, values - margin, values + margin, 0.95)
    return Explanation("occlusion", "percentage points", features_of("both"), {"all": numbers})


def test_found_sets_are_those_below_and_their_counts_have_the_spread_of_the_drops():
    values = np.full(44, 5.0)
    values[[3, 7]] = -0.2, 0.0005
    values[31] = 0.03
    exact = find_sets(drops_of(values, 0.0), 0)
    assert exact.sets["0001"]["tracks"] == (features_of("tracks")[3], features_of("tracks")[7])
    assert exact.sets["005"]["vertices"] == ("sv_erel",)
    assert exact.sets["0001"]["both"] == exact.sets["0001"]["tracks"]
    assert exact.counts["0001"]["tracks"] == {"value": 2, "interval": [2, 2]}
    assert exact.indices["005"]["vertices"] == {"value": [1], "shares": {"1": 1.0}}
    # On the threshold itself, strictly below is not.
    assert find_sets(drops_of(np.full(44, 0.05), 0.0), 0).counts["005"]["both"]["value"] == 0
    loose = find_sets(drops_of(values, 0.0005), 0)
    shares = loose.indices["0001"]["tracks"]["shares"]
    # The second lies one standard deviation below the threshold of 0.001.
    assert shares["3, 7"] == pytest.approx(0.841, abs=0.03)
    assert shares["3"] == pytest.approx(0.159, abs=0.03)
    assert loose.counts["0001"]["tracks"]["interval"] == [1, 2]


def test_found_sets_are_masked_on_these_jets(context, again, jets):
    found, masked = found_scores(context)
    for threshold in ("0001", "100"):
        sets = found.sets[threshold]
        places = {
            kind: [features_of(kind).index(name) for name in sets[kind]]
            for kind in ("tracks", "vertices")
        }
        wanted = again(without(jets[0], places["tracks"]), without(jets[1], places["vertices"]))
        name = f"found.{threshold}.both"
        np.testing.assert_allclose(masked.of(name), wanted, rtol=1e-4, atol=2e-4)
    assert set(masked.masked) == {f"found.{key}" for key in flat(found.sets)}


def test_where_nothing_is_below_nothing_is_masked(context, monkeypatch):
    high = find_sets(drops_of(np.full(44, 5.0), 0.0), 0)
    monkeypatch.setattr(module, "find_sets", lambda *_: high)
    vars(context).pop("_shared", None)
    _, masked = found_scores(context)
    vars(context).pop("_shared", None)
    assert torch.tensor(masked.plain).equal(torch.tensor(masked.of("found.100.both")))
