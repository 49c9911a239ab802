"""Whatever opens a file in the package is in the table of readers, or has a reason not to be."""

import re
from pathlib import Path

from readers import READERS

import repro

PACKAGE = Path(repro.__file__).parent

_OPENS = re.compile(
    r"h5py\.File\(|open_hdf5\(|np\.load\(|torch\.load\(|load_torch\(|load_file\(|read_arrays?\("
    r"|json\.loads?\(|parse_json\(|read_json\(|tomllib\.load|pickle\.Unpickler|pickle\.loads?\("
    r"|\.read_bytes\(|\.read_text\(|\.open\(\"rb|open\(|onnx\.load\(|Image\.open|csv\.reader"
    r"|zipfile\.ZipFile\(|tarfile|uproot\.|yaml\.(safe_)?load|read_limited\(|fromfile|memmap"
)
# What opens only what belongs to the package, or what it has written itself a moment ago.
_OWN = re.compile(r"resources\.files\(|resources\.as_file\(|_folder\(\)")

NOT_HOSTILE = {
    "repro.benchmarks.machine": "/proc/cpuinfo",
    "repro.catalogue.distributions": "its own files",
    "repro.cli.streams": "the null device",
    "repro.cli.explain": "a word of the command line",
    "repro.cli.scorers": "card.json by read_json, and anything wrong with it is no card",
    "repro.data.hbb.streaming": "addresses; what comes is read by the readers of files",
    "repro.data.memory": "/proc/meminfo",
    "repro.data.sources": "copies bytes, which are then compared with their hash",
    "repro.data.download": "writes bytes, which are then compared with their hash",
    "repro.data.store": "changes times of files whose hash is known",
    "repro.data.zenodo": "the list that a command has just written, by lines",
    "repro.data.atomic": "opens what it writes, and what processes that are gone left of it",
    "repro.data.hdf5_writer": "opens what it writes",
    "repro.fair.checklist": "files of the repository",
    "repro.fair.datasets": "its own files",
    "repro.fair.report_folder": "bytes of a picture, put beside its document",
    "repro.features.embedded": "by readers of jets",
    "repro.features.stored": "arrays and pickles of the authors by their readers",
    "repro.figures.report": "bytes of pictures that carry the hash of their document",
    "repro.figures.hbb.figP1": "a file whose hash was compared, without external data",
    "repro.models.embedded_weights": "its own files",
    "repro.results.form": "its own files",
    "repro.results.times": "bytes that a command of the package has just written",
    "repro.results.swhid": "bytes of its own files, to hash them",
    "repro.simulation.card": "its own files",
    "repro.simulation.hbb.tracker_card": "its own files",
    "repro.simulation.chunked": "compares the bytes of a recipe",
    "repro.simulation.workers": "errors that it has pickled itself",
    "repro.training.run": "by read_checkpoint, and the identity in it by parse_json",
}


def _modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        lines = [
            line
            for line in path.read_text("utf-8").splitlines()
            if _OPENS.search(line.partition("  #")[0])
            and not line.lstrip().startswith(("#", "def ", ">>>", "..."))
            and "resources.files(" not in line
        ]
        if lines:
            yield name, lines


def test_every_module_that_opens_files_is_accounted_for():
    tested = {module for reader in READERS.values() for module in reader.modules}
    unknown = {}
    for name, lines in _modules():
        text = (PACKAGE.parent / (name.replace(".", "/") + ".py")).with_suffix(".py")
        whole = text.read_text("utf-8") if text.exists() else ""
        only_own = _OWN.search(whole) and all("tomllib.loads(" in line for line in lines)
        if name not in tested | NOT_HOSTILE.keys() and not only_own:
            unknown[name] = [line.strip() for line in lines]
    assert unknown == {}


def test_no_reason_is_left_over():
    opening = {name for name, _ in _modules()}
    tested = {module for reader in READERS.values() for module in reader.modules}
    assert NOT_HOSTILE.keys() <= opening
    assert not NOT_HOSTILE.keys() & tested
    assert tested <= opening
