"""P1: ONNX against PyTorch, of our own export and of the published file, and their speed."""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.benchmarks.artificial import ARTIFICIAL, artificial_jets
from repro.data.integrity import hash_file
from repro.data.optional import load_optional
from repro.errors import NotAvailable, ReproError
from repro.features.sample_streams import JetSet
from repro.features.waves import wave_jets
from repro.figures.context import Context
from repro.figures.drawing import footer, new_figure
from repro.figures.interaction import (
    FAMILY,
    NO_JETS,
    RANDOM_SPLIT,
    artificial_in_words,
    from_weights,
    rows_of,
    without_jets,
)
from repro.figures.portability import Run, measure_speed, open_onnx, score_both_ways
from repro.models.cards import BASELINE
from repro.models.interaction import kept_features
from repro.models.onnx_export import export_onnx
from repro.models.scores import score
from repro.models.state import read_state
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import Evidence, missing, rate

__all__ = ["compute", "render"]

_LOG = logging.getLogger(__name__)

Jets = tuple[NDArray[np.float32], NDArray[np.float32]]

_JETS = 300
_FILE = "hbb/weights/onnx_model/5_10_gnn_128.onnx"
_ADVICE = "this item runs ONNX files: pip install 'repro[onnx]'"
_NOT_THEIRS = "the published file is of the authors' weights, and these are others"
_SERIES = {
    "own_export": ("our export", "o", "#1f4e96"),
    "published_file": ("the published file", "^", "#e8705f"),
}
_LEAST = 1e-9
_CAPTION = (
    f"Artificial jets, not the paper's: four of sine waves, and {ARTIFICIAL}, random numbers. "
    f"Differences below {_LEAST:g} are drawn there."
)
_BOTH = ("random_split.auc_pytorch_minus_onnx", "throughput.onnx")
_SPEED = (
    "Throughput is that of this machine, of jets in memory; use of a GPU is not measured. Jets "
    "without a label are left out, as in the original."
)
_NO_TENSORRT = (
    "TensorRT is not run here: the throughput of PyTorch and ONNX Runtime on this machine is "
    "measured in its place, which is no measure of the authors' GPU"
)
_NO_SPEED = "Throughput needs jets: 'repro bench in' measures the speed of artificial ones."
_JETS_CAPTION = (
    "Middle: jets at hand. Right: jets per second of this machine, of jets in memory; points: "
    "single runs."
)
_WAYS = {"pytorch": ("PyTorch", "o", "#1f4e96"), "onnx": ("ONNX Runtime", "^", "#e8705f")}


def compute(context: Context) -> Result:
    """Run both ONNX files on artificial jets, and compare with PyTorch.

    What needs a library that is not installed is missing, and says what to install.
    """
    tagger = context.tagger(f"{FAMILY}:{RANDOM_SPLIT}")
    exported = {BASELINE: context.tagger(FAMILY), RANDOM_SPLIT: tagger}
    some, waves = artificial_jets(_JETS, context.settings.seed), wave_jets()
    jets = (np.concatenate([waves[0], some[0]]), np.concatenate([waves[1], some[1]]))
    alone = from_weights(exported.values())
    values: dict[str, Any] = {"onnx": {"max_abs_difference": {}, "jets": {}}}
    evidence: dict[str, Evidence] = {} if context.record else without_jets(context)
    evidence |= dict.fromkeys(("throughput.tensorrt", "throughput.gpu_use"), missing(_NO_TENSORRT))
    published, why = _published_file(context, tagger)
    if published is not None:
        values["weights"] = {"sha256": {"onnx": hash_file(published)}}
    evidence["weights"] = alone if published is not None else missing(why)
    try:
        own = {name: _exported(one, jets) for name, one in exported.items()}
    except NotAvailable as problem:
        absent = missing(str(problem))
        evidence |= {f"onnx.max_abs_difference.{name}": absent for name in _SERIES}
    else:
        wanted = {name: _probability(one, jets) for name, one in exported.items()}
        gaps = {name: np.abs(own[name] - wanted[name]) for name in exported}
        found = {"own_export": (wanted[RANDOM_SPLIT], gaps[RANDOM_SPLIT])}
        largest = {"own_export": max(float(gap.max()) for gap in gaps.values())}
        if published is not None:
            gap = np.abs(_run(published, *jets)[:, 1] - wanted[RANDOM_SPLIT])
            found["published_file"] = (wanted[RANDOM_SPLIT], gap)
            largest["published_file"] = float(gap.max())
            values["onnx"]["published"] = _published(published, context, tagger)
        values["onnx"] |= {
            "max_abs_difference": largest,
            "own_export": {name: float(gap.max()) for name, gap in gaps.items()},
            "jets": {
                name: {"probability": one, "difference": gap} for name, (one, gap) in found.items()
            },
        }
        evidence["onnx"] = alone
        if published is None:
            evidence["onnx.max_abs_difference.published_file"] = missing(why)
    described: JetSet = NO_JETS
    if context.record:
        described, found_on_jets = _on_jets(context, tagger, published)
        values |= found_on_jets
        kind = rate(described.kind, described.labels)
        evidence[""] = Evidence(kind, described.description, tagger.own_weights)
        if "auc_onnx" not in values["random_split"]:
            evidence |= dict.fromkeys(_BOTH, missing(_ADVICE))
    return context.result(
        "hbb/figP1",
        described,
        exported.values(),
        values,
        evidence=evidence,
        settings={"artificial_jets": len(jets[0])},
        notes=[_SPEED if context.record else _NO_SPEED],
    )


