"""``repro card``: the card of a model or of a data set, for people or for programs."""

import argparse
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from repro.errors import BadInput, UnknownName, did_you_mean

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parser", "run"]

_FORMATS = ("markdown", "jsonld", "croissant")


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("card", help="print the card of a model or of a data set")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="MODEL[:VARIANT], such as pfin:sum, or a data set; without one, all names",
    )
    parser.add_argument(
        "--format",
        choices=_FORMATS,
        default=_FORMATS[0],
        help="Markdown (the default), JSON-LD, or Croissant for data sets that are shipped",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the card."""
    from repro.fair.datasets import load_datasets  # noqa: PLC0415 - needed here alone
    from repro.fair.models import all_cards  # noqa: PLC0415

    if arguments.name is None:
        print("\n".join([*load_datasets(), *(card.name for card in all_cards())]))
        return 0
    makers = _of_dataset if arguments.name in load_datasets() else _of_model
    made = makers(arguments.name)[arguments.format]()
    is_text = isinstance(made, str)
    print(made if is_text else json.dumps(made, indent=1, ensure_ascii=False), end="")
    print(end="" if is_text else "\n")
    return 0


def _of_dataset(name: str) -> Mapping[str, Callable[[], str | dict[str, Any]]]:
    from repro.fair.cards import data_card  # noqa: PLC0415
    from repro.fair.croissant import croissant  # noqa: PLC0415
    from repro.fair.datasets import dataset_record, find_dataset  # noqa: PLC0415

    dataset = find_dataset(name)
    return {
        "markdown": lambda: data_card(dataset),
        "jsonld": lambda: dataset_record(dataset),
        "croissant": lambda: croissant(dataset),
    }


def _of_model(name: str) -> Mapping[str, Callable[[], str | dict[str, Any]]]:
    from repro.fair.cards import model_card  # noqa: PLC0415
    from repro.fair.models import model_record  # noqa: PLC0415
    from repro.models.cards import find_card  # noqa: PLC0415

    try:
        card = find_card(name)
    except UnknownName as problem:
        from repro.fair.datasets import load_datasets  # noqa: PLC0415

        hint = did_you_mean(name, load_datasets())
        raise UnknownName(f"{problem}; 'repro card' lists models and data sets{hint}") from None

    def refuse() -> str:
        raise BadInput(f"Croissant describes data sets, and {name} is a model: use jsonld")

    return {
        "markdown": lambda: model_card(card),
        "jsonld": lambda: model_record(card),
        "croissant": refuse,
    }
