"""Files that are made to do harm: run something, read another file, or take all memory.

``ATTACKS`` has them by name: the reader, and what writes the file; ``outside`` is a file beside it
that nothing may read, and a program that runs leaves ``pwned``.
"""

import bz2
import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import safetensors.torch
import torch
from heaps import spoil
from readers import READERS, bundle_entry, bundle_index

from repro.data.hbb.branches import find_group

_HUGE = 2**40
_TRACK = find_group("tracks").branches[0]
_SUFFIX = b"/.ATTRIBUTES/VARIABLE_VALUE"
_MOVE = b"cos\nsystem\n(S'touch pwned'\ntR."
_DEEP_KEY = b"\x80\x02}N" + b"\x85" * 1_000_000 + b"Ns."
_MEMO = b"\x80\x02K\x01r\xff\xff\xff\x7f."

Attack = Callable[[Path], object]


class _Call:
    def __reduce__(self):
        import os

        return os.system, ("touch pwned",)


def _bytes(content: bytes) -> Attack:
    return lambda path: path.write_bytes(content)


def _text(content: str) -> Attack:
    return lambda path: path.write_text(content)


def _edit(reader: str, change: Callable[[h5py.File], object]) -> Attack:
    def attack(path: Path) -> None:
        READERS[reader].make(path)
        outside = path.with_name("outside.h5")
        READERS[reader].make(outside)
        with h5py.File(path, "r+") as file:
            change(file)

    return attack


