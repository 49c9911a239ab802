"""Relative neuron activity, sparsity, and correlations."""

import numpy as np
import pytest
import torch
from problems import hidden_of, make_jets, make_network, make_problem
from scipy.stats import pearsonr
from torch import nn

from repro.errors import BadInput, UnknownName
from repro.explain.activation_patterns import (
    QUIET,
    explain_by_activation_patterns,
    relative_activity,
    sparsity,
)
from repro.explain.correlation import correlations, explain_by_correlation
from repro.explain.problem import Problem

CLASSES = ("qcd", "top")


def plain_activity(problem, label):
    """Sum over jets, node by node; divide by the largest sum of the layer."""
    found = []
    for layer in hidden_of(problem.network, problem.inputs[problem.labels == label]):
        sums = [sum(jet[j] for jet in layer) for j in range(layer.shape[1])]
        found += [total / max(sums) if max(sums) > 0 else 0.0 for total in sums]
    return np.array(found)


@pytest.mark.parametrize("outputs", [1, 2])
def test_activity_equals_the_plain_version_with_loops(outputs):
    problem = make_problem(n=40, outputs=outputs)
    found = explain_by_activation_patterns(problem)
    expected = {name: plain_activity(problem, label) for label, name in enumerate(CLASSES)}
    for name in CLASSES:
        np.testing.assert_allclose(found.panels[name].value, expected[name], atol=1e-12)
    difference = np.abs(expected["top"] - expected["qcd"])
    np.testing.assert_allclose(found.panels["difference"].value, difference, atol=1e-12)
    assert found.details["layers"] == [7, 4]
    assert found.names[:2] == ("layer1/0", "layer1/1")
    assert found.names[-1] == "layer2/3"


def test_sparsity_counts_quiet_nodes_of_each_class_and_of_both():
    problem = make_problem(n=40)
    found = explain_by_activation_patterns(problem)
    qcd, top = (plain_activity(problem, label) for label in (0, 1))
    expected = {
        "qcd": (qcd < 0.2).mean(),
        "top": (top < 0.2).mean(),
        "both": (np.maximum(qcd, top) < 0.2).mean(),
    }
    assert QUIET == 0.2
    for name, value in expected.items():
        entry = found.details["sparsity"][name]
        assert float(entry.value) == pytest.approx(value)
        assert float(entry.low) <= float(entry.high)
    assert expected["both"] <= min(expected["qcd"], expected["top"])


def test_the_busiest_node_of_each_layer_has_activity_one():
    problem = make_problem(n=40)
    found = explain_by_activation_patterns(problem)
    for name in CLASSES:
        first, second = np.split(found.panels[name].value, [7])
        assert first.max() == second.max() == 1
        assert (found.panels[name].value >= 0).all()


def test_scaling_a_layer_changes_nothing():
    problem = make_problem(n=40)
    before = explain_by_activation_patterns(problem)
    with torch.no_grad():
        problem.network.layers[0].weight *= 3
        problem.network.layers[0].bias *= 3
        problem.network.layers[2].weight /= 3
    after = explain_by_activation_patterns(problem)
    for name, panel in before.panels.items():
        np.testing.assert_allclose(after.panels[name].value, panel.value, rtol=1e-9, atol=1e-12)


def test_a_silent_layer_has_no_activity_and_is_all_sparse():
    network = make_network(5, (6,))
    with torch.no_grad():
        network.layers[0].weight.zero_()
        network.layers[0].bias.fill_(-1)
    found = explain_by_activation_patterns(make_problem(network))
    np.testing.assert_array_equal(found.panels["qcd"].value, 0)
    assert float(found.details["sparsity"]["both"].value) == 1


def test_equally_busy_nodes_are_not_sparse():
    network = make_network(5, (6,))
    with torch.no_grad():
        network.layers[0].weight.zero_()
        network.layers[0].bias.fill_(2)
    found = explain_by_activation_patterns(make_problem(network))
    np.testing.assert_array_equal(found.panels["top"].value, 1)
    assert float(found.details["sparsity"]["both"].value) == 0


def test_quiet_is_strictly_below_the_threshold():
    assert sparsity(np.array([0.1, 0.2, 0.3])) == pytest.approx(1 / 3)
    assert sparsity(np.array([0.1, 0.2, 0.3]), quiet=0.31) == 1
    np.testing.assert_array_equal(sparsity(np.zeros((3, 4))), [1, 1, 1])


