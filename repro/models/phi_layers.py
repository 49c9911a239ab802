"""Φ of a particle flow network, layer by layer: activations summed over the constituents of a jet.

Relative activity is a ratio of sums over all constituents of many jets.  Their sum over one jet
is all that is needed of it, and jets are what can be drawn again: constituents of the same jet
depend on each other, so intervals must count jets.
"""

import torch
from torch import Tensor, nn

from repro.models.host import AtOnce
from repro.models.particles import split_slots, sum_over_groups
from repro.models.pfn import PfnNetwork

__all__ = ["PhiLayers"]

_CONSTITUENTS_PER_GROUP = AtOnce(processor=2**12, elsewhere=2**18)


class PhiLayers(nn.Module):
    """A network whose hidden layers are those of Φ, summed over a jet's constituents.

    Each layer ends in a ReLU module of its own, which leaves a sum of activations as it is and
    lets explanation methods see it once for each batch, however Φ was computed.

    Args:
        network: Whose Φ.

    >>> PhiLayers(PfnNetwork(200, (100, 64), (3,)))(torch.zeros(5, 600)).shape
    torch.Size([5, 64])
    """

    def __init__(self, network: PfnNetwork) -> None:
        super().__init__()
        # In a tuple Φ is no part of this network: its own ReLU modules are not to be seen.
        self._phi = (network.phi,)
        self._slots = network.slots
        self._widths = [block.out_features for block in network.phi if isinstance(block, nn.Linear)]
        self.sums = nn.ModuleList(nn.ReLU() for _ in self._widths)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the latent vectors (n, latents) of inputs (n, 3 slots)."""
        slots, _ = split_slots(inputs, self._slots)
        real = slots[..., 0] != 0
        at_once = _CONSTITUENTS_PER_GROUP.on(inputs.device)
        summed = sum_over_groups(self._layers, slots, real, sum(self._widths), int, at_once)
        parts = torch.split(summed, self._widths, dim=1)
        found: list[Tensor] = [relu(part) for relu, part in zip(self.sums, parts, strict=True)]
        return found[-1]

    def _layers(self, particles: Tensor, _: Tensor) -> Tensor:
        """Return all activations (m, Σ widths) of jets (m, k, 3), summed over constituents."""
        values, found = particles.flatten(0, 1), []
        for block in self._phi[0].to(particles.device):
            values = block(values)
            if isinstance(block, nn.ReLU):
                found.append(values.reshape(*particles.shape[:2], -1).sum(dim=1))
        return torch.cat(found, dim=1)
