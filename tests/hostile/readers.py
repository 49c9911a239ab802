"""Every reader of the package: how to make a small valid file, and what reads all of it.

What is read is asked for numbers and they must be some: a file that is not refused gives values.
"""

import json
import pickle
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
for _folder in (TESTS, TESTS / "data"):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import safetensors.torch  # noqa: E402
import torch  # noqa: E402
from hbb_files import make, write_originals, write_root, write_twin  # noqa: E402
from measured_toys import measured_toys  # noqa: E402
from toy_jets import jets_of  # noqa: E402

from repro.catalogue.claims import parse_claims  # noqa: E402
from repro.data.archives import read_array  # noqa: E402
from repro.data.hbb.measured_file import write_measured  # noqa: E402
from repro.data.hbb.opening import open_table  # noqa: E402
from repro.data.hbb.processed import read_recipe  # noqa: E402
from repro.data.hbb.split import files_of, load_manifest  # noqa: E402
from repro.data.integrity import is_stamped, remembered  # noqa: E402
from repro.data.jets import Jets  # noqa: E402
from repro.data.kept_rows import KeptRows  # noqa: E402
from repro.data.open_jets import open_jets  # noqa: E402
from repro.data.packed import PackedPart, write_packed  # noqa: E402
from repro.data.pickles import Table, load_pickle  # noqa: E402
from repro.data.pins import find_artifact, parse_pins  # noqa: E402
from repro.data.regular import read_limited  # noqa: E402
from repro.data.tables import write_jets  # noqa: E402
from repro.errors import BadInput  # noqa: E402
from repro.fair.run_record import NAME, ItemRun, RunRecord  # noqa: E402
from repro.figures.pictures import draw_again  # noqa: E402
from repro.figures.simulated import _recipe_of  # noqa: E402
from repro.models.interaction_metadata import read_metadata  # noqa: E402
from repro.models.state import load_checked, read_state  # noqa: E402
from repro.models.tensorflow_checkpoint import read_variables  # noqa: E402
from repro.results.document import Result  # noqa: E402
from repro.results.form import wrong_places  # noqa: E402
from repro.simulation import chunk as toptag_chunk  # noqa: E402
from repro.simulation.hbb import chunk as hbb_chunk  # noqa: E402
from repro.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint  # noqa: E402
from repro.training.rules import Epoch  # noqa: E402

FIGURES = TESTS.parent / "figures"

_PINS = f"""\
[[artifact]]
id = "toy/data.h5"
kind = "hdf5"
size = 12
sha256 = "{64 * "a"}"
licence = "CC0-1.0"
origin = "a test"
urls = ["https://example.org/data.h5"]
"""
_CLAIMS = """\
[[claim]]
id = "hbb/C1"
statement = "A network has parameters."
source = "T1"

[[claim.number]]
quantity = "parameters of {key}"
expected.De16 = 24586
expected.De8 = 22650
item = "hbb/table1"
value = "parameters.{key}"
reproduction = { absolute = 0.0, reason = "a count" }

[[claim.number]]
prefix = "share"
quantity = "share"
comparison = "between"
expected = [0.5, 0.75]
replication = { relative = 0.1, reason = "other jets" }
"""


@dataclass(frozen=True)
class Reader:
    """One way of the package to read a file.

    Attributes:
        name: Of the file, whose suffix some readers look at.
        make: Writes a small valid one.
        read: Reads all of it; raises a ReproError or gives values.
        modules: Modules of the package that open it.
        silent: Whether damage is not told but answered with nothing.
        slow: Whether reading takes a good part of a second.
    """

    name: str
    make: Callable[[Path], object]
    read: Callable[[Path], object]
    modules: tuple[str, ...]
    silent: bool = False
    slow: bool = False


