"""What a tracker makes of events: tracks and secondary vertices, as flat arrays."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray

__all__ = ["Tracks", "Vertices"]


@dataclass(frozen=True, eq=False)
class Tracks:
    """Reconstructed tracks of a batch of events; arrays of shape (tracks,) but where said.

    A track is measured at its point closest to the beam line; signs are those of CMS
    (``reco::TrackBase``): with the reconstructed primary vertex as origin, ``dxy = -x sin φ +
    y cos φ``, and dz is the z of that point.

    Attributes:
        event: Position of the track's event in the batch, ascending.
        particle: Row of the particle that made it; -1 for a fake.
        charge: Reconstructed, 1 or -1.
        pt, eta, phi: Momentum [GeV], pseudorapidity and azimuth, reconstructed.
        dxy, dz: Impact parameters with respect to the event's primary vertex [cm].
        covariance: (tracks, 5, 5), of q/p [1/GeV], lambda, phi, dxy, dsz [cm], where lambda is
            the angle to the transverse plane and dsz is dz cos lambda.  It is the track's own:
            the primary vertex's error is not in it.
        pt_error: Of pt [GeV], from the covariance.
        eta_error: Of eta, from the covariance.
        normchi2: chi2 per degree of freedom of the track's fit.
        quality: Bits of the track's quality, 5 or rarely 1.
    """

    event: IntArray
    particle: IntArray
    charge: FloatArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    dxy: FloatArray
    dz: FloatArray
    covariance: FloatArray
    pt_error: FloatArray
    eta_error: FloatArray
    normchi2: FloatArray
    quality: IntArray

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, chosen: NDArray[np.bool_] | IntArray) -> Self:
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


@dataclass(frozen=True, eq=False)
class Vertices:
    """Secondary vertices of a batch of events; arrays of shape (vertices,) but where said.

    Attributes:
        event: Position of the vertex's event in the batch, ascending.
        position: (vertices, 3), from the event's primary vertex [cm].
        covariance: (vertices, 3, 3), of the position, the primary vertex's own error
            included [cm²].
        momentum: (vertices, 4), E, px, py, pz of its tracks with the pion's mass [GeV].
        normchi2: chi2 per degree of freedom of the fit.
        degrees_of_freedom: Twice the sum of the tracks' weights, less three.
        members: (members,), rows of the tracks, vertex after vertex.
        counts: How many of the members each vertex has.
    """

    event: IntArray
    position: FloatArray
    covariance: FloatArray
    momentum: FloatArray
    normchi2: FloatArray
    degrees_of_freedom: FloatArray
    members: IntArray
    counts: IntArray

    def __len__(self) -> int:
        return len(self.event)
