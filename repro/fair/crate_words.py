"""What every crate says, and what entities are made with."""

import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

__all__ = ["METADATA", "README", "WORKFLOW", "Entity", "refer", "words"]

METADATA = "ro-crate-metadata.json"
README = "README.md"
WORKFLOW = "reproduce.sh"

Entity = dict[str, Any]
"""One entry of a crate's list."""


@functools.cache
def words() -> Mapping[str, Any]:
    """Return what every crate says, from ``crate.toml``."""
    return tomllib.loads(resources.files("repro.fair").joinpath("crate.toml").read_text("utf-8"))


def refer(ids: Iterable[str]) -> list[dict[str, str]]:
    """Return references to entities.

    >>> refer(["#a", "#b"])
    [{'@id': '#a'}, {'@id': '#b'}]
    """
    return [{"@id": name} for name in ids]
