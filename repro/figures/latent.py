"""The jets that PFN and PFIN are explained on, and their latent spaces.

The authors' notebooks stopped after 101 batches of 1024 jets (quirk B2): the first 103,424 of the
test set for PFN, some 103,424 in random order for PFIN.
"""

import dataclasses
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from repro.data.rows import ChangedRows, Table
from repro.data.spooled import store_rows
from repro.errors import BadInput
from repro.explain.activation_patterns import ActivityCounter
from repro.explain.problem import Problem
from repro.features.sample_streams import JetSet
from repro.features.samples import Sample
from repro.figures.context import Context
from repro.figures.prepared import prepared
from repro.metrics.means import column_means
from repro.models.augpfn import AugPfnNetwork
from repro.models.pfin import PfinNetwork
from repro.models.pfn import PfnNetwork
from repro.models.phi_layers import PhiLayers
from repro.models.tagger import Tagger, predict_logits

__all__ = [
    "CUT",
    "JETS",
    "PARTICLES",
    "LatentSpace",
    "PfnActivity",
    "explained_count",
    "explained_sample",
    "latent_space",
    "particle_problem",
    "rated",
]

Jets = TypeVar("Jets", Sample, JetSet)

JETS = 103_424
"""101 batches of 1024."""
PARTICLES = 30
"""The features of so many leading constituents are ranked."""
CUT = 0.1
"""A latent node whose mean is smaller is left out, for PFN."""

_JETS_PER_BATCH = 4096
_FEWEST = 2


@dataclass(frozen=True, eq=False)
class LatentSpace:
    """The latent vectors of some jets.

    Attributes:
        sample: The jets.
        tagger: Whose latent space.
        values: (n, latents), in memory or not.
        kept: Positions of the nodes that are looked at, in ascending order.
    """

    sample: Sample
    tagger: Tagger
    values: Table
    kept: NDArray[np.int64]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all nodes, ``z0`` and so on."""
        return tuple(f"z{node}" for node in range(self.values.shape[1]))

    @property
    def kept_values(self) -> Table:
        """(n, kept nodes)."""
        if isinstance(self.values, np.ndarray):
            return self.values[:, self.kept]
        return ChangedRows(self.values, lambda rows: rows[:, self.kept], len(self.kept))

    def problem(self, context: Context) -> Problem:
        """Return the problem of explaining F on the latent vectors; other nodes are skipped."""
        others = set(self.names) - {self.names[node] for node in self.kept}
        network = cast("PfnNetwork | PfinNetwork", self.tagger.network)
        return Problem(
            network=network.head,
            inputs=self.values,
            labels=self.sample.labels,
            features=self.names,
            skip=tuple(sorted(others)),
            device=context.device,
            seed=context.settings.seed,
            progress=context.progress,
            spool=context.spool,
        )


class PfnActivity:
    """Activity of the nodes of PFN: of Φ, of all jets, and of F, of the first ones.

    Args:
        context: Says where to compute.
        tagger: PFN.
        most: F is looked at with so many jets; None for all.

    Attributes:
        phi, head: The counters of Φ and of F.
    """

    def __init__(self, context: Context, tagger: Tagger, most: int | None) -> None:
        # The counter of Φ sees its layers alone, and moves nothing.
        network = cast("PfnNetwork", tagger.network).to(context.device)
        self.phi = ActivityCounter(PhiLayers(network), context.device)
        self.head = ActivityCounter(network.head, context.device)
        self._latent, self._device, self._left = network.latent, context.device, most

    def add(self, inputs: NDArray[np.floating], labels: NDArray[np.int64]) -> None:
        """Look at some jets."""
        self.phi.add(inputs, labels)
        first = slice(self._left)
        latents = predict_logits(self._latent, inputs[first], self._device)
        self.head.add(latents, labels[first])
        if self._left is not None:
            self._left -= len(latents)


def explained_sample(context: Context, family: str) -> Sample:
    """Return the jets that the explanations of PFN and PFIN use.

    As published the first 103,424 of the paper's test set (B2); corrected, or of another source,
    all.
    """
    sample = context.sample(family, jets=explained_count(context))
    return rated(context, family, sample)


def explained_count(context: Context) -> int | None:
    """Return how many jets of the test set are explained; None for all."""
    return context.settings.jets or (JETS if _as_published(context) else None)


def rated(context: Context, family: str, jets: Jets) -> Jets:
    """Return explained jets with their kind: whether they are those of the authors."""
    if not _as_published(context):
        return jets
    # The very jets of the authors for PFN; PFIN's were drawn without a seed.
    exact = family == "pfn" and len(jets.labels) == JETS
    return dataclasses.replace(jets, kind="complete" if exact else "subset")


def _as_published(context: Context) -> bool:
    return context.is_paper and not context.settings.corrected


def particle_problem(context: Context, sample: Sample, tagger: Tagger) -> Problem:
    """Return the problem of explaining PFN on the features of its 30 leading constituents.

    A feature's mean is that over the jets that have the constituent.  The subjettiness that joins
    AugPFN's latent space is ranked beside them; what PFIN's constituents are relative to is not.
    """
    problem = context.problem(sample, tagger)
    network = cast("PfnNetwork | PfinNetwork", tagger.network)
    slots = 3 * network.slots
    joining = problem.features[slots:] if isinstance(network, AugPfnNetwork) else ()
    ranked = {*problem.features[: 3 * PARTICLES], *joining}
    # Columns after the slots are filled where there is a first constituent.
    filled_by = (
        3 * (column // 3) if column < slots else 0 for column in range(len(problem.features))
    )
    return dataclasses.replace(
        problem,
        skip=tuple(name for name in problem.features if name not in ranked),
        filled_by=tuple(filled_by),
    )


def latent_space(
    context: Context, sample: Sample, tagger: Tagger, cut: float | None = CUT
) -> LatentSpace:
    """Return the latent vectors of some jets.

    Args:
        context: Where to compute.
        sample: The jets.
        tagger: PFN or PFIN.
        cut: Nodes with a smaller mean are not kept; None keeps all.

    Raises:
        BadInput: If fewer than two nodes are kept.
    """
    network = cast("PfnNetwork | PfinNetwork", tagger.network).to(context.device)
    inputs = prepared(tagger, sample.inputs, sample.features)
    starts = range(0, len(inputs), _JETS_PER_BATCH)
    parts = (
        predict_logits(network.latent, inputs[start : start + _JETS_PER_BATCH], context.device)
        for start in context.progress(starts, "latent vectors")
    )
    values = store_rows(parts, len(inputs), context.spool)
    means = column_means(values)
    if cut is not None and (means >= cut).sum() < _FEWEST:
        raise BadInput(
            f"{tagger.card.name} has {int((means >= cut).sum())} latent nodes with a mean of {cut} "
            "or more on these jets: give other weights or jets"
        )
    kept = np.flatnonzero(means >= cut) if cut is not None else np.arange(len(means))
    return LatentSpace(sample, tagger, values, kept)
