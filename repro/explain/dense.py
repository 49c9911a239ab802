"""What is special about dense ReLU networks, for the methods that can use it."""

import itertools

import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models.host import waiting_for

__all__ = ["check_dense", "dense_layers", "dense_logits"]

_NEUTRAL = (nn.Dropout, nn.Identity, nn.Flatten)


def dense_layers(network: nn.Module) -> list[nn.Linear]:
    """Return the linear layers of a dense ReLU network in the order of the forward pass.

    Raises:
        BadInput: If the network has a module other than Linear, ReLU, Dropout or containers,
            or if its linear layers are not separated by ReLU.
    """
    leaves = [module for module in network.modules() if not list(module.children())]
    leaves = [module for module in leaves if not isinstance(module, _NEUTRAL)]
    for position, module in enumerate(leaves):
        wanted = nn.Linear if position % 2 == 0 else nn.ReLU
        if not isinstance(module, wanted):
            raise BadInput(
                f"a dense network is Linear and ReLU in turn: module {position} is "
                f"{type(module).__name__}"
            )
    if len(leaves) % 2 == 0:
        raise BadInput("a dense network ends in a Linear layer, and this one does not")
    layers = [module for module in leaves if isinstance(module, nn.Linear)]
    for first, second in itertools.pairwise(layers):
        if first.out_features != second.in_features:
            raise BadInput(
                f"layers of {first.out_features} outputs and {second.in_features} inputs follow "
                "each other: the network is not dense"
            )
    return layers


def dense_logits(layers: list[nn.Linear], first: Tensor) -> Tensor:
    """Return the logits from the outputs of the first layer, before its ReLU.

    Args:
        layers: From :func:`dense_layers`.
        first: (..., nodes).

    Returns:
        (...,) for one output and (..., classes) otherwise.
    """
    activations = first
    for layer in layers[1:]:
        activations = layer(torch.relu(activations))
    return activations.squeeze(-1) if layers[-1].out_features == 1 else activations


def check_dense(network: nn.Module, inputs: Tensor) -> list[nn.Linear]:
    """Return the layers after making sure that they are all that the network does.

    Args:
        network: In evaluation mode.
        inputs: (n, features), jets to compare on.

    Raises:
        BadInput: If the network is not dense, or its forward pass does something else than
            its layers in turn.
    """
    layers = dense_layers(network)
    if layers[0].in_features != inputs.shape[1]:
        raise BadInput(
            f"the network is not dense: its first layer sees {layers[0].in_features} of "
            f"{inputs.shape[1]} columns at a time"
        )
    own, ours = network(inputs), dense_logits(layers, layers[0](inputs))
    with waiting_for(inputs.device):
        alike = own.shape == ours.shape and torch.allclose(own, ours, rtol=1e-4, atol=1e-4)
    if not alike:
        raise BadInput("the forward pass is not the network's Linear and ReLU modules in turn")
    return layers
