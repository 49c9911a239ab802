"""Integrated gradients and permutation importance: closed forms and laws."""

import dataclasses

import numpy as np
import pytest
import torch
from problems import make_jets, make_network, make_problem
from torch import nn

from repro.explain.correlation import explain_by_correlation
from repro.explain.integrated_gradients import explain_by_integrated_gradients
from repro.explain.masking import replacement_values
from repro.explain.permutation import _shuffled, explain_by_permutation
from repro.explain.problem import Problem


def linear(weights):
    network = nn.Linear(len(weights), 1).double()
    with torch.no_grad():
        network.weight.copy_(torch.tensor([weights], dtype=torch.float64))
    return network


def test_integrated_gradients_of_a_linear_model_in_closed_form():
    weights = [0.5, -1.0, 0.25]
    inputs, labels = make_jets(60, 3)
    found = explain_by_integrated_gradients(Problem(linear(weights), inputs, labels, tuple("abc")))
    expected = np.abs(np.array(weights) * (inputs - inputs.mean(axis=0)))
    for label, name in enumerate(("qcd", "top")):
        mean = expected[labels == label].mean(axis=0)
        np.testing.assert_allclose(found.panels[name].value, mean, rtol=1e-9)
    assert found.details["mean_residual"] < 1e-8


def test_integrated_gradients_add_up_to_the_output_better_with_more_steps():
    problem = make_problem(n=80, outputs=2)
    coarse, fine = (
        explain_by_integrated_gradients(problem, steps=steps).details["mean_residual"]
        for steps in (4, 200)
    )
    assert fine < 0.01
    assert fine < coarse


def test_padding_has_no_part_in_integrated_gradients():
    inputs, labels = make_jets(40, 4)
    inputs[::3, 2:] = 0
    problem = Problem(make_network(4), inputs, labels, tuple("abcd"), filled_by=(0, 0, 2, 2))
    only = Problem(problem.network, inputs[::3], labels[::3], tuple("abcd"), filled_by=(0, 0, 2, 2))
    found = explain_by_integrated_gradients(only)
    assert not found.panels["qcd"].value[2:].any()
    assert explain_by_integrated_gradients(problem).panels["qcd"].value[2:].all()


def test_shuffling_keeps_each_column_and_its_padding():
    inputs, labels = make_jets(50, 4)
    inputs[::3, 2:] = 0
    problem = Problem(
        make_network(4), inputs, labels, tuple("abcd"), skip=("b",), filled_by=(0, 0, 2, 2)
    )
    shuffled = _shuffled(problem)
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(inputs, axis=0))
    np.testing.assert_array_equal(shuffled[:, 1], inputs[:, 1])
    np.testing.assert_array_equal(shuffled[::3, 2:], 0)
    assert (shuffled[:, 0] != inputs[:, 0]).any()


def test_a_feature_that_is_not_looked_at_has_no_importance_and_the_only_one_has_all():
    inputs, labels = make_jets(400, 2)
    inputs[:, 0] += 3 * labels
    found = explain_by_permutation(Problem(linear([1.0, 0.0]), inputs, labels, ("a", "b")))
    first, second = found.panels["all"].value
    assert second == pytest.approx(0, abs=1e-12)
    # Shuffled, the only feature says nothing: the AUC falls to one half.
    assert found.details["auc"] - first == pytest.approx(50, abs=6)


def test_shuffling_does_not_widen_the_inputs():
    """Those of PFN for all jets fill a gigabyte, in single precision."""
    inputs, labels = make_jets(20, 3)
    network = linear([1.0, 0.5, 0.0]).float()
    problem = Problem(network, inputs.astype(np.float32), labels, tuple("abc"))
    assert _shuffled(problem).dtype == np.float32
    assert np.isfinite(explain_by_permutation(problem).panels["all"].value).all()


# --- padding -------------------------------------------------------------------------------------


def padded_problem():
    """Slots of two columns, fewer jets in each; the last slot is never filled."""
    inputs, labels = make_jets(90, 6)
    inputs[30:, 2:] = 0
    inputs[:, 4:] = 0
    inputs[20:30, 3] = 0  # a value of zero that is no padding
    return Problem(make_network(6), inputs, labels, tuple("abcdef"), filled_by=(0, 0, 2, 2, 4, 4))


def test_medians_are_those_of_filled_entries():
    problem = padded_problem()
    found = replacement_values(problem, "median")
    np.testing.assert_allclose(found[:2], np.median(problem.inputs[:, :2], axis=0))
    np.testing.assert_allclose(found[2:4], np.median(problem.inputs[:30, 2:4], axis=0))
    np.testing.assert_array_equal(found[4:], 0)
    counting = dataclasses.replace(problem, filled_by=())
    np.testing.assert_array_equal(replacement_values(counting, "median")[2:], 0)


def test_correlations_are_those_of_jets_in_which_both_are_filled():
    problem = padded_problem()
    found = explain_by_correlation(problem)
    for label, name in enumerate(("qcd", "top")):
        matrix = found.panels[name].value
        every = problem.inputs[problem.labels == label]
        some = problem.inputs[:30][problem.labels[:30] == label]
        expected = np.corrcoef(some[:, :4].T)
        expected[:2, :2] = np.corrcoef(every[:, :2].T)
        np.testing.assert_allclose(matrix[:4, :4], expected, atol=1e-12)
        assert np.isnan(matrix[4:]).all()
        assert np.isnan(matrix[:, 4:]).all()
        np.testing.assert_array_equal(matrix, matrix.T)
        low, high = found.panels[name].low[:4, :4], found.panels[name].high[:4, :4]
        assert (low <= matrix[:4, :4]).all()
        assert (matrix[:4, :4] <= high).all()


def test_correlations_of_some_padded_features_keep_their_order():
    problem = padded_problem()
    whole = explain_by_correlation(problem).panels["qcd"].value
    chosen = explain_by_correlation(problem, features=("d", "a", "c")).panels["qcd"].value
    np.testing.assert_allclose(chosen, whole[np.ix_([3, 0, 2], [3, 0, 2])], atol=1e-12)
