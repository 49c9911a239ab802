"""The matrix products that a network needs, and how fast this machine multiplies such matrices.

A product of a matrix (rows, inner) with one (inner, columns), such as a dense layer is, takes
2 · rows · inner · columns operations.  All else that a network does (ReLU, sums, features of
pairs) is not counted: it is what keeps a network from the speed of its products.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from repro.benchmarks.timing import measure_times
from repro.models.tagger import predict_logits

__all__ = ["Product", "count_operations", "matrix_products", "multiplication_rate"]


@dataclass(frozen=True)
class Product:
    """Sizes of one product.

    Attributes:
        rows: Rows of the first matrix: of a layer what is computed together, such as pairs.
        inner: Inputs of the layer.
        columns: Columns of the second matrix: outputs of the layer.
        by_columns: Whether the second matrix lies column by column, as weights of layers do.
    """

    rows: int
    inner: int
    columns: int
    by_columns: bool = True

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
    """Return the products that a network does for these jets, and how often each is done.

    They are counted while the network runs, so they are those of its very groups.

    Args:
        network: On the device.
        inputs: (n, inputs), in the precision of the network.
        device: Where to compute.

    >>> layer = nn.Linear(3, 4)
    >>> matrix_products(layer, np.zeros((5, 3), np.float32))
    Counter({Product(rows=5, inner=3, columns=4, by_columns=True): 1})
    """
    counting = _Counting()
    with counting:
        predict_logits(network, inputs, device)
    return counting.products


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the products that torch does in the meantime; those with a vector are sums."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products: Counter[Product] = Counter()

    def __torch_dispatch__(
        self,
        function: Any,  # noqa: ANN401 - an operator of torch
        types: object,
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the operator gives
        kind = function.overloadpacket
        if kind is torch.ops.aten.linear:
            values, (columns, inner) = arguments[0], arguments[1].shape
            self.products[Product(math.prod(values.shape[:-1]), inner, columns)] += 1
        elif kind in (torch.ops.aten.mm, torch.ops.aten.addmm):
            first, second = arguments[-2:]
            inner, columns = second.shape
            by_columns = not second.is_contiguous()
            self.products[Product(len(first), inner, columns, by_columns)] += 1
        return function(*arguments, **(options or {}))


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
            if product.operations
        )
    return count_operations(products) / seconds


def _seconds(
    product: Product, repeats: int, precision: torch.dtype, device: torch.device | str
) -> float:
    generator = torch.Generator().manual_seed(0)
    shapes = (product.rows, product.inner), (product.columns, product.inner)
    left, right = (
        torch.rand(shape, generator=generator, dtype=precision).to(device) for shape in shapes
    )
    right = right.T if product.by_columns else right.T.contiguous()
    out = torch.empty(product.rows, product.columns, dtype=precision, device=device)
    (taken,) = measure_times([lambda: torch.mm(left, right, out=out)], repeats, device)
    return taken.least
