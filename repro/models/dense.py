"""Dense networks with ReLU between the layers."""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["DenseNetwork", "count_parameters", "linear_layers", "relu_layers"]


class DenseNetwork(nn.Module):
    """Linear layers with a ReLU after every layer but the last: the logits.

    Every ReLU is a module of its own, so that hooks see each layer once.

    Args:
        inputs: Number of input columns.
        hidden: Sizes of the hidden layers.
        outputs: Number of logits; 1 is squeezed away.
        dropout: If given, a rate for each hidden layer: dropout after its ReLU, in training.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        outputs: int = 1,
        dropout: Sequence[float] = (),
    ) -> None:
        super().__init__()
        sizes = [inputs, *hidden]
        self.layers = relu_layers(sizes, dropout).append(nn.Linear(sizes[-1], outputs))
        self.outputs = outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits, (n,) for one output and (n, outputs) otherwise."""
        logits: Tensor = self.layers(inputs)
        return logits.squeeze(-1) if self.outputs == 1 else logits


def relu_layers(sizes: Sequence[int], dropout: Sequence[float] = ()) -> nn.Sequential:
    """Return linear layers with a ReLU after every one, and dropout after it if rates are given.

    >>> relu_layers([3, 100, 64], [0.1, 0.2])
    Sequential(
      (0): Linear(in_features=3, out_features=100, bias=True)
      (1): ReLU()
      (2): Dropout(p=0.1, inplace=False)
      (3): Linear(in_features=100, out_features=64, bias=True)
      (4): ReLU()
      (5): Dropout(p=0.2, inplace=False)
    )
    """
    blocks: list[nn.Module] = []
    for position, (size_in, size_out) in enumerate(itertools.pairwise(sizes)):
        blocks += [nn.Linear(size_in, size_out), nn.ReLU()]
        if dropout:
            blocks.append(nn.Dropout(dropout[position]))
    return nn.Sequential(*blocks)


def linear_layers(network: nn.Sequential) -> list[nn.Linear]:
    """Return the linear layers of a network, without its ReLUs.

    >>> len(linear_layers(relu_layers([3, 100, 64])))
    2
    """
    return [module for module in network if isinstance(module, nn.Linear)]


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters.

    >>> count_parameters(DenseNetwork(90, (300, 102, 12, 6)))
    59323
    """
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
