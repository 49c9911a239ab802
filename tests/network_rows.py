"""A few rows of inputs for each family of networks."""

import numpy as np
from toy_jets import jets_of

from repro.benchmarks.artificial import iter_artificial_inputs
from repro.benchmarks.features import Measured
from repro.benchmarks.networks import iter_inputs_of_tagger

__all__ = ["MODELS", "rows_of"]

MODELS = ("topodnn:v4", "mbns", "pfn:v4", "augpfn:v4_aug", "pfin:sum", "pfin:cat", "in")

COUNTS = np.array([0, 1, 2, 8, 30, 59, 60, 61])


def rows_of(tagger):
    """Inputs of eight jets, of which some have few constituents, in the network's precision."""
    if tagger.card.family == "in":
        (rows,) = iter_artificial_inputs(tagger, len(COUNTS))
    else:
        taus = np.full((len(COUNTS), 24), 0.1)
        (rows,) = iter_inputs_of_tagger(tagger, [Measured(jets_of(COUNTS, 200), taus)])
    return rows
