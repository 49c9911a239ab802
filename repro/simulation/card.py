"""Detector cards: what a detector does to particles, read from ``cards/<name>.toml``.

The model of :mod:`repro.simulation.detector` is one; what distinguishes detectors is data.
Quantities are in GeV, tesla, metres and radians.
"""

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from repro.data.arrays import FloatArray, IntArray
from repro.errors import UnknownName

__all__ = [
    "Calorimeter",
    "Card",
    "Efficiency",
    "Field",
    "Grid",
    "Resolution",
    "TrackKind",
    "card_text",
    "load_card",
    "parse_card",
]

ENERGY_FLOWS = ("replace", "combine")
SMEARINGS = ("gaussian", "log-normal")

_HADRON, _ELECTRON = 211, 11


@dataclass(frozen=True)
class Field:
    """A solenoidal field along +z [T] in a cylinder [m] that the calorimeters surround."""

    strength: float
    radius: float
    half_length: float


@dataclass(frozen=True, eq=False)
class Efficiency:
    """Probability that a charged particle gives a track, in bins of |eta| and pt [GeV].

    Edges are upper edges, inclusive; beyond the last edge it is 0.
    """

    abs_eta: FloatArray
    pt: FloatArray
    values: FloatArray

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.abs_eta), len(self.pt)):
            raise ValueError(f"efficiencies {self.values.shape} do not fit their bins")

    def at(self, eta: FloatArray, pt: FloatArray) -> FloatArray:
        """Return the probabilities."""
        row, column = np.searchsorted(self.abs_eta, np.abs(eta)), np.searchsorted(self.pt, pt)
        return np.pad(self.values, (0, 1))[row, column]


@dataclass(frozen=True, eq=False)
class Resolution:
    """A resolution in bins of |eta|, upper edges inclusive; beyond the last edge it is 0.

    Of tracks, relative to pt: ``constant ⊕ linear·pt``.  Of calorimeters, of the energy:
    ``constant·E ⊕ stochastic·√E ⊕ noise`` [GeV].
    """

    abs_eta: FloatArray
    terms: dict[str, FloatArray]

    def __post_init__(self) -> None:
        if any(values.shape != self.abs_eta.shape for values in self.terms.values()):
            raise ValueError("terms of a resolution do not fit its bins")

    def of_track(self, eta: FloatArray, pt: FloatArray) -> FloatArray:
        """Return the relative resolution of pt."""
        constant, linear = self._at(eta, "constant"), self._at(eta, "linear")
        return np.hypot(constant, linear * pt)

    def of_energy(self, eta: FloatArray, energy: FloatArray) -> FloatArray:
        """Return the resolution of an energy [GeV]."""
        constant, stochastic = self._at(eta, "constant"), self._at(eta, "stochastic")
        noise = self._at(eta, "noise")
        return np.sqrt((constant * energy) ** 2 + stochastic**2 * energy + noise**2)

    def _at(self, eta: FloatArray, term: str) -> FloatArray:
        padded = np.append(self.terms[term], 0.0)
        return np.asarray(padded[np.searchsorted(self.abs_eta, np.abs(eta))])


@dataclass(frozen=True)
class TrackKind:
    """How one kind of charged particle is tracked."""

    efficiency: Efficiency
    resolution: Resolution


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells of a calorimeter in eta and phi.

    Attributes:
        name: What calorimeters call it.
        edges: (rings + 1,), edges in eta.
        phi_cells: (rings,), equal cells in phi of each ring, the first one from -π.
    """

    name: str
    edges: FloatArray
    phi_cells: IntArray

    @functools.cached_property
    def first(self) -> IntArray:
        """(rings + 1,), number of the first cell of each ring, then the number of all cells."""
        return np.concatenate([[0], np.cumsum(self.phi_cells)])

    def cell_of(self, eta: FloatArray, phi: FloatArray) -> IntArray:
        """Return the number of the cell at each place; -1 where there is none."""
        ring = np.searchsorted(self.edges, eta) - 1
        inside = (ring >= 0) & (ring < len(self.phi_cells))
        ring = np.where(inside, ring, 0)
        count = self.phi_cells[ring]
        column = np.floor((phi + np.pi) / (2 * np.pi) * count).astype(np.int64)
        # A phi of +π within rounding belongs to the last cell.
        cell = self.first[ring] + np.clip(column, 0, count - 1)
        return np.where(inside, cell, -1)

    def box_of(self, cell: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return lower eta, width in eta, lower phi and width in phi of each cell."""
        ring = np.searchsorted(self.first, cell, side="right") - 1
        width = 2 * np.pi / self.phi_cells[ring]
        column = cell - self.first[ring]
        return self.edges[ring], np.diff(self.edges)[ring], column * width - np.pi, width


