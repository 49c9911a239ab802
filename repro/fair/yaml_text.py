"""Documents as YAML that every reader takes alike."""

import math
from collections.abc import Mapping
from typing import Any

import yaml

try:
    from yaml import CSafeDumper as _Safe
except ImportError:  # PyYAML without libyaml writes the same, and takes four times as long
    from yaml import SafeDumper as _Safe  # type: ignore[assignment]

__all__ = ["to_yaml"]

_WIDTH = 120


class _Dumper(_Safe):
    """Refuses what has no place in such a document, and marks words that look like numbers."""


def _float(dumper: _Dumper, value: float) -> yaml.Node:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    return dumper.represent_float(value)


def _word(dumper: _Dumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=_style(value))


def _style(value: str) -> str | None:
    """Return the marks of a word: readers of YAML 1.2 would take ``1e-05`` for a number."""
    try:
        float(value)
    except ValueError:
        return None
    return '"'


def _refuse(_: _Dumper, value: object) -> yaml.Node:
    raise ValueError(f"{value!r} has no place in such a document")


_Dumper.add_representer(float, _float)
_Dumper.add_representer(str, _word)
_Dumper.add_representer(type(None), _refuse)
_Dumper.add_representer(None, _refuse)  # type: ignore[arg-type]  # any other type


def to_yaml(document: Mapping[str, Any]) -> str:
    """Return a document of mappings, lists, words and finite numbers as YAML, in its order.

    Raises:
        ValueError: If a number is not finite, or a value is none of these.

    >>> print(to_yaml({"name": "a: b", "values": [{"value": 1e-05}, {"value": 2}]}), end="")
    name: 'a: b'
    values:
    - {value: 1.0e-05}
    - {value: 2}
    """
    return str(
        yaml.dump(
            document,
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=None,
            width=_WIDTH,
        )
    )
