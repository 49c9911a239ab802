"""Every network under torch's autocast, which lowers products to bfloat16: learning, and not."""

import numpy as np
import pytest
import torch
from network_rows import MODELS, rows_of

from repro.models.tagger import untrained_tagger

EIGHT_BITS = 2**-8


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("learning", [True, False])
def test_bfloat16_gives_logits_that_are_rounded(name, learning):
    tagger = untrained_tagger(name, 0)
    network, inputs = tagger.network.float(), torch.from_numpy(rows_of(tagger).astype(np.float32))
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
