"""The package's own weights: trained by it on simulated jets, shipped with their cards.

Each variant has two files in ``embedded/``: ``<family>-<variant>.safetensors``, and the model card
of its training as ``.json`` (data, seed, recipe, commit, metrics with intervals, and the hash of
the weights).
"""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from repro.data.integrity import hash_file
from repro.errors import IntegrityError, NotAvailable
from repro.models.cards import Card

__all__ = [
    "embedded_card",
    "embedded_file",
    "embedded_names",
    "embedded_trainings",
    "has_embedded",
    "stem_of",
]


def stem_of(card: Card) -> str:
    """Return the name of a variant's files, without suffix.

    >>> from repro.models.cards import find_card
    >>> stem_of(find_card("pfin"))
    'pfin-sum'
    """
    return f"{card.family}-{card.variant}"


def embedded_names() -> tuple[str, ...]:
    """Return ``family:variant`` of all shipped weights, in alphabetical order."""
    return tuple(sorted(path.stem.replace("-", ":", 1) for path in _folder().glob("*.safetensors")))


def has_embedded(card: Card) -> bool:
    """Whether the package ships weights of a variant."""
    return (_folder() / f"{stem_of(card)}.safetensors").is_file()


def embedded_file(card: Card) -> Path:
    """Return the file with the shipped weights of a variant.

    Raises:
        NotAvailable: If there are none.
        IntegrityError: If the file is not the one that its card describes.
    """
    if not has_embedded(card):
        other = "use --weights authors, or train it" if card.authors else "train it"
        raise NotAvailable(f"this version ships no weights for {card.name}: {other}")
    path = _folder() / f"{stem_of(card)}.safetensors"
    if hash_file(path) != embedded_card(card)["weights"]["sha256"]:
        raise IntegrityError(
            f"{path} was changed: it comes with this package, so install the package again"
        )
    return path


def embedded_card(card: Card) -> dict[str, Any]:
    """Return the model card of the shipped weights of a variant.

    Raises:
        IntegrityError: If it cannot be read.
    """
    return _read_card(_folder() / f"{stem_of(card)}.json")


def embedded_trainings(family: str) -> tuple[dict[str, Any], ...]:
    """Return the cards of all trainings of a family, in the order of their files.

    ``<family>-<variant>.<seed>.json`` is a training with another seed, whose weights are not
    shipped: it tells how trainings differ.

    Raises:
        IntegrityError: If one cannot be read.
    """
    return tuple(map(_read_card, sorted(_folder().glob(f"{family}-*.json"))))


def _read_card(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
        _ = document["weights"]["sha256"]
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise IntegrityError(
            f"{path} cannot be read: it comes with this package, so install the package again"
        ) from problem
    return dict(document)


def _folder() -> Path:
    with resources.as_file(resources.files("repro.models").joinpath("embedded")) as folder:
        return folder
