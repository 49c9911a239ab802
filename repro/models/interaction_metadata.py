"""The authors' metadata of their Interaction Networks: one JSON file beside each file of weights.

They count features by position and write numbers as texts; here features have names.  A file that
does not fit its weights is refused.

Source: FAIR4HEP/hbb_interaction_network, ``models/model_dicts``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from repro.data.hbb.features import Feature, track_features, vertex_features
from repro.data.regular import read_json
from repro.errors import BadInput

__all__ = ["Metadata", "check_metadata", "read_metadata"]


@dataclass(frozen=True)
class Metadata:
    """What the authors say of one training.

    Attributes:
        label: Name of the variant.
        hidden: Size of the hidden layers.
        edge_features: Size of what an edge carries, D_E.
        node_features: Size of what a slot becomes, D_O.
        dropped_tracks: Track features that the network does not see.
        dropped_vertices: Vertex features that it does not see.
        batch_size: Jets in a batch of the training.
        epochs: The most epochs that it was allowed.
        preloaded: Whether it began with weights of the baseline; None if nothing is said.
    """

    label: str
    hidden: int
    edge_features: int
    node_features: int
    dropped_tracks: tuple[str, ...]
    dropped_vertices: tuple[str, ...]
    batch_size: int
    epochs: int
    preloaded: bool | None


def read_metadata(path: Path) -> Metadata:
    """Read a file of metadata.

    Raises:
        BadInput: If it is not one, or of a network with edges between vertices.
    """
    try:
        document: dict[str, Any] = read_json(path)
        if int(document["vv_branch"]):
            raise BadInput(f"{path} is of a network with edges between vertices: none is known")
        preloaded = document.get("load_def")
        return Metadata(
            label=str(document["label"]),
            hidden=int(document["hidden"]),
            edge_features=int(document["De"]),
            node_features=int(document["Do"]),
            dropped_tracks=_names(document["drop_pfeatures"], track_features()),
            dropped_vertices=_names(document["drop_svfeatures"], vertex_features()),
            batch_size=int(document["batch_size"]),
            epochs=int(document["epoch"]),
            preloaded=None if preloaded is None else bool(preloaded),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path} cannot be read as metadata of an Interaction Network: {error!r}"
        ) from error


def check_metadata(metadata: Metadata, state: Mapping[str, Tensor]) -> None:
    """Make sure that metadata belong to weights.

    Args:
        metadata: Of the network.
        state: The weights, with the authors' names.

    Raises:
        BadInput: If they do not; the message says what differs first.
    """
    tracks = len(track_features()) - len(metadata.dropped_tracks)
    vertices = len(vertex_features()) - len(metadata.dropped_vertices)
    hidden, edge, node = metadata.hidden, metadata.edge_features, metadata.node_features
    wanted = {
        "fr1": (hidden, 2 * tracks),
        "fr1_pv": (hidden, tracks + vertices),
        "fr3": (edge, hidden),
        "fo1": (hidden, tracks + 2 * edge),
        "fo3": (node, hidden),
    }
    for layer, shape in wanted.items():
        tensor = state.get(f"{layer}.weight")
        if tensor is None or tuple(tensor.shape) != shape:
            found = "none" if tensor is None else f"one of shape {tuple(tensor.shape)}"
            raise BadInput(
                f"the metadata of {metadata.label} do not fit the weights: they ask for a tensor "
                f"{layer}.weight of shape {shape}, and the weights have {found}"
            )


def _names(positions: str, features: Sequence[Feature]) -> tuple[str, ...]:
    """Return the names of features that are listed by position.

    >>> _names("2,8", vertex_features()), _names("", vertex_features())
    (('sv_phirel', 'sv_normchi2'), ())
    """
    numbers = [int(text) for text in positions.split(",") if text.strip()]
    if any(not 0 <= number < len(features) for number in numbers):
        raise ValueError(f"there are {len(features)} features, and it drops {positions}")
    return tuple(features[number].name for number in numbers)
