"""Preloading: what a smaller network begins with, and the traces that it leaves."""

import re

import numpy as np
import pytest
import torch
from interaction_oracle import rows_of

from repro.catalogue import load_claims
from repro.features.interaction import interaction_features, interaction_inputs
from repro.features.waves import wave_jets
from repro.models.cards import find_card, load_cards
from repro.models.interaction import build, kept_features
from repro.models.interaction_network import InteractionNetwork
from repro.models.preload import cosines, preload
from repro.models.tagger import load_tagger, predict_logits, untrained_tagger

CLAIMS = {claim.id: claim for claim in load_claims("hbb")}
PRELOADED = [label for label in load_cards("in") if label.endswith("_preload")]


@pytest.fixture(scope="module")
def baseline(fetch):
    return load_tagger("in", "authors", fetch).network


def masked_logits(network, tracks, vertices, kept):
    """The network with all other features set to zero."""
    masks = (np.isin(np.arange(size), some) for size, some in zip((30, 14), kept, strict=True))
    parts = (p * m[:, None] for p, m in zip((tracks, vertices), masks, strict=True))
    return predict_logits(network, interaction_inputs(*parts))


def preloaded(baseline, kept, *, corrected=False, **sizes):
    torch.manual_seed(1)
    sizes = {"hidden": (60, 60), "edge_features": 20, "node_features": 24, **sizes}
    network = InteractionNetwork(len(kept[0]), len(kept[1]), **sizes).eval()
    found = preload(network.state_dict(), baseline.state_dict(), *kept, corrected=corrected)
    network.load_state_dict(dict(found.state))
    return network, found.random


def logits_of(network, tracks, vertices, kept):
    return predict_logits(network, rows_of(tracks[:, kept[0]], vertices[:, kept[1]]))


@pytest.mark.parametrize("label", PRELOADED)
def test_preloaded_networks_begin_as_the_masked_baseline(baseline, label):
    card = find_card(f"in:{label}")
    kept = kept_features(card)
    network = build(card).eval()
    found = preload(network.state_dict(), baseline.state_dict(), *kept)
    assert found.random == ()
    network.load_state_dict(dict(found.state))
    jets = wave_jets()
    wanted = masked_logits(baseline, *jets, kept)
    np.testing.assert_allclose(logits_of(network, *jets, kept), wanted, rtol=1e-4)


@pytest.mark.parametrize("key", ["0001", "005", "quality_ptrel_erel_pt"])
def test_masked_baseline_has_the_claimed_logits(baseline, key):
    """Claim C7."""
    if key == "quality_ptrel_erel_pt":
        kept = [i for i in range(30) if i != 13], [i for i in range(14) if i not in (0, 1, 5)]
    else:
        kept = kept_features(find_card(f"in:psvfeaturesdropped_{key}_preload"))
    jets = wave_jets(1)
    wanted = [CLAIMS[f"hbb/C7.masked.{key}.{kind}"].expected for kind in ("qcd", "hbb")]
    assert masked_logits(baseline, *jets, kept)[0] == pytest.approx(wanted, rel=1e-4)
    network, random = preloaded(baseline, kept)
    assert random == ()
    assert logits_of(network, *jets, kept)[0] == pytest.approx(wanted, rel=1e-4)


def test_tensors_of_another_shape_stay_random_and_are_named(baseline):
    kept = list(range(5)), list(range(14))
    torch.manual_seed(1)
    fresh = InteractionNetwork(5, 14, (32, 32), 20, 24).state_dict()
    found = preload(fresh, baseline.state_dict(), *kept)
    same = {"edges.4.bias", "vertex_edges.4.bias", "nodes.4.bias"}
    copied = same | {"classifier.weight", "classifier.bias"}
    assert set(fresh) - set(found.random) == copied
    for name, tensor in found.state.items():
        wanted = baseline.state_dict() if name in copied else fresh
        torch.testing.assert_close(tensor, wanted[name], rtol=0, atol=0)


