"""Metrics against scikit-learn, brute force, their own symmetries and the authors' outputs."""

import warnings
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn import metrics as sk

from repro.data.pickles import load_pickle
from repro.errors import BadInput
from repro.metrics import (
    accuracy,
    accuracy_interval,
    auc,
    auc_difference_interval,
    auc_interval,
    auc_of_many,
    background_rejection,
    bootstrap,
    bootstrap_mean,
    clopper_pearson,
    delong_variance,
    jet_order,
    placements,
    rank_jets,
    rejection_interval,
    roc_curve,
)


@st.composite
def jets(draw, few_scores=True):
    """Scores (many ties if few_scores) and labels with both classes."""
    n = draw(st.integers(2, 40))
    floats = st.sampled_from([-1.0, -0.0, 0.0, 0.25, 0.5, 0.75, 1.0])
    scores = draw(hnp.arrays(np.float64, n, elements=floats if few_scores else None))
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 1)))
    labels[:2] = 0, 1
    return scores, labels


def sample(n, seed=0, digits=2, dtype=np.float64):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    scores = np.round(rng.normal(labels, 1.0), digits).astype(dtype)
    return scores, labels


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("digits", [1, 2, 8])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_roc_curve_is_scikit_learns(drop, digits, dtype):
    scores, labels = sample(3000, 1, digits, dtype)
    ours = roc_curve(rank_jets(scores, labels), drop_collinear=drop)
    false_rate, true_rate, thresholds = sk.roc_curve(labels, scores, drop_intermediate=drop)
    np.testing.assert_array_equal(ours.false_positive_rate, false_rate)
    np.testing.assert_array_equal(ours.true_positive_rate, true_rate)
    np.testing.assert_array_equal(ours.thresholds, thresholds)


@given(jets())
def test_roc_curve_and_auc_with_ties(data):
    scores, labels = data
    ranking = rank_jets(scores, labels)
    assert auc(ranking) == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-14)
    for drop in (False, True):
        false_rate, true_rate, _ = sk.roc_curve(labels, scores, drop_intermediate=drop)
        curve = roc_curve(ranking, drop_collinear=drop)
        np.testing.assert_array_equal(curve.false_positive_rate, false_rate)
        np.testing.assert_array_equal(curve.true_positive_rate, true_rate)


@given(jets(), st.sampled_from([0.1, 0.3, 0.5, 0.8, 1.0]))
def test_dropping_collinear_points_leaves_the_rejection(data, efficiency):
    ranking = rank_jets(*data)
    full = background_rejection(roc_curve(ranking), efficiency)
    light = background_rejection(roc_curve(ranking, drop_collinear=True), efficiency)
    # At an efficiency that rounding puts on either side of a step the two may differ.
    steps = np.cumsum(ranking.signal) / ranking.signal_total
    if not (np.isclose(steps, efficiency, atol=1e-12) & (steps != efficiency)).any():
        assert light == pytest.approx(full, rel=1e-9)


@pytest.mark.parametrize("efficiency", [0.3, 0.5, 0.8, 0.123456])
def test_rejection_is_interpolated_as_in_the_notebooks(efficiency):
    scores, labels = sample(5000, 2, 4)
    false_rate, true_rate, _ = sk.roc_curve(labels, scores)
    ours = background_rejection(roc_curve(rank_jets(scores, labels)), efficiency)
    assert ours == pytest.approx(1 / np.interp(efficiency, true_rate, false_rate), rel=1e-12)


def test_rejection_is_infinite_without_passing_background():
    ranking = rank_jets([0.9, 0.8, 0.1, 0.2], [1, 1, 0, 0])
    assert background_rejection(roc_curve(ranking), 0.5) == np.inf
    interval = rejection_interval(ranking, 0.5)
    assert interval.value == interval.high == np.inf
    assert 1 < interval.low < 2


def test_accuracy_at_the_threshold():
    scores, labels = sample(2000, 3, 1)
    ranking = rank_jets(scores, labels)
    assert accuracy(ranking) == sk.accuracy_score(labels, scores >= 0.5)
    # torch.round and np.round take one half to the even 0.
    rounded = np.round(np.clip(scores, 0, 1))
    assert accuracy(ranking, inclusive=False) == sk.accuracy_score(labels, rounded)
    assert accuracy(ranking) != accuracy(ranking, inclusive=False)


