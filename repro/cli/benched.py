"""What ``repro bench`` measures on: taggers, and jets for them."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from repro.errors import MissingData, NotAvailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from repro.explain.problem import Problem
    from repro.figures.context import Context
    from repro.models.tagger import Tagger

__all__ = ["TRACKS", "has_random_weights", "inputs_of", "problem_of", "tagger_of", "trained_tagger"]

TRACKS = "in"
"""The family that takes tracks and vertices, not constituents."""


def inputs_of(
    tagger: "Tagger", path: Path | None, jets: int, seed: int
) -> "Iterator[NDArray[np.floating]]":
    """Yield what the network of a tagger gets: of the jets of a file, or of artificial ones."""
    from repro.benchmarks.artificial import iter_artificial_inputs  # noqa: PLC0415 - slow
    from repro.benchmarks.features import iter_jets  # noqa: PLC0415
    from repro.benchmarks.networks import iter_inputs_of_tagger  # noqa: PLC0415

    if path is None or tagger.card.family == TRACKS:
        return iter_artificial_inputs(tagger, jets, seed)
    return iter_inputs_of_tagger(tagger, iter_jets(path, jets))


def tagger_of(name: str, arguments: argparse.Namespace, context: "Context") -> "Tagger":
    """Return a tagger with the weights that the options ask for."""
    from repro.models.tagger import untrained_tagger  # noqa: PLC0415 - slow

    return (
        untrained_tagger(name, arguments.seed)
        if has_random_weights(arguments)
        else context.tagger(name)
    )


def trained_tagger(
    name: str, arguments: argparse.Namespace, context: "Context"
) -> "tuple[Tagger, bool]":
    """Return a tagger that has learned, and True; with random weights where none are at hand."""
    from repro.models.tagger import load_tagger, untrained_tagger  # noqa: PLC0415 - slow

    if not has_random_weights(arguments):
        return context.tagger(name), True
    try:
        return load_tagger(name, "embedded", context.fetch), True
    except NotAvailable:
        pass
    try:
        return context.tagger(name), True
    except (NotAvailable, MissingData):
        return untrained_tagger(name, arguments.seed), False


def problem_of(
    tagger: "Tagger", jets: int, arguments: argparse.Namespace, context: "Context"
) -> "Problem":
    """Return the problem of explaining a tagger on jets of a file, or on simulated ones."""
    from repro.cli.explained import EXPLAINED  # noqa: PLC0415 - slow, as all below
    from repro.data.callbacks import silent  # noqa: PLC0415
    from repro.data.pins import find_artifact  # noqa: PLC0415
    from repro.data.store import shipped_path  # noqa: PLC0415
    from repro.features.registry import objects_of  # noqa: PLC0415
    from repro.figures.context import Context  # noqa: PLC0415
    from repro.figures.record_jets import EMBEDDED  # noqa: PLC0415

    some = Context(dataclasses.replace(context.settings, jets=jets), context.store)
    given = argparse.Namespace(
        file=shipped_path(find_artifact(EMBEDDED)),
        jets=jets,
        unlabelled=None,
        repair=False,
        method="",
        seed=arguments.seed,
    )
    found = EXPLAINED[objects_of(tagger.card.family)].find(given, some, tagger)
    return dataclasses.replace(found.problem.in_memory(), progress=silent)


def has_random_weights(arguments: argparse.Namespace) -> bool:
    """Whether the options ask for random weights."""
    return arguments.weights in ("auto", "random")
