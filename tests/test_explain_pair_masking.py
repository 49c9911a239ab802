"""Masked pairs: numbers in closed form, symmetric cases, and what is refused."""

import itertools

import numpy as np
import pytest
import torch
from problems import make_network
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from torch import nn

from repro.errors import BadInput
from repro.explain.outliers import treat_outliers
from repro.explain.pair_masking import FACTOR, explain_by_pair_masking, pair_names
from repro.explain.problem import Problem

SLOTS = 4
MASKS = list(itertools.combinations(range(SLOTS), 2))


class SumOfPairs(nn.Module):
    """Logits (-s, s) + 3 of s = Σ weight of pair · x_i x_j: a masked pair's term is gone."""

    def __init__(self, weights):
        super().__init__()
        self.weights = torch.tensor(weights, dtype=torch.float64)

    def terms(self, inputs):
        products = [inputs[:, i] * inputs[:, j] for i, j in MASKS]
        return torch.stack(products, dim=1) * self.weights

    def forward(self, inputs):
        total = self.terms(inputs).sum(dim=1)
        return torch.stack([3 - total, 3 + total], dim=1)

    def masked_pairs(self, inputs, masks, *, alone):
        found, terms = [], self.terms(inputs)
        for mask in masks:
            touched = [
                set(pair) == set(mask) if alone else bool(set(pair) & set(mask)) for pair in MASKS
            ]
            left = terms[:, ~torch.tensor(touched)].sum(dim=1)
            found.append(torch.stack([3 - left, 3 + left], dim=1))
        return torch.stack(found, dim=1)


