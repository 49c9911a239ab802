"""Folders of the user: home, and where files are kept."""

import os
from pathlib import Path

import platformdirs

from repro.data.refusals import advice_on
from repro.errors import MissingData

__all__ = ["cache_directory", "expand_home", "unusable_cache"]


def cache_directory() -> Path:
    """Return ``REPRO_CACHE``, or the platform's cache directory for this package.

    Raises:
        MissingData: If that is in a home directory and there is none.
    """
    place = os.environ.get("REPRO_CACHE")
    if place:
        return expand_home(place)
    try:
        return platformdirs.user_cache_path("repro")
    except RuntimeError as error:
        raise MissingData(
            "no home directory is known to keep files in: set REPRO_CACHE to a directory that you "
            "can write to"
        ) from error


def unusable_cache(directory: Path, error: OSError) -> MissingData:
    """Return what to raise where the cache cannot be read or written."""
    advice = advice_on(error, "set REPRO_CACHE to a directory that you can write to")
    return MissingData(f"the cache {directory} cannot be used: {error.strerror or error}; {advice}")


def expand_home(place: str) -> Path:
    """Return a path with ``~`` replaced.

    Raises:
        MissingData: If there is no such home directory.

    >>> expand_home("/data/copies").as_posix()
    '/data/copies'
    """
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise MissingData(f"{place}: no such home directory is known, give a whole path") from error
