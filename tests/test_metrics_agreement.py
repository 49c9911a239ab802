"""Agreement of rankings whose numbers have errors."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from repro.metrics.agreement import Ranking, agreement, agreement_gain

SAMPLES, DRAWS = 60, 60


def ranking(truth, error, generator):
    """Numbers measured with an error, and repetitions of the measured ones."""
    measured = truth + error * generator.normal(size=len(truth))
    noise = error * generator.normal(size=(DRAWS, len(truth)))
    return Ranking(np.vstack([measured, measured + noise]))


def two_truths(generator, rho, count=40):
    """Importances of heavy tails by two methods whose ranks have something in common."""
    first = generator.normal(size=count)
    second = rho * first + np.sqrt(1 - rho**2) * generator.normal(size=count)
    return np.exp(1.5 * first), np.exp(1.5 * second)


@pytest.mark.parametrize("error", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_intervals_hold_the_agreement_of_the_true_numbers(rho, error):
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(SAMPLES):
        truths = two_truths(generator, rho)
        found = agreement(*(ranking(each, error, generator) for each in truths))
        covered += found.low <= kendalltau(*truths).statistic <= found.high
    assert covered >= 0.85 * SAMPLES


def test_with_more_noise_less_is_known():
    generator = np.random.default_rng(1)
    truths = two_truths(generator, 0.9)
    widths = []
    for error in (0.0, 0.1, 1.0, 30.0):
        found = agreement(*(ranking(each, error, generator) for each in truths))
        widths.append(found.high - found.low)
    assert widths[0] < 1e-12 < widths[1] < widths[2]
    assert widths[3] > 1


def test_noise_says_nothing():
    generator = np.random.default_rng(2)
    noise, exact = ranking(np.zeros(40), 1.0, generator), Ranking(np.arange(40.0)[None])
    assert noise.stretch > 3
    found = agreement(noise, Ranking(np.tile(exact.drawn, (DRAWS + 1, 1))))
    assert found.low < -0.4
    assert found.high > 0.4
    assert exact.stretch == 1


def test_exact_numbers_have_the_tau_of_scipy_and_no_width():
    first, second = two_truths(np.random.default_rng(3), 0.5)
    found = agreement(Ranking(first[None]), Ranking(second[None]))
    assert found.value == found.low == found.high == kendalltau(first, second).statistic


def test_a_gain_is_the_difference_of_two_agreements():
    generator = np.random.default_rng(4)
    common, near = two_truths(generator, 0.9)
    far = np.exp(generator.normal(size=len(common)))
    true = kendalltau(common, near).statistic - kendalltau(common, far).statistic
    covered = 0
    for _ in range(SAMPLES):
        rankings = [ranking(each, 1.0, generator) for each in (common, near, far)]
        found = agreement_gain(*rankings)
        each = [agreement(rankings[0], other).value for other in rankings[1:]]
        assert found.value == pytest.approx(each[0] - each[1])
        assert -2 <= found.low <= found.value <= found.high <= 2
        covered += found.low <= true <= found.high
    assert covered >= 0.85 * SAMPLES
