"""PFN on the inputs of the paper's first version, which the truth leaked into (quirk B1).

The network is that of :mod:`repro.models.pfn`; the inputs are those of
:mod:`repro.features.truth_leak`.  The authors' weights are not published.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from repro.errors import NotAvailable
from repro.models.cards import Card
from repro.models.pfn import build

__all__ = ["build", "read_authors"]


def read_authors(card: Card, files: Sequence[Path]) -> Mapping[str, Tensor]:  # noqa: ARG001
    """Refuse: there are no files.

    Raises:
        NotAvailable: Always.
    """
    raise NotAvailable(f"the authors' weights of {card.name} are not published: train it")
