"""LRP: explicit loops, gradient times input, conservation, captum, and what is refused."""

import numpy as np
import pytest
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule, GammaRule
from problems import hidden_of, layers_of, logits_of, make_network, make_problem
from scipy.special import expit
from torch import nn

from repro.errors import BadInput, UnknownName
from repro.explain.dense import dense_layers
from repro.explain.lrp import RULES, explain_by_lrp, normalise, propagate, start_relevance
from repro.explain.mean_behaviour import explain_by_mean_behaviour
from repro.explain.outliers import treat_outliers
from repro.explain.problem import Problem
from repro.models.cards import find_card
from repro.models.dense import DenseNetwork


def relevance_of(network, inputs, start, *args, **options):
    with torch.no_grad():
        found = propagate(
            dense_layers(network),
            torch.from_numpy(inputs),
            torch.from_numpy(start),
            *args,
            **options,
        )
    return found.numpy()


def plain_lrp(network, jet, start, rule, *, parameter, biases):
    """One jet, node by node."""
    layers = layers_of(network)
    activations = [jet, *(layer[0] for layer in hidden_of(network, jet[None]))]

    def transformed(weight):
        return weight + parameter * max(weight, 0.0) if rule == "gamma" else weight

    relevance = list(start)
    for depth in reversed(range(len(layers))):
        weights, bias = layers[depth]
        below = [0.0] * weights.shape[1]
        for j in range(weights.shape[0]):
            z = transformed(bias[j]) if biases else 0.0
            for i in range(weights.shape[1]):
                z += activations[depth][i] * transformed(weights[j, i])
            # As published the forward pass of the rule has its ReLU too.
            if biases and depth < len(layers) - 1:
                z = max(z, 0.0)
            if z == 0:
                continue
            if rule == "epsilon":
                z += parameter if z >= 0 else -parameter
            for i in range(weights.shape[1]):
                below[i] += activations[depth][i] * transformed(weights[j, i]) * relevance[j] / z
        relevance = below
    return relevance


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize(
    ("rule", "parameter"),
    [("gamma", 2.0), ("gamma", 0.25), ("gamma", 0.0), ("epsilon", 0.3), ("zero", 0.0)],
)
@pytest.mark.parametrize("outputs", [1, 2])
def test_equals_the_plain_version_node_by_node(outputs, rule, parameter, biases):
    network = make_network(5, (6, 4, 3), outputs)
    inputs = np.random.default_rng(0).normal(size=(12, 5))
    start = np.random.default_rng(1).normal(size=(12, outputs))
    found = relevance_of(network, inputs, start, rule, parameter, biases=biases)
    expected = [
        plain_lrp(network, jet, begin, rule, parameter=parameter, biases=biases)
        for jet, begin in zip(inputs, start, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


def test_default_parameters_are_those_of_the_study():
    assert (RULES["gamma"].parameter, RULES["zero"].parameter) == (2.0, 0.0)
    network = make_network()
    inputs, start = np.random.default_rng(0).normal(size=(3, 5)), np.ones((3, 1))
    for rule, entry in RULES.items():
        np.testing.assert_array_equal(
            relevance_of(network, inputs, start, rule),
            relevance_of(network, inputs, start, rule, entry.parameter),
        )


@pytest.mark.parametrize("rule", ["zero", "gamma"])
def test_without_biases_lrp_zero_is_gradient_times_input(rule):
    """ReLU networks without biases are linear around each jet; gamma = 0 is LRP-0."""
    network = make_network(5, (8, 6), bias=False)
    inputs = torch.from_numpy(np.random.default_rng(0).normal(size=(20, 5))).requires_grad_()
    logits = network(inputs)
    logits.sum().backward()
    expected = (inputs * inputs.grad).detach().numpy()
    found = relevance_of(
        network, inputs.detach().numpy(), logits.detach().numpy()[:, None], rule, 0.0
    )
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("rule", "parameter"), [("zero", 0.0), ("gamma", 2.0), ("gamma", 0.1)])
def test_relevance_is_conserved_in_a_network_without_biases(rule, parameter):
    network = make_network(5, (8, 6), bias=False)
    # Inputs of one sign: a hidden node that is active stays so with transformed weights.
    inputs = np.random.default_rng(0).uniform(0.1, 1, size=(20, 5))
    start = logits_of(network, inputs)[:, None]
    active = np.abs(start[:, 0]) > 0
    found = relevance_of(network, inputs, start, rule, parameter)
    assert active.sum() > 5
    np.testing.assert_allclose(found.sum(axis=1)[active], start[active, 0], rtol=1e-9)


@pytest.mark.parametrize(("rule", "parameter"), [("zero", 0.0), ("gamma", 2.0)])
def test_leaving_out_the_biases_conserves_relevance_in_any_network(rule, parameter):
    network = make_network(5, (8, 6))
    inputs = np.random.default_rng(0).normal(size=(30, 5))
    start = logits_of(network, inputs)[:, None]
    alive = (hidden_of(network, inputs)[-1] > 0).any(axis=1)
    found = relevance_of(network, inputs, start, rule, parameter, biases=False)
    assert alive.sum() > 20
    np.testing.assert_allclose(found.sum(axis=1)[alive], start[alive, 0], rtol=1e-6)


def test_biases_absorb_relevance_as_published():
    network = make_network(5, (8, 6))
    inputs = np.random.default_rng(0).uniform(0.1, 1, size=(30, 5))
    found = relevance_of(network, inputs, np.ones((30, 1)), "gamma", 2.0).sum(axis=1)
    assert np.abs(found - 1).max() > 0.05


def test_layers_may_have_no_biases():
    network = nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 1, bias=False))
    inputs = np.random.default_rng(0).normal(size=(5, 3))
    kept, left_out = (
        relevance_of(network.double(), inputs, np.ones((5, 1)), "zero", biases=biases)
        for biases in (True, False)
    )
    np.testing.assert_allclose(kept, left_out, atol=1e-12)


