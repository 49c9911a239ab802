"""The plain versions of PFN and PFIN: every slot and every pair computed, then masked.

That of the Interaction Network, whose padding is not masked, is in
:mod:`repro.models.padded_interaction`.

They share the weights of the networks that skip the padding, and give their logits.  What they
compute does not depend on the data, so they can be exported (:mod:`repro.models.onnx_export`);
and they are what the speed of the others is measured against (:mod:`repro.benchmarks`).

A slot with pt = 0 is padding, whatever its eta and phi are: it is zeroed first, since zero times
infinity is no zero.  What is computed of it stays finite, and is multiplied by zero.

Source: FAIR4HEP/xAI4toptagger, ``pfn_model.py`` and ``PFIN.py``, which compute so.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from repro.errors import NotAvailable
from repro.models.dense import DenseNetwork
from repro.models.interaction_network import InteractionNetwork
from repro.models.padded_interaction import MatrixInteraction, PortableInteraction
from repro.models.pairs import detector_momenta, incidence, pair_features, pair_indices
from repro.models.particles import split_slots
from repro.models.pfin import PfinNetwork
from repro.models.pfn import PfnNetwork

__all__ = ["PaddedPfin", "PaddedPfn", "padded", "portable_momenta"]


class PaddedPfn(nn.Module):
    """PFN with all slots through Φ; AugPFN as well, whose further columns join the latent space.

    Args:
        network: Its modules are used, not copied.
    """

    def __init__(self, network: PfnNetwork) -> None:
        super().__init__()
        self.slots = network.slots
        self.phi = network.phi
        self.head = network.head

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (n, 2) of the inputs of the network."""
        slots, joining = split_slots(inputs, self.slots)
        slots, mask = _without_padding(slots)
        latent = _masked_sum(self.phi(slots), mask)
        logits: Tensor = self.head(torch.cat([latent, joining], dim=1))
        return logits


class PaddedPfin(nn.Module):
    """PFIN with all slots through Φ and Φ_I2, and all their pairs through Φ_I.

    Args:
        network: Its modules and its kind of pair mass are used, not copied.
        portable: Whether four-momenta are those of :func:`portable_momenta`.

    Attributes:
        first, second: (pairs,), positions of the two constituents of each pair.
        members: (slots, pairs), 1 where a constituent is in a pair.
    """

    first: Tensor
    second: Tensor
    members: Tensor

    def __init__(self, network: PfinNetwork, *, portable: bool = False) -> None:
        super().__init__()
        self.network = network
        self.momenta = portable_momenta if portable else detector_momenta
        device = next(network.parameters()).device
        precision = next(network.parameters()).dtype
        first, second = pair_indices(network.slots, device)
        # Buffers, not the cached tensors: what an exporter computes with is no tensor to cache.
        self.register_buffer("first", first, persistent=False)
        self.register_buffer("second", second, persistent=False)
        members = incidence(network.slots, device, precision)
        self.register_buffer("members", members, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (n, 2) of the inputs of the network."""
        network = self.network
        slots, jets = split_slots(inputs, network.slots)
        slots, mask = _without_padding(slots)
        particles = _masked_sum(network.phi(slots), mask)
        pooled = self._pooled(slots, jets, mask)
        interactions = network.phi_pooled(torch.cat([slots, pooled], dim=2))
        sums = particles, _masked_sum(interactions, mask)
        logits: Tensor = network.head(torch.cat(sums, 1) if network.mode == "cat" else sum(sums))
        return logits

    def _pooled(self, slots: Tensor, jets: Tensor, mask: Tensor) -> Tensor:
        """Return what Φ_I gives to each slot, (n, slots, width), over the count of the jet."""
        pairs = pair_features(
            slots,
            self.momenta(slots, jets),
            jets[:, 0],
            stable_mass=self.network.stable_mass,
            indices=(self.first, self.second),
        )
        both = mask.index_select(1, self.first) * mask.index_select(1, self.second)
        embedded = self.network.phi_pair(pairs) * both
        # A jet without constituents has the count zero.
        constituents = torch.clamp(jets[:, 3, None, None], min=1)
        return torch.matmul(self.members, embedded) / constituents * mask


def portable_momenta(particles: Tensor, jets: Tensor) -> Tensor:
    """Return :func:`~repro.models.pairs.detector_momenta` that other programs can repeat.

    Pair masses see the last bit of a cosine (quirk B17), and each program's single precision
    rounds some of them otherwise.  In double precision all agree on the nearest float32, which
    torch's single precision gives as well for all but 5 % of cosines and sines, and 0.3 % of
    hyperbolic ones.

    Args:
        particles: (n, k, 3) as pt [of the scalar sum], eta, phi [rad], relative to the jet.
        jets: (n, 3 or more), scalar sum of pt [GeV], eta and phi [rad] of the jet.

    Returns:
        (n, k, 4) as E, px, py, pz in GeV.
    """
    scale, eta_jet, phi_jet = (column[:, None] for column in jets.T[:3])
    pt, eta, phi = particles.unbind(dim=2)
    momentum, eta, phi = pt * scale, (eta + eta_jet).double(), (phi + phi_jet).double()
    # ONNX Runtime has no cosh and sinh of doubles.
    rising = torch.exp(eta)
    falling = 1 / rising
    angles = ((rising + falling) / 2, torch.cos(phi), torch.sin(phi), (rising - falling) / 2)
    return torch.stack([momentum * part.to(pt.dtype) for part in angles], dim=2)


def padded(network: nn.Module, *, portable: bool = False) -> nn.Module:
    """Return a network that gives the same logits by the same operations for any data.

    Args:
        network: Of any family.
        portable: Whether the version is for other programs.  PFIN's four-momenta are then made
            so that they get the same, and its logits differ from the network's by rounding noise
            (quirk B17); the Interaction Network does without incidence matrices.

    Returns:
        A network with the same modules; a dense network is one already.

    Raises:
        NotAvailable: If no such version of the network is known.

    >>> padded(PfnNetwork(200, (4, 4), (3,)))(torch.zeros(5, 600)).shape
    torch.Size([5, 2])
    """
    for kind, version in _VERSIONS.items():
        if isinstance(network, kind):
            return version(network, portable).train(network.training)
    raise NotAvailable(
        f"there is no padded version of {type(network).__name__}: give one of "
        f"{', '.join(kind.__name__ for kind in _VERSIONS)}"
    )


_VERSIONS: dict[type[nn.Module], Callable[[Any, bool], nn.Module]] = {
    DenseNetwork: lambda network, _: network,
    PfnNetwork: lambda network, _: PaddedPfn(network),
    PfinNetwork: lambda network, portable: PaddedPfin(network, portable=portable),
    InteractionNetwork: lambda network, portable: (
        PortableInteraction(network) if portable else MatrixInteraction(network)
    ),
}


def _without_padding(slots: Tensor) -> tuple[Tensor, Tensor]:
    """Return the slots (n, slots, 3) with padding zeroed, and what is no padding, (n, slots, 1)."""
    real = slots[..., :1] != 0
    return torch.where(real, slots, 0.0), real.to(slots.dtype)


def _masked_sum(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum(dim=1)
