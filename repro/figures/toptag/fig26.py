"""F26: the architecture of PFIN, drawn from its networks."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import nn

from repro.features.sample_streams import no_jets
from repro.figures.context import Context
from repro.figures.drawing import footer, new_figure
from repro.models import pfin
from repro.models.cards import Card, load_cards
from repro.models.dense import count_parameters
from repro.models.pairs import PAIR_FEATURES
from repro.models.particles import QUANTITIES
from repro.results.document import Result
from repro.results.evidence import Evidence

__all__ = ["compute", "render"]

_NO_JETS = no_jets("counted from the networks", "none: this item is about networks")
# Columns and rows of the picture.
_PLACES = {
    "constituents": (0, 1),
    "phi": (1, 1),
    "sum_of_phi": (4, 1),
    "pairs": (0, 0),
    "phi_pair": (1, 0),
    "pooled": (2, 0),
    "phi_pooled": (3, 0),
    "sum_of_phi_pooled": (4, 0),
    "joined": (5, 0.5),
    "head": (6, 0.5),
    "output": (7, 0.5),
}
_EDGES = (
    ("constituents", "phi"),
    ("phi", "sum_of_phi"),
    ("sum_of_phi", "joined"),
    ("constituents", "pairs"),
    ("pairs", "phi_pair"),
    ("phi_pair", "pooled"),
    ("pooled", "phi_pooled"),
    ("constituents", "phi_pooled"),
    ("phi_pooled", "sum_of_phi_pooled"),
    ("sum_of_phi_pooled", "joined"),
    ("joined", "head"),
    ("head", "output"),
)
_COLOURS = {"data": "#d9d9d9", "network": "#a6cee3", "operation": "#fee8c8"}
# What the result says, and how it is printed.
_PRINTED = {
    "Φ_I": r"$\Phi_I$",
    "Φ_I2": r"$\Phi_{I2}$",
    "pt, η, φ": r"$p_T$, $\eta$, $\phi$",
    "ln ΔR, …": r"$\ln\Delta R$, $\ln k_T$, $\ln z$, $\ln m^2$",
}
_CAPTION = (
    "Grey: data, as number × features. Blue: networks, with the widths of their layers. Yellow: "
    "sums and joining; ÷ constituents: divided by the number of constituents of the jet."
)
_JOINED = {"sum": "added", "cat": "side by side"}
_WIDTH, _HEIGHT = 0.84, 0.52


def compute(context: Context) -> Result:
    """Read blocks, layers and numbers of parameters from the networks of both modes."""
    modes = {
        card.mode: _architecture(card, pfin.build(card)) for card in load_cards("pfin").values()
    }
    evidence = {"": Evidence("complete", _NO_JETS.description)}
    return context.result("toptag/fig26", _NO_JETS, [], {"modes": modes}, evidence=evidence)


def render(result: Result) -> Figure:
    """Draw one diagram for each mode: boxes for what there is, arrows for where it goes."""
    modes = result.values["modes"]
    figure = new_figure(14, 3.3 * len(modes) + 0.6)
    for axes, (mode, drawn) in zip(
        np.atleast_1d(figure.subplots(len(modes), 1)), modes.items(), strict=True
    ):
        for first, second in drawn["edges"]:
            _arrow(axes, _PLACES[first], _PLACES[second])
        for name, block in drawn["blocks"].items():
            _box(axes, _PLACES[name], block)
        axes.set(xlim=(-0.5, 7.5), ylim=(-0.45, 1.45))
        axes.axis("off")
        axes.set_title(f"PFIN {mode}: {drawn['parameters']:,} parameters", fontsize=11)
    footer(figure, result, _CAPTION, "drawn from the networks themselves")
    return figure


def _architecture(card: Card, network: pfin.PfinNetwork) -> dict[str, Any]:
    """Return the blocks of a network by name, its edges, and its number of parameters."""
    slots, width = network.slots, network.width
    blocks = {
        "constituents": _data("constituents", f"{slots} × {QUANTITIES}", "pt, η, φ"),
        "pairs": _data("pairs", f"{slots * (slots - 1) // 2} × {len(PAIR_FEATURES)}", "ln ΔR, …"),
        "phi": _network("Φ", network.phi, "each constituent"),
        "phi_pair": _network("Φ_I", network.phi_pair, "each pair"),
        "phi_pooled": _network("Φ_I2", network.phi_pooled, "each constituent"),
        "head": _network("F", network.head, "the jet"),
        "pooled": _operation("Σ over its pairs", f"{slots} × {width}", "÷ constituents"),
        "sum_of_phi": _operation("Σ", str(width), "over constituents"),
        "sum_of_phi_pooled": _operation("Σ", str(width), "over constituents"),
        "joined": _operation("latent space", str(_inputs(network.head)), _JOINED[network.mode]),
        "output": _data("softmax", "2", "P(QCD), P(top)"),
    }
    return {
        "blocks": blocks,
        "edges": [list(edge) for edge in _EDGES],
        "parameters": count_parameters(network),
        "card_parameters": card.parameters,
    }


def _data(title: str, size: str, about: str) -> dict[str, Any]:
    return {"kind": "data", "title": title, "size": size, "about": about}


def _operation(title: str, size: str, about: str) -> dict[str, Any]:
    return {"kind": "operation", "title": title, "size": size, "about": about}


def _network(title: str, network: nn.Module, about: str) -> dict[str, Any]:
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return {
        "kind": "network",
        "title": title,
        "about": about,
        "layers": [layers[0].in_features, *(layer.out_features for layer in layers)],
        "parameters": count_parameters(network),
    }


def _inputs(network: nn.Module) -> int:
    return next(m for m in network.modules() if isinstance(m, nn.Linear)).in_features


def printed(text: str) -> str:
    """Return a text of the result as it stands in the picture, its symbols as maths."""
    return _PRINTED.get(text, text)


def _box(axes: Axes, place: tuple[float, float], block: dict[str, Any]) -> None:
    x, y = place
    patch = FancyBboxPatch(
        (x - _WIDTH / 2, y - _HEIGHT / 2),
        _WIDTH,
        _HEIGHT,
        boxstyle="round,pad=0,rounding_size=0.05",
        fc=_COLOURS[block["kind"]],
        ec="black",
        lw=0.8,
    )
    axes.add_patch(patch)
    lines = [block["title"], block["about"]]
    if block["kind"] == "network":
        lines += ["→".join(map(str, block["layers"])), f"{block['parameters']:,} parameters"]
    else:
        lines.append(block["size"])
    for line, height in zip(lines, np.linspace(1, -1, len(lines)), strict=True):
        weight = "bold" if line == lines[0] else "normal"
        at = y + 0.33 * _HEIGHT * height
        axes.text(x, at, printed(line), ha="center", va="center", fontsize=9, fontweight=weight)


def _arrow(axes: Axes, first: tuple[float, float], second: tuple[float, float]) -> None:
    """Draw an arrow from one box to another, straight where nothing is between them."""
    (x0, y0), (x1, y1) = first, second
    if x0 == x1:
        start, end = (x0, y0 - _HEIGHT / 2), (x1, y1 + _HEIGHT / 2)
    elif y0 != y1 and x1 - x0 > 1:
        start, end = (x0 + _WIDTH / 3, y0 - _HEIGHT / 2), (x1, y1 + _HEIGHT / 2)
    else:
        start, end = (x0 + _WIDTH / 2, y0), (x1 - _WIDTH / 2, y1)
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 1.0})
