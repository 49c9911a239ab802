"""What a tracker's card consists of: numbers and tables, and what can be asked of them."""

from dataclasses import dataclass

import numpy as np

from repro.data.arrays import FloatArray

__all__ = [
    "Acceptance",
    "Annealing",
    "Arbitration",
    "Density",
    "Displaced",
    "Fakes",
    "Finder",
    "Fit",
    "Lever",
    "Matter",
    "Merging",
    "Pileup",
    "Primary",
    "Resolutions",
    "Tails",
]

PARAMETERS = ("pt", "cot_theta", "phi", "dxy", "dz")


@dataclass(frozen=True)
class Acceptance:
    """Which tracks are kept: least pt [GeV], largest |eta|; both of the reconstructed track."""

    min_pt: float
    max_abs_eta: float


@dataclass(frozen=True, eq=False)
class Resolutions:
    """Standard deviations of track parameters on a grid of |eta| and pt [GeV].

    Attributes:
        abs_eta: (rows,), ascending.
        pt_knots: (columns,), ascending.
        tables: By parameter (``pt`` relative, ``cot_theta``, ``phi`` [rad], ``dxy``, ``dz``
            [cm]), each (rows, columns).
    """

    abs_eta: FloatArray
    pt_knots: FloatArray
    tables: dict[str, FloatArray]

    def __post_init__(self) -> None:
        shape = (len(self.abs_eta), len(self.pt_knots))
        if set(self.tables) != set(PARAMETERS):
            raise ValueError(f"resolutions of {', '.join(sorted(self.tables))} are not all")
        if any(table.shape != shape or (table <= 0).any() for table in self.tables.values()):
            raise ValueError("resolutions do not fit their grid, or are not positive")

    def at(self, parameter: str, eta: FloatArray, pt: FloatArray) -> FloatArray:
        """Return the standard deviation of a parameter; logarithms are interpolated.

        Args:
            parameter: One of the tables' names.
            eta: Pseudorapidities of the tracks, (n,).
            pt: Their transverse momenta [GeV], (n,).
        """
        logs = np.log(self.tables[parameter])
        knots, place = np.log(self.pt_knots), np.log(pt)
        rows = np.stack([np.interp(place, knots, row) for row in logs])
        absolute = np.maximum(np.abs(eta), self.abs_eta[0])
        low = np.clip(np.searchsorted(self.abs_eta, absolute) - 1, 0, len(self.abs_eta) - 2)
        share = (absolute - self.abs_eta[low]) / np.diff(self.abs_eta)[low]
        column = np.arange(len(place))
        return np.asarray(np.exp((1 - share) * rows[low, column] + share * rows[low + 1, column]))


@dataclass(frozen=True, eq=False)
class Lever:
    """How errors of directions go over into those of impact parameters.

    Attributes:
        layers: Radii of the layers, ascending [cm].
        max_correlation: The largest |correlation| of a direction and its impact parameter.
        dxy_dsz: Correlation of the two impact parameters.
    """

    layers: FloatArray
    max_correlation: float
    dxy_dsz: float


@dataclass(frozen=True)
class Tails:
    """Log-normal spread of errors; fraction of tracks whose errors are ``scale`` times theirs."""

    spread: float
    fraction: float
    scale: float


@dataclass(frozen=True, eq=False)
class Displaced:
    """Efficiency relative to prompt particles by radius of production [cm]; 0 beyond the last."""

    radius: FloatArray
    efficiency: FloatArray

    def at(self, radius: FloatArray) -> FloatArray:
        """Return the relative efficiencies."""
        return np.asarray(np.interp(radius, self.radius, self.efficiency))


@dataclass(frozen=True)
class Density:
    """Each charged neighbour within ``radius`` in eta and phi costs the part ``loss``."""

    radius: float
    loss: float


@dataclass(frozen=True)
class Fakes:
    """False tracks: how many per true one, and how they look, see the card."""

    fraction: float
    mean_pt: float
    distance: float
    dxy: float
    dz: float
    error: float


@dataclass(frozen=True)
class Pileup:
    """Tracks of other collisions that are left.

    Attributes:
        density: For each unit of eta and phi.
        mean_pt: Of the exponential above the least pt [GeV].
        distance: Standard deviation along the beams from the collision [cm].
    """

    density: float
    mean_pt: float
    distance: float


@dataclass(frozen=True, eq=False)
class Matter:
    """What particles pass, and what comes of hadrons that interact.

    Attributes:
        abs_eta: (rows,), ascending.
        radiation_lengths, interaction_lengths: Thickness of the whole tracker there, (rows,).
        radius: Of the cylinders that have it, ascending [cm].
        share: Part of the thickness that each has.
        min_pt: Softer particles are let pass [GeV].
        multiplicity: Debris beyond two, for each unit of the logarithm of the momentum in GeV.
        kick: Of debris, each component [GeV].
    """

    abs_eta: FloatArray
    radiation_lengths: FloatArray
    interaction_lengths: FloatArray
    radius: FloatArray
    share: FloatArray
    min_pt: float
    multiplicity: float
    kick: float

    def __post_init__(self) -> None:
        if not len(self.abs_eta) == len(self.radiation_lengths) == len(self.interaction_lengths):
            raise ValueError("the thickness of matter does not fit its |eta|")
        if len(self.radius) != len(self.share) or self.share.sum() > 1:
            raise ValueError("the layers' shares of matter do not fit their radii, or exceed 1")


@dataclass(frozen=True)
class Fit:
    """chi2 and quality bits of tracks; degrees of freedom from the first up to the last."""

    degrees_of_freedom: tuple[int, int]
    tail_scale: float
    fake_scale: float
    quality: int
    low_quality: int
    low_fraction: float


@dataclass(frozen=True)
class Annealing:
    """Weights of an adaptive fit: cut [standard deviations], first temperature, its ratio."""

    cut: float
    temperature: float
    ratio: float


@dataclass(frozen=True)
class Primary:
    """How well primary vertices are measured [cm], see the card."""

    max_significance: float
    floor: float
    beam_transverse: float
    beam_longitudinal: float
    annealing: Annealing


@dataclass(frozen=True)
class Arbitration:
    """Which tracks a found vertex takes and keeps."""

    max_delta_r: float
    max_distance: float
    max_significance: float
    max_flight_fraction: float


@dataclass(frozen=True)
class Merging:
    """Two vertices are one that share this part of tracks and are this close (significance)."""

    max_shared: float
    min_significance: float


@dataclass(frozen=True)
class Finder:
    """Cuts of the search for secondary vertices, see the card; lengths in cm."""

    min_pt: float
    max_dz: float
    max_tracks: int
    seed_min_ip: float
    seed_min_significance: float
    seed_max_significance: float
    cluster_max_distance: float
    cluster_max_significance: float
    cluster_min_cosine: float
    distance_ratio: float
    vertex_min_cosine: float
    vertex_min_significance_2d: float
    vertex_min_significance: float
    vertex_max_normchi2: float
    min_weight: float
    primary_cut: float
    secondary_cut: float
    annealing: Annealing
    arbitration: Arbitration
    merging: tuple[Merging, Merging]
