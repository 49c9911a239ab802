"""Recipes: how a tagger is trained, from ``recipes.toml``."""

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from repro.errors import BadInput, UnknownName, did_you_mean
from repro.models.cards import Card

__all__ = ["PUBLISHED", "Recipe", "find_recipe", "recipe_names"]

PUBLISHED = "published"

_COMMON = "all"


@dataclass(frozen=True)
class Recipe:
    """The settings of a training; the words are explained in ``recipes.toml``.

    Attributes:
        name: Name of the recipe.
        learning_rate: Of Adam, at its largest.
        batch: Jets per step, over all processes.
        epochs: At most so many.
        schedule: How the learning rate changes.
        selection: Which epoch's weights are kept, by validation ``accuracy`` or ``loss``.
        stopping: When training ends before the last epoch.
        initialisation: ``torch``: torch's own; ``glorot``: Glorot uniform and zero biases, as
            in Keras.
        seed: Of the initial weights, the order of the jets and dropout.
        reload_below: If given, the best weights are taken again after such a loss of accuracy.
        shuffle: If given, constituents change places with their neighbours, so far.
        rotate: Whether jets are turned and mirrored at random.
        begin_with: If given, the variant whose embedded weights are the first.
        leading: How many constituents the first epochs see.
        epsilon: Of Adam, added to the root of the second moment.
        store: Precision of the file of weights, ``network`` or ``float32``.
        notes: What should be known of the recipe.
    """

    name: str
    learning_rate: float
    batch: int
    epochs: int
    schedule: Mapping[str, Any]
    selection: str
    initialisation: str
    seed: int
    stopping: Mapping[str, Any] = dataclasses.field(default_factory=lambda: {"kind": "none"})
    reload_below: float | None = None
    shuffle: float | None = None
    rotate: bool = False
    begin_with: str | None = None
    leading: tuple[tuple[int, int], ...] = ()
    epsilon: float = 1e-8
    store: str = "network"
    notes: tuple[str, ...] = ()

    def changed(self, **settings: Any) -> "Recipe":
        """Return the recipe with the settings that are given; None leaves one as it is.

        Raises:
            BadInput: If a number makes no sense.
        """
        given = {name: value for name, value in settings.items() if value is not None}
        changed = dataclasses.replace(self, **given)
        if not changed.learning_rate > 0:
            raise BadInput(f"learning rate {changed.learning_rate}: give a number above zero")
        return changed

    def document(self) -> dict[str, Any]:
        """Return all settings as JSON can hold them."""
        return {**dataclasses.asdict(self), "notes": list(self.notes)}


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes.

    >>> recipe_names()
    ('published', 'embedded')
    """
    return tuple(_read())


def find_recipe(name: str, card: Card) -> Recipe:
    """Return a recipe for a variant.

    Raises:
        UnknownName: If there is no such recipe, or none for the family.

    >>> from repro.models.cards import find_card
    >>> find_recipe("published", find_card("mbns:trial")).epochs
    20
    """
    if name not in _read():
        raise UnknownName(
            f"unknown recipe {name!r}{did_you_mean(name, recipe_names())}: choose from "
            f"{', '.join(recipe_names())}"
        )
    settings: dict[str, Any] = {}
    for recipe in dict.fromkeys((PUBLISHED, name)):
        settings |= _settings(_read()[recipe], card)
    if "epochs" not in settings:
        raise UnknownName(f"there is no recipe for {card.family}")
    return Recipe(**{**settings, "name": name, "notes": tuple(settings["notes"])})


def _settings(recipe: Mapping[str, Any], card: Card) -> dict[str, Any]:
    fields = {field.name for field in dataclasses.fields(Recipe)}
    family = recipe.get(card.family, {})
    variants = {key: value for key, value in family.items() if isinstance(value, dict)}
    of_family = {
        key: value for key, value in family.items() if key in fields or key not in variants
    }
    settings = {**recipe.get(_COMMON, {}), **of_family}
    settings |= variants.get(card.variant, {})
    unknown = settings.keys() - fields
    if unknown:
        raise BadInput(f"recipes.toml: {card.family} has the unknown {', '.join(sorted(unknown))}")
    return settings


@functools.cache
def _read() -> dict[str, Any]:
    text = resources.files("repro.training").joinpath("recipes.toml").read_text("utf-8")
    return tomllib.loads(text)
