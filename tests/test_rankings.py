"""Bars, orders and ranks that the ranking figures share, and whether methods know what is tied."""

import dataclasses

import numpy as np
import pytest
from problems import make_jets, make_network, make_problem

from repro.errors import BadInput
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import find_method
from repro.figures.patterns import pattern_values
from repro.figures.rankings import bars_of, placed, rank_entry, ratio_entry
from repro.metrics.bootstrap import Intervals

RANKING = (
    "occlusion",
    "permutation",
    "mad_relevance",
    "lrp",
    "mean_behaviour",
    "integrated_gradients",
    "kernel_shap",
)


def explanation(values, margin, correlation=None):
    value = np.array(values, float)
    numbers = Intervals(value, value - margin, value + margin, 0.95, correlation)
    return Explanation("x", "points", tuple("abcdef"[: len(values)]), {"all": numbers})


def test_bars_have_their_places():
    bars = bars_of(explanation([1.0, 9.0, 1.1], 0.4, np.eye(3)), "all")
    assert bars["b"] == {
        "value": 9.0,
        "interval": [8.6, 9.4],
        "rank": 1,
        "places": [1, 1],
        "unit": "points",
    }
    assert [bars[name]["rank"] for name in "abc"] == [3, 1, 2]
    assert bars["a"]["places"] == bars["c"]["places"] == [2, 3]


def test_bars_say_where_independence_is_assumed():
    assert placed(explanation([1.0, 2.0], 0.1), "all")["a"]["independent"] is True
    assert "independent" not in placed(explanation([1.0, 2.0], 0.1, np.eye(2)), "all")["a"]


def test_ranks_and_ratios_have_intervals():
    found = explanation([1.0, 9.0, 1.1], 0.4, np.eye(3))
    rank = rank_entry(found, "all", "a")
    assert (rank.value, rank.low, rank.high) == (3, 2, 3)
    ratio = ratio_entry(found, "all")
    assert ratio.value == pytest.approx(9 / 1.1)
    assert ratio.low < ratio.value < ratio.high


def test_a_matrix_has_no_places():
    found = find_method("correlation").explain(make_problem())
    with pytest.raises(BadInput, match="a matrix, which has no places"):
        found.places("qcd")


# Permutation and KernelSHAP draw column by column: the same feature twice has two numbers.
@pytest.mark.parametrize("name", sorted(set(RANKING) - {"permutation", "kernel_shap"}))
def test_features_that_are_one_and_the_same_are_tied(name):
    """The network sees a column twice, with the same weights: a tie, however many the jets."""
    inputs, labels = make_jets(60, 4)
    inputs[:, 3] = inputs[:, 2]
    network = make_network(4)
    weights = next(network.parameters())
    weights.data[:, 3] = weights.data[:, 2]
    found = find_method(name).explain(Problem(network, inputs, labels, tuple("abcd")))
    for panel in found.panels:
        places = found.places(panel)
        assert places.paired
        assert places.first[2] <= places.rank[2] < places.last[2]
        assert (places.first[2], places.last[2]) == (places.first[3], places.last[3])


@pytest.mark.parametrize("name", RANKING)
def test_every_ranking_knows_the_correlations_of_its_errors(name):
    jets = 2000 if name == "mean_behaviour" else 80  # fewer have means without any relevance
    found = find_method(name).explain(make_problem(n=jets))
    for panel in found.panels.values():
        known = panel.correlation
        assert known.shape == (5, 5)
        np.testing.assert_allclose(known, known.T)
        np.testing.assert_allclose(np.diag(known), 1)
        assert np.linalg.eigvalsh(known).min() > -1e-9
        assert np.abs(known - np.eye(5)).max() > 0.01


@pytest.mark.parametrize("name", ["occlusion", "mad_relevance", "lrp"])
def test_correlations_are_those_of_resampled_jets(name):
    """The whole explanation, once for each resample of the jets."""
    network = make_network()
    if name == "mad_relevance":  # a logit near zero would be all of a resample
        list(network.parameters())[-1].data += 30
    problem = make_problem(network, n=400)
    options = {} if name == "occlusion" else {"outliers": "kept"}
    method = find_method(name)
    panel = "all" if name == "occlusion" else "top"
    generator = np.random.default_rng(0)
    repeats = []
    for _ in range(150):
        rows = np.concatenate(
            [generator.choice(np.flatnonzero(problem.labels == label), 200) for label in (0, 1)]
        )
        again = dataclasses.replace(
            problem, inputs=problem.inputs[rows], labels=problem.labels[rows]
        )
        repeats.append(method.explain(again, **options).panels[panel].value)
    expected = np.corrcoef(np.array(repeats).T)
    found = method.explain(problem, **options).panels[panel].correlation
    # 150 repeats tell a correlation to 0.08, the jets at hand to 0.05.
    assert np.abs(found - expected).max() < 0.3


def test_intervals_of_the_largest_differences_reach_lower_than_that_of_the_node():
    found = find_method("activation_patterns").explain(make_problem(n=100))
    values, difference = pattern_values(found), found.panels["difference"]
    for layer, rows in {"layer1": slice(0, 7), "layer2": slice(7, 11)}.items():
        chosen = int(np.argmax(difference.value[rows]))
        entry = values["largest_difference"][layer]
        assert entry.value == difference.value[rows][chosen]
        assert entry.low < difference.low[rows][chosen] or entry.low > 0.9 * entry.value
        assert entry.high == difference.high[rows].max()
