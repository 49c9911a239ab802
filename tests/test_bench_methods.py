"""``repro bench``: methods beside other ways to compute the same numbers."""

import dataclasses

import numpy as np
import pytest
import torch
from problems import make_problem

from repro.benchmarks import methods
from repro.benchmarks.methods import OTHERS, measure_methods
from repro.explain.problem import Problem
from repro.explain.registry import load_methods
from repro.models.dense import DenseNetwork
from repro.models.pfn import PfnNetwork

PRECISION = 1e-5
"""Of the largest number of a panel; the problems are in double precision or single."""


def toy(outputs=1):
    return make_problem(n=24, features=5, outputs=outputs)


def of_constituents():
    """A small PFN on jets with one to four constituents of four."""
    torch.manual_seed(1)
    network = PfnNetwork(4, (6, 5), (4,)).eval()
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(20, 4, 3)).astype(np.float32)
    inputs[np.arange(4) >= rng.integers(1, 5, 20)[:, None]] = 0
    return Problem(
        network,
        inputs.reshape(20, 12),
        np.arange(20) % 2,
        tuple(f"x{i}" for i in range(12)),
        filled_by=tuple(3 * (column // 3) for column in range(12)),
    )


def measured(problem, *names):
    return list(measure_methods(problem, "toy", 1, 64, names))


def test_every_method_is_measured_beside_all_that_fit():
    found = measured(toy())
    assert {entry.method for entry in found} == set(load_methods())
    pairs = {(entry.method, entry.beside) for entry in found}
    assert pairs == {(other.method, other.name) for other in OTHERS}


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("other", OTHERS, ids=lambda other: f"{other.method}, {other.name}")
def test_the_other_ways_give_the_same_numbers(other, outputs):
    (found,) = [e for e in measured(toy(outputs), other.method) if e.beside == other.name]
    assert found.largest_difference < PRECISION
    assert found.ratio == found.jets_per_second["median"] / found.other_per_second["median"] > 0
    assert found.jets_per_second["turns"] == 1


def test_plain_loops_leave_padding_as_the_methods_do():
    found = {entry.method: entry for entry in measured(of_constituents()) if entry.beside}
    assert set(found) == {"integrated_gradients", "mad_relevance", "occlusion", "permutation"}
    for entry in found.values():
        assert entry.beside == "plain"
        assert entry.largest_difference < PRECISION


def test_a_method_that_does_not_fit_says_why():
    (found,) = measured(of_constituents(), "activation_patterns")
    assert "constituents" in found.reason
    assert (found.jets_per_second, found.ratio) == (None, None)


def test_another_result_shows(monkeypatch):
    (plain,) = [other for other in OTHERS if other.method == "correlation"]
    wrong = dataclasses.replace(
        plain, run=lambda problem: {key: 1.5 * value for key, value in plain.run(problem).items()}
    )
    monkeypatch.setattr(methods, "OTHERS", (wrong,))
    (found,) = measured(toy(), "correlation")
    assert found.largest_difference > 0.3
    missing = dataclasses.replace(
        plain,
        run=lambda problem: {key: value * np.nan for key, value in plain.run(problem).items()},
    )
    monkeypatch.setattr(methods, "OTHERS", (missing,))
    (found,) = measured(toy(), "correlation")
    assert found.largest_difference == float("inf")


def test_of_dense_networks_more_jets_and_all_features_are_taken():
    problem = toy()
    assert isinstance(problem.network, DenseNetwork)
    (found,) = measured(problem, "permutation")[:1]
    assert (found.jets, found.features) == (24, 5)
    (few,) = measured(problem, "kernel_shap")
    assert few.jets == 8
