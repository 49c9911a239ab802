"""Places in rankings: what is tied, what is not, and how often the intervals cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.metrics.bootstrap import Intervals
from repro.metrics.correlated import (
    correlation_of,
    difference_intervals,
    draw_numbers,
    errors_of_differences,
    influence,
)
from repro.metrics.intervals import difference_interval, placements
from repro.metrics.means import mean_intervals
from repro.metrics.ranks import largest, place_interval, places_of, ratio_of_leading, smallest

Z = 1.959964


def numbers_of(values, errors, correlation=None):
    value, margin = (
        np.array(values, float),
        Z * np.broadcast_to(np.array(errors, float), len(values)),
    )
    return Intervals(value, value - margin, value + margin, 0.95, correlation)


def values_of_jets(values, n, seed, common):
    """Per-jet values (n, k) around some means, most of whose spread is common to all columns."""
    generator = np.random.default_rng(seed)
    shared = common * generator.normal(size=(n, 1))
    return np.array(values) + shared + generator.normal(size=(n, len(values)))


# --- correlations of errors ---------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(6, 40))
def test_differences_of_drops_in_auc_have_delongs_error(seed, n):
    """AUC masked i against AUC masked j, by the correlations and directly."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    base = generator.normal(size=n) + labels
    places = [placements(base + generator.normal(size=n).round(1), labels) for _ in range(3)]
    error = errors_of_differences(difference_intervals(placements(base, labels), places))
    for i in range(3):
        for j in range(3):
            direct = difference_interval(places[i], places[j])
            assert error[i, j] == pytest.approx((direct.high - direct.low) / (2 * Z), abs=1e-8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 40))
def test_differences_of_means_have_the_error_of_the_paired_difference(seed, n):
    values = values_of_jets([1.0, 2.0, 3.0], n, seed, 2.0)
    error = errors_of_differences(mean_intervals(values))
    paired = (values[:, 0] - values[:, 2]).std(ddof=1) / np.sqrt(n)
    assert error[0, 2] == pytest.approx(paired, rel=1e-6)


def test_correlations_of_means_with_gaps_equal_those_of_resamples():
    values = values_of_jets([0.0, 0.0], 400, 0, 1.0)
    values[::3, 1] = np.nan
    generator = np.random.default_rng(1)
    rows = generator.integers(0, 400, (4000, 400))
    means = np.nanmean(values[rows], axis=1)
    found = mean_intervals(values).correlation
    assert found[0, 1] == pytest.approx(np.corrcoef(means.T)[0, 1], abs=0.04)


def test_of_many_jets_some_tell_the_correlation(monkeypatch):
    values = values_of_jets([0.0, 0.0, 0.0], 30_000, 2, 2.0)
    whole = correlation_of([influence(column) for column in values.T])
    assert len(influence(values[:, 0])) == 15_000
    np.testing.assert_allclose(whole, np.corrcoef(values.T), atol=0.01)
    monkeypatch.setattr("repro.metrics.correlated._MOST_JETS", 10)
    assert len(influence(values[:, 0], values[:7, 1])) == 10 + 7


def test_what_does_not_vary_is_correlated_with_nothing():
    correlation = mean_intervals(np.column_stack([np.arange(5.0), np.ones(5)])).correlation
    np.testing.assert_array_equal(correlation, np.eye(2))


def test_draws_have_the_errors_and_their_correlation():
    numbers = numbers_of(
        [1.0, 2.0, 3.0], [0.1, 0.2, np.nan], np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
    )
    draws = draw_numbers(numbers, np.random.default_rng(0), 20_000)
    np.testing.assert_allclose(draws.std(axis=0), [0.1, 0.2, 0.0], rtol=0.02)
    assert np.corrcoef(draws[:, :2].T)[0, 1] == pytest.approx(0.9, abs=0.01)
    np.testing.assert_array_equal(draws[:, 2], 3.0)


# --- places -------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-3, 3), min_size=2, max_size=8),
    st.floats(0, 2),
    st.sampled_from([None, 0.0, 0.5, 1.0]),
)
def test_an_exact_tie_is_always_a_tie(values, error, correlation):
    k = len(values)
    known = (
        None
        if correlation is None
        else np.full((k, k), correlation) + np.eye(k) * (1 - correlation)
    )
    found = places_of(numbers_of(values, error, known))
    for i in range(k):
        for j in range(k):
            if values[i] == values[j]:
                assert found.rank[i] == found.rank[j]
                assert found.first[i] <= found.rank[i] <= found.rank[i] + (i != j) <= found.last[i]
    assert (found.first <= found.rank).all()
    assert (found.rank <= found.last).all()


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(6)), st.floats(1e-9, 1.0), st.booleans())
def test_differences_far_beyond_the_noise_are_never_tied(order, error, paired):
    values = 20.0 * np.array(order)
    found = places_of(numbers_of(values, error, np.eye(6) if paired else None))
    np.testing.assert_array_equal(found.rank, 6 - np.array(order))
    for attribute in ("first", "last"):
        np.testing.assert_array_equal(getattr(found, attribute), found.rank)
    assert found.paired == paired


