"""The papers' testable claims, one :class:`Claim` per number, from ``<paper>/claims.toml``.

A ``[[claim]]`` table has ``id``, ``statement``, ``source`` and one or more
``[[claim.number]]`` tables.  A number table names its ``item``, the path ``value``
of the number within that item's values, and either ``key`` with one
``expected`` value or ``expected`` as a table of keys and values; ``{key}`` in
``value`` and ``quantity`` is then replaced by each key.  ``ours = true``, of
a number or of a whole claim, marks what the paper puts in words alone.
"""

import dataclasses
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Any

from repro.catalogue.items import PAPERS, catalogue_text
from repro.catalogue.toml_files import check_keys, check_types, parse_entries

__all__ = ["COMPARISONS", "Claim", "Expected", "Tolerance", "load_claims", "parse_claims"]

Expected = float | int | str | bool | tuple[float | str, ...]

COMPARISONS = ("within", "equal", "above", "below", "between")

# Keys of the tables, those that are needed first.
_OF_CLAIMS = ("id", "statement", "source", "number", "ours")
_OF_NUMBERS = (
    *("quantity", "expected", "key", "prefix", "comparison", "item", "value", "source", "ours"),
    *("reproduction", "replication", "other_jets"),
)


@dataclass(frozen=True)
class Tolerance:
    """How far a number may lie from the paper's, and why.

    Attributes:
        reason: Why the tolerance is what it is.
        absolute: Largest allowed distance, in the quantity's unit; 0 for an exact match.
        relative: Largest allowed distance as a fraction of the expected value.
        at_most: The distance is never more than this fraction of the expected value: a small
            number is not confirmed by zero.
    """

    reason: str
    absolute: float | None = None
    relative: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        bounds = dict.fromkeys(("absolute", "relative", "at_most"), (float, int, NoneType))
        check_types(self, {"reason": str, **bounds})
        known = [getattr(self, name) for name in bounds if getattr(self, name) is not None]
        if not all(bound >= 0 for bound in known):
            raise ValueError("a tolerance is a number from zero on")

    def distance(self, expected: float) -> float:
        """Return the allowed distance from ``expected``.

        >>> round(Tolerance("statistics", relative=0.1).distance(-20.0), 9)
        2.0
        """
        bounds = [self.absolute or 0.0, (self.relative or 0.0) * abs(expected)]
        distance = max(bounds)
        return distance if self.at_most is None else min(distance, self.at_most * abs(expected))


@dataclass(frozen=True)
class Claim:
    """One number, order or bound that a paper states.

    Attributes:
        id: ``<paper>/C<n>`` or ``<paper>/C<n>.<key>``.
        group: The claim that the number belongs to, ``<paper>/C<n>``.
        statement: The claim in words.
        quantity: What is compared, with its unit.
        expected: The paper's value; a pair for ``between``; a list of names for an order.
        comparison: ``within`` a tolerance, ``equal``, ``above``, ``below`` or ``between``.
        reproduction: Tolerance with the paper's data and the authors' weights;
            ``None`` if the claim cannot be tested that way.
        replication: Tolerance with other data or own training; ``None`` if it cannot.
        other_jets: Tolerance with the authors' weights on other jets, if it is another one than
            that of own training; the network is then the paper's, and only the jets differ.
        source: Where the value comes from.
        item: Id of the item that computes it; ``None`` if no item does.
        value: Dotted path of the number within the item's values.
        ours: Whether the paper states no such number, and the expected one is this package's
            reading of its words.
    """

    id: str
    group: str
    statement: str
    quantity: str
    expected: Expected
    comparison: str
    reproduction: Tolerance | None
    replication: Tolerance | None
    other_jets: Tolerance | None
    source: str
    item: str | None
    value: str | None
    ours: bool = False

    def __post_init__(self) -> None:
        maybe = (str, NoneType)
        check_types(
            self,
            {
                **dict.fromkeys(("id", "group", "statement", "quantity", "source"), str),
                "expected": (float, int, str, bool, tuple),
                "item": maybe,
                "value": maybe,
                "ours": bool,
            },
        )
        if self.comparison not in COMPARISONS:
            raise ValueError(f"unknown comparison {self.comparison!r}")
        if self.paper not in PAPERS:
            raise ValueError(f"{self.id!r} begins with no paper: {', '.join(PAPERS)}")
        entries = self.expected if isinstance(self.expected, tuple) else (self.expected,)
        if not entries or not all(isinstance(entry, (float, int, str)) for entry in entries):
            raise TypeError("expected holds no numbers or names")
        ends = [entry for entry in entries if type(entry) in {float, int}]
        if self.comparison == "between" and (len(entries), len(ends)) != (2, 2):
            raise ValueError("between takes two numbers")

    @property
    def paper(self) -> str:
        """The paper, ``toptag`` or ``hbb``."""
        return self.id.split("/")[0]

    @property
    def on_other_jets(self) -> Tolerance | None:
        """The tolerance for other jets, or the reproduction tolerance where that is wider.

        What the authors' own jets leave open, such as how well a bar can be read, others do, too.
        """
        other, paper = self.other_jets, self.reproduction
        if self.comparison != "within" or other is None or paper is None:
            return other
        expected = float(self.expected)  # type: ignore[arg-type]
        if other.distance(expected) >= paper.distance(expected):
            return other
        return Tolerance(f"as on the paper's jets: {paper.reason}", paper.distance(expected))


