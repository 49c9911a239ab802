"""SHAP values through the shap library, seeded and with their additivity checked.

Settings of the study (arXiv:2210.04371, SHAP notebooks, shap 0.40): TopoDNN is explained in
units of its logit (link ``logit`` on the probability), with 180 coalitions per jet and a
background of 5000 training jets; MBNS in units of the probability itself, with 50.  The old
default ``l1_reg="auto"`` meant the AIC lasso at these sizes; newer versions of shap changed the
default, so it is named here.

A background of 5000 costs 5000 evaluations a coalition.  With fewer, each jet has a draw of its
own: see :mod:`repro.explain.background_error`.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from threadpoolctl import threadpool_limits

from repro.data.arrays import FloatArray
from repro.data.kept_rows import fingerprint, keep_rows
from repro.errors import BadInput, UnknownName, did_you_mean
from repro.explain.background_error import Halves, draw_background, pick_halved
from repro.explain.masking import logits_of
from repro.explain.occlusion import discriminant
from repro.explain.problem import Problem

__all__ = ["LINKS", "Attributions", "kernel_shap"]

LINKS = {"logit": "logit", "identity": "probability"}
"""Units of the SHAP values by link."""

# On a processor few enough that the activations of a batch stay in its cache: 8192 rows of TopoDNN
# take 1.4 times as long.  A GPU wants many.
_ROWS_PER_BATCH = {"cpu": 1024}
_ROWS_PER_BATCH_ELSEWHERE = 2**17


@dataclass(frozen=True)
class Attributions:
    """SHAP values of some jets.

    Attributes:
        values: (n, features), in units of the logit, or of the probability, of class 1; those of
            class 0 are their negatives.
        base: The mean probability over the whole background, or its logit.
        residual: (n,), logit or probability minus the base of the jet's own background minus the
            sum of the values: zero if the attributions add up, as Shapley values must.
        halves: What tells the error of the draws of background jets; None if each jet meets the
            whole.
    """

    values: FloatArray
    base: float
    residual: FloatArray
    halves: Halves | None = None


def kernel_shap(
    problem: Problem,
    background: NDArray[np.floating],
    nsamples: int,
    l1_reg: str = "aic",
    checkpoints: Path | None = None,
    *,
    link: str = "logit",
    background_size: int | None = None,
    halved: int = 150,
) -> Attributions:
    """Run shap's KernelExplainer on every jet of the problem.

    Each jet has its own seed, derived from the problem's, so that the values do not depend
    on which jets are explained in one go.

    Args:
        problem: The classifier and the jets to explain.
        background: (rows, features), the whole.
        nsamples: Coalitions per jet.
        l1_reg: Regularisation of shap's regression.
        checkpoints: Folder where what is done is kept, should this be stopped: then it goes on
            there.  It is for the caller to remove.
        link: ``logit``, or ``identity`` for units of the probability.
        background_size: How many rows each jet meets, in a draw of its own; all by default.
        halved: Jets of each class that are explained against halves of their draw as well.

    Raises:
        BadInput: If the coalitions are too few for the regularisation, or there is no background.
        UnknownName: If there is no such link.
    """
    if link not in LINKS:
        hint = did_you_mean(link, LINKS)
        raise UnknownName(f"unknown link {link!r}{hint}: choose from {', '.join(LINKS)}")
    if not len(background) or (background_size is not None and background_size < 1):
        raise BadInput("KernelSHAP needs a background: give one jet or more")
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
    unit: Callable[[FloatArray], FloatArray] = logit if link == "logit" else np.asarray

    def probability(inputs: NDArray[np.floating]) -> FloatArray:
        return np.asarray(expit(_logits(problem, inputs)))

    whole = np.asarray(background, dtype=problem.inputs.dtype)
    size = min(background_size or len(whole), len(whole))
    partly = size < len(whole)
    jets = range(len(problem.inputs)) if partly else ()
    drawn = [draw_background(len(whole), size, problem.seed, jet) for jet in jets]
    in_halves = pick_halved(problem.labels, halved) if partly and size > 1 else np.zeros(0, int)
    logits = _logits(problem, problem.whole)
    explained = logits if link == "logit" else np.asarray(expit(logits))
    key = fingerprint(
        [problem.whole, whole, explained, in_halves],
        shap.__version__,
        nsamples,
        l1_reg,
        problem.seed,
        size,
    )
    features = problem.inputs.shape[1]
    shared = None if partly else shap.KernelExplainer(probability, whole, link=link)
    with keep_rows(checkpoints / key if checkpoints else None) as kept:
        for jet in problem.progress(range(kept.done, len(problem.inputs)), "KernelSHAP"):
            explainer = shared or shap.KernelExplainer(probability, whole[drawn[jet]], link=link)
            # The regressions are too small for several threads, which wait for each other.
            one_thread = threadpool_limits(limits=1, user_api="blas")
            with one_thread, _seeded(problem.seed, jet), warnings.catch_warnings():
                # The lasso warns of paths that it cuts short; the residual tells if it matters.
                warnings.filterwarnings("ignore", module="sklearn")
                values = explainer.shap_values(
                    problem.inputs[jet : jet + 1], nsamples=nsamples, l1_reg=l1_reg, silent=True
                )[0]
                row = np.tile(values, (3, 1))
                if jet in in_halves and explainer.M > 1:
                    row[1:] = _against_halves(explainer, probability(whole[drawn[jet]]), features)
            kept.add({"values": row[None]})
    of_whole = probability(whole)
    base = unit(of_whole.mean())
    bases = unit(np.array([of_whole[rows].mean() for rows in drawn])) if partly else base
    rows = kept.all()["values"]
    values, of_halves = rows[:, 0], rows[in_halves, 1:]
    return Attributions(
        values,
        float(base),
        explained - bases - values.sum(axis=1),
        Halves(in_halves, of_halves, size / len(whole)) if partly else None,
    )


def _against_halves(explainer: Any, background: FloatArray, features: int) -> FloatArray:  # noqa: ANN401
    """Return SHAP values (2, features) against either half of the background.

    The network has seen every row of every coalition: only the regression is done again.

    Args:
        explainer: shap's, which has just explained a jet.
        background: (m,), probabilities of its background jets.
        features: Columns of the jet.
    """
    evaluated = explainer.y.reshape(-1, len(background))
    middle = len(background) // 2
    found = np.zeros((2, features))
    for values, half in zip(found, (slice(middle), slice(middle, None)), strict=True):
        explainer.ey = evaluated[:, half].mean(axis=1, keepdims=True)
        explainer.fnull = np.array([background[half].mean()])
        solved, _ = explainer.solve(explainer.nsamples / explainer.max_samples, 0)
        values[explainer.varyingInds] = solved
    return found


def _logits(problem: Problem, inputs: NDArray[np.floating]) -> FloatArray:
    """Return the logit of P(class 1) in float64, where its sigmoid does not saturate."""
    rows = _ROWS_PER_BATCH.get(problem.device, _ROWS_PER_BATCH_ELSEWHERE)
    return discriminant(logits_of(problem, inputs, rows))


@contextmanager
def _seeded(seed: int, jet: int) -> Iterator[None]:
    """Seed numpy's global generator, which shap draws from, and put its state back."""
    before = np.random.get_state()  # noqa: NPY002 - shap uses the global generator
    np.random.seed([seed, jet])  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
