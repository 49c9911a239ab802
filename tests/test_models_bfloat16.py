"""Every network under torch's autocast, which lowers products to bfloat16: learning, and not."""

import numpy as np
import pytest
import torch
from toy_jets import jets_of

from repro.benchmarks.artificial import iter_artificial_inputs
from repro.benchmarks.features import Measured
from repro.benchmarks.networks import iter_inputs_of_tagger
from repro.models.tagger import untrained_tagger

COUNTS = np.array([0, 1, 2, 8, 30, 59, 60, 61])
TAUS = np.full((len(COUNTS), 24), 0.1)
EIGHT_BITS = 2**-8


@pytest.mark.parametrize(
    "name", ["topodnn:v4", "mbns", "pfn:v4", "augpfn:v4_aug", "pfin:sum", "pfin:cat", "in"]
)
@pytest.mark.parametrize("learning", [True, False])
def test_bfloat16_gives_logits_that_are_rounded(name, learning):
    tagger = untrained_tagger(name, 0)
    if tagger.card.family == "in":
        (rows,) = iter_artificial_inputs(tagger, 6)
    else:
        (rows,) = iter_inputs_of_tagger(tagger, [Measured(jets_of(COUNTS, 200), TAUS)])
    network, inputs = tagger.network.float(), torch.from_numpy(rows.astype(np.float32))
    with torch.set_grad_enabled(learning):
        exact = network(inputs).detach()
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network(inputs)
    # Several layers, each of which rounds.
    worst = 16 * EIGHT_BITS * float(exact.abs().max())
    assert 0 < float((rounded.detach().float() - exact).abs().max()) < worst
    if learning:
        rounded.float().sum().backward()
        assert all(torch.isfinite(part.grad).all() for part in network.parameters())
