"""Features of tracks and secondary vertices, computed from what a detector measures.

As the program does that wrote the ntuples (cms-opendata-analyses/HiggsToBBNtupleProducerTool:
``TrackFiller``, ``SVFiller``, ``TrackInfoBuilder``; CMSSW: ``IPTools``, ``btau::etaRel``), clips
and offsets included.  Two things are its own: a track is a straight line through the point where
it is closest to the beam line, and every track has the pion's mass.

Impact parameters.  With t = (-sin φ, cos φ, 0) and v = (-sin λ cos φ, -sin λ sin φ, cos λ) across
the track, the primary vertex is missed by dxy t + dsz v, where dsz = dz cos λ.  The error is that
of the track along this vector, and of the primary vertex.  Signs are positive if the track passes
the vertex on the jet's side.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray
from repro.data.hbb.branches import Group, find_group
from repro.data.hbb.features import track_features, vertex_features
from repro.data.hbb.measured import MeasuredJets

__all__ = ["DOUBLE_B", "PION_MASS", "derive", "targets_of_measured"]

PION_MASS = 0.13957018
"""As CMSSW has it [GeV]."""

DOUBLE_B = -10.0
"""``fj_doubleb`` of jets for which nobody computed CMS's discriminator, which is from -1 to 1."""

# trackBTag_*: bounds of TrackInfoBuilder, which the dictionary of features does not have.
_BOUNDS = {
    "trackBTag_EtaRel": (-5.0, 15.0),
    "trackBTag_PtRatio": (-1.0, 10.0),
    "trackBTag_PParRatio": (-10.0, 100.0),
    "trackBTag_Sip2dVal": (-1.0, 70.0),
    "trackBTag_Sip2dSig": (-1.0, 4e4),
    "trackBTag_Sip3dVal": (-1.0, 1e5),
    "trackBTag_Sip3dSig": (-1.0, 4e4),
    "trackBTag_JetDistVal": (-20.0, 1.0),
}
_FARTHEST = 0.8

Values = dict[str, FloatArray]


def derive(measured: MeasuredJets, group: str) -> NDArray[np.float32]:
    """Return a group of features, with the shape that ``branches.toml`` says.

    Args:
        measured: The jets.
        group: ``tracks``, ``vertices`` or ``spectators``.
    """
    return _GROUPS[group](measured)


def targets_of_measured(measured: MeasuredJets) -> NDArray[np.float32]:
    """Return the authors' targets, (n, 2): QCD and H→bb̄, both 0 for unlabelled jets."""
    columns = [measured.jets["is_qcd"], measured.jets["is_higgs"]]
    return np.stack(columns, axis=1).astype(np.float32)


