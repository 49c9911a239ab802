"""State dicts: read them without running anything, load them leaf by leaf."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models.torch_files import UNREADABLE, load_torch

__all__ = ["check_plain", "load_checked", "read_state", "rename_layers"]

_OF_A_TRAINING = "of a training, give weights.safetensors"
_NUMBERS = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)


def read_state(path: Path) -> Mapping[str, Tensor]:
    """Read a state dict: safetensors, or a torch file of plain tensors.

    Args:
        path: Read as safetensors if it is named so.

    Raises:
        BadInput: If there is no such file, or it holds anything but tensors.
    """
    if not path.is_file():
        raise BadInput(
            f"no weights at {path}: give auto, authors, embedded, or a state dict as .safetensors "
            "or by torch.save"
        )
    state: object
    try:
        state = load_file(path) if path.suffix == ".safetensors" else load_torch(path)
    except pickle.UnpicklingError as error:
        # torch's own words advise to load it unsafely.
        raise BadInput(f"{path} holds more than tensors, or none: give a state dict") from error
    except (*UNREADABLE, SafetensorError) as error:
        raise BadInput(
            f"{path} cannot be read as weights: give a state dict as .safetensors or by torch.save"
        ) from error
    if not isinstance(state, Mapping):
        raise BadInput(f"{path} holds no state dict of tensors: {_OF_A_TRAINING}")
    try:
        check_plain(state)
    except ValueError as error:
        raise BadInput(
            f"{path} holds no state dict of tensors, {error}: {_OF_A_TRAINING}"
        ) from error
    return state


def check_plain(state: Mapping[Any, Any]) -> None:
    """Raise unless all entries are arrays of real numbers in memory, by their names.

    Raises:
        ValueError: If one is not: its type, sparse, quantised, complex, of eight bits, or without
            numbers at all (``meta``).
    """
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ValueError("for it has other entries")  # noqa: TRY004 - one error
        dense = tensor.layout == torch.strided and not tensor.is_nested
        if not dense or tensor.device.type != "cpu" or tensor.dtype not in _NUMBERS:
            raise ValueError(f"for {name} is no dense tensor of numbers ({tensor.dtype})")


def load_checked(network: nn.Module, state: Mapping[str, Tensor], complaint: str) -> None:
    """Load a state dict after comparing it leaf by leaf.

    Args:
        network: Gets the tensors.
        state: Must have the network's names and shapes, and finite numbers.
        complaint: Begins the error message.

    Raises:
        BadInput: If a tensor does not fit; the message names it.
    """
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    for name in sorted(wanted.keys() ^ state.keys()):
        problem = "missing" if name in wanted else "not part of the network"
        raise BadInput(f"{complaint}: tensor {name} is {problem}")
    for name, shape in wanted.items():
        if state[name].shape != shape:
            found, needed = tuple(state[name].shape), tuple(shape)
            raise BadInput(f"{complaint}: tensor {name} has shape {found}, not {needed}")
        if not bool(torch.isfinite(state[name]).all()):
            raise BadInput(f"{complaint}: tensor {name} holds NaN or infinity")
    network.load_state_dict(dict(state))


def rename_layers(state: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Rename the layers of a state dict.

    Args:
        state: Tensors by ``layer.weight`` and ``layer.bias``.
        names: Our layer by theirs.  What is not in it keeps its name, so that
            :func:`load_checked` complains of it.

    >>> list(rename_layers({"fc.0.weight": torch.zeros(1), "x": torch.zeros(1)}, {"fc.0": "head"}))
    ['head.weight', 'x']
    """
    renamed = {}
    for name, tensor in state.items():
        layer, dot, leaf = name.rpartition(".")
        renamed[f"{names.get(layer, layer)}{dot}{leaf}"] = tensor
    return renamed
