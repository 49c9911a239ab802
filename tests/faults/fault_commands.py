"""Every command with tiny inputs: the rows that all the faults go through."""

import dataclasses
import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from repro.results.times import without_times

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
JETS = 300
PINNED = b"\x89HDF\r\n\x1a\n" + bytes(i * i % 251 for i in range(3_000_000))


@dataclass(frozen=True)
class Command:
    """A command line, and what it leaves.

    Attributes:
        words: What is typed after ``repro``; ``{inputs}`` is the folder of the inputs.
        leaves: Names of what it writes, in the folder where it runs; a folder ends in ``/``.
        needs: A module without which it cannot work.
        dear: Whether it takes more than some seconds.
        kept: Whether it leaves what it has done, should it be stopped: every row at once, here.
    """

    words: str
    leaves: tuple[str, ...] = ()
    needs: str | None = None
    dear: bool = False
    kept: bool = False

    def arguments(self, inputs):
        return self.words.format(inputs=inputs).split()

    @property
    def at_hand(self):
        return self.needs is None or importlib.util.find_spec(self.needs) is not None


SHAP = "fig 2 --data embedded --weights embedded --jets {jets} --device cpu -q --out results"
_OWN = "--data embedded --weights embedded --jets 300 --device cpu -q"
_TRAIN = "--recipe embedded --epochs 3 --batch 20 --device cpu -q --out run"
COMMANDS = {
    "list": Command("list"),
    "fig": Command(f"fig 5 {_OWN} --out results", ("results/",)),
    "table": Command("table 1 --data embedded --jets 40 --weights embedded -q", ("results/",)),
    "fig-shap": Command(
        SHAP.format(jets=12),
        ("results/",),
        dear=True,
        kept=True,
    ),
    "verify": Command(f"verify toptag/fig5 {_OWN} --out results", ("results/",)),
    "report": Command(f"report toptag/fig5 {_OWN} --out made", ("made/",)),
    "report-from": Command("report --from {inputs}/results --out made -q", ("made/",)),
    "score": Command(
        "score topodnn:v4 {inputs}/jets.h5 --weights embedded --device cpu --out scores.npy",
        ("scores.npy",),
    ),
    "score-tracks": Command(
        "score in:baseline {inputs}/record.h5 --weights {inputs}/in.safetensors --device cpu "
        "--out scores.npy",
        ("scores.npy",),
    ),
    "explain": Command(
        "explain occlusion topodnn:v4 {inputs}/jets.h5 --weights embedded --device cpu -q "
        "--out found.json",
        ("found.json",),
    ),
    "export": Command(
        "export topodnn:v4 --weights embedded --out tagger.onnx",
        ("tagger.onnx",),
        "onnxscript",
        dear=True,
    ),
    "draw": Command("draw {inputs}/results/toptag/fig05.json --out results", ("results/",)),
    "simulate": Command(
        "simulate toptag --jets 6 --seed 3 --jobs 1 --out jets.h5 -q",
        ("jets.h5",),
        "fastjet",
        dear=True,
    ),
    "simulate-packed": Command(
        "simulate toptag --jets 6 --seed 3 --jobs 1 --packed --out jets.h5 -q",
        ("jets.h5",),
        "fastjet",
        dear=True,
    ),
    "simulate-hbb": Command(
        "simulate hbb --jets 6 --seed 3 --jobs 1 --out jets.h5 -q",
        ("jets.h5",),
        "fastjet",
        dear=True,
    ),
    "convert": Command("convert {inputs}/record.h5 --out made.h5 -q", ("made.h5",)),
    "convert-folder": Command("convert {inputs}/record.h5 --out made -q", ("made/",)),
    "train": Command(f"train topodnn:v4 --data {{inputs}}/jets.h5 {_TRAIN}", ("run/",)),
    "bench": Command(
        "bench topodnn:v4 --data {inputs}/jets.h5 --jets 20 --repeats 1 --device cpu --json",
        dear=True,
    ),
    "fetch": Command("fetch toy/data.h5 -q", ("cache/",)),
    "card": Command("card topodnn:v4"),
    "cite": Command("cite toptag/fig5"),
    "info": Command("info"),
}
WRITING = tuple(name for name, command in COMMANDS.items() if command.leaves)


def settings_of(name, inputs):
    """What a row asks of the process that runs it."""
    settings = {"pins": str(inputs / "pins.json")} if name == "fetch" else {}
    return settings | ({"kept": True} if COMMANDS[name].kept else {})


def environment_of(inputs, cache):
    """No network, an own cache, and the mirror with the file to fetch."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("REPRO_", "ZENODO_"))}
    places = {"REPRO_CACHE": str(cache), "REPRO_MIRROR": str(inputs / "mirror")}
    return kept | places | {"REPRO_OFFLINE": "1"}


def make_inputs(folder):
    """Make the files that the commands read."""
    from safetensors.torch import save_file

    from repro.data.packed import write_packed
    from repro.data.pins import find_artifact
    from repro.data.store import shipped_path
    from repro.features.embedded import SHIPPED, quantity_names, read_parts
    from repro.features.subjettiness import subjettiness_features
    from repro.models.tagger import untrained_tagger

    sys.path.append(str(TESTS / "data"))  # its modules import each other
    import hbb_files

    parts = read_parts(shipped_path(find_artifact(SHIPPED)), JETS)
    recipe = {"made": "for a test"}
    write_packed(folder / "jets.h5", parts, subjettiness_features(), quantity_names(), recipe)
    hbb_files.write_twin(hbb_files.make(37, seed=1), folder / "record.h5")
    save_file(
        dict(untrained_tagger("in:baseline", 3).network.state_dict()), folder / "in.safetensors"
    )
    for name in ("toptag/fig05.json", "toptag/fig05.csv"):
        (folder / "results" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "figures" / name, folder / "results" / name)
    mirror = folder / "mirror/toy/data.h5"
    mirror.parent.mkdir(parents=True)
    mirror.write_bytes(PINNED)
    (folder / "pins.json").write_text(json.dumps([dataclasses.asdict(make_pin())]))
    return folder


def make_pin(**facts):
    """The file that ``fetch`` fetches."""
    from repro.data.pins import Artifact

    terms = {"licence": "CC0-1.0", "origin": "tests", "kind": "hdf5"}
    sha256 = hashlib.sha256(PINNED).hexdigest()
    return Artifact(id="toy/data.h5", size=len(PINNED), sha256=sha256, **terms, **facts)


_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?")
_TIMED = ("checkpoint.pt", "curves.png")


def contents(folder, leaves):
    """What a command left, by name: hashes of the files, but for times."""
    found = {}
    for name in leaves:
        place = folder / name
        for path in sorted([place, *place.rglob("*")] if place.exists() else []):
            if path.is_file() and path.suffix not in (".lock", ".ok"):
                found[path.relative_to(folder).as_posix()] = _timeless(path)
    return found


def _timeless(path):
    if path.name in _TIMED:
        return "there"
    content = without_times(path.name, path.read_bytes())
    if path.suffix in (".html", ".yaml", ".md"):
        content = _TIME.sub(b"", content)
    return hashlib.sha256(content).hexdigest()


def litter(folder, known=()):
    """Names of all files below a folder that are not known, locks and stamps left out."""
    files = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    names = {path.relative_to(folder).as_posix() for path in files}
    return sorted(n for n in names - set(known) if not n.endswith((".lock", ".ok")))
