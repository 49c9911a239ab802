"""How well jets are told apart, and how well that is known: ROC curves and intervals.

Everything here takes plain arrays of scores and labels (1 for signal, the top
quark or the Higgs boson; 0 for background, QCD) and counts in whole numbers
until the last division.
"""

from repro.metrics.bootstrap import Intervals, bootstrap, bootstrap_mean
from repro.metrics.intervals import (
    Interval,
    JetOrder,
    Placements,
    accuracy_interval,
    auc_difference_interval,
    auc_interval,
    clopper_pearson,
    delong_variance,
    difference_interval,
    jet_order,
    placements,
    rejection_interval,
)
from repro.metrics.roc import (
    Ranking,
    RocCurve,
    accuracy,
    auc,
    auc_of_many,
    background_rejection,
    rank_jets,
    roc_curve,
)

__all__ = [
    "Interval",
    "Intervals",
    "JetOrder",
    "Placements",
    "Ranking",
    "RocCurve",
    "accuracy",
    "accuracy_interval",
    "auc",
    "auc_difference_interval",
    "auc_interval",
    "auc_of_many",
    "background_rejection",
    "bootstrap",
    "bootstrap_mean",
    "clopper_pearson",
    "delong_variance",
    "difference_interval",
    "jet_order",
    "placements",
    "rank_jets",
    "rejection_interval",
    "roc_curve",
]