def test_threshold_is_compared_in_float64():
    # float32(0.3) is a little above 0.3, so it passes; a comparison in float32 would tie.
    ranking = rank_jets(np.array([0.3, 0.1], np.float32), [1, 0])
    assert accuracy(ranking, 0.3, inclusive=False) == 1


@given(jets())
def test_swapping_classes_mirrors_auc(data):
    scores, labels = data
    assert auc(rank_jets(scores, 1 - labels)) == pytest.approx(1 - auc(rank_jets(scores, labels)))
    assert auc(rank_jets(-scores, labels)) == pytest.approx(1 - auc(rank_jets(scores, labels)))


@given(jets())
def test_monotone_maps_and_order_leave_auc(data):
    scores, labels = data
    area = auc(rank_jets(scores, labels))
    assert auc(rank_jets(np.exp(3 * scores), labels)) == area
    assert auc(rank_jets(scores.astype(np.float32), labels)) == area
    assert auc(rank_jets(scores[::-1], labels[::-1])) == area
    assert placements(scores, labels).auc == pytest.approx(area, abs=1e-14)
    assert auc_of_many([scores, -scores], labels)[0] == area


@given(st.integers(1, 5), st.integers(1, 5), st.floats(allow_nan=False))
def test_constant_scores_know_nothing(signal, background, score):
    labels = np.repeat([1, 0], [signal, background])
    assert auc(rank_jets(np.full(len(labels), score), labels)) == 0.5


def test_one_jet_of_each_class():
    assert auc(rank_jets([2, 1], [1, 0])) == 1
    assert auc(rank_jets([1, 2], [True, False])) == 0
    with pytest.raises(BadInput, match="two jets of each class"):
        auc_interval(rank_jets([2, 1], [1, 0]))


def test_big_endian_integer_and_infinite_scores():
    scores, labels = sample(100)
    area = auc(rank_jets(scores, labels))
    assert auc(rank_jets(scores.astype(">f8"), labels.astype(float))) == area
    assert auc(rank_jets((scores * 100).round().astype(int), labels.astype(np.int8))) == area
    assert auc(rank_jets([np.inf, -np.inf, 0, 1], [1, 0, 0, 1])) == 1


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.1, np.nan], [0, 1], "NaN for 1 of 2"),
        ([0.1, 0.2], [1, 1], "no background jets"),
        ([0.1, 0.2], [0, 0], "no signal jets"),
        ([], [], "no signal jets"),
        ([0.1, 0.2, 0.3], [0, 1], "shape"),
        ([[0.1], [0.2]], [0, 1], "shape"),
        ([0.1, 0.2], [[0], [1]], "one label for each jet"),
        ([0.1, 0.2], [-1, 1], "a label is -1"),
        ([0.1, 0.2], [np.nan, 1], "a label is nan"),
        ([0.1, 0.2], ["0", "1"], "give numbers"),
        (["a", "b"], [0, 1], "give real numbers"),
        ([0.1 + 1j, 0.2], [0, 1], "give real numbers"),
    ],
)
def test_faulty_input_is_named_in_one_line(scores, labels, message):
    for function in (rank_jets, placements, lambda s, y: auc_of_many([s], y)):
        with pytest.raises(BadInput, match=message) as caught:
            function(scores, labels)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("efficiency", [0, -0.1, 1.1, np.nan])
def test_impossible_efficiency(efficiency):
    with pytest.raises(BadInput, match="efficiency"):
        background_rejection(roc_curve(rank_jets([1, 0], [1, 0])), efficiency)


def brute_force_delong(scores, labels):
    """DeLong (1988), equations 4 to 6, as written: all pairs; returns placements."""
    x, y = scores[labels == 1][:, np.newaxis], scores[labels == 0][np.newaxis]
    wins = (x > y) + 0.5 * (x == y)
    return wins.mean(axis=1), wins.mean(axis=0)


@given(jets())
def test_delong_is_the_sum_over_all_pairs(data):
    scores, labels = (np.concatenate([part, part[:4]]) for part in data)  # two of each class
    v10, v01 = brute_force_delong(scores, labels)
    variance = v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01)
    assert delong_variance(rank_jets(scores, labels)) == pytest.approx(variance, abs=1e-14)
    ours = placements(scores, labels)
    np.testing.assert_allclose(ours.signal, v10, atol=1e-14)
    np.testing.assert_allclose(ours.background, v01, atol=1e-14)