def _link(place: str, link: Callable[[], object]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[place]
        file[place] = link()

    return change


def _virtual(place: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        old = file[place]
        layout = h5py.VirtualLayout(shape=old.shape, dtype=old.dtype)
        layout[...] = h5py.VirtualSource("outside.h5", place, shape=old.shape)
        del file[place]
        file.create_virtual_dataset(place, layout)

    return change


def _external(place: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        old = file[place]
        shape, kind = old.shape, old.dtype
        del file[place]
        file.create_dataset(place, shape, kind, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])

    return change


def _declared(place: str, rows: int = _HUGE) -> Callable[[h5py.File], None]:
    """An array of very many rows, of which nothing is stored."""

    def change(file: h5py.File) -> None:
        old = file[place]
        shape, kind, attributes = (rows, *old.shape[1:]), old.dtype, dict(old.attrs)
        del file[place]
        made = file.create_dataset(place, shape, kind, chunks=True)
        for name, value in attributes.items():
            made.attrs[name] = value

    return change


def _bomb(place: str, rows: int | None = None) -> Callable[[h5py.File], None]:
    """A block that unpacks to a thousand times what it is to give."""

    def change(file: h5py.File) -> None:
        old = file[place]
        shape, kind = (rows or len(old), *old.shape[1:]), old.dtype
        del file[place]
        made = file.create_dataset(place, shape, kind, chunks=shape, compression="gzip")
        packer = zlib.compressobj(9)
        head = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
        # After a full flush, a megabyte of zeros gives the same bytes each time.
        again = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
        made.id.write_direct_chunk((0,) * len(shape), head + 2047 * again + packer.flush())

    return change


def _blosc_bomb(place: str) -> Callable[[h5py.File], None]:
    """A block of 2 GB for blosc, made of one inner block that all its offsets lead to."""

    def change(file: h5py.File) -> None:
        zeros = np.zeros(2**20, np.float32)
        packing = hdf5plugin.Blosc(cname="zstd", clevel=5)
        made = file.create_dataset("zeros", data=zeros, chunks=zeros.shape, **packing)
        _, packed = made.id.read_direct_chunk((0,))
        del file["zeros"]
        inner, (start, behind) = struct.unpack_from("<I", packed, 8)[0], _inner_places(packed)
        copies = (2**31 - 2**20) // inner
        place_of_it = 16 + 4 * copies
        numbers = (copies * inner, inner, place_of_it + behind - start)
        head = packed[:4] + struct.pack("<3I", *numbers) + copies * struct.pack("<I", place_of_it)
        file[place].id.write_direct_chunk((0,) * file[place].ndim, head + packed[start:behind])

    return change


def _inner_places(packed: bytes) -> tuple[int, int]:
    """Where the first two inner blocks begin, of what blosc packed."""
    first, second = struct.unpack_from("<2I", packed, 16)
    return first, second


def _blosc_header(place: str, position: int, number: int) -> Callable[[h5py.File], None]:
    """The first block with another number in its header: 4 its size, 12 its size as packed."""

    def change(file: h5py.File) -> None:
        first = (0,) * file[place].ndim
        packed = bytearray(file[place].id.read_direct_chunk(first)[1])
        packed[position : position + 4] = struct.pack("<I", number)
        file[place].id.write_direct_chunk(first, bytes(packed))

    return change


def _bzip2_bomb(place: str) -> Callable[[h5py.File], None]:
    """A block that bzip2 unpacks to 2 GB."""

    def change(file: h5py.File) -> None:
        shape, kind = file[place].shape, file[place].dtype
        del file[place]
        made = file.create_dataset(place, shape, kind, chunks=shape, **hdf5plugin.BZip2())
        packer = bz2.BZ2Compressor()
        packed = b"".join(packer.compress(bytes(2**24)) for _ in range(128)) + packer.flush()
        made.id.write_direct_chunk((0,) * len(shape), packed)

    return change


def _attribute(place: str, name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[place].attrs[name] = value

    return change


def _pickled_attribute(content: bytes) -> Callable[[h5py.File], None]:
    return _attribute("table/table", "values_block_0_kind", np.bytes_(content))


def _number(place: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        values = file[place][()]
        values.reshape(-1)[-1] = value
        file[place][...] = values

    return change


def _virtual_without_end(path: Path) -> None:
    """HDF5 reads what a virtual array is made of to say what kind of object it is."""
    with h5py.File(path, "w", libver="latest") as file:
        layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
        layout[...] = h5py.VirtualSource("outside.h5", "px", shape=(4,))
        file.create_virtual_dataset("measured", layout)
    spoil(path, length=0)


def _heap(reader: str, number: int, length: int) -> Attack:
    """The file with another length of an object of its heap; object 0 is what is free."""

    def attack(path: Path) -> None:
        READERS[reader].make(path)
        spoil(path, length=length, number=number)

    return attack


def _loop(file: h5py.File) -> None:
    for name in "abcdefgh":
        file[name] = file["/"]


def _torch(tensors: object) -> Attack:
    return lambda path: torch.save(tensors, path)


def _repacked(change: Callable[[str, bytes], bytes], method: int = zipfile.ZIP_STORED) -> Attack:
    """The file of weights with other members, or packed ones."""

    def attack(path: Path) -> None:
        READERS["torch"].make(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, change(name, content))

    return attack


def _with_archive_behind(content: bytes) -> bytes:
    """What Python takes for an archive and torch for five pickles."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x", "y")
    return content + stream.getvalue()


def _data_pickle(content: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, old: content if name.endswith("data.pkl") else old


def _capitals(path: Path) -> None:
    """Torch finds members whatever their case."""
    _archive({"w/DATA.PKL": _DEEP_KEY, "w/version": b"3\n", "w/byteorder": b"little"})(path)


def _expanded(path: Path) -> None:
    torch.save({"weight": torch.ones(1).expand(2, 3), "bias": torch.ones(1).expand(_HUGE)}, path)


def _safetensors(header: object, data: bytes = bytes(32)) -> Attack:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return _bytes(struct.pack("<Q", len(text)) + text + data)


def _entry(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def _tensors(**tensors: torch.Tensor) -> Attack:
    return lambda path: safetensors.torch.save_file(tensors, path)


def _bundle(entries: list[tuple[bytes, bytes]]) -> Attack:
    def attack(path: Path) -> None:
        path.write_bytes(bundle_index(entries))
        path.with_name("data").write_bytes(bytes(2**20))

    return attack


def _member(shape: tuple[int, ...], content: bytes = b"", descr: str = "<f8") -> bytes:
    stream = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + content


def _archive(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> Attack:
    def attack(path: Path) -> None:
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return attack


def _copies(count: int) -> bytes:
    """Arrays that all take their bytes from one text."""
    raw = np.zeros(2**17).tobytes()
    head = b"\x80\x04\x8e" + struct.pack("<Q", len(raw)) + raw + b"\x94"  # memo 0: the bytes
    head += b"cnumpy.core.numeric\n_frombuffer\n\x94cnumpy\ndtype\n(\x8c\x02f8\x89\x88tR\x94]"
    one = b"h\x01(h\x00h\x02J" + struct.pack("<i", 2**17) + b"\x8c\x01CtR"
    return head + b"(" + one * count + b"e."


def _result(**changes: object) -> Attack:
    def attack(path: Path) -> None:
        READERS["result"].make(path)
        document = json.loads(path.read_text())
        path.write_text(json.dumps({**document, **changes}))

    return attack


_HDF5: Mapping[str, tuple[str, Callable[[h5py.File], object]]] = {
    "table is a link to another file": (
        "table",
        _link("table", lambda: h5py.ExternalLink("outside.h5", "/table")),
    ),
    "table is a link to a pipe": (
        "table",
        _link("table", lambda: h5py.ExternalLink("pipe", "/table")),
    ),
    "table is a link to itself": ("table", _link("table", lambda: h5py.SoftLink("/table"))),
    "packed momenta in another file": (
        "packed",
        _link("px", lambda: h5py.ExternalLink("outside.h5", "/px")),
    ),
    "packed momenta from another file": ("packed", _virtual("px")),
    "packed momenta from /etc/passwd": ("packed", _external("px")),
    "twin's branch in another file": (
        "twin",
        _link(_TRACK, lambda: h5py.ExternalLink("outside.h5", f"/{_TRACK}")),
    ),
    "target in another file": (
        "processed",
        _link(
            "target_subgroup/target",
            lambda: h5py.ExternalLink("outside.h5", "/target_subgroup/target"),
        ),
    ),
    "target from another file": ("processed", _virtual("target_subgroup/target")),
    "tracks from /etc/passwd": ("processed", _external("training_subgroup/training_2")),
    "measured counts from another file": ("measured", _virtual("measured/counts/tracks")),
    "groups in circles": ("table", _loop),
    "table of a billion rows": ("table", _declared("table/table")),
    "packed counts of a billion jets": ("packed", _declared("counts")),
    "tracks of a billion jets": ("processed", _declared("training_subgroup/training_2")),
    "targets of a billion jets": ("processed", _declared("target_subgroup/target")),
    "twin of a billion jets": ("twin", _declared("fj_isH")),
    "measured counts of a billion jets": ("measured", _declared("measured/counts/tracks")),
    "a block that unpacks to 2 GB": ("packed", _bomb("tau")),
    "targets that unpack to 2 GB": ("processed", _bomb("target_subgroup/target")),
    "large targets that unpack to 2 GB": (
        "processed",
        _bomb("target_subgroup/target", 300_000),
    ),
    "a block that blosc unpacks to 2 GB": ("table-blosc", _blosc_bomb("table/table")),
    "counts that bzip2 unpacks to 2 GB": ("packed", _bzip2_bomb("counts")),
    "a blosc block of fewer bytes than are read": (
        "table-blosc",
        _blosc_header("table/table", 4, 64),
    ),
    "a blosc block beyond its end": ("table-blosc", _blosc_header("table/table", 12, 2**31 - 17)),
    "column names that run a program": ("table", _pickled_attribute(_MOVE)),
    "column names with a memo of 16 GB": ("table", _pickled_attribute(_MEMO)),
    "column names that are numbers": (
        "table",
        _pickled_attribute(pickle.dumps(list(range(32)), 0)),
    ),
    "column names that are lists": ("table", _pickled_attribute(pickle.dumps([[]] * 32, 0))),
    "a billion places": ("packed", _attribute("/", "places", 2**30)),
    "names that are nested": ("packed", _attribute("/", "tau_names", "[" * 30_000)),
    "names that are numbers": ("packed", _attribute("/", "tau_names", "[1, 2, 3]")),
    "a recipe that is a number": ("packed", _attribute("/", "repro", 7)),
    "a recipe that is nested": ("packed", _attribute("/", "repro", "[" * 30_000)),
    "momenta that are NaN": ("packed", _number("px", np.nan)),
    "momenta that are infinite": ("packed", _number("pz", -np.inf)),
    "a label of 7": ("packed", _number("labels", 7)),
    "more constituents than there are": ("packed", _number("counts", 8)),
    "tracks that are NaN": ("processed", _number("training_subgroup/training_2", np.nan)),
    "a target that is NaN": ("processed", _number("target_subgroup/target", np.nan)),
    "a branch that is infinite": ("twin", _number(_TRACK, np.inf)),
}

ATTACKS: Mapping[str, tuple[str, Attack]] = {
    **{name: (reader, _edit(reader, change)) for name, (reader, change) in _HDF5.items()},
    "pickle that runs a program": ("pickle-array", _bytes(_MOVE)),
    "pickle that runs a program by reduce": (
        "pickle-array",
        lambda path: path.write_bytes(pickle.dumps([_Call()])),
    ),
    "pickle with a memo of 16 GB": ("pickle-array", _bytes(_MEMO)),
    "pickle with a deep key": ("pickle-array", _bytes(_DEEP_KEY)),
    "pickle with lists in lists": (
        "pickle-array",
        _bytes(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."),
    ),
    "pickle of a trillion bytes": (
        "pickle-array",
        _bytes(b"\x80\x04\x8e" + struct.pack("<Q", _HUGE) + b"abc."),
    ),
    "text in a heap that does not end": ("packed", _heap("packed", 0, 0)),
    "text in a heap of steps of one byte": ("packed", _heap("packed", 0, 1)),
    "text that leads back": ("packed", _heap("packed", 1, 2**64 - 16)),
    "arrays that are made of a heap that does not end": ("measured", _virtual_without_end),
    "text in a heap of two that does not end": ("measured", _heap("measured", 0, 0)),
    "pickle of arrays that share": ("pickle-array", _bytes(_copies(20_000))),
    "array of a trillion numbers": ("array", _bytes(_member((_HUGE,)))),
    "array of 2^70 numbers": ("array", _bytes(_member((2**35, 2**35)))),
    "array of objects": ("array", _bytes(_member((1,), pickle.dumps(_Call()), "|O"))),
    "array with a program for a header": (
        "array",
        _bytes(
            b"\x93NUMPY\x01\x00\x40\x00"
            + b"__import__('os').system('touch pwned')".ljust(63)
            + b"\n"
        ),
    ),
    "weights that run a program": ("torch", _torch(_Call())),
    "weights that run a program, old": (
        "torch-old",
        lambda path: torch.save(_Call(), path, _use_new_zipfile_serialization=False),
    ),
    "weights with another pickle": ("torch", _repacked(_data_pickle(_MOVE))),
    "weights with a deep key": ("torch", _repacked(_data_pickle(_DEEP_KEY))),
    "weights with a deep key, old": ("torch-old", _bytes(_DEEP_KEY)),
    "weights with a deep key and an archive behind": (
        "torch-old",
        _bytes(_with_archive_behind(5 * _DEEP_KEY)),
    ),
    "checkpoint with a deep key and an archive behind": (
        "checkpoint",
        _bytes(_with_archive_behind(5 * _DEEP_KEY)),
    ),
    "weights with a deep key in capitals": ("torch", _capitals),
    "weights that are packed": ("torch", _repacked(lambda _, old: old, zipfile.ZIP_DEFLATED)),
    "weights with a member of 4 GB": (
        "torch",
        _archive({"a/data.pkl": b"N.", "a/data/0": bytes(2**27)}, zipfile.ZIP_DEFLATED),
    ),
    "weights outside of their folder": (
        "torch",
        _archive({"../../pwned": b"x", "/outside/pwned": b"x"}),
    ),
    "weights of a trillion numbers": ("torch", _expanded),
    "weights that are sparse": (
        "torch",
        _torch({"weight": torch.ones(2, 3).to_sparse(), "bias": torch.ones(2)}),
    ),
    "weights without numbers": (
        "torch",
        _torch({"weight": torch.ones(2, 3, device="meta"), "bias": torch.ones(2)}),
    ),
    "weights that are complex": (
        "torch",
        _torch({"weight": torch.ones(2, 3, dtype=torch.complex64), "bias": torch.ones(2)}),
    ),
    "weights that are NaN": (
        "torch",
        _torch({"weight": torch.full((2, 3), torch.nan), "bias": torch.ones(2)}),
    ),
    "weights with a name that clears the screen": (
        "torch",
        _torch({"\x1b[2J\nrepro: fine": torch.ones(2)}),
    ),
    "checkpoint that runs a program": ("checkpoint", _torch({"identity": _Call()})),
    "checkpoint of other types": (
        "checkpoint",
        _torch({"identity": "{}", "network": [], "optimiser": 3, "history": []}),
    ),
    "checkpoint with steps that are text": (
        "checkpoint",
        _torch({"identity": "{}", "network": {}, "optimiser": {}, "history": [], "steps": "1"}),
    ),
    "tensors of eight bits": (
        "safetensors",
        _tensors(weight=torch.ones(2, 3).to(torch.float8_e4m3fn), bias=torch.ones(2)),
    ),
    "tensors that are infinite": (
        "safetensors",
        _tensors(weight=torch.full((2, 3), torch.inf), bias=torch.ones(2)),
    ),
    "tensors that overlap": (
        "safetensors",
        _safetensors({"weight": _entry([2, 3], 0, 24), "bias": _entry([2], 16, 24)}, bytes(24)),
    ),
    "tensors beyond the end": (
        "safetensors",
        _safetensors({"weight": _entry([2, 3], 0, 24), "bias": _entry([2], 24, 2**50)}),
    ),
    "a trillion tensors' header": ("safetensors", _bytes(struct.pack("<Q", 2**62) + b"{}")),
    "a header that is nested": ("safetensors", _safetensors(b'{"a":' + b"[" * 200_000)),
    "tensors of a trillion numbers": (
        "safetensors",
        _safetensors({"weight": _entry([_HUGE], 0, 32), "bias": _entry([2], 24, 32)}),
    ),
    "variables beyond the data": (
        "bundle",
        _bundle([(b"a" + _SUFFIX, bundle_entry([2], 2**20, 8))]),
    ),
    "variables that share": (
        "bundle",
        _bundle([(b"%05d" % n + _SUFFIX, bundle_entry([2**18], 0, 2**20)) for n in range(4000)]),
    ),
    "variables of 2^60 numbers": (
        "bundle",
        _bundle([(b"a" + _SUFFIX, bundle_entry([2**60], 0, 8))]),
    ),
    "variables with a name of two lines": (
        "bundle",
        _bundle([(b"a\nb" + _SUFFIX, bundle_entry([2], 2**30, 8))]),
    ),
    "chunk of a trillion places": (
        "chunk",
        _archive(
            {
                "counts.npy": _member((1,), bytes(8), "<i8"),
                "places.npy": _member((), struct.pack("<q", _HUGE), "<i8"),
            }
        ),
    ),
    "chunk of a trillion counts": ("chunk", _archive({"counts.npy": _member((_HUGE,))})),
    "chunk that is packed": (
        "chunk",
        _archive({"counts.npy": _member((2**27,), bytes(2**27), "|u1")}, zipfile.ZIP_DEFLATED),
    ),
    "chunk of objects": (
        "hbb-chunk",
        _archive({"jets.pt.npy": _member((1,), pickle.dumps(_Call()), "|O")}),
    ),
    "rows of a trillion numbers": ("rows", _archive({"rows.npy": _member((_HUGE, 3))})),
    "result that is nested": ("result", _text('{"schema": 1, "values": ' + "[" * 100_000)),
    "result nested just enough": ("result", _result(values=json.loads("[" * 500 + "]" * 500))),
    "result with half a character": ("result", _result(title="\ud800")),
    "result with a number of 10,000 digits": ("result", _text('{"schema": ' + "9" * 10_000 + "}")),
    "result with a list for an item": ("picture", _result(item=["toptag/fig5"])),
    "result with claims that are numbers": ("picture", _result(claims=[7])),
    "result with other values": ("picture", _result(values={"relevance": 1e308})),
    "report whose plan is a text": (
        "report",
        _text('{"schema": 1, "plan": "ab", "command": "", "started": "", "items": {}}'),
    ),
    "report that is nested": ("report", _text("[" * 100_000)),
    "split that is nested": ("split", _text("[" * 100_000)),
    "metadata that are nested": ("metadata", _text("[" * 100_000)),
    "stamp that is nested": ("stamp", _text("[" * 100_000)),
    "index with half a bracket": ("index", _text("root://[eospublic")),
    "index that leads elsewhere": (
        "index",
        _text("https://opendata.cern.ch/eos/opendata/../../test/ntuple_merged_0.root"),
    ),
    "index with a number of 10,000 digits": (
        "index",
        _text(f"https://opendata.cern.ch/eos/opendata/x/test/ntuple_merged_{'9' * 10_000}.root"),
    ),
}
