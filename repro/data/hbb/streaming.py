"""Read a file of record 12102 by its address, without fetching all of it.

Only what is asked for is transferred: by fsspec's ranges over HTTP (extra ``root``).  What comes so
is checked as any file is, but not against a hash: that takes the whole file, see ``repro fetch``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from repro.data.hbb.extras import load_fsspec
from repro.data.sources import HEADERS
from repro.data.store import Store
from repro.errors import BadInput, DownloadFailed, MissingData, ReproError

__all__ = ["STORAGE", "is_address", "open_address", "reading"]

_BLOCK = 1 << 20
_BLOCKS = 64  # the most that are kept: 64 MiB

STORAGE = {"client_kwargs": {"headers": HEADERS}}
"""How fsspec asks servers."""


def is_address(path: object) -> bool:
    """Whether this is an address on the web and no path.

    >>> is_address("https://opendata.cern.ch/eos/x.root"), is_address("x.root")
    (True, False)
    """
    return str(path).startswith(("http://", "https://", "root://"))


def open_address(url: str) -> Any:  # noqa: ANN401  # fsspec is untyped
    """Return a file of which parts can be read, at random places.

    Raises:
        BadInput: If the address is not of the web.
        DownloadFailed: If the server does not answer, does not have the file, or gives no parts.
        MissingData: If ``REPRO_OFFLINE`` is set.
        NotAvailable: If fsspec or aiohttp is not installed.
    """
    if url.startswith("root://"):
        raise BadInput(f"{url} is an XRootD address: give the one that begins with https://")
    if Store().offline:
        raise MissingData(f"{url} cannot be read: REPRO_OFFLINE is set; fetch the file elsewhere")
    fsspec = load_fsspec()
    with reading(url):
        file = fsspec.open(
            url,
            block_size=_BLOCK,
            cache_type="blockcache",
            cache_options={"maxblocks": _BLOCKS},
            **STORAGE,
        ).open()
    if getattr(file, "size", None) is None:
        file.close()
        raise DownloadFailed(f"{url}: the server gives whole files alone; fetch the file first")
    return file


@contextmanager
def reading(url: str) -> Iterator[None]:
    """Turn what goes wrong on the way into one line."""
    try:
        yield
    except (ReproError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise DownloadFailed(
            f"{url} is not there, or its server cannot be reached: check the address, or try again"
        ) from error
    except Exception as error:  # whatever fsspec and aiohttp make of networks
        raise DownloadFailed(
            f"{url} cannot be read ({type(error).__name__}): try again, or fetch the file first"
        ) from error
