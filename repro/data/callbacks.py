"""What callers hand in: how progress is shown, and where pinned files come from."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

__all__ = ["Fetch", "Progress", "silent"]

Progress = Callable[[Iterable[Any], str], Iterable[Any]]
"""Gives the steps of a long loop one by one, and shows them under a label."""

Fetch = Callable[[str], Path]
"""Gives the local path of a pinned file, by its id."""


def silent(steps: Iterable[Any], label: str) -> Iterable[Any]:  # noqa: ARG001 - the protocol
    """Show no progress.

    >>> list(silent(range(2), "steps"))
    [0, 1]
    """
    return steps
