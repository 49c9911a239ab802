"""F10: neural activation patterns of the baseline, weighted and unweighted, and of all others."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from repro.explain.activation_patterns import QUIET, relative_activity, sparsity
from repro.features.waves import wave_jets
from repro.figures.context import Context
from repro.figures.drawing import footer, new_figure
from repro.figures.interaction import (
    CLASSES,
    NO_JETS,
    artificial_in_words,
    from_weights,
    load_each,
    rows_of,
    without_jets,
)
from repro.figures.interaction_patterns import (
    ARTIFICIAL_CAPTION,
    ARTIFICIAL_JETS,
    RNA_CAPTION,
    artificial_contrast,
    contrast_values,
    draw_difference,
    draw_pattern,
    outline_values,
    plain_nodes,
)
from repro.figures.record_scores import (
    JETS_OF_PATTERNS,
    RecordScores,
    Watched,
    networks_on_record,
)
from repro.models.cards import BASELINE
from repro.models.interaction_network import LAYERS
from repro.models.tagger import Tagger
from repro.results.document import Result

__all__ = ["compute", "render"]

_KINDS = {"weighted": False, "unweighted": True}
_TITLES = {
    "weighted": "weighted: activations as summed",
    "unweighted": "unweighted: activations counted where not zero",
}
_COLUMNS = 5
_SMALL = 6.5
_NOTE = (
    f"Activity is that of the first {JETS_OF_PATTERNS:,} jets at most, as published: those of one "
    "file. Padding counts, as published."
)
_PADDING = f"Activity is that of the first {JETS_OF_PATTERNS:,} jets at most, without padding."
_NO_CLASSES = "The patterns are those of artificial jets: their classes are the network's own."
_OTHERS = (
    "Small panels: all other networks, weighted; with the number of nodes, and the fractions of "
    "them below an RNA of 0.2 for QCD and for Higgs jets."
)


def compute(context: Context) -> Result:
    """Sum activations over four known jets, and over the jets of both classes.

    Without jets the patterns are those of artificial ones.
    """
    networks, _ = load_each(context)
    baseline = networks[BASELINE]
    alone = from_weights([baseline])
    values: dict[str, Any] = {
        "golden": {kind: _golden(context, baseline, fired=_KINDS[kind]) for kind in _KINDS}
    }
    if not context.record:
        values["artificial"] = {
            kind: _artificial(context, baseline, fired=fired) for kind, fired in _KINDS.items()
        }
        return context.result(
            "hbb/fig10",
            NO_JETS,
            [baseline],
            values,
            evidence={**without_jets(context), **dict.fromkeys(values, alone)},
            settings={"artificial_jets": ARTIFICIAL_JETS, "quiet": QUIET},
            notes=[_NO_CLASSES],
        )
    scored = networks_on_record(context, networks)
    values |= _patterns(scored)
    own = from_weights(networks.values()).own_weights
    return context.result(
        "hbb/fig10",
        scored.jets(context),
        networks.values(),
        values,
        evidence={"": scored.evidence(context, own), "golden": alone},
        settings={"quiet": QUIET, "most_jets": JETS_OF_PATTERNS},
        notes=[_PADDING if context.settings.corrected else _NOTE],
    )


def render(result: Result) -> Figure:
    """Draw both kinds of activity of the baseline, and the pattern of every other network."""
    artificial = result.values.get("artificial")
    if artificial:
        figure = new_figure(11.5, 9.6)
        shown = {kind: one["rna"] for kind, one in artificial.items()}
        _draw_baseline(figure, shown, "artificial jets, ")
        about = artificial_in_words(result, result.settings["artificial_jets"])
        footer(figure, result, f"The baseline. {ARTIFICIAL_CAPTION} {RNA_CAPTION}", about)
        return figure
    models = result.values["models"]
    rows = -(-len(models) // _COLUMNS)
    figure = new_figure(12.5, 8.4 + 2.0 * rows)
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[8.0, 2.0 * rows])[:, 0]
    kinds = {"weighted": result.values, "unweighted": result.values["unweighted"]}
    shown = {kind: plain_nodes(one["rna"]) for kind, one in kinds.items()}
    _draw_baseline(upper, shown, "baseline, ")
    _draw_others(lower, models)
    footer(figure, result, f"{RNA_CAPTION} {_OTHERS}")
    return figure


def _golden(context: Context, tagger: Tagger, *, fired: bool) -> dict[str, dict[str, Any]]:
    """Return by layer the most active node, its sum, and the number of quiet nodes.

    All four wave jets are one sample.
    """
    rows = torch.from_numpy(rows_of(tagger, *wave_jets())).to(context.device)
    summed: Callable[..., Any] = tagger.network.to(context.device).summed_activations  # type: ignore[assignment]
    totals = {
        layer: found.sum(dim=0).double().cpu().numpy()
        for layer, found in zip(LAYERS, summed(rows, fired=fired), strict=True)
    }
    quiet = {
        layer: round(len(total) * float(sparsity(relative_activity(total, [len(total)]))))
        for layer, total in totals.items()
    }
    return {
        "quiet": {**quiet, "total": sum(quiet.values())},
        "argmax": {layer: int(total.argmax()) for layer, total in totals.items()},
        "largest": {layer: float(total.max()) for layer, total in totals.items()},
    }


def _artificial(context: Context, tagger: Tagger, *, fired: bool) -> dict[str, Any]:
    found = artificial_contrast(context, tagger, fired=fired)
    return {
        "rna": {
            name: {k: v.tolist() for k, v in found.by_layer(numbers.value).items()}
            for name, numbers in found.rna.items()
        },
        "difference": {k: v.tolist() for k, v in found.by_layer(found.difference.value).items()},
    }


def _patterns(scored: RecordScores) -> dict[str, Any]:
    """Return the activity of the baseline in full, and outlines of that of all others."""
    kinds = {
        kind: scored.activity[Watched(BASELINE, fired=fired)] for kind, fired in _KINDS.items()
    }
    return {
        "sparsity": {kind: found.sparsity for kind, found in kinds.items()},
        **contrast_values(kinds["weighted"]),
        "unweighted": contrast_values(kinds["unweighted"]),
        "models": {
            label: {"nodes": sum(found.layers.values()), **outline_values(found)}
            for label, found in (
                (label, scored.activity[Watched(label)]) for label in scored.scores
            )
            if label != BASELINE
        },
    }


def _draw_baseline(
    figure: Figure | SubFigure, shown: Mapping[str, Mapping[str, Any]], whose: str
) -> None:
    grid = figure.subplots(len(shown), 2, width_ratios=[1.5, 1])
    for (pattern, difference), (kind, rna) in zip(grid, shown.items(), strict=True):
        draw_pattern(pattern, rna, with_scale=True)
        draw_difference(difference, rna, with_scale=True)
        for axes in (pattern, difference):
            axes.set_ylabel("node of the layer")
        pattern.set_title(f"{whose}{_TITLES[kind]}")
        difference.set_title("difference of the classes")


def _draw_others(figure: SubFigure, models: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw pattern and difference of each network side by side, as small as they can be read."""
    rows = -(-len(models) // _COLUMNS)
    grid = figure.subplots(rows, 2 * _COLUMNS, width_ratios=[2, 1] * _COLUMNS).reshape(-1, 2)
    for (pattern, difference), (label, values) in zip(grid, models.items(), strict=False):
        rna = values["rna"]
        draw_pattern(pattern, rna)
        draw_difference(difference, rna)
        quiet = ", ".join(f"{values['sparsity'][name]['value']:.2f}" for name in CLASSES)
        name = label.replace("_hidden", "\nhidden").replace("_preload", "\npreload")
        pattern.set_title(f"{name}\n{values['nodes']} nodes: {quiet}", fontsize=_SMALL, loc="left")
        for axes in (pattern, difference):
            _make_small(axes)
    for axes in grid.ravel()[2 * len(models) :]:
        axes.set_axis_off()


def _make_small(axes: Axes) -> None:
    axes.tick_params(axis="both", which="both", labelbottom=False, labelleft=False, length=0)
