"""Generators, set up once for all tests."""

import pytest


def generator(process):
    """The preset ``matched``'s generator of a process; skips where Pythia is not installed."""
    for name in ("pythia8mc", "awkward"):
        pytest.importorskip(name)
    from repro.simulation.chunk import _generator

    return _generator("matched", process)
