"""K7: what the talk planned, and what of it is here: a list, and no measurement."""

import textwrap
from typing import Any

from matplotlib.figure import Figure

from repro.catalogue.items import read_catalogue
from repro.explain.registry import find_method
from repro.features.sample_streams import JetSet, no_jets
from repro.figures.context import Context
from repro.figures.drawing import footer, new_figure
from repro.results.document import Result
from repro.results.evidence import Evidence

__all__ = ["compute", "render"]

_JETS: JetSet = no_jets("the catalogue", "none")
_ABOUT = Evidence("complete", "this package's own list, without any jets")
_NOTE = (
    "The talk's slide has no numbers and makes no claim. Methods that are named here are looked "
    "up: one that is not there would be an error."
)
_CAPTION = "Planned in the talk of March 2022; what is here is this package's own account."
_COLUMNS = {"planned": (0.0, 30), "here": (0.21, 50), "lacks": (0.56, 32), "where": (0.79, 30)}
_TITLES = {
    "planned": "planned",
    "here": "what is here",
    "lacks": "what is not",
    "where": "methods and commands",
}


def compute(context: Context) -> Result:
    """List what was planned, and what of it this package has.

    Raises:
        UnknownName: If the list names a method that is not there.
    """
    points: dict[str, Any] = {}
    for entry in read_catalogue("hbb", "plan.toml")["point"]:
        methods = [find_method(name).name for name in entry.get("methods", ())]
        points[entry["id"]] = {**entry, "methods": methods}
    return context.result(
        "hbb/figK7", _JETS, [], {"points": points}, evidence={"": _ABOUT}, notes=[_NOTE]
    )


def render(result: Result) -> Figure:
    """Write the list as a table of text."""
    points = result.values["points"].values()
    figure = new_figure(11.0, 1.4 + 0.75 * len(points))
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(-len(points), 0.35))
    for name, (left, width) in _COLUMNS.items():
        axes.text(left, 0.2, _TITLES[name], fontsize=10, fontweight="bold", va="center")
        for row, point in enumerate(points):
            text = textwrap.fill(_cell(point, name), width, break_long_words=False)
            axes.text(left, -row - 0.1, text, fontsize=9, va="top")
    for row in range(len(points) + 1):
        axes.axhline(-row, color="#bbbbbb", lw=0.7)
    footer(figure, result, _CAPTION, "data: none")
    return figure


def _cell(point: dict[str, Any], column: str) -> str:
    if column != "where":
        return str(point.get(column, ""))
    commands = [f"repro\u00a0{name}" for name in point["commands"]]
    return ", ".join([*point["methods"], *commands])
