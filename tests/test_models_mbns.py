"""MBNS: cards, the authors' weights, golden outputs on their stored jets, and scores."""

import numpy as np
import pytest
import torch
from torch import nn

from repro.data.pickles import load_pickle
from repro.errors import BadInput
from repro.features.mbns import mbns_features
from repro.metrics.roc import auc, rank_jets
from repro.models import mbns
from repro.models.cards import find_card, load_cards
from repro.models.dense import DenseNetwork, count_parameters
from repro.models.scores import probability_of_top, score
from repro.models.state import load_checked, rename_layers
from repro.models.tagger import Tagger, load_tagger, predict_logits

# The table of variants: hidden nodes, inputs, parameters.
TABLE = {
    "baseline": ((200, 200, 50, 50), 22, 57_502),
    "ThreeLayer": ((200, 200, 50), 22, 54_952),
    "TwoLayer": ((200, 200), 22, 45_202),
    "OneLayer400": ((400,), 22, 10_002),
    "OneLayer": ((200,), 22, 5_002),
    "nojetpt": ((200, 200, 50, 50), 21, 57_302),
    "tau_x_1": ((200, 200, 50, 50), 9, 54_902),
    "trial": ((200, 200, 50, 50), 22, 57_502),
}
# P(top) of the first three QCD jets that the authors stored.
GOLDEN = {
    "baseline": [0.010515, 0.155991, 0.209886],
    "ThreeLayer": [0.011924, 0.150263, 0.255217],
    "TwoLayer": [0.014298, 0.101149, 0.280122],
    "OneLayer": [0.013028, 0.136787, 0.393666],
    "OneLayer400": [0.010998, 0.140639, 0.385852],
}
FEATURES = mbns_features()


@pytest.fixture(scope="module")
def real_jets(fetch):
    """500 QCD and 500 top test jets, float64."""
    return stored(fetch, "")


def stored(fetch, suffix):
    folder = "toptag/fixtures/mbns_shap"
    return np.vstack(
        [load_pickle(fetch(f"{folder}/samples_{name}{suffix}.pkl")) for name in ("bkg", "sig")]
    )


def test_there_is_a_card_for_every_variant_of_the_table():
    assert set(load_cards("mbns")) == set(TABLE)
    assert find_card("mbns").variant == "baseline"


@pytest.mark.parametrize("variant", TABLE)
def test_card_and_network_have_the_sizes_of_the_table(variant):
    hidden, inputs, parameters = TABLE[variant]
    card = find_card(f"mbns:{variant}")
    assert (card.hidden, card.inputs, card.parameters) == (hidden, inputs, parameters)
    assert len(card.columns(FEATURES)) == inputs
    network = mbns.build(card)
    assert count_parameters(network) == parameters
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}


def test_variants_see_the_columns_that_their_names_say():
    seen = [FEATURES[i] for i in find_card("mbns:tau_x_1").columns(FEATURES)]
    assert seen == [f"tau_{n}_1" for n in range(1, 8)] + ["pT_J", "m_J"]
    seen = [FEATURES[i] for i in find_card("mbns:nojetpt").columns(FEATURES)]
    assert seen == [*FEATURES[:-2], "m_J"]


@pytest.mark.parametrize(
    ("variant", "rates"),
    [
        ("baseline", [0.2, 0.2, 0.1, 0.1]),
        ("ThreeLayer", [0.2, 0.2, 0.1]),
        ("TwoLayer", [0.2, 0.1]),
        ("OneLayer", [0.2]),
    ],
)
def test_dropout_follows_every_hidden_layer_in_training_only(variant, rates):
    network = mbns.build(find_card(f"mbns:{variant}"))
    kinds = [type(layer) for layer in network.layers]
    assert kinds == [nn.Linear, nn.ReLU, nn.Dropout] * len(rates) + [nn.Linear]
    assert [layer.p for layer in network.layers if isinstance(layer, nn.Dropout)] == rates
    rows = torch.rand(50, 22, dtype=torch.float64)
    assert not torch.equal(network(rows), network(rows))
    network.eval()
    assert torch.equal(network(rows), network(rows))


