"""How threads wait for each other, which is decided before torch is imported."""

import os
from collections.abc import MutableMapping

__all__ = ["let_threads_sleep"]

_TURNS = "1000"


def let_threads_sleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let torch's threads sleep after a short while of waiting, unless the user says how they wait.

    They wait for each other after each layer of a network.  GNU OpenMP's turn around for some
    milliseconds, and where another program needs a processor, the one that is waited for does not
    get it meanwhile: networks are many times slower then (docs/performance.md, Threads).

    >>> found = {}
    >>> let_threads_sleep(found)
    >>> found
    {'GOMP_SPINCOUNT': '1000'}
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", _TURNS)
