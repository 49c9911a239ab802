"""Ways to spoil a file that any format can meet: half a download, an error page, a wrong folder."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

_PAGE = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body></body></html>\n"
_OFFSETS = (1, 7, 8, 9, 47, 48, 49, 64, 100, 511, 512, 513)
_MAGICS = {
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "pickle": b"\x80\x04]\x94.",
    "zip": b"PK\x05\x06" + bytes(18),
    "npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n",
    "root": b"root\x00\x00\xf4\x24" + bytes(60),
    "json": b"{}",
    "json-list": b"[[[]]]",
    "json-null": b"null",
    "toml": b"[a]\nb = 1\n",
    "gzip": b"\x1f\x8b\x08\x00" + bytes(20),
    "utf-16": "{}".encode("utf-16"),
    "yaml": b"!!python/object/apply:os.system ['true']\n",
}

Damage = Callable[[Path], None]


def _content(change: Callable[[bytes], bytes]) -> Damage:
    return lambda path: path.write_bytes(change(path.read_bytes())) and None


def _cut(part: float) -> Damage:
    return _content(lambda data: data[: int(part * len(data))])


def _flip(seed: int, bits: int = 1) -> Damage:
    def change(data: bytes) -> bytes:
        rng, spoiled = np.random.default_rng(seed), bytearray(data)
        for position in rng.integers(0, len(data), bits):
            spoiled[position] ^= 1 << rng.integers(0, 8)
        return bytes(spoiled)

    return _content(change)


def _overwrite(seed: int, with_: bytes) -> Damage:
    def change(data: bytes) -> bytes:
        start = int(np.random.default_rng(seed).integers(0, max(len(data) - len(with_), 1)))
        return data[:start] + with_ + data[start + len(with_) :]

    return _content(change)


def _instead(make: Callable[[Path], object]) -> Damage:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


CONTENTS: Mapping[str, Damage] = {
    "zero bytes": _content(lambda _: b""),
    "one byte": _content(lambda data: data[:1]),
    "page": _content(lambda _: _PAGE),
    "page of the same size": _content(lambda data: _PAGE.ljust(len(data))[: len(data)]),
    "nothing but zeros": _content(lambda data: bytes(len(data))),
    "noise": _content(lambda data: np.random.default_rng(0).bytes(len(data))),
    "noise behind": _content(lambda data: data + np.random.default_rng(0).bytes(1000)),
    "twice": _content(lambda data: 2 * data),
    "backwards": _content(lambda data: data[::-1]),
    **{f"cut after {n} bytes": _content(lambda data, n=n: data[:n]) for n in _OFFSETS},
    **{f"cut after {part:.0%}": _cut(part) for part in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)},
    **{f"without the last {n} bytes": _content(lambda data, n=n: data[:-n]) for n in (1, 2, 8)},
    **{f"without the first {n} bytes": _content(lambda data, n=n: data[n:]) for n in (1, 8)},
    **{f"a bit, {seed}": _flip(seed) for seed in range(12)},
    **{f"a hundred bits, {seed}": _flip(seed, 100) for seed in range(4)},
    **{f"large numbers, {seed}": _overwrite(seed, b"\xff" * 8) for seed in range(6)},
    **{f"{kind} instead": _content(lambda _, d=data: d) for kind, data in _MAGICS.items()},
}
"""The same file with other bytes."""

PLACES: Mapping[str, Damage] = {
    "nothing": _instead(lambda _: None),
    "folder": _instead(Path.mkdir),
    "pipe": _instead(os.mkfifo),
    "link to nothing": _instead(lambda path: path.symlink_to("nowhere")),
    "link to itself": _instead(lambda path: path.symlink_to(path.name)),
    "endless device": _instead(lambda path: path.symlink_to("/dev/zero")),
    "empty device": _instead(lambda path: path.symlink_to("/dev/null")),
}
"""Something else where the file should be."""
