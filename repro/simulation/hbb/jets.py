"""From events to measured jets: candidates, anti-kT, subjets, tracks, vertices, labels."""

from dataclasses import dataclass

import numpy as np

from repro.data.arrays import FloatArray, IntArray
from repro.data.hbb.derived import signed_impact_parameters
from repro.data.hbb.measured import MeasuredJets, members
from repro.simulation.clustering import FoundJets, find_jets
from repro.simulation.events import EventRecord
from repro.simulation.hbb.candidates import Candidates, find_candidates
from repro.simulation.hbb.objects import Tracks, Vertices
from repro.simulation.hbb.settings import Selection, Settings, load_settings
from repro.simulation.hbb.substructure import groom, n_subjettiness
from repro.simulation.hbb.truth import match_higgs
from repro.simulation.particles import Particles, cylindrical, wrap_angle

__all__ = ["Event", "measure_jets"]

# What N-subjettiness ratios are where there is nothing to divide by, as in the ntuples.
_NO_RATIO = 1.01
# Without pileup there is the one of the hard collision.
_PRIMARY_VERTICES = 1
_COVARIANCE = {
    "cov_qoverp_qoverp": (0, 0),
    "cov_lambda_lambda": (1, 1),
    "cov_phi_phi": (2, 2),
    "cov_dxy_dxy": (3, 3),
    "cov_dsz_dsz": (4, 4),
    "cov_dxy_dsz": (3, 4),
    "cov_phi_dxy": (2, 3),
    "cov_lambda_dsz": (1, 4),
}

Values = dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Event:
    """Everything about a batch of events.

    Attributes:
        record: What the generator made.
        particles: Its final particles.
        tracks: What the tracker made of them.
        vertices: What the tracks make.
        primary: (events, 3), variances of the primary vertices in x, y and z [cm²].
    """

    record: EventRecord
    particles: Particles
    tracks: Tracks
    vertices: Vertices
    primary: FloatArray


def measure_jets(event: Event, preset: str, source: int, rng: np.random.Generator) -> MeasuredJets:
    """Return the jets of a batch of events, in the order of events and of falling pT.

    Args:
        event: The events.
        preset: Which jets are kept.
        source: Number of the process that made the events.
        rng: For what is random in the calorimeters.

    Raises:
        NotAvailable: If FastJet is not installed.
    """
    settings = load_settings()
    selection, wanted = settings.selection, settings.find_preset(preset)
    candidates = find_candidates(event.particles, event.tracks, settings, rng)
    found = find_jets(
        candidates.event,
        candidates.momentum,
        len(event.record),
        selection.radius,
        wanted.pt[0],
    )
    eta, _ = found.axis
    kept = np.flatnonzero((np.abs(eta) < selection.max_abs_eta) & (found.pt < wanted.pt[1]))
    jet = _axes(found, kept, event)
    inside = _members(found, kept)
    momentum = candidates.momentum[inside.candidate]
    jet.update(_substructure(momentum, inside.counts, selection))
    jet.update(_labels(jet, found.event[kept], event.record, settings, source))
    counted = candidates.pt[inside.candidate] > selection.candidate_min_pt
    jet["npfcands"] = np.bincount(inside.row[counted], minlength=len(kept)).astype(float)
    charged = inside.of_tracks(candidates)
    tracks, track_counts = _tracks(jet, charged, event, selection.tracks)
    vertices, vertex_counts = _vertices(jet, found.event[kept], event.vertices, selection)
    kept_counts = {
        "tracks": np.minimum(track_counts, selection.tracks),
        "vertices": np.minimum(vertex_counts, selection.vertices),
    }
    jet["ntracks"], jet["nsv"] = track_counts.astype(float), vertex_counts.astype(float)
    low, high = wanted.sdmass
    jets = MeasuredJets(jet, tracks, vertices, kept_counts)
    return jets.take((jet["sdmass"] >= low) & (jet["sdmass"] < high))


def _axes(found: FoundJets, kept: IntArray, event: Event) -> Values:
    eta, phi = found.axis
    primary = event.primary[found.event[kept]]
    return {
        "pt": found.pt[kept],
        "eta": eta[kept],
        "phi": phi[kept],
        "energy": found.momentum[kept, 0],
        "npv": np.full(len(kept), float(_PRIMARY_VERTICES)),
        **{f"pv_{name}": primary[:, i] for i, name in enumerate(("xx", "yy", "zz"))},
    }


@dataclass(frozen=True, eq=False)
class _Members:
    """What is inside each jet, jet after jet: the jets' rows and the candidates, (k,) each."""

    row: IntArray
    candidate: IntArray
    jets: int

    @property
    def counts(self) -> IntArray:
        return np.bincount(self.row, minlength=self.jets)

    def of_tracks(self, candidates: Candidates) -> "_Members":
        """Return those that are tracks, with the rows of these instead of the candidates'."""
        track = candidates.track[self.candidate]
        return _Members(self.row[track >= 0], track[track >= 0], self.jets)


def _members(found: FoundJets, kept: IntArray) -> _Members:
    sizes = np.diff(found.offsets)
    row = np.repeat(np.arange(len(kept)), sizes[kept])
    return _Members(row, found.members[members(sizes, kept)], len(kept))


