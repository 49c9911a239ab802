"""Model cards: what each variant is, read from ``card_files/<family>.toml``."""

import functools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from repro.errors import UnknownName, did_you_mean

__all__ = ["BASELINE", "Card", "find_card", "list_families", "load_cards", "module_of"]

BASELINE = "baseline"

_FEW = 12


@dataclass(frozen=True)
class Card:
    """One variant of a model family.

    Attributes:
        family: Model name, such as ``topodnn``.
        variant: Variant label as the papers use it.
        description: One line.
        hidden: Sizes of the hidden layers; of F where there are several networks.
        inputs: Number of input columns.
        parameters: Number of trainable parameters.
        authors: Ids of the pinned files with the authors' weights.
        drop: Patterns of input columns that the variant does not see.
        standardise: Patterns of input columns that are z-scored with the set's own moments.
        first: If given, only that many leading columns are seen.
        phi: Sizes of the layers of Φ, which sees one constituent.
        phi_pair: Sizes of the layers of Φ_I, which sees a pair, and of Φ_I2.
        mode: How PFIN joins its two sums, ``sum`` or ``cat``.
        edge_features: Size of what an edge of an Interaction Network carries.
        node_features: Size of what its f_O makes of a track.
    """

    family: str
    variant: str
    description: str
    hidden: tuple[int, ...]
    inputs: int
    parameters: int
    authors: tuple[str, ...]
    drop: tuple[str, ...] = ()
    standardise: tuple[str, ...] = ()
    first: int | None = None
    phi: tuple[int, ...] = ()
    phi_pair: tuple[int, ...] = ()
    mode: str | None = None
    edge_features: int | None = None
    node_features: int | None = None

    @property
    def name(self) -> str:
        """``family:variant``."""
        return f"{self.family}:{self.variant}"

    def columns(self, features: Sequence[str]) -> list[int]:
        """Return the positions of the columns that this variant sees.

        >>> card = Card("m", "v", "", (), 2, 0, (), drop=("pt_*",))
        >>> card.columns(["pt_0", "eta_0", "phi_0"])
        [1, 2]
        """
        return [
            position
            for position, feature in enumerate(features[: self.first])
            if not _matches(feature, self.drop)
        ]

    def standardised(self, features: Sequence[str]) -> list[int]:
        """Return the positions of the columns that are z-scored."""
        return [i for i, feature in enumerate(features) if _matches(feature, self.standardise)]


def list_families() -> list[str]:
    """Return the names of all families, in alphabetical order.

    >>> list_families()[:2]
    ['augpfn', 'in']
    """
    return sorted(path.name[:-5] for path in _folder().iterdir() if path.name.endswith(".toml"))


@functools.cache
def load_cards(family: str) -> dict[str, Card]:
    """Return all variants of a family by label.

    Raises:
        UnknownName: If there is no such family.
    """
    variants = _read(family)["variants"]
    return {variant: _card(family, variant, entry) for variant, entry in variants.items()}


def find_card(name: str) -> Card:
    """Return the card of ``family`` or ``family:variant``.

    A family alone is its ``default`` variant, and the baseline where the file names none.

    Raises:
        UnknownName: If there is no such family or variant.

    >>> find_card("topodnn:v4").parameters
    16013
    """
    family, colon, variant = name.partition(":")
    cards = load_cards(family)
    if colon and not variant:
        raise UnknownName(
            f"no variant after the colon of {name!r}: {family} has {', '.join(cards)}"
        )
    variant = variant or _read(family).get("default", BASELINE)
    if variant not in cards:
        raise UnknownName(f"unknown variant {name!r}: {_hint(family, variant, list(cards))}")
    return cards[variant]


def _hint(family: str, variant: str, known: Sequence[str]) -> str:
    """Return which variants there are, or of many those that are closest."""
    hint = did_you_mean(variant, known).strip(" ()")
    many = hint and len(known) > _FEW
    listed = f"{len(known)} variants" if many else ", ".join(known)
    return f"{hint} {family} has {listed}".strip()


def module_of(family: str) -> str:
    """Return the name of the module with the network of a family.

    Raises:
        UnknownName: If there is no such family.

    >>> module_of("pfin"), module_of("in")
    ('repro.models.pfin', 'repro.models.interaction')
    """
    return f"repro.models.{_read(family).get('module', family)}"


@functools.cache
def _read(family: str) -> dict[str, Any]:
    known = list_families()
    if family not in known:
        hint = did_you_mean(family, known)
        raise UnknownName(f"unknown model {family!r}{hint}: this version has {', '.join(known)}")
    return tomllib.loads(_folder().joinpath(f"{family}.toml").read_text("utf-8"))


def _folder() -> Traversable:
    return resources.files("repro.models").joinpath("card_files")


def _card(family: str, variant: str, entry: dict[str, Any]) -> Card:
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    return Card(family=family, variant=variant, **fields)


def _matches(feature: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(feature, pattern) for pattern in patterns)
