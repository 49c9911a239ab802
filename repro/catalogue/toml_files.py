"""Read tables of TOML so that whoever edits them is told in one line what is wrong."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from repro.errors import BadInput, did_you_mean

__all__ = ["check_keys", "check_types", "parse_entries", "parse_toml", "texts_of"]

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
    except RecursionError as error:
        raise BadInput(f"{name} is no TOML: it is nested too deeply") from error
    except ValueError as error:
        raise BadInput(f"{name} is no TOML: {_line(error)}") from error


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
        known = isinstance(label, str) and len(label) < 100
        where = repr(label) if known else f"[[{table}]] number {number}"
        try:
            found.extend(make(entry))
        except KeyError as error:
            raise BadInput(f"{name}: {where} lacks {error}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise BadInput(f"{name}: {where} is wrong: {_line(error)}") from error
    return tuple(found)


def check_keys(entry: Mapping[str, Any], known: Iterable[str], needed: Iterable[str] = ()) -> None:
    """Make sure that an entry has what it needs, and nothing that nobody reads.

    Raises:
        KeyError: For what it lacks.
        ValueError: For what is not known.
    """
    for key in needed:
        if key not in entry:
            raise KeyError(key)
    unknown = sorted(entry.keys() - set(known))
    if unknown:
        hint = did_you_mean(unknown[0], known)
        raise ValueError(f"unknown key {unknown[0]!r}{hint}")


def texts_of(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of texts, none if it is not there.

    Raises:
        TypeError: If it is something else: a text alone is no list.
    """
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise TypeError(f"{key} is {value!r:.60} and no list of texts")
    return tuple(value)


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


def _line(error: Exception) -> str:
    return str(error).replace("\n", " ")[:200]
