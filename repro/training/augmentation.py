"""What is done to the constituents of a batch before a step, so that fewer jets teach as much.

All of it works on rows of slots, interleaved, pt-ordered and relative to the jet; columns after the
slots stay as they are.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from repro.models.particles import QUANTITIES
from repro.training.recipe import Recipe
from repro.training.rules import constituents_in

__all__ = ["Variation", "keep_leading", "rotate", "shuffle", "variation_of"]

Variation = Callable[[Tensor, int], Tensor]
"""From the inputs of a batch, and the number of the epoch from 0, to inputs."""

# A jet that the unwrapped azimuth tears apart (quirk B3) is no picture that can be turned.
_WIDEST = 2.0


def variation_of(recipe: Recipe, names: Sequence[str], slots: int | None) -> Variation:
    """Return what a recipe does to the inputs of a batch.

    Args:
        recipe: Its ``shuffle``, ``leading`` and ``rotate``.
        names: Names of the input columns; of slots such as ``eta_12``.
        slots: Slots of a network on sets of constituents; None for other networks.
    """

    def vary(inputs: Tensor, epoch: int) -> Tensor:
        if recipe.shuffle is not None:
            inputs = shuffle(inputs, *_layout(names), recipe.shuffle)
        count = constituents_in(epoch, recipe.leading)
        if slots is not None and count is not None:
            inputs = keep_leading(inputs, slots, count)
        if slots is not None and recipe.rotate:
            inputs = rotate(inputs, slots)
        return inputs

    return vary


def _layout(names: Sequence[str]) -> tuple[int, int]:
    """Return how many slots can change places, and their columns.

    TopoDNN's jets are shifted by the first constituent and turned by the second: these stay.

    >>> _layout(["eta_0", "phi_0", "pt_1", "eta_1", "phi_1", "pt_2", "eta_2", "phi_2"])
    (1, 3)
    """
    last = int(names[-1].rpartition("_")[2])
    return last - 1, sum(name.endswith(f"_{last}") for name in names)


def rotate(inputs: Tensor, slots: int) -> Tensor:
    """Turn each jet about its axis by a random angle, and mirror half of them.

    What a jet is does not depend on how it lies in the plane of eta and phi; the networks have to
    learn that from the jets.  Distances in that plane are unchanged; the masses of pairs are nearly
    (3 % at ΔR = 0.4).  Jets across the seam of the azimuth stay as they are.

    Args:
        inputs: (n, 3 slots or more).
        slots: Number of slots.

    Returns:
        Same shape; drawn from torch's global generator.
    """
    turned = inputs.clone()
    cube = turned[:, : QUANTITIES * slots].view(len(turned), slots, QUANTITIES)
    eta, phi = cube[..., 1].clone(), cube[..., 2].clone()
    angle = 2 * math.pi * torch.rand(len(inputs), 1)
    mirror = torch.where(torch.rand(len(inputs), 1) < 0.5, -1.0, 1.0)
    whole = phi.abs().amax(dim=1, keepdim=True) < _WIDEST
    angle, mirror = angle.to(inputs), mirror.to(inputs)
    cosine = torch.where(whole, torch.cos(angle), 1)
    sine = torch.where(whole, torch.sin(angle), 0)
    mirror = torch.where(whole, mirror, 1)
    cube[..., 1] = cosine * eta - sine * phi
    cube[..., 2] = mirror * (sine * eta + cosine * phi)
    return turned


def shuffle(inputs: Tensor, slots: int, width: int, spread: float) -> Tensor:
    """Exchange the constituents of each jet with near neighbours in the order of pt.

    A network on a list of constituents learns by heart who stands where, though neighbours differ
    little in pt and could as well stand the other way round.

    Args:
        inputs: (n, offset + slots · width); the leading ``offset`` columns stay as they are.
        slots: Number of slots at the end of the row that take part.
        width: Columns of a slot.  A slot whose columns but the first are all zero is padding, and
            stays behind the others.
        spread: Each constituent is put by its position plus a Gaussian of this width.

    Returns:
        Same shape; drawn from torch's global generator.
    """
    cube = inputs[:, inputs.shape[1] - slots * width :].reshape(len(inputs), slots, width)
    angles = cube[..., -2:] if width > 2 else cube
    padding = (angles == 0).all(dim=2)
    noise = spread * torch.randn(len(inputs), slots)
    place = torch.arange(slots) + noise
    order = (place.to(inputs.device) + 1000.0 * padding).argsort(dim=1)
    shuffled = torch.gather(cube, 1, order[..., None].expand(-1, -1, width))
    return torch.cat([inputs[:, : inputs.shape[1] - slots * width], shuffled.flatten(1)], dim=1)


def keep_leading(inputs: Tensor, slots: int, count: int) -> Tensor:
    """Empty all slots but the first ones; columns after the slots stay those of the whole jet.

    >>> keep_leading(torch.ones(1, 7), 2, 1).tolist()
    [[1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0]]
    """
    kept = inputs.clone()
    kept[:, QUANTITIES * count : QUANTITIES * slots] = 0
    return kept
