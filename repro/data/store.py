"""The cache of pinned files.

A file gets into the cache in one way: it is written to ``NAME.part``, compared
with its pin, and moved into place.  So whatever bears its final name is whole and
right, a stopped download goes on where it stopped, and a stamp (see
:mod:`repro.data.integrity`) spares the next program from reading it again.
A lock per file makes parallel processes take turns: one downloads, the others
find the file.

``REPRO_CACHE`` places the cache, ``REPRO_MIRROR`` adds sources (see
:mod:`repro.data.sources`), ``REPRO_OFFLINE=1`` forbids the network.
"""

import functools
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from repro.data.integrity import is_stamped, remembered, stamp, verify
from repro.data.pins import Artifact, find_artifact
from repro.data.places import cache_directory, unusable_cache
from repro.data.refusals import FULL
from repro.data.sources import Downloader, Folder, Source, find_sources, split_mirrors
from repro.errors import DownloadFailed, IntegrityError, MissingData, ReproError

if TYPE_CHECKING:
    from repro.data.download import DownloadPolicy

__all__ = ["Store", "fetch", "shipped_path"]

logger = logging.getLogger(__name__)


def shipped_path(artifact: Artifact) -> Path:
    """Return where a file lies that comes with the package.

    Raises:
        IntegrityError: If it is missing or differs from its pin.
    """
    path = Store().path_of(artifact)
    try:
        verify(path, artifact)
    except (IntegrityError, OSError) as problem:
        raise IntegrityError(
            f"{path} {problem}: it comes with this package, so install the package again"
        ) from problem
    return path


def fetch(artifact_id: str, *, progress: bool = False) -> Path:
    """Return the path of a pinned file in the cache, fetching it if need be."""
    return Store().fetch(find_artifact(artifact_id), progress=progress)


