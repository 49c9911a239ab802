#!/usr/bin/env python3
"""Measure what items take on more and more jets: memory and time, each in a process of its own.

    python scripts/measure_growth.py --out docs/measured/growth.json
    python scripts/measure_growth.py --out growth.json --jets 1000 5000 --items toptag/fig18

The jets are those that come with the package, over and over: for toptag each copy is turned by an
angle of its own and written in the format of the paper's data set, for hbb they are repeated as
they are.  A JSON file gets each number as soon as it is known, with the commit; what it has already
is not measured again, and it holds those of one machine.  Set OMP_NUM_THREADS=1 for one thread.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from repro.benchmarks.machine import describe_machine
from repro.catalogue import find_item
from repro.data.atomic import write_atomically
from repro.data.jets import Jets
from repro.data.pins import find_artifact
from repro.data.places import cache_directory
from repro.data.store import shipped_path
from repro.data.table_writer import write_jets
from repro.errors import BadInput, ReproError
from repro.features.embedded import SHIPPED, read_parts
from repro.figures.record_jets import EMBEDDED

JETS = (10_000, 100_000, 404_000)
ITEMS = (
    *("toptag/table1", "toptag/table8", "toptag/fig16", "toptag/fig18", "toptag/fig19"),
    *("toptag/fig22", "toptag/fig23", "toptag/fig24"),
)
"""One item or more of each kind of computation: scores, masks, relevance, activity, components."""
WEIGHTS = {"toptag": "embedded", "hbb": "authors"}
SEED = 1
_SHIPPED = {"toptag": SHIPPED, "hbb": EMBEDDED}


def main() -> int:
    """Measure what is not measured yet; return 1 if an item failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="the JSON file")
    parser.add_argument("--jets", type=int, nargs="+", default=JETS)
    parser.add_argument("--items", nargs="+", default=ITEMS, help="such as toptag/fig18")
    parser.add_argument("--folder", type=Path, help="for the jets, which are kept there")
    arguments = parser.parse_args()
    try:
        items = [find_item(item).id for item in arguments.items]
        with tempfile.TemporaryDirectory() as temporary:
            folder = arguments.folder or Path(temporary)
            files = {
                paper: many_jets(paper, max(arguments.jets), folder)
                for paper in {item.partition("/")[0] for item in items}
            }
            return measure_all(arguments.out, items, arguments.jets, files)
    except ReproError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def measure_all(
    out: Path, items: Sequence[str], counts: Sequence[int], files: dict[str, Path]
) -> int:
    """Measure items on each number of jets that the file has not; return 1 if one failed.

    Raises:
        BadInput: If the file was measured elsewhere, or cannot be written.
    """
    found = _read(out)
    known = {(entry["item"], entry["jets"]) for entry in found["measured"]}
    failed = 0
    for item, jets in itertools.product(items, counts):
        if (item, jets) in known:
            continue
        entry = measure(item, jets, files[item.partition("/")[0]])
        print(json.dumps(entry), flush=True)
        if entry.pop("code"):
            failed = 1
            continue
        found["measured"].append({**entry, "commit": describe_machine("cpu")["commit"]})
        text = json.dumps(found, indent=1)
        write_atomically(out, f"{text}\n".encode())
    return failed


def measure(item: str, jets: int, file: Path) -> dict[str, Any]:
    """Run an item in a process of its own; return what it took."""
    paper, _, label = item.partition("/")
    kind = "table" if label.startswith("table") else "fig"
    with tempfile.TemporaryDirectory() as place:
        words = [sys.executable, "-m", "repro", kind, label.removeprefix(kind), "--paper", paper]
        words += ["--data", str(file), "--jets", str(jets), "--weights", WEIGHTS[paper]]
        words += ["--out", f"{place}/results", "--quiet"]
        # Nothing that a stopped run left is gone on with, and what was fetched is at hand.
        mirror = os.environ.get("REPRO_MIRROR") or str(cache_directory())
        taken = usage_of(words, {"REPRO_CACHE": f"{place}/cache", "REPRO_MIRROR": mirror})
    return {"item": item, "jets": jets, "weights": WEIGHTS[paper], **taken}


