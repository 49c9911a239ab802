"""Where a pinned file can come from: mirrors first, then its own addresses.

``REPRO_MIRROR`` names one or more mirrors, directories or base URLs laid out by
artifact id, separated by spaces, commas or the platform's path separator:
``/media/usb:https://example.org/repro,~/copies``.  A ``:`` that belongs to a URL
does not separate; a directory with a space in its name must stand alone.
A cache directory is laid out the same way and can serve as a mirror.
"""

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

from repro import __version__
from repro.data.pins import Artifact
from repro.data.places import expand_home
from repro.errors import DownloadFailed, IntegrityError

__all__ = ["HEADERS", "Address", "Folder", "Source", "ZenodoGet", "find_sources", "split_mirrors"]

# Compressed on the way, a file has other offsets and another length.
HEADERS = {"User-Agent": f"repro/{__version__}", "Accept-Encoding": "identity"}
"""What every request says."""

Downloader = Callable[[str, Path], None]

# ":" separates on POSIX when a path or a URL follows, not in "https://host:8000/".
_SEPARATORS = r"[\s,]+|;" if os.pathsep == ";" else r"[\s,]+|:(?=/(?!/)|[.~]|https?://)"


class Source(Protocol):
    """Something that may deliver a file."""

    @property
    def label(self) -> str:
        """What to call it in messages."""

    def deliver(self, artifact: Artifact, part: Path, download: Downloader) -> None:
        """Write the file to ``part``, or go on where ``part`` stops.

        Raises:
            DownloadFailed: If it cannot.
            IntegrityError: If what it has is another file.
        """


@dataclass(frozen=True)
class Folder:
    """A directory laid out by artifact id."""

    path: Path

    @property
    def label(self) -> str:
        """The directory."""
        return str(self.path)

    def holds(self, artifact: Artifact) -> bool:
        """Whether a file of the right size, if that is known, lies there."""
        try:
            return artifact.size in {None, (self.path / artifact.id).stat().st_size}
        except OSError:
            return False

    def deliver(self, artifact: Artifact, part: Path, download: Downloader) -> None:
        """Copy the file."""
        del download
        try:
            path = self.path / artifact.id
            if not stat.S_ISREG(path.stat().st_mode):
                raise DownloadFailed("has something there that is no file")  # a pipe never ends
            original = path.open("rb")
        except FileNotFoundError as error:
            raise DownloadFailed("does not have it") from error
        except OSError as error:
            raise DownloadFailed(f"cannot be read: {error.strerror}") from error
        with original:
            size = os.fstat(original.fileno()).st_size
            if artifact.size not in {None, size}:
                raise IntegrityError(f"has {size} bytes where the pin says {artifact.size}")
            with part.open("wb") as copy:
                shutil.copyfileobj(original, copy, 1 << 20)


@dataclass(frozen=True)
class Address:
    """A URL."""

    url: str

    @property
    def label(self) -> str:
        """The host."""
        return urlsplit(self.url).netloc

    def deliver(self, artifact: Artifact, part: Path, download: Downloader) -> None:
        """Download the file."""
        del artifact
        download(self.url, part)


@dataclass(frozen=True)
class ZenodoGet:
    """The address that the ``zenodo_get`` command finds, asked only when needed."""

    record: str

    @property
    def label(self) -> str:
        """The command."""
        return "zenodo_get"

    def deliver(self, artifact: Artifact, part: Path, download: Downloader) -> None:
        """Ask for the address and download the file."""
        from repro.data.zenodo import ask_zenodo_get  # noqa: PLC0415  (rarely needed)

        download(ask_zenodo_get(self.record, artifact.name), part)


def find_sources(
    artifact: Artifact, mirrors: tuple[str, ...] = (), *, offline: bool = False
) -> Iterator[Source]:
    """Yield the sources of a file, best first; offline, directories alone."""
    for mirror in mirrors:
        if not _is_url(mirror):
            yield Folder(expand_home(mirror))
        elif not offline:
            yield Address(f"{mirror.rstrip('/')}/{quote(artifact.id)}")
    if offline:
        return
    for url in artifact.urls:
        yield Address(url)
    if artifact.zenodo_record:
        yield ZenodoGet(artifact.zenodo_record)


def split_mirrors(value: str) -> tuple[str, ...]:
    """Split the value of ``REPRO_MIRROR`` into directories and URLs.

    >>> split_mirrors("https://example.org:8000/m, /data/copies")
    ('https://example.org:8000/m', '/data/copies')
    """
    if value and expand_home(value).is_dir():
        return (value,)
    return tuple(mirror for mirror in re.split(_SEPARATORS, value) if mirror)


def _is_url(mirror: str) -> bool:
    return mirror.startswith(("http://", "https://"))
