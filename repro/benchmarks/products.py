"""The matrix products that a network needs, and how fast this machine multiplies such matrices.

A dense layer is a product of a matrix (rows, inner) with one (inner, columns), and takes
2 · rows · inner · columns operations.  All else that a network does (ReLU, sums, features of
pairs) is not counted: it is what keeps a network from the speed of its products.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.benchmarks.machine import best_times
from repro.models.tagger import predict_logits

__all__ = ["Product", "count_operations", "matrix_products", "multiplication_rate"]


@dataclass(frozen=True)
class Product:
    """Sizes of one product.

    Attributes:
        rows: What is computed together: jets, constituents or pairs.
        inner: Inputs of the layer.
        columns: Outputs of the layer.
    """

    rows: int
    inner: int
    columns: int

    @property
    def operations(self) -> int:
        """Floating-point operations, a multiplication and an addition being two.

        >>> Product(2, 3, 4).operations
        48
        """
        return 2 * self.rows * self.inner * self.columns


def matrix_products(
    network: nn.Module, inputs: NDArray[np.floating], device: torch.device | str = "cpu"
) -> Counter[Product]:
    """Return the products of a network's dense layers for these jets, and how often each is done.

    They are counted while the network runs, so they are those of its very groups.

    Args:
        network: On the device.
        inputs: (n, inputs), in the precision of the network.
        device: Where to compute.

    >>> layer = nn.Linear(3, 4)
    >>> matrix_products(layer, np.zeros((5, 3), np.float32))
    Counter({Product(rows=5, inner=3, columns=4): 1})
    """
    products: Counter[Product] = Counter()

    def count(layer: nn.Module, arguments: tuple[Tensor, ...], _: Tensor) -> None:
        assert isinstance(layer, nn.Linear)  # noqa: S101 - for the type checker
        rows = math.prod(arguments[0].shape[:-1])
        products[Product(rows, layer.in_features, layer.out_features)] += 1

    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        predict_logits(network, inputs, device)
    finally:
        for hook in hooks:
            hook.remove()
    return products


def count_operations(products: Mapping[Product, int]) -> int:
    """Return the operations of products, each done so many times.

    >>> count_operations({Product(5, 3, 4): 2})
    240
    """
    return sum(product.operations * times for product, times in products.items())


def multiplication_rate(
    products: Mapping[Product, int],
    repeats: int,
    precision: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> float:
    """Return how fast this machine does these products and nothing else.

    Each is measured alone, into memory that is there already, and counts as often as it is done.

    Args:
        products: How often each product is done.
        repeats: The shortest of so many times counts.
        precision: Of the matrices.
        device: Where to compute.

    Returns:
        Operations per second.
    """
    with torch.inference_mode():
        seconds = sum(
            times * _seconds(product, repeats, precision, device)
            for product, times in products.items()
            if product.rows
        )
    return count_operations(products) / seconds


def _seconds(
    product: Product, repeats: int, precision: torch.dtype, device: torch.device | str
) -> float:
    generator = torch.Generator().manual_seed(0)
    shapes = (product.rows, product.inner), (product.columns, product.inner)
    left, weights = (
        torch.rand(shape, generator=generator, dtype=precision).to(device) for shape in shapes
    )
    out = torch.empty(product.rows, product.columns, dtype=precision, device=device)
    (best,) = best_times([lambda: torch.mm(left, weights.T, out=out)], repeats, device)
    return best
