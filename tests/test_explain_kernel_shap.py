"""KernelSHAP: Shapley's axioms, brute force, seeds, and runs that were stopped."""

import itertools
import math

import numpy as np
import pytest
import torch
from problems import logits_of, make_network, make_problem, shap
from scipy.special import expit, logit
from stopped_runs import recording, stopping_after

from repro.explain.kernel_shap import explain_by_kernel_shap, summarise
from repro.explain.kernel_values import kernel_shap
from repro.explain.problem import Problem
from repro.features.samples import authors_background
from repro.models.tagger import load_tagger

# shap enumerates all coalitions of up to 8 features below this number, and then solves exactly.
ALL = 2**8
EXACT = "num_features(8)"


def probability(network, inputs):
    logits = logits_of(network, inputs)
    return expit(logits if logits.ndim == 1 else logits[:, 1] - logits[:, 0])


def shapley_values(network, jet, background):
    """The definition: average over all orders in which features become known."""
    features = len(jet)
    worth = {}
    for size in range(features + 1):
        for known in itertools.combinations(range(features), size):
            inputs = background.copy()
            inputs[:, known] = jet[list(known)]
            worth[known] = logit(probability(network, inputs).mean())
    values = np.zeros(features)
    for feature in range(features):
        for known, before in worth.items():
            if feature not in known:
                weight = math.factorial(len(known)) * math.factorial(features - len(known) - 1)
                gain = worth[tuple(sorted((*known, feature)))] - before
                values[feature] += weight / math.factorial(features) * gain
    return values


def small_problem(network=None, features=5, n=4, **options):
    problem = make_problem(network, n=n, features=features, **options)
    background = np.random.default_rng(9).normal(size=(7, features))
    return problem, background


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("features", [2, 3, 5, 8])
def test_equals_shapley_values_by_brute_force(features, outputs):
    network = make_network(features, outputs=outputs)
    problem, background = small_problem(network, features, n=2)
    found = kernel_shap(problem, background, 2 * ALL, EXACT)
    expected = [shapley_values(network, jet, background) for jet in problem.inputs]
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-8)


def test_attributions_add_up_to_the_logit():
    problem, background = small_problem()
    found = kernel_shap(problem, background, 2 * ALL, EXACT)
    network = problem.network
    assert found.base == pytest.approx(logit(probability(network, background).mean()))
    np.testing.assert_allclose(found.residual, 0, atol=1e-9)
    total = found.base + found.values.sum(axis=1)
    np.testing.assert_allclose(total, logits_of(network, problem.inputs), atol=1e-9)


def test_the_residual_says_how_far_attributions_are_from_adding_up():
    problem, background = small_problem()
    found = kernel_shap(problem, background, 180)
    expected = logits_of(problem.network, problem.inputs) - found.base - found.values.sum(axis=1)
    np.testing.assert_allclose(found.residual, expected, atol=1e-12)
    explained = explain_by_kernel_shap(problem, background=background)
    assert explained.details["largest_residual"] == pytest.approx(np.abs(expected).max())
    assert explained.details["mean_residual"] == pytest.approx(np.abs(expected).mean())


def test_a_feature_that_the_network_ignores_gets_nothing():
    network = make_network(5)
    with torch.no_grad():
        network.layers[0].weight[:, 2] = 0
    problem, background = small_problem(network)
    found = kernel_shap(problem, background, 2 * ALL, EXACT)
    np.testing.assert_allclose(found.values[:, 2], 0, atol=1e-9)
    assert np.abs(found.values[:, 0]).min() > 1e-3


def test_features_that_the_network_treats_alike_get_the_same():
    network = make_network(5)
    with torch.no_grad():
        network.layers[0].weight[:, 3] = network.layers[0].weight[:, 1]
    problem, background = small_problem(network)
    problem.inputs[:, 3] = problem.inputs[:, 1]
    background[:, 3] = background[:, 1]
    found = kernel_shap(problem, background, 2 * ALL, EXACT)
    np.testing.assert_allclose(found.values[:, 3], found.values[:, 1], atol=1e-8)


def test_a_feature_that_equals_the_background_gets_nothing():
    problem, background = small_problem()
    background[:, 4] = problem.inputs[0, 4]
    found = kernel_shap(problem, background, 180)
    assert found.values[0, 4] == 0


def test_a_jet_that_is_the_background_gets_nothing():
    problem, _ = small_problem()
    found = kernel_shap(problem, problem.inputs[:1], 180)
    np.testing.assert_array_equal(found.values[0], 0)
    np.testing.assert_allclose(found.residual[0], 0, atol=1e-12)


