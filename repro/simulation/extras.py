"""The libraries of the extra ``simulate``: under the GPL, and imported here alone, when needed."""

import functools
import importlib.metadata
from typing import Any

from repro.data.optional import load_optional

__all__ = ["load_awkward", "load_fastjet", "load_pythia", "versions"]


@functools.cache
def load_fastjet() -> Any:  # noqa: ANN401  # untyped
    """Import FastJet, which then prints no banner: standard output is for results.

    Raises:
        NotAvailable: If it is not installed.
    """
    fastjet = _load("fastjet")
    # The public class that inherits the switch; the one for awkward arrays hides it.
    fastjet.ClusterSequenceArea.set_fastjet_banner_stream(None)
    return fastjet


def load_pythia() -> Any:  # noqa: ANN401
    """Import Pythia.

    Raises:
        NotAvailable: If it is not installed.
    """
    return _load("pythia8mc")


def load_awkward() -> Any:  # noqa: ANN401
    """Import awkward, the arrays that Pythia and FastJet speak.

    Raises:
        NotAvailable: If it is not installed.
    """
    return _load("awkward")


def versions() -> dict[str, str]:
    """Return the versions of the libraries that a simulation depends on.

    Raises:
        NotAvailable: If one is not installed.
    """
    load_pythia(), load_fastjet()
    return {name: importlib.metadata.version(name) for name in ("pythia8mc", "fastjet", "numpy")}


def _load(name: str) -> Any:  # noqa: ANN401
    return load_optional(
        name,
        "this needs it: pip install 'repro[simulate]', or in a checkout once "
        "'python3 run.py simulate --help'",
    )