@given(jets(), jets())
def test_a_shared_order_of_the_jets_changes_nothing(data, other):
    scores, labels = data
    similar = np.resize(other[0], len(scores))
    ours = placements(scores, labels, jet_order(similar, labels))
    alone = placements(scores, labels)
    np.testing.assert_array_equal(ours.signal, alone.signal)
    np.testing.assert_array_equal(ours.background, alone.background)


def test_an_order_of_other_jets_is_refused():
    order = jet_order([0.1, 0.2, 0.3], [0, 1, 0])
    for labels in ([0, 1, 1], [0, 1]):
        with pytest.raises(BadInput, match="other labels"):
            placements(np.zeros(len(labels)), labels, order)


def test_paired_delong_is_the_sum_over_all_pairs():
    first, labels = sample(200, 4, 1)
    second = np.round(first + np.random.default_rng(5).normal(0, 0.7, 200), 1)
    contrast = [
        a - b
        for a, b in zip(
            brute_force_delong(first, labels), brute_force_delong(second, labels), strict=True
        )
    ]
    sigma = sum(part.var(ddof=1) / len(part) for part in contrast) ** 0.5
    ours = auc_difference_interval(first, second, labels, 0.9)
    assert ours.value == pytest.approx(contrast[0].mean())
    assert ours.high - ours.value == pytest.approx(stats.norm.ppf(0.95) * sigma)
    assert ours.value - ours.low == pytest.approx(ours.high - ours.value)
    same = auc_difference_interval(first, first, labels)
    assert same.low == same.value == same.high == 0


def test_bootstrap_agrees_with_delong():
    first, labels = sample(1500, 6)
    second = first + np.random.default_rng(7).normal(0, 1, 1500)

    def areas(chosen):
        one, two = auc_of_many([first[chosen], second[chosen]], labels[chosen])
        return [one, one - two]

    resampled = bootstrap(areas, 1500, np.random.default_rng(8), resamples=600, labels=labels)
    for ours, closed in zip(
        (resampled[0], resampled[1]),
        (auc_interval(rank_jets(first, labels)), auc_difference_interval(first, second, labels)),
        strict=True,
    ):
        assert ours.value == pytest.approx(closed.value, abs=1e-14)
        assert ours.high - ours.low == pytest.approx(closed.high - closed.low, rel=0.12)


def test_clopper_pearson_is_scipys():
    for k, n in [(0, 5), (5, 5), (1, 1000), (726, 201914), (369881, 404000)]:
        exact = stats.binomtest(k, n).proportion_ci(0.9, method="exact")
        ours = clopper_pearson(k, n, 0.9)
        assert (ours.low, ours.high) == pytest.approx((exact.low, exact.high), rel=1e-9)
        assert ours.low <= ours.value <= ours.high


