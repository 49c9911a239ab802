"""Compute, judge and draw an item by its id."""

import dataclasses
import importlib
import time
from types import ModuleType
from typing import TYPE_CHECKING

from repro.catalogue import Item
from repro.figures.context import Context
from repro.results.document import Result
from repro.results.judge import judge_item
from repro.results.provenance import environment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["compute_item", "render_item"]


def compute_item(item: Item, context: Context) -> Result:
    """Compute and judge an item.

    What was kept, should it be stopped, goes at the end, or at that of the outermost
    :meth:`~repro.figures.stopped.StoppedRuns.until_written` of the context.

    Raises:
        NotAvailable: If this version cannot compute it.
    """
    module = _module(item)
    started = time.perf_counter()
    with context.stopped.until_written():
        result: Result = module.compute(context)
        result = dataclasses.replace(
            result,
            environment=environment(context.device),
            seconds=round(time.perf_counter() - started, 3),
        )
        return dataclasses.replace(result, claims=judge_item(result))


def render_item(item: Item, result: Result) -> "Figure | None":
    """Draw an item from its numbers alone; None for a table without a picture."""
    render = getattr(_module(item), "render", None)
    if render is None:
        return None
    from repro.figures.style import hep_style  # noqa: PLC0415 - tables need no matplotlib

    with hep_style():
        figure: Figure = render(result)
    return figure


def _module(item: Item) -> ModuleType:
    return importlib.import_module(item.implementation())