def signed_impact_parameters(
    track: Mapping[str, FloatArray], jet: Mapping[str, FloatArray]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return signed impact parameters and their errors: transverse, error, in space, error [cm].

    Args:
        track: Columns of tracks, (k,).
        jet: Columns of each track's jet, (k,).
    """
    line = _line(track)
    axis = _direction(jet["eta"], jet["phi"])
    spread = np.stack([jet["pv_xx"], jet["pv_yy"], jet["pv_zz"]])
    dsz = track["dz"] * line["cos_lambda"]
    across = np.hypot(track["dxy"], dsz)
    part = np.divide(track["dxy"], across, out=np.ones_like(across), where=across > 0)
    rest = np.divide(dsz, across, out=np.zeros_like(across), where=across > 0)
    missed = part * line["t"] + rest * line["v"]

    own = (
        part**2 * track["cov_dxy_dxy"]
        + 2 * part * rest * track["cov_dxy_dsz"]
        + rest**2 * track["cov_dsz_dsz"]
    )
    error3 = np.sqrt(np.maximum(own, 0) + (missed**2 * spread).sum(axis=0))
    error2 = np.sqrt(track["cov_dxy_dxy"] + (line["t"] ** 2 * spread).sum(axis=0))
    side2 = track["dxy"] * (line["t"] * axis).sum(axis=0)
    side3 = (missed * axis).sum(axis=0)
    value2 = np.where(side2 >= 0, 1.0, -1.0) * np.abs(track["dxy"])
    value3 = np.where(side3 >= 0, 1.0, -1.0) * across
    return value2, error2, value3, error3


def _tracks(measured: MeasuredJets) -> NDArray[np.float32]:
    track = measured.tracks
    row = np.repeat(np.arange(len(measured)), measured.counts["tracks"])
    jet = {name: column[row] for name, column in measured.jets.items()}
    values = {
        **_relative("track", track, jet, np.hypot(_momentum(track), PION_MASS)),
        **_distances(track, jet),
        **_quality(track),
        **_tagging(track, jet),
    }
    values["track_deltaR"] = _delta_r(track, jet["eta"], jet["phi"])
    bounds = {f.name: (f.low, f.high) for f in track_features()} | _BOUNDS
    return _arrange(values, bounds, find_group("tracks"), measured.counts["tracks"])


def _vertices(measured: MeasuredJets) -> NDArray[np.float32]:
    vertex = measured.vertices
    row = np.repeat(np.arange(len(measured)), measured.counts["vertices"])
    jet = {name: column[row] for name, column in measured.jets.items()}
    values = {
        **_relative("sv", vertex, jet, vertex["energy"]),
        "sv_deltaR": _delta_r(vertex, jet["eta"], jet["phi"]) + _offset("sv_deltaR"),
        "sv_pt": vertex["pt"],
        "sv_mass": vertex["mass"],
        "sv_ntracks": vertex["ntracks"],
        "sv_normchi2": vertex["normchi2"],
        "sv_dxy": vertex["dxy"],
        "sv_dxysig": _ratio(vertex["dxy"], vertex["dxy_error"]),
        "sv_d3d": vertex["d3d"],
        "sv_d3dsig": _ratio(vertex["d3d"], vertex["d3d_error"]),
        "sv_costhetasvpv": vertex["cosine"],
    }
    bounds = {f.name: (f.low, f.high) for f in vertex_features()}
    return _arrange(values, bounds, find_group("vertices"), measured.counts["vertices"])


def _spectators(measured: MeasuredJets) -> NDArray[np.float32]:
    jet = measured.jets
    values = {
        **{f"fj_{name}": jet[name] for name in ("pt", "eta", "sdmass", "tau21", "tau32")},
        **{name: jet[name] for name in ("npv", "npfcands", "ntracks", "nsv")},
        "fj_n_sdsubjets": jet["subjets"],
        "fj_doubleb": np.full(len(measured), DOUBLE_B),
    }
    names = find_group("spectators").branches
    return np.stack([values[name] for name in names], axis=1).astype(np.float32)


_GROUPS: dict[str, Callable[[MeasuredJets], NDArray[np.float32]]] = {
    "tracks": _tracks,
    "vertices": _vertices,
    "spectators": _spectators,
}


def _relative(
    prefix: str, one: Mapping[str, FloatArray], jet: Mapping[str, FloatArray], energy: FloatArray
) -> Values:
    sign = np.where(jet["eta"] > 0, 1.0, -1.0)
    return {
        f"{prefix}_ptrel": one["pt"] / jet["pt"],
        f"{prefix}_erel": energy / jet["energy"],
        f"{prefix}_phirel": _turn(one["phi"] - jet["phi"]),
        f"{prefix}_etarel": sign * (one["eta"] - jet["eta"]),
    }


def _distances(track: Mapping[str, FloatArray], jet: Mapping[str, FloatArray]) -> Values:
    found = {
        "track_drminsv": np.minimum(track["vertex_distance"], _FARTHEST) + _offset("track_drminsv")
    }
    for number in (1, 2):
        distance = _delta_r(track, jet[f"subjet{number}_eta"], jet[f"subjet{number}_phi"])
        found[f"track_drsubjet{number}"] = np.where(jet["subjets"] >= number, distance, -1.0)
    return found


def _quality(track: Mapping[str, FloatArray]) -> Values:
    cos_lambda = 1 / np.cosh(track["eta"])
    return {
        "track_dz": track["dz"],
        "track_dzsig": _ratio(track["dz"], np.sqrt(track["cov_dsz_dsz"]) / cos_lambda),
        "track_dxy": track["dxy"],
        "track_dxysig": _ratio(track["dxy"], np.sqrt(track["cov_dxy_dxy"])),
        "track_normchi2": track["normchi2"],
        "track_quality": track["quality"],
        # The ntuple's names for entries of the covariance of q/p, λ, φ, dxy and dsz.
        "track_dptdpt": track["cov_qoverp_qoverp"],
        "track_detadeta": track["cov_lambda_lambda"],
        "track_dphidphi": track["cov_phi_phi"],
        "track_dxydxy": track["cov_dxy_dxy"],
        "track_dzdz": track["cov_dsz_dsz"],
        "track_dxydz": track["cov_dxy_dsz"],
        "track_dphidxy": track["cov_phi_dxy"],
        "track_dlambdadz": track["cov_lambda_dsz"],
    }


def _tagging(track: Mapping[str, FloatArray], jet: Mapping[str, FloatArray]) -> Values:
    size = _momentum(track)
    axis = _direction(jet["eta"], jet["phi"])
    along = size * (_direction(track["eta"], track["phi"]) * axis).sum(axis=0)
    energy = np.hypot(size, PION_MASS)
    value2, error2, value3, error3 = signed_impact_parameters(track, jet)
    return {
        "trackBTag_EtaRel": 0.5 * np.log((energy + along) / (energy - along)),
        "trackBTag_PtRatio": np.sqrt(np.maximum(size**2 - along**2, 0)) / size,
        "trackBTag_PParRatio": along / size,
        "trackBTag_Sip2dVal": value2,
        "trackBTag_Sip2dSig": _ratio(value2, error2),
        "trackBTag_Sip3dVal": value3,
        "trackBTag_Sip3dSig": _ratio(value3, error3),
        "trackBTag_JetDistVal": -_distance_of_lines(track, axis),
    }


def _distance_of_lines(track: Mapping[str, FloatArray], axis: FloatArray) -> FloatArray:
    """Return how far each track's line is from that of its jet through the primary vertex [cm]."""
    line = _line(track)
    point = track["dxy"] * line["t"]
    point[2] += track["dz"]
    normal = np.cross(axis, line["u"], axis=0)
    size = np.sqrt((normal**2).sum(axis=0))
    # Lines that are parallel have no common normal: the distance is that of the point.
    across = point - (point * axis).sum(axis=0) * axis
    parallel = np.sqrt((across**2).sum(axis=0))
    apart = np.abs((point * normal).sum(axis=0))
    return np.asarray(np.divide(apart, size, out=parallel, where=size > 0))


def _line(track: Mapping[str, FloatArray]) -> Values:
    """Return unit vectors (3, k): u along each track, t and v across it, and cos λ (k,)."""
    sin_phi, cos_phi = np.sin(track["phi"]), np.cos(track["phi"])
    cos_lambda, sin_lambda = 1 / np.cosh(track["eta"]), np.tanh(track["eta"])
    return {
        "u": np.stack([cos_lambda * cos_phi, cos_lambda * sin_phi, sin_lambda]),
        "t": np.stack([-sin_phi, cos_phi, np.zeros_like(cos_phi)]),
        "v": np.stack([-sin_lambda * cos_phi, -sin_lambda * sin_phi, cos_lambda]),
        "cos_lambda": cos_lambda,
    }


def _direction(eta: FloatArray, phi: FloatArray) -> FloatArray:
    return np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)]) / np.cosh(eta)


