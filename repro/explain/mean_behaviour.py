"""Mean-behaviour relevance: LRP of the average jet (arXiv:2210.04371).

Every jet is replaced by the mean of all jets, so that the relevance shows what the network's
weights and the inputs' scales give alone, whatever the jets look like.
"""

import numpy as np
import torch

from repro.explain.dense import check_dense
from repro.explain.lrp import normalise, propagate, rule_parameter, start_relevance
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.means import draw_means, moments, percentile_intervals
from repro.models.host import waiting_for

__all__ = ["explain_by_mean_behaviour"]


@method("mean_behaviour", "LRP of the mean jet, |normalised relevance|")
def explain_by_mean_behaviour(
    problem: Problem,
    *,
    rule: str = "gamma",
    parameter: float | None = None,
    biases: bool = True,
    level: float = 0.95,
) -> Explanation:
    """Return |normalised relevance| of each ranked feature for the mean of all jets.

    The interval comes from the means that repetitions of the sample would have had.

    Args:
        problem: The classifier, a dense network, and its jets.
        rule: Rule of every layer.
        parameter: Parameter of the rule.
        biases: Quirk B12, on as published.
        level: Confidence level of the intervals.
    """
    network = problem.network.to(problem.device)
    sample = moments([problem.whole.astype(np.float64)])
    means = np.vstack([sample[1], draw_means(sample, problem.seed)])
    inputs = problem.tensor(means.astype(problem.inputs.dtype))
    with torch.inference_mode():
        layers = check_dense(network, inputs)
        logits = network(inputs)
        begin = start_relevance(logits, torch.ones(len(inputs), device=logits.device))
        found = propagate(layers, inputs, begin, rule, parameter, biases=biases)
        with waiting_for(problem.device):
            shares = normalise(found.double().cpu().numpy())
    relevance = np.abs(problem.summed(shares))
    return Explanation(
        "mean_behaviour",
        "1",
        problem.ranked_features,
        {"all": percentile_intervals(relevance[0], relevance[1:], level)},
        settings={"rule": rule, "parameter": rule_parameter(rule, parameter), "biases": biases},
    )
