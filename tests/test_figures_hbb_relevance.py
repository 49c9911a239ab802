"""Figure 11 of hbb on jets: relevance by class, its instability, and against the drop in AUC."""

import functools

import numpy as np
import pytest
import torch
from interaction_oracle import rows_of
from record_files import jets_of_a_class_by_chance, write_record
from sklearn.metrics import roc_auc_score

from repro.catalogue import find_item, load_claims
from repro.data.hbb.features import track_features, vertex_features
from repro.data.hbb.opening import open_table
from repro.errors import BadInput
from repro.explain.lrp import propagate
from repro.figures.interaction import rows_of as rows_seen
from repro.figures.interaction_relevance import relevance_of_jets, sort_vertices
from repro.figures.relevance_values import instability_values, ratios_to, relevance_values
from repro.figures.run import compute_item, render_item
from repro.models.tagger import predict_logits
from repro.results.document import look_up, plain

VARIANT = "in:psvfeaturesdropped_001_noTrackQ"
JETS = 140


@pytest.fixture(scope="module", autouse=True)
def few_neighbours():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repro.figures.known_relevance._NEIGHBOURS", 3)
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
def result(context):
    return compute_item(find_item("hbb/fig11"), context)


@pytest.fixture(scope="module")
def found(context):
    return relevance_of_jets(
        context.tagger(VARIANT), context.record.iter_jets(), "gamma_signed", most=JETS
    )


def columns_of(found, name):
    """The relevance of all features, or of all slots of tracks or of vertices, jet by jet."""
    return found.rows[:, getattr(found, name)]


def ordered(tracks, vertices):
    """Tracks by track_erel and vertices by sv_pt, largest first, as loops over jets."""
    place = [feature.name for feature in track_features()].index("track_erel")
    other = [feature.name for feature in vertex_features()].index("sv_pt")
    parts = []
    for values, key in ((tracks, place), (vertices, other)):
        jets = []
        for jet in values:
            filled = [slot for slot in range(jet.shape[1]) if jet[:, slot].any()]
            empty = [slot for slot in range(jet.shape[1]) if not jet[:, slot].any()]
            jets.append(jet[:, sorted(filled, key=lambda s, j=jet: -j[key, s]) + empty])
        parts.append(np.stack(jets))
    return parts


def test_relevance_is_that_of_each_jet_alone(context, found, jets):
    tagger = context.tagger(VARIANT)
    network = tagger.network
    rows = torch.from_numpy(rows_seen(tagger, *ordered(*jets[:2])))
    labels = jets[2][:, 1].astype(int)
    through = functools.partial(propagate, rule="gamma_signed", biases=False)
    with torch.inference_mode():
        for jet in (0, 1, 5, 77):
            logits = network(rows[jet : jet + 1])
            start = torch.zeros(1, 2)
            start[0, labels[jet]] = logits[0, labels[jet]]
            one = network.propagated_relevance(rows[jet : jet + 1], start, through)
            tracks, vertices = (
                (part[0] / logits[0, labels[jet]]).numpy() for part in network.split(one)
            )
            wanted = np.concatenate([tracks.sum(axis=1), vertices.sum(axis=1)])
            np.testing.assert_allclose(columns_of(found, "features")[jet], wanted, atol=1e-4)
            np.testing.assert_allclose(
                columns_of(found, "slots")[jet], tracks.sum(axis=0), atol=1e-4
            )
            np.testing.assert_allclose(
                columns_of(found, "vertex_slots")[jet], vertices.sum(axis=0), atol=1e-4
            )


def test_slots_features_and_maps_add_up_to_the_same(found):
    of_tracks = columns_of(found, "features")[:, : found.tracks].sum(axis=1)
    np.testing.assert_allclose(columns_of(found, "slots").sum(axis=1), of_tracks, atol=1e-9)
    for name in ("qcd", "hbb"):
        mine = found.of_class(name)
        tracks, vertices = found.maps[name]
        np.testing.assert_allclose(tracks.sum(), of_tracks[mine].mean(), atol=1e-9)
        np.testing.assert_allclose(
            vertices.sum(axis=0), columns_of(found, "vertex_slots")[mine].mean(axis=0), atol=1e-9
        )


def test_chunks_do_not_change_the_relevance(context, found, record):
    with open_table(record) as table:
        other = relevance_of_jets(
            context.tagger(VARIANT), table.iter_jets(chunk=31), "gamma_signed", most=JETS
        )
    np.testing.assert_array_equal(other.labels, found.labels)
    np.testing.assert_allclose(other.rows, found.rows, atol=1e-5)
    for name in found.maps:
        np.testing.assert_allclose(other.maps[name][0], found.maps[name][0], atol=1e-6)


def test_means_and_orders_are_plain(found):
    values = relevance_values(found, 0)
    labels = found.labels
    for place, name in enumerate(("qcd", "hbb")):
        mean = columns_of(found, "features")[labels == place].mean(axis=0)
        for feature, wanted in zip(found.names, mean, strict=True):
            assert values["relevance"][name][feature]["value"] == pytest.approx(wanted)
        order = [found.names[i] for i in np.argsort(-mean[: found.tracks])[:4]]
        assert values["order"][name]["first_four_tracks"]["value"] == order
        share = values["share"]["vertices"][name]
        assert share.value == pytest.approx(mean[found.tracks :].sum())
        assert values["track_slots"][name]["3"]["value"] == pytest.approx(
            columns_of(found, "slots")[labels == place, 3].mean()
        )
    vertices = values["share"]["vertices"]
    gap = vertices["hbb"].value - vertices["qcd"].value
    assert vertices["hbb_minus_qcd"].value == pytest.approx(gap)


