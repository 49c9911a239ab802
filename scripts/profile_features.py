"""How fast the inputs of each family are made: one process, the shipped jets over and over.

    python scripts/profile_features.py [SECONDS]

Prints jets per processor second for subjettiness and for the inputs of each family, with the
quirks as published and corrected.  MBNS and AugPFN are timed with and without known subjettiness.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from repro.features.embedded import find_embedded, read_parts
from repro.features.registry import FAMILIES
from repro.features.subjettiness import subjettiness

_JETS = 8192


def main(seconds: str = "5") -> None:
    """Time every family."""
    path = find_embedded("matched", _JETS)
    if path is None:
        raise SystemExit("the shipped jets are not there: install the package again")
    part = next(iter(read_parts(path, _JETS)))
    jets, taus = part.jets.four_momenta, part.tau

    def show(label: str, *functions: Callable[[], Any]) -> None:
        rates = [len(jets) / _seconds(function, float(seconds)) for function in functions]
        print(f"{label:24}" + "".join(f"{rate:14,.0f}" for rate in rates), flush=True)

    print(f"{'jets/s':24}{'as published':>14}{'corrected':>14}")
    switches = {"wrap_azimuth": True, "small_jets": True}
    show("tau", partial(subjettiness, jets), partial(subjettiness, jets, **switches))
    for name, family in FAMILIES.items():
        make = family.compute
        show(name, partial(make, jets), partial(make, jets, corrected=True))
        if family.needs_fastjet:
            show(f"{name}, tau known", partial(make, jets, taus))


def _seconds(function: Callable[[], Any], least: float) -> float:
    """Return processor seconds of a call: other programs may use the machine at the same time."""
    function()
    started, calls = time.process_time(), 0
    while time.process_time() - started < least:
        function()
        calls += 1
    return (time.process_time() - started) / calls


if __name__ == "__main__":
    main(*sys.argv[1:])
