"""One network in PyTorch and in ONNX Runtime: scores of jets of the record, and speed."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.optional import load_optional
from repro.features.sample_streams import JetSet
from repro.figures.context import Context
from repro.figures.interaction import rows_of
from repro.figures.record_jets import STEP
from repro.figures.record_scores import jets_in_words
from repro.figures.stopped import key_of_record
from repro.metrics.intervals import auc_difference_interval, auc_interval, clopper_pearson
from repro.metrics.roc import rank_jets
from repro.metrics.unlabelled import right_decisions
from repro.models.scores import score
from repro.models.tagger import Tagger

__all__ = ["BothScores", "Run", "measure_speed", "open_onnx", "score_both_ways"]

Run = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.floating]]
"""P(H→bb̄), (n,), of tracks (n, 30, 60) and vertices (n, 14, 5)."""

BATCH = 128
"""Jets that go through at once, as in the original."""
# ONNX Runtime has all edges of a batch in memory, some 4 MB a jet.
_SIZES = (32, 128, 512)
_TIMED = STEP
_REPETITIONS = 5
_SHOWN = 1500
_ADVICE = "this item runs ONNX files: pip install 'repro[onnx]'"


@dataclass(frozen=True, eq=False)
class BothScores:
    """Scores of the labelled jets by PyTorch, and by ONNX Runtime if it is there.

    Attributes:
        jets: As results describe them.
        pytorch: (n,).
        onnx: (n,), or None.
    """

    jets: JetSet
    pytorch: NDArray[np.floating]
    onnx: NDArray[np.floating] | None

    def values(self) -> dict[str, Any]:
        """Return AUC and accuracy as fractions, with intervals, and how the two ways differ."""
        labels = self.jets.labels
        everything = np.zeros(len(labels), np.bool_)
        right, total = right_decisions(self.pytorch, labels, everything)["removed"]
        found: dict[str, Any] = {
            "auc": auc_interval(rank_jets(self.pytorch, labels)),
            "accuracy": clopper_pearson(right, total),
        }
        if self.onnx is None:
            return found
        gaps = np.abs(self.onnx.astype(np.float64) - self.pytorch)
        return found | {
            "auc_onnx": auc_interval(rank_jets(self.onnx, labels)),
            "auc_pytorch_minus_onnx": auc_difference_interval(self.pytorch, self.onnx, labels),
            "max_abs_difference": float(gaps.max()),
            "jets": {"probability": self.pytorch[:_SHOWN], "difference": gaps[:_SHOWN]},
        }


def open_onnx(path: Path) -> Callable[..., NDArray[np.floating]]:
    """Return a function of arrays to the output of an ONNX file, on the processor.

    Raises:
        NotAvailable: If ONNX Runtime is not installed.
    """
    runtime = load_optional("onnxruntime", _ADVICE)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def run(*arrays: NDArray[np.float32]) -> NDArray[np.floating]:
        (found,) = session.run(None, dict(zip(names, arrays, strict=True)))
        return np.asarray(found)

    return run


def score_both_ways(
    context: Context, tagger: Tagger, onnx: Run | None, *settings: object
) -> BothScores:
    """Score the labelled jets by PyTorch and by ONNX Runtime, on the processor, chunk by chunk.

    Jets without a label are left out, as in the study of portability.  What is stopped goes on
    where it stopped.

    Args:
        context: Gives the jets.
        tagger: The network.
        onnx: The same network as an ONNX file; None if there is none.
        settings: What tells this file, and what runs it, from others.

    Raises:
        BadInput, MissingData, DownloadFailed, NotAvailable: If the jets cannot be used.
    """
    key = key_of_record(context, [tagger], "both ways", onnx is not None, *settings)
    with context.stopped.rows(key) as done:
        left = context.record.iter_jets(start=done.done)
        for jets in context.progress_of_jets(left, "both ways", done=done.done):
            scores = {"pytorch": score(tagger, rows_of(tagger, jets.tracks, jets.vertices), "cpu")}
            if onnx is not None:
                parts = [
                    onnx(jets.tracks[some], jets.vertices[some]) for some in _batches(len(jets))
                ]
                scores["onnx"] = np.concatenate(parts)
            done.add({**scores, "labels": jets.labels, "unlabelled": jets.unlabelled})
    rows = done.all()
    known = ~rows["unlabelled"]
    labels, record = rows["labels"][known], context.record
    described = JetSet(
        labels,
        np.arange(len(labels)),
        record.kind,
        jets_in_words(context, done.done, int((~known).sum()), removed=True),
        record.data(done.done),
    )
    found = rows["onnx"][known] if onnx is not None else None
    return BothScores(described, rows["pytorch"][known], found)


def measure_speed(context: Context, ways: Mapping[str, Run]) -> dict[str, dict[str, Any]]:
    """Return jets per second by way and number of jets in a batch: the median, and all runs.

    Of the first jets of the record, which are in memory; reading them is not timed.

    Args:
        context: Gives the jets.
        ways: What to time, by name.
    """
    first = next(iter(context.record.iter_jets()))
    tracks, vertices = first.tracks[:_TIMED], first.vertices[:_TIMED]
    return {
        name: {
            str(size): _speeds(run, tracks, vertices, size)
            for size in _SIZES
            if size <= len(tracks)
        }
        for name, run in ways.items()
    }


def _speeds(
    run: Run, tracks: NDArray[np.float32], vertices: NDArray[np.float32], size: int
) -> dict[str, Any]:
    some = slice(0, max(size, len(tracks) // 4 // size * size))
    run(tracks[:size], vertices[:size])
    runs = []
    for _ in range(_REPETITIONS):
        begun = time.perf_counter()
        for part in _batches(len(tracks[some]), size):
            run(tracks[part], vertices[part])
        runs.append(len(tracks[some]) / (time.perf_counter() - begun))
    return {"median": float(np.median(runs)), "runs": [round(one, 1) for one in runs]}


def _batches(jets: int, size: int = BATCH) -> Iterator[slice]:
    for start in range(0, jets, size):
        yield slice(start, min(start + size, jets))
