"""How fast masks are evaluated that recompute what they touch, beside the whole padded network.

The authors' notebooks run the padded network again for each mask.
"""

import functools
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repro.benchmarks.networks import AUTHORS_BATCH
from repro.benchmarks.timing import measure_times
from repro.models.padded import padded
from repro.models.particles import QUANTITIES
from repro.models.pfin import PfinNetwork
from repro.models.pfn import PfnNetwork
from repro.models.tagger import Tagger

__all__ = ["MaskSpeed", "measure_masks"]

# The features of 30 constituents of PFN, and the pairs of 10 of PFIN, as in the study.
_COLUMNS = range(3 * 30)
_PAIRS = list(itertools.combinations(range(10), 2))
_JETS = 1000


@dataclass(frozen=True)
class MaskSpeed:
    """What was measured of the masks of one network.

    Attributes:
        model: ``family:variant``.
        masked: What is masked.
        masks: Number of masks.
        jets: Number of jets.
        per_second: Masked jets per second.
        plain_per_second: The same of the padded network, in batches of the authors' size.
        largest_difference: Between the logits of the two, or of the whole network where the
            padded one cannot mask, relative to the largest logit.
        spread: Both with all of :meth:`~repro.benchmarks.timing.Timing.rates`.
    """

    model: str
    masked: str
    masks: int
    jets: int
    per_second: float
    plain_per_second: float
    largest_difference: float
    spread: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """How many times faster."""
        return self.per_second / self.plain_per_second

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {**vars(self), "ratio": self.ratio}


def measure_masks(
    tagger: Tagger, inputs: NDArray[np.floating], repeats: int, device: str = "cpu"
) -> MaskSpeed | None:
    """Measure the masks of a network, if it recomputes what they touch.

    Args:
        tagger: Its network is moved to the device.
        inputs: (n, inputs); the first thousand are used.
        repeats: The median of so many times counts.
        device: Where to compute.
    """
    network = tagger.network.to(device)
    jets = torch.from_numpy(np.ascontiguousarray(inputs[:_JETS])).to(device)
    some = jets[:AUTHORS_BATCH]
    plain = padded(network)
    masked: Callable[[Tensor], Tensor]
    if isinstance(network, PfinNetwork):
        what, masks = "pairs", len(_PAIRS)
        masked = functools.partial(network.masked_pairs, masks=_PAIRS, alone=False)
    elif isinstance(network, PfnNetwork):
        what, masks = "features", len(_COLUMNS)
        masked = functools.partial(_masked_columns, network)
    else:
        return None
    with torch.inference_mode():
        pairs = isinstance(network, PfinNetwork)
        wanted = network(some, _PAIRS[0]) if pairs else plain(_with_column(some, 0))
        difference = float((masked(some)[:, 0] - wanted).abs().max() / wanted.abs().max())
        both = measure_times([lambda: masked(jets), lambda: plain(some)], repeats, device)
    ours, theirs = both[0].rates(masks * len(jets)), both[1].rates(len(some))
    return MaskSpeed(
        model=tagger.card.name,
        masked=what,
        masks=masks,
        jets=len(jets),
        per_second=ours["median"],
        plain_per_second=theirs["median"],
        largest_difference=difference,
        spread={"per_second": ours, "plain_per_second": theirs},
    )


def _masked_columns(network: PfnNetwork, rows: Tensor) -> Tensor:
    """Return the logits (n, masks, 2) with each of the columns replaced in turn."""
    _, evaluate = network.substitute(rows)
    found = [evaluate(column, _with_column(rows, column)[:, column]) for column in _COLUMNS]
    return torch.stack(found, dim=1)


def _with_column(rows: Tensor, column: int) -> Tensor:
    """Return the rows with a column at its mean, where its slot is filled."""
    changed = rows.clone()
    filled = rows[:, QUANTITIES * (column // QUANTITIES)] != 0
    changed[filled, column] = rows[filled, column].mean()
    return changed
