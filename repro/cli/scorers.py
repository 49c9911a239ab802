"""How ``repro score`` scores a file: one scorer for what a family of taggers sees of a jet.

A new kind of jets is one more entry of :data:`SCORERS`: a check of the file, which complains before
weights are fetched, and a function that scores it and says what it did.
"""

import argparse
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.errors import BadInput

if TYPE_CHECKING:
    from repro.figures.context import Context
    from repro.models.tagger import Tagger

__all__ = ["SCORERS", "Scored", "Scorer", "check_options"]

_LOG = logging.getLogger(__name__)

_COUNTED = {
    "background": "of all jets, unlabelled ones right where H->bb is said (as the notebooks count)",
    "removed": "of labelled jets",
}


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of a file.

    Attributes:
        scores: (n,), float32, in the order of the file; NaN where a jet has none.
        lines: What there is to say of them, for a reader.
    """

    scores: Any
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Scorer:
    """How files with some kind of jets are scored.

    Attributes:
        options: The options that have a meaning for these jets alone, and their meaning.
        check: Raises unless the file, of the arguments, can be opened.
        score: Scores the file.
    """

    options: Mapping[str, str]
    check: Callable[[argparse.Namespace], None]
    score: Callable[[argparse.Namespace, "Context", "Tagger"], Scored]


def check_options(arguments: argparse.Namespace, name: str, scorer: Scorer) -> None:
    """Refuse options that have no meaning for the jets of a model.

    Args:
        arguments: The options, unset where they are not given.
        name: What the model is called in messages.
        scorer: The model's.

    Raises:
        BadInput: If there is one.
    """
    for other in SCORERS.values():
        for option, meaning in other.options.items():
            if option not in scorer.options and getattr(arguments, option):
                raise BadInput(f"--{option} has no meaning for {name}: {meaning}; leave it out")


def _check_constituents(arguments: argparse.Namespace) -> None:
    from repro.data.hbb.streaming import is_address  # noqa: PLC0415 - with h5py, as all below
    from repro.data.open_jets import open_jets  # noqa: PLC0415

    if is_address(arguments.file):
        raise BadInput(f"{arguments.file} is an address: fetch the file, and give its path")
    with open_jets(arguments.file):
        pass


def _score_constituents(
    arguments: argparse.Namespace, context: "Context", tagger: "Tagger"
) -> Scored:
    import numpy as np  # noqa: PLC0415 - slow

    from repro.models.scoring import score_file  # noqa: PLC0415 - imports torch

    name, path = tagger.card.name, Path(arguments.file)
    found, labels = score_file(
        path,
        {name: tagger},
        jets=arguments.jets,
        device=context.device,
        corrected=arguments.corrected,
        progress=context.progress,
    )
    _warn_of_other_quirks(arguments)
    scores = found[name]
    known = ~np.isnan(scores)
    missing = int((~known).sum())
    without = f"{missing:,} of them" if missing else "none"
    lines = [f"jets: {len(scores):,} jets of {path.name}, {without} without a score"]
    lines += _area(scores[known], labels[known], "top", "QCD jets")
    return Scored(scores, tuple(lines))


def _warn_of_other_quirks(arguments: argparse.Namespace) -> None:
    """Say so if a training's weights have seen inputs with the quirks on and these are off."""
    from repro.data.regular import read_json  # noqa: PLC0415 - as above

    if not Path(arguments.weights).is_file():
        return
    try:
        card = read_json(Path(arguments.weights).with_name("card.json"))
        corrected = bool(card["training"]["corrected"])
    except (OSError, ValueError, LookupError, TypeError):
        return  # no weights of a training
    if corrected != arguments.corrected:
        trained, fix = ("off", "give") if corrected else ("on", "leave out")
        _LOG.warning(
            "%s was trained with the originals' quirks %s: %s --corrected to score likewise",
            arguments.weights,
            trained,
            fix,
        )


def _check_tracks(arguments: argparse.Namespace) -> None:
    from repro.data.hbb.opening import open_table  # noqa: PLC0415 - with h5py

    with open_table(arguments.file):
        pass


def _score_tracks(arguments: argparse.Namespace, context: "Context", tagger: "Tagger") -> Scored:
    from repro.metrics.unlabelled import right_decisions  # noqa: PLC0415 - slow
    from repro.models.track_scoring import score_tracks_of_file  # noqa: PLC0415 - imports torch

    found = score_tracks_of_file(
        arguments.file,
        {"": tagger},
        jets=arguments.jets,
        device=context.device,
        repair=arguments.repair,
        progress=context.progress,
    )
    scores, labels, unlabelled = found.scores[""], found.labels, found.unlabelled
    removed = arguments.unlabelled == "removed"
    treated = "left out of the AUC" if removed else "background"
    jets = f"{len(scores):,} jets of {Path(arguments.file).name}"
    lines = [f"jets: {jets}, {int(unlabelled.sum()):,} of them unlabelled ({treated})"]
    counted = ~unlabelled if removed else slice(None)
    lines += _area(scores[counted], labels[counted], "H->bb", "other jets")
    right = right_decisions(scores, labels, unlabelled)
    lines += [
        f"accuracy at 0.5 (%): {100 * correct / total:.2f} {_COUNTED[policy]}"
        for policy, (correct, total) in right.items()
        if total
    ]
    return Scored(scores, tuple(lines))


def _area(scores: Any, labels: Any, signal: str, background: str) -> list[str]:
    """Return a line with the AUC, and none where there are too few jets for an interval."""
    from repro.metrics import auc_interval, rank_jets  # noqa: PLC0415 - imports scipy

    others, wanted = (int((labels == label).sum()) for label in (0, 1))
    if min(others, wanted) < 2:
        return [f"AUC: undefined, for it takes two jets of {signal} and two {background}"]
    area = auc_interval(rank_jets(scores, labels))
    low, value, high = (f"{100 * edge:.2f}" for edge in (area.low, area.value, area.high))
    on = f"{wanted:,} {signal} and {others:,} {background}"
    return [f"AUC (%): {value} [{low}, {high}] on {on}"]


SCORERS: Mapping[str, Scorer] = {
    "constituents": Scorer(
        {"corrected": "its inputs are in the file, and no quirk enters them"},
        _check_constituents,
        _score_constituents,
    ),
    "tracks": Scorer(
        {
            "unlabelled": "its jets all have labels",
            "repair": "NaN and infinity among four-momenta are never replaced",
        },
        _check_tracks,
        _score_tracks,
    ),
}
"""By what a family sees, see :func:`repro.features.registry.objects_of`."""