# --- captum, where its definitions coincide ----------------------------------------------------
#
# captum multiplies gradients with modified weights, as LRP is usually written.  It never
# transforms biases (the study does: b + gamma·max(b, 0)), it puts no ReLU on the denominators of
# hidden layers (the study does; it matters only where inputs are negative), and it stabilises
# all rules by 1e-9.  So gamma is compared without biases and with positive inputs, epsilon with
# both.


def captum_relevance(network, inputs, make_rule, target=None):
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.rule = make_rule()
    tensor = torch.from_numpy(inputs).requires_grad_()
    return LRP(network).attribute(tensor, target=target).detach().numpy()


def with_untouched_copy(bias, outputs=1, hidden=(8, 6), features=5):
    """captum wants outputs (n, 1), and leaves marks on the modules."""
    network, twin = (make_network(features, hidden, outputs, bias=bias) for _ in range(2))
    return nn.Sequential(*network.layers).double(), twin


def start_of(network, inputs, outputs, labels):
    """The logit that is explained, and zero for the other one, (n, outputs)."""
    logits = logits_of(network, inputs).reshape(len(inputs), outputs)
    return logits if outputs == 1 else np.eye(2)[labels] * logits


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("gamma", [0.25, 2.0])
def test_gamma_rule_equals_captums(gamma, outputs):
    copy, network = with_untouched_copy(False, outputs)
    inputs = np.random.default_rng(0).uniform(0.1, 1, size=(20, 5))
    labels = np.arange(20) % 2
    start = start_of(network, inputs, outputs, labels)
    target = torch.from_numpy(labels) if outputs == 2 else None
    expected = captum_relevance(copy, inputs, lambda: GammaRule(gamma=gamma), target)
    for biases in (True, False):
        found = relevance_of(network, inputs, start, "gamma", gamma, biases=biases)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("epsilon", [0.0, 1e-6, 0.05])