def usage_of(words: Sequence[str], variables: Mapping[str, str]) -> dict[str, Any]:
    """Run a command; return its seconds, its most memory, and its exit code.

    A small process starts it: the system counts what the one that starts it ever had as well.
    """
    code = f"import json, resource, subprocess, sys, time\n{_STARTER}"
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-S", "-c", code, *words],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


_STARTER = """
started = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
seconds = time.monotonic() - started
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({
    "seconds": round(seconds, 1),
    "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
    "peak_memory_bytes": unit * usage.ru_maxrss,
    "code": code,
}))
"""


def many_jets(paper: str, count: int, folder: Path) -> Path:
    """Return a file with so many jets or more, which is made if it is not there."""
    made_of = find_artifact(_SHIPPED[paper]).sha256 or ""
    path = folder / f"{paper}-{count}-{made_of[:12]}.h5"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        {"toptag": _write_toptag, "hbb": _write_hbb}[paper](path, count)
    return path


def _write_toptag(path: Path, count: int) -> None:
    write_jets(path, turned_copies(count), "blosc")


def turned_copies(count: int) -> Iterator[Jets]:
    """Yield the shipped jets over and over, those of each copy turned about the beam."""
    source = shipped_path(find_artifact(SHIPPED))
    generator = np.random.default_rng(SEED)
    left = count
    while left:
        angle = generator.uniform(0, 2 * np.pi)
        for part in read_parts(source, None):
            jets = part.jets
            some = slice(0, left)
            yield Jets(
                four_momenta=turned(jets.four_momenta[some], angle),
                labels=jets.labels[some],
                truth=turned(jets.truth[some], angle),
                split=jets.split[some],
            )
            left -= len(jets.labels[some])
            if not left:
                return


def turned(momenta: np.ndarray[Any, Any], angle: float) -> np.ndarray[Any, Any]:
    """Return four-momenta (..., 4), E, px, py, pz, turned about the beam."""
    energy, x, y, z = np.moveaxis(momenta, -1, 0)
    cosine, sine = np.cos(angle), np.sin(angle)
    found = [energy, cosine * x - sine * y, sine * x + cosine * y, z]
    return np.stack(found, axis=-1).astype(momenta.dtype)


def _write_hbb(path: Path, count: int) -> None:
    """Repeat every column of the shipped file."""
    new = path.with_suffix(".part")
    with h5py.File(shipped_path(find_artifact(EMBEDDED))) as source, h5py.File(new, "w") as file:
        jets = len(source["measured/counts/tracks"])
        copies = -(-count // jets)

        def repeat(name: str, column: h5py.Dataset | h5py.Group) -> None:
            if isinstance(column, h5py.Dataset):
                file.create_dataset(name, data=np.tile(column[:], copies))

        source.visititems(repeat)
        for name, value in source.attrs.items():
            file.attrs[name] = value
        for name, group in source.items():
            for key, value in group.attrs.items():
                file[name].attrs[key] = value
    new.rename(path)


def _read(out: Path) -> dict[str, Any]:
    """Return what a file has, or nothing if there is none.

    Raises:
        BadInput: If that was measured elsewhere.
    """
    machine = describe_machine("cpu")
    del machine["commit"]
    if not out.is_file():
        return {"machine": machine, "measured": []}
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    for name in ("device", "repro", "torch", "threads"):
        if found["machine"].get(name) != machine.get(name):
            raise BadInput(
                f"{out} was measured with {name} {found['machine'].get(name)}, and here it is "
                f"{machine.get(name)}: give another --out, or remove the file"
            )
    return found


if __name__ == "__main__":
    sys.exit(main())