@functools.cache
def load_claims(paper: str | None = None) -> tuple[Claim, ...]:
    """Return every claim of one paper, or of both, in the order of the files.

    Raises:
        UnknownName: If there is no such paper.
    """
    if paper is None:
        return tuple(claim for name in PAPERS for claim in load_claims(name))
    return parse_claims(catalogue_text(paper, "claims.toml"), f"{paper}/claims.toml")


def parse_claims(content: bytes | str, name: str) -> tuple[Claim, ...]:
    """Return every claim of a file.

    Args:
        content: Of the file.
        name: Of the file, for messages.

    Raises:
        BadInput: If it is no such file, or a claim is wrong.
    """

    def make(group: dict[str, Any]) -> Iterator[Claim]:
        check_keys(group, _OF_CLAIMS, _OF_CLAIMS[:4])
        numbers = group["number"]
        if not isinstance(numbers, list) or not all(isinstance(each, dict) for each in numbers):
            raise TypeError("number is no array of tables: write [[claim.number]]")
        for number in numbers:
            check_keys(number, _OF_NUMBERS, _OF_NUMBERS[:2])
            yield from _claims(group, number)

    return parse_entries(content, name, "claim", make)


def _claims(group: dict[str, Any], number: dict[str, Any]) -> Iterator[Claim]:
    expected = number["expected"]
    table = expected if isinstance(expected, dict) else {number.get("key"): expected}
    if not table:
        raise ValueError("expected has no entries")
    comparison = number.get("comparison", "within")
    for key, value in table.items():
        suffix = ".".join(part for part in (number.get("prefix"), key) if part)
        path = number.get("value")
        yield Claim(
            id=f"{group['id']}.{suffix}" if suffix else group["id"],
            group=group["id"],
            statement=group["statement"],
            quantity=number["quantity"].replace("{key}", key or ""),
            expected=tuple(value) if isinstance(value, list) else value,
            comparison=comparison,
            reproduction=_tolerance(number.get("reproduction")),
            replication=_tolerance(number.get("replication")),
            other_jets=_tolerance(number.get("other_jets")),
            source=number.get("source", group["source"]),
            item=number.get("item"),
            value=path.replace("{key}", key or "") if path else None,
            ours=number.get("ours", group.get("ours", False)),
        )


def _tolerance(entry: dict[str, Any] | None) -> Tolerance | None:
    if entry is None:
        return None
    check_keys(entry, [field.name for field in dataclasses.fields(Tolerance)], ["reason"])
    return Tolerance(**entry)