def _momentum(one: Mapping[str, FloatArray]) -> FloatArray:
    return np.asarray(one["pt"] * np.cosh(one["eta"]))


def _delta_r(one: Mapping[str, FloatArray], eta: FloatArray, phi: FloatArray) -> FloatArray:
    return np.hypot(one["eta"] - eta, _turn(one["phi"] - phi))


def _turn(angle: FloatArray) -> FloatArray:
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def _ratio(value: FloatArray, error: FloatArray) -> FloatArray:
    """Return significances; 0 where there is no error, as the ntuple's program has it."""
    return np.divide(value, error, out=np.zeros_like(value), where=error > 0)


def _offset(name: str) -> float:
    return next(f.offset for f in (*track_features(), *vertex_features()) if f.name == name)


def _arrange(
    values: Values,
    bounds: Mapping[str, tuple[float | None, float | None]],
    group: Group,
    counts: IntArray,
) -> NDArray[np.float32]:
    """Return (n, features, slots), clipped and padded; what is too much is left out."""
    row = np.repeat(np.arange(len(counts)), counts)
    slot = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    arranged = np.full((len(counts), *group.shape), group.fill, np.float32)
    fits = slot < group.shape[1]
    for position, name in enumerate(group.branches):
        low, high = bounds.get(name, (None, None))
        column = values[name]
        if low is not None or high is not None:
            column = np.clip(column, low, high)
        arranged[row[fits], position, slot[fits]] = column[fits]
    return arranged