def test_epsilon_rule_equals_captums(epsilon, bias, outputs):
    copy, network = with_untouched_copy(bias, outputs)
    inputs = np.random.default_rng(0).normal(size=(20, 5))
    labels = np.arange(20) % 2
    start = start_of(network, inputs, outputs, labels)
    target = torch.from_numpy(labels) if outputs == 2 else None
    expected = captum_relevance(copy, inputs, lambda: EpsilonRule(epsilon=epsilon), target)
    found = relevance_of(network, inputs, start, "epsilon", epsilon)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    if not epsilon:
        zero = relevance_of(network, inputs, start, "zero")
        np.testing.assert_allclose(zero, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("bias", [True, False])
def test_epsilon_rule_equals_captums_in_a_network_of_topodnns_size(bias):
    card = find_card("topodnn:v4")
    copy, network = with_untouched_copy(bias, 1, card.hidden, card.inputs)
    inputs = np.random.default_rng(0).normal(size=(10, card.inputs))
    start = logits_of(network, inputs)[:, None]
    expected = captum_relevance(copy, inputs, lambda: EpsilonRule(epsilon=0.01))
    found = relevance_of(network, inputs, start, "epsilon")
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-7)
    assert scale > 0


# --- whole layers at once, as the notebooks have it ----------------------------------------------


def dense_lrp(network, inputs, start, gamma):
    """arXiv:2210.04371, LRP notebooks: transformed layers, forward, share, backward."""
    layers = layers_of(network)
    activations = [inputs, *hidden_of(network, inputs)]
    relevance = start
    for depth in reversed(range(len(layers))):
        weight, bias = (part + gamma * np.maximum(part, 0) for part in layers[depth])
        z = activations[depth] @ weight.T + bias
        if depth < len(layers) - 1:
            z = np.maximum(z, 0)
        share = np.where(z == 0, 0, relevance / np.where(z == 0, 1, z))
        relevance = activations[depth] * (share @ weight)
    return relevance


@pytest.mark.parametrize("name", ["topodnn", "mbns"])
def test_networks_of_the_study_equal_whole_layers_in_numpy(name):
    card = find_card(name)
    outputs = 1 if name == "topodnn" else 2
    network = make_network(card.inputs, card.hidden, outputs)
    inputs = np.random.default_rng(0).normal(size=(15, card.inputs))
    start = np.random.default_rng(1).normal(size=(15, outputs))
    expected = normalise(dense_lrp(network, inputs, start, 2.0))
    found = normalise(relevance_of(network, inputs, start, "gamma"))
    known = np.isfinite(expected).all(axis=1)
    assert known.sum() > 10
    np.testing.assert_allclose(found[known], expected[known], rtol=1e-6, atol=1e-9)


# --- the explanation ---------------------------------------------------------------------------


