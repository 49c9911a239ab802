"""Read tables of TOML so that whoever edits them is told in one line what is wrong."""

import tomllib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from repro.errors import BadInput

__all__ = ["check_types", "parse_entries", "parse_toml"]

Entry = TypeVar("Entry")


def parse_toml(content: bytes | str, name: str) -> dict[str, Any]:
    """Return the content of a TOML file.

    Args:
        content: Of the file.
        name: Of the file, for messages.

    Raises:
        BadInput: If it is none.

    >>> parse_toml("[[x]]", "a.toml")
    {'x': [{}]}
    """
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).replace("\n", " ")[:200] or "it is too deep"
        raise BadInput(f"{name} is no TOML: {reason}") from error


def parse_entries(
    content: bytes | str,
    name: str,
    table: str,
    make: Callable[[dict[str, Any]], Iterable[Entry]],
) -> tuple[Entry, ...]:
    """Return what the entries of an array of tables stand for, in their order.

    Args:
        content: Of the file.
        name: Of the file, for messages.
        table: Name of the array.
        make: From an entry to what it stands for; what it raises is told with the entry's id.

    Raises:
        BadInput: If the file is none, or an entry is wrong.
    """
    entries = parse_toml(content, name).get(table)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadInput(f"{name} has no [[{table}]] tables: write one for each")
    found: list[Entry] = []
    for number, entry in enumerate(entries, 1):
        label = entry.get("id")
        where = label if isinstance(label, str) and len(label) < 100 else f"[[{table}]] {number}"
        try:
            found.extend(make(entry))
        except KeyError as error:
            raise BadInput(f"{name}: {where!r} lacks {error}") from error
        except (ValueError, TypeError, AttributeError) as error:
            reason = str(error).replace("\n", " ")[:200]
            raise BadInput(f"{name}: {where!r} is wrong: {reason}") from error
    return tuple(found)


def check_types(instance: object, kinds: dict[str, type | tuple[type, ...]]) -> None:
    """Make sure that attributes are of some types; True and False are no numbers.

    Raises:
        TypeError: If one is not.
    """
    for attribute, kind in kinds.items():
        value = getattr(instance, attribute)
        known = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, known) or (isinstance(value, bool) and bool not in known):
            wanted = " or ".join(each.__name__.removesuffix("Type") for each in known)
            raise TypeError(f"{attribute} is {value!r:.60} and not {wanted}")
