"""P1: ONNX against PyTorch, of our own export and of the file that the authors published."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.benchmarks.artificial import ARTIFICIAL, artificial_jets
from repro.data.integrity import hash_file
from repro.data.optional import load_optional
from repro.errors import NotAvailable, ReproError
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
from repro.models.cards import BASELINE
from repro.models.interaction import kept_features
from repro.models.onnx_export import export_onnx
from repro.models.scores import score
from repro.models.state import read_state
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import Evidence, missing

__all__ = ["compute", "render"]

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
_THROUGHPUT = "Throughput and use of a GPU are not measured here: 'repro bench in' measures speed."


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
    evidence: dict[str, Evidence] = without_jets(context)
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
    return context.result(
        "hbb/figP1",
        NO_JETS,
        exported.values(),
        values,
        evidence=evidence,
        settings={"artificial_jets": len(jets[0])},
        notes=[_THROUGHPUT],
    )


def _published_file(context: Context, tagger: Tagger) -> tuple[Path | None, str]:
    """Return the authors' file, or None and why there is nothing to compare it with."""
    if tagger.own_weights:
        return None, _NOT_THEIRS
    try:
        return context.fetch(_FILE), ""
    except ReproError as problem:
        return None, str(problem)


def render(result: Result) -> Figure:
    """Draw |difference of probabilities| of each jet over the probability, for each file."""
    figure = new_figure(7.4, 5.0)
    axes = figure.subplots()
    shown = result.values["onnx"]["jets"]
    for name, points in shown.items():
        title, marker, colour = _SERIES[name]
        heights = np.array(points["difference"], float).clip(min=_LEAST)
        axes.plot(
            points["probability"],
            heights,
            marker,
            color=colour,
            mfc="none",
            ms=4.5,
            mew=0.8,
            label=f"{title}: at most {max(points['difference']):.1g}",
        )
    allowed = next((claim["tolerance"] for claim in result.claims if claim["tolerance"]), None)
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
    axes.set_title("ONNX against PyTorch, on artificial jets")
    about = artificial_in_words(result, result.settings["artificial_jets"])
    footer(figure, result, _CAPTION, about)
    return figure


def _probability(tagger: Tagger, jets: Jets) -> NDArray[np.floating]:
    """Return P(H→bb̄) by PyTorch on the processor, where ONNX Runtime computes as well, (n,)."""
    return score(tagger, rows_of(tagger, *jets), "cpu")


def _exported(tagger: Tagger, jets: Jets) -> NDArray[np.floating]:
    """Return P(H→bb̄) by our own ONNX file of a network, (n,)."""
    load_optional("onnxruntime", _ADVICE)
    kept = kept_features(tagger.card)
    seen = [part[:, some] for part, some in zip(jets, kept, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        export_onnx(tagger, path)
        return _run(path, *seen)


def _run(path: Path, *arrays: NDArray[np.float32]) -> NDArray[np.floating]:
    """Return the output of an ONNX file on the processor."""
    runtime = load_optional("onnxruntime", _ADVICE)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    (found,) = session.run(None, dict(zip(names, arrays, strict=True)))
    return np.asarray(found)


def _published(path: Path, context: Context, tagger: Tagger) -> dict[str, Any]:
    """Return what the published file holds: the weights of the random split, and a softmax."""
    onnx = load_optional("onnx", _ADVICE)
    model = onnx.load(str(path))
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
