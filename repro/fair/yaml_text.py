"""Documents as YAML: of what YAML can say, the part that JSON values need.

Every reader of YAML 1.1 and 1.2 reads it alike: words are in double quotes, so that none is
taken for a number, a date or a truth, and numbers have a point or are whole.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["to_yaml"]

# Characters that YAML does not want to see as they are, or takes for the end of a line.
_HIDDEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

# Longer ones are written one entry a line.
_FLOW = 160


def to_yaml(document: Mapping[str, Any]) -> str:
    r"""Return a document of mappings, lists, words and finite numbers as YAML.

    Args:
        document: Not empty.

    Raises:
        ValueError: If a number is not finite, or a value is none of these.

    >>> print(to_yaml({"name": "a: b", "values": [{"value": 1e-05}, {"value": 2}]}), end="")
    name: "a: b"
    values:
    - {value: 1.0e-05}
    - {value: 2}
    """
    return "\n".join(_block(document, "")) + "\n"


def _block(value: Mapping[str, Any] | Sequence[Any], indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _entry(f"{indent}{_key(key)}:", entry, indent)
    else:
        for entry in value:
            short = _short(entry)
            if short is not None:
                yield f"{indent}- {short}"
            else:
                first, *rest = _block(entry, f"{indent}  ")
                yield f"{indent}- {first.strip()}"
                yield from rest


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    short = _short(value)
    if short is not None and not (isinstance(value, list | tuple) and value):
        yield f"{head} {short}"
        return
    yield head
    # A list may stand under its key without being set in, and is read sooner.
    yield from _block(value, indent if isinstance(value, list | tuple) else f"{indent}  ")


def _short(value: Any) -> str | None:  # noqa: ANN401 - JSON
    """Return what fits a line in one; None if a mapping or list does not."""
    text = _flow(value)
    return text if len(text) <= _FLOW or not isinstance(value, Mapping | list | tuple) else None


def _flow(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {_flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return _HIDDEN.sub(_escape, json.dumps(value, ensure_ascii=False))
    raise ValueError(f"{value!r} has no place in such a document")


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    text = repr(value)
    # "1e-05" is a word to YAML 1.1.
    mantissa, letter, exponent = text.partition("e")
    if not letter:
        return text
    sign = "" if exponent.startswith("-") else "+"
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}e{sign}{exponent.lstrip('+')}"


def _key(key: str) -> str:
    if not key.isidentifier():
        raise ValueError(f"{key!r} is no key of such a document")
    return key