def _substructure(momentum: FloatArray, counts: IntArray, selection: Selection) -> Values:
    groomed = groom(momentum, counts, selection.soft_drop_cut, selection.radius)
    energy, px, py, pz = groomed.momentum.T
    values = {
        "sdmass": np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0)),
        "subjets": groomed.count.astype(float),
    }
    for number in (1, 2):
        _, eta, phi = cylindrical(*groomed.subjets[:, number - 1, 1:].T)
        there = groomed.count >= number
        values[f"subjet{number}_eta"] = np.where(there, eta, 0)
        values[f"subjet{number}_phi"] = np.where(there, phi, 0)
    tau1, tau2, tau3 = n_subjettiness(momentum, counts, selection.radius).T
    values["tau21"] = _ratio(tau2, tau1)
    values["tau32"] = _ratio(tau3, tau2)
    return values


def _labels(
    jet: Values, event: IntArray, record: EventRecord, settings: Settings, source: int
) -> Values:
    radius = settings.selection.match_radius
    higgs = match_higgs(event, jet["eta"], jet["phi"], record, radius)
    qcd = np.full(len(event), settings.sources[source].is_qcd)
    return {
        "is_qcd": qcd.astype(float),
        "is_higgs": higgs.astype(float),
        "source": np.full(len(event), float(source)),
    }


def _tracks(jet: Values, charged: _Members, event: Event, most: int) -> tuple[Values, IntArray]:
    """Return the columns of the most displaced tracks of each jet, and how many it has in all."""
    row, tracks = charged.row, event.tracks[charged.candidate]
    values = {name: getattr(tracks, name) for name in ("pt", "eta", "phi", "dxy", "dz", "normchi2")}
    values["quality"] = tracks.quality.astype(float)
    values["vertex_distance"] = _nearest(tracks, event.vertices)
    for name, (i, j) in _COVARIANCE.items():
        values[name] = tracks.covariance[:, i, j]

    value, error, *_ = signed_impact_parameters(values, {n: c[row] for n, c in jet.items()})
    order = np.lexsort(
        (-values["pt"] / jet["pt"][row], values["vertex_distance"], -value / error, row)
    )
    order = order[_slots(charged.counts) < most]
    return {name: column[order] for name, column in values.items()}, charged.counts


def _nearest(tracks: Tracks, vertices: Vertices) -> FloatArray:
    """Return how far the nearest vertex of the event is from each track in eta and phi, <= 0.8."""
    _, eta, phi = cylindrical(*vertices.momentum[:, 1:].T)
    nearest = np.full(len(tracks), 0.8)
    events = 1 + max(tracks.event.max(initial=-1), vertices.event.max(initial=-1))
    counts = np.bincount(vertices.event, minlength=events)
    starts = np.cumsum(counts) - counts
    for rank in range(int(counts.max(initial=0))):
        there = counts[tracks.event] > rank
        vertex = starts[tracks.event[there]] + rank
        turn = wrap_angle(tracks.phi[there] - phi[vertex])
        distance = np.hypot(tracks.eta[there] - eta[vertex], turn)
        nearest[there] = np.minimum(nearest[there], distance)
    return nearest


def _vertices(
    jet: Values, event: IntArray, vertices: Vertices, selection: Selection
) -> tuple[Values, IntArray]:
    """Return the columns of the most displaced vertices of each jet, and how many it has."""
    of_event = np.bincount(vertices.event, minlength=int(event.max(initial=-1)) + 1)
    row = np.repeat(np.arange(len(event)), of_event[event])
    vertex = members(of_event, event)
    momentum = vertices.momentum[vertex]
    pt, eta, phi = cylindrical(*momentum[:, 1:].T)
    turn = wrap_angle(phi - jet["phi"][row])
    near = np.hypot(eta - jet["eta"][row], turn) < selection.vertex_radius
    row, vertex, momentum = row[near], vertex[near], momentum[near]
    position, covariance = vertices.position[vertex], vertices.covariance[vertex]
    energy, size = momentum[:, 0], np.sqrt((momentum[:, 1:] ** 2).sum(axis=1))
    dxy, dxy_error = _flight(position[:, :2], covariance[:, :2, :2])
    d3d, d3d_error = _flight(position, covariance)
    values = {
        "pt": pt[near],
        "eta": eta[near],
        "phi": phi[near],
        "energy": energy,
        "mass": np.sqrt(np.maximum(energy**2 - size**2, 0)),
        "ntracks": vertices.counts[vertex].astype(float),
        "normchi2": vertices.normchi2[vertex],
        "dxy": dxy,
        "dxy_error": dxy_error,
        "d3d": d3d,
        "d3d_error": d3d_error,
        "cosine": (position * momentum[:, 1:]).sum(axis=1) / (d3d * size),
    }
    order = np.lexsort((-dxy / dxy_error, row))
    total = np.bincount(row, minlength=len(event))
    order = order[_slots(total) < selection.vertices]
    return {name: column[order] for name, column in values.items()}, total


def _flight(position: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return distances from the primary vertex and their errors, (m,) each."""
    distance = np.sqrt((position**2).sum(axis=1))
    unit = position / distance[:, None]
    return distance, np.sqrt(np.einsum("mi,mij,mj->m", unit, covariance, unit))


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.divide(above, below, out=np.full_like(above, _NO_RATIO), where=below > 0)


def _slots(counts: IntArray) -> IntArray:
    """Return 0, 1, ... for the objects of each jet."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