@pytest.mark.parametrize("variant", TABLE)
def test_authors_weights_load_and_tag_the_real_jets(fetch, real_jets, variant):
    tagger = load_tagger(f"mbns:{variant}", "authors", fetch)
    assert [file.id for file in tagger.weights] == list(tagger.card.authors)
    scores = score(tagger, tagger.prepare(real_jets, FEATURES))
    assert scores.dtype == np.float64
    assert ((scores > 0.5) == (np.arange(1000) >= 500)).mean() > 0.9
    if variant in GOLDEN:
        np.testing.assert_allclose(scores[:3], GOLDEN[variant], rtol=0, atol=6e-7)


@pytest.mark.parametrize(
    ("variant", "expected"), [("baseline", 0.98047), ("tau_x_1", 0.98014), ("nojetpt", 0.98087)]
)
def test_auc_on_the_authors_stored_jets(fetch, real_jets, variant, expected):
    tagger = load_tagger(f"mbns:{variant}", "authors", fetch)
    scores = score(tagger, tagger.prepare(real_jets, FEATURES))
    found = auc(rank_jets(scores, np.repeat([0, 1], 500)))
    assert found == pytest.approx(expected, abs=5.1e-6)


def test_the_authors_stored_tau_x_1_jets_are_these_columns(fetch, real_jets):
    columns = find_card("mbns:tau_x_1").columns(FEATURES)
    np.testing.assert_array_equal(stored(fetch, "_tau_x_1"), real_jets[:, columns])


@pytest.mark.parametrize("other", ["mbns:OneLayer", "mbns:tau_x_1", "pfn"])
def test_weights_of_another_variant_or_family_are_refused(fetch, other):
    card = find_card("mbns")
    state = mbns.read_authors(card, [fetch(find_card(other).authors[0])])
    with pytest.raises(BadInput, match="no fit: tensor"):
        load_checked(mbns.build(card), state, "no fit")


def test_renaming_keeps_what_it_does_not_know():
    state = {"a.0.weight": torch.ones(1), "a.0.bias": torch.ones(1), "odd": torch.ones(1)}
    assert list(rename_layers(state, {"a.0": "b"})) == ["b.weight", "b.bias", "odd"]


# --- scores ------------------------------------------------------------------------------------


def make_tagger(outputs, precision=torch.float32):
    torch.manual_seed(0)
    network = DenseNetwork(4, (5,), outputs).to(precision).eval()
    return Tagger(find_card("mbns"), network, ())


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize(
    ("precision", "kind"), [(torch.float32, np.float32), (torch.float64, np.float64)]
)
def test_scores_are_the_sigmoid_or_softmax_in_the_networks_precision(outputs, precision, kind):
    tagger = make_tagger(outputs, precision)
    rows = np.random.default_rng(0).normal(size=(20, 4))
    scores = score(tagger, rows)
    assert scores.dtype == kind
    logits = torch.from_numpy(predict_logits(tagger.network, rows.astype(kind)))
    wanted = torch.sigmoid(logits) if outputs == 1 else torch.softmax(logits, dim=1)[:, 1]
    np.testing.assert_allclose(scores, wanted.numpy(), rtol=1e-5)


@pytest.mark.parametrize("outputs", [1, 2])
def test_rows_with_nan_get_nan_and_leave_the_others_alone(outputs):
    tagger = make_tagger(outputs)
    rows = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    whole = score(tagger, rows)
    rows[1], rows[4, 2] = np.nan, np.nan
    scores = score(tagger, rows)
    assert np.isnan(scores).tolist() == [False, True, False, False, True, False]
    np.testing.assert_array_equal(scores[[0, 2, 3, 5]], whole[[0, 2, 3, 5]])


def test_extreme_logits_are_probabilities_without_warnings():
    logits = np.array([-1e4, 0, 1e4], np.float32)
    assert probability_of_top(logits).tolist() == [0, 0.5, 1]
    assert probability_of_top(np.stack([-logits, logits], axis=1)).tolist() == [0, 0.5, 1]


def test_no_jets_have_no_scores():
    assert score(make_tagger(1), np.zeros((0, 4), np.float32)).shape == (0,)
    with pytest.raises(BadInput):
        make_tagger(2).prepare(np.zeros((3, 21)), FEATURES[:21])
