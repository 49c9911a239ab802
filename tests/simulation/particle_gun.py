"""Particles of known momentum, one or a few in each of many events."""

import numpy as np

from repro.simulation.particles import Particles, cylindrical

CHARGES = {11: -1, 13: -1, 14: 0, 22: 0, 130: 0, 211: 1, 310: 0, 321: 1, 2112: 0, 2212: 1}


def charge_of(pdg):
    return np.sign(pdg) * CHARGES[abs(pdg)]


def shoot(pdg, pt, *, eta=0.05, phi=0.1, copies=1, mass=0.0, vertex=(0.0, 0.0, 0.0)):
    """One particle in each of ``copies`` events."""
    ones = np.ones(copies)
    px, py, pz = pt * np.cos(phi) * ones, pt * np.sin(phi) * ones, pt * np.sinh(eta) * ones
    energy = np.sqrt(px**2 + py**2 + pz**2 + mass**2)
    x, y, z = (place * ones for place in vertex)
    codes = np.full(copies, pdg)
    charge = float(charge_of(pdg)) * ones
    return Particles(np.arange(copies), codes, charge, px, py, pz, energy, x, y, z)


def together(*parts):
    """The particles of all parts, event by event."""
    names = Particles.__dataclass_fields__
    joined = Particles(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))
    return joined[np.argsort(joined.event, kind="stable")]


def nothing():
    return shoot(22, 1.0, copies=0)


def places(objects):
    """Transverse momentum, eta and phi of objects."""
    return cylindrical(objects.px, objects.py, objects.pz)
