"""PFIN (particle flow interaction network, arXiv:2210.04371): PFN with pairs.

A row of inputs is 60 slots of (pt, eta, phi), interleaved, then what they are relative to:
scalar sum of pt [GeV], eta and phi of the jet, number of constituents: (n, 184), see
:mod:`repro.features.pfin`.  A slot with pt = 0 is padding and never computed.  Two logits
(QCD, top).

Φ sees each constituent.  Φ_I sees each pair; a constituent gets the sum over its pairs,
divided by the jet's number of constituents.  Φ_I2 sees a constituent and its pooled pairs.
Φ and Φ_I2 are summed over the constituents; the latent space is the sum of the two (``sum``)
or both (``cat``); F makes the logits of it.

Source: FAIR4HEP/xAI4toptagger, ``PFIN.py``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models.cards import Card
from repro.models.dense import DenseNetwork, relu_layers
from repro.models.host import AtOnce
from repro.models.pairs import (
    PAIR_FEATURES,
    detector_momenta,
    pair_features,
    pairs_with,
    sum_of_pairs,
)
from repro.models.particles import QUANTITIES, split_slots, sum_over_groups
from repro.models.pfn import head_names, layer_names, sum_of_phi
from repro.models.state import read_state, rename_layers

__all__ = ["MODES", "PfinNetwork", "authors_names", "build", "read_authors"]

MODES = ("sum", "cat")

_CLASSES = 2
_JET_COLUMNS = 4
# Features of pairs are made for many jets at once, which costs 0.5 MB.
_PAIRS_PER_GROUP = AtOnce(processor=2**15, elsewhere=2**20)
# Φ_I's layers have 128 nodes: 1 MB each.  What is larger leaves the cache, and costs the system a
# new piece of memory each time: half the speed.
_PAIRS_AT_ONCE = AtOnce(processor=2**11, elsewhere=2**17)


class PfinNetwork(nn.Module):
    """Particle flow interaction network.

    Args:
        slots: Number of constituents in a row of inputs.
        phi: Sizes of the layers of Φ.
        phi_pair: Sizes of the layers of Φ_I and of Φ_I2; the last is that of Φ.
        hidden: Sizes of the hidden layers of F.
        mode: ``sum`` or ``cat``.

    Attributes:
        phi: Φ, (m, 3) to (m, width).
        phi_pair: Φ_I, (pairs, 4) to (pairs, width).
        phi_pooled: Φ_I2, (m, 3 + width) to (m, width).
        head: F, from the latent space to (n, 2), the logits.
        stable_mass: Whether pair masses are computed without cancellation (corrects B17).

    Raises:
        BadInput: If there is no such mode.
    """

    def __init__(
        self,
        slots: int,
        phi: Sequence[int],
        phi_pair: Sequence[int],
        hidden: Sequence[int],
        mode: str,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise BadInput(f"unknown mode {mode!r} of PFIN: choose from {', '.join(MODES)}")
        self.slots = slots
        self.mode = mode
        self.stable_mass = False
        self.width = phi[-1]
        self.phi = relu_layers([QUANTITIES, *phi])
        self.phi_pair = relu_layers([len(PAIR_FEATURES), *phi_pair])
        self.phi_pooled = relu_layers([QUANTITIES + self.width, *phi_pair])
        self.head = DenseNetwork(self.width * (2 if mode == "cat" else 1), hidden, _CLASSES)

    def forward(self, inputs: Tensor, isolated: Sequence[int] = ()) -> Tensor:
        """Return the logits (n, 2).

        Args:
            inputs: (n, 3 slots + 4).
            isolated: Slots that Φ sees and the interaction branch does not: no pair of theirs,
                and no Φ_I2 (the authors' masking of a pair, quirk B10).
        """
        logits: Tensor = self.head(self.latent(inputs, isolated))
        return logits

    def latent(self, inputs: Tensor, isolated: Sequence[int] = ()) -> Tensor:
        """Return the latent vectors, (n, width) for ``sum`` and (n, 2 width) for ``cat``."""
        slots, jets = split_slots(inputs, self.slots)
        real = slots[..., 0] != 0
        particles = sum_of_phi(self.phi, self.width, slots, real)
        interacting = real.clone()
        for slot in isolated:
            interacting[:, slot] = False
        pooled = self._sum_of_interactions(slots, jets, interacting)
        if self.mode == "cat":
            return torch.cat([particles, pooled], dim=1)
        return particles + pooled

    def masked_pairs(
        self, inputs: Tensor, masks: Sequence[tuple[int, int]], *, alone: bool
    ) -> Tensor:
        """Return the logits (n, masks, 2) with a pair masked, for each mask in turn.

        Pairs are embedded once; a mask recomputes what it changes: what each constituent gets from
        its pairs.

        Args:
            inputs: (n, 3 slots + 4); constituents fill the leading slots.
            masks: Pairs of slots i < j.  A pair that a jet does not have changes what is left.
            alone: Whether the pair alone is masked, as was meant; else the interaction branch
                sees neither of its constituents (quirk B10, as published).
        """
        slots, jets = split_slots(inputs, self.slots)
        real = slots[..., 0] != 0
        particles = sum_of_phi(self.phi, self.width, slots, real)

        def sums(described: Tensor, rows: Tensor) -> Tensor:
            return self._masked_interactions(described, jets[rows], masks, alone=alone)

        described = torch.cat([slots, detector_momenta(slots, jets)], dim=2)
        width, at_once = len(masks) * self.width, _PAIRS_PER_GROUP.on(slots.device)
        found = sum_over_groups(sums, described, real, width, _pairs, at_once)
        pooled = found.reshape(len(inputs), len(masks), self.width)
        particles = particles[:, None].expand_as(pooled)
        cat = self.mode == "cat"
        latent = torch.cat([particles, pooled], dim=2) if cat else particles + pooled
        logits: Tensor = self.head(latent.flatten(0, 1))
        return logits.reshape(len(inputs), len(masks), _CLASSES)

    def _masked_interactions(
        self,
        described: Tensor,
        jets: Tensor,
        masks: Sequence[tuple[int, int]],
        *,
        alone: bool,
    ) -> Tensor:
        """Return Φ_I2 (m, masks · width) summed over the constituents (m, k, 3 + 4)."""
        particles, momenta = described[..., :QUANTITIES], described[..., QUANTITIES:]
        jets_at_once = max(
            1, _PAIRS_AT_ONCE.on(particles.device) // max(1, _pairs(particles.shape[1]))
        )
        pairs = pair_features(particles, momenta, jets[:, 0], stable_mass=self.stable_mass)
        mask = self._mask_pair if alone else self._mask_constituents
        parts = [
            mask(some, self._embedded_pairs(of_some), counts, masks)
            for some, of_some, counts in zip(
                torch.split(particles, jets_at_once),
                torch.split(pairs, jets_at_once),
                torch.split(jets[:, 3], jets_at_once),
                strict=True,
            )
        ]
        return torch.cat(parts)

    def _embedded_pairs(self, pairs: Tensor) -> Tensor:
        """Return Φ_I (m, pairs, width) of the pairs (m, pairs, 4)."""
        found: Tensor = self.phi_pair(pairs.flatten(0, 1))
        return found.reshape(*pairs.shape[:2], self.width)

    def _mask_constituents(
        self, particles: Tensor, pairs: Tensor, counts: Tensor, masks: Sequence[tuple[int, int]]
    ) -> Tensor:
        """Leave two constituents out: the others lose their pairs with them."""
        jets, count = particles.shape[:2]
        pooled = sum_of_pairs(pairs, count)
        members = {slot for mask in masks for slot in mask if slot < count}
        shares = {slot: pairs_with(pairs, count, slot) for slot in members}
        found = []
        for mask in masks:
            gone = [slot for slot in mask if slot < count]
            left = [slot for slot in range(count) if slot not in gone]
            share = pooled - sum((shares[slot] for slot in gone), torch.zeros_like(pooled))
            found.append(self._pooled_sum(particles[:, left], share[:, left], counts))
        return torch.stack(found, dim=1).reshape(jets, -1)

    def _mask_pair(
        self, particles: Tensor, pairs: Tensor, counts: Tensor, masks: Sequence[tuple[int, int]]
    ) -> Tensor:
        """Leave one pair out: its two constituents lose it."""
        jets, count = particles.shape[:2]
        pooled = sum_of_pairs(pairs, count)
        whole = self._phi_pooled(particles, pooled, counts)
        total = whole.sum(dim=1)
        found = []
        for first, second in masks:
            if max(first, second) >= count:
                found.append(total)
                continue
            both = [first, second]
            share = pooled[:, both] - pairs_with(pairs, count, first)[:, second, None]
            changed = self._phi_pooled(particles[:, both], share, counts).sum(dim=1)
            found.append(total - whole[:, both].sum(dim=1) + changed)
        return torch.stack(found, dim=1).reshape(jets, -1)

    def _pooled_sum(self, particles: Tensor, pooled: Tensor, counts: Tensor) -> Tensor:
        """Return Φ_I2 summed over constituents, (m, width)."""
        if not particles.shape[1]:
            return pooled.new_zeros(len(pooled), self.width)
        return self._phi_pooled(particles, pooled, counts).sum(dim=1)

    def _phi_pooled(self, particles: Tensor, pooled: Tensor, counts: Tensor) -> Tensor:
        """Return Φ_I2 (m, k, width) of constituents and the sums (m, k, width) of their pairs."""
        together = torch.cat([particles, pooled / counts[:, None, None]], dim=2)
        result: Tensor = self.phi_pooled(together.flatten(0, 1))
        return result.reshape(*particles.shape[:2], self.width)

    def _sum_of_interactions(self, slots: Tensor, jets: Tensor, real: Tensor) -> Tensor:
        def sums(described: Tensor, rows: Tensor) -> Tensor:
            return self._interactions(described, jets[rows]).sum(dim=1)

        described = torch.cat([slots, detector_momenta(slots, jets)], dim=2)
        at_once = _PAIRS_PER_GROUP.on(slots.device)
        return sum_over_groups(sums, described, real, self.width, _pairs, at_once)

    def _interactions(self, described: Tensor, jets: Tensor) -> Tensor:
        """Return Φ_I2 (m, k, width) of constituents (m, k, 3 + 4) with four-momenta."""
        particles, momenta = described[..., :QUANTITIES], described[..., QUANTITIES:]
        pairs = pair_features(particles, momenta, jets[:, 0], stable_mass=self.stable_mass)
        return self._phi_pooled(particles, self._pooled(pairs, particles.shape[1]), jets[:, 3])

    def _pooled(self, pairs: Tensor, count: int) -> Tensor:
        """Return the sum (m, k, width) of Φ_I over the pairs (m, pairs, 4) of each constituent."""
        jets_at_once = max(1, _PAIRS_AT_ONCE.on(pairs.device) // max(1, pairs.shape[1]))
        parts = torch.split(pairs, jets_at_once)
        return torch.cat([sum_of_pairs(self._embedded_pairs(part), count) for part in parts])


def build(card: Card) -> PfinNetwork:
    """Return the untrained network of a variant.

    >>> from repro.models.cards import find_card
    >>> build(find_card("pfin")).mode
    'sum'
    """
    slots = (card.inputs - _JET_COLUMNS) // QUANTITIES
    return PfinNetwork(slots, card.phi, card.phi_pair, card.hidden, card.mode or "")


def read_authors(card: Card, files: Sequence[Path]) -> Mapping[str, Tensor]:
    """Return the state dict from the authors' file.

    Raises:
        BadInput: If the file is no state dict.
    """
    (path,) = files
    return rename_layers(read_state(path), authors_names(card))


def authors_names(card: Card) -> dict[str, str]:
    """Return our names of all layers by the authors'."""
    names = layer_names("phi", "phi", card.phi) | head_names(card)
    names |= layer_names("phiInt", "phi_pair", card.phi_pair)
    return names | layer_names("phiInt2", "phi_pooled", card.phi_pair)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2
