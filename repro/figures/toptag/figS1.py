"""FS1: distributions of simulated jets beside those of the real ones."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.catalogue.distributions import CLASSES, RealJets, load_real_jets
from repro.errors import DownloadFailed, MissingData
from repro.features.embedded import read_parts
from repro.features.observables import OBSERVABLES, observables
from repro.features.samples import authors_background, real_jet_pt
from repro.features.topodnn import TOPODNN, topodnn_features
from repro.figures.context import Context
from repro.figures.drawing import CLASS_COLOURS, CLASS_MARKERS, footer, new_figure
from repro.figures.labels import CLASS_LABELS
from repro.figures.simulated import SimulatedJets, find_files, missing_presets
from repro.metrics.means import mean_intervals
from repro.metrics.quantiles import (
    binned_quantiles,
    fractions,
    largest_gap,
    quantile_intervals,
)
from repro.results.document import Result, named

__all__ = ["compute", "render"]

_EDGES = {
    "pt": np.linspace(550, 650, 21),
    "pt_0": np.linspace(0, 450, 31),
    "pt_2": np.linspace(0, 150, 31),
    "phi_1": np.linspace(-0.8, 0, 33),
}
"""Bins of what the digitised histograms do not show."""

_STORED = ("pt_0", "pt_2", "phi_1")
_LABELS = {
    "mass": "jet mass [GeV]",
    "pt": r"jet $p_T$ [GeV]",
    "pt_0": r"$p_{T,0}$ [GeV]",
    "pt_2": r"$p_{T,2}$ [GeV]",
    "phi_1": r"$\phi_1$",
    "tau_1_1": r"$\tau_1^{(1)}$",
    "tau_2_1": r"$\tau_2^{(1)}$",
    "tau_3_1": r"$\tau_3^{(1)}$",
    "tau_5_2": r"$\tau_5^{(2)}$",
    "tau_7_1": r"$\tau_7^{(1)}$",
    "tau_21": r"$\tau_{21}$",
    "tau_32": r"$\tau_{32}$",
}
_LINES = ("-", ":", "--", "-.")
_CAPTION = (
    "Densities: the area below each is one. Real jet masses and subjettinesses were read off the "
    "paper's histograms; of real constituents the authors stored those of QCD jets."
)
_KEYS = (
    "multiplicity",
    "survival",
    "survival_gap",
    "pt_0_mean",
    "quantiles",
    "binned_quantiles",
    "fractions",
)
_NO_ARRAYS = (
    "The authors' stored arrays could not be had: real jet pT and constituents are left out."
)

_Columns = dict[str, NDArray[np.float64]]


def compute(context: Context) -> Result:
    """Compute observables of the simulated jets of each preset, and those of the real jets."""
    real = load_real_jets()
    files = find_files(context)
    simulated: dict[str, Any] = {}
    samples: dict[str, SimulatedJets] = {}
    for preset, file in files.items():
        parts = context.progress(read_parts(file.path, file.limit), f"observables, {preset}")
        columns, labels = observables(parts)
        others = tuple(other for other in files.values() if other is not file)
        samples[preset] = SimulatedJets(file, labels, others)
        simulated[preset] = _summary(columns, labels, real)
    first = next(iter(samples))
    arrays, notes = _real_arrays(context)
    values = {
        "edges": {name: list(edges) for name, edges in _all_edges(real).items()},
        "real": _real_summary(real, arrays),
        **simulated,
    }
    return context.result(
        "toptag/figS1",
        samples[first],
        [],
        values,
        evidence={preset: context.evidence(sample) for preset, sample in samples.items()},
        notes=[*notes, *missing_presets(files, "repro fig S1")],
    )


def _summary(columns: _Columns, labels: NDArray[np.int64], real: RealJets) -> dict[str, Any]:
    found: dict[str, Any] = {key: {} for key in _KEYS}
    probabilities = list(real.probabilities)
    for label, name in enumerate(CLASSES):
        own = {key: values[labels == label] for key, values in columns.items()}
        counts = own["constituents"].astype(np.int64)
        for key, column in (("multiplicity", "constituents"), ("pt_0_mean", "pt_0")):
            found[key] |= named([name], mean_intervals(own[column][:, None]))
        found["survival"][name] = _survival(counts, len(real.survival[name]))
        found["survival_gap"][name] = largest_gap(counts, real.survival[name])
        found["quantiles"][name] = {
            key: named(_names(real), quantile_intervals(own[key], probabilities))
            for key in OBSERVABLES
        }
        found["binned_quantiles"][name] = {
            key: _binned(fractions(own[key], entry.edges), entry.edges, real)
            for key, entry in real.distributions.items()
        }
        found["fractions"][name] = {
            key: fractions(own[key], edges).tolist() for key, edges in _all_edges(real).items()
        }
    return found


def _real_summary(real: RealJets, arrays: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what is known of the real jets, in the layout of :func:`_summary`."""
    found: dict[str, Any] = {"survival": {k: list(v) for k, v in real.survival.items()}}
    # The mean of a whole number from 0 is the sum of its survival function.
    found["multiplicity"] = {name: float(sum(real.survival[name])) for name in CLASSES}
    for key in ("quantiles", "binned_quantiles", "fractions"):
        found[key] = {name: {} for name in CLASSES}
    for name in CLASSES:
        for key, entry in real.distributions.items():
            found["quantiles"][name][key] = dict(
                zip(_names(real), entry.quantiles[name], strict=True)
            )
            found["binned_quantiles"][name][key] = _binned(entry.fractions[name], entry.edges, real)
            found["fractions"][name][key] = list(entry.fractions[name])
        for key, values in arrays.get(name, {}).items():
            exact = quantile_intervals(values, real.probabilities)
            found["quantiles"][name][key] = named(_names(real), exact)
            found["fractions"][name][key] = fractions(values, _EDGES[key].tolist()).tolist()
    return found