def test_rejection_interval_counts_background():
    # 4 signal jets; at efficiency 0.5 exactly 3 of 10 background jets pass.
    scores = [9, 8.5, 8, 7.5, 7, 6, 5, 4, 3, 2, 1, 0.5, 0.4, 0.3]
    labels = [1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    ranking = rank_jets(scores, labels)
    ours, counts = rejection_interval(ranking, 0.5), clopper_pearson(3, 10)
    assert ours.value == pytest.approx(10 / 3)
    assert (ours.low, ours.high) == pytest.approx((1 / counts.high, 1 / counts.low))
    # A tie that interpolation splits: both neighbouring counts, so the interval is wider.
    tied = rank_jets([2, 2, 1, 1, 1, 1], [1, 0, 1, 0, 0, 0])
    split = rejection_interval(tied, 0.75)
    assert split.value == pytest.approx(1 / 0.625)
    assert split.low == pytest.approx(1 / clopper_pearson(3, 4).high)
    assert split.high == pytest.approx(1 / clopper_pearson(2, 4).low)


def test_accuracy_interval():
    ranking = rank_jets([0.9, 0.5, 0.2, 0.1], [1, 1, 1, 0])
    assert accuracy_interval(ranking) == clopper_pearson(3, 4)
    assert accuracy_interval(ranking, inclusive=False) == clopper_pearson(2, 4)


def test_bootstrap_mean_matches_plain_bootstrap_and_normal_error(monkeypatch):
    values = np.random.default_rng(9).exponential(1, (400, 3))
    ours = bootstrap_mean(values, np.random.default_rng(10), resamples=500, level=0.9)
    plain = bootstrap(
        lambda chosen: values[chosen].mean(axis=0),
        400,
        np.random.default_rng(10),
        resamples=500,
        level=0.9,
    )
    # The same random numbers, hence the same resamples.
    np.testing.assert_allclose(ours.low, plain.low, rtol=1e-12)
    np.testing.assert_allclose(ours.high, plain.high, rtol=1e-12)
    width = 2 * stats.norm.ppf(0.95) * values.std(axis=0) / 20
    np.testing.assert_allclose(ours.high - ours.low, width, rtol=0.15)
    # The function has the module's name, so the module is not reached by attribute.
    monkeypatch.setattr(import_module("repro.metrics.bootstrap"), "_WEIGHT_BYTES", 1)
    chunked = bootstrap_mean(values, np.random.default_rng(10), resamples=500, level=0.9)
    np.testing.assert_allclose(chunked.low, ours.low, rtol=1e-12)
    assert len(bootstrap_mean(values[:, 0], np.random.default_rng(0))) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: bootstrap_mean([1.0, np.nan], np.random.default_rng(0)),
        lambda: bootstrap_mean(np.zeros((0, 2)), np.random.default_rng(0)),
        lambda: bootstrap_mean(np.zeros((2, 2, 2)), np.random.default_rng(0)),
        lambda: bootstrap_mean([1.0, 2.0], np.random.default_rng(0), resamples=39),
        lambda: bootstrap(lambda _: np.nan, 3, np.random.default_rng(0)),
        lambda: bootstrap(lambda _: 1.0, 3, np.random.default_rng(0), labels=[0, 1]),
        lambda: clopper_pearson(3, 2),
        lambda: clopper_pearson(0, 0),
        lambda: clopper_pearson(1, 2, level=1.0),
        lambda: auc_interval(rank_jets([1, 2, 3, 4], [0, 1, 0, 1]), level=95),
        lambda: accuracy(rank_jets([1, 2], [0, 1]), float("nan")),
        lambda: auc_of_many([[1, 2], [1, np.nan]], [0, 1]),
    ],
)
def test_faulty_interval_requests(call):
    with pytest.raises(BadInput) as caught:
        call()
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=25)
@given(jets(few_scores=False).filter(lambda data: not np.isnan(data[0]).any()))
def test_any_finite_scores(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn overflows on infinite thresholds
        oracle = sk.roc_auc_score(data[1], stats.rankdata(data[0]))
    assert auc(rank_jets(*data)) == pytest.approx(oracle, abs=1e-14)


@pytest.mark.mirror
def test_authors_outputs_give_the_published_numbers(mirror):
    """arXiv:2210.04371, table 1, TopoDNN baseline: the authors' scores of all test jets."""
    fixtures = mirror / "toptag" / "fixtures"
    scores = np.load(fixtures / "topodnn_test_predictions.npy")
    labels = load_pickle(fixtures / "test_labels.pkl")
    ranking, curve = rank_jets(scores, labels), roc_curve(rank_jets(scores, labels))
    area = auc(ranking)
    assert area == pytest.approx(0.9712025936676401, abs=1e-15)
    assert area == pytest.approx(0.9712025940, abs=1e-9)
    # The authors' printed value is of another evaluation of the same model, in which 16 of
    # the 4e10 pairs of jets come the other way round.  It is no other treatment of ties.
    pairs = ranking.signal_total * ranking.background_total
    assert (0.9712025940597585 - area) * pairs == pytest.approx(16, abs=1e-4)
    assert auc(rank_jets(scores.astype(np.float64), labels)) == area
    assert auc_of_many([scores], labels)[0] == area
    assert accuracy(ranking) == pytest.approx(0.9155470, abs=5e-8)
    assert accuracy(ranking, inclusive=False) == accuracy(ranking)  # no score is 0.5
    rejections = [background_rejection(curve, efficiency) for efficiency in (0.3, 0.5, 0.8)]
    assert rejections == pytest.approx([278.12, 93.48, 22.11], abs=0.005)
    light = roc_curve(ranking, drop_collinear=True)
    assert background_rejection(light, 0.3) == background_rejection(curve, 0.3)
    assert auc_interval(ranking).high - area == pytest.approx(4.53e-4, abs=1e-6)
    interval = rejection_interval(ranking, 0.3)
    assert (interval.low, interval.high) == pytest.approx((258.6, 299.5), abs=0.1)
