"""KernelSHAP: the mean |SHAP value| of each feature, per class, and how well it is known."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.explain.background_error import estimate_of_whole, over_jets, reach
from repro.explain.kernel_values import LINKS, Attributions, kernel_shap
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.bootstrap import Intervals

__all__ = ["explain_by_kernel_shap", "summarise"]


@method("kernel_shap", "KernelSHAP, mean |SHAP value| per class", dear=True)
def explain_by_kernel_shap(
    problem: Problem,
    *,
    background: NDArray[np.floating] | None = None,
    background_size: int = 100,
    halved: int = 150,
    nsamples: int = 180,
    l1_reg: str = "aic",
    link: str = "logit",
    checkpoints: Path | None = None,
    level: float = 0.95,
) -> Explanation:
    """Return the mean |SHAP value| of each ranked feature, per class.

    Absent features have the values of background jets, and a background jet has none for a
    constituent that it lacks: ``filled_by`` of the problem plays no part, padding is a value like
    others, and coalitions can add or remove constituents.

    Args:
        problem: The classifier and the jets to explain.
        background: (rows, features), the jets that stand for absent features; by default
            the problem's own, of both classes.
        background_size: How many of them each jet meets, in a draw of its own.
        halved: Jets of each class that are explained against halves of their draw as well, for
            the error of the draws: two more regressions each.
        nsamples: Coalitions per jet.
        l1_reg: Regularisation of shap's regression.
        link: ``logit``, or ``identity`` for units of the probability.
        checkpoints: Folder where what is done is kept, should this be stopped: then it goes on
            there.  It is for the caller to remove.
        level: Confidence level of the intervals.

    Returns:
        Intervals bootstrap the jets, each with its coalitions and its background, and reach as
        far as the whole background shifts the means.  Of the details, ``estimates`` has intervals
        of the means that the whole background gives on these jets, and ``background_error`` their
        largest relative reach, and the median, among the ten longest bars of the classes (%).

    Raises:
        BadInput: If the background has no jets, or the coalitions are too few.
    """
    whole = problem.whole if background is None else background
    found = kernel_shap(
        problem,
        whole,
        nsamples,
        l1_reg,
        checkpoints,
        link=link,
        background_size=background_size,
        halved=halved,
    )
    panels, estimates = summarise(problem, found, level)
    details: dict[str, Any] = {
        "base": found.base,
        "largest_residual": float(np.abs(found.residual).max()),
        "mean_residual": float(np.abs(found.residual).mean()),
        "signed_mean": {
            name: found.values[problem.of_class(label)][:, problem.ranked].mean(axis=0)
            for label, name in enumerate(problem.classes)
        },
    }
    if found.halves is not None:
        moves = 100 * np.concatenate([reach(entry) for entry in estimates.values()])
        details["estimates"] = estimates
        details["background_error"] = {
            "median": float(np.median(moves)),
            "largest": float(moves.max()),
            "unit": "%",
        }
    return Explanation(
        "kernel_shap",
        LINKS[link],
        problem.ranked_features,
        panels,
        details=details,
        settings={
            "nsamples": nsamples,
            "l1_reg": l1_reg,
            "link": link,
            "background": min(background_size, len(whole)),
            "whole_background": len(whole),
            "halved_backgrounds": 0 if found.halves is None else len(found.halves.rows),
        },
    )


def summarise(
    problem: Problem, found: Attributions, level: float = 0.95
) -> tuple[dict[str, Intervals], dict[str, Intervals]]:
    """Return the mean |SHAP value| of each ranked feature, per class, with two kinds of interval.

    Args:
        problem: Whose jets the values belong to.
        found: Their SHAP values.
        level: Confidence level of the intervals.

    Returns:
        With those of :func:`~repro.explain.background_error.over_jets`, and of
        :func:`~repro.explain.background_error.estimate_of_whole`.
    """
    panels, estimates = {}, {}
    for label, name in enumerate(problem.classes):
        jets = problem.of_class(label)
        values = found.values[jets][:, problem.ranked]
        halves = found.halves and found.halves.among(jets, problem.ranked)
        generator = np.random.default_rng([problem.seed, label])
        panels[name] = over_jets(values, halves, generator, level)
        estimates[name] = estimate_of_whole(values, halves, level)
    return panels, estimates
