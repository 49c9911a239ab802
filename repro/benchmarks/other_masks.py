"""Masked features by plain loops and by captum."""

from collections.abc import Iterator

import numpy as np
import torch
from captum.attr import FeatureAblation, FeaturePermutation
from sklearn.metrics import roc_auc_score
from torch import Tensor

from repro.benchmarks.others import Other, Panels, logits_again, one_number
from repro.data.arrays import FloatArray
from repro.explain.mad_relevance import own_logit
from repro.explain.masking import replacement_values
from repro.explain.occlusion import discriminant
from repro.explain.outliers import treat_outliers
from repro.explain.problem import Problem
from repro.models.padded import padded

__all__ = ["MASKS"]


def _occlude(problem: Problem) -> Panels:
    return {"all": _drops(problem, *_masked_again(problem))}


def _occlude_with_captum(problem: Problem) -> Panels:
    return {"all": _drops(problem, *_ablated(problem))}


def _mad(problem: Problem) -> Panels:
    base, masked = _masked_again(problem)
    found = list(masked)
    panels = {}
    for label, name in enumerate(problem.classes):
        mine = problem.of_class(label)
        whole = own_logit(base, problem.labels)[mine]
        changed = np.stack([own_logit(each, problem.labels)[mine] for each in found], axis=1)
        relevance = (changed - whole[:, None]) / whole[:, None]
        panels[name] = np.abs(treat_outliers(relevance)).mean(axis=0)
    return panels


def _permute(problem: Problem) -> Panels:
    base = logits_again(padded(problem.network), problem)
    return {"all": _drops(problem, base, _shuffled_again(problem))}


def _permute_with_captum(problem: Problem) -> Panels:
    generator = np.random.default_rng(problem.seed)
    ranked = set(problem.ranked)

    def shuffle(inputs: Tensor, mask: Tensor) -> Tensor:
        (column,) = torch.nonzero(mask.reshape(-1)).flatten().tolist()
        if column not in ranked:
            return inputs
        order = torch.from_numpy(generator.permutation(len(inputs))).to(inputs.device)
        changed = inputs.clone()
        changed[:, column] = inputs[order, column]
        return changed

    explainer = FeaturePermutation(one_number(problem), perm_func=shuffle)
    with torch.no_grad():
        changes = explainer.attribute(problem.tensor(problem.whole))
    base = discriminant(logits_again(problem.network, problem))
    masked = (base - changes[:, column].double().cpu().numpy() for column in problem.ranked)
    return {"all": _drops(problem, base, masked)}


def _drops(problem: Problem, base: FloatArray, masked: Iterator[FloatArray]) -> FloatArray:
    whole = roc_auc_score(problem.labels, discriminant(base))
    areas = [roc_auc_score(problem.labels, discriminant(found)) for found in masked]
    return np.asarray(100 * (whole - np.asarray(areas)))


def _masked_again(problem: Problem) -> tuple[FloatArray, Iterator[FloatArray]]:
    """Return the logits of the padded network, and with each feature at its mean."""
    network, values = padded(problem.network), replacement_values(problem, "mean")

    def masked() -> Iterator[FloatArray]:
        filled = problem.filled_table()
        for columns in problem.members.values():
            rows = problem.whole.copy()
            places = list(columns)
            rows[:, places] = np.where(filled(columns), values[places], rows[:, places])
            yield logits_again(network, problem, rows)

    return logits_again(network, problem), masked()


def _shuffled_again(problem: Problem) -> Iterator[FloatArray]:
    """Yield the logits of the padded network with each feature shuffled, by the same numbers."""
    generator, network = np.random.default_rng(problem.seed), padded(problem.network)
    filled = problem.filled_table()
    for columns in problem.members.values():
        rows, places = np.nonzero(filled(columns))
        taken, order = np.asarray(columns)[places], generator.permutation(len(rows))
        changed = problem.whole.copy()
        changed[rows, taken] = problem.whole[rows[order], taken[order]]
        yield logits_again(network, problem, changed)


def _ablated(problem: Problem) -> tuple[FloatArray, Iterator[FloatArray]]:
    explainer = FeatureAblation(one_number(problem))
    inputs = problem.tensor(problem.whole)
    means = torch.as_tensor(replacement_values(problem, "mean")).to(inputs)[None]
    with torch.no_grad():
        changes = explainer.attribute(inputs, baselines=means).double().cpu().numpy()
    base = discriminant(logits_again(problem.network, problem))
    return base, (base - changes[:, column] for column in problem.ranked)


MASKS = (
    Other("occlusion", "plain", _occlude, {"replacement": "mean"}),
    Other("occlusion", "captum FeatureAblation", _occlude_with_captum, dense=True),
    Other("mad_relevance", "plain", _mad),
    Other("permutation", "plain", _permute),
    Other("permutation", "captum FeaturePermutation", _permute_with_captum, dense=True),
)
"""The other ways to mask features."""
