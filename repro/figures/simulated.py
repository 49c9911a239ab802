"""Simulated jets of each preset, for the items that compare them with the real ones."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.hdf5 import open_hdf5, read_description
from repro.data.integrity import hash_file
from repro.errors import BadInput, MissingData, NotAvailable, ReproError
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

    @functools.cached_property
    def entry(self) -> dict[str, str]:
        """The file in a result's list of files: hash, and how its jets were made."""
        digest = self.block["sha256"] or hash_file(self.path)
        recipe = _recipe_of(self.path)
        made = recipe.pop("versions", {})
        made = made if isinstance(made, dict) else {}
        facts = [f"{name} {value}" for name, value in {**recipe, **made}.items()]
        return {
            "id": str(self.block["id"]),
            "identifier": ", ".join(facts) or "not said",
            "checksum": f"sha256:{digest}",
        }


@dataclass(frozen=True, eq=False)
class SimulatedJets:
    """The jets that an item looked at, as :class:`repro.features.samples.Described` wants them.

    Attributes:
        file: Where they are.
        labels: (n,).
        others: Further files that the item read.
        kind: Simulated jets are other jets than the paper's.
    """

    file: SimulatedFile
    labels: NDArray[np.int64]
    others: tuple[SimulatedFile, ...] = ()
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
        selection = "all" if self.file.limit is None else f"first {total}"
        entries = [file.entry for file in (self.file, *self.others)]
        return {**self.file.block, "jets": total, "selection": selection, "files": entries}


def find_files(context: Context) -> dict[str, SimulatedFile]:
    """Return the files of simulated jets by preset, the shipped preset first.

    With ``--data PATH`` that file alone.  Otherwise the embedded jets: with ``--jets`` as many of
    each preset as that, simulated if need be; without it, what is at hand.

    Raises:
        BadInput: If the paper's own jets are asked for.
        NotAvailable: If jets of the shipped preset have to be simulated and the extra
            ``simulate`` is missing; other presets are then left out.
    """
    limit = context.settings.jets
    given = context.settings.data
    if given in ("paper", "fixtures"):
        raise BadInput(
            f"--data {given}: this item is about simulated jets: give embedded or a file"
        )
    if given not in ("auto", "embedded"):
        context.check()
        path = Path(given)
        block = {"source": "path", "id": path.name, "doi": None, "sha256": None}
        preset = _preset_of(path)
        return {preset: SimulatedFile(preset, path, limit, block)}
    found: dict[str, SimulatedFile] = {}
    for preset in sorted(load_presets(), key=lambda name: name != SHIPPED_PRESET):
        try:
            path = context.embedded(limit, preset)
        except (MissingData, NotAvailable):
            if preset == SHIPPED_PRESET:
                raise
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
    preset = str(_recipe_of(path).get("preset"))
    return preset if preset in load_presets() else _GIVEN


def _recipe_of(path: Path) -> dict[str, Any]:
    """Return how the jets of a file were made; empty if it does not say."""
    try:
        with open_hdf5(path) as file:
            return read_description(file)
    except (ReproError, OSError, KeyError, ValueError, TypeError, RuntimeError):
        return {}  # the reader says what is wrong with the file