def test_the_same_seed_gives_the_same_values_and_another_seed_others():
    # More features than coalitions: the draw matters.
    network = make_network(14)
    values = []
    for seed in (0, 0, 1):
        problem, background = small_problem(network, 14, n=2, seed=seed)
        values.append(kernel_shap(problem, background, 60).values)
    np.testing.assert_array_equal(values[0], values[1])
    assert np.abs(values[0] - values[2]).max() > 1e-6


def test_values_of_a_jet_do_not_depend_on_the_jets_after_it():
    network = make_network(14)
    problem, background = small_problem(network, 14, n=4)
    whole = kernel_shap(problem, background, 60).values
    first = Problem(network, problem.inputs[:2], problem.labels[:2], problem.features)
    np.testing.assert_array_equal(kernel_shap(first, background, 60).values, whole[:2])


def test_numpys_global_generator_is_left_as_it_was():
    np.random.seed(5)
    expected = np.random.random(3)
    np.random.seed(5)
    problem, background = small_problem(n=2)
    kernel_shap(problem, background, 60)
    np.testing.assert_array_equal(np.random.random(3), expected)


def test_panels_are_means_of_absolute_values_per_class():
    problem, background = small_problem(n=6, skip=("x1",))
    found = explain_by_kernel_shap(problem, background=background, nsamples=100)
    attributions = kernel_shap(problem, background, 100)
    values = attributions.values
    for label, name in enumerate(("qcd", "top")):
        mine = values[problem.labels == label][:, [0, 2, 3, 4]]
        np.testing.assert_allclose(found.panels[name].value, np.abs(mine).mean(axis=0))
        np.testing.assert_allclose(found.details["signed_mean"][name], mine.mean(axis=0))
        for summary in summarise(problem, attributions):
            np.testing.assert_array_equal(summary[name].value, found.panels[name].value)
    assert found.settings == {
        "nsamples": 100,
        "l1_reg": "aic",
        "link": "logit",
        "background": 7,
        "whole_background": 7,
        "halved_backgrounds": 0,
    }
    # Nothing is drawn: there is no error to tell.
    assert set(found.details) == {"base", "largest_residual", "mean_residual", "signed_mean"}


# --- stopped runs ------------------------------------------------------------------------------


def test_a_stopped_run_goes_on_and_gives_the_same_values(tmp_path):
    network = make_network(14)
    problem, background = small_problem(network, 14, n=6)
    expected = kernel_shap(problem, background, 60).values
    stopped, _ = small_problem(network, 14, n=6, progress=stopping_after(4))
    with pytest.raises(KeyboardInterrupt):
        kernel_shap(stopped, background, 60, checkpoints=tmp_path)
    (kept,) = tmp_path.iterdir()
    seen = []
    resumed, _ = small_problem(network, 14, n=6, progress=recording(seen))
    found = kernel_shap(resumed, background, 60, checkpoints=tmp_path)
    assert seen == [4, 5]
    np.testing.assert_array_equal(found.values, expected)
    # It is for the caller to remove: until then there is nothing to compute.
    assert kept.is_dir()
    again, _ = small_problem(network, 14, n=6, progress=recording(seen))
    np.testing.assert_array_equal(
        kernel_shap(again, background, 60, checkpoints=tmp_path).values, expected
    )
    assert seen == [4, 5]


def test_another_run_does_not_go_on_from_a_stopped_one(tmp_path):
    network = make_network(6)
    stopped, background = small_problem(network, 6, progress=stopping_after(2))
    with pytest.raises(KeyboardInterrupt):
        kernel_shap(stopped, background, 60, checkpoints=tmp_path)
    other, _ = small_problem(network, 6, seed=1)
    expected = kernel_shap(other, background, 60).values
    found = kernel_shap(other, background, 60, checkpoints=tmp_path).values
    np.testing.assert_array_equal(found, expected)
    assert len(list(tmp_path.iterdir())) == 2


# --- the authors' numbers ----------------------------------------------------------------------


def test_base_value_on_the_authors_background(fetch):
    """-2.05398889 in the authors' file, from TensorFlow in float32."""
    tagger = load_tagger("topodnn", "authors", fetch)
    background = authors_background(fetch)
    assert shap.__version__
    problem = Problem(
        tagger.network, background[:2], np.array([0, 1]), tuple(f"x{i}" for i in range(90))
    )
    logits = logits_of(tagger.network, background)
    assert logit(expit(logits.astype(float)).mean()) == pytest.approx(-2.05398889, abs=1e-5)
    none = Problem(problem.network, background[:2], problem.labels, problem.features)
    found = kernel_shap(none, background, 2, "num_features(1)")
    assert found.base == pytest.approx(-2.05398889, abs=1e-5)
