"""What every crate says, and what entities are made with."""

import functools
import tomllib
import urllib.parse
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

__all__ = ["METADATA", "README", "WORKFLOW", "Entity", "fragment", "refer", "words"]

METADATA = "ro-crate-metadata.json"
README = "README.md"
WORKFLOW = "reproduce.sh"

Entity = dict[str, Any]
"""One entry of a crate's list."""


@functools.cache
def words() -> Mapping[str, Any]:
    """Return what every crate says, from ``crate.toml``."""
    return tomllib.loads(resources.files("repro.fair").joinpath("crate.toml").read_text("utf-8"))


def fragment(kind: str, *names: str) -> str:
    """Return the id of an entity that is no file of the crate, whatever is in its names.

    >>> fragment("input", "my jets#1.h5")
    '#input/my%20jets%231.h5'
    """
    return f"#{kind}/{'/'.join(map(urllib.parse.quote, names))}"


def refer(ids: Iterable[str]) -> list[dict[str, str]]:
    """Return references to entities.

    >>> refer(["#a", "#b"])
    [{'@id': '#a'}, {'@id': '#b'}]
    """
    return [{"@id": name} for name in ids]
