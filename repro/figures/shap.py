"""What the figures of KernelSHAP share: which jets are explained, and what they can decide."""

import dataclasses

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.errors import BadInput
from repro.features.samples import Sample
from repro.figures.drawing import CLASS_COLOURS, bars, footer, new_figure
from repro.figures.labels import CLASS_LABELS
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import Evidence, rate

__all__ = [
    "BACKGROUND",
    "background_size",
    "draw_shap",
    "explained_jets",
    "pick_background",
    "shap_evidence",
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
        inputs=sample.inputs[chosen],
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


def pick_background(rows: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    """Return some of the rows, always the same ones, in their order."""
    picked = np.random.default_rng(0).permutation(len(rows))[:size]
    return np.asarray(rows[np.sort(picked)])


def shap_evidence(chosen: Sample, tagger: Tagger) -> Evidence:
    """Return what SHAP values of these jets rest on: the authors explained 500 of each class."""
    complete = len(chosen.labels) == 2 * _JETS_PER_CLASS and chosen.kind != "other"
    kind = "complete" if complete else rate(chosen.kind, chosen.labels)
    about = f"KernelSHAP of {chosen.description}"
    return Evidence(kind, about, tagger.own_weights)


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
