"""AugPFN: a PFN whose latent space is joined by subjettiness before F (arXiv:2210.04371).

A row of inputs is that of :mod:`repro.models.pfn`, then the columns that join: (n, 607), see
:mod:`repro.features.augpfn`.  The authors' weights are not published.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from repro.errors import NotAvailable
from repro.models.cards import Card
from repro.models.dense import DenseNetwork
from repro.models.particles import QUANTITIES
from repro.models.pfn import PfnNetwork

__all__ = ["AugPfnNetwork", "build", "read_authors"]

_SLOTS = 200
_CLASSES = 2


class AugPfnNetwork(PfnNetwork):
    """Particle flow network with further columns beside its latent space.

    Args:
        slots: Number of constituents in a row of inputs.
        phi: Sizes of the layers of Φ, the last one being the latent space.
        hidden: Sizes of the hidden layers of F.
        joining: Number of columns after the slots.
    """

    def __init__(self, slots: int, phi: Sequence[int], hidden: Sequence[int], joining: int) -> None:
        super().__init__(slots, phi, hidden)
        self.head = DenseNetwork(self.width + joining, hidden, _CLASSES)

    def classify(self, latent: Tensor, joining: Tensor) -> Tensor:
        """Return the logits (n, 2) of latent vectors (n, latents) and joining columns."""
        logits: Tensor = self.head(torch.cat([latent, joining], dim=1))
        return logits


def build(card: Card) -> AugPfnNetwork:
    """Return the untrained network of a variant.

    >>> from repro.models.cards import find_card
    >>> build(find_card("augpfn:v4_aug")).head.layers[0].in_features
    39
    """
    return AugPfnNetwork(_SLOTS, card.phi, card.hidden, card.inputs - QUANTITIES * _SLOTS)


def read_authors(card: Card, files: Sequence[Path]) -> Mapping[str, Tensor]:  # noqa: ARG001
    """Refuse: there are no files.

    Raises:
        NotAvailable: Always.
    """
    raise NotAvailable(f"the authors' weights of {card.name} are not published: train it")
