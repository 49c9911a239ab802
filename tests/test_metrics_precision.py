"""Precision and recall, against scikit-learn and repeated draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc, precision_recall_curve

from repro.errors import BadInput
from repro.metrics.precision import pr_auc, pr_auc_interval, precision_recall
from repro.metrics.roc import rank_jets


def drawn(rng, signal=200, background=400):
    scores = np.concatenate([rng.normal(1.5, 1, signal), rng.normal(0, 1, background)])
    return scores, np.repeat([1, 0], [signal, background])


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=60))
def test_curve_and_area_are_those_of_scikit_learn(jets):
    scores, labels = (np.array(part) for part in zip(*jets, strict=True))
    if labels.all() or not labels.any():
        return
    ranking = rank_jets(scores, labels.astype(int))
    precision, recall, _ = precision_recall_curve(labels, scores, drop_intermediate=False)
    curve = precision_recall(ranking)
    np.testing.assert_allclose(curve.precision, precision[::-1], atol=1e-12)
    np.testing.assert_allclose(curve.recall, recall[::-1], atol=1e-12)
    assert pr_auc(ranking) == pytest.approx(auc(recall, precision), abs=1e-12)


def test_interval_is_as_wide_as_repeated_draws_say():
    rng = np.random.default_rng(1)
    found = [pr_auc_interval(rank_jets(*drawn(rng))) for _ in range(600)]
    spread = np.std([one.value for one in found], ddof=1)
    errors = [(one.high - one.low) / (2 * 1.959964) for one in found]
    assert np.mean(errors) == pytest.approx(spread, rel=0.1)
    true = np.mean([one.value for one in found])
    assert np.mean([one.low <= true <= one.high for one in found]) == pytest.approx(0.95, abs=0.03)


def test_interval_needs_two_jets_of_each_class_and_stays_within_its_bounds():
    with pytest.raises(BadInput, match="two jets of each class"):
        pr_auc_interval(rank_jets([0.1, 0.2, 0.3], [0, 0, 1]))
    best = pr_auc_interval(rank_jets([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0]))
    assert best.value == best.high == 1
    with pytest.raises(BadInput, match="level"):
        pr_auc_interval(rank_jets([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0]), level=1.5)