@dataclass(frozen=True, eq=False)
class Calorimeter:
    """One calorimeter.

    Attributes:
        name: ``ecal`` or ``hcal``.
        grid: Name of its grid; calorimeters on the same grid share the place of an object.
        energy_flow: ``replace`` or ``combine``, see :mod:`repro.simulation.energy_flow`.
        threshold: Least energy that is seen [GeV].
        significance: Least energy that is seen, in units of its resolution.
        resolution: Of the energy.
        fractions: Part of a particle's energy that it gets, by |PDG id|.
        default: The same for all other particles.
    """

    name: str
    grid: str
    energy_flow: str
    threshold: float
    significance: float
    resolution: Resolution
    fractions: dict[int, float]
    default: float

    def fraction_of(self, pdg: IntArray) -> FloatArray:
        """Return the part of each particle's energy that is deposited here."""
        found = np.full(len(pdg), self.default)
        absolute = np.abs(pdg)
        for code, fraction in self.fractions.items():
            found[absolute == code] = fraction
        return found

    def seen(self, energy: FloatArray, eta: FloatArray) -> FloatArray:
        """Return the energies that pass both thresholds, and 0 for the others."""
        sigma = self.resolution.of_energy(eta, energy)
        passes = (energy >= self.threshold) & (energy >= self.significance * sigma)
        return np.where(passes, energy, 0.0)


@dataclass(frozen=True, eq=False)
class Card:
    """A detector.

    Attributes:
        name: Name of its file.
        title: In words.
        field: The magnetic field and its volume.
        smearing: How pt of tracks is smeared, ``gaussian`` or ``log-normal``.
        tracking: ``hadron``, ``electron`` and ``muon``.
        grids: By name.
        calorimeters: In the order in which particles meet them.
    """

    name: str
    title: str
    field: Field
    smearing: str
    tracking: dict[str, TrackKind]
    grids: dict[str, Grid]
    calorimeters: tuple[Calorimeter, ...]


@functools.cache
def load_card(name: str) -> Card:
    """Return a card that the package ships.

    Raises:
        UnknownName: If there is no such card.

    >>> load_card("atlas_delphes_3_3_2").field.strength
    2.0
    """
    return parse_card(tomllib.loads(card_text(name)))


def card_text(name: str) -> str:
    """Return a card that the package ships, word for word.

    Raises:
        UnknownName: If there is no such card.
    """
    folder = resources.files("repro.simulation").joinpath("cards")
    known = sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name[-5:] == ".toml")
    if name not in known:
        raise UnknownName(f"unknown detector card {name!r}: choose from {', '.join(known)}")
    return folder.joinpath(f"{name}.toml").read_text("utf-8")


def parse_card(data: dict[str, Any]) -> Card:
    """Return the card that a parsed TOML file describes.

    Raises:
        ValueError: If the values do not fit together.
        KeyError: If one is missing.
    """
    tracking = dict(data["tracking"])
    smearing = tracking.pop("smearing")
    calorimeters = tuple(map(_calorimeter, data["calorimeter"]))
    if smearing not in SMEARINGS or any(c.energy_flow not in ENERGY_FLOWS for c in calorimeters):
        raise ValueError(f"{data['name']}: unknown smearing or energy flow")
    grids = {entry["name"]: _grid(entry) for entry in data["grid"]}
    if any(calorimeter.grid not in grids for calorimeter in calorimeters):
        raise ValueError(f"{data['name']}: a calorimeter is on an unknown grid")
    for code in (_HADRON, _ELECTRON):
        # Energy flow accounts for a track in one calorimeter.
        if sum(c.fraction_of(np.array([code]))[0] > 0 for c in calorimeters) > 1:
            raise ValueError(f"{data['name']}: tracks of {code} deposit in two calorimeters")
    return Card(
        name=data["name"],
        title=data["title"],
        field=Field(**data["field"]),
        smearing=smearing,
        tracking={
            kind: TrackKind(
                Efficiency(**{key: np.array(v) for key, v in entry["efficiency"].items()}),
                _resolution(entry["resolution"]),
            )
            for kind, entry in tracking.items()
        },
        grids=grids,
        calorimeters=calorimeters,
    )


def _resolution(entry: dict[str, list[float]]) -> Resolution:
    terms = {key: np.array(values) for key, values in entry.items()}
    return Resolution(terms.pop("abs_eta"), terms)


def _grid(entry: dict[str, Any]) -> Grid:
    edges: list[float] = []
    phi_cells: list[int] = []
    for segment in entry["segments"]:
        part = segment.get("edges")
        if part is None:
            part = np.linspace(segment["first"], segment["last"], segment["cells"] + 1).tolist()
        if edges and part[0] != edges[-1]:
            raise ValueError(f"grid {entry['name']}: a segment starts at {part[0]}")
        edges += part[1:] if edges else part
        phi_cells += [segment["phi_cells"]] * (len(part) - 1)
    return Grid(entry["name"], np.array(edges), np.array(phi_cells))


def _calorimeter(entry: dict[str, Any]) -> Calorimeter:
    fractions = {key: float(value) for key, value in entry["fractions"].items()}
    default = fractions.pop("default")
    return Calorimeter(
        name=entry["name"],
        grid=entry["grid"],
        energy_flow=entry["energy_flow"],
        threshold=entry["threshold"],
        significance=entry["significance"],
        resolution=_resolution(entry["resolution"]),
        fractions={int(code): value for code, value in fractions.items()},
        default=default,
    )