def _on_jets(
    context: Context, tagger: Tagger, published: Path | None
) -> tuple[JetSet, dict[str, Any]]:
    """Return the jets, and performance and speed on them in PyTorch and in ONNX Runtime.

    By the published file, or by our own export where that is out of reach.
    """

    def in_pytorch(
        tracks: NDArray[np.float32], vertices: NDArray[np.float32]
    ) -> NDArray[np.floating]:
        return _probability(tagger, (tracks, vertices))

    ways: dict[str, Run] = {"pytorch": in_pytorch}
    told: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = published or _export(tagger, Path(folder))
            ways["onnx"] = _in_onnx(path)
            told = (load_optional("onnxruntime", _ADVICE).__version__, hash_file(path))
        except NotAvailable:
            _LOG.warning("ONNX Runtime is not compared with: %s", _ADVICE)
        both = score_both_ways(context, tagger, ways.get("onnx"), *told)
        speeds = measure_speed(context, ways)
    return both.jets, {"random_split": both.values(), "throughput": speeds}


def _export(tagger: Tagger, folder: Path) -> Path:
    """Write our own ONNX file of a network; return where it is."""
    path = folder / "network.onnx"
    export_onnx(tagger, path)
    return path


def _in_onnx(path: Path) -> Run:
    session = open_onnx(path)

    def run(*arrays: NDArray[np.float32]) -> NDArray[np.floating]:
        found = session(*arrays)
        return found[:, 1] if found.ndim == 2 else found

    return run


def _published_file(context: Context, tagger: Tagger) -> tuple[Path | None, str]:
    """Return the authors' file, or None and why there is nothing to compare it with."""
    if tagger.own_weights:
        return None, _NOT_THEIRS
    try:
        return context.fetch(_FILE), ""
    except ReproError as problem:
        return None, str(problem)


def render(result: Result) -> Figure:
    """Draw |difference of probabilities| of each jet over the probability, and throughput."""
    on_jets = result.values.get("random_split")
    figure = new_figure(15.5 if on_jets else 7.4, 5.0)
    panels = figure.subplots(1, 3 if on_jets else 1, squeeze=False)[0]
    allowed = next((claim["tolerance"] for claim in result.claims if claim["tolerance"]), None)
    _draw_gaps(panels[0], result.values["onnx"]["jets"], allowed)
    panels[0].set_title("ONNX against PyTorch, on artificial jets")
    if not on_jets:
        about = artificial_in_words(result, result.settings["artificial_jets"])
        footer(figure, result, _CAPTION, about)
        return figure
    shown = {"onnx": on_jets["jets"]} if "jets" in on_jets else {}
    _draw_gaps(panels[1], shown, allowed)
    panels[1].set_title("and on jets")
    _draw_speeds(panels[2], result.values["throughput"])
    footer(figure, result, f"Left: {_CAPTION} {_JETS_CAPTION}")
    return figure