def toy_jets(n=6, places=8):
    """Massless jets with 1 to 8 constituents, half of them of each class."""
    momenta = jets_of([1 + row % places for row in range(n)], places)
    energy = np.sqrt((momenta[..., 1:].astype(np.float64) ** 2).sum(axis=-1))
    momenta[..., 0] = energy.astype(np.float32)
    labels = np.arange(n) % 2
    return Jets(momenta, labels, np.zeros((n, 4), np.float32), np.zeros(n, np.int64))


def _table(compression):
    return lambda path: write_jets(path, [toy_jets()], compression=compression)


def _packed(path):
    jets = toy_jets()
    n = len(jets)
    part = PackedPart(jets, np.ones((n, 3), np.float32), np.ones((n, 2), np.float32))
    write_packed(path, [part], ("a", "b", "c"), ("d", "e"), {"preset": "matched"})


def _read_jets(path):
    with open_jets(path) as file:
        parts = list(file.iter_jets())
    _recipe_of(path)
    assert all(np.isfinite(part.four_momenta).all() for part in parts)
    assert all(np.isin(part.labels, (0, 1)).all() for part in parts)
    return sum(map(len, parts))


def _read_record(path):
    with open_table(path) as table:
        jets = table.read_jets()
        length = len(table)
    read_recipe(path)
    assert np.isfinite(jets.tracks).all()
    assert np.isfinite(jets.vertices).all()
    return length


def _pickled(content, protocol):
    return lambda path: path.write_bytes(pickle.dumps(content, protocol))


def _read_pickle(path):
    content = load_pickle(path)
    values = content.values if isinstance(content, Table) else content
    return values if isinstance(values, list | tuple) else np.asarray(values).nbytes


def _network():
    torch.manual_seed(0)
    return torch.nn.Linear(3, 2)


def _read_state(path):
    network = _network()
    load_checked(network, read_state(path), "the weights do not fit")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in network.state_dict().values())


def _write_checkpoint(path):
    state = _network().state_dict()
    epoch = Epoch(1, 1e-3, 0.5, 0.5, 0.9, 0.95, 1.0)
    write_checkpoint(path, Checkpoint('{"model": "a"}', state, {}, history=[epoch], best=state))