class Store:
    """The cache, filled from mirrors and from the addresses of the pins.

    Args:
        directory: Where the files lie; :func:`cache_directory` if not given.
        mirrors: Directories and base URLs to try first; ``REPRO_MIRROR`` if not given.
        offline: Whether to stay off the network; ``REPRO_OFFLINE`` if not given.
        policy: How patient downloads are.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        mirrors: Sequence[str] | None = None,
        offline: bool | None = None,
        policy: "DownloadPolicy | None" = None,
    ) -> None:
        if mirrors is None:
            mirrors = split_mirrors(os.environ.get("REPRO_MIRROR", ""))
        if offline is None:
            offline = os.environ.get("REPRO_OFFLINE", "").lower() not in {"", "0", "false", "no"}
        self._directory = directory
        self.mirrors = tuple(mirrors)
        self.offline = offline
        self.policy = policy

    @functools.cached_property
    def directory(self) -> Path:
        """Where the files lie.

        Raises:
            MissingData: If nobody says where and there is no home directory; what needs no files
                works without.
        """
        return self._directory or cache_directory()

    def path_of(self, artifact: Artifact) -> Path:
        """Return where the file lies, or would lie."""
        if artifact.shipped:
            return Path(__file__).parent.joinpath(artifact.shipped)
        return self.directory / artifact.id

    def settle(self, artifact: Artifact) -> Artifact:
        """Return the file with the pin that counts: its own, or what it was when first fetched."""
        return artifact if artifact.pinned else remembered(self.path_of(artifact), artifact)

    def is_cached(self, artifact: Artifact) -> bool:
        """Whether the cache holds the pinned file.

        A file without a stamp, such as one that aria2 put there, is verified and stamped.
        """
        return self._look(self.path_of(artifact), self.settle(artifact))[0]

    def _look(self, path: Path, artifact: Artifact, *, anew: bool = False) -> tuple[bool, str]:
        """Return whether the pinned file is there, and what is wrong with one that is not it.

        Args:
            path: Where it is, if it is.
            artifact: The pinned file.
            anew: Read it, also if it was verified before.
        """
        if not anew and is_stamped(path, artifact):
            return True, ""
        if not path.is_file():
            return False, ""
        try:
            verify(path, artifact)
        except IntegrityError as problem:
            return False, f"{path} {problem}"
        stamp(path, artifact)
        return True, ""

    def state_of(self, artifact: Artifact) -> str:
        """Return ``shipped``, ``cached``, ``mirror`` (a mirror directory has it) or ``missing``."""
        if artifact.shipped:
            return "shipped"
        with self._explained_errors(artifact):
            held, wrong = self._look(self.path_of(artifact), self.settle(artifact))
        if held:
            return "cached"
        folders = (s for s in self.sources(artifact) if isinstance(s, Folder))
        if any(folder.holds(artifact) for folder in folders):
            return "mirror"
        if wrong:
            _warn_once(f"{wrong}: it is not used; 'repro fetch {artifact.id}' replaces it")
        return "missing"

    def fetch(self, artifact: Artifact, *, progress: bool = False, anew: bool = False) -> Path:
        """Return the path of the file in the cache, fetching it if need be.

        A file that is there costs a look at its stamp: no network, no lock, no hash, and no
        permission to write.

        Args:
            artifact: The pinned file.
            progress: Show how far a download is on stderr.
            anew: Hash a file that is there, also if it was verified before.

        Raises:
            DownloadFailed: If no source delivers it.
            IntegrityError: If no source delivers it and one delivered something else.
            MissingData: If there is no place for it, or no network to be used.
        """
        if artifact.shipped:
            return shipped_path(artifact)
        path = self.path_of(artifact)
        artifact = self.settle(artifact)
        with self._explained_errors(artifact):
            held, wrong = self._look(path, artifact, anew=anew)
            if held:
                return path
            if not self.sources(artifact):
                raise self._failure(artifact, wrong)
            path.parent.mkdir(parents=True, exist_ok=True)
            with _turn(path):
                # While we waited, another process may have fetched it.
                held, wrong = self._look(path, artifact, anew=anew)
                if not held:
                    self._obtain(artifact, path, wrong, progress=progress)
        return path

    def _obtain(self, artifact: Artifact, path: Path, wrong: str, *, progress: bool) -> None:
        part = path.with_name(f"{path.name}.part")
        self._check_space(artifact, part)
        problems: list[tuple[str, ReproError]] = []
        for source in self.sources(artifact):
            size = "size not stated" if artifact.size is None else f"{artifact.size} bytes"
            logger.info("fetching %s (%s) from %s", artifact.id, size, source.label)
            try:
                _deliver(source, artifact, part, self._downloader(artifact, progress=progress))
            except (DownloadFailed, IntegrityError) as problem:
                problems.append((source.label, problem))
                if isinstance(problem, IntegrityError):
                    logger.warning("%s: %s %s", artifact.id, source.label, problem)
            else:
                part.replace(path)
                stamp(path, artifact)
                if wrong:
                    logger.warning("%s: it was replaced by one from %s", wrong, source.label)
                return
        raise self._failure(artifact, wrong, problems)

    def sources(self, artifact: Artifact) -> tuple[Source, ...]:
        """Return where the file can be had, best first."""
        return tuple(find_sources(artifact, self.mirrors, offline=self.offline))

    def _downloader(self, artifact: Artifact, *, progress: bool) -> Downloader:
        # Requests is slow to import, and files in the cache or in a directory need none of it.
        def download(url: str, part: Path) -> None:
            from repro.data.download import DownloadPolicy, HTTPDownloader  # noqa: PLC0415

            policy = self.policy or DownloadPolicy()
            HTTPDownloader(artifact.size, policy, progress)(url, part)

        return download

    def _check_space(self, artifact: Artifact, part: Path) -> None:
        if artifact.size is None:
            return
        got = part.stat().st_size if part.exists() else 0
        if shutil.disk_usage(part.parent).free < artifact.size - got:
            raise self._full(artifact)

    def _failure(
        self, artifact: Artifact, wrong: str, problems: Sequence[tuple[str, ReproError]] = ()
    ) -> ReproError:
        told = [f"{label} {problem}" for label, problem in problems]
        said = "; ".join([wrong, *told] if wrong else told)
        if self.offline:
            return MissingData(
                f"{artifact.id} is not in the cache and REPRO_OFFLINE is set"
                + (f" ({said})" if said else "")
                + f": fetch it with 'repro fetch {artifact.id}' where there is a network,"
                " or set REPRO_MIRROR to a directory that holds it"
            )
        other = any(isinstance(problem, IntegrityError) for _, problem in problems)
        kind = IntegrityError if other else DownloadFailed
        return kind(
            f"{artifact.id} could not be fetched: {said or 'no address is known'};"
            " try again later, or set REPRO_MIRROR to a directory or URL that holds it"
        )

    def _full(self, artifact: Artifact) -> MissingData:
        place = next(p for p in (self.directory, *self.directory.absolute().parents) if p.exists())
        free = shutil.disk_usage(place).free
        need = "more" if artifact.size is None else f"{artifact.size} bytes"
        return MissingData(
            f"no room for {artifact.id} in the cache {self.directory}: {need}"
            f" are needed, {free} are free; make room, or set REPRO_CACHE to another directory"
        )

    @contextmanager
    def _explained_errors(self, artifact: Artifact) -> Iterator[None]:
        """Say what to do about a cache that cannot be used."""
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise self._full(artifact) from error
            raise unusable_cache(self.directory, error) from error


@functools.cache
def _warn_once(said: str) -> None:
    """Say something that several steps of a command find out, each for itself."""
    logger.warning("%s", said)


def _deliver(source: Source, artifact: Artifact, part: Path, download: Downloader) -> None:
    """Fill ``part`` from a source and verify it; what is wrong does not stay.

    If the file is wrong and another source or an earlier run began it, this source
    gets a second chance to deliver all of it.
    """
    for continued in (part.exists(), False):
        source.deliver(artifact, part, download)
        try:
            verify(part, artifact)
        except IntegrityError:
            part.unlink()
            if not continued:
                raise
        else:
            break
    _flush(part)


def _flush(path: Path) -> None:
    """Have the bytes on disk before a stamp vouches for them."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Wait until no other process works on the file, and keep the others waiting."""
    lock = filelock.FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        logger.info("waiting for the process that fetches %s", path.name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
