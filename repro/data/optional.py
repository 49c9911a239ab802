"""Libraries of the package's extras, imported when they are needed."""

import importlib
from typing import Any

from repro.errors import NotAvailable

__all__ = ["load_optional"]


def load_optional(name: str, advice: str) -> Any:  # noqa: ANN401  # untyped
    """Import a library of an extra.

    Args:
        name: Of the module.
        advice: What it is needed for, and how to install it, as the end of a sentence.

    Raises:
        NotAvailable: If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotAvailable(f"{name} is not installed and {advice}") from error
