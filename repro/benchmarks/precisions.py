"""What a lower precision gives and costs: throughput, AUC, memory, share of the roofline.

``fp32`` is single precision throughout.  ``tf32`` lets CUDA round the factors of products to ten
bits.  ``bf16`` multiplies in bfloat16 (torch's autocast), and sums in single precision.  MBNS,
which is in double precision, is measured in single.
"""

import copy
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.benchmarks.others import first_features
from repro.benchmarks.products import count_operations, matrix_products
from repro.benchmarks.roofline import Device, measure_device, moved_bytes
from repro.benchmarks.timing import Timing, measure_times
from repro.errors import BadInput
from repro.explain.occlusion import explain_by_occlusion
from repro.explain.problem import Problem
from repro.metrics.intervals import auc_interval
from repro.metrics.roc import rank_jets
from repro.models.scores import probability_of_top
from repro.models.tagger import predict_logits

__all__ = ["PRECISIONS", "PrecisionSpeed", "check_precisions", "measure_precisions"]

_EXPLAINED = 64
_FEATURES = 12


@dataclass(frozen=True)
class Precision:
    """A precision.

    Attributes:
        products: Of the factors of products, as matrices have it.
        mode: What torch is told of products in single precision.
        autocast: Whether products are cast.
    """

    products: torch.dtype
    mode: str = "highest"
    autocast: bool = False


PRECISIONS: Mapping[str, Precision] = {
    "fp32": Precision(torch.float32),
    "tf32": Precision(torch.float32, mode="high"),
    "bf16": Precision(torch.bfloat16, autocast=True),
}
"""By their names on the command line."""


@dataclass(frozen=True)
class PrecisionSpeed:
    """What was measured of a network in one precision.

    Attributes:
        model: ``family:variant``.
        precision: A name of :data:`PRECISIONS`.
        jets: How many were scored.
        jets_per_second: Scored, with the median and its spread.
        auc: The AUC of the scores in per cent, with its 95 % interval; None if the weights are
            random.
        largest_difference: Of a probability, to those in single precision.
        explained_per_second: Masked jets a second of ΔAUC occlusion, likewise.
        peak_memory: The most bytes of the device while jets were scored; None of a processor.
        operations: Of the products for one jet.
        moved: Bytes that operations read and write for one jet.
        device: What the device can do.
    """

    model: str
    precision: str
    jets: int
    jets_per_second: Mapping[str, Any]
    auc: Mapping[str, Any] | None
    largest_difference: float
    explained_per_second: Mapping[str, Any]
    peak_memory: int | None
    operations: float
    moved: float
    device: Device

    @property
    def share(self) -> float:
        """Part of the roofline that is reached."""
        most = 1 / self.device.least_seconds(self.operations, self.moved)
        return float(self.jets_per_second["median"] / most)

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {**vars(self), "device": dict(vars(self.device)), "share": self.share}


def check_precisions(names: Sequence[str], device: str) -> None:
    """Refuse a precision that is not known, or that the device lacks.

    Raises:
        BadInput: If there is one.
    """
    for name in names:
        if name not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise BadInput(f"--precision {name}: choose from {known}, separated by commas")
        if name == "tf32" and not device.startswith("cuda"):
            raise BadInput("--precision tf32 is a mode of CUDA: leave it out on a processor")


