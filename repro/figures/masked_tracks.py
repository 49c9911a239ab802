"""Scores of the Interaction Network with masks on the columns of its inputs.

Edges between tracks are computed once for all masks of the same columns of tracks, and jets that a
mask leaves as they are keep their scores.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repro.explain.occlusion import discriminant
from repro.models.interaction_network import InteractionNetwork

__all__ = ["scores_with_masks"]

_JETS_PER_BATCH = 4096


def scores_with_masks(
    network: InteractionNetwork,
    rows: NDArray[np.floating],
    masks: Mapping[str, tuple[int, ...]],
    device: str,
) -> dict[str, NDArray[np.float32]]:
    """Return the scores of jets as they are, by the empty name, and with each mask.

    Args:
        network: On the device.
        rows: (n, inputs), as the network takes them, tracks sorted by their energy.
        masks: Columns that are set to zero, by the name of the mask.
        device: Where to compute.

    Returns:
        (n,) each: the logit of H→bb̄ minus that of QCD.
    """
    scores: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ("", *masks)}
    for start in range(0, len(rows), _JETS_PER_BATCH):
        batch = torch.from_numpy(rows[start : start + _JETS_PER_BATCH]).to(device)
        for name, logits in _masked_logits(network, batch, masks):
            found = discriminant(logits.double().cpu().numpy())
            scores[name].append(found.astype(np.float32))
    return {name: np.concatenate(parts) for name, parts in scores.items()}


@torch.inference_mode()
def _masked_logits(
    network: InteractionNetwork, batch: Tensor, masks: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, Tensor]]:
    """Yield the logits (n, 2) of jets as they are, and with each mask, by its name.

    Jets that a mask leaves as they are keep their logits.  Edges between tracks are computed once
    for masks of the same columns of tracks, whatever columns of vertices they have.
    """
    logits, evaluate = network.substitute_group(batch)
    yield "", logits
    for of_tracks, names in _by_columns_of_tracks(network, masks).items():
        if not of_tracks:
            for name in names:
                zeros = batch.new_zeros(len(batch), len(masks[name]))
                yield name, evaluate(masks[name], zeros)
            continue
        columns = sorted({column for name in names for column in masks[name]})
        touched = (batch[:, columns] != 0).any(dim=1)
        effects: list[Tensor] = []
        for name in names:
            changed = batch[touched]
            changed[:, list(masks[name])] = 0
            found = network.classifier(network.pooled(changed, effects))
            yield name, logits.index_put((touched,), found)


def _by_columns_of_tracks(
    network: InteractionNetwork, masks: Mapping[str, tuple[int, ...]]
) -> dict[tuple[int, ...], list[str]]:
    """Return the names of masks by those of their columns that are tracks'."""
    vertices = network.tracks * network.track_slots
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, columns in masks.items():
        of_tracks = tuple(sorted(column for column in columns if column < vertices))
        groups.setdefault(of_tracks, []).append(name)
    return groups
