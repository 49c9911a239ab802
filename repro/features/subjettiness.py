"""N-subjettiness of jets for N = 1..8 and angular exponents 0.5, 1 and 2.

    tau_N^beta = 1/pT_J · Σ_i pt_i · min_k ΔR_ik^beta,   ΔR² = Δy² + Δφ²

The axes k are the N exclusive subjets of a kT clustering (R = 0.4, E-scheme), as they are:
nothing is minimised, and there is no R0.  With R = 0.4 some particles recombine with the beam,
which moves the axes, so the clustering is fastjet's.  pT_J is the pT of the vector sum, y the
rapidity of constituents and subjets.  Definition: FAIR4HEP/xAI4toptagger, preprocessing of
MBNS, after arXiv:1704.08249.

As published, Δφ is the plain difference of two azimuths in [-π, π] (quirk B3): a jet across
the seam gets ΔR near 2π and tau_1^1 near 2.  fastjet itself wraps azimuth.  Jets of fewer than
8 constituents have no values (quirk B16); they can be given those of the limit.

fastjet (M. Cacciari, G. P. Salam, G. Soyez, Eur. Phys. J. C 72 (2012) 1896, arXiv:1111.6097)
is under the GPL and an optional extra; it is imported when subjettiness is asked for.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.features.jets import check_four_momenta, iter_slices, wrap_angle
from repro.simulation.extras import load_awkward, load_fastjet

__all__ = ["EXPONENTS", "MAXIMAL_AXES", "RADIUS", "subjettiness", "subjettiness_features"]

MAXIMAL_AXES = 8
RADIUS = 0.4
EXPONENTS = {"05": 0.5, "1": 1.0, "2": 2.0}

# fastjet keeps the clusterings of a chunk: about 25 kB a jet.
_JETS_PER_CHUNK = 2048


def subjettiness_features() -> tuple[str, ...]:
    """Return the names of the 24 columns.

    >>> subjettiness_features()[:4], len(subjettiness_features())
    (('tau_1_05', 'tau_1_1', 'tau_1_2', 'tau_2_05'), 24)
    """
    return tuple(f"tau_{n}_{beta}" for n in range(1, MAXIMAL_AXES + 1) for beta in EXPONENTS)


def subjettiness(
    four_momenta: NDArray[np.floating], *, wrap_azimuth: bool = False, small_jets: bool = False
) -> FloatArray:
    """Return tau_N^beta of each jet.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded.
        wrap_azimuth: Whether differences of azimuths are taken modulo 2π (corrects B3).
        small_jets: Whether jets of fewer than 8 constituents have values (corrects B16).  With as
            many axes as constituents, each constituent is an axis and tau_N is 0; with more
            axes it is taken to stay 0.

    Returns:
        (n, 24) in the order of :func:`subjettiness_features`, dimensionless, computed in
        float64.  A row is NaN if the jet has fewer than 8 constituents, which the authors drop,
        or a constituent along the beam, which has no rapidity.

    Raises:
        BadInput: If the array has another shape.
        NotAvailable: If fastjet is not installed.
    """
    check_four_momenta(four_momenta)
    taus = np.full((len(four_momenta), MAXIMAL_AXES * len(EXPONENTS)), np.nan)
    for rows in iter_slices(len(four_momenta), _JETS_PER_CHUNK):
        real = (four_momenta[rows] != 0).any(axis=2)
        counts = real.sum(axis=1)
        found = taus[rows]
        for axes, chosen in _groups(counts, small_jets):
            constituents = four_momenta[rows][chosen][real[chosen]].astype(np.float64)
            found[chosen] = 0
            if axes:
                values = _taus(constituents, counts[chosen], axes, wrap_azimuth)
                found[chosen, : values.shape[1]] = values
    taus[~np.isfinite(taus).all(axis=1)] = np.nan
    return taus


def _groups(counts: NDArray[np.int64], small_jets: bool) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield how many axes leave something to be far from, and the jets of which this holds."""
    enough = counts >= MAXIMAL_AXES
    if enough.any():
        yield MAXIMAL_AXES, enough
    if small_jets:
        for count in np.unique(counts[~enough]).tolist():
            yield max(count - 1, 0), counts == count


def _taus(constituents: FloatArray, counts: NDArray[np.int64], axes: int, wrap: bool) -> FloatArray:
    """Return (jets, 3 axes) for jets whose constituents (m, 4) follow each other."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    px_sum, py_sum = np.add.reduceat(constituents[:, 1:3], starts).T
    pt = np.sqrt(constituents[:, 1] ** 2 + constituents[:, 2] ** 2)
    rapidity, azimuth = _directions(constituents)
    taus = np.empty((len(counts), axes, len(EXPONENTS)))
    # Along the beam there are neither rapidities nor, if all is there, a pT to divide by.
    with np.errstate(divide="ignore", invalid="ignore"):
        pt /= np.repeat(np.sqrt(px_sum**2 + py_sum**2), counts)
        for position, subjets in enumerate(_exclusive_subjets(constituents, counts, axes)):
            nearest = np.full(len(constituents), np.inf)
            for axis in np.swapaxes(subjets, 0, 1):
                axis_rapidity, axis_azimuth = _directions(axis)
                turn = azimuth - np.repeat(axis_azimuth, counts)
                if wrap:
                    turn = wrap_angle(turn)
                squared = (rapidity - np.repeat(axis_rapidity, counts)) ** 2 + turn**2
                np.minimum(nearest, squared, out=nearest)
            distance = np.sqrt(nearest)
            for column, beta in enumerate(EXPONENTS.values()):
                taus[:, position, column] = np.add.reduceat(pt * distance**beta, starts)
    return taus.reshape(len(counts), -1)


def _directions(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return rapidity and azimuth in [-π, π] of vectors (m, 4)."""
    energy, px, py, pz = vectors.T
    # Along the beam float32 leaves E = |pz| or less: the rapidity has no value then.
    with np.errstate(divide="ignore", invalid="ignore"):
        return 0.5 * np.log((energy + pz) / (energy - pz)), np.arctan2(py, px)


def _exclusive_subjets(
    constituents: FloatArray, counts: NDArray[np.int64], most: int
) -> list[FloatArray]:
    """Cluster each jet once and return its subjets (jets, N, 4) for N = 1..most."""
    fastjet, awkward = load_fastjet(), load_awkward()
    components = ("E", "px", "py", "pz")
    events = awkward.unflatten(
        awkward.zip(dict(zip(components, constituents.T, strict=True)), with_name="Momentum4D"),
        counts,
    )
    definition = fastjet.JetDefinition(fastjet.kt_algorithm, RADIUS)
    found = []
    with warnings.catch_warnings():
        # fastjet 3.5 warns of exclusive subjets for every algorithm, kT included.
        warnings.simplefilter("ignore", UserWarning)
        clustering = fastjet.ClusterSequence(events, definition)
        for n in range(1, most + 1):
            subjets = clustering.exclusive_jets(n_jets=n)
            columns = [awkward.to_numpy(awkward.flatten(subjets[name])) for name in components]
            found.append(np.stack(columns, axis=1).reshape(len(counts), n, len(components)))
    return found
