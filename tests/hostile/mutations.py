"""Change valid files: byte by byte, and within what a checksum or a grammar would reject.

Each function takes the bytes of a valid file and gives a hypothesis strategy for spoiled ones, so
that what is found is made as small as it can be.
"""

import functools
import io
import json
import pickletools
import zipfile
from collections.abc import Callable, Mapping

from hypothesis import strategies as st

_NUMBERS = [
    b"\xff" * 8,
    b"\xff" * 4,
    b"\x7f" + b"\xff" * 7,
    b"\xff" * 7 + b"\x7f",
    b"\x00\x00\x00\x80",
    b"\x80\x00\x00\x00",
    bytes(8),
    b"\x01" + bytes(7),
    b"\x00\x00\xc0\x7f",  # NaN
    b"\x00\x00\x80\x7f",  # infinity
]
_OPCODES = [opcode.code.encode("latin1") for opcode in pickletools.opcodes]

Strategy = Callable[[bytes], st.SearchStrategy[bytes]]


def of_bytes(data: bytes, extra: list[bytes] | None = None) -> st.SearchStrategy[bytes]:
    """A few edits anywhere."""
    places = st.integers(0, max(len(data) - 1, 0))
    lengths = st.integers(1, max(len(data) // 4, 1))
    pieces = st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from(_NUMBERS + (extra or [])))
    edits = st.one_of(
        st.tuples(st.just(_flip), places, st.integers(0, 7)),
        st.tuples(st.just(_put), places, pieces),
        st.tuples(st.just(_insert), places, pieces),
        st.tuples(st.just(_remove), places, lengths),
        st.tuples(st.just(_repeat), places, lengths),
        st.tuples(st.just(_cut), places, st.none()),
    )
    return st.lists(edits, min_size=1, max_size=5).map(lambda chosen: _apply(data, chosen))


def of_pickle(data: bytes) -> st.SearchStrategy[bytes]:
    """Edits that put whole opcodes in, too."""
    return of_bytes(data, _OPCODES)


def of_json(data: bytes) -> st.SearchStrategy[bytes]:
    """The same document with other values at some places, or other bytes."""
    document = json.loads(data)
    paths = list(_paths(document))
    values = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below),
        max_leaves=5,
    )
    changes = st.lists(st.tuples(st.sampled_from(paths), values), min_size=1, max_size=3)
    return st.one_of(changes.map(functools.partial(_replaced, data)), of_bytes(data))


def of_archive(data: bytes) -> st.SearchStrategy[bytes]:
    """An archive with a spoiled member and its right checksum, or other bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def spoil(name: str) -> st.SearchStrategy[bytes]:
        of = of_pickle if name.endswith(".pkl") else of_bytes
        return of(members[name]).map(lambda content: _zipped({**members, name: content}))

    return st.one_of(st.sampled_from(sorted(members)).flatmap(spoil), of_bytes(data))


def _apply(data: bytes, edits: list[tuple[Callable[..., bytes], int, object]]) -> bytes:
    for edit, place, argument in edits:
        data = edit(data, min(place, max(len(data) - 1, 0)), argument)
    return data


def _flip(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :] if data else data


def _put(data: bytes, place: int, piece: bytes) -> bytes:
    return data[:place] + piece + data[place + len(piece) :]


def _insert(data: bytes, place: int, piece: bytes) -> bytes:
    return data[:place] + piece + data[place:]


def _remove(data: bytes, place: int, length: int) -> bytes:
    return data[:place] + data[place + length :]


def _repeat(data: bytes, place: int, length: int) -> bytes:
    return data[: place + length] + data[place:]


def _cut(data: bytes, place: int, _: None) -> bytes:
    return data[:place]


def _paths(value: object, path: tuple[object, ...] = ()):
    yield path
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _paths(entry, (*path, key))
    elif isinstance(value, list):
        for position, entry in enumerate(value[:3]):
            yield from _paths(entry, (*path, position))


def _replaced(data: bytes, changes: list[tuple[tuple[object, ...], object]]) -> bytes:
    document = json.loads(data)
    for path, value in changes:
        if not path:
            document = value
            continue
        place = document
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
        except (LookupError, TypeError):
            continue  # an earlier change took the place away
    return json.dumps(document).encode()


def _zipped(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


BY_SUFFIX: Mapping[str, Strategy] = {
    ".json": of_json,
    ".ok": of_json,
    ".pkl": of_pickle,
    ".npz": of_archive,
    ".pt": of_archive,
}
"""What knows more of a file than that it has bytes."""


def inputs_of(name: str, data: bytes) -> st.SearchStrategy[bytes]:
    """Return spoiled files of the same name."""
    suffix = name[name.rfind(".") :]
    if suffix == ".pt" and not zipfile.is_zipfile(io.BytesIO(data)):
        return of_pickle(data)
    return BY_SUFFIX.get(suffix, of_bytes)(data)
