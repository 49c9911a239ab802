"""Presets of the simulation: generator settings, detector card and selection, as data."""

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from repro.errors import UnknownName, did_you_mean
from repro.simulation.card import card_text

__all__ = ["PROCESSES", "Benchmark", "Preset", "find_preset", "load_presets"]

PROCESSES = ("qcd", "top")
"""Classes of jets; the position is the label."""


@dataclass(frozen=True)
class Benchmark:
    """Which jets belong to the benchmark.

    Attributes:
        radius: Of the anti-kT jets.
        pt: Least and largest transverse momentum of a jet [GeV].
        max_abs_eta: Largest |eta| of a jet.
        match_radius: Largest distance in eta and phi from a top jet's axis to the top quark and
            its three quarks.
        constituents: Places for constituents in a row.
        prefilter_min_pt: Least transverse momentum of a jet of particles, before the
            detector [GeV].
        prefilter_max_abs_eta: Largest |eta| of such a jet.
    """

    radius: float
    pt: tuple[float, float]
    max_abs_eta: float
    match_radius: float
    constituents: int
    prefilter_min_pt: float
    prefilter_max_abs_eta: float


@dataclass(frozen=True)
class Preset:
    """One way to simulate the benchmark.

    Attributes:
        name: Its name on the command line.
        title: What it stands for.
        description: In sentences.
        card: Name of the detector card.
        leading_jets: How many jets of an event are looked at, in the order of pt.
        settings: Pythia's settings of each class.
        benchmark: Which jets are kept.
        version: Of the code that makes jets.
    """

    name: str
    title: str
    description: str
    card: str
    leading_jets: int
    settings: dict[str, tuple[str, ...]]
    benchmark: Benchmark
    version: int

    @property
    def card_text(self) -> str:
        """The detector card, word for word."""
        return card_text(self.card)


@functools.cache
def load_presets() -> dict[str, Preset]:
    """Return all presets by name.

    >>> load_presets()["matched"].leading_jets
    2
    """
    text = resources.files("repro.simulation").joinpath("presets.toml").read_text("utf-8")
    data = tomllib.loads(text)
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in data["benchmark"].items()
    }
    benchmark = Benchmark(**fields)
    return {name: _preset(name, entry, data, benchmark) for name, entry in data["preset"].items()}


def find_preset(name: str) -> Preset:
    """Return a preset.

    Raises:
        UnknownName: If there is no such preset.
    """
    presets = load_presets()
    if name not in presets:
        hint = did_you_mean(name, presets)
        raise UnknownName(f"unknown preset {name!r}{hint}: choose from {', '.join(presets)}")
    return presets[name]


def _preset(name: str, entry: dict[str, Any], data: dict[str, Any], benchmark: Benchmark) -> Preset:
    settings = {
        process: (
            *data["common"]["settings"],
            *data["process"][process]["settings"],
            *entry["settings"],
        )
        for process in PROCESSES
    }
    return Preset(
        name=name,
        title=entry["title"],
        description=entry["description"],
        card=entry["card"],
        leading_jets=entry["leading_jets"],
        settings=settings,
        benchmark=benchmark,
        version=data["version"],
    )
