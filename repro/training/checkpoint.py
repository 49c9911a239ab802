"""Where a training stands: written now and then, so that it goes on after a kill."""

import dataclasses
import io
import json
import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from repro.data.atomic import write_atomically
from repro.errors import BadInput
from repro.models.state import check_plain
from repro.models.torch_files import load_torch
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
        return _checked(load_torch(path))
    except Exception as error:
        # torch's own words advise to load it unsafely.
        unsafe = isinstance(error, pickle.UnpicklingError)
        reason = "it holds more than tensors" if unsafe else str(error).partition("\n")[0]
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
    """Return what :func:`pack_checkpoint` packed."""
    return _checked(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))


def _checked(document: dict[str, Any]) -> Checkpoint:
    """Return a checkpoint that a training can go on from; errors are of many kinds if it cannot."""
    document["history"] = [Epoch(**epoch) for epoch in document["history"]]
    # A checkpoint of another version has other fields.
    found = Checkpoint(**document)
    if not isinstance(document["identity"], str):
        raise TypeError("it does not say of which training")
    numbers: list[Any] = [found.steps, found.loss_sum, found.seconds]
    numbers += [value for epoch in found.history for value in dataclasses.astuple(epoch)]
    if not isinstance(numbers[0], int) or found.steps < 0 or not all(map(math.isfinite, numbers)):
        raise ValueError("its numbers are none")
    for state in (found.network, found.best):
        check_plain(state)
    return found


def _fields() -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(Checkpoint)
