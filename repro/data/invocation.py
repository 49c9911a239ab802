"""How the user calls this program."""

import os

__all__ = ["VARIABLE", "invocation"]

VARIABLE = "REPRO_COMMAND"
"""Set by a program that calls this one in the user's place, to what the user types."""


def invocation() -> str:
    """Return what messages tell the user to type before a command: ``repro``, if nothing is set."""
    return os.environ.get(VARIABLE) or "repro"
