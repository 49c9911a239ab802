"""FS2: how far explanation methods agree about the order of features, model by model.

No figure of the paper: its main point, that methods disagree, in one picture.
"""

import itertools
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from repro.explain.problem import Explanation, Problem
from repro.explain.registry import find_method
from repro.features.samples import Sample
from repro.figures.context import Context
from repro.figures.drawing import footer, name_columns, name_rows, new_figure
from repro.figures.heatmaps import name_scale
from repro.figures.labels import CLASS_LABELS
from repro.figures.latent import particle_problem
from repro.metrics.agreement import Ranking, agreement, agreement_gain
from repro.metrics.bootstrap import Intervals
from repro.metrics.correlated import draw_numbers
from repro.models.tagger import Tagger
from repro.results.document import Result

__all__ = ["compute", "render"]

_DENSE = (
    "occlusion",
    "permutation",
    "mad_relevance",
    "lrp",
    "kernel_shap",
    "integrated_gradients",
)
_MODELS = {
    "topodnn": _DENSE,
    "mbns": _DENSE,
    "pfn": ("occlusion", "permutation", "mad_relevance", "integrated_gradients"),
}
_TITLES = {
    "topodnn": "TopoDNN",
    "mbns": "MBNS",
    "pfn": "PFN",
    "occlusion": "ΔAUC",
    "permutation": "permutation",
    "mad_relevance": "MAD",
    "lrp": "LRP",
    "kernel_shap": "SHAP",
    "integrated_gradients": "int. gradients",
}
_JETS = {"integrated_gradients": 500, "kernel_shap": 100}
_DRAWS = 200
# MAD's τ with ΔAUC minus that of LRP with ΔAUC.
_GAIN = ("occlusion", "mad_relevance", "lrp")
_CAPTION = (
    r"Kendall's $\tau$ of the ranks of all features by two methods: 1 for the same order, 0 for "
    "none in common, −1 for the reverse."
)
_FEWER = (
    "Integrated gradients are those of 500 jets of each class at most, SHAP values of 100, each "
    "with its own 100 of these as background: their intervals are wider."
)
_BETWEEN = (
    "Errors of one method's numbers are drawn with their correlation. Those of two methods are "
    "drawn as if independent, although the jets are the same in part. Noise moves τ towards zero: "
    "intervals reach as far as that of numbers without noise, and over everything if one of two "
    "rankings is mostly noise, as it is with few jets."
)


def compute(context: Context) -> Result:
    """Rank the features of each model by each method and correlate the ranks (Kendall's τ).

    Methods as published; those without classes give both classes the same order.
    """
    values: dict[str, Any] = {"kendall_tau": {}, "gain_by_mad": {}}
    taggers, sample = [], None
    for family, methods in _MODELS.items():
        tagger = context.tagger(family)
        of_family = context.sample(family)
        sample = sample or of_family
        taggers.append(tagger)
        problem = _problem(context, of_family, tagger)
        found = {name: find_method(name).explain(_fewer(problem, name)) for name in methods}
        drawn = {panel: _draw(found, panel, context.settings.seed) for panel in ("qcd", "top")}
        values["kendall_tau"][family] = {name: _agreement(orders) for name, orders in drawn.items()}
        if {"lrp", "mad_relevance"} <= set(methods):
            values["gain_by_mad"][family] = {
                name: agreement_gain(*(orders[each] for each in _GAIN))
                for name, orders in drawn.items()
            }
    assert sample is not None  # noqa: S101 - there are models
    return context.result("toptag/figS2", sample, taggers, values, notes=[_FEWER, _BETWEEN])


def render(result: Result) -> Figure:
    """Draw a matrix of τ for each model and class."""
    tables = result.values["kendall_tau"]
    figure = new_figure(4.6 * len(tables) + 0.8, 9.4)
    grid = figure.subplots(2, len(tables))
    for column, (family, classes) in zip(grid.T, tables.items(), strict=True):
        for axes, (panel, table) in zip(column, classes.items(), strict=True):
            matrix = np.array([[cell["value"] for cell in row.values()] for row in table.values()])
            colours = mpl.colormaps["PuOr"].resampled(21)
            image = axes.imshow(matrix.astype(float), cmap=colours, vmin=-1.05, vmax=1.05)
            names = [_TITLES[name] for name in table]
            name_columns(axes, names, 90)
            name_rows(axes, names)
            for (i, j), value in np.ndenumerate(matrix.astype(float)):
                colour = "white" if abs(value) > 0.6 else "black"
                text = f"{value:.2f}".replace("-", "−")
                axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=9)
            axes.set_title(f"{_TITLES[family]}, {CLASS_LABELS[panel]}")
    scale = figure.colorbar(image, ax=figure.axes, shrink=0.6)
    name_scale(scale, r"Kendall's $\tau$")
    footer(figure, result, _CAPTION)
    return figure


def _problem(context: Context, sample: Sample, tagger: Tagger) -> Problem:
    if sample.family == "pfn":
        return particle_problem(context, sample, tagger)
    return context.problem(sample, tagger)


def _fewer(problem: Problem, method: str) -> Problem:
    """Return the problem with as many jets of each class as the method gets."""
    most = _JETS.get(method)
    return problem if most is None else problem.first_of_each_class(most)


def _draw(found: dict[str, Explanation], panel: str, seed: int) -> dict[str, Ranking]:
    """Return the numbers of each method, its own and repeated ones."""
    generator = np.random.default_rng(seed)
    orders = {}
    for name, entry in found.items():
        numbers = _panel(entry, panel)
        drawn = draw_numbers(numbers, generator, _DRAWS)
        orders[name] = Ranking(np.vstack([numbers.value, drawn]))
    return orders


def _agreement(orders: dict[str, Ranking]) -> dict[str, Any]:
    """Return τ of each pair of methods, with its interval."""
    table: dict[str, Any] = {name: {} for name in orders}
    for first, second in itertools.product(orders, repeat=2):
        # A method agrees with itself, whatever its noise.
        same = first == second
        pair = [
            Ranking(orders[name].drawn[:1]) if same else orders[name] for name in (first, second)
        ]
        table[first][second] = agreement(*pair)
    return table


def _panel(found: Explanation, panel: str) -> Intervals:
    return found.panels[panel if panel in found.panels else "all"]
