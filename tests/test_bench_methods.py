"""``repro bench``: methods beside other ways to compute the same numbers."""

import dataclasses

import numpy as np
import pytest
import torch
from problems import make_problem

from repro.benchmarks import methods
from repro.benchmarks.artificial import iter_artificial_inputs
from repro.benchmarks.machine import describe_machine
from repro.benchmarks.methods import OTHERS, measure_methods
from repro.benchmarks.others import batch_of, parts
from repro.benchmarks.rates import rate_of
from repro.benchmarks.report import document, table
from repro.explain.problem import Problem
from repro.explain.registry import load_methods
from repro.models.dense import DenseNetwork
from repro.models.pfn import PfnNetwork
from repro.models.tagger import untrained_tagger

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


def test_tables_say_on_how_many_jets_and_why_some_are_not_measured():
    found = [*measured(toy(), "permutation"), *measured(of_constituents())]
    used = {"data": "jets", "jets": 24, "explained": 64, "weights": "random", "seed": 0}
    about = document(describe_machine("cpu"), {**used, "repeats": 1}, [], [], None, methods=found)
    text = "\n".join(table(about))
    for said in (
        "jets: 64 (--explained), 1,024 of dense networks, which are fast; at most 8 for",
        "features: all of dense networks, the first 12 of others, as plain versions take long",
        "in batches of 250 jets",
        "not measured:",
        "  lrp of toy: the network is not dense",
        "  kernel_shap of toy: hundreds of columns",
        rate_of(found[0].jets_per_second),
    ):
        assert said in text


def test_plain_versions_get_the_batches_of_the_authors_training():
    tagger = untrained_tagger("in", 0)
    (rows,) = iter_artificial_inputs(tagger, 130)
    names = tuple(f"x{column}" for column in range(rows.shape[1]))
    problem = Problem(tagger.network, rows, np.arange(130) % 2, names)
    assert [len(part) for part, _ in parts(problem)] == [128, 2]
    assert [batch_of(each) for each in (toy(), of_constituents())] == [250, 250]
    found = {entry.beside: entry.authors_batch for entry in measured(toy(), "permutation")}
    assert found == {"plain": 250, "captum FeaturePermutation": None}


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
    assert few.options == {"background_size": 8}
