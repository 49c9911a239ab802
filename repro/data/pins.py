"""The pinned files, read from ``registry/*.toml``.

A registry file has one ``[[artifact]]`` table per file.  A pin says what the bytes are (size,
sha256 or md5, kind), where they come from (DOI or SWHID, URLs in order of preference) and on what
terms (licence, references).  Ids read like paths: the cache and every mirror are laid out by them.
"""

import dataclasses
import difflib
import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from types import NoneType
from typing import Any

from repro.catalogue.references import in_words
from repro.catalogue.toml_files import check_keys, check_types, parse_entries, texts_of
from repro.errors import UnknownName

__all__ = [
    "MAGIC",
    "Artifact",
    "find_artifact",
    "find_artifacts",
    "load_registry",
    "parse_pins",
]

MAGIC: dict[str, tuple[bytes, ...]] = {
    "hdf5": (b"\x89HDF\r\n\x1a\n",),
    "json": (b"{", b"["),
    "npy": (b"\x93NUMPY",),
    "onnx": (b"\x08",),  # field 1, ir_version, comes first in practice
    "pickle": (b"\x80",),
    "root": (b"root",),
    "savedmodel": (),  # protobuf and raw tensors: no signature
    "text": (),
    "torch": (b"PK\x03\x04", b"\x80\x02\x8a\nl\xfc"),  # zip since torch 1.6, pickle before
}
"""Leading bytes by kind of file; a kind without any is checked by its hash alone."""

# Portable file names: no "..", no hidden, absolute or drive-qualified path.
_ID = re.compile(r"(?!.*\.\.)[A-Za-z0-9][\w.+-]*(/[A-Za-z0-9][\w.+-]*)*", re.ASCII)
_ZENODO = re.compile(r"https://zenodo\.org/records/(\d+)/files/")

# What the store keeps beside a file; an id must not look like it.
_RESERVED = (".lock", ".ok", ".part")
_DIGITS = {"sha256": 64, "md5": 32}


@dataclass(frozen=True)
class Artifact:
    """One pinned file.

    A file whose publisher states neither size nor hash is pinned by what it is when it is first
    fetched, see :meth:`repro.data.store.Store.settle`.

    Attributes:
        id: Its name here, in the cache and in mirrors, such as ``toptag/data/test.h5``.
        kind: Format, a key of :data:`MAGIC`.
        size: Bytes; None where neither size nor hash is known.
        licence: SPDX identifier, or ``none stated``.
        origin: Repository and commit, or record, that published it.
        references: What to cite for it, keys of :mod:`repro.catalogue.references`; none for what
            the package made itself.
        urls: Where it can be had, best first.
        sha256: Hash, where the publisher or this registry has one.
        md5: Hash, for files whose publisher states nothing better.
        doi: DOI of the record.
        swhid: Software Heritage identifier of the content.
        verified: Whether the URLs are known to work.
        shipped: Path within the package, for a file that comes with it.
    """

    id: str
    kind: str
    size: int | None
    licence: str
    origin: str
    references: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    sha256: str | None = None
    md5: str | None = None
    doi: str | None = None
    swhid: str | None = None
    verified: bool = True
    shipped: str | None = None

    def __post_init__(self) -> None:
        maybe = (str, NoneType)
        check_types(
            self,
            {
                **dict.fromkeys(("id", "kind", "licence", "origin"), str),
                **dict.fromkeys(("sha256", "md5", "doi", "swhid", "shipped"), maybe),
                "size": (int, NoneType),
                "verified": bool,
            },
        )
        if not _ID.fullmatch(self.id) or self.id.endswith(_RESERVED):
            raise ValueError(f"{self.id!r} cannot be an artifact id")
        if self.kind not in MAGIC:
            raise ValueError(f"{self.id}: unknown kind {self.kind!r}")
        if (self.size is None) == self.pinned:
            raise ValueError(f"{self.id}: a pin needs a hash and a size, or neither")
        for name, digits in _DIGITS.items():
            digest = getattr(self, name)
            if digest and not re.fullmatch(f"[0-9a-f]{{{digits}}}", digest):
                raise ValueError(f"{self.id}: {name} has {digits} digits, 0 to 9 and a to f")
        if self.size is not None and self.size < 0:
            raise ValueError(f"{self.id}: a file has no less than no bytes")

    @property
    def name(self) -> str:
        """File name, the last part of the id."""
        return self.id.rpartition("/")[2]

    @property
    def pinned(self) -> bool:
        """Whether size and hash are known."""
        return bool(self.sha256 or self.md5)

    @property
    def checksum(self) -> str:
        """The strongest hash, as ``sha256:…`` or ``md5:…``; empty if none is known."""
        if not self.pinned:
            return ""
        return f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}"

    @property
    def citation(self) -> str:
        """What to cite for it, in words."""
        return in_words(self.references) if self.references else "this package: see 'repro cite'"

    @property
    def identifier(self) -> str:
        """The identifier of these very bytes if there is one, else of their record."""
        return self.swhid or (f"doi:{self.doi}" if self.doi else "")

    @property
    def zenodo_record(self) -> str | None:
        """Number of the Zenodo record that holds the file itself."""
        return next((match[1] for url in self.urls if (match := _ZENODO.match(url))), None)


