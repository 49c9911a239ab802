"""Pairs of constituents masked one at a time, for networks that see pairs.

Source: arXiv:2210.04371, PFIN-Explorer notebook.  For each pair: MAD relevance (absolute values
first, then outliers set to zero, five interquartile ranges away), the drop of the probability of
the jet's own class, and the drop in AUC.  The authors meant to mask a pair and masked both of its
constituents in the whole interaction branch (quirk B10); ``alone`` masks the pair.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repro import __version__
from repro.data.arrays import FloatArray
from repro.data.kept_rows import fingerprint, keep_rows
from repro.data.rows import iter_blocks
from repro.errors import BadInput
from repro.explain.mad_relevance import differential_relevance, own_logit
from repro.explain.masking import logits_of
from repro.explain.occlusion import drops_from_logits
from repro.explain.outliers import treat_outliers
from repro.explain.problem import Explanation, Problem
from repro.metrics.means import PanelMeans
from repro.models.host import waiting_for

__all__ = ["FACTOR", "MasksPairs", "explain_by_pair_masking", "pair_names"]


FACTOR = 5.0
"""Reach of the outlier bounds in interquartile ranges, as published for PFIN."""

_JETS_PER_BATCH = 2048


@runtime_checkable
class MasksPairs(Protocol):
    """A network that can leave pairs out."""

    def masked_pairs(
        self, inputs: Tensor, masks: Sequence[tuple[int, int]], *, alone: bool
    ) -> Tensor:
        """Return the logits (n, masks, 2) with each of the pairs left out in turn."""


def pair_names(slots: int) -> tuple[str, ...]:
    """Return the names of the pairs of so many leading constituents.

    >>> pair_names(3)
    ('0_1', '0_2', '1_2')
    """
    return tuple(f"{i}_{j}" for i, j in itertools.combinations(range(slots), 2))


def explain_by_pair_masking(
    problem: Problem,
    *,
    slots: int = 10,
    alone: bool = False,
    scale: str = "jet",
    outliers: str = "zeroed",
    factor: float = FACTOR,
    level: float = 0.95,
    checkpoints: Path | None = None,
) -> Explanation:
    """Mask each pair of the leading constituents in turn.

    Args:
        problem: Its network sees pairs and gives two logits.
        slots: Number of leading constituents.
        alone: Whether the pair alone is masked; else, as published, its constituents are.
        scale: ``jet`` divides by each jet's logit (B11, as published), ``mean`` by the class's
            mean |logit|.
        outliers: Quirk B4: ``zeroed`` as published, ``dropped`` or ``kept``.
        factor: Reach of the outlier bounds in interquartile ranges.
        level: Confidence level of the intervals.
        checkpoints: A folder for what is done, should this be stopped: then it goes on there.
            Masked logits stay in it, and are for the caller to remove.

    Returns:
        Panels ``qcd`` and ``top``: MAD relevance; ``probability_drop.qcd`` and ``.top``: of the
        jet's own class; ``delta_auc``: in percentage points.

    Raises:
        BadInput: If the network cannot leave pairs out.
    """
    network = problem.network
    if not isinstance(network, MasksPairs):
        raise BadInput(
            f"{type(network).__name__} sees no pairs: masking them needs a network with a method "
            "masked_pairs, such as PFIN"
        )
    masks = list(itertools.combinations(range(slots), 2))
    base = logits_of(problem, rows=_JETS_PER_BATCH)
    folder = checkpoints / _fingerprint(problem, masks, alone=alone) if checkpoints else None
    masked = _masked_logits(problem, network, masks, folder, alone=alone)
    labels = problem.labels
    own = own_logit(base, labels)
    probability = _own_probability(base, labels)
    areas, whole = drops_from_logits(base, masked(), labels, level)
    means = PanelMeans(level)
    for logits in masked():
        changed = own_logit(logits, labels)
        drop = probability - _own_probability(logits, labels)
        for label, name in enumerate(problem.classes):
            mine = problem.of_class(label)
            change = np.abs(differential_relevance(own[mine], changed[mine], scale))
            means.add(name, treat_outliers(change, outliers, factor))
            means.add(f"probability_drop.{name}", treat_outliers(drop[mine], outliers, factor))
    return Explanation(
        "pair_masking",
        "1",
        pair_names(slots),
        {"delta_auc": areas, **means.panels()},
        details={"auc": whole},
        settings={
            "slots": slots,
            "alone": alone,
            "scale": scale,
            "outliers": outliers,
            "outlier_factor": factor,
        },
    )


def _masked_logits(
    problem: Problem,
    network: MasksPairs,
    masks: Sequence[tuple[int, int]],
    folder: Path | None,
    *,
    alone: bool,
) -> Callable[[], Iterator[FloatArray]]:
    """Mask all pairs of all jets; return what goes through the logits (n, 2), mask by mask."""
    problem.network.to(problem.device)
    with torch.inference_mode(), keep_rows(folder) as kept:
        starts = range(kept.done, len(problem.inputs), _JETS_PER_BATCH)
        for start in problem.progress(starts, "masking pairs"):
            batch = problem.tensor(problem.inputs[start : start + _JETS_PER_BATCH])
            logits = network.masked_pairs(batch, masks, alone=alone)
            with waiting_for(batch.device):
                kept.add({"logits": logits.cpu().numpy()})

    def each() -> Iterator[FloatArray]:
        for position in range(len(masks)):
            column = [block[:, position] for block in kept.each("logits")]
            yield np.concatenate(column).astype(np.float64)

    return each


def _fingerprint(problem: Problem, masks: Sequence[tuple[int, int]], *, alone: bool) -> str:
    """Return a hash of all that the masked logits depend on, but nothing that is computed."""
    network = problem.network
    weights = (tensor.cpu().numpy() for tensor in network.state_dict().values())
    settings = (type(network).__name__, getattr(network, "stable_mass", None), problem.device)
    arrays = itertools.chain(weights, iter_blocks(problem.inputs))
    return fingerprint(arrays, __version__, "pairs", masks, alone, *settings)


def _own_probability(logits: FloatArray, labels: NDArray[np.integer]) -> FloatArray:
    """Return the probability of the jet's own class, from two logits."""
    other = logits[np.arange(len(labels)), 1 - labels]
    mine = logits[np.arange(len(labels)), labels]
    return np.asarray(1 / (1 + np.exp(np.clip(other - mine, -700, 700))))