def _real_arrays(context: Context) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return real observables by class from the authors' stored arrays, if they can be had."""
    try:
        pt, labels = real_jet_pt(context.fetch)
        stored = authors_background(context.fetch).astype(np.float64)
    except (DownloadFailed, MissingData):
        return {}, [_NO_ARRAYS]
    arrays = {name: {"pt": pt[labels == label]} for label, name in enumerate(CLASSES)}
    for name in _STORED:
        unit = TOPODNN.pt_scale if name.startswith("pt") else 1.0
        arrays["qcd"][name] = unit * stored[:, topodnn_features().index(name)]
    return arrays, []


def _all_edges(real: RealJets) -> dict[str, list[float]]:
    digitised = {name: list(entry.edges) for name, entry in real.distributions.items()}
    return {**digitised, **{name: edges.tolist() for name, edges in _EDGES.items()}}


def _survival(counts: NDArray[np.int64], length: int) -> list[float]:
    return [float((counts > n).mean()) for n in range(length)]


def _binned(
    parts: Sequence[float] | NDArray[np.float64], edges: Sequence[float], real: RealJets
) -> dict[str, float]:
    found = binned_quantiles(parts, edges, real.probabilities)
    return dict(zip(_names(real), found.tolist(), strict=True))


def _names(real: RealJets) -> list[str]:
    return [f"q{round(100 * p):02d}" for p in real.probabilities]


def render(result: Result) -> Figure:
    """Draw constituent survival, then one panel per observable; real jets as points."""
    figure = new_figure(15, 8.6)
    panels: Iterator[Axes] = iter(figure.subplots(3, 5).flat)
    first = next(panels)
    for name, survival, style in _curves(result, "survival"):
        first.plot(survival, style or CLASS_MARKERS[name], color=CLASS_COLOURS[name], ms=2, lw=1.2)
    first.set(xlabel="n", ylabel="share of jets", xlim=(0, 120), ylim=(0, 1.05))
    first.set_title("jets with more than n constituents")
    for key, edges in result.values["edges"].items():
        axes = next(panels)
        _draw(axes, result, key, np.asarray(edges))
        axes.set_xlabel(_LABELS[key])
        axes.set_ylabel("density")
    for axes in panels:
        axes.axis("off")
    _legend(axes, result)
    footer(figure, result, _CAPTION)
    return figure


def _draw(axes: Axes, result: Result, key: str, edges: NDArray[np.float64]) -> None:
    for name, by_observable, style in _curves(result, "fractions"):
        if key not in by_observable:
            continue
        density = np.asarray(by_observable[key]) / np.diff(edges)
        if not style:
            centres = (edges[1:] + edges[:-1]) / 2
            axes.plot(centres, density, CLASS_MARKERS[name], color=CLASS_COLOURS[name], ms=3.5)
        else:
            axes.stairs(density, edges, color=CLASS_COLOURS[name], ls=style, lw=1.2)
    axes.margins(x=0)
    axes.set_ylim(bottom=0)


def _curves(result: Result, key: str) -> Iterator[tuple[str, Any, str]]:
    """Yield class, values and line style of every curve; real jets are points and have none."""
    styles = {"real": "", **_styles(result)}
    for source, style in styles.items():
        for name in CLASSES:
            yield name, result.values[source][key][name], style


def _styles(result: Result) -> dict[str, str]:
    """Return the line style of each preset."""
    presets = [source for source in result.values if source not in ("edges", "real")]
    return dict(zip(presets, itertools.cycle(_LINES), strict=False))


def _legend(axes: Axes, result: Result) -> None:
    for name in CLASSES:
        axes.plot([], [], color=CLASS_COLOURS[name], lw=4, label=CLASS_LABELS[name])
    for name in CLASSES:
        label = f"real {CLASS_LABELS[name]}"
        axes.plot([], [], CLASS_MARKERS[name], color=CLASS_COLOURS[name], ms=4, label=label)
    for preset, style in _styles(result).items():
        axes.plot([], [], style, color="black", label=f"simulated, {preset}")
    axes.legend(loc="center", fontsize=10)
