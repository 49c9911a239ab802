"""Layer-wise relevance propagation through dense networks.

Rules as in the study (arXiv:2210.04371, LRP notebooks): the relevance of a layer's output is
shared among its inputs in proportion to their contributions with transformed weights,
W' = W + γ·max(W, 0) for LRP-γ, γ = 2 in every layer.  Biases are transformed alike and kept:
they absorb relevance (quirk B12); ``biases=False`` leaves them out and conserves it.

The study of the Interaction Network (arXiv:2211.12770) leaves biases out.  Its older results have
W' = W + γ where W > 0 (``gamma_constant``).  With either rule denominators cross zero where inputs
are negative, and single jets dominate; ``gamma_signed`` enhances what is positive in the product of
weight and input instead, and keeps denominators away from zero.  For inputs that are not negative,
such as those of all layers but the first, it is ``gamma``.

A network that is more than a dense one says itself where relevance goes
(:class:`PropagatesRelevance`), and leaves to the rule what layers do.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from repro.data.arrays import FloatArray
from repro.errors import UnknownName, did_you_mean
from repro.explain.dense import check_dense
from repro.explain.outliers import treat_outliers
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.means import mean_intervals
from repro.models.host import waiting_for

__all__ = [
    "RULES",
    "PropagatesRelevance",
    "Rule",
    "explain_by_lrp",
    "normalise",
    "propagate",
    "rule_parameter",
    "start_relevance",
]

_JETS_PER_BATCH = 16_384


@dataclass(frozen=True)
class Rule:
    """How a layer shares relevance.

    Attributes:
        weights: Transforms weights or biases, given the rule's parameter.
        stabilise: Transforms the denominators, given the rule's parameter.
        parameter: Default of the parameter.
        negative: Transforms the weights of negative inputs; None: as those of others.
    """

    weights: Callable[[Tensor, float], Tensor]
    stabilise: Callable[[Tensor, float], Tensor]
    parameter: float
    negative: Callable[[Tensor, float], Tensor] | None = None


@runtime_checkable
class PropagatesRelevance(Protocol):
    """A network that says where relevance goes besides through its layers."""

    def propagated_relevance(
        self,
        inputs: Tensor,
        start: Tensor,
        through: Callable[[Sequence[nn.Linear], Tensor, Tensor], Tensor],
    ) -> Tensor:
        """Return the relevance of the inputs, (n, features).

        Args:
            inputs: (n, features).
            start: (n, outputs), relevance of the outputs.
            through: Gives the relevance of the inputs of layers, from these and the relevance of
                their outputs.
        """


def _same(tensor: Tensor, _: float) -> Tensor:
    return tensor


def _away_from_zero(tensor: Tensor, epsilon: float) -> Tensor:
    return tensor + torch.full_like(tensor, epsilon).copysign(tensor)


def _with_positive(weights: Tensor, gamma: float) -> Tensor:
    return weights + gamma * weights.clamp(min=0)


RULES = {
    "zero": Rule(_same, _same, 0.0),
    "epsilon": Rule(_same, _away_from_zero, 0.01),
    "gamma": Rule(_with_positive, _same, 2.0),
    "gamma_constant": Rule(lambda weights, gamma: weights + gamma * (weights > 0), _same, 2.0),
    "gamma_signed": Rule(
        _with_positive,
        lambda tensor, _: _away_from_zero(tensor, 0.01),
        2.0,
        negative=lambda weights, gamma: weights + gamma * weights.clamp(max=0),
    ),
}


def propagate(
    layers: Sequence[nn.Linear],
    inputs: Tensor,
    start: Tensor,
    rule: str = "gamma",
    parameter: float | None = None,
    *,
    biases: bool = True,
) -> Tensor:
    """Propagate relevance from the outputs to the inputs.

    Args:
        layers: Linear layers with a ReLU between them.
        inputs: (n, features).
        start: (n, outputs), the relevance of the outputs; zero for those not asked about.
        rule: One of :data:`RULES`: ``gamma``, ``epsilon``, ``zero`` and others.
        parameter: γ or ε; by default 2 and 0.01.
        biases: Whether biases take part in the denominators (as published).

    Returns:
        (n, features), the relevance of the inputs.

    Raises:
        UnknownName: If there is no such rule.
    """
    if rule not in RULES:
        hint = did_you_mean(rule, RULES)
        raise UnknownName(f"unknown LRP rule {rule!r}{hint}: choose from {', '.join(RULES)}")
    chosen, strength = RULES[rule], rule_parameter(rule, parameter)
    activations = [inputs]
    for layer in layers[:-1]:
        activations.append(torch.relu(layer(activations[-1])))

    relevance = start
    for depth in range(len(layers) - 1, -1, -1):
        layer = layers[depth]
        parts = _parts(chosen, strength, activations[depth], layer.weight)
        z = _sum(values @ weight.T for values, weight in parts)
        if biases:
            if layer.bias is not None:
                z = z + chosen.weights(layer.bias, strength)
            if depth < len(layers) - 1:
                z = torch.relu(z)  # as published; without biases it would lose relevance
        z = torch.where(z == 0, z, chosen.stabilise(z, strength))
        share = torch.where(z == 0, 0.0, relevance / torch.where(z == 0, 1.0, z))
        relevance = _sum(values * (share @ weight) for values, weight in parts)
    return relevance


def _parts(
    rule: Rule, strength: float, values: Tensor, weights: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Return inputs with their transformed weights; negative ones apart if theirs are others."""
    if rule.negative is None:
        return [(values, rule.weights(weights, strength))]
    return [
        (values.clamp(min=0), rule.weights(weights, strength)),
        (values.clamp(max=0), rule.negative(weights, strength)),
    ]


