"""Relevance on one known jet, by several rules, and how much of it is rounding.

In single precision, as published, and in double precision; and of jets that differ from it by one
unit in the last place.
"""

import copy
import functools
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import nn

from repro.catalogue import Claim, load_claims
from repro.data.hbb.features import track_features, vertex_features
from repro.explain.lrp import propagate, rule_parameter, start_relevance
from repro.features.waves import wave_jets
from repro.figures.drawing import CLASS_COLOURS, footer, name_rows, new_figure
from repro.figures.interaction import artificial_in_words, rows_of
from repro.models.interaction_network import InteractionNetwork
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import Evidence, missing

__all__ = ["draw_known", "known_note", "known_settings", "known_values", "moved_by_rounding"]

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

# Jets whose inputs differ by one unit in the last place of single precision.
_NEIGHBOURS = 64
_ROUNDING = (
    "Inputs that differ by one unit in the last place give shares by LRP-γ that differ by up to "
    "{share:.2g} ({feature}, {target}), of {jets} draws. Where that is more than a claim accepts, "
    "the claim is not tested: its number is rounding."
)
_ILL = (
    "one unit in the last place of the inputs moves it by up to {:.2g}, and the claim accepts "
    "{:.2g}: it is rounding"
)


def known_values(tagger: Tagger, seed: int) -> dict[str, Any]:
    """Return the shares of the logits of one known jet: ``golden``, ``double``, and ``moves``.

    Args:
        tagger: The baseline.
        seed: Of the jets that differ from it by rounding.
    """
    golden, double = (
        {name: {key: _shares(tagger, name, key, dtype)[0] for key in _TARGETS} for name in _RULES}
        for dtype in (torch.float32, torch.float64)
    )
    return {"golden": golden, "double": double, "moves": _moves_of_claimed(tagger, seed)}


def known_settings() -> dict[str, Any]:
    """Return what a result says of the rules."""
    return {
        "rules": {
            name: {"rule": rule, "parameter": rule_parameter(rule, parameter)}
            for name, (rule, parameter) in _RULES.items()
        },
        "biases": False,
        "neighbours": _NEIGHBOURS,
    }


def known_note(values: dict[str, Any]) -> str:
    """Return the note on rounding."""
    return _ROUNDING.format(**_largest(values["moves"]["gamma"]), jets=_NEIGHBOURS)


def draw_known(result: Result) -> Figure:
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
    tagger: Tagger,
    name: str,
    key: str,
    dtype: torch.dtype,
    rows: NDArray[np.float32] | None = None,
) -> list[dict[str, float]]:
    """Return the shares of a logit: of each feature, and of all together.

    On the processor, whose rounding the claimed numbers have.

    Args:
        tagger: The network.
        name: Of the rule.
        key: Of the logit.
        dtype: Precision of the computation.
        rows: (n, inputs); the first wave jet by default.

    Returns:
        Of each jet.
    """
    network: nn.Module = copy.deepcopy(tagger.network).to("cpu", dtype)
    if not isinstance(network, InteractionNetwork):
        raise TypeError(f"{tagger.card.name} is no Interaction Network")
    rule, parameter = _RULES[name]
    through = functools.partial(propagate, rule=rule, parameter=parameter, biases=False)
    given = rows_of(tagger, *wave_jets(1)) if rows is None else rows
    inputs = torch.from_numpy(given).to(dtype)
    with torch.inference_mode():
        target = torch.full((len(inputs),), _TARGETS[key])
        start = start_relevance(network(inputs), target)
        found = network.propagated_relevance(inputs, start, through)
        found = found / start.sum(dim=1, keepdim=True)
        kinds = [part.sum(dim=2) for part in network.split(found)]
    return [_named(*(kind[jet].tolist() for kind in kinds)) for jet in range(len(inputs))]


def _named(tracks: list[float], vertices: list[float]) -> dict[str, float]:
    names = [[feature.name for feature in kind] for kind in (track_features(), vertex_features())]
    return {
        "tracks": sum(tracks),
        "vertices": sum(vertices),
        "total": sum(tracks) + sum(vertices),
        **dict(zip(names[0], tracks, strict=True)),
        **dict(zip(names[1], vertices, strict=True)),
    }


def _claimed() -> Iterator[tuple[Claim, str, str, str]]:
    """Yield the claims on shares: each with its rule, logit and feature."""
    for claim in load_claims("hbb"):
        kind, *path = (claim.value or "").split(".")
        if claim.item == "hbb/fig11" and kind == "golden":
            name, key, feature = path
            yield claim, name, key, feature


def _moves_of_claimed(tagger: Tagger, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return how far shares move, by rules and logits on which there is a claim."""
    moves: dict[str, dict[str, dict[str, float]]] = {}
    for name, key in dict.fromkeys((name, key) for _, name, key, _ in _claimed()):
        moves.setdefault(name, {})[key] = _moves(tagger, name, key, seed)
    return moves


def _moves(tagger: Tagger, name: str, key: str, seed: int) -> dict[str, float]:
    """Return how far shares differ among jets that differ by one unit in the last place.

    The jet itself is among them.
    """
    row = rows_of(tagger, *wave_jets(1))
    towards = np.random.default_rng(seed).choice([-np.inf, np.inf], (_NEIGHBOURS, row.shape[1]))
    near = np.nextafter(row, towards.astype(row.dtype))
    # What is zero is no slot: it stays.
    near = np.where(row == 0, row, near)
    found = _shares(tagger, name, key, torch.float32, np.concatenate([row, near]))
    return {
        feature: max(abs(shares[feature] - found[0][feature]) for shares in found)
        for feature in found[0]
    }


def moved_by_rounding(moves: dict[str, dict[str, dict[str, float]]]) -> dict[str, Evidence]:
    """Return that numbers are missing which move by more than the claims on them accept."""
    ill = {}
    for claim, name, key, feature in _claimed():
        move, accepted = moves[name][key][feature], claim.reproduction
        allowed = accepted.distance(float(cast("float", claim.expected))) if accepted else 0.0
        if move > allowed:
            ill[f"golden.{name}.{key}.{feature}"] = missing(_ILL.format(move, allowed))
    return ill


def _largest(moves: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Return which share of a feature moves most, and by how much."""
    every = {
        (key, feature): move
        for key, shares in moves.items()
        for feature, move in shares.items()
        if feature not in _SUMS
    }
    (target, feature), share = max(every.items(), key=lambda entry: entry[1])
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
