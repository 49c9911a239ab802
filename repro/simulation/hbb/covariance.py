"""Covariances of track parameters, from a card's resolutions.

The tables know the standard deviations; what ties the parameters together is geometry.  A
direction is measured beyond the first layer, and its error moves the impact parameter when the
track is carried back to the beam line.
"""

import numpy as np

from repro.data.arrays import FloatArray
from repro.simulation.hbb.tracker_card import TrackerCard

__all__ = ["information_of", "natural_covariance", "to_cms"]


def natural_covariance(
    pt: FloatArray, eta: FloatArray, radius: FloatArray, card: TrackerCard
) -> FloatArray:
    """Return covariances of (ln pt, lambda, phi, dxy, dsz), (n, 5, 5).

    In these parameters momentum and direction are measured independently.

    Args:
        pt: Transverse momenta [GeV], (n,).
        eta: Pseudorapidities, (n,).
        radius: Where the particles were made, distance from the beam line [cm], (n,).
        card: The tracker.
    """
    resolution, lever = card.resolution, card.lever
    sigma = {name: resolution.at(name, eta, pt) for name in resolution.tables}
    cosine = 1 / np.cosh(eta)
    found = np.zeros((len(pt), 5, 5))
    found[:, 0, 0] = sigma["pt"] ** 2
    found[:, 1, 1] = (cosine**2 * sigma["cot_theta"]) ** 2
    found[:, 2, 2] = sigma["phi"] ** 2
    found[:, 3, 3] = sigma["dxy"] ** 2
    found[:, 4, 4] = (cosine * sigma["dz"]) ** 2
    first = lever.layers[0]
    _tie(found, 2, 3, -np.minimum(first * sigma["phi"] / sigma["dxy"], lever.max_correlation))
    _tie(found, 1, 4, -np.minimum(first * sigma["cot_theta"] / sigma["dz"], lever.max_correlation))
    _tie(found, 3, 4, np.full(len(pt), lever.dxy_dsz))
    return _carry(found, _lost_lever(radius, lever.layers), cosine)


def _tie(covariance: FloatArray, row: int, column: int, correlation: FloatArray) -> None:
    value = correlation * np.sqrt(covariance[:, row, row] * covariance[:, column, column])
    covariance[:, row, column] = covariance[:, column, row] = value


def _lost_lever(radius: FloatArray, layers: FloatArray) -> FloatArray:
    """Return how much further out than usual the first hit is [cm]."""
    following = np.minimum(np.searchsorted(layers, radius), len(layers) - 1)
    return np.asarray(layers[following] - layers[0])


def _carry(covariance: FloatArray, further: FloatArray, cosine: FloatArray) -> FloatArray:
    """Carry the parameters back from further out: a shear, which keeps them positive."""
    shear = np.broadcast_to(np.eye(5), covariance.shape).copy()
    shear[:, 3, 2] = -further
    shear[:, 4, 1] = -further / cosine
    return np.asarray(shear @ covariance @ shear.transpose(0, 2, 1))


def to_cms(
    covariance: FloatArray, charge: FloatArray, pt: FloatArray, eta: FloatArray
) -> FloatArray:
    """Return covariances of CMS's (q/p, lambda, phi, dxy, dsz), (n, 5, 5).

    Args:
        covariance: As :func:`natural_covariance` returns.
        charge: Of the reconstructed tracks, (n,).
        pt: Their transverse momenta [GeV], (n,).
        eta: Their pseudorapidities, (n,).
    """
    # q/p = q cos(lambda) / pt, so that its relative error is -dpt/pt - tan(lambda) dlambda.
    inverse = charge / (pt * np.cosh(eta))
    jacobian = np.broadcast_to(np.eye(5), covariance.shape).copy()
    jacobian[:, 0, 0] = -inverse
    jacobian[:, 0, 1] = -inverse * np.sinh(eta)
    return np.asarray(jacobian @ covariance @ jacobian.transpose(0, 2, 1))


def information_of(covariance: FloatArray, phi: FloatArray, eta: FloatArray) -> FloatArray:
    """Return what tracks at their perigees know about a vertex [1/cm²], (n, 3, 3).

    Args:
        covariance: CMS's, (n, 5, 5).
        phi: Azimuths, (n,).
        eta: Pseudorapidities, (n,).
    """
    sine, cosine = np.tanh(eta), 1 / np.cosh(eta)
    across = np.stack([-np.sin(phi), np.cos(phi), np.zeros_like(phi)], axis=1)
    upwards = np.stack([-sine * np.cos(phi), -sine * np.sin(phi), cosine], axis=1)
    normal = np.stack([across, upwards], axis=1)
    weight = np.linalg.inv(covariance[:, 3:, 3:])
    return np.asarray(normal.transpose(0, 2, 1) @ weight @ normal)
