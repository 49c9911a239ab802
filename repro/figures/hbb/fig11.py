"""F11: layerwise relevance of the features of tracks and vertices."""

import copy
import functools
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from repro.data.hbb.features import track_features, vertex_features
from repro.explain.lrp import propagate, rule_parameter, start_relevance
from repro.features.waves import wave_jets
from repro.figures.context import Context
from repro.figures.drawing import CLASS_COLOURS, footer, name_rows, new_figure
from repro.figures.interaction import (
    FAMILY,
    NO_JETS,
    artificial_in_words,
    from_weights,
    rows_of,
    without_jets,
)
from repro.models.interaction_network import InteractionNetwork
from repro.models.tagger import Tagger
from repro.results.document import Result

__all__ = ["compute", "render"]

# By the names of the claims: rule and parameter.
_RULES: dict[str, tuple[str, float | None]] = {
    "gamma": ("gamma", None),
    "gamma_constant": ("gamma_constant", None),
    "epsilon": ("epsilon", 0.4),
    "zero": ("zero", None),
}
_TARGETS = {"target0": 0, "target1": 1}
_SUMS = ("tracks", "vertices", "total")
_SHOWN = {
    "gamma": "LRP-γ: W + γ · max(W, 0)",
    "gamma_constant": "older: W + γ where W > 0",
}
_LOOKS = {
    "target0": ("for the QCD logit", CLASS_COLOURS["qcd"], -0.2),
    "target1": ("for the logit of H to bb", CLASS_COLOURS["top"], 0.2),
}
_CAPTION = (
    "One artificial jet of sine waves, not the paper's jets. Share of the logit that a feature of "
    "all tracks, or of all vertices, is given; biases left out. Crosses: computed in double "
    "precision; the distance of a bar is rounding, where denominators cross zero."
)

_ROUNDING = (
    "Single precision moves shares by LRP-γ by up to {share:.2g} ({feature}, {target}): the "
    "claimed numbers are of single precision, and are rounding in part."
)


def compute(context: Context) -> Result:
    """Propagate the baseline's logits for one known jet to its features, by several rules.

    In single precision, as published, and in double precision.
    """
    tagger = context.tagger(FAMILY)
    golden, double = (
        {
            name: {key: _shares(context, tagger, name, key, dtype) for key in _TARGETS}
            for name in _RULES
        }
        for dtype in (torch.float32, torch.float64)
    )
    rounding = {name: _largest_gap(golden[name], double[name]) for name in _RULES}
    alone = from_weights([tagger])
    values: dict[str, Any] = {"golden": golden, "double": double, "rounding": rounding}
    return context.result(
        "hbb/fig11",
        NO_JETS,
        [tagger],
        values,
        evidence={**without_jets(context), **dict.fromkeys(values, alone)},
        settings={
            "rules": {
                name: {"rule": rule, "parameter": rule_parameter(rule, parameter)}
                for name, (rule, parameter) in _RULES.items()
            },
            "biases": False,
        },
        notes=[_ROUNDING.format(**rounding["gamma"])],
    )


def render(result: Result) -> Figure:
    """Draw the share of each feature, for either logit, by both forms of the rule."""
    features = [feature.name for feature in (*track_features(), *vertex_features())]
    figure = new_figure(10.0, 10.5)
    for axes, (name, title) in zip(
        figure.subplots(1, len(_SHOWN), sharey=True), _SHOWN.items(), strict=True
    ):
        _draw(axes, result, name, features)
        axes.set_title(f"one artificial jet, {title}")
        name_rows(axes, features)
    figure.axes[0].set_ylim(len(features) - 0.4, -0.6)
    footer(figure, result, _CAPTION, artificial_in_words(result, 1))
    return figure


def _shares(
    context: Context, tagger: Tagger, name: str, key: str, dtype: torch.dtype
) -> dict[str, float]:
    """Return the shares of a logit of the first wave jet: of each feature, and of all together."""
    network: nn.Module = copy.deepcopy(tagger.network).to(context.device, dtype)
    if not isinstance(network, InteractionNetwork):
        raise TypeError(f"{tagger.card.name} is no Interaction Network")
    rule, parameter = _RULES[name]
    through = functools.partial(propagate, rule=rule, parameter=parameter, biases=False)
    rows = torch.from_numpy(rows_of(tagger, *wave_jets(1))).to(context.device, dtype)
    with torch.inference_mode():
        target = torch.tensor([_TARGETS[key]], device=context.device)
        start = start_relevance(network(rows), target)
        found = network.propagated_relevance(rows, start, through) / start.sum()
        tracks, vertices = (part[0].sum(dim=1).tolist() for part in network.split(found))
    names = [[feature.name for feature in kind] for kind in (track_features(), vertex_features())]
    return {
        "tracks": sum(tracks),
        "vertices": sum(vertices),
        "total": sum(tracks) + sum(vertices),
        **dict(zip(names[0], tracks, strict=True)),
        **dict(zip(names[1], vertices, strict=True)),
    }


def _largest_gap(
    single: dict[str, dict[str, float]], double: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """Return where precision changes the share of a feature most, and by how much."""
    gaps = {
        (key, feature): abs(share - double[key][feature])
        for key, shares in single.items()
        for feature, share in shares.items()
        if feature not in _SUMS
    }
    (target, feature), share = max(gaps.items(), key=lambda entry: entry[1])
    return {"share": share, "feature": feature, "target": target}


def _draw(axes: Axes, result: Result, name: str, features: list[str]) -> None:
    rows = np.arange(len(features))
    for key, (label, colour, shift) in _LOOKS.items():
        shares = result.values["golden"][name][key]
        exact = result.values["double"][name][key]
        axes.barh(
            rows + shift, [shares[one] for one in features], height=0.36, color=colour, label=label
        )
        axes.plot([exact[one] for one in features], rows + shift, "x", color="black", ms=3, mew=0.8)
    axes.axvline(0, color="black", lw=0.8)
    axes.axhline(len(track_features()) - 0.5, color="#888888", lw=0.8, ls=":")
    axes.legend(loc="lower right")
    axes.set_xlabel("share of the logit")
