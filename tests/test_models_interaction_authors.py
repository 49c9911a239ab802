"""The authors' thirty Interaction Networks and the one of the random split: what is published."""

import json
import re

import numpy as np
import pytest
import torch
from interaction_oracle import oracle

from repro.catalogue import load_claims
from repro.data.pins import find_artifact, find_artifacts
from repro.errors import BadInput
from repro.features.interaction import interaction_features, interaction_inputs
from repro.features.waves import wave_jets
from repro.models.cards import find_card, load_cards
from repro.models.dense import count_parameters
from repro.models.interaction import (
    build,
    dropped_features,
    kept_features,
    read_authors,
    rename_authors,
)
from repro.models.interaction_metadata import check_metadata, read_metadata
from repro.models.state import read_state
from repro.models.tagger import load_tagger, predict_logits

LABELS = list(load_cards("in"))
CLAIMS = {claim.id: claim for claim in load_claims("hbb")}


def logits_of(tagger, tracks, vertices):
    rows = interaction_inputs(tracks, vertices)
    return predict_logits(tagger.network, tagger.prepare(rows, interaction_features()))


@pytest.mark.parametrize("label", LABELS)
def test_cards_say_what_is_claimed_of_the_files(label):
    card = find_card(f"in:{label}")
    weights = [name for name in card.authors if name.endswith(".pth")]
    assert [find_artifact(name).sha256 for name in weights] == [
        CLAIMS[f"hbb/C2.sha256.{label}"].expected
    ]
    if label != "random_split":
        assert card.parameters == CLAIMS[f"hbb/C1.{label}"].expected
        assert len(card.authors) == 2


def test_every_file_of_weights_has_a_variant():
    used = {name for card in load_cards("in").values() for name in card.authors}
    pinned = {pin.id for pin in find_artifacts("hbb/weights")}
    others = {
        "hbb/weights/random_gnn_new_last.pth",  # the same bytes as the best ones
        "hbb/weights/onnx_model/5_10_gnn_128.onnx",
    }
    assert pinned - used == others


@pytest.mark.parametrize("label", LABELS)
def test_weights_load_and_give_the_claimed_logits(fetch, label):
    tagger = load_tagger(f"in:{label}", "authors", fetch)
    assert count_parameters(tagger.network) == tagger.card.parameters
    found = logits_of(tagger, *wave_jets())
    pattern = re.compile(rf"hbb/C3\.{re.escape(label)}\.b(\d)\.(qcd|hbb)")
    wanted = {
        match.groups(): claim for key, claim in CLAIMS.items() if (match := pattern.match(key))
    }
    assert len(wanted) == (8 if label == "random_split" else 4)
    for (jet, kind), claim in wanted.items():
        value = found[int(jet), ("qcd", "hbb").index(kind)]
        assert value == pytest.approx(claim.expected, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("label", LABELS)
def test_they_are_those_of_the_authors_computation(fetch, label):
    tagger = load_tagger(f"in:{label}", "authors", fetch)
    state = read_state(fetch(tagger.card.authors[0]))
    tracks, vertices = wave_jets()
    tracks[1, :, 20:] = vertices[1, :, 2:] = 0
    kept = kept_features(tagger.card)
    wanted, _ = oracle(state, tracks[:, kept[0]], vertices[:, kept[1]])
    found = logits_of(tagger, tracks, vertices)
    atol = 1e-5 * float(wanted.abs().max())
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-5, atol=atol)


def test_a_jet_of_nothing_has_its_known_logits(fetch):
    tagger = load_tagger("in", "authors", fetch)
    (found,) = logits_of(tagger, np.zeros((1, 30, 60)), np.zeros((1, 14, 5)))
    wanted = [CLAIMS[f"hbb/C3.baseline.zeros.{kind}"].expected for kind in ("qcd", "hbb")]
    assert found == pytest.approx(wanted, abs=1e-5)