def _sum(parts: Iterable[Tensor]) -> Tensor:
    """Add tensors up; one alone is not copied."""
    return functools.reduce(torch.add, parts)


def rule_parameter(rule: str, parameter: float | None) -> float:
    """Return the parameter of a rule: the one given, or its default."""
    return RULES[rule].parameter if parameter is None else parameter


def normalise(relevance: FloatArray) -> FloatArray:
    """Divide the relevance of each jet by its sum; NaN where the sum is zero.

    Args:
        relevance: (n, features).
    """
    total = relevance.sum(axis=1, keepdims=True)
    shares = np.full_like(relevance, np.nan)
    np.divide(relevance, total, out=shares, where=total != 0)
    return shares


@method("lrp", "Layer-wise relevance propagation, mean normalised relevance per class")
def explain_by_lrp(
    problem: Problem,
    *,
    rule: str = "gamma",
    parameter: float | None = None,
    biases: bool = True,
    outliers: str = "zeroed",
    signed: bool = False,
    level: float = 0.95,
) -> Explanation:
    r"""Return the mean |normalised relevance| of each ranked feature, per class.

    Each layer with activations $a_i$ and transformed weights $\tilde W$ and biases $\tilde b$ hands
    down

    $$
    R_i = a_i \sum_j \frac{\tilde W_{ij}\, R_j}{\sum_m a_m \tilde W_{mj} + \tilde b_j} .
    $$

    As published: start from the probability (one output) or from the logit of the jet's own
    class (several), divide each jet's relevance by its sum, zero the outliers (B4), average
    the absolute values.

    Args:
        problem: The classifier, a dense network or one that :class:`PropagatesRelevance`, and its
            jets.
        rule: Rule of every layer.
        parameter: Parameter of the rule.
        biases: Quirk B12, on as published.
        outliers: Quirk B4: ``zeroed`` as published, ``dropped`` or ``kept``.
        signed: Average the relevance itself, not its absolute value, as published for the
            Interaction Network.
        level: Confidence level of the intervals (outlier bounds held fixed).
    """
    relevance = _shares(problem, rule, parameter, biases=biases)
    panels = {}
    for label, name in enumerate(problem.classes):
        mine = treat_outliers(relevance[problem.of_class(label)], outliers)
        panels[name] = mean_intervals(mine if signed else np.abs(mine), level)
    return Explanation(
        "lrp",
        "1",
        problem.ranked_features,
        panels,
        settings={
            "rule": rule,
            "parameter": rule_parameter(rule, parameter),
            "biases": biases,
            "outliers": outliers,
            **({"signed": True} if signed else {}),
        },
    )


def _shares(problem: Problem, rule: str, parameter: float | None, *, biases: bool) -> FloatArray:
    """Return the normalised relevance of each ranked feature, (n, ranked)."""
    network = problem.network.to(problem.device)
    shared = functools.partial(propagate, rule=rule, parameter=parameter, biases=biases)
    run: Callable[[Tensor, Tensor], Tensor]
    if isinstance(network, PropagatesRelevance):
        run = functools.partial(network.propagated_relevance, through=shared)
    else:
        with torch.inference_mode():
            layers = check_dense(network, problem.tensor(problem.inputs[:256]))
        run = functools.partial(shared, layers)
    parts = []
    size = min(_JETS_PER_BATCH, problem.rows_at_once)
    starts = range(0, len(problem.inputs), size)
    for first in problem.progress(starts, "LRP"):
        inputs = problem.tensor(problem.inputs[first : first + size])
        labels = torch.from_numpy(np.ascontiguousarray(problem.labels[first : first + len(inputs)]))
        with torch.inference_mode():
            logits = network(inputs)
            with waiting_for(problem.device):
                own = labels.to(logits.device)
            found = run(inputs, start_relevance(logits, own)).double()
            with waiting_for(problem.device):
                parts.append(problem.summed(normalise(found.cpu().numpy())))
    return np.concatenate(parts)


def start_relevance(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the relevance of the outputs from which LRP starts.

    Args:
        logits: (n,) for one output, or (n, classes).
        labels: (n,), the class that each jet is explained for.

    Returns:
        (n, outputs): the probability of class 1, or the logit of the jet's class and zero
        elsewhere.
    """
    if logits.ndim == 1 or logits.shape[1] == 1:
        return torch.sigmoid(logits).reshape(-1, 1)
    own = nn.functional.one_hot(labels.long(), logits.shape[1]).to(logits.dtype)
    return own * logits
