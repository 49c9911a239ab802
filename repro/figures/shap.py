"""What the figures of KernelSHAP share: which jets are explained, and what they can decide."""

import dataclasses
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.data.rows import take_rows
from repro.errors import BadInput
from repro.explain.problem import Explanation
from repro.features.samples import Sample
from repro.figures.drawing import CLASS_COLOURS, bars, footer, new_figure
from repro.figures.labels import CLASS_LABELS
from repro.figures.rankings import bars_of, order_entry, rank_entry
from repro.models.tagger import Tagger
from repro.results.document import Result, named
from repro.results.evidence import Evidence, missing, rate

__all__ = [
    "BACKGROUND",
    "background_note",
    "background_size",
    "draw_shap",
    "explained_jets",
    "pick_background",
    "shap_bars",
    "shap_details",
    "shap_evidence",
    "shap_order",
    "shap_rank",
]

BACKGROUND = 5000
"""Jets in the authors' backgrounds."""

_JETS_PER_CLASS = 500
_ORIGINS = {
    "authors": "the authors' stored values",
    "authors_tau_x_1": "the authors', variant tau_x_1",
}
_CAPTION = (
    "SHAP values share a jet's output, minus the mean output, among the features. No diamond: the "
    "paper does not show the bar, or not for this feature."
)


def explained_jets(sample: Sample, seed: int) -> Sample:
    """Return up to 500 jets of each class: all of the fixtures, a seeded draw of the rest."""
    generator = np.random.default_rng(seed)
    rows: list[NDArray[np.int64]] = []
    for label in (0, 1):
        mine = np.flatnonzero(sample.labels == label)
        if len(mine) > _JETS_PER_CLASS:
            mine = np.sort(generator.choice(mine, _JETS_PER_CLASS, replace=False))
        rows.append(mine)
    chosen = np.concatenate(rows)
    if len(chosen) == len(sample.labels):
        return sample
    about = f"{len(chosen)} of {sample.description}, {_JETS_PER_CLASS} per class at most"
    return dataclasses.replace(
        sample,
        inputs=take_rows(sample.inputs, chosen),
        labels=sample.labels[chosen],
        rows=sample.rows[chosen],
        description=about,
        data={**sample.data, "jets": len(chosen), "selection": about},
    )


def background_size(size: int) -> int:
    """Check the number of background jets.

    Raises:
        BadInput: If there are none, or more than the authors had.
    """
    if not 1 <= size <= BACKGROUND:
        raise BadInput(f"--background {size}: take 1 to {BACKGROUND} jets")
    return size


def pick_background(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return as many rows as the authors had, always the same ones, in their order."""
    picked = np.random.default_rng(0).permutation(len(rows))[:BACKGROUND]
    return np.asarray(rows[np.sort(picked)])


def background_note(found: Explanation, option: str = f"--background {BACKGROUND}") -> str:
    """Return what the background does to the bars, in words.

    Args:
        found: By KernelSHAP.
        option: What the user gives to have each jet meet the whole background.
    """
    size, whole = found.settings["background"], found.settings["whole_background"]
    error = found.details.get("background_error")
    if error is None:
        return (
            f"Each jet meets all {whole} background jets; the authors' background has {BACKGROUND}."
        )
    start = f"Each jet meets {size} of {whole} background jets, a draw of its own"
    if not np.isfinite(error["largest"]):
        return f"{start}, too few to say how far bars are from those with all of them."
    return (
        f"{start}. With all of them ({option}) the ten longest bars of each class "
        f"move by {error['largest']:.1f} % at most, in the median {error['median']:.1f} % "
        f"(95 % limits), as the halves of {found.settings['halved_backgrounds']} of these draws "
        "tell; the intervals have it in them."
    )


def shap_evidence(chosen: Sample, tagger: Tagger, found: Explanation) -> Evidence:
    """Return what SHAP values of these jets rest on.

    The authors explained 500 jets of each class, and stored them.  With a part of the background
    for each of these very jets, the interval of what the whole gives decides.
    """
    about = f"KernelSHAP of {chosen.description}"
    own = tagger.own_weights
    if chosen.data["source"] != "fixtures" or len(chosen.labels) != 2 * _JETS_PER_CLASS:
        # Any 500 of the paper's jets are some of them.
        kind = "other" if chosen.kind == "other" else "subset"
        return Evidence(rate(kind, chosen.labels), about, own)
    if "estimates" not in found.details:
        return Evidence("complete", about, own)
    size, whole = found.settings["background"], found.settings["whole_background"]
    part = f"{about}, each with its own {size} of {whole} background jets"
    if not np.isfinite(found.details["background_error"]["largest"]):
        return missing(f"{part}: too few to say how near that is")
    return Evidence("estimate", f"{part}; 95 % interval of what all {whole} give on them", own)


def shap_bars(found: Explanation, panel: str) -> dict[str, Any]:
    """Return the bars of a panel; with draws of the background, also their ``estimate``s."""
    bars = bars_of(found, panel)
    if "estimates" in found.details:
        estimates = named(found.names, found.details["estimates"][panel])
        for name, number in estimates.items():
            if "interval" in number:
                bars[name]["estimate"] = number["interval"]
    return bars


def shap_details(found: Explanation) -> dict[str, Any]:
    """Return what the values have in common: base, residuals, error of the background."""
    names = ("base", "mean_residual", "largest_residual", "background_error")
    return {name: found.details[name] for name in names if name in found.details}


def shap_order(
    found: Explanation, panel: str, first: int, seed: int, evidence: Evidence
) -> dict[str, Any]:
    """Return the leading features, and how often repetitions give each order.

    What is repeated is what the evidence leaves open: the jets, or their backgrounds.
    """
    if evidence.kind == "estimate":
        found = dataclasses.replace(found, panels=found.details["estimates"])
    return order_entry(found, panel, first, seed)


def shap_rank(found: Explanation, panel: str, name: str) -> dict[str, Any]:
    """Return the place of a feature, with its intervals, which are those of the bars."""
    place = rank_entry(found, panel, name)
    entry: dict[str, Any] = {"value": place.value, "interval": [place.low, place.high]}
    if "estimates" in found.details:
        whole = dataclasses.replace(found, panels=found.details["estimates"])
        place = rank_entry(whole, panel, name)
        entry["estimate"] = [place.low, place.high]
    return entry


def draw_shap(result: Result, rows: list[str], unit: str, count: int) -> Figure:
    """Draw mean |SHAP value| per class, a row of panels for each origin of the values."""
    figure = new_figure(9.8, 0.6 + (1.0 + 0.26 * count) * len(rows))
    grid = figure.subplots(len(rows), 2, squeeze=False)
    for row, origin in zip(grid, rows, strict=True):
        for axes, name in zip(row, ("qcd", "top"), strict=True):
            bars(axes, result, f"{origin}.{name}", CLASS_COLOURS[name], count)
            axes.set_title(f"{CLASS_LABELS[name]}, {_ORIGINS.get(origin, 'computed here')}")
            axes.set_xlabel(f"mean(|SHAP value|) [{unit}]")
    footer(figure, result, _CAPTION)
    return figure
