"""Random jets as a detector would measure them."""

import numpy as np

from repro.data.hbb.measured import COUNTS, MeasuredJets


def measured_toys(jets=20, seed=0, most_tracks=60, most_vertices=5):
    """Jets whose numbers have likely sizes and nothing to do with each other."""
    rng = np.random.default_rng(seed)
    counts = {
        "tracks": rng.integers(0, most_tracks + 1, jets),
        "vertices": rng.integers(0, most_vertices + 1, jets),
    }
    eta, phi = rng.uniform(-2.4, 2.4, jets), rng.uniform(-np.pi, np.pi, jets)
    kind = rng.integers(0, 3, jets)
    jet = {
        "pt": rng.uniform(200, 2000, jets),
        "eta": eta,
        "phi": phi,
        "energy": rng.uniform(300, 4000, jets),
        "sdmass": rng.uniform(0, 200, jets),
        "subjets": rng.integers(1, 3, jets),
        "tau21": rng.random(jets),
        "tau32": rng.random(jets),
        "npv": np.ones(jets),
        "npfcands": rng.integers(1, 100, jets),
        "ntracks": counts["tracks"] + rng.integers(0, 9, jets),
        "nsv": counts["vertices"] + rng.integers(0, 3, jets),
        "is_qcd": kind == 0,
        "is_higgs": kind == 1,
        "source": rng.integers(0, 14, jets),
        **{f"pv_{axis}": rng.uniform(0.5e-6, 2e-6, jets) for axis in ("xx", "yy", "zz")},
    }
    for number in (1, 2):
        jet[f"subjet{number}_eta"] = eta + rng.normal(0, 0.2, jets)
        jet[f"subjet{number}_phi"] = _turned(phi + rng.normal(0, 0.2, jets))
    tracks = _around(eta, phi, counts["tracks"], rng)
    vertices = _around(eta, phi, counts["vertices"], rng)
    k, m = len(tracks["pt"]), len(vertices["pt"])
    error_dxy, error_dsz = rng.uniform(1e-3, 1e-2, (2, k))
    tracks |= {
        "dxy": rng.laplace(0, 0.02, k),
        "dz": rng.laplace(0, 0.03, k),
        "vertex_distance": rng.uniform(0, 0.8, k),
        "normchi2": rng.chisquare(20, k) / 20,
        "quality": np.full(k, 5),
        "cov_qoverp_qoverp": rng.uniform(1e-7, 1e-4, k),
        "cov_lambda_lambda": rng.uniform(1e-7, 1e-5, k),
        "cov_phi_phi": rng.uniform(1e-7, 1e-5, k),
        "cov_dxy_dxy": error_dxy**2,
        "cov_dsz_dsz": error_dsz**2,
        "cov_dxy_dsz": rng.uniform(-0.3, 0.3, k) * error_dxy * error_dsz,
        "cov_phi_dxy": -rng.uniform(1e-7, 1e-5, k),
        "cov_lambda_dsz": -rng.uniform(1e-7, 1e-5, k),
    }
    flight = rng.exponential(1.0, m)
    vertices |= {
        "mass": rng.uniform(0.3, 6, m),
        "energy": vertices["pt"] * np.cosh(vertices["eta"]) + 1,
        "ntracks": rng.integers(2, 9, m),
        "normchi2": rng.uniform(0, 9, m),
        "dxy": 0.8 * flight,
        "dxy_error": rng.uniform(1e-3, 1e-1, m),
        "d3d": flight,
        "d3d_error": rng.uniform(1e-3, 1e-1, m),
        "cosine": rng.uniform(0.9, 1, m),
    }
    as_floats = [
        {name: np.asarray(column, np.float64) for name, column in kind.items()}
        for kind in (jet, tracks, vertices)
    ]
    return MeasuredJets(*as_floats, {kind: counts[kind].astype(np.int64) for kind in COUNTS})


def _around(eta, phi, counts, rng):
    row = np.repeat(np.arange(len(counts)), counts)
    return {
        "pt": 0.95 + rng.exponential(15, len(row)),
        "eta": eta[row] + rng.normal(0, 0.2, len(row)),
        "phi": _turned(phi[row] + rng.normal(0, 0.2, len(row))),
    }


def _turned(angle):
    return (angle + np.pi) % (2 * np.pi) - np.pi
