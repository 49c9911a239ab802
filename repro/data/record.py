"""The data files of CERN Open Data record 12102, listed from its pinned index files.

The record holds 91 merged ntuples, ``train`` 9 to 90 and ``test`` 0 to 8, each as
ROOT and as HDF5.  The indices state addresses and neither sizes nor hashes: a file is
pinned by what it is when it is first fetched.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from repro.data.pins import Artifact, find_artifact
from repro.data.regular import read_limited
from repro.data.store import Store
from repro.errors import BadInput, UnknownName

__all__ = [
    "GROUP",
    "SPLITS",
    "SUFFIXES",
    "RecordFile",
    "find_fetched",
    "find_record_artifacts",
    "index_of",
    "list_record_files",
    "parse_index",
    "read_index",
]

GROUP = "hbb/record"
"""What the ids of the record's files begin with."""

SPLITS = ("train", "test")
SUFFIXES = ("root", "h5")

_INDEX = "hbb/index/HiggsToBBNTuple_HiggsToBB_QCD_RunII_13TeV_MC_{split}_{suffix}_file_index.txt"
_LARGEST = 2**20
_HOSTS = {"eospublic.cern.ch", "opendata.cern.ch"}
_FILE = re.compile(
    r"/eos/opendata/[\w/.-]+/(?P<split>\w+)/ntuple_merged_(?P<number>\d{1,9})\.\w+", re.ASCII
)
_NO_FILE = "{!r} is no file of record 12102: fetch its index again"


@dataclass(frozen=True, order=True)
class RecordFile:
    """One ntuple of the record.

    Attributes:
        split: ``train`` or ``test``.
        number: The number in its name.
        url: Its https address.
    """

    split: str
    number: int
    url: str

    @property
    def name(self) -> str:
        """File name, such as ``ntuple_merged_0.root``."""
        return self.url.rpartition("/")[2]

    @property
    def id(self) -> str:
        """What it is called here, in the cache and in mirrors."""
        return f"{GROUP}/{self.split}/{self.name}"

    def artifact(self) -> Artifact:
        """Return the file as the store takes it."""
        suffix = self.name.rpartition(".")[2]
        index = index_of(self.split, suffix)
        return Artifact(
            id=self.id,
            kind="root" if suffix == "root" else "hdf5",
            size=None,
            licence=index.licence,
            origin=index.origin,
            references=index.references,
            urls=(self.url,),
            doi=index.doi,
            verified=False,
        )


def list_record_files(
    split: str = "test",
    suffix: str = "root",
    *,
    store: Store | None = None,
) -> tuple[RecordFile, ...]:
    """Return one split's files in the order of their numbers.

    Fetches the index, a few kilobytes, if it is not in the cache.

    Raises:
        UnknownName: If the record has no such split or kind of file.
    """
    path = (store or Store()).fetch(index_of(split, suffix))
    return read_index(path)


def index_of(split: str, suffix: str) -> Artifact:
    """Return the pinned index that lists a split's files of one format.

    Raises:
        UnknownName: If the record has no such split or kind of file.
    """
    if split not in SPLITS or suffix not in SUFFIXES:
        raise UnknownName(
            f"record 12102 has no {split!r} files that end in {suffix!r}: "
            f"choose from {', '.join(SPLITS)} and {', '.join(SUFFIXES)}"
        )
    return find_artifact(_INDEX.format(split=split, suffix=suffix))


def find_record_artifacts(
    name: str,
    *,
    files: int | None = None,
    split: str | None = None,
    suffix: str | None = None,
    store: Store | None = None,
) -> list[Artifact]:
    """Return files of the record: the first so many, or one by its id.

    The order is: test files before train files, HDF5 before ROOT, then their numbers.

    Args:
        name: ``hbb/record``, a folder below it, or the id of a file.
        files: How many; all if not given.
        split: ``train`` or ``test``; both if not given.
        suffix: ``root`` or ``h5``; both if not given.
        store: Where the indices are; :class:`Store` if not given.

    Raises:
        UnknownName: If there is no such file.
        BadInput: If there are fewer files than asked for.
    """
    found = [
        file
        for kind in ("h5", "root")
        for part in ("test", "train")
        if suffix in {None, kind} and split in {None, part}
        for file in list_record_files(part, kind, store=store)
        if f"{file.id}/".startswith(f"{name.rstrip('/')}/")
    ]
    if not found:
        raise UnknownName(
            f"record 12102 has no {name!r} with these options: its files are called "
            f"{GROUP}/test/ntuple_merged_0.h5 and so on, 0 to 8 in test, 9 to 90 in train"
        )
    if files is not None and not 0 < files <= len(found):
        raise BadInput(f"{name} has {len(found)} such files: {files} cannot be taken")
    return [file.artifact() for file in found[:files]]


def find_fetched(sha256: str, store: Store) -> Artifact | None:
    """Return the file of the record that had this hash when it was fetched; None if none had.

    Only files whose index is at hand are looked for, without the network.
    """
    for suffix in SUFFIXES:
        for split in SPLITS:
            if store.state_of(index_of(split, suffix)) == "missing":
                continue
            for file in list_record_files(split, suffix, store=store):
                pin = store.settle(file.artifact())
                if pin.sha256 == sha256:
                    return pin
    return None


def read_index(path: Path) -> tuple[RecordFile, ...]:
    """Return the files that an index on disk lists.

    Raises:
        BadInput: If it is no text, or as :func:`parse_index` says.
    """
    try:
        return parse_index(read_limited(path, _LARGEST).decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no index of record 12102: fetch it again") from error


def parse_index(text: str) -> tuple[RecordFile, ...]:
    """Return the files that an index lists, one address a line, as https addresses.

    Raises:
        BadInput: If a line is no address of the record.

    >>> (file,) = parse_index("root://eospublic.cern.ch//eos/opendata/x/test/ntuple_merged_0.root")
    >>> file.url
    'https://opendata.cern.ch/eos/opendata/x/test/ntuple_merged_0.root'
    """
    return tuple(sorted(_parse_line(line) for line in text.split()))


def _parse_line(line: str) -> RecordFile:
    try:
        parts = urlsplit(line)
    except ValueError as error:  # half of a bracket
        raise BadInput(_NO_FILE.format(line[:200])) from error
    # XRootD addresses double the slash before the absolute path.
    path = "/" + parts.path.lstrip("/")
    match = _FILE.fullmatch(path)
    if parts.hostname not in _HOSTS or match is None or ".." in path:
        raise BadInput(_NO_FILE.format(line[:200]))
    return RecordFile(match["split"], int(match["number"]), f"https://opendata.cern.ch{path}")