def problem_of(weights, jets=300, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(jets) % 2
    inputs = rng.uniform(0.2, 0.8, size=(jets, SLOTS)) + 0.2 * labels[:, None]
    return Problem(SumOfPairs(weights), inputs, labels, tuple("abcd"))


def plain(problem, mask, alone):
    """Logits of class 0 and 1 without a pair, jet by jet."""
    rows = []
    for jet in problem.inputs:
        total = 0.0
        for weight, (i, j) in zip(problem.network.weights.tolist(), MASKS, strict=True):
            gone = (i, j) == mask if alone else i in mask or j in mask
            total += 0.0 if gone else weight * jet[i] * jet[j]
        rows.append((3 - total, 3 + total))
    return np.array(rows)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("outliers", ["kept", "zeroed", "dropped"])
def test_numbers_are_those_of_loops_over_jets_and_pairs(alone, outliers):
    problem = problem_of([1.0, 0.5, 2.0, 0.25, 1.5, 0.75])
    found = explain_by_pair_masking(problem, slots=SLOTS, alone=alone, outliers=outliers)
    assert found.names == pair_names(SLOTS) == tuple(f"{i}_{j}" for i, j in MASKS)
    base = plain(problem, (), alone=False)
    labels, every = problem.labels, np.arange(len(problem.labels))
    whole = roc_auc_score(labels, base[:, 1] - base[:, 0])
    assert found.details["auc"].value == pytest.approx(100 * whole)
    for position, mask in enumerate(MASKS):
        masked = plain(problem, mask, alone)
        own, changed = base[every, labels], masked[every, labels]
        relevance = np.abs((changed - own) / own)
        sign = 2 * labels - 1
        drop = expit(sign * (base[:, 1] - base[:, 0])) - expit(sign * (masked[:, 1] - masked[:, 0]))
        for label, name in enumerate(("qcd", "top")):
            for panel, values in ((name, relevance), (f"probability_drop.{name}", drop)):
                mine = treat_outliers(values[labels == label][:, None], outliers, FACTOR)
                expected = np.nanmean(mine)
                assert found.panels[panel].value[position] == pytest.approx(expected, rel=1e-9)
        area = roc_auc_score(labels, masked[:, 1] - masked[:, 0])
        assert found.panels["delta_auc"].value[position] == pytest.approx(100 * (whole - area))


def test_relevance_relative_to_the_class():
    problem = problem_of([1.0, 0.5, 2.0, 0.25, 1.5, 0.75])
    found = explain_by_pair_masking(problem, slots=SLOTS, alone=True, scale="mean", outliers="kept")
    base, masked = plain(problem, (), alone=False), plain(problem, (0, 1), alone=True)
    for label, name in enumerate(("qcd", "top")):
        mine = problem.labels == label
        change = np.abs(masked[mine, label] - base[mine, label]).mean()
        expected = change / np.abs(base[mine, label]).mean()
        assert found.panels[name].value[0] == pytest.approx(expected)


def test_a_pair_without_weight_is_nothing_alone_and_something_with_its_constituents():
    problem = problem_of([1.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    alone, both = (
        explain_by_pair_masking(problem, slots=SLOTS, alone=alone) for alone in (True, False)
    )
    nothing = MASKS.index((0, 2))
    for name, panel in alone.panels.items():
        numbers = [panel.value[nothing], panel.low[nothing], panel.high[nothing]]
        np.testing.assert_allclose(numbers, 0, atol=1e-14, err_msg=name)
        assert abs(both.panels[name].value[nothing]) > 1e-3


def test_constituents_that_are_alike_give_pairs_that_are_alike():
    """All slots equal: every pair does the same, whichever way it is masked."""
    problem = problem_of([1.0] * 6)
    problem.inputs[:] = problem.inputs[:, :1]
    for alone in (True, False):
        for panel in explain_by_pair_masking(problem, slots=SLOTS, alone=alone).panels.values():
            np.testing.assert_allclose(panel.value, panel.value[0], rtol=1e-9)
            np.testing.assert_allclose(panel.low, panel.low[0], rtol=1e-9)


def test_exchanging_the_classes_exchanges_their_panels():
    problem = problem_of([1.0, 0.5, 2.0, 0.25, 1.5, 0.75])
    exchanged = Problem(
        SumOfPairs((-problem.network.weights).tolist()),
        problem.inputs,
        1 - problem.labels,
        problem.features,
    )
    one, other = (explain_by_pair_masking(p, slots=SLOTS) for p in (problem, exchanged))
    np.testing.assert_allclose(one.panels["qcd"].value, other.panels["top"].value)
    first, second = (f.panels["probability_drop.qcd"].value for f in (one, other))
    np.testing.assert_allclose(first, other.panels["probability_drop.top"].value)
    assert not np.allclose(first, second)
    np.testing.assert_allclose(one.panels["delta_auc"].value, other.panels["delta_auc"].value)


def test_batches_do_not_change_the_numbers(monkeypatch):
    problem = problem_of([1.0, 0.5, 2.0, 0.25, 1.5, 0.75], jets=50)
    whole = explain_by_pair_masking(problem, slots=SLOTS)
    monkeypatch.setattr("repro.explain.pair_masking._JETS_PER_BATCH", 7)
    parts = explain_by_pair_masking(problem, slots=SLOTS)
    for name, panel in whole.panels.items():
        np.testing.assert_allclose(parts.panels[name].value, panel.value, rtol=1e-12)


@pytest.mark.parametrize("alone", [True, False])
def test_masks_go_on_where_they_were_stopped(tmp_path, monkeypatch, alone):
    problem = problem_of([1.0, 0.5, 2.0, 0.25, 1.5, 0.75], jets=50)
    whole = explain_by_pair_masking(problem, slots=SLOTS, alone=alone)
    monkeypatch.setattr("repro.explain.pair_masking._JETS_PER_BATCH", 7)
    masked, looked_at = SumOfPairs.masked_pairs, []

    def stopped(self, inputs, masks, *, alone):
        if len(looked_at) == 3:
            raise KeyboardInterrupt
        looked_at.append(len(inputs))
        return masked(self, inputs, masks, alone=alone)

    monkeypatch.setattr(SumOfPairs, "masked_pairs", stopped)
    with pytest.raises(KeyboardInterrupt):
        explain_by_pair_masking(problem, slots=SLOTS, alone=alone, checkpoints=tmp_path)

    def counted(self, inputs, masks, *, alone):
        looked_at.append(len(inputs))
        return masked(self, inputs, masks, alone=alone)

    monkeypatch.setattr(SumOfPairs, "masked_pairs", counted)
    # The other way of masking has nothing to go on with.
    other = explain_by_pair_masking(problem, slots=SLOTS, alone=not alone, checkpoints=tmp_path)
    assert sum(looked_at[3:]) == len(problem.labels)
    del looked_at[3:]
    found = explain_by_pair_masking(problem, slots=SLOTS, alone=alone, checkpoints=tmp_path)
    assert sum(looked_at) == len(problem.labels)
    # Both ways are there now: nothing is masked again.
    again = explain_by_pair_masking(problem, slots=SLOTS, alone=alone, checkpoints=tmp_path)
    assert sum(looked_at) == len(problem.labels)
    for name, panel in found.panels.items():
        np.testing.assert_array_equal(again.panels[name].value, panel.value)
    # Other inputs have nothing to go on with.
    problem.inputs[0, 0] += 1e-9
    explain_by_pair_masking(problem, slots=SLOTS, alone=alone, checkpoints=tmp_path)
    assert sum(looked_at) == 2 * len(problem.labels)
    for name, panel in whole.panels.items():
        np.testing.assert_allclose(found.panels[name].value, panel.value, rtol=1e-12)
        assert not np.allclose(other.panels[name].value, panel.value)


def test_a_network_that_sees_no_pairs_is_refused():
    problem = problem_of([1.0] * 6)
    dense = Problem(make_network(4, outputs=2), problem.inputs, problem.labels, problem.features)
    with pytest.raises(BadInput, match="DenseNetwork sees no pairs"):
        explain_by_pair_masking(dense)
