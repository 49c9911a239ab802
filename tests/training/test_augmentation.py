"""What is done to constituents in training keeps what makes a jet."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trainings import recipe

from repro.features.topodnn import topodnn_features
from repro.training.augmentation import keep_leading, rotate, shuffle, variation_of

SLOTS = 6


def jets(seed=0, n=50, columns=0):
    """Rows of slots with 0 to 6 constituents, and further columns."""
    rng = np.random.default_rng(seed)
    cube = rng.normal(0, 0.3, (n, SLOTS, 3))
    cube[..., 0] = np.sort(rng.uniform(0.01, 0.5, (n, SLOTS)))[:, ::-1]
    cube *= (np.arange(SLOTS) < rng.integers(0, SLOTS + 1, n)[:, None])[..., None]
    rest = rng.normal(size=(n, columns))
    return torch.from_numpy(np.concatenate([cube.reshape(n, -1), rest], 1).astype(np.float32))


def cube_of(rows):
    return rows[:, : 3 * SLOTS].unflatten(1, (SLOTS, 3))


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_turning_keeps_momenta_distances_padding_and_further_columns(seed):
    torch.manual_seed(seed)
    rows = jets(seed, columns=4)
    before = rows.clone()
    turned = rotate(rows, SLOTS)
    assert torch.equal(rows, before)
    old, new = cube_of(rows), cube_of(turned)
    assert torch.equal(old[..., 0], new[..., 0])
    assert torch.equal(rows[:, 3 * SLOTS :], turned[:, 3 * SLOTS :])
    distances = [torch.cdist(cube[..., 1:], cube[..., 1:]) for cube in (old, new)]
    torch.testing.assert_close(*distances, atol=2e-3, rtol=1e-3)
    assert (new[old[..., 0] == 0] == 0).all()


def test_turning_turns_and_mirrors():
    torch.manual_seed(1)
    rows = torch.tensor([[0.5, 0.1, 0.0, 0.3, 0.0, 0.2] + [0.0] * 12]).repeat(4000, 1)
    first, second = cube_of(rotate(rows, SLOTS))[:, :2, 1:].unbind(dim=1)
    handed = torch.sign(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    assert abs(float(handed.mean())) < 0.1
    assert float(first.mean(dim=0).norm()) < 0.01


def test_jets_across_the_seam_stay_as_they_are():
    torch.manual_seed(0)
    rows = jets(n=3)
    rows[1, 0], rows[1, 2] = 0.5, 6.2
    turned = rotate(rows, SLOTS)
    assert torch.equal(turned[1], rows[1])


def test_leading_constituents_are_kept_and_the_jet_stays_whole():
    rows = jets(columns=4)
    kept = keep_leading(rows, SLOTS, 2)
    assert torch.equal(cube_of(kept)[:, :2], cube_of(rows)[:, :2])
    assert (cube_of(kept)[:, 2:] == 0).all()
    assert torch.equal(kept[:, 3 * SLOTS :], rows[:, 3 * SLOTS :])


@given(st.integers(0, 1000), st.floats(0, 5))
@settings(max_examples=20, deadline=None)
def test_shuffling_permutes_constituents_and_leaves_padding_behind(seed, spread):
    torch.manual_seed(seed)
    rows = jets(seed)
    shuffled = shuffle(rows, SLOTS - 2, 3, spread)
    old, new = cube_of(rows), cube_of(shuffled)
    assert torch.equal(old[:, :2], new[:, :2])
    assert torch.equal(old[..., 0].sort(dim=1).values, new[..., 0].sort(dim=1).values)
    filled = new[..., 0] != 0
    assert torch.equal(filled, old[..., 0] != 0)
    # Whole constituents change places, not single columns.
    assert torch.allclose(old.prod(dim=2).sum(dim=1), new.prod(dim=2).sum(dim=1), atol=1e-6)


def test_without_spread_nothing_moves():
    rows = jets()
    assert torch.equal(shuffle(rows, SLOTS - 2, 3, 0.0), rows)


@pytest.mark.parametrize(
    ("names", "start"),
    [
        (topodnn_features(), 6),
        ([n for n in topodnn_features() if n != "pt_0"], 5),
        ([n for n in topodnn_features() if not n.startswith("pt")], 4),
        (topodnn_features()[:30], 6),
    ],
)
def test_shuffling_leaves_the_two_constituents_that_define_the_frame(names, start):
    torch.manual_seed(0)
    rows = torch.rand(100, len(names)) + 0.1
    varied = variation_of(recipe(shuffle=2.0), names, None)(rows, 0)
    assert torch.equal(varied[:, :start], rows[:, :start])
    assert not torch.equal(varied, rows)
    assert torch.equal(varied.sort(dim=1).values, rows.sort(dim=1).values)


def test_early_epochs_see_the_leading_constituents():
    vary = variation_of(recipe(leading=((2, 3),)), (), SLOTS)
    rows = jets()
    filled = [int((cube_of(vary(rows, epoch))[..., 0] != 0).sum(dim=1).max()) for epoch in range(3)]
    assert filled == [3, 3, SLOTS]