def test_metadata_agree_with_the_cards(fetch):
    preloaded = {}
    for label, card in load_cards("in").items():
        if label == "random_split":
            continue
        metadata = read_metadata(fetch(card.authors[1]))
        assert metadata.label == label
        assert card.hidden == (metadata.hidden,) * 2
        assert card.edge_features == metadata.edge_features
        assert card.node_features == metadata.node_features
        said = metadata.dropped_tracks + metadata.dropped_vertices
        assert sorted(said) == sorted(dropped_features(card))
        assert (metadata.batch_size, metadata.epochs) == (128, 200)
        preloaded[label] = metadata.preloaded
    assert {label for label, loaded in preloaded.items() if loaded} == {
        label for label in preloaded if label.endswith("_preload")
    }
    assert list(preloaded.values()).count(None) == 5


def test_metadata_of_other_weights_are_refused(fetch):
    states = {label: read_state(fetch(find_card(f"in:{label}").authors[0])) for label in LABELS[:8]}
    for label in ("De16", "Do8", "hidden32", "pfeaturesdropped14_hidden16_De8_Do8"):
        metadata = read_metadata(fetch(find_card(f"in:{label}").authors[1]))
        for of_other, state in states.items():
            if of_other == label:
                check_metadata(metadata, state)
            else:
                with pytest.raises(BadInput, match=f"of {label} do not fit the weights") as raised:
                    check_metadata(metadata, state)
                assert "\n" not in str(raised.value)


def test_metadata_of_another_variant_of_the_same_shape_are_refused(fetch):
    card = find_card("in:pfeaturesdropped_005")
    files = [fetch(card.authors[0]), fetch(find_card("in:pfeaturesdropped_005_preload").authors[1])]
    with pytest.raises(BadInput, match="describes pfeaturesdropped_005_preload"):
        read_authors(card, files)


GOOD = {
    "vv_branch": "0",
    "De": 20,
    "Do": 24,
    "hidden": 60,
    "epoch": 200,
    "drop_pfeatures": "2,13",
    "drop_svfeatures": "",
    "label": "mine",
    "batch_size": 128,
}


def test_features_have_names(tmp_path):
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(GOOD))
    metadata = read_metadata(path)
    assert metadata.dropped_tracks == ("track_phirel", "track_quality")
    assert metadata.dropped_vertices == ()
    assert metadata.preloaded is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "3",
        json.dumps({**GOOD, "De": "many"}),
        json.dumps({name: value for name, value in GOOD.items() if name != "hidden"}),
        json.dumps({**GOOD, "drop_pfeatures": "30"}),
        json.dumps({**GOOD, "drop_svfeatures": "x"}),
        json.dumps({**GOOD, "drop_pfeatures": 3}),
        json.dumps({**GOOD, "vv_branch": "1"}),
    ],
)
def test_what_is_no_metadata_is_refused(tmp_path, text):
    path = tmp_path / "metadata.json"
    path.write_text(text)
    with pytest.raises(BadInput) as raised:
        read_metadata(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_weights_of_another_variant_are_refused(fetch, tmp_path):
    state = rename_authors(read_state(fetch(find_card("in:De8").authors[0])))
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(BadInput, match=r"do not fit in:baseline: tensor edges\.4\.\w+ has shape"):
        load_tagger("in:baseline", str(tmp_path / "other.pth"), fetch)
    del state["nodes.2.bias"]
    torch.save(state, tmp_path / "less.pth")
    with pytest.raises(BadInput, match=r"tensor nodes\.2\.bias is missing"):
        load_tagger("in:De8", str(tmp_path / "less.pth"), fetch)


def test_order_does_not_matter(fetch):
    """Claim C4, on filled jets with the authors' weights."""
    tagger = load_tagger("in", "authors", fetch)
    tracks, vertices = wave_jets()
    rng = np.random.default_rng(0)
    shuffled = tracks[:, :, rng.permutation(60)], vertices[:, :, rng.permutation(5)]
    wanted = logits_of(tagger, tracks, vertices)
    np.testing.assert_allclose(logits_of(tagger, *shuffled), wanted, rtol=1e-4)


def test_networks_of_the_same_architecture_have_the_same_tensors(fetch):
    one = build(find_card("in")).state_dict()
    assert {name: tensor.shape for name, tensor in one.items()} == {
        name: tensor.shape
        for name, tensor in load_tagger("in:random_split", "authors", fetch)
        .network.state_dict()
        .items()
    }
