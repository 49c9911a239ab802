"""Paired comparisons: laws, other implementations, and coverage of the intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from repro.errors import BadInput
from repro.metrics.intervals import auc_difference_interval
from repro.metrics.paired import accuracy_gain, auc_gain, rejection_ratio
from repro.metrics.roc import background_rejection, rank_jets, roc_curve


def draw(seed, jets=600, separation=1.5, noise=0.7):
    """Two scores of the same jets, the first a little better."""
    rng = np.random.default_rng(seed)
    labels = np.arange(jets) % 2
    first = rng.normal(size=jets) + separation * labels
    return first, first + noise * rng.normal(size=jets), labels


def ratio(first, second, labels, seed=0, **options):
    generator = np.random.default_rng(seed)
    return rejection_ratio(first, second, labels, 0.3, generator, **options)


# --- laws --------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_a_model_gains_nothing_over_itself(seed):
    first, _, labels = draw(seed, jets=60)
    for found, neutral in (
        (auc_gain(first, first, labels), 0),
        (accuracy_gain(first > 0.7, first > 0.7), 0),
        (ratio(first, first, labels, resamples=100), 1),
    ):
        gain = found.gain
        if not np.isnan(gain.value):  # no background jet passes: the ratio is undefined
            assert gain.value == neutral
        assert (gain.low, gain.high) == (neutral, neutral)
        assert found.p == 1


def test_the_other_way_round_gains_are_turned_about():
    first, second, labels = draw(1)
    right = [(scores > 0.7) == labels for scores in (first, second)]
    for there, back in (
        (auc_gain(first, second, labels), auc_gain(second, first, labels)),
        (accuracy_gain(*right), accuracy_gain(*right[::-1])),
    ):
        ends = there.gain.value, there.gain.low, there.gain.high
        turned = -back.gain.value, -back.gain.high, -back.gain.low
        np.testing.assert_allclose(ends, turned, atol=1e-12)
        assert there.p == pytest.approx(back.p)
    there, back = ratio(first, second, labels), ratio(second, first, labels)
    assert there.gain.value == pytest.approx(1 / back.gain.value)
    assert there.gain.low == pytest.approx(1 / back.gain.high)
    assert there.p == back.p


@pytest.mark.parametrize("scale", [np.exp, lambda s: 5 * s - 3])
def test_only_the_order_of_scores_counts(scale):
    first, second, labels = draw(2)
    assert auc_gain(scale(first), second, labels) == auc_gain(first, second, labels)
    assert ratio(scale(first), second, labels) == ratio(first, second, labels)


# --- against others ----------------------------------------------------------------------------


def test_the_ratio_is_that_of_the_rejections():
    first, second, labels = draw(3)
    of_each = [
        background_rejection(roc_curve(rank_jets(scores, labels)), 0.3)
        for scores in (first, second)
    ]
    assert ratio(first, second, labels).gain.value == pytest.approx(of_each[0] / of_each[1])


def test_resampled_ratios_are_those_of_resampled_jets():
    """Counting weights must give what drawing jets and starting anew gives, ties included."""
    first, second, labels = draw(4, jets=200, separation=0.5)
    first, second = np.round(first, 1), np.round(second, 1)
    generator, values = np.random.default_rng(0), []
    for _ in range(200):
        drawn = []
        for label in (1, 0):
            mine = np.flatnonzero(labels == label)
            drawn.append(mine[generator.integers(0, len(mine), len(mine))])
        rows = np.concatenate(drawn)
        rates = [
            np.interp(0.3, curve.true_positive_rate, curve.false_positive_rate)
            for curve in (roc_curve(rank_jets(s[rows], labels[rows])) for s in (first, second))
        ]
        values.append(rates[1] / sum(rates) if sum(rates) else 0.5)
    low, high = np.quantile(values, [0.025, 0.975])
    gain = ratio(first, second, labels, resamples=200).gain
    assert gain.low == pytest.approx(low / (1 - low))
    assert gain.high == pytest.approx(high / (1 - high))


def test_accuracy_is_tested_by_the_jets_that_one_of_both_gets_right():
    right = np.array([1] * 70 + [1] * 15 + [0] * 5 + [0] * 10, bool)
    other = np.array([1] * 70 + [0] * 15 + [1] * 5 + [0] * 10, bool)
    found = accuracy_gain(right, other)
    assert found.gain.value == pytest.approx(0.10)
    assert found.p == pytest.approx(binomtest(15, 20).pvalue)
    # Agresti (2002), equation 10.2: sqrt(n12 + n21 - (n12 - n21)^2 / n) / n.
    error = np.sqrt(20 - 100 / 100) / 100
    assert found.gain.high - found.gain.low == pytest.approx(2 * 1.959964 * error, rel=1e-6)


def test_the_gain_in_auc_is_delongs():
    first, second, labels = draw(5)
    found = auc_gain(first, second, labels)
    assert found.gain == auc_difference_interval(first, second, labels)
    # The p-value is 0.05 where the interval at that level ends at zero.
    level = 1 - found.p
    at_its_level = auc_difference_interval(first, second, labels, level)
    assert min(abs(at_its_level.low), abs(at_its_level.high)) < 1e-9


def test_without_a_gain_p_values_are_uniform():
    """Two scores that are equally good: one in ten comes out below 0.1."""
    found = {"auc": [], "accuracy": [], "ratio": []}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        labels = np.arange(300) % 2
        common = rng.normal(size=300) + labels
        first, second = (common + 0.5 * rng.normal(size=300) for _ in range(2))
        found["auc"].append(auc_gain(first, second, labels).p)
        decisions = [(scores > 0.5) == labels for scores in (first, second)]
        found["accuracy"].append(accuracy_gain(*decisions).p)
        found["ratio"].append(ratio(first, second, labels, resamples=100).p)
    shares = {name: np.mean(np.array(values) < 0.1) for name, values in found.items()}
    assert 0.05 < shares["auc"] < 0.16
    assert shares["accuracy"] < 0.14  # exact tests of counts are on the safe side
    assert shares["ratio"] < 0.2


# --- edges -------------------------------------------------------------------------------------


def test_where_no_background_passes_ratios_are_open():
    labels = np.array([0] * 20 + [1] * 20)
    perfect, poor = labels.astype(float), np.tile(np.arange(20.0), 2)
    better = ratio(perfect, poor, labels).gain
    assert better.value == better.high == np.inf
    assert np.isnan(ratio(perfect, perfect, labels).gain.value)


def test_wrong_input_is_refused():
    first, second, labels = draw(0, jets=20)
    with pytest.raises(BadInput, match="decisions of shapes"):
        accuracy_gain([True], [True, False])
    with pytest.raises(BadInput, match="decisions of shapes"):
        accuracy_gain([], [])
    with pytest.raises(BadInput, match="efficiency 0 is outside"):
        rejection_ratio(first, second, labels, 0, np.random.default_rng(0))
    with pytest.raises(BadInput, match="but there are 20 labels"):
        ratio(first[:5], second, labels)
    with pytest.raises(BadInput, match="level"):
        ratio(first, second, labels, level=1.5)