def test_the_quirk_mixes_the_two_sums_where_edges_carry_less(baseline):
    """As published: the right shape, the wrong columns, and random last layers of edges."""
    everything = list(range(30)), list(range(14))
    network, random = preloaded(baseline, everything, edge_features=8)
    assert random == tuple(
        f"{block}.4.{leaf}" for block in ("edges", "vertex_edges") for leaf in ("weight", "bias")
    )
    columns = baseline.nodes[0].weight
    torch.testing.assert_close(network.nodes[0].weight, columns[:, : 30 + 16], rtol=0, atol=0)


@pytest.mark.parametrize("edge_features", [8, 16])
def test_corrected_the_first_numbers_of_each_edge_are_kept(baseline, edge_features):
    """It then gives what the baseline gives with the other numbers cut off."""
    everything = list(range(30)), list(range(14))
    network, random = preloaded(baseline, everything, corrected=True, edge_features=edge_features)
    assert random == ()
    cut = InteractionNetwork(30, 14, (60, 60), 20, 24).eval()
    cut.load_state_dict(baseline.state_dict())
    with torch.no_grad():
        for block in (cut.edges, cut.vertex_edges):
            block[4].weight[edge_features:] = block[4].bias[edge_features:] = 0
    jets = wave_jets()
    wanted = masked_logits(cut, *jets, everything)
    np.testing.assert_allclose(logits_of(network, *jets, everything), wanted, rtol=1e-5)


def test_corrected_is_the_same_where_edges_carry_as_much(baseline):
    kept = kept_features(find_card("in:psvfeaturesdropped_100_preload"))
    states = [
        preloaded(baseline, kept, corrected=corrected)[0].state_dict()
        for corrected in (False, True)
    ]
    for name, tensor in states[0].items():
        torch.testing.assert_close(states[1][name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("corrected", [False, True])
def test_edges_that_carry_more_find_nothing_to_take(baseline, corrected):
    everything = list(range(30)), list(range(14))
    _, random = preloaded(baseline, everything, corrected=corrected, edge_features=24)
    assert "nodes.0.weight" in random
    assert {"edges.4.weight", "vertex_edges.4.bias"} <= set(random)


def test_nothing_is_changed_in_place(baseline):
    fresh = untrained_tagger("in:pfeaturesdropped_100").network.state_dict()
    before = {name: tensor.clone() for name, tensor in fresh.items()}
    found = preload(
        fresh, baseline.state_dict(), *kept_features(find_card("in:pfeaturesdropped_100"))
    )
    for tensor in found.state.values():
        tensor.fill_(7)
    for name, tensor in fresh.items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
    assert not any((tensor == 7).all() for tensor in baseline.state_dict().values())


def mean_cosine(fetch, label, baseline):
    tagger = load_tagger(f"in:{label}", "authors", fetch)
    kept = kept_features(tagger.card)
    found = cosines(tagger.network.state_dict(), baseline.state_dict(), *kept)
    return np.mean(list(found.values())), len(found)


def test_preloading_leaves_traces_in_the_published_weights(fetch, baseline):
    """Claim C6.  Of networks with other hidden layers but a few biases could be compared."""
    cards = {label: card for label, card in load_cards("in").items() if card.hidden == (60, 60)}
    means = {label: mean_cosine(fetch, label, baseline) for label in cards}
    assert means.pop("baseline")[0] == pytest.approx(1)
    for label in PRELOADED:
        wanted = CLAIMS[f"hbb/C6.{label}"].expected
        assert means.pop(label) == (pytest.approx(wanted, abs=0.01), 20)
        assert wanted > CLAIMS["hbb/C6.preloaded"].expected
    assert len(means) == 12
    for mean, tensors in means.values():
        assert abs(mean) < CLAIMS["hbb/C6.random"].expected
        assert tensors >= 16


def test_labels_with_preload_are_those_with_columns_left_out():
    assert len(PRELOADED) == 10
    for label in PRELOADED:
        card = find_card(f"in:{label}")
        assert 0 < len(card.columns(interaction_features())) < 1870
        assert re.fullmatch(r"p(sv)?featuresdropped_\d+_preload", label)
