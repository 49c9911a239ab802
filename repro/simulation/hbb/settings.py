"""How the H→bb̄ and QCD jets are simulated, as data: ``settings.toml``."""

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from repro.data.arrays import FloatArray
from repro.errors import UnknownName, did_you_mean

__all__ = [
    "HbbPreset",
    "Response",
    "Selection",
    "Settings",
    "Source",
    "load_settings",
    "settings_text",
]

DIJETS = "dijets"


@dataclass(frozen=True)
class Source:
    """One process of the generator.

    Attributes:
        name: What it is.
        process: ``graviton`` or ``dijets``; the latter is the sample of QCD jets.
        shares: How many of a chunk's jets come from it, by preset.
        settings: Pythia's settings.
    """

    name: str
    process: str
    shares: dict[str, int]
    settings: tuple[str, ...]

    @property
    def is_qcd(self) -> bool:
        """Whether its jets are of a QCD sample (``sample_isQCD``)."""
        return self.process == DIJETS


@dataclass(frozen=True)
class Response:
    """How a calorimeter measures single particles.

    Attributes:
        stochastic: Of the relative resolution, over the square root of the energy [sqrt(GeV)].
        noise: Over the energy [GeV].
        constant: What is left at high energies.
        threshold: Least energy that is seen [GeV].
    """

    stochastic: float
    noise: float
    constant: float
    threshold: float

    def sigma(self, energy: FloatArray) -> FloatArray:
        """Return the resolution [GeV].

        >>> Response(0.6, 0.0, 0.8, 0.0).sigma(np.array([1.0])).tolist()
        [1.0]
        """
        parts = self.stochastic**2 * energy + self.noise**2 + (self.constant * energy) ** 2
        return np.sqrt(parts)


@dataclass(frozen=True)
class Selection:
    """Which jets there are, and what belongs to them; the numbers of ``settings.toml``.

    Attributes:
        radius: Of the anti-kT jets.
        max_abs_eta: Largest |eta| of a jet.
        candidate_min_pt: Least transverse momentum of candidates that are counted [GeV].
        vertex_radius: Largest distance of a vertex's momentum from the axis.
        match_radius: Largest distance of a Higgs boson from the axis.
        soft_drop_cut: The z of soft drop.
        tracks: Most tracks that are kept of a jet.
        vertices: Most vertices that are kept of a jet.
    """

    radius: float
    max_abs_eta: float
    candidate_min_pt: float
    vertex_radius: float
    match_radius: float
    soft_drop_cut: float
    tracks: int
    vertices: int


@dataclass(frozen=True)
class HbbPreset:
    """Which jets are kept.

    Attributes:
        name: Its name on the command line.
        title: In words.
        pt: Least and largest transverse momentum [GeV].
        sdmass: Least and largest soft-drop mass [GeV].
    """

    name: str
    title: str
    pt: tuple[float, float]
    sdmass: tuple[float, float]


@dataclass(frozen=True)
class Settings:
    """Everything.

    Attributes:
        version: Of the code that makes jets.
        tracker: Name of the tracker's card.
        selection: Of jets.
        photons: How photons and electrons without a track are measured.
        hadrons: How neutral hadrons, and charged ones without a track, are measured.
        calorimeter_max_abs_eta: Where calorimeters end.
        soft_min_pt: Least transverse momentum of tracks that are too soft for the list [GeV].
        soft_resolution: Relative resolution of their transverse momentum.
        sources: Processes; their position is the number in ``source`` of a jet.
        presets: Which jets are kept, by name.
    """

    version: int
    tracker: str
    selection: Selection
    photons: Response
    hadrons: Response
    calorimeter_max_abs_eta: float
    soft_min_pt: float
    soft_resolution: float
    sources: tuple[Source, ...]
    presets: dict[str, HbbPreset]

    @property
    def chunk_jets(self) -> int:
        """Jets of a full chunk, of any preset."""
        (jets,) = {sum(s.shares[name] for s in self.sources) for name in self.presets}
        return jets

    def find_preset(self, name: str) -> HbbPreset:
        """Return a preset.

        Raises:
            UnknownName: If there is no such preset.
        """
        if name not in self.presets:
            raise UnknownName(
                f"unknown preset {name!r}{did_you_mean(name, self.presets)}: choose from "
                f"{', '.join(self.presets)}"
            )
        return self.presets[name]


@functools.cache
def load_settings() -> Settings:
    """Return the settings.

    >>> load_settings().chunk_jets
    600
    """
    document = tomllib.loads(settings_text())
    calorimeter, soft = document["calorimeter"], document["soft_tracks"]
    return Settings(
        version=document["version"],
        tracker=document["tracker"],
        selection=Selection(**document["selection"]),
        photons=Response(**calorimeter["photons"]),
        hadrons=Response(**calorimeter["hadrons"]),
        calorimeter_max_abs_eta=calorimeter["max_abs_eta"],
        soft_min_pt=soft["min_pt"],
        soft_resolution=soft["resolution"],
        sources=tuple(_source(entry, document) for entry in document["source"]),
        presets={
            name: HbbPreset(name, entry["title"], tuple(entry["pt"]), tuple(entry["sdmass"]))
            for name, entry in document["preset"].items()
        },
    )


def settings_text() -> str:
    """Return the file, word for word."""
    return resources.files("repro.simulation.hbb").joinpath("settings.toml").read_text("utf-8")


def _source(entry: dict[str, Any], document: dict[str, Any]) -> Source:
    settings = (
        *document["common"]["settings"],
        *document[entry["process"]]["settings"],
        *entry["settings"],
    )
    return Source(entry["name"], entry["process"], entry["shares"], settings)
