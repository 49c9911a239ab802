"""The embedded jets: a sample that ships with the package, and larger ones made when needed.

Both are simulated (:mod:`repro.simulation`) and packed (:mod:`repro.data.packed`), with
subjettiness and jet quantities beside the constituents, so that no tagger needs FastJet when they
are read.  A larger sample begins with the jets of the shipped one.
"""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from repro.data.integrity import hash_file
from repro.data.jets import Jets
from repro.data.open_jets import open_jets
from repro.data.packed import PackedJets, PackedPart, write_packed
from repro.data.pins import find_artifact
from repro.data.places import cache_directory, unusable_cache
from repro.data.store import Store, shipped_path
from repro.features.jets import JetQuantities, jet_quantities
from repro.features.subjettiness import subjettiness, subjettiness_features
from repro.simulation.chunk import CHUNK_JETS
from repro.simulation.production import JetProgress, Production, iter_chunks, simulate

__all__ = [
    "SEED",
    "SHIPPED",
    "SHIPPED_PRESET",
    "describe_file",
    "find_embedded",
    "make_embedded",
    "pack",
    "quantity_names",
    "read_parts",
]

SHIPPED = "toptag/embedded/matched-1.h5"
"""Id of the pin of the shipped sample."""
SHIPPED_PRESET = "matched"
SEED = 1
"""Seed of the shipped sample, and of the larger ones that begin with it."""


def quantity_names() -> tuple[str, ...]:
    """Return the names of the columns of jet quantities.

    >>> quantity_names()[:3]
    ('energy', 'mass', 'pt')
    """
    return tuple(field.name for field in dataclasses.fields(JetQuantities))


def find_embedded(preset: str, jets: int | None) -> Path | None:
    """Return the smallest file at hand with at least so many jets of a preset, if there is one.

    Args:
        preset: Name of the preset.
        jets: How many jets are wanted; if not given, the shipped sample serves, and of other
            presets the largest sample at hand.

    Raises:
        IntegrityError: If the shipped file was changed.
    """
    if preset == SHIPPED_PRESET:
        path = shipped_path(find_artifact(SHIPPED))
        if jets is None or jets <= _size(path):
            return path
    pattern = _made(preset, 0).name.replace("-0.h5", "-*.h5")
    made = {path: int(path.stem.rpartition("-")[2]) for path in _folder().glob(pattern)}
    fitting = {path: size for path, size in made.items() if jets is None or size >= jets}
    if not fitting:
        return None
    return (max if jets is None else min)(fitting, key=lambda path: fitting[path])


def make_embedded(preset: str, jets: int, jobs: int, progress: JetProgress) -> Path:
    """Simulate jets into the cache, unless there are as many at hand.

    Args:
        preset: Name of the preset.
        jets: How many.
        jobs: Number of processes.
        progress: As :func:`repro.simulation.production.simulate` takes it.

    Raises:
        MissingData: If the cache cannot be written.
        NotAvailable: If the extra ``simulate`` is not installed.
    """
    found = find_embedded(preset, jets)
    if found is not None:
        return found
    # Whole chunks: then the first jets of every sample are the same.
    jets = CHUNK_JETS * math.ceil(jets / CHUNK_JETS)
    production = Production(preset, SEED, jets, _made(preset, jets))
    lock = filelock.FileLock(f"{production.path}.lock")
    try:
        production.path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise unusable_cache(cache_directory(), error) from error
    try:
        # While this process waited, another one may have made it.
        if not production.path.is_file():
            simulate(production, jobs, progress, finish=pack)
    finally:
        lock.release()
    return production.path


def pack(production: Production) -> None:
    """Write the packed file of a production from its chunks.

    Raises:
        BadInput: If a chunk is damaged or the file cannot be written.
        NotAvailable: If FastJet is not installed.
    """
    recipe = {**production.recipe(), "jets": production.jets}
    parts = map(_with_features, iter_chunks(production))
    write_packed(production.path, parts, subjettiness_features(), quantity_names(), recipe)


def read_parts(path: Path, jets: int | None = None) -> Iterator[PackedPart]:
    """Yield the first jets of a file of either format, with subjettiness and jet quantities.

    Raises:
        BadInput: If the file cannot be used.
        NotAvailable: If subjettiness is not in the file and FastJet is not installed.
    """
    with open_jets(path) as file:
        stop = len(file) if jets is None else min(jets, len(file))
        if isinstance(file, PackedJets):
            yield from file.iter_parts(stop=stop)
        else:
            yield from map(_with_features, file.iter_jets(stop=stop))


def describe_file(path: Path) -> dict[str, Any]:
    """Return what names a file of embedded jets in a result: source, id, hash."""
    shipped = find_artifact(SHIPPED)
    if path == Store().path_of(shipped):
        return {"source": "embedded", "id": SHIPPED, "doi": None, "sha256": shipped.sha256}
    return {"source": "embedded", "id": path.name, "doi": None, "sha256": hash_file(path)}


def _with_features(jets: Jets) -> PackedPart:
    tau = subjettiness(jets.four_momenta).astype(np.float32)
    found = jet_quantities(jets.four_momenta)
    columns = [getattr(found, name) for name in quantity_names()]
    return PackedPart(jets, tau, np.column_stack(columns).astype(np.float32))


def _folder() -> Path:
    return cache_directory() / "simulated"


def _made(preset: str, jets: int) -> Path:
    # Jets that were made with other settings are not the ones that are asked for.
    settings = Production(preset, SEED, 1, Path()).settings[:12]
    return _folder() / f"{preset}-{settings}-{jets}.h5"


def _size(path: Path) -> int:
    with PackedJets.open(path) as packed:
        return len(packed)
