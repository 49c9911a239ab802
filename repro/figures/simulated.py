"""Simulated jets of each preset, for the items that compare them with the real ones."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from repro.errors import MissingData
from repro.features.embedded import SHIPPED_PRESET, describe_file
from repro.figures.context import Context
from repro.simulation.presets import load_presets

__all__ = ["SimulatedFile", "SimulatedJets", "find_files", "missing_presets"]

_GIVEN = "given"


@dataclass(frozen=True)
class SimulatedFile:
    """A file of simulated jets.

    Attributes:
        preset: How they were simulated; ``given`` for a file that does not say.
        path: The file, in either format.
        limit: Use the first so many jets; all if None.
        block: What names the file in a result.
    """

    preset: str
    path: Path
    limit: int | None
    block: dict[str, Any]


@dataclass(frozen=True, eq=False)
class SimulatedJets:
    """The jets that an item looked at, as :class:`repro.features.samples.Described` wants them."""

    file: SimulatedFile
    labels: NDArray[np.int64]
    kind: str = "other"

    @property
    def rows(self) -> NDArray[np.int64]:
        """(n,)."""
        return np.arange(len(self.labels))

    @property
    def description(self) -> str:
        """The jets in words."""
        return f"{len(self.labels):,} simulated jets, {self.file.preset}"

    @property
    def data(self) -> dict[str, Any]:
        """The ``data`` block of a result."""
        total = len(self.labels)
        return {**self.file.block, "jets": total, "selection": f"first {total}"}


def find_files(context: Context) -> dict[str, SimulatedFile]:
    """Return the files of simulated jets by preset, the shipped preset first.

    With ``--data PATH`` that file alone.  Otherwise the embedded jets: with ``--jets`` as many of
    each preset as that, simulated if need be; without it, what is at hand.

    Raises:
        NotAvailable: If jets have to be simulated and the extra ``simulate`` is missing.
    """
    limit = context.settings.jets
    given = context.settings.data
    if given not in ("auto", "paper", "fixtures", "embedded"):
        context.check()
        path = Path(given)
        block = {"source": "path", "id": path.name, "doi": None, "sha256": None}
        preset = _preset_of(path)
        return {preset: SimulatedFile(preset, path, limit, block)}
    found: dict[str, SimulatedFile] = {}
    for preset in (SHIPPED_PRESET, *(set(load_presets()) - {SHIPPED_PRESET})):
        try:
            path = context.embedded(limit, preset)
        except MissingData:
            continue
        found[preset] = SimulatedFile(preset, path, limit, describe_file(path))
    return found


def missing_presets(files: dict[str, SimulatedFile], command: str) -> list[str]:
    """Return a note on each preset that no file is of.

    Args:
        files: What was found.
        command: The command that computes the item.
    """
    if any(file.block["source"] == "path" for file in files.values()):
        return []
    return [
        f"No jets of the preset {preset} are at hand: '{command} --jets 80000' makes them."
        for preset in load_presets()
        if preset not in files
    ]


def _preset_of(path: Path) -> str:
    try:
        with h5py.File(path, "r") as file:
            preset = json.loads(file.attrs.get("repro", "{}")).get("preset", _GIVEN)
    except (OSError, ValueError, AttributeError):
        return _GIVEN  # the reader says what is wrong with the file
    return preset if preset in load_presets() else _GIVEN
