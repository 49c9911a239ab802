#!/usr/bin/env python3
"""Measure what items take on more and more jets: memory and time, each in a process of its own.

    python scripts/measure_growth.py --out docs/measured/growth.json
    python scripts/measure_growth.py --out growth.json --jets 1000 5000 --items toptag/fig18

The jets are those that come with the package, over and over: for toptag each copy is turned by an
angle of its own and written in the format of the paper's data set, for hbb they are repeated as
they are.  A JSON file gets each number as soon as it is known; what it has already of this version
and machine is not measured again.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from repro.benchmarks.machine import describe_machine
from repro.data.atomic import write_atomically
from repro.data.jets import Jets
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.data.table_writer import write_jets
from repro.features.embedded import SHIPPED, read_parts
from repro.figures.record_jets import EMBEDDED

JETS = (10_000, 100_000, 404_000)
ITEMS = (
    *("toptag/table1", "toptag/table8", "toptag/fig10", "toptag/fig16", "toptag/fig18"),
    *("toptag/fig19", "toptag/fig22", "toptag/fig23", "toptag/fig24"),
    *("hbb/table1", "hbb/fig5", "hbb/fig10"),
)
"""One item or more of each kind of computation: scores, masks, relevance, activity, components."""
WEIGHTS = {"toptag": "embedded", "hbb": "authors"}
SEED = 1


def main() -> int:
    """Measure what is not measured yet; return 1 if an item failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="the JSON file")
    parser.add_argument("--jets", type=int, nargs="+", default=JETS)
    parser.add_argument("--items", nargs="+", default=ITEMS, help="such as toptag/fig18")
    parser.add_argument("--folder", type=Path, help="for the jets, which are kept there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        files = {
            paper: many_jets(paper, max(arguments.jets), folder)
            for paper in {item.partition("/")[0] for item in arguments.items}
        }
        return measure_all(arguments.out, arguments.items, arguments.jets, files)


def measure_all(
    out: Path, items: Sequence[str], counts: Sequence[int], files: dict[str, Path]
) -> int:
    """Measure items on each number of jets that the file has not; return 1 if one failed."""
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
        found["measured"].append(entry)
        text = json.dumps(found, indent=1)
        write_atomically(out, f"{text}\n".encode())
    return failed


def measure(item: str, jets: int, file: Path) -> dict[str, Any]:
    """Run an item in a process of its own; return what it took."""
    paper, _, label = item.partition("/")
    kind = "table" if label.startswith("table") else "fig"
    with tempfile.TemporaryDirectory() as results:
        words = [sys.executable, "-m", "repro", kind, label.removeprefix(kind), "--paper", paper]
        words += ["--data", str(file), "--jets", str(jets), "--weights", WEIGHTS[paper]]
        words += ["--out", results, "--quiet"]
        started = time.monotonic()
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own
            # It alone is asked for, as the usage of all children is that of the largest.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = code = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "item": item,
        "jets": jets,
        "weights": WEIGHTS[paper],
        "seconds": round(seconds, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_memory_bytes": unit * usage.ru_maxrss,
        "code": code,
    }


def many_jets(paper: str, count: int, folder: Path) -> Path:
    """Return a file with so many jets or more, which is made if it is not there."""
    path = folder / f"{paper}-{count}.h5"
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
    """Return what a file has that was measured here, or nothing."""
    machine = describe_machine("cpu")
    same = ("device", "repro", "commit", "torch", "threads")
    if out.is_file():
        found: dict[str, Any] = json.loads(out.read_text("utf-8"))
        if all(found["machine"].get(name) == machine.get(name) for name in same):
            return found
    return {"machine": machine, "measured": []}


if __name__ == "__main__":
    sys.exit(main())