@pytest.mark.parametrize("outliers", ["zeroed", "dropped", "kept"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_panels_are_means_of_normalised_relevance_per_class(outputs, outliers):
    problem = make_problem(n=50, outputs=outputs, skip=("x2",))
    logits = logits_of(problem.network, problem.inputs)
    start = expit(logits)[:, None] if outputs == 1 else np.eye(2)[problem.labels] * logits
    relevance = relevance_of(problem.network, problem.inputs, start, "gamma", 2.0)
    total = relevance.sum(axis=1, keepdims=True)
    relevance = np.where(total == 0, np.nan, relevance / np.where(total == 0, 1, total))
    found = explain_by_lrp(problem, outliers=outliers)
    for label, name in enumerate(("qcd", "top")):
        mine = treat_outliers(relevance[problem.labels == label][:, [0, 1, 3, 4]], outliers)
        expected = np.nanmean(np.abs(mine), axis=0)
        np.testing.assert_allclose(found.panels[name].value, expected, rtol=1e-9)
    assert found.names == ("x0", "x1", "x3", "x4")


def test_with_one_output_the_start_cancels():
    relevance = np.random.default_rng(0).uniform(0.1, 1, (4, 3))
    factors = np.array([[2.0], [-3.0], [1e-3], [7.0]])
    np.testing.assert_allclose(normalise(factors * relevance), normalise(relevance))


def test_shares_add_up_to_one_and_a_jet_without_relevance_has_none():
    relevance = np.array([[1.0, 3.0], [1.0, -3.0], [0.0, 0.0], [2.0, -2.0]])
    shares = normalise(relevance)
    np.testing.assert_allclose(shares[:2].sum(axis=1), 1)
    assert np.isnan(shares[2:]).all()


def test_relevance_starts_from_the_probability_or_the_logit_of_the_jets_class():
    labels = torch.tensor([0, 1, 1])
    one = torch.tensor([-1.0, 0.0, 2.0])
    np.testing.assert_allclose(start_relevance(one, labels)[:, 0], expit(one.numpy()), rtol=1e-6)
    two = torch.arange(6.0).reshape(3, 2) + 1
    np.testing.assert_array_equal(start_relevance(two, labels), [[1, 0], [0, 4], [0, 6]])


@pytest.mark.parametrize("batch", [1, 7])
def test_lrp_does_not_depend_on_the_batches(monkeypatch, batch):
    problem = make_problem(n=23)
    whole = explain_by_lrp(problem)
    monkeypatch.setattr("repro.explain.lrp._JETS_PER_BATCH", batch)
    parts = explain_by_lrp(problem)
    for name, panel in whole.panels.items():
        np.testing.assert_allclose(parts.panels[name].value, panel.value, rtol=1e-10)


def test_unknown_rules_name_the_known_ones():
    with pytest.raises(UnknownName, match="zero, epsilon, gamma"):
        explain_by_lrp(make_problem(), rule="delta")


class Residual(DenseNetwork):
    def forward(self, inputs):
        return super().forward(inputs) + inputs[:, 0]


REFUSED = {
    "Tanh": nn.Sequential(nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 1)),
    "Conv1d": nn.Sequential(nn.Conv1d(1, 1, 1)),
    "Linear": nn.Sequential(nn.Linear(5, 3), nn.Linear(3, 1)),
    "BatchNorm1d": nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)),
    "ends in a Linear": nn.Sequential(nn.Linear(5, 3), nn.ReLU()),
    "Softmax": nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.Linear(3, 2), nn.Softmax(dim=1)),
}


@pytest.mark.parametrize("explain", [explain_by_lrp, explain_by_mean_behaviour])
@pytest.mark.parametrize("name", REFUSED)
def test_networks_that_are_not_dense_are_refused_by_name(name, explain):
    problem = make_problem(REFUSED[name].double().eval())
    with pytest.raises(BadInput, match=name) as caught:
        explain(problem)
    assert "\n" not in str(caught.value)


def test_a_forward_pass_that_does_more_than_its_modules_is_refused():
    with pytest.raises(BadInput, match="forward pass"):
        explain_by_lrp(make_problem(Residual(5, (3,)).double().eval()))


def test_dropout_and_containers_are_seen_through():
    network = nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.Dropout()), nn.Linear(3, 2)
    )
    assert [layer.out_features for layer in dense_layers(network)] == [3, 2]
    explain_by_lrp(make_problem(network.double().eval()))


# --- mean behaviour ----------------------------------------------------------------------------


@pytest.mark.parametrize("biases", [True, False])
def test_mean_behaviour_is_lrp_of_the_mean_jet(biases):
    problem = make_problem(n=50, skip=("x1",))
    mean = problem.inputs.mean(axis=0)[None]
    start = expit(logits_of(problem.network, mean))[:, None]
    relevance = relevance_of(problem.network, mean, start, "gamma", 2.0, biases=biases)
    found = explain_by_mean_behaviour(problem, biases=biases)
    expected = np.abs(normalise(relevance))[0, [0, 2, 3, 4]]
    np.testing.assert_allclose(found.panels["all"].value, expected, rtol=1e-9)


def test_mean_behaviour_sees_the_mean_alone():
    problem = make_problem(n=50)
    widened = Problem(
        problem.network,
        problem.means() + 3 * (problem.inputs - problem.means()),
        problem.labels,
        problem.features,
    )
    first, second = (explain_by_mean_behaviour(p).panels["all"] for p in (problem, widened))
    np.testing.assert_allclose(first.value, second.value, rtol=1e-6)
