"""Where the time of a simulation goes: one process, no files.

    python scripts/profile_simulation.py [PRESET [EVENTS]]

Prints, for each class, events and jets per second, and the share of each stage.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from repro.simulation.card import load_card
from repro.simulation.chunk import EVENTS_PER_BATCH
from repro.simulation.detector import detect
from repro.simulation.events import Generator
from repro.simulation.presets import PROCESSES, Preset, find_preset
from repro.simulation.selection import pass_prefilter, select_jets

_STAGES = ("Pythia", "particles", "prefilter", "detector", "jets")


def main(name: str = "matched", events: str = "3000") -> None:
    """Time the stages of every class."""
    preset = find_preset(name)
    print(f"{'':8}events/s  jets/s  " + "  ".join(_STAGES))
    for process in PROCESSES:
        jets, spent = _simulate(preset, process, int(events))
        total = sum(spent.values())
        shares = "  ".join(f"{spent[stage] / total:{len(stage)}.0%}" for stage in _STAGES)
        print(f"{process:8}{int(events) / total:8.1f}{jets / total:8.1f}  {shares}")


def _simulate(preset: Preset, process: str, events: int) -> tuple[int, Counter[str]]:
    """Return the number of jets, and the seconds of each stage."""
    generator = Generator(preset.settings[process]).seed(1)
    card, rng = load_card(preset.card), np.random.default_rng(1)
    benchmark, leading_jets = preset.benchmark, preset.leading_jets
    spent: Counter[str] = Counter()

    def timed(stage: str, function: Callable[..., Any], *arguments: Any) -> Any:
        started = time.perf_counter()
        result = function(*arguments)
        spent[stage] += time.perf_counter() - started
        return result

    jets = 0
    for _ in range(events // EVENTS_PER_BATCH):
        record = timed("Pythia", generator.generate, EVENTS_PER_BATCH)
        particles = timed("particles", record.final_particles)
        passed = timed("prefilter", pass_prefilter, particles, len(record), benchmark)
        particles = timed("particles", record.final_particles, passed)
        objects = timed("detector", detect, particles, card, rng)
        jets += len(timed("jets", select_jets, record, objects, process, leading_jets, benchmark))
    return jets, spent


if __name__ == "__main__":
    main(*sys.argv[1:])
