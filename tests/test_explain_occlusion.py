"""Occlusion and MAD relevance: masking one column, against loops and closed forms."""

import numpy as np
import pytest
import torch
from problems import logits_of, make_jets, make_network, make_problem
from scipy import stats
from sklearn.metrics import roc_auc_score
from torch import nn

from repro.errors import BadInput, UnknownName
from repro.explain import masking
from repro.explain.mad_relevance import (
    differential_relevance,
    explain_by_mad_relevance,
    own_logit,
)
from repro.explain.masking import masked_logits, replacement_values
from repro.explain.occlusion import discriminant, explain_by_occlusion
from repro.explain.outliers import treat_outliers
from repro.explain.problem import Problem

REPLACE = {
    "mean": lambda column: column.mean(),
    "median": np.median,
    "zero": lambda _: 0.0,
}


class Odd(nn.Module):
    """Not a dense network: a column enters twice."""

    def __init__(self):
        super().__init__()
        self.inner = make_network(4)

    def forward(self, inputs):
        return self.inner(inputs) + inputs[:, 1] * torch.sin(inputs[:, 2])


def masked(inputs, column, value):
    copy = inputs.copy()
    copy[:, column] = value
    return copy


@pytest.mark.parametrize("replacement", REPLACE)
@pytest.mark.parametrize("outputs", [1, 2])
def test_occlusion_is_the_drop_of_sklearns_auc(outputs, replacement):
    problem = make_problem(n=80, outputs=outputs, skip=("x2",))

    def score(inputs):
        logits = logits_of(problem.network, inputs)
        return logits if outputs == 1 else logits[:, 1] - logits[:, 0]

    base = roc_auc_score(problem.labels, score(problem.inputs))
    expected = []
    for column in (0, 1, 3, 4):
        value = REPLACE[replacement](problem.inputs[:, column])
        scores = score(masked(problem.inputs, column, value))
        expected.append(100 * (base - roc_auc_score(problem.labels, scores)))
    found = explain_by_occlusion(problem, replacement=replacement)
    np.testing.assert_allclose(found.panels["all"].value, expected, atol=1e-10)
    assert found.details["auc"] == pytest.approx(100 * base)
    assert found.names == ("x0", "x1", "x3", "x4")


def test_a_feature_that_the_network_ignores_loses_nothing():
    network = make_network(5)
    with torch.no_grad():
        network.layers[0].weight[:, 3] = 0
    panel = explain_by_occlusion(make_problem(network)).panels["all"]
    assert panel.value[3] == panel.low[3] == panel.high[3] == 0


def test_occlusion_intervals_hold_the_value_and_shrink_with_more_jets():
    widths = []
    for n in (50, 800):
        panel = explain_by_occlusion(make_problem(n=n)).panels["all"]
        assert (panel.low <= panel.value).all()
        assert (panel.value <= panel.high).all()
        widths.append((panel.high - panel.low).max())
    assert 2.5 < widths[0] / widths[1] < 6.5  # about the root of 16


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_masking_is_the_forward_pass_with_the_column_replaced(monkeypatch, outputs, batch):
    monkeypatch.setattr(masking, "_JETS_PER_BATCH", batch)
    problem = make_problem(n=23, outputs=outputs, skip=("x1",))
    values = problem.means()
    unmasked, masks = masked_logits(problem, values)
    np.testing.assert_allclose(unmasked, logits_of(problem.network, problem.inputs), atol=1e-12)
    found = dict(masks)
    assert list(found) == [(0,), (2,), (3,), (4,)]
    for (column,), logits in found.items():
        inputs = masked(problem.inputs, column, values[column])
        np.testing.assert_allclose(logits, logits_of(problem.network, inputs), atol=1e-12)
    np.testing.assert_allclose(
        masking.logits_of(problem), logits_of(problem.network, problem.inputs), atol=1e-12
    )


def test_masking_works_on_networks_that_are_not_dense():
    inputs, labels = make_jets(20, 4)
    problem = Problem(Odd().double(), inputs, labels, tuple("abcd"))
    for (column,), logits in masked_logits(problem, np.full(4, 0.3))[1]:
        expected = logits_of(problem.network, masked(inputs, column, 0.3))
        np.testing.assert_allclose(logits, expected, atol=1e-12)


def test_replacement_values_are_over_both_classes():
    problem = make_problem(n=31)
    for name, function in REPLACE.items():
        expected = [function(column) for column in problem.inputs.T]
        np.testing.assert_allclose(replacement_values(problem, name), expected, atol=1e-15)
    with pytest.raises(UnknownName, match="mean, median, zero"):
        replacement_values(problem, "noise")


