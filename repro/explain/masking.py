"""Replace one input column at a time and evaluate again.

Three ways lead to the same logits: a dense network is corrected after its first layer; a network
with a method ``substitute`` recomputes what the column touches; any other is run again.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.data.arrays import FloatArray
from repro.errors import BadInput, UnknownName
from repro.explain.dense import check_dense, dense_logits
from repro.explain.problem import Problem

__all__ = ["REPLACEMENTS", "logits_of", "masked_logits", "replacement_values"]


@runtime_checkable
class Substitutes(Protocol):
    """A network that can tell what a changed column changes."""

    def substitute(self, inputs: Tensor) -> "tuple[Tensor, Callable[[int, Tensor], Tensor]]":
        """Return the logits, and a function of a column and its new values (n,) to the logits.

        Args:
            inputs: (n, features), the jets with nothing changed.
        """


REPLACEMENTS = ("mean", "median", "zero")

# The first layer of a batch should stay in the cache while all columns are masked.
_JETS_PER_BATCH = 4096

_Evaluate = Callable[[int, Tensor], Tensor]


def replacement_values(problem: Problem, replacement: str) -> FloatArray:
    """Return the value that replaces each column.

    Args:
        problem: Whose inputs, both classes together; padded zeros are left out of mean and
            median if the problem says what is padding, and count if it does not.
        replacement: ``mean`` (as published), ``median`` or ``zero``.

    Raises:
        UnknownName: If there is no such replacement.
    """
    if replacement == "mean":
        return problem.means()
    if replacement == "median":
        return problem.medians()
    if replacement == "zero":
        return np.zeros(problem.inputs.shape[1])
    raise UnknownName(f"unknown replacement {replacement!r}: choose from {', '.join(REPLACEMENTS)}")


def logits_of(
    problem: Problem,
    inputs: NDArray[np.floating] | None = None,
    rows: int | None = None,
) -> FloatArray:
    """Return the logits of jets in float64, batch by batch: (n,) or (n, classes).

    Args:
        problem: Whose network.
        inputs: (n, features); the problem's jets by default.
        rows: Jets in a batch; by default as many as masks are evaluated on.
    """
    network = problem.network.to(problem.device)
    given = problem.inputs if inputs is None else inputs
    step = rows or _JETS_PER_BATCH
    parts = []
    with torch.inference_mode():
        for start in range(0, len(given), step):
            batch = problem.tensor(given[start : start + step])
            parts.append(network(batch).double().cpu().numpy())
    return np.concatenate(parts)


def masked_logits(
    problem: Problem, values: NDArray[np.floating]
) -> tuple[FloatArray, Iterator[tuple[int, FloatArray]]]:
    """Evaluate all jets as they are, and with one ranked column replaced, for each in turn.

    In a dense network a column enters the first layer by one column of its weights, so that
    layer is computed once per jet and corrected for each mask.  Padding stays as it is, see
    ``filled_by`` of the problem.

    Args:
        problem: The classifier and its jets.
        values: (features,), the replacement of each column, or (n, features), that of each jet.

    Returns:
        The logits, (n,) or (n, classes), in float64; and, one after the other, the position of
        each ranked column and the logits with it replaced.

    Raises:
        BadInput: If no column is ranked.
    """
    if not problem.ranked:
        raise BadInput("there is no feature to mask: all are left out of the ranking")
    network = problem.network.to(problem.device)
    table: NDArray[np.floating] | None = None
    with torch.inference_mode():
        prepare = _factorised_or_plain(problem, network)
        starts = range(0, len(problem.inputs), _JETS_PER_BATCH)
        for start in problem.progress(starts, "masking"):
            batch = problem.tensor(problem.inputs[start : start + _JETS_PER_BATCH])
            logits, evaluate = prepare(batch)
            mine = values if values.ndim == 1 else values[start : start + len(batch)]
            masked = [
                evaluate(column, _replaced(problem, batch, column, mine[..., column]))
                for column in problem.ranked
            ]
            found = torch.stack([logits, *masked]).cpu().numpy()
            if table is None:
                table = np.empty((len(found), len(problem.inputs), *found.shape[2:]), found.dtype)
            table[:, start : start + len(batch)] = found
    assert table is not None  # noqa: S101 - a problem has jets, and jets have batches
    pairs = zip(problem.ranked, table[1:], strict=True)
    return table[0].astype(np.float64), ((i, logits.astype(np.float64)) for i, logits in pairs)


def _replaced(problem: Problem, batch: Tensor, column: int, value: NDArray[np.floating]) -> Tensor:
    """Return the column (n,) with its values replaced by one or by (n,), where it is filled."""
    given = torch.as_tensor(np.ascontiguousarray(value)).to(batch)
    replaced = given.expand(len(batch))
    if not problem.filled_by:
        return replaced
    return torch.where(batch[:, problem.filled_by[column]] != 0, replaced, batch[:, column])


def _factorised_or_plain(
    problem: Problem, network: nn.Module
) -> Callable[[Tensor], tuple[Tensor, _Evaluate]]:
    if isinstance(network, Substitutes):
        return network.substitute
    try:
        layers = check_dense(network, problem.tensor(problem.inputs[:_JETS_PER_BATCH]))
    except BadInput:
        return functools.partial(_plain, network)
    return functools.partial(_factorised, layers)


def _plain(network: nn.Module, batch: Tensor) -> tuple[Tensor, _Evaluate]:
    def evaluate(column: int, replaced: Tensor) -> Tensor:
        masked = batch.clone()
        masked[:, column] = replaced
        logits: Tensor = network(masked)
        return logits

    return network(batch), evaluate


def _factorised(layers: list[nn.Linear], batch: Tensor) -> tuple[Tensor, _Evaluate]:
    weight, unmasked = layers[0].weight, layers[0](batch)

    def evaluate(column: int, replaced: Tensor) -> Tensor:
        change = torch.outer(replaced - batch[:, column], weight[:, column])
        return dense_logits(layers, change.add_(unmasked))

    return dense_logits(layers, unmasked), evaluate
