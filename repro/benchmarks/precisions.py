"""What a lower precision gives and costs: throughput, AUC, memory, share of the roofline.

``fp32`` is single precision throughout.  ``tf32`` lets CUDA round the factors of products to ten
bits.  ``bf16`` multiplies in bfloat16 (torch's autocast), and sums in single precision.  MBNS,
which is in double precision, is measured in single.
"""

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from repro.benchmarks.timing import measure_times
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
    """Measure a network in some precisions, one after the other.

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
    network = copy.deepcopy(problem.network).float().eval().to(problem.device)
    inputs = problem.whole.astype(np.float32)
    with _set("fp32", problem.device):
        exact = probability_of_top(predict_logits(network, inputs, problem.device))
    for name in names:
        with _set(name, problem.device) as cast:
            yield _measure(problem, cast(network), inputs, exact, (model, name, repeats, trained))


def _measure(
    problem: Problem,
    network: nn.Module,
    inputs: NDArray[np.float32],
    exact: NDArray[np.floating],
    about: tuple[str, str, int, bool],
) -> PrecisionSpeed:
    model, name, repeats, trained = about
    device, jets = problem.device, len(inputs)
    ceiling = measure_device(device, PRECISIONS[name].products, repeats)
    operations = count_operations(matrix_products(network, inputs, device))
    moved = moved_bytes(network, inputs, device)
    with _peak_memory(device) as peak:
        (scoring,) = measure_times(
            [lambda: predict_logits(network, inputs, device)], repeats, device
        )
    scores = probability_of_top(predict_logits(network, inputs, device))
    some, masks = _explained(problem, network, inputs)
    (explaining,) = measure_times([lambda: explain_by_occlusion(some)], repeats, device)
    return PrecisionSpeed(
        model=model,
        precision=name,
        jets=jets,
        jets_per_second=scoring.rates(jets),
        auc=_area(scores, problem) if trained else None,
        largest_difference=float(np.abs(scores - exact).max()),
        explained_per_second=explaining.rates(masks * len(some.labels)),
        peak_memory=peak[0] if peak else None,
        operations=operations / jets,
        moved=moved / jets,
        device=ceiling,
    )


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


@contextmanager
def _set(name: str, device: str) -> Iterator[Callable[[nn.Module], nn.Module]]:
    """Set torch to a precision for a while; yield what makes a network compute in it."""
    chosen, before = PRECISIONS[name], torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(chosen.mode)
    try:
        yield (lambda network: _Cast(network, device)) if chosen.autocast else _as_it_is
    finally:
        torch.set_float32_matmul_precision(before)


def _as_it_is(network: nn.Module) -> nn.Module:
    return network


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