@functools.cache
def load_registry() -> tuple[Artifact, ...]:
    """Return all pinned files, ordered by id."""
    artifacts = sorted(_read_registry(), key=lambda artifact: artifact.id)
    for first, second in itertools.pairwise(artifacts):
        if first.id == second.id:
            raise ValueError(f"{first.id} is pinned twice")
    return tuple(artifacts)


def find_artifact(artifact_id: str) -> Artifact:
    """Return the pinned file with this id.

    Raises:
        UnknownName: If there is none; the message names the closest ids.

    >>> find_artifact("toptag/data/test.h5").size
    347849376
    """
    for artifact in load_registry():
        if artifact.id == artifact_id:
            return artifact
    raise UnknownName(_unknown(artifact_id))


def find_artifacts(name: str) -> tuple[Artifact, ...]:
    """Return the pinned file with this id, or all those below it.

    Raises:
        UnknownName: If ``name`` is neither an id nor a group.

    >>> [artifact.name for artifact in find_artifacts("toptag/data")]
    ['test.h5', 'train.h5', 'val.h5']
    """
    group = name.rstrip("/")
    found = tuple(a for a in load_registry() if a.id == group or a.id.startswith(f"{group}/"))
    if not found:
        raise UnknownName(_unknown(name))
    return found


def parse_pins(content: bytes, name: str) -> tuple[Artifact, ...]:
    """Return the pins of a registry file.

    Args:
        content: Of the file.
        name: Of the file, for messages.

    Raises:
        BadInput: If it is no such file, or an entry is wrong.
    """

    def make(entry: dict[str, Any]) -> Iterator[Artifact]:
        fields = dataclasses.fields(Artifact)
        needed = [each.name for each in fields if each.default is dataclasses.MISSING]
        check_keys(entry, [each.name for each in fields], set(needed) - {"size"})
        lists = {key: texts_of(entry, key) for key in ("urls", "references")}
        yield Artifact(**{"size": None, **entry, **lists})

    return parse_entries(content, name, "artifact", make)


def _read_registry() -> Iterator[Artifact]:
    for file in resources.files("repro.data").joinpath("registry").iterdir():
        if not file.name.endswith(".toml"):
            continue
        yield from parse_pins(file.read_bytes(), file.name)


def _unknown(name: str) -> str:
    ids = [artifact.id for artifact in load_registry()]
    groups = {id_.rpartition("/")[0] for id_ in ids}
    close = difflib.get_close_matches(name, [*ids, *groups], n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "'repro fetch --list' shows them all"
    return f"no pinned file or group is called {name!r}: {hint}"
