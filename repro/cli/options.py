"""Options that several commands share."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from repro.catalogue import PAPERS
from repro.data.progress import make_bar
from repro.errors import BadInput, NotAvailable

if TYPE_CHECKING:
    from argparse import _ActionsContainer

    from repro.data.callbacks import Progress
    from repro.figures.context import Context
    from repro.models.cards import Card

__all__ = [
    "UNLABELLED",
    "add_computing",
    "add_device",
    "add_json",
    "add_out",
    "add_paper",
    "add_source",
    "add_tracks",
    "add_verbosity",
    "add_weights",
    "check_published",
    "check_reading",
    "make_context",
    "make_progress",
    "natural",
    "positive",
]


UNLABELLED = ("background", "removed")
"""As in :mod:`repro.data.hbb.labels`, which imports numpy."""

_SETTINGS = ("data", "weights", "device", "jets", "seed", "corrected", "background")


def add_computing(parser: argparse.ArgumentParser) -> None:
    """Add the options of all commands that compute."""
    group = parser.add_argument_group("computing")
    group.add_argument(
        "--data",
        default="auto",
        metavar="auto|paper|fixtures|embedded|PATH",
        help="the jets: the paper's data set, the authors' stored arrays, simulated jets that come "
        "with the package, or a file in the paper's format; for hbb, cached files of its record or "
        "a file of that kind (default: auto, which says what it took)",
    )
    add_weights(group)
    add_device(group)
    group.add_argument("--jets", type=positive, metavar="N", help="use the first N jets")
    group.add_argument("--seed", type=natural, default=0, metavar="S")
    group.add_argument("--corrected", action="store_true", help="switch the originals' quirks off")
    group.add_argument(
        "--background",
        type=positive,
        default=100,
        metavar="N",
        help="KernelSHAP: background jets, drawn for each jet from the paper's 5000; all of them, "
        "as published, with 5000 (default: 100, whose error the result states)",
    )


def check_published(card: "Card", weights: str) -> None:
    """Refuse the authors' weights of a model for which there are none.

    Raises:
        NotAvailable: If they are asked for.
    """
    if weights == "authors" and not card.authors:
        raise NotAvailable(
            f"the authors published no weights of {card.name}: use --weights embedded, or a file"
        )


def add_weights(
    group: "_ActionsContainer",
    default: str = "auto",
    meaning: str = "the authors' if they are cached or can be reached, else the package's own; it "
    "says which",
) -> None:
    """Add ``--weights``.

    Args:
        group: Gets it.
        default: What is taken if it is not given, by a word.
        meaning: What the word means.
    """
    group.add_argument(
        "--weights",
        default=default,
        metavar=f"{default}|authors|embedded|PATH",
        help="the weights: the authors', the package's own, a state dict of the model, as "
        ".safetensors or by torch.save, or a folder of trainings, with one such as "
        f"topodnn-v4/weights.safetensors for each model (default: {default}, {meaning})",
    )


def add_device(group: "_ActionsContainer") -> None:
    """Add ``--device``."""
    group.add_argument("--device", default="auto", metavar="auto|cpu|cuda[:i]")


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON, nothing else")


def add_paper(parser: argparse.ArgumentParser, default: str | None = "toptag") -> None:
    """Add ``--paper``."""
    shown = default or "both"
    parser.add_argument(
        "--paper", choices=PAPERS, default=default, help=f"the paper (default: {shown})"
    )


def add_verbosity(parser: argparse.ArgumentParser) -> None:
    """Add ``-q`` and ``-v``."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "-q",
        "--quiet",
        dest="verbosity",
        action="store_const",
        const=-1,
        default=0,
        help="no progress and no warnings",
    )
    group.add_argument(
        "-v", "--verbose", dest="verbosity", action="count", default=0, help="say more"
    )


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add ``--out``."""
    parser.add_argument(
        "--out", type=Path, default=Path("results"), metavar="DIR", help="default: results/"
    )


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add ``--from``, after the options of :func:`add_computing`."""
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="DIR",
        help="take the results in this folder, which 'fig', 'table' and 'verify --out' wrote, "
        "instead of computing",
    )
    parser.set_defaults(defaults={name: parser.get_default(name) for name in _SETTINGS})


def check_reading(arguments: argparse.Namespace) -> None:
    """Refuse options of computing where results are taken as they are.

    Raises:
        BadInput: If there are any.
    """
    changed = [n for n in _SETTINGS if getattr(arguments, n) != arguments.defaults[n]]
    if changed:
        raise BadInput(f"--from takes results as they are: leave out --{' and --'.join(changed)}")


def make_context(arguments: argparse.Namespace, *names: str) -> "Context":
    """Return the context that the options ask for.

    Args:
        arguments: With ``verbosity``.
        names: The settings that the command has options for; all if none are named.
    """
    from repro.figures.context import Context, Settings  # noqa: PLC0415 - imports torch

    chosen = {name: getattr(arguments, name) for name in names or _SETTINGS}
    return Context(Settings(**chosen, quiet=arguments.verbosity < 0))


def make_progress(arguments: argparse.Namespace) -> "Progress":
    """Return what shows progress on stderr, for commands without a context."""
    hidden = arguments.verbosity < 0
    return lambda steps, label: make_bar(steps, label=label, hidden=hidden)


def natural(text: str) -> int:
    """Return a whole number that numpy takes for a seed, from 0 to 2³² - 1.

    >>> natural("0")
    0
    """
    number = _whole(text, 0)
    if number >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is more than 2³² - 1")
    return number


def positive(text: str) -> int:
    """Return a whole number from 1.

    >>> positive("12")
    12
    """
    return _whole(text, 1)


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least}")
    return number


def add_tracks(parser: argparse.ArgumentParser) -> None:
    """Add what is to be done with jets of record 12102."""
    parser.add_argument(
        "--unlabelled",
        choices=UNLABELLED,
        help="for in: what jets count as that are neither H->bb nor QCD (default: background, as "
        "in the notebooks of the study)",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="for in: replace NaN and infinity as the program that wrote the ntuples does, "
        "instead of refusing them",
    )
