"""The jets that ``repro train`` learns from, chooses the epoch by and tests on."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from repro.errors import BadInput, MissingData, NotAvailable
from repro.features.embedded import SHIPPED
from repro.figures.context import Context
from repro.figures.record_jets import EMBEDDED
from repro.models.tagger import Tagger
from repro.training.examples import Examples, read_examples, split_examples
from repro.training.track_examples import find_files, read_track_examples

__all__ = ["read_all"]

_ASIDE = 0.1
_PINNED = {"paper": "toptag/data/train.h5", "embedded": SHIPPED}
_VALIDATION = "toptag/data/val.h5"

_Parts = tuple[Examples, Examples, dict[str, Examples]]


def read_all(arguments: argparse.Namespace, context: Context, tagger: Tagger) -> _Parts:
    """Return the jets to learn from, to choose the epoch by, and to test on, by name.

    Args:
        arguments: With ``data``, ``validation``, ``test``, ``jets`` and ``corrected``.
        context: Gives pinned files.
        tagger: Whose inputs.

    Raises:
        MissingData: If jets are not there.
        BadInput: If they cannot be used, or are too few.
        NotAvailable: If a library that they need is not installed.
    """
    names = [path.name for path in arguments.test]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BadInput(f"--test {twice[0]} is given twice: files are told apart by their names")
    named = next((name for name in arguments.data if name in _PINNED), None)
    if named and len(arguments.data) > 1:
        raise BadInput(f"--data {named} is all the jets: leave the others out")
    return _READERS.get(tagger.card.family, _constituents)(arguments, context, tagger)


def _constituents(arguments: argparse.Namespace, context: Context, tagger: Tagger) -> _Parts:
    for option, names in (("--data", arguments.data), ("--validation", arguments.validation)):
        if len(names) > 1:
            raise BadInput(f"{option}: {tagger.card.family} takes one file: give one")
    (source,) = arguments.data
    further = [*arguments.test, *map(Path, arguments.validation)]
    for path in further if source in _PINNED else [Path(source), *further]:
        if not path.is_file():
            raise MissingData(f"no jets at {path}: check the path")

    def read(path: Path, jets: int | None = None, *, of_paper: bool = False) -> Examples:
        corrected = arguments.corrected
        return read_examples(
            path, tagger, jets, context.progress, corrected=corrected, of_paper=of_paper
        )

    is_paper = source == "paper"
    path = context.fetch(_PINNED[source]) if source in _PINNED else Path(source)
    learning = read(path, arguments.jets, of_paper=is_paper)
    if arguments.validation:
        validation = read(Path(*arguments.validation))
    elif is_paper:
        validation = read(context.fetch(_VALIDATION), of_paper=True)
    else:
        learning, validation = split_examples(learning, _ASIDE)
    return learning, validation, {path.name: read(path) for path in arguments.test}


def _tracks(arguments: argparse.Namespace, context: Context, tagger: Tagger) -> _Parts:
    if arguments.data == ["paper"]:
        raise NotAvailable(
            f"--data paper: {tagger.card.family} learns from files that are named: give a file of "
            "record 12102, or a folder of what 'repro convert' makes of them"
        )

    def read(files: Sequence[Path], jets: int | None = None) -> Examples:
        return read_track_examples(
            files, tagger, jets, context.progress, corrected=arguments.corrected
        )

    tests = {path.name: find_files(path) for path in arguments.test}
    chosen_by = find_files(*map(Path, arguments.validation))
    is_embedded = arguments.data == ["embedded"]
    given = [context.fetch(EMBEDDED)] if is_embedded else find_files(*map(Path, arguments.data))
    learning = read(given, arguments.jets)
    if chosen_by:
        validation = read(chosen_by)
    else:
        learning, validation = split_examples(learning, _ASIDE)
    return learning, validation, {name: read(files) for name, files in tests.items()}


_READERS: dict[str, Callable[[argparse.Namespace, Context, Tagger], _Parts]] = {"in": _tracks}
