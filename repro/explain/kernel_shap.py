"""KernelSHAP through the shap library, seeded and with its additivity checked.

Settings of the study (arXiv:2210.04371, SHAP notebooks, shap 0.40): TopoDNN is explained in
units of its logit (link ``logit`` on the probability), with 180 coalitions per jet and a
background of 5000 training jets; MBNS in units of the probability itself, with 50.  The old
default ``l1_reg="auto"`` meant the AIC lasso at these sizes; newer versions of shap changed the
default, so it is named here.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from repro.data.arrays import FloatArray
from repro.errors import BadInput, UnknownName
from repro.explain.checkpoint import Checkpoint, fingerprint
from repro.explain.masking import logits_of
from repro.explain.occlusion import discriminant
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.bootstrap import Intervals
from repro.metrics.means import mean_intervals

__all__ = ["LINKS", "Attributions", "explain_by_kernel_shap", "kernel_shap", "summarise"]

LINKS = {"logit": "logit", "identity": "probability"}
"""Units of the SHAP values by link."""

# Few enough that the activations of a batch stay in the cache.
_ROWS_PER_BATCH = 8192


@dataclass(frozen=True)
class Attributions:
    """SHAP values of some jets.

    Attributes:
        values: (n, features), in units of the logit, or of the probability, of class 1; those of
            class 0 are their negatives.
        base: The mean probability over the background, or its logit.
        residual: (n,), logit or probability minus base minus the sum of the values: zero if
            the attributions add up, as Shapley values must.
    """

    values: FloatArray
    base: float
    residual: FloatArray


@method("kernel_shap", "KernelSHAP, mean |SHAP value| per class, units of logit or probability")
def explain_by_kernel_shap(
    problem: Problem,
    *,
    background: NDArray[np.floating] | None = None,
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
            up to 100 of the problem's own, of both classes.
        nsamples: Coalitions per jet.
        l1_reg: Regularisation of shap's regression.
        link: ``logit``, or ``identity`` for units of the probability.
        checkpoints: Folder where a stopped run leaves what it did; none by default.
        level: Confidence level of the intervals (spread over jets; Monte-Carlo noise of the
            coalitions is part of it).
    """
    if background is None:
        chosen = np.random.default_rng(problem.seed).permutation(len(problem.inputs))[:100]
        background = problem.inputs[chosen]
    found = kernel_shap(problem, background, nsamples, l1_reg, checkpoints, link=link)
    return Explanation(
        "kernel_shap",
        LINKS[link],
        problem.ranked_features,
        summarise(problem, found.values, level),
        details={
            "base": found.base,
            "largest_residual": float(np.abs(found.residual).max()),
            "mean_residual": float(np.abs(found.residual).mean()),
            "signed_mean": {
                name: found.values[problem.of_class(label)][:, problem.ranked].mean(axis=0)
                for label, name in enumerate(problem.classes)
            },
        },
        settings={
            "nsamples": nsamples,
            "l1_reg": l1_reg,
            "link": link,
            "background": len(background),
        },
    )


def summarise(problem: Problem, values: FloatArray, level: float = 0.95) -> dict[str, Intervals]:
    """Return the mean |SHAP value| of each ranked feature, per class.

    Args:
        problem: Whose jets the values belong to.
        values: (n, features).
        level: Confidence level of the intervals.
    """
    return {
        name: mean_intervals(np.abs(values[problem.of_class(label)][:, problem.ranked]), level)
        for label, name in enumerate(problem.classes)
    }


def kernel_shap(
    problem: Problem,
    background: NDArray[np.floating],
    nsamples: int,
    l1_reg: str = "aic",
    checkpoints: Path | None = None,
    *,
    link: str = "logit",
) -> Attributions:
    """Run shap's KernelExplainer on every jet of the problem.

    Each jet has its own seed, derived from the problem's, so that the values do not depend
    on which jets are explained in one go.

    Args:
        problem: The classifier and the jets to explain.
        background: (rows, features).
        nsamples: Coalitions per jet.
        l1_reg: Regularisation of shap's regression.
        checkpoints: Folder where a stopped run leaves what it did.
        link: ``logit``, or ``identity`` for units of the probability.

    Raises:
        BadInput: If the coalitions are too few for the regularisation.
        UnknownName: If there is no such link.
    """
    if link not in LINKS:
        raise UnknownName(f"unknown link {link!r}: choose from {', '.join(LINKS)}")
    if l1_reg in ("aic", "bic") and 2 * nsamples <= problem.inputs.shape[1] + 1:
        raise BadInput(
            f"nsamples={nsamples} is too few to choose among {problem.inputs.shape[1]} features "
            f"by {l1_reg}: take {problem.inputs.shape[1]} or more"
        )
    with warnings.catch_warnings():
        # On import shap uses parts of matplotlib that are to go.
        warnings.simplefilter("ignore")
        import shap  # noqa: PLC0415 - slow to import, and only needed here

    # It would advise against backgrounds of more than 100 rows; the study has 5000.
    logging.getLogger("shap").setLevel(logging.ERROR)

    def probability(inputs: NDArray[np.floating]) -> FloatArray:
        return np.asarray(expit(_logits(problem, inputs)))

    explainer = shap.KernelExplainer(
        probability, np.asarray(background, dtype=problem.inputs.dtype), link=link
    )
    base = float(explainer.expected_value)
    logits = _logits(problem, problem.inputs)
    explained = logits if link == "logit" else np.asarray(expit(logits))
    key = fingerprint(
        [problem.inputs, background, explained], shap.__version__, nsamples, l1_reg, problem.seed
    )
    kept = Checkpoint(checkpoints, key, problem.inputs.shape)
    try:
        for jet in problem.progress(range(kept.done, len(problem.inputs)), "KernelSHAP"):
            with _seeded(problem.seed, jet), warnings.catch_warnings():
                # The lasso warns of paths that it cuts short; the residual tells if it matters.
                warnings.filterwarnings("ignore", module="sklearn")
                values = explainer.shap_values(
                    problem.inputs[jet : jet + 1], nsamples=nsamples, l1_reg=l1_reg, silent=True
                )
            kept.add(values[0])
    except KeyboardInterrupt:
        kept.interrupted()
        raise
    kept.clear()
    return Attributions(kept.rows, base, explained - base - kept.rows.sum(axis=1))


def _logits(problem: Problem, inputs: NDArray[np.floating]) -> FloatArray:
    """Return the logit of P(class 1) in float64, where its sigmoid does not saturate."""
    return discriminant(logits_of(problem, inputs, _ROWS_PER_BATCH))


@contextmanager
def _seeded(seed: int, jet: int) -> Iterator[None]:
    """Seed numpy's global generator, which shap draws from, and put its state back."""
    before = np.random.get_state()  # noqa: NPY002 - shap uses the global generator
    np.random.seed([seed, jet])  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
