"""The Interaction Networks of arXiv:2211.12770: from cards to networks, and the authors' weights.

The network itself is in :mod:`repro.models.interaction_network`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from repro.data.hbb.features import TRACK_SLOTS, VERTEX_SLOTS, track_features, vertex_features
from repro.errors import BadInput
from repro.features.interaction import interaction_features
from repro.models.cards import Card
from repro.models.interaction_metadata import check_metadata, read_metadata
from repro.models.interaction_network import LAYERS, InteractionNetwork
from repro.models.state import read_state, rename_layers

__all__ = [
    "authors_names",
    "build",
    "dropped_features",
    "feature_counts",
    "kept_features",
    "read_authors",
    "rename_authors",
]


def build(card: Card) -> InteractionNetwork:
    """Return the untrained network of a variant.

    >>> from repro.models.cards import find_card
    >>> network = build(find_card("in:psvfeaturesdropped_0001_preload"))
    >>> network.tracks, network.vertices
    (22, 12)
    """
    if card.edge_features is None or card.node_features is None:
        raise ValueError(f"the card of {card.name} lacks edge_features or node_features")
    tracks, vertices = kept_features(card)
    return InteractionNetwork(
        len(tracks), len(vertices), card.hidden, card.edge_features, card.node_features
    )


def dropped_features(card: Card) -> tuple[str, ...]:
    """Return the names of the features that a variant does not see.

    >>> from repro.models.cards import find_card
    >>> dropped_features(find_card("in:psvfeaturesdropped_0005_preload"))[-3:]
    ('trackBTag_Sip2dVal', 'sv_phirel', 'sv_normchi2')
    """
    kinds = zip(kept_features(card), (track_features(), vertex_features()), strict=True)
    return tuple(
        feature.name
        for kept, features in kinds
        for position, feature in enumerate(features)
        if position not in kept
    )


def kept_features(card: Card) -> tuple[list[int], list[int]]:
    """Return the positions of the track features and of the vertex features that a variant sees.

    >>> from repro.models.cards import find_card
    >>> kept_features(find_card("in:pfeaturesdropped_100"))[0]
    [4, 6, 7, 13, 22]
    """
    seen = set(card.columns(interaction_features()))
    width = TRACK_SLOTS * len(track_features())
    tracks = [i for i in range(len(track_features())) if i * TRACK_SLOTS in seen]
    vertices = [i for i in range(len(vertex_features())) if width + i * VERTEX_SLOTS in seen]
    return tracks, vertices


def feature_counts(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """Return how many features of a track and of a vertex a network sees, by its state dict.

    Raises:
        BadInput: If these are not the tensors of an Interaction Network.
    """
    first, second = (state.get(f"{name}.0.weight") for name in ("edges", "vertex_edges"))
    if first is None or second is None or first.ndim != second.ndim or first.ndim != 2:
        raise BadInput("the weights to begin with are not those of an Interaction Network")
    tracks = first.shape[1] // 2
    return tracks, second.shape[1] - tracks


def read_authors(card: Card, files: Sequence[Path]) -> Mapping[str, Tensor]:
    """Return the state dict from the authors' files: weights, and their metadata if there are any.

    Raises:
        BadInput: If the weights are no state dict, or the metadata are of other weights or of
            another variant.
    """
    path, *others = files
    state = read_state(path)
    for other in others:
        metadata = read_metadata(other)
        check_metadata(metadata, state)
        said = (*metadata.dropped_tracks, *metadata.dropped_vertices)
        if (metadata.label, set(said)) != (card.variant, set(dropped_features(card))):
            raise BadInput(f"{other} describes {metadata.label}, not {card.name}: fetch it again")
    return rename_authors(state)


def rename_authors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict with our names instead of the authors'."""
    return rename_layers(state, authors_names())


def authors_names(card: Card | None = None) -> dict[str, str]:  # noqa: ARG001 - alike in all
    """Return our names of all layers by the authors'."""
    blocks = ("edges", LAYERS[:3]), ("vertex_edges", LAYERS[3:6]), ("nodes", LAYERS[6:])
    names = {
        theirs: f"{block}.{2 * position}"
        for block, layers in blocks
        for position, theirs in enumerate(layers)
    }
    return names | {"fc_fixed": "classifier"}
