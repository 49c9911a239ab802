"""Helices of charged particles near the beam line: their parameters, and where they come close.

A helix is described at its perigee, the point closest to the z axis, by the signed radius of its
circle (positive charges turn clockwise in a field along +z), by the azimuth and the slope there,
and by CMS's impact parameters (``reco::TrackBase``): the perigee is (-dxy sin φ, dxy cos φ, dz).
Lengths are in cm.  A place on a helix is given by its path: transverse length from the perigee.
"""

import functools
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.hbb.objects import Tracks
from repro.simulation.particles import Particles, wrap_angle

__all__ = ["Approach", "Helices", "closest_pairs", "curvature_of"]

# GeV per tesla and centimetre: pt = 0.002998 B r for a particle of charge 1.
_GEV_PER_TESLA_CENTIMETRE = 0.299792458e-2
_CENTIMETRES = 100.0  # particles are in m
# Newton's steps from the crossing of circles to the points of closest approach.
_STEPS = 3
_MAX_STEP = 5.0
# 1 - cos² of an angle of 1e-6 rad, below which two lines are parallel to rounding.
_PARALLEL = 1e-12


@dataclass(frozen=True, eq=False)
class Helices:
    """Helices; arrays of shape (n,).

    Attributes:
        radius: Of the circle, with the sign of the charge [cm].
        phi: Azimuth of the momentum at the perigee.
        slope: pz/pt.
        dxy, dz: Impact parameters [cm].
    """

    radius: FloatArray
    phi: FloatArray
    slope: FloatArray
    dxy: FloatArray
    dz: FloatArray

    @classmethod
    def of_tracks(cls, tracks: Tracks, field: float) -> Self:
        """Return the tracks' helices, with the primary vertex as origin, in a field [T]."""
        radius = 1 / curvature_of(tracks.charge / tracks.pt, field)
        return cls(radius, tracks.phi, np.sinh(tracks.eta), tracks.dxy, tracks.dz)

    @classmethod
    def of_particles(cls, particles: Particles, field: float) -> Self:
        """Return the helices of charged particles from where they were made, in a field [T]."""
        pt = np.hypot(particles.px, particles.py)
        radius = 1 / curvature_of(particles.charge / pt, field)
        direction, slope = np.arctan2(particles.py, particles.px), particles.pz / pt
        x, y, z = (_CENTIMETRES * place for place in (particles.x, particles.y, particles.z))
        centre_x, centre_y = x + radius * np.sin(direction), y - radius * np.cos(direction)
        sign = np.sign(radius)
        phi = np.arctan2(sign * centre_x, -sign * centre_y)
        path = radius * wrap_angle(direction - phi)
        dxy = radius - sign * np.hypot(centre_x, centre_y)
        return cls(radius, phi, slope, dxy, z + path * slope)

    def __len__(self) -> int:
        return len(self.phi)

    def __getitem__(self, chosen: NDArray[np.bool_] | IntArray) -> Self:
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    @functools.cached_property
    def centre(self) -> tuple[FloatArray, FloatArray]:
        """X and y of the circle's centre."""
        arm = self.radius - self.dxy
        return arm * np.sin(self.phi), -arm * np.cos(self.phi)

    def position(self, path: FloatArray) -> FloatArray:
        """Return the points at these paths, (n, 3)."""
        phi, centre = self.phi - path / self.radius, self.centre
        x, y = centre[0] - self.radius * np.sin(phi), centre[1] + self.radius * np.cos(phi)
        return np.stack([x, y, self.dz + path * self.slope], axis=1)

    def direction(self, path: FloatArray) -> FloatArray:
        """Return the unit vectors of the momentum at these paths, (n, 3)."""
        phi, cosine = self.phi - path / self.radius, 1 / np.hypot(1, self.slope)
        return np.stack([cosine * np.cos(phi), cosine * np.sin(phi), cosine * self.slope], axis=1)

    def path_near(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the paths that come closest to points in the transverse plane."""
        centre_x, centre_y = self.centre
        sign = np.sign(self.radius)
        phi = np.arctan2(sign * (centre_x - x), sign * (y - centre_y))
        return np.asarray(self.radius * wrap_angle(self.phi - phi))

    def approach(self, points: FloatArray) -> "Approach":
        """Return how the helices come closest to points, one for each, (n, 3).

        Across the beam it is exact; along it one step is made, which is right as long as the
        helix is straight over the distance in z.
        """
        path = self.path_near(points[:, 0], points[:, 1])
        cosine_squared = 1 / (1 + self.slope**2)
        path = path + (points[:, 2] - self.dz - path * self.slope) * self.slope * cosine_squared
        position, along = self.position(path), self.direction(path)
        phi = self.phi - path / self.radius
        across = np.stack([-np.sin(phi), np.cos(phi), np.zeros_like(phi)], axis=1)
        # Rows: across in the transverse plane, and upwards, both at right angles to the momentum.
        return Approach(path, position, np.stack([across, np.cross(along, across)], axis=1))

    def transport(self, path: FloatArray, field: float) -> FloatArray:
        """Return the derivatives of the position at these paths, (n, 2, 5).

        Rows are across and upwards as in :class:`Approach`, columns q/p, lambda, phi, dxy, dsz.
        To first order in the turn; scattering on the way is left out.
        """
        secant = np.hypot(1, self.slope)
        bend = -(path**2) / 2 * curvature_of(1.0, field)
        rows = np.zeros((len(self), 2, 5))
        momentum_inverse = 1 / (self.radius * curvature_of(1.0, field) * secant)
        rows[:, 0, 0] = bend * secant
        rows[:, 0, 1] = bend * momentum_inverse * self.slope * secant
        rows[:, 0, 2] = path
        rows[:, 0, 3] = 1.0
        rows[:, 1, 1] = path * secant
        rows[:, 1, 4] = 1.0
        return rows


@dataclass(frozen=True, eq=False)
class Approach:
    """Where helices are closest to points.

    Attributes:
        path: (n,), where on the helix.
        position: (n, 3), the point of the helix.
        normal: (n, 2, 3), unit vectors at right angles to the momentum, the first one in the
            transverse plane.
    """

    path: FloatArray
    position: FloatArray
    normal: FloatArray


def curvature_of(charge_over_pt: FloatArray | float, field: float) -> FloatArray:
    """Return the signed curvature [1/cm] for a charge over pt [1/GeV] in a field [T].

    >>> round(float(1 / curvature_of(1.0, 3.8)), 2)
    87.78
    """
    return np.asarray(charge_over_pt) * (_GEV_PER_TESLA_CENTIMETRE * field)


def closest_pairs(first: Helices, second: Helices) -> tuple[FloatArray, FloatArray]:
    """Return the paths of the points where pairs of helices are closest, each (n,).

    As CMSSW's TwoTrackMinimumDistanceHelixHelix, Newton's steps from a crossing of the two
    circles; they start from that crossing, or from the perigees, where the helices are closest.
    """
    paths = _nearest_start(first, second)
    for _ in range(_STEPS):
        apart = second.position(paths[1]) - first.position(paths[0])
        one, other = first.direction(paths[0]), second.direction(paths[1])
        cosine = (one * other).sum(axis=1)
        ahead, behind = (one * apart).sum(axis=1), (other * apart).sum(axis=1)
        scale = np.maximum(1 - cosine**2, _PARALLEL)
        steps = (ahead - cosine * behind) / scale, (cosine * ahead - behind) / scale
        paths = (
            paths[0] + np.clip(steps[0], -_MAX_STEP, _MAX_STEP) / np.hypot(1, first.slope),
            paths[1] + np.clip(steps[1], -_MAX_STEP, _MAX_STEP) / np.hypot(1, second.slope),
        )
    return paths


def _nearest_start(first: Helices, second: Helices) -> tuple[FloatArray, FloatArray]:
    """Return the paths to the crossings of the circles or the perigees, whichever are closest."""
    best = np.zeros(len(first)), np.zeros(len(first))
    gap = np.linalg.norm(first.position(best[0]) - second.position(best[1]), axis=1)
    for place in _crossings(first, second):
        paths = first.path_near(*place), second.path_near(*place)
        there = np.linalg.norm(first.position(paths[0]) - second.position(paths[1]), axis=1)
        nearer = there < gap
        best = np.where(nearer, paths[0], best[0]), np.where(nearer, paths[1], best[1])
        gap = np.minimum(gap, there)
    return best


def _crossings(
    first: Helices, second: Helices
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Return x and y of both crossings of the circles, or twice of where they come closest."""
    (x, y), (other_x, other_y) = first.centre, second.centre
    east, north = other_x - x, other_y - y
    distance = np.maximum(np.hypot(east, north), 1e-9)
    east, north = east / distance, north / distance
    # The difference of squares as a product: radii of 1 TeV are 1e5 cm.
    larger, smaller = np.abs(first.radius), np.abs(second.radius)
    along = (distance + (larger - smaller) * (larger + smaller) / distance) / 2
    across = np.sqrt(np.maximum(first.radius**2 - along**2, 0))
    middle_x, middle_y = x + along * east, y + along * north
    return (
        (middle_x - across * north, middle_y + across * east),
        (middle_x + across * north, middle_y - across * east),
    )