def test_numbers_without_error_are_as_they_seem_and_rounding_is_none():
    found = places_of(numbers_of([1.0, 1.0 + 1e-15, 2.0], 0.0))
    assert found.rank.tolist() == [2, 2, 1]
    assert [found.span(i) for i in range(3)] == ["2-3", "2-3", "1"]


def test_numbers_without_an_interval_are_told_apart_from_nothing():
    found = places_of(numbers_of([1.0, 500.0, np.nan], np.nan))
    np.testing.assert_array_equal(found.first, 1)
    np.testing.assert_array_equal(found.last, 3)
    np.testing.assert_array_equal(found.rank, [2, 1, 3])


def test_errors_in_common_tell_more_than_independent_ones():
    correlation = np.full((3, 3), 0.99) + 0.01 * np.eye(3)
    values = [1.0, 2.0, 3.0]
    assert places_of(numbers_of(values, 1.0)).span(0) == "1-3"
    assert places_of(numbers_of(values, 1.0, correlation)).span(0) == "3"


def test_one_place_needs_fewer_comparisons_than_all_of_them():
    numbers = numbers_of([3.0, *np.zeros(40)], 1.0)
    close = numbers_of([5.5, *np.zeros(40)], 1.0)
    assert place_interval(numbers, 0).high > 1
    assert places_of(close).last[0] > 1
    alone = place_interval(close, 0)
    assert (alone.value, alone.low, alone.high) == (1, 1, 1)


@pytest.mark.parametrize("common", [0.0, 3.0])
@pytest.mark.parametrize("truth", [(0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.1, 0.2, 0.2, 1.0)])
def test_the_true_places_are_in_the_intervals(truth, common):
    """All of them at once, in at least 95 % of repeated samples; ties may have either place."""
    larger = np.array(truth)[None, :] > np.array(truth)[:, None]
    best, worst = 1 + larger.sum(axis=1), len(truth) - larger.sum(axis=0)
    repeats, together, alone = 400, 0, 0
    for seed in range(repeats):
        numbers = mean_intervals(values_of_jets(truth, 200, seed, common))
        found = places_of(numbers)
        together += ((found.first <= best) & (worst <= found.last)).all()
        one = place_interval(numbers, 2)
        alone += one.low <= best[2] and worst[2] <= one.high
    # Three standard deviations of the count below 95 %.
    fewest = 0.95 * repeats - 3 * np.sqrt(0.95 * 0.05 * repeats)
    assert together >= fewest
    assert alone >= fewest


# --- leading numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("truth", [np.zeros(12), np.linspace(0, 1, 12)])
def test_intervals_of_the_largest_know_that_it_was_chosen(truth):
    """The interval of the one that happens to be largest covers the true maximum far less often."""
    generator = np.random.default_rng(0)
    covered = naive = mirrored = 0
    for _ in range(1000):
        numbers = numbers_of(truth + 0.3 * generator.normal(size=12), 0.3)
        found, chosen = largest(numbers), numbers[int(np.argmax(numbers.value))]
        covered += found.low <= truth.max() <= found.high
        naive += chosen.low <= truth.max() <= chosen.high
        mirrored += smallest(numbers).low <= truth.min() <= smallest(numbers).high
    assert covered >= 950
    assert mirrored >= 950
    if not truth.any():
        assert naive < 850


def test_the_largest_of_one_number_has_its_interval():
    numbers = Intervals(np.array([2.0]), np.array([1.5]), np.array([3.0]), 0.95)
    found = largest(numbers)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 1.5, 3.0))
    found = smallest(numbers)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 1.5, 3.0))


@pytest.mark.parametrize("truth", [(3.0, 1.0, 0.9, 0.9, 0.8), (3.0, 1.5, 0.1, 0.1, 0.0)])
@pytest.mark.parametrize("shared", [0.0, 0.6])
def test_ratios_of_the_leading_two_cover(truth, shared):
    correlation = np.full((5, 5), shared) + (1 - shared) * np.eye(5)
    draws = draw_numbers(numbers_of(truth, 0.2, correlation), np.random.default_rng(0), 1000)
    covered = 0
    for values in draws:
        found = ratio_of_leading(numbers_of(values, 0.2, correlation))
        assert found.low <= found.value <= found.high
        covered += found.low <= truth[0] / truth[1] <= found.high
    assert covered >= 935


def test_ratios_end_nowhere_if_the_second_may_be_zero_and_are_none_if_it_is_not_positive():
    found = ratio_of_leading(numbers_of([3.0, 0.1], 0.2))
    assert found.high == np.inf
    assert 3 < found.low < 30
    assert ratio_of_leading(numbers_of([3.0, -0.1], 0.2)) is None
    assert ratio_of_leading(numbers_of([3.0], 0.2)) is None
    unknown = ratio_of_leading(numbers_of([3.0, 1.0], np.nan))
    assert unknown.value == 3
    assert np.isnan([unknown.low, unknown.high]).all()


def test_a_ratio_of_exact_numbers_is_exact():
    found = ratio_of_leading(numbers_of([3.0, 2.0, 1.0], 0.0))
    assert (found.low, found.value, found.high) == pytest.approx((1.5, 1.5, 1.5))
