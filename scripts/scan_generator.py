"""How the generator's settings move the jets: pTHatMin, and the leading jet or both.

    python scripts/scan_generator.py CLASS EVENTS [--preset P] [--card C] [SETTING ...]

Simulates events of a preset with further settings of Pythia, at several pTHatMin.
Prints mean multiplicity, quantiles of the mass, and how well the jets' pT spectrum fits that of
the 404,000 real jets of the authors' stored arrays: χ² per bin, 20 bins.
"""

import argparse
import dataclasses

import numpy as np
from numpy.typing import NDArray

from repro.data.store import fetch
from repro.features.jets import jet_quantities
from repro.features.samples import real_jet_pt
from repro.simulation.card import load_card
from repro.simulation.chunk import EVENTS_PER_BATCH
from repro.simulation.detector import detect
from repro.simulation.events import Generator
from repro.simulation.presets import PROCESSES, Preset, find_preset
from repro.simulation.selection import pass_prefilter, select_jets

_PT_HAT_MIN = (430, 480, 530)
_BINS = np.linspace(550, 650, 21)
_PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("process", choices=PROCESSES)
    parser.add_argument("events", type=int)
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--preset", default="matched")
    parser.add_argument("--card")
    arguments = parser.parse_args()
    preset = find_preset(arguments.preset)
    preset = dataclasses.replace(preset, card=arguments.card or preset.card)
    pt, labels = real_jet_pt(fetch)
    real = pt[labels == PROCESSES.index(arguments.process)]
    print("pTHatMin  jets     number  constituents  mass 5, 25, 50, 75, 95 %          χ² of pT")
    for lowest in _PT_HAT_MIN:
        settings = (*arguments.settings, f"PhaseSpace:pTHatMin = {lowest}.")
        found = _simulate(preset, arguments.process, arguments.events, settings)
        for name, four_momenta in zip(("leading", "both"), found, strict=True):
            jets = jet_quantities(four_momenta)
            masses = np.quantile(jets.mass, _PROBABILITIES)
            shown = "  ".join(f"{mass:5.1f}" for mass in masses)
            print(
                f"{lowest:8}  {name:8}{len(four_momenta):6}{jets.constituents.mean():12.2f}"
                f"    {shown}  {_chi_squared(jets.pt, real):8.2f}"
            )


def _simulate(
    preset: Preset, process: str, events: int, settings: tuple[str, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return leading jets, and both leading jets, of the same events."""
    generator = Generator([*preset.settings[process], *settings]).seed(1)
    card, rng = load_card(preset.card), np.random.default_rng(1)
    found: tuple[list[NDArray[np.float32]], ...] = ([], [])
    for _ in range(events // EVENTS_PER_BATCH):
        record = generator.generate(EVENTS_PER_BATCH)
        passed = pass_prefilter(record.final_particles(), len(record), preset.benchmark)
        objects = detect(record.final_particles(passed), card, rng)
        for leading_jets, jets in enumerate(found, start=1):
            selected = select_jets(record, objects, process, leading_jets, preset.benchmark)
            jets.append(selected.four_momenta)
    return np.concatenate(found[0]), np.concatenate(found[1])


def _chi_squared(pt: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    expected = np.histogram(real, _BINS)[0] / len(real) * len(pt)
    return float(((np.histogram(pt, _BINS)[0] - expected) ** 2 / expected).sum() / len(expected))


if __name__ == "__main__":
    main()