def _draw_gaps(axes: Axes, shown: Mapping[str, Mapping[str, Any]], allowed: float | None) -> None:
    for name, points in shown.items():
        title, marker, colour = (_SERIES | _WAYS)[name]
        heights = np.array(points["difference"], float).clip(min=_LEAST)
        axes.plot(
            points["probability"],
            heights,
            marker,
            color=colour,
            mfc="none",
            ms=4.5,
            mew=0.8,
            rasterized=True,
            label=f"{title}: at most {max(points['difference']):.1g}",
        )
    if allowed is not None:
        axes.axhline(allowed, color="black", ls="--", lw=1, label="the most that is accepted")
    if shown:
        axes.legend(loc="upper left", ncols=2)
    else:
        axes.text(0.5, 0.5, "not computed: see the claims", ha="center", transform=axes.transAxes)
    axes.set_yscale("log")
    axes.set(xlim=(-0.02, 1.02), ylim=(_LEAST / 2, 1e-3))
    axes.set_xlabel(r"$P(H\to b\bar{b})$ by PyTorch, network of the random split")
    axes.set_ylabel("|ONNX Runtime − PyTorch|")


def _draw_speeds(axes: Axes, speeds: Mapping[str, Mapping[str, Any]]) -> None:
    for name, sizes in speeds.items():
        title, marker, colour = _WAYS[name]
        where = [int(size) for size in sizes]
        axes.plot(
            where, [one["median"] for one in sizes.values()], "-", color=colour, label=title, lw=1.2
        )
        for size, one in zip(where, sizes.values(), strict=True):
            runs = one["runs"]
            axes.plot([size] * len(runs), runs, marker, color=colour, mfc="none", ms=4.5, mew=0.8)
    axes.set_xscale("log", base=2)
    ticks = sorted({int(size) for sizes in speeds.values() for size in sizes})
    axes.set_xticks(ticks, [str(size) for size in ticks])
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    axes.set_yscale("log")
    axes.set_xlabel("jets in a batch")
    axes.set_ylabel("jets per second")
    axes.set_title("throughput on one machine")
    axes.legend(loc="best")


def _probability(tagger: Tagger, jets: Jets) -> NDArray[np.floating]:
    """Return P(H→bb̄) by PyTorch on the processor, where ONNX Runtime computes as well, (n,)."""
    return score(tagger, rows_of(tagger, *jets), "cpu")


def _exported(tagger: Tagger, jets: Jets) -> NDArray[np.floating]:
    """Return P(H→bb̄) by our own ONNX file of a network, (n,)."""
    load_optional("onnxruntime", _ADVICE)
    kept = kept_features(tagger.card)
    seen = [part[:, some] for part, some in zip(jets, kept, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        return _run(_export(tagger, Path(folder)), *seen)


def _run(path: Path, *arrays: NDArray[np.float32]) -> NDArray[np.floating]:
    """Return the output of an ONNX file on the processor."""
    return open_onnx(path)(*arrays)


def _published(path: Path, context: Context, tagger: Tagger) -> dict[str, Any]:
    """Return what the published file holds: the weights of the random split, and a softmax."""
    onnx = load_optional("onnx", _ADVICE)
    # What lies outside the file is none of it: its hash is that of the file alone.
    model = onnx.load(str(path), load_external_data=False)
    tensors = {entry.name: onnx.numpy_helper.to_array(entry) for entry in model.graph.initializer}
    state = read_state(context.fetch(tagger.weights[0].id))
    equal = [
        name in tensors and np.array_equal(tensors[name], tensor.numpy())
        for name, tensor in state.items()
    ]
    return {
        "tensors_equal_to_random_split": sum(equal),
        "tensors": len(equal),
        "last_step": model.graph.node[-1].op_type,
        "opset": max(entry.version for entry in model.opset_import),
    }
