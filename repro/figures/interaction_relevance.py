"""Layerwise relevance of jets of the record in an Interaction Network, as its study shows it.

Each jet's relevance is divided by the logit that it came from: that of H→bb̄ for H→bb̄ jets, that of
QCD for others.  Tracks are in descending order of track_erel, vertices in that of sv_pt.

Source: FAIR4HEP/hbb_interaction_network, notebook 4.0; dossier, sections 1.12 and 4.6.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.data.hbb.features import TRACK_SLOTS, track_features, vertex_features
from repro.data.hbb.jets import HbbJets
from repro.data.rows import Table, iter_columns
from repro.data.spooled import store_rows
from repro.errors import BadInput
from repro.explain.lrp import propagate, start_relevance
from repro.features.interaction import interaction_features, interaction_inputs, sort_tracks
from repro.figures.interaction import CLASSES
from repro.models.interaction import kept_features
from repro.models.interaction_network import InteractionNetwork
from repro.models.tagger import Tagger

__all__ = ["JetRelevance", "relevance_of_jets", "sort_vertices"]

_BATCH = 512


@dataclass(frozen=True, eq=False)
class JetRelevance:
    """Relevance of jets, divided by the logit of each.

    Attributes:
        labels: (n,).
        rows: (n, features + 60 + 5), in memory or not: of each feature of all tracks or all
            vertices, and of all features in each slot.
        names: Of the features, those of tracks first.
        tracks: How many of the features are those of tracks.
        maps: By class the mean over jets, (features of tracks, 60) and (those of vertices, 5).
    """

    labels: NDArray[np.int64]
    rows: Table
    names: tuple[str, ...]
    tracks: int
    maps: dict[str, tuple[FloatArray, FloatArray]]

    @property
    def features(self) -> range:
        """Columns of the features."""
        return range(len(self.names))

    @property
    def slots(self) -> range:
        """Columns of the slots of tracks."""
        return range(len(self.names), len(self.names) + TRACK_SLOTS)

    @property
    def vertex_slots(self) -> range:
        """Columns of the slots of vertices."""
        return range(self.slots.stop, self.rows.shape[1])

    def each(self, columns: Sequence[int]) -> Iterator[FloatArray]:
        """Yield some columns (n,) of the rows, one after the other."""
        return iter_columns(self.rows, columns)

    def of_class(self, name: str) -> NDArray[np.bool_]:
        """Return which jets are of a class, (n,)."""
        return np.asarray(self.labels == CLASSES.index(name))


def relevance_of_jets(
    tagger: Tagger,
    chunks: Iterable[HbbJets],
    rule: str,
    device: str = "cpu",
    *,
    most: int,
    spool: Path | None = None,
) -> JetRelevance:
    """Propagate the logit of each jet's class to its tracks and vertices, without biases.

    Args:
        tagger: An Interaction Network.
        chunks: The jets; they are not kept.
        rule: One of :data:`repro.explain.lrp.RULES`.
        device: Where to compute.
        most: How many jets there are at most.
        spool: A folder for relevance that does not fit into memory, a kilobyte a jet.

    Raises:
        BadInput: If there are fewer than two jets of a class.
    """
    kept = kept_features(tagger.card)
    names = tuple(
        features[i].name
        for features, some in zip((track_features(), vertex_features()), kept, strict=True)
        for i in some
    )
    labels: list[NDArray[np.int64]] = []
    maps: dict[str, list[FloatArray]] = {}

    def parts() -> Iterator[FloatArray]:
        for classes, *both in _batches(tagger, chunks, rule, device):
            labels.append(classes)
            for place, name in enumerate(CLASSES):
                mine = [found[classes == place].sum(axis=0) for found in both]
                known = maps.setdefault(name, [np.zeros_like(one) for one in mine])
                maps[name] = [one + other for one, other in zip(known, mine, strict=True)]
            yield np.concatenate(
                [found.sum(axis=axis) for axis in (2, 1) for found in both], axis=1
            )

    coming = parts()
    first = list(itertools.islice(coming, 1))
    rows = store_rows(itertools.chain(first, coming), most, spool) if first else np.zeros((0, 0))
    every = np.concatenate([np.zeros(0, np.int64), *labels])
    counts = np.bincount(every, minlength=len(CLASSES))
    if counts.min() < 2:
        raise BadInput("relevance by class takes two jets of each class: give more jets")
    return JetRelevance(
        every,
        rows,
        names,
        len(kept[0]),
        {
            name: (maps[name][0] / counts[place], maps[name][1] / counts[place])
            for place, name in enumerate(CLASSES)
        },
    )


def sort_vertices(vertices: NDArray[np.floating], by: str = "sv_pt") -> NDArray[np.floating]:
    """Return the vertices (n, 14, 5) of each jet in descending order of a feature, empty ones last.

    >>> vertices = np.zeros((1, 14, 5), np.float32)
    >>> vertices[0, 5, :2] = 20.0, 50.0
    >>> sort_vertices(vertices)[0, 5].tolist()
    [50.0, 20.0, 0.0, 0.0, 0.0]
    """
    place = [feature.name for feature in vertex_features()].index(by)
    values = np.where((vertices != 0).any(axis=1), vertices[:, place], -np.inf)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(vertices, order[:, None, :], axis=2)


def _batches(
    tagger: Tagger, chunks: Iterable[HbbJets], rule: str, device: str
) -> Iterator[tuple[NDArray[np.int64], FloatArray, FloatArray]]:
    """Yield labels, and relevance of tracks (n, features, 60) and of vertices (n, features, 5)."""
    network = tagger.network.to(device)
    if not isinstance(network, InteractionNetwork):
        raise TypeError(f"{tagger.card.name} is no Interaction Network")
    through = functools.partial(propagate, rule=rule, biases=False)
    columns = interaction_features()
    for jets in chunks:
        arrays = sort_tracks(jets.tracks), sort_vertices(jets.vertices)
        rows = tagger.prepare(interaction_inputs(*arrays), columns)
        for start in range(0, len(rows), _BATCH):
            labels = jets.labels[start : start + _BATCH]
            inputs = torch.from_numpy(np.ascontiguousarray(rows[start : start + _BATCH]))
            inputs = inputs.to(device)
            with torch.inference_mode():
                begin = start_relevance(network(inputs), torch.from_numpy(labels).to(device))
                found = network.propagated_relevance(inputs, begin, through)
                shares = found.double() / begin.sum(dim=1, keepdim=True).double()
                tracks, vertices = (part.cpu().numpy() for part in network.split(shares))
            yield labels, tracks, vertices