def measure_precisions(
    problem: Problem, model: str, names: Sequence[str], repeats: int, *, trained: bool
) -> Iterator[PrecisionSpeed]:
    """Measure a network in some precisions, which take turns.

    Args:
        problem: The network and its jets.
        model: What the network is called.
        names: The precisions.
        repeats: The median of so many times counts.
        trained: Whether the weights are, so that the AUC says something.

    Raises:
        BadInput: If a precision is not known, or the device lacks it.
    """
    check_precisions(names, problem.device)
    device = problem.device
    network = copy.deepcopy(problem.network).float().eval().to(device)
    inputs = problem.whole.astype(np.float32)
    cast = {name: _cast(network, name, device) for name in names}
    scoring, explaining, masks = _rates(problem, cast, inputs, repeats)
    exact = _scores(network, "fp32", inputs, device)
    operations = count_operations(matrix_products(network, inputs, device))
    for name, one in cast.items():
        with _peak_memory(device) as peak:
            scores = _scores(one, name, inputs, device)
        with _set(name):
            ceiling = measure_device(device, PRECISIONS[name].products, repeats)
            moved = moved_bytes(one, inputs, device)
        yield PrecisionSpeed(
            model=model,
            precision=name,
            jets=len(inputs),
            jets_per_second=scoring[name].rates(len(inputs)),
            auc=_area(scores, problem) if trained else None,
            largest_difference=float(np.abs(scores - exact).max()),
            explained_per_second=explaining[name].rates(masks),
            peak_memory=peak[0] if peak else None,
            operations=operations / len(inputs),
            moved=moved / len(inputs),
            device=ceiling,
        )


def _rates(
    problem: Problem, cast: Mapping[str, nn.Module], inputs: NDArray[np.float32], repeats: int
) -> tuple[dict[str, Timing], dict[str, Timing], int]:
    """Return times of scoring and of explaining by precision, and how many jets are masked."""
    explained = {name: _explained(problem, one, inputs) for name, one in cast.items()}
    score = [
        functools.partial(_scores, one, name, inputs, problem.device) for name, one in cast.items()
    ]
    explain = [functools.partial(_explain, some, name) for name, (some, _) in explained.items()]
    found = [measure_times(runs, repeats, problem.device) for runs in (score, explain)]
    masked = {len(some.labels) * masks for some, masks in explained.values()}
    scoring, explaining = (dict(zip(cast, times, strict=True)) for times in found)
    return scoring, explaining, max(masked, default=0)


def _scores(
    network: nn.Module, name: str, inputs: NDArray[np.float32], device: str
) -> NDArray[np.floating]:
    with _set(name):
        return probability_of_top(predict_logits(network, inputs, device))


def _explain(problem: Problem, name: str) -> None:
    with _set(name):
        explain_by_occlusion(problem)


def _explained(
    problem: Problem, network: nn.Module, inputs: NDArray[np.float32]
) -> tuple[Problem, int]:
    """Return the problem of explaining some features of some jets, and how many features."""
    whole = dataclasses.replace(problem, network=network, inputs=inputs)
    some = first_features(whole.first_of_each_class(_EXPLAINED // 2), _FEATURES)
    return some, len(some.members)


def _area(scores: NDArray[np.floating], problem: Problem) -> dict[str, Any]:
    area = auc_interval(rank_jets(scores, problem.labels))
    return {"value": 100 * area.value, "interval": [100 * area.low, 100 * area.high]}


class _Cast(nn.Module):
    """A network whose products are in a lower precision; its logits are in single."""

    def __init__(self, network: nn.Module, device: str) -> None:
        super().__init__()
        self.network = network
        self.kind = torch.device(device).type

    def forward(self, inputs: Tensor) -> Tensor:
        with torch.autocast(self.kind, torch.bfloat16):
            logits: Tensor = self.network(inputs)
        return logits.float()


def _cast(network: nn.Module, name: str, device: str) -> nn.Module:
    """Return what makes a network compute in a precision, while torch is set to it."""
    return _Cast(network, device) if PRECISIONS[name].autocast else network


@contextmanager
def _set(name: str) -> Iterator[None]:
    """Set torch to a precision for a while."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(PRECISIONS[name].mode)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def _peak_memory(device: str) -> Iterator[list[int]]:
    """Yield a list that has the most bytes of a CUDA device when the block is over."""
    found: list[int] = []
    if not device.startswith("cuda"):
        yield found
        return
    torch.cuda.reset_peak_memory_stats(device)
    yield found
    found.append(torch.cuda.max_memory_allocated(device))