def test_relevance_in_a_file_gives_the_same_numbers(context, found, tmp_path, monkeypatch):
    monkeypatch.setattr("repro.data.spooled.IN_MEMORY", 0)
    spooled = relevance_of_jets(
        context.tagger(VARIANT),
        context.record.iter_jets(),
        "gamma_signed",
        most=JETS,
        spool=tmp_path,
    )
    assert not isinstance(spooled.rows, np.ndarray)
    for values in (
        lambda one: relevance_values(one, 0),
        instability_values,
        lambda one: ratios_to(one, "sv_pt", ["sv_mass"], 0),
    ):
        assert plain(values(spooled)) == plain(values(found))


def test_no_jets_are_refused(context):
    with pytest.raises(BadInput, match="two jets of each class"):
        relevance_of_jets(context.tagger(VARIANT), [], "gamma", most=0)


def test_ratios_have_intervals_of_correlated_means(found):
    ratios = ratios_to(found, "sv_pt", ["sv_mass"], 0)["hbb"]["sv_mass"]
    mine = columns_of(found, "features")[found.of_class("hbb")]
    first, other = (mine[:, found.names.index(name)] for name in ("sv_mass", "sv_pt"))
    assert ratios["value"] == pytest.approx(first.mean() / other.mean())
    rng = np.random.default_rng(0)
    resampled = []
    for _ in range(400):
        rows = rng.integers(0, len(mine), len(mine))
        resampled.append(first[rows].mean() / other[rows].mean())
    width = np.diff(np.quantile(resampled, [0.025, 0.975]))[0]
    assert np.diff(ratios["interval"])[0] == pytest.approx(width, rel=0.5)


def test_one_wild_jet_is_seen_and_trimmed(found):
    wild = found.rows.copy()
    mine = np.flatnonzero(found.of_class("qcd"))
    wild[mine[0], 3] = 1e6
    changed = type(found)(**{**vars(found), "rows": wild})
    before, after = (instability_values(one)["qcd"] for one in (found, changed))
    assert after["largest"] == 1e6
    assert after["above_one"].value == pytest.approx(
        before["above_one"].value + 1 / len(mine), abs=1 / len(mine)
    )
    name = found.names[3]
    assert abs(after["trimmed"][name]["value"]) < 10
    assert after["median"][name] == pytest.approx(before["median"][name], abs=0.05)
    mean = relevance_values(changed, 0)["relevance"]["qcd"][name]["value"]
    assert mean > 1000


def test_every_claim_finds_its_number(result):
    for claim in load_claims("hbb"):
        if claim.item == "hbb/fig11":
            found = look_up(result.values, claim.value)
            assert found is not None, claim.value
            if claim.group in ("hbb/C24", "hbb/C25") and claim.comparison != "equal":
                assert len(found["interval"]) == 2, claim.value


def test_drops_of_vertex_features_are_those_of_zeros(result, context, jets):
    tracks, vertices, targets = jets
    network = context.tagger("in").network
    place = [feature.name for feature in vertex_features()].index("sv_pt")
    masked = vertices.copy()
    masked[:, place] = 0
    areas = []
    for part in (vertices, masked):
        logits = predict_logits(network, rows_of(tracks, part)).astype(np.float64)
        areas.append(roc_auc_score(targets[:, 1], logits[:, 1] - logits[:, 0]))
    drop = result.values["baseline"]["drop"]["sv_pt"]["value"]
    assert drop == pytest.approx(100 * (areas[0] - areas[1]), abs=0.02)


def test_the_published_number_of_jets_is_taken_unless_another_is_asked_for(
    make_context, record, monkeypatch
):
    monkeypatch.setattr("repro.figures.hbb.fig11._JETS", 100)
    monkeypatch.setattr("repro.figures.hbb.fig11._drops", lambda *_: {})
    item = find_item("hbb/fig11")
    first = compute_item(item, make_context(data=str(record), weights="authors"))
    assert (first.data["jets"], first.data["selection"]) == (100, "first 100")
    more = compute_item(item, make_context(data=str(record), weights="authors", jets=120))
    assert more.data["jets"] == 120
    corrected = make_context(data=str(record), weights="authors", corrected=True)
    found = compute_item(item, corrected)
    assert found.settings["rule"] == "gamma_signed"
    assert found.values["relevance"] == found.values["stable"]["relevance"]
    assert "left out" in found.evidence[""].description
    assert {entry["verdict"] for entry in found.claims} == {"not tested"}


def test_picture_is_drawn_from_the_numbers_alone(result, tmp_path):
    path = tmp_path / "fig11.json"
    path.write_text(result.to_json())
    figure = render_item(find_item("hbb/fig11"), type(result).from_json(path))
    assert f"{JETS} jets" in figure._supxlabel.get_text()
    assert len(figure.axes) >= 10


def test_vertices_are_sorted_empty_ones_last(jets):
    wanted = ordered(*jets[:2])[1]
    np.testing.assert_array_equal(sort_vertices(jets[1]), wanted)


def test_one_class_alone_is_refused(context, record):
    with open_table(record) as table:
        everything = table.read_jets(0, JETS)
    with pytest.raises(BadInput, match="two jets of each class"):
        relevance_of_jets(
            context.tagger(VARIANT), [everything.take(everything.labels == 1)], "gamma", most=JETS
        )
