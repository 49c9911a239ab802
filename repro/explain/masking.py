"""Replace one feature at a time and evaluate again.

A feature is a column of the inputs, or several that belong together (``groups`` of the problem).
Four ways lead to the same logits: a dense network is corrected after its first layer; a network
with a method ``substitute`` recomputes what a column touches, one with ``substitute_group`` what
several do; any other is run again.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.data.arrays import FloatArray
from repro.data.rows import Table
from repro.data.spooled import MemoryTable, SpooledTable, make_table
from repro.errors import BadInput, UnknownName
from repro.explain.dense import check_dense, dense_logits
from repro.explain.padding import filled_tensor
from repro.explain.problem import Problem
from repro.models.host import selection, waiting_for

__all__ = ["REPLACEMENTS", "check_no_shared", "logits_of", "masked_logits", "replacement_values"]


@runtime_checkable
class Substitutes(Protocol):
    """A network that can tell what a changed column changes."""

    def substitute(self, inputs: Tensor) -> "tuple[Tensor, Callable[[int, Tensor], Tensor]]":
        """Return the logits, and a function of a column and its new values (n,) to the logits.

        Args:
            inputs: (n, features), the jets with nothing changed.
        """


@runtime_checkable
class SubstitutesGroups(Protocol):
    """A network that can tell what several changed columns change."""

    def substitute_group(
        self, inputs: Tensor
    ) -> "tuple[Tensor, Callable[[tuple[int, ...], Tensor], Tensor]]":
        """Return the logits, and a function of columns and their new values (n, m) to the logits.

        Args:
            inputs: (n, features), the jets with nothing changed.
        """


REPLACEMENTS = ("mean", "median", "zero")

# The first layer of a batch should stay in the cache while all columns are masked.
_JETS_PER_BATCH = 4096

_Evaluate = Callable[[tuple[int, ...], Tensor], Tensor]


def replacement_values(problem: Problem, replacement: str) -> FloatArray:
    """Return the value that replaces each column, (features,).

    Args:
        problem: Whose inputs, both classes together; padded zeros are left out of mean and
            median if the problem says what is padding, and count if it does not.  Columns of one
            feature have one mean and one median.
        replacement: ``mean`` (as published for the top taggers), ``median``, or ``zero`` (as
            published for the Interaction Network).

    Raises:
        UnknownName: If there is no such replacement.
        BadInput: If features share columns, but for ``zero``.
    """
    if replacement == "mean":
        return _pooled(problem, problem.means())
    if replacement == "median":
        check_no_shared(problem)
        return problem.medians()
    if replacement == "zero":
        return np.zeros(problem.inputs.shape[1])
    raise UnknownName(f"unknown replacement {replacement!r}: choose from {', '.join(REPLACEMENTS)}")


def logits_of(
    problem: Problem,
    inputs: Table | None = None,
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
            logits = network(batch).double()
            with waiting_for(batch.device):
                parts.append(logits.cpu().numpy())
    return np.concatenate(parts)


def masked_logits(
    problem: Problem, values: NDArray[np.floating]
) -> tuple[FloatArray, Iterator[tuple[tuple[int, ...], FloatArray]]]:
    """Evaluate all jets as they are, and with one ranked feature replaced, for each in turn.

    In a dense network a column enters the first layer by one column of its weights, so that
    layer is computed once per jet and corrected for each mask.  Padding stays as it is, see
    ``filled_by`` of the problem.

    Args:
        problem: The classifier and its jets.
        values: (features,), the replacement of each column, or (n, features), that of each jet.

    Returns:
        The logits, (n,) or (n, classes), in float64; and, one after the other, the columns of
        each ranked feature and the logits with it replaced.

    Raises:
        BadInput: If no feature is ranked.
    """
    features = list(problem.members.values())
    if not features:
        raise BadInput("there is no feature to mask: all are left out of the ranking")
    network = problem.network.to(problem.device)
    table: MemoryTable | SpooledTable | None = None
    with torch.inference_mode():
        prepare = _shortcut_or_plain(problem, network)
        starts = range(0, len(problem.inputs), _JETS_PER_BATCH)
        for start in problem.progress(starts, "masking"):
            batch = problem.tensor(problem.inputs[start : start + _JETS_PER_BATCH])
            logits, evaluate = prepare(batch)
            mine = values if values.ndim == 1 else values[start : start + len(batch)]
            with waiting_for(batch.device):
                given = torch.from_numpy(np.ascontiguousarray(mine)).to(batch)
                filled = filled_tensor(batch, problem.filled_by) if problem.filled_by else None
            masked = [
                evaluate(columns, _replaced(batch, filled, columns, given)) for columns in features
            ]
            together = torch.stack([logits, *masked])
            with waiting_for(batch.device):
                found = together.cpu().numpy()
            if table is None:
                shape = (len(found), len(problem.inputs), *found.shape[2:])
                table = make_table(shape, found.dtype, problem.spool)
            table.put(start, found)
    assert table is not None  # noqa: S101 - a problem has jets, and jets have batches
    return table[0].astype(np.float64), _replaced_logits(features, table)


def _replaced_logits(
    features: Sequence[tuple[int, ...]], table: MemoryTable | SpooledTable
) -> Iterator[tuple[tuple[int, ...], FloatArray]]:
    for number, columns in enumerate(features, 1):
        yield columns, table[number].astype(np.float64)


def check_no_shared(problem: Problem) -> None:
    """Raise if a column belongs to several features: it has no value that would suit all.

    Raises:
        BadInput: If one does.
    """
    columns = [column for group in problem.groups.values() for column in group]
    if len(set(columns)) < len(columns):
        raise BadInput(
            "features share columns, which then have no value of their own: replace by zero, or "
            "mask sets of features (explain_drop_sets)"
        )


def _pooled(problem: Problem, means: FloatArray) -> FloatArray:
    """Return the means of columns with one for all columns of a feature, over filled entries.

    Raises:
        BadInput: If features share columns.
    """
    check_no_shared(problem)
    if not problem.groups:
        return means
    pooled, filled = means.copy(), problem.filled_counts()
    for columns in map(list, problem.groups.values()):
        total = filled[columns].sum()
        pooled[columns] = means[columns] @ filled[columns] / total if total else 0.0
    return pooled


def _replaced(
    batch: Tensor, filled: Tensor | None, columns: tuple[int, ...], values: Tensor
) -> Tensor:
    """Return columns (n, m) replaced, where they are filled, by those of values.

    Args:
        batch: (n, features).
        filled: (n, features), whether an entry is filled; None if all are.
        columns: Positions of the m columns.
        values: (features,) or (n, features).
    """
    chosen = selection(columns)
    replaced = values[..., chosen].expand(len(batch), len(columns))
    if filled is None:
        return replaced
    return torch.where(filled[:, chosen], replaced, batch[:, chosen])


def _shortcut_or_plain(
    problem: Problem, network: nn.Module
) -> Callable[[Tensor], tuple[Tensor, _Evaluate]]:
    single = all(len(columns) == 1 for columns in problem.members.values())
    if isinstance(network, SubstitutesGroups):
        return network.substitute_group
    if isinstance(network, Substitutes):
        return functools.partial(_single if single else _plain, network)
    try:
        layers = check_dense(network, problem.tensor(problem.inputs[:_JETS_PER_BATCH]))
    except BadInput:
        return functools.partial(_plain, network)
    return functools.partial(_factorised, layers)


def _plain(network: nn.Module, batch: Tensor) -> tuple[Tensor, _Evaluate]:
    def evaluate(columns: tuple[int, ...], replaced: Tensor) -> Tensor:
        masked = batch.clone()
        masked[:, selection(columns)] = replaced
        logits: Tensor = network(masked)
        return logits

    return network(batch), evaluate


def _single(network: Substitutes, batch: Tensor) -> tuple[Tensor, _Evaluate]:
    logits, substitute = network.substitute(batch)
    return logits, lambda columns, replaced: substitute(columns[0], replaced[:, 0])


def _factorised(layers: list[nn.Linear], batch: Tensor) -> tuple[Tensor, _Evaluate]:
    weight, unmasked = layers[0].weight, layers[0](batch)

    def evaluate(columns: tuple[int, ...], replaced: Tensor) -> Tensor:
        chosen = selection(columns)
        change = (replaced - batch[:, chosen]) @ weight[:, chosen].T
        return dense_logits(layers, change.add_(unmasked))

    return dense_logits(layers, unmasked), evaluate