def _varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _message(fields):
    """A protocol buffer: numbers and bytes by field."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(value)
        else:
            out += _varint(number << 3 | 2) + _varint(len(value)) + value
    return out


def _block(entries):
    body = b"".join(
        _varint(0) + _varint(len(key)) + _varint(len(value)) + key + value for key, value in entries
    )
    return body + struct.pack("<II", 0, 1), b"\0\0\0\0\0"


def bundle_index(entries):
    """A table with one block of entries: key and value."""
    data, tail = _block(entries)
    index, end = _block([(b"z", _varint(0) + _varint(len(data)))])
    start = len(data) + len(tail)
    footer = _varint(start) + _varint(0) + _varint(start) + _varint(len(index))
    magic = struct.pack("<Q", 0xDB4775248B80FB57)
    return data + tail + index + end + footer.ljust(40, b"\0") + magic


def bundle_entry(shape, offset, size, dtype=1):
    dims = _message([(2, _message([(1, length)])) for length in shape])
    return _message([(1, dtype), (2, dims), (4, offset), (5, size)])


def _write_bundle(path):
    suffix = b"/.ATTRIBUTES/VARIABLE_VALUE"
    entries = [(b"bias" + suffix, bundle_entry([2], 24, 8))]
    entries += [(b"kernel" + suffix, bundle_entry([3, 2], 0, 24))]
    path.write_bytes(bundle_index(entries))
    path.with_name("data").write_bytes(np.arange(8, dtype="<f4").tobytes())


def _read_bundle(path):
    return {
        name: array.nbytes for name, array in read_variables(path, path.with_name("data")).items()
    }


def _write_chunk(path):
    toptag_chunk.write_chunk(path, toy_jets())


def _write_rows(path):
    kept = KeptRows(path.parent)
    rows = {"scores": np.ones((2, 3)), "labels": np.ones(2, int)}
    kept.add(rows, lambda: {"sum": np.ones(3)})
    kept.save()


def _read_rows(path):
    kept = KeptRows(path.parent)
    assert all(np.isfinite(array).all() for array in (kept.all() if kept.done else {}).values())
    return kept.done


def _figure(path):
    path.write_bytes((FIGURES / "toptag" / "fig05.json").read_bytes())


def _read_result(path):
    result = Result.from_json(path)
    list(wrong_places(result.document()))
    return result.to_json().encode()


def _draw(path):
    return {suffix: len(content) for suffix, content in draw_again(path)[1].items()}


def _write_record(path):
    run = RunRecord(
        {"items": ["toptag/fig5"]}, "repro report", "2026-01-01", items={"a": ItemRun("b")}
    )
    run.write(path.parent)


def _read_manifest(path):
    manifest = load_manifest(path)
    return [files_of(manifest, part) for part in ("train", "validation", "test")]


def _metadata(path):
    fields = {"label": "a", "hidden": "60", "De": "20", "Do": "24", "drop_pfeatures": "1,2"}
    fields |= {"drop_svfeatures": "", "batch_size": "128", "epoch": "100", "vv_branch": "0"}
    path.write_text(json.dumps(fields))


def _stamp(path):
    path.with_name("test.h5").write_bytes(b"x")
    path.write_text(json.dumps({"size": 1, "mtime_ns": 1, "checksum": "sha256:" + "a" * 64}))


def _read_stamp(path):
    artifact = find_artifact("toptag/data/test.h5")
    file = path.with_name("test.h5")
    return is_stamped(file, artifact), remembered(file, artifact)


def _parsed(parse):
    """What parses the package's own tables, which nobody gives it, as a reader of files."""

    def read(path):
        try:
            content = read_limited(path, 2**20)
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror}") from error
        return parse(content, path.name)

    return read


def _index(path):
    host = "root://eospublic.cern.ch//eos/opendata/cms/"
    path.write_text("\n".join(f"{host}test/ntuple_merged_{n}.root" for n in range(3)))


def _read_index(path):
    from repro.data.record import read_index

    return read_index(path)


def _read_array(path):
    try:
        return read_array(path).nbytes
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} is no readable array ({error})") from error


def _array(path):
    np.save(path, np.arange(6.0).reshape(2, 3))


_HDF5 = ("repro.data.hdf5", "repro.data.hdf5_attributes", "repro.data.hdf5_heaps")
_FRAME = pd.DataFrame({"x": [1.0, 2.0], "y": [0.5, 1.5]}, index=[3, 4])
_STATE = "repro.models.state", "repro.models.torch_files"

