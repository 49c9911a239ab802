"""Integrated gradients through captum, from the mean jet to each jet.

Source: Sundararajan, Taly and Yan, arXiv:1703.01365.  The attributions of a jet add up to the
difference of its output and that of the mean jet; what is missing is the error of the integral.
"""

import functools

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from repro.data.arrays import FloatArray
from repro.errors import BadInput
from repro.explain.masking import replacement_values
from repro.explain.padding import filled_tensor
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.means import mean_intervals

__all__ = ["explain_by_integrated_gradients"]

_JETS_PER_BATCH = 256


@method("integrated_gradients", "Integrated gradients, mean |attribution| per class", dear=True)
def explain_by_integrated_gradients(
    problem: Problem, *, steps: int = 50, level: float = 0.95
) -> Explanation:
    """Return the mean |attribution| of each ranked feature, per class, in units of the logit.

    What is explained is the one logit, or the logit of the jet's own class.

    Args:
        problem: The classifier and its jets.
        steps: Points of the integral (Gauss-Legendre).
        level: Confidence level of the intervals.

    Raises:
        BadInput: If there is no step.
    """
    if steps < 1:
        raise BadInput(f"steps={steps}: take 1 or more")
    network = problem.network.to(problem.device)
    outputs = functools.partial(_own_logit, network)
    explainer = IntegratedGradients(outputs)
    means = replacement_values(problem, "mean")
    found, missing = [], []
    for start in problem.progress(range(0, len(problem.inputs), _JETS_PER_BATCH), "gradients"):
        rows = slice(start, start + _JETS_PER_BATCH)
        inputs = problem.tensor(problem.inputs[rows])
        labels = torch.from_numpy(np.array(problem.labels[rows])).to(inputs.device)
        values, deltas = explainer.attribute(
            inputs,
            _baseline(problem, inputs, means),
            additional_forward_args=(labels,),
            n_steps=steps,
            # The graph of what is computed at once is kept: of PFIN, megabytes for each jet.
            internal_batch_size=_JETS_PER_BATCH,
            return_convergence_delta=True,
        )
        found.append(problem.summed(values.detach().double().cpu().numpy()))
        missing.append(deltas.detach().double().abs().cpu().numpy())
    attributions = np.concatenate(found)
    return Explanation(
        "integrated_gradients",
        "logit",
        problem.ranked_features,
        {
            name: mean_intervals(np.abs(attributions[problem.of_class(label)]), level)
            for label, name in enumerate(problem.classes)
        },
        details={"mean_residual": float(np.concatenate(missing).mean())},
        settings={"steps": steps, "baseline": "mean"},
    )


def _own_logit(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    logits: Tensor = network(inputs)
    if logits.ndim == 1 or logits.shape[1] == 1:
        return logits.reshape(-1)
    return logits.gather(1, labels[:, None].long()).squeeze(1)


def _baseline(problem: Problem, inputs: Tensor, means: FloatArray) -> Tensor:
    """Return the mean jet for each jet; padding stays padding."""
    baseline = torch.as_tensor(means).to(inputs).expand_as(inputs)
    if not problem.filled_by:
        return baseline.contiguous()
    return torch.where(filled_tensor(inputs, problem.filled_by), baseline, inputs)
