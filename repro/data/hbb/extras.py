"""The libraries of the extra ``root``: imported here alone, when they are needed."""

from typing import Any

from repro.data.optional import load_optional

__all__ = ["load_awkward", "load_fsspec", "load_uproot"]


def load_uproot() -> Any:  # noqa: ANN401  # untyped
    """Import uproot, which reads ROOT files.

    Raises:
        NotAvailable: If it is not installed.
    """
    return _load("uproot", "to read ROOT files; the HDF5 twins need no extra")


def load_awkward() -> Any:  # noqa: ANN401
    """Import awkward, the arrays that uproot gives.

    Raises:
        NotAvailable: If it is not installed.
    """
    return _load("awkward", "to read ROOT files; the HDF5 twins need no extra")


def load_fsspec() -> Any:  # noqa: ANN401
    """Import fsspec, which reads parts of remote files, and what it needs for the web.

    Raises:
        NotAvailable: If it is not installed.
    """
    _load("aiohttp", "to read files by their addresses; fetched files need no extra")
    return _load("fsspec", "to read files by their addresses; fetched files need no extra")


def _load(name: str, purpose: str) -> Any:  # noqa: ANN401
    return load_optional(name, f"is needed {purpose}: pip install 'repro[root]'")