def test_relative_activity_divides_layer_by_layer():
    sums = np.array([[1.0, 4.0, 0.0, 0.0, 3.0], [2.0, 1.0, 5.0, 10.0, 0.0]])
    expected = [[0.25, 1, 0, 0, 1], [1, 0.5, 0.5, 1, 0]]
    np.testing.assert_array_equal(relative_activity(sums, [2, 2, 1]), expected)


@pytest.mark.parametrize("batch", [2, 7])
def test_activity_does_not_depend_on_the_batches(monkeypatch, batch):
    problem = make_problem(n=23)
    whole = explain_by_activation_patterns(problem)
    monkeypatch.setattr("repro.explain.activation_patterns._JETS_PER_BATCH", batch)
    parts = explain_by_activation_patterns(problem)
    for name, panel in whole.panels.items():
        np.testing.assert_allclose(parts.panels[name].value, panel.value, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(parts.panels[name].low, panel.low, rtol=1e-6, atol=1e-9)


def test_intervals_of_activity_cover_what_repeated_samples_give():
    """Half of the nodes of a fresh sample could miss a 95 % interval by chance only rarely."""
    network = make_network(5, (20, 10))
    panel = explain_by_activation_patterns(make_problem(network, n=2000)).panels["qcd"]
    inside = []
    for seed in range(1, 6):
        inputs, labels = make_jets(20_000, 5, seed)
        large = Problem(network, inputs, labels, tuple("abcde"))
        truth = plain_activity(large, 0)
        inside.append((panel.low - 1e-9 <= truth) & (truth <= panel.high + 1e-9))
    assert np.mean(inside) > 0.8


def test_networks_without_relu_are_refused():
    with pytest.raises(BadInput, match=r"nn\.ReLU"):
        explain_by_activation_patterns(make_problem(nn.Sequential(nn.Linear(5, 1)).double()))


# --- correlations ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_correlations_equal_numpys_and_scipys_intervals_if_gaussian(dtype):
    values = np.random.default_rng(0).normal(size=(40_000, 4)) @ np.triu(np.ones((4, 4)))
    values = values.astype(dtype)
    found = correlations(values, level=0.9)
    np.testing.assert_allclose(found.value, np.corrcoef(values.T), atol=1e-6)
    for i in range(4):
        assert found.value[i, i] == found.low[i, i] == found.high[i, i] == 1
        for j in range(i):
            interval = pearsonr(values[:, i].astype(float), values[:, j].astype(float))
            low, high = interval.confidence_interval(0.9)
            assert found.low[i, j] == pytest.approx(low, abs=2e-4)
            assert found.high[i, j] == pytest.approx(high, abs=2e-4)


def test_intervals_of_correlations_hold_for_long_tails_as_well():
    """Repeated samples of a scale mixture; Fisher's interval would be less than half as wide."""
    covered, repeats, n = 0, 300, 400
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        shared = rng.normal(size=n)
        pair = np.stack([shared + rng.normal(size=n), shared + rng.normal(size=n)], axis=1)
        found = correlations(pair * rng.lognormal(0, 0.8, size=n)[:, None])
        covered += found.low[0, 1] <= 0.5 <= found.high[0, 1]
    assert 0.88 < covered / repeats < 0.98


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e6 / 3])
def test_a_column_without_spread_has_no_correlation(constant):
    values = np.random.default_rng(0).normal(size=(50, 3))
    values[:, 1] = constant
    found = correlations(values)
    assert np.isnan(found.value[1]).all()
    assert np.isnan(found.value[:, 1]).all()
    assert np.isfinite(found.value[0, 2])


def test_below_four_jets_there_is_no_interval():
    found = correlations(np.array([[1.0, 2], [2, 1], [3, 5]]))
    assert np.isfinite(found.value).all()
    assert np.isnan(found.low).all()


def test_correlations_are_taken_class_by_class_and_of_the_chosen_features():
    problem = make_problem(n=60, skip=("x0",))
    found = explain_by_correlation(problem, features=("x4", "x0"))
    assert found.names == ("x4", "x0")
    for label, name in enumerate(CLASSES):
        mine = problem.inputs[problem.labels == label][:, [4, 0]]
        np.testing.assert_allclose(found.panels[name].value, np.corrcoef(mine.T), atol=1e-12)
    assert explain_by_correlation(problem).names == ("x1", "x2", "x3", "x4")


def test_unknown_features_are_named():
    with pytest.raises(UnknownName, match="y, z"):
        explain_by_correlation(make_problem(), features=("z", "x1", "y"))
