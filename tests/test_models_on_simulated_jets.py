"""The whole chain of each tagger, from four-momenta to an AUC, on simulated jets.

The jets were made anew with the data set's programs and settings (the real Delphes), 4000 of
them.  The expected AUCs are of another, larger sample of the same settings, so 0.005 allows
for both statistics.  A wrong input (no axis, other units, another order) costs several per cent.
"""

import numpy as np
import pytest

from repro.data.tables import read_jets
from repro.features.registry import FAMILIES, inputs_of
from repro.metrics.roc import auc, rank_jets
from repro.models.scores import score
from repro.models.tagger import load_tagger

EXPECTED = {
    "topodnn": 0.9731,
    "mbns": 0.9823,
    "pfn": 0.9816,
    "pfin": 0.9866,
    "pfin:cat": 0.9854,
}


@pytest.fixture(scope="module")
def simulated(reference):
    return read_jets(reference / "delphes_4k.h5")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if "fin" in name else []) for name in EXPECTED],
)
def test_auc_on_simulated_jets(fetch, simulated, name):
    family = name.partition(":")[0]
    if FAMILIES[family].needs_fastjet:
        pytest.importorskip("fastjet")
    tagger = load_tagger(name, "authors", fetch)
    inputs = inputs_of(family)(simulated.four_momenta)
    scores = score(tagger, tagger.prepare(inputs, FAMILIES[family].features()))
    known = np.isfinite(scores)
    assert known.mean() > 0.999
    found = auc(rank_jets(scores[known], simulated.labels[known]))
    assert found == pytest.approx(EXPECTED[name], abs=0.005)
