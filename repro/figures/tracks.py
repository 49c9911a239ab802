"""The problem of explaining an Interaction Network: features of all tracks, or of all vertices."""

import numpy as np
from numpy.typing import NDArray

from repro.data.rows import Table
from repro.explain.problem import Problem
from repro.features.interaction import (
    filled_by_slot,
    interaction_features,
    interaction_groups,
)
from repro.figures.context import Context
from repro.models.tagger import Tagger

__all__ = ["columns_of", "track_problem"]


def columns_of(tagger: Tagger) -> list[int]:
    """Return the places of the columns that an Interaction Network sees, among all."""
    return list(tagger.card.columns(interaction_features()))


def track_problem(
    context: Context,
    inputs: Table,
    labels: NDArray[np.int64],
    tagger: Tagger,
) -> Problem:
    """Return the problem of explaining an Interaction Network on jets of record 12102.

    A feature is that of all 60 track slots, or of all 5 vertex slots; slots without a track or
    vertex are padding.

    Args:
        context: Device, seed and progress.
        inputs: (n, columns), those of :func:`columns_of`.
        labels: (n,), 1 for H→bb̄, 0 for others.
        tagger: An Interaction Network.

    Raises:
        BadInput: If there are no jets of one of the classes.
    """
    features = interaction_features()
    seen = tuple(features[i] for i in columns_of(tagger))
    return Problem(
        network=tagger.network,
        inputs=inputs,
        labels=labels,
        features=seen,
        classes=("qcd", "hbb"),
        groups=interaction_groups(seen),
        filled_by=filled_by_slot(seen),
        device=context.device,
        seed=context.settings.seed,
        progress=context.progress,
        spool=context.spool,
    )
