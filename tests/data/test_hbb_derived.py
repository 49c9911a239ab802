"""Features from what is measured: against the ntuple program's formulas, written out for one."""

import dataclasses
import math

import numpy as np
import pytest
from measured_toys import measured_toys

from repro.data.hbb.branches import find_group
from repro.data.hbb.derived import DOUBLE_B, derive, targets_of_measured
from repro.data.hbb.features import track_features, vertex_features

PION = 0.13957018


@pytest.fixture(scope="module")
def jets():
    return measured_toys(30, seed=3)


def one(values, position):
    return {name: float(column[position]) for name, column in values.items()}


def wrapped(angle):
    return math.remainder(angle, 2 * math.pi)


def delta_r(a, eta, phi):
    return math.hypot(a["eta"] - eta, wrapped(a["phi"] - phi))


def vector(size, eta, phi):
    return size * np.array([math.cos(phi), math.sin(phi), math.sinh(eta)]) / math.cosh(eta)


def clipped(value, low, high):
    return min(max(value, low), high)


def plain_track(track, jet):
    """One track as TrackFiller and TrackInfoBuilder fill it, with vectors in space."""
    momentum = vector(track["pt"] * math.cosh(track["eta"]), track["eta"], track["phi"])
    size, axis = np.linalg.norm(momentum), vector(1, jet["eta"], jet["phi"])
    unit = momentum / size
    energy = math.sqrt(size**2 + PION**2)
    point = np.array(
        [-track["dxy"] * math.sin(track["phi"]), track["dxy"] * math.cos(track["phi"]), track["dz"]]
    )
    closest = point - (point @ unit) * unit  # to the primary vertex, on the track's line
    normal = np.cross(axis, unit)
    along = momentum @ axis
    primary = np.diag([jet["pv_xx"], jet["pv_yy"], jet["pv_zz"]])

    across = np.array([-math.sin(track["phi"]), math.cos(track["phi"]), 0])
    upward = np.cross(unit, across)
    covariance = (
        track["cov_dxy_dxy"] * np.outer(across, across)
        + track["cov_dsz_dsz"] * np.outer(upward, upward)
        + track["cov_dxy_dsz"] * (np.outer(across, upward) + np.outer(upward, across))
    )
    missed = closest / np.linalg.norm(closest)
    flat = np.array([point[0], point[1], 0])
    sip2 = math.copysign(abs(track["dxy"]), flat @ axis)
    sip3 = math.copysign(np.linalg.norm(closest), closest @ axis)
    error2 = math.sqrt(track["cov_dxy_dxy"] + across @ primary @ across)
    error3 = math.sqrt(missed @ (covariance + primary) @ missed)
    dz_error = math.sqrt(track["cov_dsz_dsz"]) * size / track["pt"]
    subjets = [
        delta_r(track, jet[f"subjet{i}_eta"], jet[f"subjet{i}_phi"])
        if jet["subjets"] >= i
        else -1.0
        for i in (1, 2)
    ]
    return [
        track["pt"] / jet["pt"],
        energy / jet["energy"],
        wrapped(track["phi"] - jet["phi"]),
        math.copysign(1, jet["eta"]) * (track["eta"] - jet["eta"]),
        delta_r(track, jet["eta"], jet["phi"]),
        track["vertex_distance"] - 0.8,
        *subjets,
        track["dz"],
        clipped(track["dz"] / dz_error, -2000, 2000),
        track["dxy"],
        clipped(track["dxy"] / math.sqrt(track["cov_dxy_dxy"]), -2000, 2000),
        clipped(track["normchi2"], -1, 300),
        track["quality"],
        track["cov_qoverp_qoverp"],
        track["cov_lambda_lambda"],
        track["cov_phi_phi"],
        track["cov_dxy_dxy"],
        track["cov_dsz_dsz"],
        track["cov_dxy_dsz"],
        track["cov_phi_dxy"],
        track["cov_lambda_dsz"],
        clipped(0.5 * math.log((energy + along) / (energy - along)), -5, 15),
        np.linalg.norm(np.cross(momentum, axis)) / size,
        along / size,
        clipped(sip2, -1, 70),
        clipped(sip2 / error2, -1, 4e4),
        clipped(sip3, -1, 1e5),
        clipped(sip3 / error3, -1, 4e4),
        clipped(-abs(point @ normal) / np.linalg.norm(normal), -20, 1),
    ]


