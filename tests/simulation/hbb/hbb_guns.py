"""Particles and tracks of known parameters, and cards with something switched off."""

import dataclasses

import numpy as np

from repro.simulation.hbb.objects import Tracks
from repro.simulation.hbb.tracker_card import load_tracker_card
from repro.simulation.particles import Particles

CARD = load_tracker_card()
PION = 0.13957039


def changed(card=CARD, **parts):
    """The card with changed values in some of its parts: ``changed(tails={"fraction": 0.0})``."""
    return dataclasses.replace(
        card,
        **{
            name: dataclasses.replace(getattr(card, name), **values)
            for name, values in parts.items()
        },
    )


def everything_found(card=CARD):
    """The card without inefficiency, tails, false tracks and those of other collisions."""
    sure = {
        kind: dataclasses.replace(efficiency, values=np.ones_like(efficiency.values))
        for kind, efficiency in card.efficiency.items()
    }
    card = dataclasses.replace(card, efficiency=sure)
    return changed(
        card,
        displaced={"efficiency": np.ones_like(card.displaced.efficiency)},
        density={"loss": 0.0},
        fakes={"fraction": 0.0},
        pileup={"density": 0.0},
        tails={"fraction": 0.0},
    )


def pions(event, momentum, vertex=None, charge=1.0, pdg=211):
    """Particles with these momenta [GeV], (n, 3), made at these places [cm], (n, 3)."""
    event, momentum = np.asarray(event), np.asarray(momentum, dtype=float)
    number = len(event)
    x, y, z = (np.zeros((number, 3)) if vertex is None else np.asarray(vertex)).T / 100
    signs = np.broadcast_to(np.asarray(charge, dtype=float), number).copy()
    energy = np.sqrt((momentum**2).sum(axis=1) + PION**2)
    px, py, pz = momentum.T
    return Particles(event, np.full(number, pdg), signs, px, py, pz, energy, x, y, z)


def vectors(pt, eta, phi):
    """Momenta, (n, 3)."""
    pt, eta, phi = np.broadcast_arrays(pt, eta, phi)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)


def spray(rng, events, each, pt=(1.0, 20.0), eta=2.2):
    """Prompt pions of both charges, everywhere."""
    number = events * each
    momentum = vectors(
        np.exp(rng.uniform(*np.log(pt), number)),
        rng.uniform(-eta, eta, number),
        rng.uniform(-np.pi, np.pi, number),
    )
    return pions(np.repeat(np.arange(events), each), momentum, charge=rng.choice([-1, 1], number))


def decays(rng, places, momentum, each=4, kick=0.7):
    """Pions from decays at these places [cm], around the decaying particles' momenta; (m, 3).

    Each gets an equal part of the momentum and a kick [GeV] of its own.
    """
    number = len(places) * each
    event = np.repeat(np.arange(len(places)), each)
    parts = momentum[event] / each + kick * rng.standard_normal((number, 3))
    return pions(event, parts, places[event], charge=rng.choice([-1, 1], number))


def together(*parts):
    joined = Particles(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in Particles.__dataclass_fields__
        )
    )
    return joined[np.argsort(joined.event, kind="stable")]


def rotated(tracks, angle):
    return dataclasses.replace(tracks, phi=(tracks.phi + angle + np.pi) % (2 * np.pi) - np.pi)


def assert_same_bytes(first, second):
    for name in type(first).__dataclass_fields__:
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes(), name


def no_tracks():
    return Tracks(
        **{
            name: np.zeros((0, 5, 5)) if name == "covariance" else np.zeros(0)
            for name in Tracks.__dataclass_fields__
        }
        | {name: np.zeros(0, dtype=np.int64) for name in ("event", "particle", "quality")}
    )
