"""The problem of explaining an Interaction Network: features of all tracks, or of all vertices."""

from repro.data.hbb.jets import HbbJets
from repro.explain.problem import Problem
from repro.features.interaction import (
    filled_by_slot,
    interaction_features,
    interaction_groups,
    interaction_inputs,
)
from repro.figures.context import Context
from repro.models.tagger import Tagger

__all__ = ["track_problem"]


def track_problem(context: Context, jets: HbbJets, tagger: Tagger) -> Problem:
    """Return the problem of explaining an Interaction Network on jets of record 12102.

    A feature is that of all 60 track slots, or of all 5 vertex slots; slots without a track or
    vertex are padding.

    Args:
        context: Device, seed and progress.
        jets: All in memory, 7.5 kB each.
        tagger: An Interaction Network.

    Raises:
        BadInput: If there are no jets of one of the classes.
    """
    columns = interaction_features()
    seen = tuple(columns[i] for i in tagger.card.columns(columns))
    return Problem(
        network=tagger.network,
        inputs=tagger.prepare(interaction_inputs(jets.tracks, jets.vertices), columns),
        labels=jets.labels,
        features=seen,
        classes=("qcd", "hbb"),
        groups=interaction_groups(seen),
        filled_by=filled_by_slot(seen),
        device=context.device,
        seed=context.settings.seed,
        progress=context.progress,
    )
