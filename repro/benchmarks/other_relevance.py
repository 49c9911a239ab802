"""Relevance, gradients, Shapley values, activity, correlation: by plain loops, captum, shap."""

import copy
import logging
import warnings

import numpy as np
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule
from numpy.typing import NDArray
from scipy.special import expit

from repro.benchmarks.others import Other, Panels, parts, per_class
from repro.data.arrays import FloatArray
from repro.explain.dense import dense_layers
from repro.explain.lrp import normalise, start_relevance
from repro.explain.masking import replacement_values
from repro.explain.occlusion import discriminant
from repro.explain.outliers import treat_outliers
from repro.explain.padding import filled_tensor
from repro.explain.problem import Problem
from repro.models.padded import padded

__all__ = ["RELEVANCE"]

_STEPS = 50
_EPSILON = 0.01


def _integrate(problem: Problem) -> Panels:
    network, means = padded(problem.network), replacement_values(problem, "mean")
    points, weights = np.polynomial.legendre.leggauss(_STEPS)
    found = []
    for rows, labels in parts(problem):
        baseline = torch.as_tensor(means).to(rows).expand_as(rows)
        if problem.filled_by:
            baseline = torch.where(filled_tensor(rows, problem.filled_by), baseline, rows)
        total = torch.zeros_like(rows)
        for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
            inputs = (baseline + point * (rows - baseline)).requires_grad_()
            logits = network(inputs)
            own = logits if logits.ndim == 1 else logits.gather(1, labels[:, None])
            (gradient,) = torch.autograd.grad(own.sum(), inputs)
            total += weight * gradient
        found.append(problem.summed(((rows - baseline) * total).double().cpu().numpy()))
    return per_class(problem, np.abs(np.concatenate(found)))


def _lrp(problem: Problem) -> Panels:
    return _relevant(problem, _propagated(problem, problem.whole, problem.labels))


def _lrp_with_captum(problem: Problem) -> Panels:
    # captum leaves marks on the modules.
    network = copy.deepcopy(problem.network.get_submodule("layers"))
    for layer in dense_layers(network):
        layer.rule = EpsilonRule(epsilon=_EPSILON)
    inputs = problem.tensor(problem.whole).requires_grad_()
    several = dense_layers(network)[-1].out_features > 1
    target = torch.as_tensor(problem.labels).to(inputs.device) if several else None
    found = LRP(network).attribute(inputs, target=target)
    return _relevant(problem, found.detach().double().cpu().numpy())


def _mean_behaviour(problem: Problem) -> Panels:
    mean = problem.whole.astype(np.float64).mean(axis=0, keepdims=True)
    relevance = _propagated(problem, mean.astype(problem.inputs.dtype), np.ones(1, np.int64))
    return {"all": np.abs(problem.summed(normalise(relevance)))[0]}


def _propagated(
    problem: Problem, rows: NDArray[np.floating], labels: NDArray[np.integer]
) -> FloatArray:
    """Return relevance as the notebooks compute it: whole layers at once, transformed anew."""
    layers = dense_layers(problem.network)
    with torch.inference_mode():
        activations = [problem.tensor(rows)]
        for layer in layers[:-1]:
            activations.append(torch.relu(layer(activations[-1])))
        relevance = start_relevance(layers[-1](activations[-1]), torch.as_tensor(labels))
        for depth in reversed(range(len(layers))):
            weight, bias = (
                part + 2 * part.clamp(min=0) for part in (layers[depth].weight, layers[depth].bias)
            )
            z = activations[depth] @ weight.T + bias
            z = torch.relu(z) if depth < len(layers) - 1 else z
            share = torch.where(z == 0, 0.0, relevance / z)
            relevance = activations[depth] * (share @ weight)
        return np.asarray(relevance.double().cpu().numpy())


def _relevant(problem: Problem, relevance: FloatArray) -> Panels:
    shares = problem.summed(normalise(relevance))
    return {
        name: np.abs(treat_outliers(shares[problem.of_class(label)])).mean(axis=0)
        for label, name in enumerate(problem.classes)
    }


def _shap(problem: Problem) -> Panels:
    """As the notebooks call shap: all of the background for each jet, one explainer."""
    import shap  # noqa: PLC0415 - as the method does, for it warns when it is imported

    logging.getLogger("shap").setLevel(logging.ERROR)

    def probability(rows: NDArray[np.floating]) -> FloatArray:
        with torch.inference_mode():
            logits = problem.network(problem.tensor(rows)).double().cpu().numpy()
        return np.asarray(expit(discriminant(logits)))

    whole, before = problem.whole, np.random.get_state()  # noqa: NPY002 - shap uses the global one
    found = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="sklearn")
        explainer = shap.KernelExplainer(probability, whole, link="logit")
        for jet in range(len(whole)):
            np.random.seed([problem.seed, jet])  # noqa: NPY002
            values = explainer.shap_values(
                whole[jet : jet + 1], nsamples=180, l1_reg="aic", silent=True
            )
            found.append(values[0])
    np.random.set_state(before)  # noqa: NPY002
    return per_class(problem, np.abs(np.stack(found))[:, problem.ranked])


def _whole(problem: Problem) -> int:
    """Return of how many jets the background is: all that are explained."""
    return len(problem.whole)


def _activity(problem: Problem) -> Panels:
    panels = {}
    for label, name in enumerate(problem.classes):
        rows = problem.tensor(problem.whole[problem.of_class(label)])
        nodes = []
        with torch.inference_mode():
            for layer in dense_layers(problem.network)[:-1]:
                rows = torch.relu(layer(rows))
                total = rows.double().sum(dim=0)
                nodes.append((total / total.max()).cpu().numpy())
        panels[name] = np.concatenate(nodes)
    return panels


def _correlate(problem: Problem) -> Panels:
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            name: np.corrcoef(problem.whole[problem.of_class(label)][:, problem.ranked].T)
            for label, name in enumerate(problem.classes)
        }


RELEVANCE = (
    Other("integrated_gradients", "plain", _integrate),
    Other("lrp", "plain", _lrp, dense=True),
    Other("lrp", "captum LRP", _lrp_with_captum, {"rule": "epsilon", "parameter": _EPSILON}, True),
    Other("mean_behaviour", "plain", _mean_behaviour, dense=True),
    Other("kernel_shap", "shap KernelExplainer", _shap, {"background_size": _whole}, True),
    Other("activation_patterns", "plain", _activity, dense=True),
    Other("correlation", "numpy corrcoef", _correlate, dense=True),
)
"""The other ways to find relevance."""
