"""Correlations and shares of tracks, of which jets have several."""

import numpy as np
import pytest

from repro.errors import BadInput
from repro.metrics.clustered import clustered_correlations, ratio_of_sums


def drawn(rng, jets=120, most=6):
    """Tracks whose jets shift them all: tracks of a jet are alike."""
    of = np.repeat(np.arange(jets), rng.integers(1, most, jets))
    shift = rng.normal(size=(jets, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
    return shift[of] + 0.3 * rng.normal(size=(len(of), 2)), of


def test_values_are_those_of_numpy_and_whatever_numbers_the_jets_have():
    values, of = drawn(np.random.default_rng(0))
    found = clustered_correlations(values, of, 0)
    np.testing.assert_allclose(found.value, np.corrcoef(values.T), atol=1e-12)
    other = clustered_correlations(values, 7 * of + 3, 0)
    np.testing.assert_array_equal(found.low, other.low)
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()


def test_intervals_are_those_of_jets_and_not_of_tracks():
    rng = np.random.default_rng(3)
    repeated = [drawn(rng) for _ in range(150)]
    spread = np.std([np.corrcoef(values.T)[0, 1] for values, _ in repeated])
    found = [clustered_correlations(values, of, 0) for values, of in repeated[:30]]
    width = np.mean([one.high[0, 1] - one.low[0, 1] for one in found]) / (2 * 1.96)
    assert width == pytest.approx(spread, rel=0.2)
    values, of = repeated[0]
    alone = clustered_correlations(values, np.arange(len(of)), 0)
    assert alone.high[0, 1] - alone.low[0, 1] < 0.8 * 2 * 1.96 * spread


def test_what_does_not_vary_has_no_correlation():
    values, of = drawn(np.random.default_rng(0))
    found = clustered_correlations(np.column_stack([values, np.full(len(of), 5.0)]), of, 0)
    assert np.isnan(found.value[2]).all()
    assert np.isfinite(found.value[:2, :2]).all()


def test_share_has_the_spread_of_repeated_draws():
    rng = np.random.default_rng(1)

    def draw():
        wholes = rng.integers(1, 30, 400)
        return rng.binomial(wholes, rng.beta(8, 2, 400)), wholes

    found = [ratio_of_sums(*draw()) for _ in range(400)]
    spread = np.std([one.value for one in found])
    width = np.mean([one.high - one.low for one in found]) / (2 * 1.96)
    assert width == pytest.approx(spread, rel=0.15)
    parts, wholes = draw()
    assert ratio_of_sums(parts, wholes).value == parts.sum() / wholes.sum()


def test_too_few_jets_are_said():
    with pytest.raises(BadInput, match="two jets"):
        clustered_correlations(np.ones((3, 2)), np.zeros(3, int), 0)
    with pytest.raises(BadInput, match="two jets"):
        ratio_of_sums(np.zeros(2), np.zeros(2))
