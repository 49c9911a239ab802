"""Toy jets with known pt, eta and phi, for the tests of features and networks."""

import numpy as np


def toy_jets(seed, jets, constituents, radius=0.8, centre=None):
    """Return massless constituents (jets, constituents, 4), ordered by pt, in float64."""
    rng = np.random.default_rng(seed)
    pt = np.sort(rng.exponential(20, (jets, constituents)) + 0.5, axis=1)[:, ::-1]
    eta_jet = rng.uniform(-1.5, 1.5, (jets, 1))
    phi_jet = rng.uniform(-np.pi, np.pi, (jets, 1)) if centre is None else centre
    distance = radius * rng.random((jets, constituents)) ** 1.5
    angle = rng.uniform(-np.pi, np.pi, (jets, constituents))
    return momenta(pt, eta_jet + distance * np.cos(angle), phi_jet + distance * np.sin(angle))


def momenta(pt, eta, phi):
    """Return E, px, py, pz of massless vectors."""
    parts = [pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]
    return np.stack(parts, axis=-1)


def jets_of(counts, slots, seed=0):
    """Return one toy jet for each number of constituents, padded, in float32."""
    padded = np.zeros((len(counts), slots, 4), np.float32)
    for row, count in enumerate(counts):
        padded[row, :count] = toy_jets(seed + row, 1, count)[0]
    return padded
