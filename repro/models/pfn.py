"""PFN (particle flow network, arXiv:1810.05165): Φ of each constituent, summed, then F.

A row of inputs is 200 slots of (pt, eta, phi), interleaved: (n, 600), see
:mod:`repro.features.pfn`.  A slot with pt = 0 is padding and never computed, whatever its eta
and phi are.  Two logits (QCD, top).

Source: FAIR4HEP/xAI4toptagger, ``pfn_model.py``; no normalisation, no dropout.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from repro.models.cards import Card
from repro.models.dense import DenseNetwork, relu_layers
from repro.models.host import AtOnce, waiting_for
from repro.models.particles import QUANTITIES, split_slots, sum_over_groups
from repro.models.state import read_state, rename_layers

__all__ = [
    "PfnNetwork",
    "authors_names",
    "build",
    "head_names",
    "layer_names",
    "read_authors",
    "sum_of_phi",
]

_CLASSES = 2
# Φ's widest layer has 256 nodes: 1 MB.  What is larger leaves the cache, and costs the system a
# new piece of memory each time: half the speed.
_CONSTITUENTS_PER_GROUP = AtOnce(processor=2**10, elsewhere=2**18)


class PfnNetwork(nn.Module):
    """Particle flow network.

    Args:
        slots: Number of constituents in a row of inputs.
        phi: Sizes of the layers of Φ, the last one being the latent space.
        hidden: Sizes of the hidden layers of F.

    Attributes:
        phi: Φ, (m, 3) to (m, latents), with a ReLU after every layer.
        head: F, (n, latents) to (n, 2), the logits.
    """

    def __init__(self, slots: int, phi: Sequence[int], hidden: Sequence[int]) -> None:
        super().__init__()
        self.slots = slots
        self.width = phi[-1]
        self.phi = relu_layers([QUANTITIES, *phi])
        self.head = DenseNetwork(self.width, hidden, _CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (n, 2) of inputs (n, 3 slots)."""
        _, joining = split_slots(inputs, self.slots)
        return self.classify(self.latent(inputs), joining)

    def classify(self, latent: Tensor, joining: Tensor) -> Tensor:  # noqa: ARG002 - AugPFN's
        """Return the logits (n, 2) of latent vectors (n, latents), and columns that join them."""
        logits: Tensor = self.head(latent)
        return logits

    def latent(self, inputs: Tensor) -> Tensor:
        """Return the latent vectors (n, latents): Φ summed over the constituents of a jet."""
        slots, _ = split_slots(inputs, self.slots)
        return sum_of_phi(self.phi, self.width, slots, slots[..., 0] != 0)

    def substitute(self, inputs: Tensor) -> tuple[Tensor, Callable[[int, Tensor], Tensor]]:
        """Return the logits (n, 2), and a function of a column and its new values (n,) to them.

        A constituent enters the latent space by one term of a sum: that term alone is computed
        again, and F of the jets that have the constituent.  A slot that is padding stays so,
        whatever its new values are.

        Args:
            inputs: (n, 3 slots, and the columns that join), the jets with nothing changed.
        """
        slots, joining = split_slots(inputs, self.slots)
        latent = self.latent(inputs)
        logits = self.classify(latent, joining)
        members = _jets_of_each_slot(slots[..., 0] != 0)
        kept: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

        def others(slot: int) -> tuple[Tensor, Tensor, Tensor]:
            """Return the jets (m,) that have a constituent, it, and the sum over their others."""
            if slot not in kept:
                kept.clear()
                rows = members[slot]
                constituents = slots[rows, slot]
                kept[slot] = rows, constituents, latent[rows] - self._embed(constituents)
            return kept[slot]

        def evaluate(column: int, values: Tensor) -> Tensor:
            slot, quantity = divmod(column, QUANTITIES)
            if slot >= self.slots:
                changed = joining.clone()
                changed[:, column - QUANTITIES * self.slots] = values
                return self.classify(latent, changed)
            rows, constituents, without = others(slot)
            changed = constituents.clone()
            changed[:, quantity] = values[rows]
            found = self.classify(without + self._embed(changed), joining[rows])
            return logits.index_copy(0, rows, found)

        return logits, evaluate

    def _embed(self, constituents: Tensor) -> Tensor:
        """Return Φ (m, latents) of constituents (m, 3)."""
        parts = torch.split(constituents, _CONSTITUENTS_PER_GROUP.on(constituents.device))
        return torch.cat([self.phi(part) for part in parts])


def _jets_of_each_slot(real: Tensor) -> tuple[Tensor, ...]:
    """Return the rows (m,) of the jets that fill each slot, which (n, slots) says.

    Of all slots at once: to ask for those of one is to wait for the device.

    >>> found = _jets_of_each_slot(torch.tensor([[True, False], [True, True]]))
    >>> [rows.tolist() for rows in found]
    [[0, 1], [1]]
    """
    with waiting_for(real.device):
        _, rows = torch.nonzero(real.T, as_tuple=True)
        return torch.split(rows, real.sum(dim=0).tolist())


def sum_of_phi(phi: nn.Module, width: int, slots: Tensor, real: Tensor) -> Tensor:
    """Return Φ summed over the filled slots of each jet.

    Args:
        phi: From (m, 3) to (m, width).
        width: Number of its outputs.
        slots: (n, slots, 3).
        real: (n, slots), whether a slot is filled.

    Returns:
        (n, width); zero for a jet without constituents.
    """

    def sums(particles: Tensor, _: Tensor) -> Tensor:
        embedded: Tensor = phi(particles.flatten(0, 1))
        return embedded.reshape(*particles.shape[:2], width).sum(dim=1)

    at_once = _CONSTITUENTS_PER_GROUP.on(slots.device)
    return sum_over_groups(sums, slots, real, width, int, at_once)


def build(card: Card) -> PfnNetwork:
    """Return the untrained network of a variant.

    >>> from repro.models.cards import find_card
    >>> build(find_card("pfn:v4")).slots
    200
    """
    return PfnNetwork(card.inputs // QUANTITIES, card.phi, card.hidden)


def read_authors(card: Card, files: Sequence[Path]) -> Mapping[str, Tensor]:
    """Return the state dict from the authors' file.

    Raises:
        BadInput: If the file is no state dict.
    """
    (path,) = files
    return rename_layers(read_state(path), authors_names(card))


def authors_names(card: Card) -> dict[str, str]:
    """Return our names of all layers by the authors'."""
    return layer_names("phi", "phi", card.phi) | head_names(card)


def layer_names(theirs: str, ours: str, sizes: Sequence[int]) -> dict[str, str]:
    """Return our names of linear layers by the authors'.

    >>> layer_names("phi", "phi", (100, 64))
    {'phi.0.0': 'phi.0', 'phi.1.0': 'phi.2'}
    """
    # Linear and ReLU make one block of theirs and two layers of ours.
    return {f"{theirs}.{i}.0": f"{ours}.{2 * i}" for i in range(len(sizes))}


def head_names(card: Card) -> dict[str, str]:
    """Return our names of the linear layers of F by the authors'."""
    last = len(card.hidden)
    return layer_names("fc", "head.layers", card.hidden) | {f"fc.{last}": f"head.layers.{2 * last}"}
