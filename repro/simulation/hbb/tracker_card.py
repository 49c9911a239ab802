"""The card of a tracker, read from ``cards/cms_tracker.toml``: numbers, each with its source."""

import functools
import tomllib
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.simulation.card import Efficiency, card_text
from repro.simulation.hbb.tracker_parts import (
    Acceptance,
    Annealing,
    Arbitration,
    Density,
    Displaced,
    Fakes,
    Finder,
    Fit,
    Lever,
    Matter,
    Merging,
    Pileup,
    Primary,
    Resolutions,
    Tails,
)

__all__ = ["TrackerCard", "load_tracker_card", "parse_tracker_card"]

KINDS = ("hadron", "electron", "muon")


@dataclass(frozen=True, eq=False)
class TrackerCard:
    """A tracker.

    Attributes:
        name, title: Name of its file, and in words.
        field: Along +z [T].
        acceptance, resolution, lever, tails: Which tracks there are and how they are measured.
        efficiency: Of ``hadron``, ``electron`` and ``muon``.
        displaced, density: What lowers the efficiency.
        matter: What particles pass.
        fakes, pileup, fit, primary, finder: As their classes say.
    """

    name: str
    title: str
    field: float
    acceptance: Acceptance
    resolution: Resolutions
    lever: Lever
    tails: Tails
    efficiency: dict[str, Efficiency]
    displaced: Displaced
    density: Density
    matter: Matter
    fakes: Fakes
    pileup: Pileup
    fit: Fit
    primary: Primary
    finder: Finder


@functools.cache
def load_tracker_card(name: str = "cms_tracker") -> TrackerCard:
    """Return a tracker card that the package ships.

    Raises:
        UnknownName: If there is no such card.

    >>> load_tracker_card().field
    3.8
    """
    return parse_tracker_card(tomllib.loads(card_text(name)))


def parse_tracker_card(data: dict[str, Any]) -> TrackerCard:
    """Return the card that a parsed TOML file describes.

    Raises:
        ValueError: If the values do not fit together.
        KeyError: If one is missing.
    """
    grid = {key: np.array(values) for key, values in data["resolution"].items()}
    lever, finder, fit = dict(data["lever"]), dict(data["finder"]), dict(data["fit"])
    primary = dict(data["primary"])
    if set(data["efficiency"]) != set(KINDS):
        raise ValueError(f"{data['name']}: efficiencies are wanted of {', '.join(KINDS)}")
    first, last = fit.pop("degrees_of_freedom")
    before, after = (Merging(**entry) for entry in finder.pop("merging"))
    return TrackerCard(
        name=data["name"],
        title=data["title"],
        field=data["field"],
        acceptance=Acceptance(**data["acceptance"]),
        resolution=Resolutions(grid.pop("abs_eta"), grid.pop("pt_knots"), grid),
        lever=Lever(np.array(lever.pop("layers")), **lever),
        tails=Tails(**data["tails"]),
        efficiency={
            kind: Efficiency(**{key: np.array(values) for key, values in entry.items()})
            for kind, entry in data["efficiency"].items()
        },
        displaced=Displaced(**{key: np.array(v) for key, v in data["displaced"].items()}),
        density=Density(**data["density"]),
        matter=Matter(**{key: _plain(value) for key, value in data["matter"].items()}),
        fakes=Fakes(**data["fakes"]),
        pileup=Pileup(**data["pileup"]),
        fit=Fit((first, last), **fit),
        primary=Primary(annealing=Annealing(**primary.pop("annealing")), **primary),
        finder=Finder(
            annealing=Annealing(**finder.pop("annealing")),
            arbitration=Arbitration(**finder.pop("arbitration")),
            merging=(before, after),
            **finder,
        ),
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - a number, or an array of them
    return np.array(value) if isinstance(value, list) else value
