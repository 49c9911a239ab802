"""F2: the order of tracks and vertices does not matter, by the logits of all models."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.benchmarks.artificial import ARTIFICIAL, artificial_jets
from repro.data.hbb.features import TRACK_SLOTS, VERTEX_SLOTS
from repro.figures.context import Context
from repro.figures.drawing import footer, name_rows, new_figure
from repro.figures.interaction import (
    NO_JETS,
    artificial_in_words,
    from_weights,
    load_networks,
    logits_of,
    without_jets,
)
from repro.results.document import Result

__all__ = ["compute", "largest_change", "render"]

_JETS = 128
_PERMUTATIONS = 3
_TOLERANCE = "hbb/C4.logits"
_CAPTION = (
    f"Artificial jets, not the paper's: {ARTIFICIAL}, random numbers. The slots of tracks, and "
    "those of vertices, are permuted at random, empty ones as well. Change of a logit: divided by "
    "the larger of the jet's two logits, which are differences of larger sums."
)


def compute(context: Context) -> Result:
    """Permute the slots of artificial jets, and compare the logits of every model."""
    networks = load_networks(context)
    rng = np.random.default_rng(context.settings.seed)
    tracks, vertices = artificial_jets(_JETS, context.settings.seed)
    orders = [
        (rng.permutation(TRACK_SLOTS), rng.permutation(VERTEX_SLOTS)) for _ in range(_PERMUTATIONS)
    ]
    changes = {}
    for label, tagger in networks.items():
        before = logits_of(context, tagger, tracks, vertices)
        changes[label] = max(
            largest_change(
                before, logits_of(context, tagger, tracks[:, :, slots], vertices[:, :, others])
            )
            for slots, others in orders
        )
    values: dict[str, Any] = {
        "invariance": {"max_relative_difference": max(changes.values()), "models": changes}
    }
    alone = from_weights(networks.values())
    path = "invariance.max_relative_difference"
    return context.result(
        "hbb/fig2",
        NO_JETS,
        networks.values(),
        values,
        evidence={**without_jets(context), path: alone, "invariance.models": alone},
        settings={"artificial_jets": _JETS, "permutations": _PERMUTATIONS},
        notes=["The ROC curves need jets: this picture has the logits in their place."],
    )


def render(result: Result) -> Figure:
    """Draw the largest relative change of a logit, model by model."""
    changes = result.values["invariance"]["models"]
    figure = new_figure(8.2, 7.6)
    axes = figure.subplots()
    positions = np.arange(len(changes))
    axes.plot(list(changes.values()), positions, "o", color="#1f4e96", ms=5)
    (allowed,) = (claim["tolerance"] for claim in result.claims if claim["id"] == _TOLERANCE)
    if allowed is not None:
        axes.axvline(allowed, color="black", ls="--", lw=1, label="the most that is accepted")
        axes.legend(loc="upper left", bbox_to_anchor=(0, 1))
    axes.set_title("in place of the ROC curves, which need jets: logits of artificial jets")
    axes.set_xscale("log")
    axes.set_xlim(1e-8, 1e-3)
    name_rows(axes, list(changes))
    axes.set_ylim(len(changes) - 0.4, -1.6)
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("largest relative change of a logit")
    footer(
        figure,
        result,
        _CAPTION,
        artificial_in_words(result, result.settings["artificial_jets"]),
    )
    return figure


def largest_change(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Return the largest change of a logit, divided by the larger |logit| of its jet.

    Args:
        before: (n, 2).
        after: (n, 2).

    >>> largest_change(np.array([[2.0, -4.0]]), np.array([[2.0, -5.0]]))
    0.25
    """
    scale = np.abs(before).max(axis=1, keepdims=True).astype(np.float64)
    return float((np.abs(after.astype(np.float64) - before) / scale).max())
