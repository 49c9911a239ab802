"""State dicts: read them without running anything, load them leaf by leaf."""

import pickle
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from repro.errors import BadInput

__all__ = ["load_checked", "read_state", "rename_layers"]

# What torch's unpickler and safetensors raise on damaged files, found by changing bytes.
_UNREADABLE = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
    struct.error,
    pickle.UnpicklingError,
    SafetensorError,
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
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            with warnings.catch_warnings():
                # Of unusual pickle protocols: the file is read, or refused in one line below.
                warnings.simplefilter("ignore", UserWarning)
                state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own words advise to load it unsafely.
        raise BadInput(f"{path} holds more than tensors, or none: give a state dict") from error
    except _UNREADABLE as error:
        raise BadInput(
            f"{path} cannot be read as weights: give a state dict as .safetensors or by torch.save"
        ) from error
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()
    ):
        raise BadInput(
            f"{path} holds no state dict of tensors: of a training, give weights.safetensors"
        )
    return state


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
