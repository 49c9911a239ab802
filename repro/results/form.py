"""Whether a document has the form that ``schema.json`` gives: its words of JSON Schema, no others.

What a user brings is checked without a further package; the tests compare with one.
"""

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any

__all__ = ["wrong_places"]

_Schema = Mapping[str, Any]

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, Mapping),
}
# Words that say something of values of one type alone, and what they say.
_LIMITS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "minimum": ("number", lambda value, limit: value >= limit),
    "minLength": ("string", lambda value, limit: len(value) >= limit),
    "pattern": ("string", lambda value, limit: re.search(limit, value) is not None),
    "minItems": ("array", lambda value, limit: len(value) >= limit),
    "maxItems": ("array", lambda value, limit: len(value) <= limit),
    "minProperties": ("object", lambda value, limit: len(value) >= limit),
}
# Read with another word, or by people.
_SILENT = ("$schema", "$id", "$defs", "title", "description", "then", "else")


def wrong_places(document: Any) -> Iterator[str]:
    """Yield the dotted paths of a result document at which it has not the form of the schema.

    Args:
        document: As JSON has it.
    """
    yield from _wrong(document, _schema(), "")


@functools.cache
def _schema() -> _Schema:
    text = resources.files("repro.results").joinpath("schema.json").read_text("utf-8")
    found: _Schema = json.loads(text)
    return found


def _wrong(value: Any, schema: Any, path: str) -> Iterator[str]:
    for word, wanted in schema.items():
        if word in _LIMITS:
            kind, holds = _LIMITS[word]
            if _TYPES[kind](value) and not holds(value, wanted):
                yield path
        elif word not in _SILENT:
            yield from _WORDS[word](value, wanted, schema, path)


def _fits(value: Any, schema: _Schema) -> bool:
    return next(_wrong(value, schema, ""), None) is None


def _type(value: Any, wanted: Any, _: _Schema, path: str) -> Iterator[str]:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not any(_TYPES[name](value) for name in names):
        yield path


def _const(value: Any, wanted: Any, _: _Schema, path: str) -> Iterator[str]:
    if value != wanted or isinstance(value, bool) != isinstance(wanted, bool):  # True == 1
        yield path


def _enum(value: Any, wanted: Any, _: _Schema, path: str) -> Iterator[str]:
    if value not in wanted:
        yield path


def _required(value: Any, wanted: Any, _: _Schema, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (_below(path, name) for name in wanted if name not in value)


def _properties(value: Any, wanted: Any, _: _Schema, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, schema in wanted.items():
            if name in value:
                yield from _wrong(value[name], schema, _below(path, name))


def _members(value: Any, others: Any, schema: _Schema, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, entry in value.items():
            if name in schema.get("properties", {}):
                continue
            if others is False:
                yield _below(path, name)
            else:
                yield from _wrong(entry, others, _below(path, name))


def _items(value: Any, wanted: Any, _: _Schema, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for position, entry in enumerate(value):
            yield from _wrong(entry, wanted, _below(path, position))


def _any_of(value: Any, wanted: Any, _: _Schema, path: str) -> Iterator[str]:
    if not any(_fits(value, schema) for schema in wanted):
        yield path


def _not(value: Any, wanted: Any, _: _Schema, path: str) -> Iterator[str]:
    if _fits(value, wanted):
        yield path


def _if(value: Any, wanted: Any, schema: _Schema, path: str) -> Iterator[str]:
    branch = schema.get("then" if _fits(value, wanted) else "else", {})
    yield from _wrong(value, branch, path)


def _reference(value: Any, wanted: str, _: _Schema, path: str) -> Iterator[str]:
    yield from _wrong(value, _schema()["$defs"][wanted.rpartition("/")[2]], path)


_WORDS: Mapping[str, Callable[[Any, Any, _Schema, str], Iterator[str]]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _members,
    "items": _items,
    "anyOf": _any_of,
    "not": _not,
    "if": _if,
    "$ref": _reference,
}


def _below(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