def test_discriminant_grows_with_the_probability_of_class_1():
    logits = np.random.default_rng(0).normal(size=(20, 2))
    probability = np.exp(logits[:, 1]) / np.exp(logits).sum(axis=1)
    assert (np.argsort(discriminant(logits)) == np.argsort(probability)).all()
    assert discriminant(logits[:, 0]) is not None
    np.testing.assert_array_equal(discriminant(logits[:, 0]), logits[:, 0])


# --- MAD relevance -----------------------------------------------------------------------------


def linear_problem(weights, bias, n=50, outputs=1):
    inputs, labels = make_jets(n, len(weights))
    network = nn.Linear(len(weights), outputs).double()
    with torch.no_grad():
        network.weight.copy_(torch.tensor([weights] * outputs, dtype=torch.float64))
        network.bias.fill_(bias)

    class Squeezed(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = network

        def forward(self, values):
            return self.linear(values)[:, 0]

    return Problem(Squeezed(), inputs, labels, tuple("abcdef"[: len(weights)]))


def test_mad_relevance_of_a_linear_model_in_closed_form():
    """d_k = w_k (mean_k - x_k) / (w.x + b)."""
    weights, bias = [0.5, -1.0, 0.25], 4.0
    problem = linear_problem(weights, bias)
    logits = problem.inputs @ weights + bias
    relevance = weights * (problem.inputs.mean(axis=0) - problem.inputs) / logits[:, None]
    found = explain_by_mad_relevance(problem, outliers="kept")
    for label, name in enumerate(("qcd", "top")):
        expected = np.abs(relevance[problem.labels == label]).mean(axis=0)
        np.testing.assert_allclose(found.panels[name].value, expected, rtol=1e-10)


def test_mad_relevance_relative_to_the_class_in_closed_form():
    weights, bias = [0.5, -1.0, 0.25], 0.1
    problem = linear_problem(weights, bias)
    logits = problem.inputs @ weights + bias
    change = weights * (problem.inputs.mean(axis=0) - problem.inputs)
    found = explain_by_mad_relevance(problem, outliers="kept", scale="mean")
    for label, name in enumerate(("qcd", "top")):
        mine = problem.labels == label
        expected = np.abs(change[mine]).mean(axis=0) / np.abs(logits[mine]).mean()
        np.testing.assert_allclose(found.panels[name].value, expected, rtol=1e-10)


@pytest.mark.parametrize("outliers", ["zeroed", "dropped", "kept"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_mad_relevance_equals_the_plain_version_with_loops(outputs, outliers):
    problem = make_problem(n=60, outputs=outputs, skip=("x4",))
    means = problem.inputs.mean(axis=0)
    found = explain_by_mad_relevance(problem, outliers=outliers)
    for label, name in enumerate(("qcd", "top")):
        mine = problem.inputs[problem.labels == label]
        column = () if outputs == 1 else (slice(None), label)
        base = logits_of(problem.network, mine)[column]
        for feature in range(4):
            changed = logits_of(problem.network, masked(mine, feature, means[feature]))[column]
            values = plain_outliers((changed - base) / base, outliers)
            expected = np.nanmean(np.abs(values))
            assert found.panels[name].value[feature] == pytest.approx(expected, rel=1e-9)


def test_own_logit_is_the_one_logit_or_that_of_the_jets_class():
    logits = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(own_logit(logits, np.array([1, 0, 1])), [1, 2, 5])
    np.testing.assert_array_equal(own_logit(logits[:, 0], np.array([1, 0, 1])), [0, 2, 4])


def test_a_logit_of_zero_has_no_differential_relevance():
    found = differential_relevance(np.array([0.0, 2.0]), np.array([1.0, 1.0]), "jet")
    np.testing.assert_array_equal(found, [np.nan, -0.5])
    with pytest.raises(UnknownName, match="jet, mean"):
        differential_relevance(np.ones(2), np.ones(2), "median")


# --- outliers ----------------------------------------------------------------------------------


def plain_outliers(values, treatment, factor=1.5):
    """One number after the other."""
    finite = sorted(v for v in values if not np.isnan(v))

    def quantile(q):
        place = q * (len(finite) - 1)
        low = int(np.floor(place))
        high = min(low + 1, len(finite) - 1)
        return finite[low] + (place - low) * (finite[high] - finite[low])

    lower, upper = quantile(0.25), quantile(0.75)
    reach = factor * (upper - lower)
    replacement = {"zeroed": 0.0, "dropped": np.nan}
    return np.array(
        [
            replacement.get(treatment, v) if v < lower - reach or v > upper + reach else v
            for v in values
        ]
    )


@pytest.mark.parametrize("treatment", ["zeroed", "dropped", "kept"])
@pytest.mark.parametrize("factor", [0.0, 1.5, 5.0])
def test_outliers_equal_the_plain_version(treatment, factor):
    values = np.random.default_rng(0).standard_t(2, size=(101, 3))
    values[::17, 1] = np.nan
    found = treat_outliers(values, treatment, factor)
    for column in range(3):
        expected = plain_outliers(values[:, column], treatment, factor)
        np.testing.assert_array_equal(found[:, column], expected)


def test_zeroed_outliers_still_count_and_dropped_ones_do_not():
    values = np.array([1.0, 2, 3, 4, 1000])
    assert treat_outliers(values).mean() == 2.0
    assert np.nanmean(treat_outliers(values, "dropped")) == 2.5
    assert treat_outliers(values, "kept").mean() == 202.0


def test_treating_outliers_leaves_the_values_alone_and_knows_its_names():
    values = np.array([1.0, 2, 3, 4, 1000])
    for treatment in ("zeroed", "dropped", "kept"):
        treat_outliers(values, treatment)[:] = 7
    np.testing.assert_array_equal(values, [1, 2, 3, 4, 1000])
    assert treat_outliers(np.zeros((0, 3))).shape == (0, 3)
    with pytest.raises(UnknownName, match="zeroed, dropped, kept"):
        treat_outliers(values, "shown")


def relevance_of_the_mean_alone(seed, jets, draw):
    """QCD jets have the feature at zero, so all of the error is that of the mean.

    Classes are drawn, too: jets are independent and alike, as the error of a mean takes them.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, jets)
    inputs = np.where(labels == 1, draw(rng, jets), 0.0)[:, None]
    network = nn.Linear(1, 1).double()
    with torch.no_grad():
        network.weight.fill_(1.0)
        network.bias.fill_(2.0)
    problem = Problem(network, inputs, labels, ("x",))
    return inputs[:, 0], explain_by_mad_relevance(problem, outliers="kept").panels["qcd"][0]


@pytest.mark.parametrize("draw", [np.random.Generator.lognormal, np.random.Generator.normal])
def test_intervals_of_mad_relevance_are_those_of_the_mean_in_closed_form(draw):
    """Relevance is (mean - 0) / 2 for each QCD jet."""
    for seed in range(10):
        values, found = relevance_of_the_mean_alone(seed, 200, lambda r, n: draw(r, 3.0, 1.0, n))
        margin = stats.norm.ppf(0.975) * values.std() / np.sqrt(len(values)) / 2
        assert found.value == pytest.approx(values.mean() / 2)
        assert found.high - found.value == pytest.approx(margin)
        assert found.value - found.low == pytest.approx(margin)


def test_intervals_of_mad_relevance_hold_the_true_value_as_often_as_they_say():
    """Repeated samples; four standard deviations of a share of 0.95 in so many of them."""
    repeats, covered = 1000, 0
    for seed in range(repeats):
        _, found = relevance_of_the_mean_alone(seed, 200, lambda r, n: r.normal(2.0, 1.0, n))
        covered += found.low <= 0.5 <= found.high
    assert abs(covered / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


@pytest.mark.parametrize("dense", [True, False])
def test_padding_stays_padding_and_has_no_part_in_means(dense):
    """Slots of two columns; the first of them says whether the slot is filled."""
    inputs, labels = make_jets(60, 4)
    inputs[::3, 2:] = 0
    network = make_network(4) if dense else Odd().double()
    problem = Problem(network, inputs, labels, tuple("abcd"), filled_by=(0, 0, 2, 2))
    filled = inputs[:, 2] != 0
    means = replacement_values(problem, "mean")
    np.testing.assert_allclose(means[2:], inputs[filled, 2:].mean(axis=0))
    for (column,), logits in masked_logits(problem, means)[1]:
        changed = masked(inputs, column, means[column])
        changed[~filled, 2:] = 0
        np.testing.assert_allclose(logits, logits_of(network, changed), atol=1e-12)
    with pytest.raises(BadInput, match="filled_by has 2 entries"):
        Problem(network, inputs, labels, tuple("abcd"), filled_by=(0, 0))
