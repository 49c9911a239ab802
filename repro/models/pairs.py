"""Pairs of constituents: their indices and the four features that PFIN sees.

Source: FAIR4HEP/xAI4toptagger, ``PFIN.py``.
"""

import functools

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

__all__ = [
    "PAIR_FEATURES",
    "detector_momenta",
    "incidence",
    "pair_features",
    "pair_indices",
    "pairs_of_each",
    "pairs_with",
    "sum_of_pairs",
]

PAIR_FEATURES = ("ln_dr", "ln_kt", "ln_z", "ln_m2")

# Added before every logarithm and to the denominator of z.
_SMALL = 1e-5


@functools.lru_cache(maxsize=256)
def pair_indices(count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the two positions of each pair i < j, in lexicographic order.

    >>> [positions.tolist() for positions in pair_indices(3, torch.device("cpu"))]
    [[0, 0, 1], [1, 2, 2]]
    """
    # Kept for later calls, which may be differentiated: not made in inference mode.
    with torch.inference_mode(mode=False):
        first, second = torch.triu_indices(count, count, 1, device=device)
        return first, second


@functools.lru_cache(maxsize=256)
def incidence(count: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the matrix (count, pairs) that is 1 where a constituent is in a pair.

    >>> incidence(3, torch.device("cpu"), torch.float32).tolist()
    [[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    """
    first, second = pair_indices(count, device)
    with torch.inference_mode(mode=False):
        matrix = torch.zeros(count, len(first), device=device, dtype=dtype)
        pairs = torch.arange(len(first), device=device)
        matrix[first, pairs] = 1
        matrix[second, pairs] = 1
        return matrix


@functools.lru_cache(maxsize=256)
def pairs_of_each(count: int, jets: int, device: torch.device) -> Tensor:
    """Return which pairs each constituent is in, for some jets one after another.

    Returns:
        (jets · count, count - 1), positions among the pairs of all these jets.

    >>> pairs_of_each(3, 2, torch.device("cpu")).tolist()
    [[0, 1], [0, 2], [1, 2], [3, 4], [3, 5], [4, 5]]
    """
    first, second = pair_indices(count, device)
    with torch.inference_mode(mode=False):
        numbers = torch.arange(len(first), device=device)
        table = torch.zeros(count, count, dtype=torch.long, device=device)
        table[first, second] = table[second, first] = numbers
        others = ~torch.eye(count, dtype=torch.bool, device=device)
        members = table[others].reshape(1, count, count - 1)
        starts = len(first) * torch.arange(jets, device=device)
        return (members + starts[:, None, None]).flatten(0, 1)


def sum_of_pairs(embedded: Tensor, count: int) -> Tensor:
    """Return the sum of what belongs to the pairs of each constituent.

    Args:
        embedded: (n, k(k - 1)/2, width), in the order of :func:`pair_indices`.
        count: Number k of constituents of each jet.

    Returns:
        (n, k, width).

    >>> sum_of_pairs(torch.tensor([[[1.0], [10.0], [100.0]]]), 3).flatten().tolist()
    [11.0, 101.0, 110.0]
    """
    jets, _, width = embedded.shape
    if count < 2:
        return embedded.new_zeros(jets, count, width)
    # A product with the matrix of who is in which pair takes ten times as long.
    members = pairs_of_each(count, jets, embedded.device)
    return embedding_bag(members, embedded.flatten(0, 1), mode="sum").reshape(jets, count, width)


def pairs_with(embedded: Tensor, count: int, slot: int) -> Tensor:
    """Return what belongs to the pairs of one constituent, by its partner; zero for itself.

    Args:
        embedded: (n, k(k - 1)/2, width), in the order of :func:`pair_indices`.
        count: Number k of constituents of each jet.
        slot: Position of the constituent.

    Returns:
        (n, k, width).

    >>> pairs_with(torch.tensor([[[1.0], [10.0], [100.0]]]), 3, 1).flatten().tolist()
    [1.0, 0.0, 100.0]
    """
    found = embedded.new_zeros(len(embedded), count, embedded.shape[2])
    if count > 1:
        partners = [partner for partner in range(count) if partner != slot]
        found[:, partners] = embedded[:, pairs_of_each(count, 1, embedded.device)[slot]]
    return found


def detector_momenta(particles: Tensor, jets: Tensor) -> Tensor:
    """Return the massless four-momenta of constituents.

    To be called for many jets at once: torch computes the last few numbers of an array with
    other instructions than the rest, and their cosh and sinh differ in the last bit.

    Args:
        particles: (n, k, 3) as pt [of the scalar sum], eta, phi [rad], relative to the jet.
        jets: (n, 3 or more), scalar sum of pt [GeV], eta and phi [rad] of the jet.

    Returns:
        (n, k, 4) as E, px, py, pz in GeV.
    """
    scale, eta_jet, phi_jet = (column[:, None] for column in jets.T[:3])
    pt, eta, phi = particles.unbind(dim=2)
    momentum, eta, phi = pt * scale, eta + eta_jet, phi + phi_jet
    angles = (torch.cosh(eta), torch.cos(phi), torch.sin(phi), torch.sinh(eta))
    return torch.stack([momentum * part for part in angles], dim=2)


def pair_features(
    particles: Tensor,
    momenta: Tensor,
    scale: Tensor,
    *,
    stable_mass: bool = False,
    indices: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Return ln ΔR, ln kT, ln z and ln m² of all pairs i < j.

    As published, m² is the difference of large sums in float32: for narrow pairs it is
    rounding noise, on which the shipped networks were trained (quirk B17).  The order of the
    operations is therefore the authors'.  Other kernels (a GPU, fused multiply-add) round
    otherwise and move single scores by a few per cent.

    Args:
        particles: (n, k, 3) as pt [of the scalar sum], eta, phi [rad], relative to the jet.
        momenta: (n, k, 4) from :func:`detector_momenta`.
        scale: (n,), scalar sum of pt [GeV] of the jet.
        stable_mass: Whether m² is taken from the differences of the angles, without
            cancellation (corrects B17).
        indices: The positions of the pairs, if they are at hand; else :func:`pair_indices`.

    Returns:
        (n, k(k - 1)/2, 4); kT in GeV and m² in GeV², 1e-5 added before each logarithm.
    """
    first, second = indices or pair_indices(particles.shape[1], particles.device)

    def of_both(values: Tensor) -> tuple[Tensor, Tensor]:
        values = values.contiguous()
        return values.index_select(1, first), values.index_select(1, second)

    (pt_one, pt_two), (eta_one, eta_two), (phi_one, phi_two) = map(of_both, particles.unbind(dim=2))
    eta_difference, phi_difference = eta_one - eta_two, phi_one - phi_two
    distance = torch.sqrt(eta_difference**2 + phi_difference**2)
    softer = torch.minimum(pt_one, pt_two)
    kt = softer * distance * scale[:, None]
    share = softer / (pt_one + pt_two + _SMALL)
    if stable_mass:
        one, two = of_both(particles[..., 0] * scale[:, None])
        angles = torch.sinh(eta_difference / 2) ** 2 + torch.sin(phi_difference / 2) ** 2
        mass_squared = 4 * (one * two) * angles
    else:
        energy, px, py, pz = (torch.add(*of_both(part)) for part in momenta.unbind(dim=2))
        mass_squared = torch.abs(energy**2 - px**2 - py**2 - pz**2)
    features = torch.stack([distance, kt, share, mass_squared], dim=2)
    return torch.log(features + _SMALL)