def plain_vertex(vertex, jet):
    return [
        vertex["pt"] / jet["pt"],
        vertex["energy"] / jet["energy"],
        wrapped(vertex["phi"] - jet["phi"]),
        math.copysign(1, jet["eta"]) * (vertex["eta"] - jet["eta"]),
        clipped(delta_r(vertex, jet["eta"], jet["phi"]) - 0.5, -2, 0),
        vertex["pt"],
        vertex["mass"],
        vertex["ntracks"],
        clipped(vertex["normchi2"], -1000, 1000),
        vertex["dxy"],
        clipped(vertex["dxy"] / vertex["dxy_error"], -1, 800),
        vertex["d3d"],
        clipped(vertex["d3d"] / vertex["d3d_error"], -1, 800),
        vertex["cosine"],
    ]


@pytest.mark.parametrize(("kind", "plain"), [("tracks", plain_track), ("vertices", plain_vertex)])
def test_every_feature_is_that_of_the_plain_formulas(jets, kind, plain):
    group = find_group(kind)
    expected = np.zeros((len(jets), *group.shape))
    position = 0
    for row in range(len(jets)):
        for slot in range(jets.counts[kind][row]):
            values = plain(one(jets.values(kind), position), one(jets.jets, row))
            expected[row, :, slot] = values
            position += 1
    found = derive(jets, kind)
    assert found.dtype == np.float32
    for i, name in enumerate(group.branches):
        np.testing.assert_allclose(found[:, i], expected[:, i], 2e-6, 1e-9, err_msg=name)


def test_values_are_within_the_dictionarys_bounds():
    jets = measured_toys(50, seed=5)
    wild = {name: column * 1e4 for name, column in jets.tracks.items() if name in ("dxy", "dz")}
    jets = dataclasses.replace(jets, tracks={**jets.tracks, **wild})
    for kind, features in (("tracks", track_features()), ("vertices", vertex_features())):
        values = derive(jets, kind)
        reached = 0
        for column, feature in zip(np.swapaxes(values, 0, 1), features, strict=True):
            if feature.low is not None:
                assert column.min() >= np.float32(feature.low)
                reached += column.min() == np.float32(feature.low)
            if feature.high is not None:
                assert column.max() <= np.float32(feature.high)
                reached += column.max() == np.float32(feature.high)
        assert reached  # something is clipped, or the test says nothing


def test_signs_follow_the_jets_direction():
    """Tracks that cross the axis downstream have positive impact parameters, others negative."""
    jets = measured_toys(1, seed=2, most_tracks=1)
    assert jets.counts["tracks"].tolist() == [1]
    jet = {name: np.zeros(1) for name in jets.jets} | {
        name: np.ones(1) for name in ("pt", "energy", "pv_xx", "pv_yy", "pv_zz")
    }
    # The jet goes along x; the track starts below the axis and goes up, or starts above.
    track = {**jets.tracks, "eta": np.zeros(1), "phi": np.full(1, 0.5), "dz": np.zeros(1)}
    names = find_group("tracks").branches
    for dxy, sign in ((-0.01, 1), (0.01, -1)):
        made = dataclasses.replace(jets, jets=jet, tracks={**track, "dxy": np.full(1, dxy)})
        values = dict(zip(names, derive(made, "tracks")[0, :, 0], strict=True))
        assert values["trackBTag_Sip2dVal"] == pytest.approx(sign * 0.01)
        assert values["trackBTag_Sip3dVal"] == pytest.approx(sign * 0.01)
        assert values["track_dxy"] == pytest.approx(dxy)
        assert values["trackBTag_JetDistVal"] == pytest.approx(0, abs=1e-9)  # the lines cross


def test_spectators_and_targets(jets):
    values = dict(zip(find_group("spectators").branches, derive(jets, "spectators").T, strict=True))
    np.testing.assert_allclose(values["fj_pt"], jets.jets["pt"], 1e-6)
    np.testing.assert_array_equal(values["ntracks"], jets.jets["ntracks"])
    np.testing.assert_array_equal(values["nsv"], jets.jets["nsv"])
    assert set(values["fj_doubleb"]) == {np.float32(DOUBLE_B)}
    targets = targets_of_measured(jets)
    np.testing.assert_array_equal(targets[:, 0], jets.jets["is_qcd"])
    np.testing.assert_array_equal(targets[:, 1], jets.jets["is_higgs"])
