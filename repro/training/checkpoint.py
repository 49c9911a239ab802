"""Where a training stands: written now and then, so that it goes on after a kill."""

import dataclasses
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from repro.data.atomic import write_atomically
from repro.errors import BadInput
from repro.training.rules import Epoch

__all__ = [
    "Checkpoint",
    "identity_of",
    "pack_checkpoint",
    "read_checkpoint",
    "unpack_checkpoint",
    "write_checkpoint",
]


@dataclass
class Checkpoint:
    """The state of a training between two steps.

    Nothing random is in it: the order of the jets and dropout follow from seed, epoch and step.

    Attributes:
        identity: What the training is: another recipe, other jets, another network, or another
            number of processes is another training.
        network: State dict after ``steps`` steps of the epoch after the history.
        optimiser: State dict of the optimiser.
        steps: Steps of the present epoch that are done.
        loss_sum: Sum of the losses of the jets of these steps.
        seconds: Time that these steps took.
        history: The epochs that are done.
        best: State dict of the best of them.
    """

    identity: str
    network: dict[str, Tensor]
    optimiser: dict[str, Any]
    steps: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    history: list[Epoch] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)


def identity_of(description: Mapping[str, Any]) -> str:
    """Return the text that tells trainings apart."""
    return json.dumps(description, sort_keys=True)


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        BadInput: If it cannot be written.
    """
    write_atomically(path, pack_checkpoint(checkpoint))


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None if there is none.

    Raises:
        BadInput: If it is damaged.
    """
    if not path.exists():
        return None
    try:
        return unpack_checkpoint(path.read_bytes())
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(
            f"{path} cannot be used ({reason}): begin again with --restart, or in another folder"
        ) from error


def pack_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the content of a checkpoint's file."""
    document = {field.name: getattr(checkpoint, field.name) for field in _fields()}
    document["history"] = [dataclasses.asdict(epoch) for epoch in checkpoint.history]
    buffer = io.BytesIO()
    torch.save(document, buffer)
    return buffer.getvalue()


def unpack_checkpoint(content: bytes) -> Checkpoint:
    """Return the checkpoint of a file's content; raises many things if it is none."""
    document = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    document["history"] = [Epoch(**epoch) for epoch in document["history"]]
    # A checkpoint of another version has other fields.
    return Checkpoint(**document)


def _fields() -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(Checkpoint)