READERS: Mapping[str, Reader] = {
    "table": Reader(
        "jets.h5",
        _table("zlib"),
        _read_jets,
        (*_HDF5, "repro.data.tables", "repro.data._pytables", "repro.data.open_jets"),
    ),
    "table-blosc": Reader("jets.h5", _table("blosc"), _read_jets, _HDF5),
    "packed": Reader(
        "jets.h5", _packed, _read_jets, (*_HDF5, "repro.data.packed", "repro.figures.simulated")
    ),
    "twin": Reader(
        "jets.h5",
        lambda path: write_twin(make(4), path),
        _read_record,
        (
            *_HDF5,
            "repro.data.hbb.twins",
            "repro.data.hbb.opening",
            "repro.data.hbb.outside",
        ),
    ),
    "processed": Reader(
        "jets.h5",
        lambda path: write_originals(make(4), path),
        _read_record,
        (*_HDF5, "repro.data.hbb.processed"),
    ),
    "measured": Reader(
        "jets.h5",
        lambda path: write_measured(path, [measured_toys(4)], {"seed": 1}),
        _read_record,
        (*_HDF5, "repro.data.hbb.measured_file"),
    ),
    "root": Reader(
        "jets.root",
        lambda path: write_root(make(4), path),
        _read_record,
        ("repro.data.hbb.ntuples", "repro.data.completeness"),
        slow=True,
    ),
    "pickle-array": Reader(
        "a.pkl",
        _pickled([np.arange(6.0).reshape(2, 3), np.float64(2)], 4),
        _read_pickle,
        ("repro.data.pickles",),
    ),
    "pickle-numbers": Reader(
        "a.pkl",
        _pickled(np.array([0, 1, 1], dtype=object), 2),
        _read_pickle,
        ("repro.data.pickles",),
    ),
    "pickle-frame": Reader("a.pkl", _pickled(_FRAME, 4), _read_pickle, ("repro.data.pickles",)),
    "pickle-frame-2": Reader("a.pkl", _pickled(_FRAME, 2), _read_pickle, ("repro.data.pickles",)),
    "array": Reader("a.npy", _array, _read_array, ("repro.data.archives",)),
    "safetensors": Reader(
        "w.safetensors",
        lambda path: safetensors.torch.save_file(_network().state_dict(), path),
        _read_state,
        _STATE,
    ),
    "torch": Reader(
        "w.pt", lambda path: torch.save(_network().state_dict(), path), _read_state, _STATE
    ),
    "torch-old": Reader(
        "w.pt",
        lambda path: torch.save(
            _network().state_dict(), path, _use_new_zipfile_serialization=False
        ),
        _read_state,
        _STATE,
    ),
    "checkpoint": Reader(
        "c.pt",
        _write_checkpoint,
        read_checkpoint,
        ("repro.training.checkpoint", "repro.models.torch_files"),
    ),
    "bundle": Reader(
        "variables.index", _write_bundle, _read_bundle, ("repro.models.tensorflow_checkpoint",)
    ),
    "chunk": Reader(
        "000000-6.npz",
        _write_chunk,
        toptag_chunk.read_chunk,
        ("repro.simulation.chunk", "repro.data.archives"),
    ),
    "hbb-chunk": Reader(
        "000000-6.npz",
        lambda path: hbb_chunk.write_chunk(path, measured_toys(6)),
        hbb_chunk.read_chunk,
        ("repro.simulation.hbb.chunk", "repro.data.archives"),
    ),
    "rows": Reader(
        "000000000000.npz",
        _write_rows,
        _read_rows,
        ("repro.data.kept_rows", "repro.data.archives"),
        silent=True,
    ),
    "rows-reached": Reader(
        "reached.npz", _write_rows, _read_rows, ("repro.data.kept_rows",), silent=True
    ),
    "result": Reader(
        "fig05.json", _figure, _read_result, ("repro.results.document", "repro.data.regular")
    ),
    "picture": Reader(
        "fig05.json",
        _figure,
        _draw,
        ("repro.results.document", "repro.figures.pictures"),
        slow=True,
    ),
    "report": Reader(
        NAME, _write_record, lambda path: RunRecord.read(path.parent), ("repro.fair.run_record",)
    ),
    "split": Reader(
        "split.json",
        lambda path: path.write_text(json.dumps(load_manifest())),
        _read_manifest,
        ("repro.data.hbb.split",),
    ),
    "metadata": Reader("m.json", _metadata, read_metadata, ("repro.models.interaction_metadata",)),
    "stamp": Reader("test.h5.ok", _stamp, _read_stamp, ("repro.data.integrity",), silent=True),
    "index": Reader("index.txt", _index, _read_index, ("repro.data.record",)),
    "pins": Reader(
        "pins.toml",
        lambda path: path.write_text(_PINS),
        _parsed(parse_pins),
        ("repro.catalogue.toml_files", "repro.data.pins"),
    ),
    "claims": Reader(
        "claims.toml",
        lambda path: path.write_text(_CLAIMS),
        _parsed(parse_claims),
        ("repro.catalogue.toml_files",),
    ),
}
