"""Scores and explanations on a GPU: those of a processor, the same twice, without hidden copies."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from network_rows import MODELS, rows_of
from problems import make_problem

from repro.errors import BadInput
from repro.explain.problem import Problem
from repro.explain.registry import load_methods
from repro.models.tagger import predict_logits, untrained_tagger

TOLERANCE = 1e-5
"""Of logits and of numbers of explanations in single precision, of the largest."""
OF_PFIN = 1e-4
"""The same of PFIN, whose pair masses are taken without cancellation: as published, they are
rounding noise that differs between devices (B17)."""

WAITING = {
    "kernel_shap": "shap asks for the scores of each coalition",
    "integrated_gradients": "captum asks for what is missing in each batch",
    "correlation": "computed on the processor",
}
"""Methods that wait for the device more often than once in and out of a batch, and why."""

METHODS = sorted(load_methods())
FEW = {"kernel_shap": {"background_size": 4, "nsamples": 100}}


def network_of(name):
    tagger = untrained_tagger(name, 0)
    if name.startswith("pfin"):
        tagger.network.stable_mass = True
    return tagger.network, rows_of(tagger)


def tolerance_of(name):
    return OF_PFIN if name.startswith("pfin") else TOLERANCE


def problem_of(name, device):
    """The problem of explaining twelve columns of a network, or a dense toy."""
    if name == "toy":
        return make_problem(n=40, features=6, device=device)
    network, rows = network_of(name)
    if name != "in":
        # Others lack constituents that are explained; the logits of PFIN are no numbers then.
        rows = rows[rows[:, 9] != 0]
    features = tuple(f"x{column}" for column in range(rows.shape[1]))
    return Problem(
        copy.deepcopy(network),
        rows,
        np.arange(len(rows)) % 2,
        features,
        skip=features[12:],
        device=device,
    )


def explain(name, problem):
    """What a method says, or None of a network that it cannot explain."""
    try:
        return load_methods()[name].explain(problem, **FEW.get(name, {}))
    except BadInput:
        return None


def assert_close(found, expected, tolerance):
    known = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(found), known)
    scale = np.abs(expected[known]).max(initial=0.0) or 1.0
    assert np.abs(found[known] - expected[known]).max(initial=0.0) <= tolerance * scale


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_those_of_a_processor(name):
    network, rows = network_of(name)
    expected = predict_logits(network, rows)
    assert_close(predict_logits(network.cuda(), rows, "cuda"), expected, tolerance_of(name))


@pytest.mark.parametrize("model", ["toy", *MODELS])
@pytest.mark.parametrize("name", METHODS)
def test_explanations_are_those_of_a_processor(name, model):
    if name == "kernel_shap" and model != "toy":
        pytest.skip("hundreds of columns take as many coalitions; the toy is explained")
    expected, found = (explain(name, problem_of(model, device)) for device in ("cpu", "cuda"))
    if expected is None:
        pytest.skip(f"{name} does not explain {model}")
    for panel, numbers in expected.panels.items():
        # AUCs of eight jets jump by steps where an order changes; ten of the jets' logits do not.
        assert_close(found.panels[panel].value, numbers.value, 10 * tolerance_of(model))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.usefixtures("deterministic")
def test_scores_are_the_same_twice(name):
    network, rows = network_of(name)
    first, second = (predict_logits(network.cuda(), rows, "cuda") for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("model", ["toy", "pfn:v4", "pfin:sum", "in"])
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.usefixtures("deterministic")
def test_explanations_are_the_same_twice(name, model):
    if name == "kernel_shap" and model != "toy":
        pytest.skip("hundreds of columns take as many coalitions; the toy is explained")
    first, second = (explain(name, problem_of(model, "cuda")) for _ in range(2))
    if first is None:
        pytest.skip(f"{name} does not explain {model}")
    for panel, numbers in first.panels.items():
        assert second.panels[panel].value.tobytes() == numbers.value.tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_scoring_waits_for_the_device_only_where_it_says_so(name, no_waiting):
    network, rows = network_of(name)
    network.cuda()
    predict_logits(network, rows, "cuda")  # what is made once is made
    no_waiting()
    predict_logits(network, rows, "cuda")


@pytest.mark.parametrize("model", ["toy", *MODELS])
@pytest.mark.parametrize("name", [name for name in METHODS if name not in WAITING])
def test_explaining_waits_for_the_device_only_where_it_says_so(name, model, no_waiting):
    problem = problem_of(model, "cuda")
    if explain(name, problem) is None:
        pytest.skip(f"{name} does not explain {model}")
    no_waiting()
    assert explain(name, dataclasses.replace(problem)) is not None


def test_what_waits_is_refused(no_waiting):
    """The check sees a copy that is hidden."""
    values = torch.ones(3, device="cuda")
    no_waiting()
    with pytest.raises(RuntimeError, match="synchronizing"):
        float(values.sum())
