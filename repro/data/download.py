"""Download one file over HTTP so that nothing is lost when the connection is.

:class:`HTTPDownloader` is a pooch downloader (``downloader(url, output_file,
pooch)``) that does what pooch's own does not: it goes on where an earlier
attempt, or an earlier process, stopped; it waits as long as the server asks and
no longer than the policy allows; and it refuses an answer that cannot be the
file before anything is stored.  Whether the bytes are right is for the caller
to verify.
"""

import datetime as dt
import email.utils
import itertools
import logging
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3.exceptions
from requests.auth import AuthBase

from repro.data.completeness import is_web_page
from repro.data.progress import make_bar
from repro.data.sources import HEADERS
from repro.errors import DownloadFailed, IntegrityError

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["DownloadPolicy", "HTTPDownloader"]

logger = logging.getLogger(__name__)

_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_MOST_REDIRECTS = 20
# What OpenSSL calls a certificate that it does not trust, be it of another age, name or authority.
_DISTRUST = "CERTIFICATE_VERIFY_FAILED"
# What requests says, in an error of no number, of a name that leads to no certificates.
_NO_BUNDLE = "TLS CA certificate bundle"


@dataclass(frozen=True)
class DownloadPolicy:
    """How patient a download is.

    Attributes:
        attempts: Attempts in a row without progress before giving up.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds without a byte after which a transfer counts as stalled.
        backoff: Seconds before the second attempt; doubled, with jitter, for each further one.
        longest_wait: Most seconds to wait before one attempt, whatever the server asks.
        patience: Most seconds to spend waiting in one download.
        chunk_bytes: Most bytes read and written at a time; less than this is no progress.
        trickle_bytes: Fewest bytes in ``trickle_seconds``; a transfer with less counts as stalled.
        trickle_seconds: See there.
        most_bytes: Most bytes of a file whose size nobody states.
    """

    attempts: int = 4
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    backoff: float = 1.0
    longest_wait: float = 120.0
    patience: float = 600.0
    chunk_bytes: int = 1 << 20
    trickle_bytes: int = 1 << 14
    trickle_seconds: float = 60.0
    most_bytes: int = 1 << 36


@dataclass(frozen=True)
class HTTPDownloader:
    """Downloads a URL into a file, resuming what the file already holds.

    Attributes:
        size: Bytes that the file must have, if known.
        policy: Timeouts, attempts and waits.
        progress: Show a bar on stderr, if that is a terminal.
    """

    size: int | None = None
    policy: DownloadPolicy = DownloadPolicy()
    progress: bool = False

    def __call__(self, url: str, output_file: str | Path, pooch: object = None) -> None:
        """Download ``url`` into ``output_file``.

        An interrupted download leaves what it got, for the next one to go on from.

        Args:
            url: Where the file is.
            output_file: Path of the file; its bytes are taken as the beginning of the answer.
            pooch: Not used; pooch passes itself.

        Raises:
            DownloadFailed: If the server does not deliver.
            IntegrityError: If it delivers something else: another length, or a web page.
        """
        del pooch
        part = Path(output_file)
        best, failures, waited = _length(part), 0, 0.0
        while True:
            try:
                return self._attempt(url, part)
            except _TryAgain as problem:
                # Progress is measured against the best so far: a server that always
                # starts over and always stops short must not keep us for ever.
                progressed = _length(part) >= best + self.policy.chunk_bytes
                best = max(best, _length(part))
                failures = 1 if progressed else failures + 1
                wait = self._wait(problem, failures)
                waited += wait
                if failures >= self.policy.attempts or waited > self.policy.patience:
                    raise DownloadFailed(str(problem)) from problem
                logger.info("%s %s; trying again in %.1f s", urlsplit(url).netloc, problem, wait)
                time.sleep(wait)

    def _attempt(self, url: str, part: Path) -> None:
        offset = _length(part)
        if self.size is not None and offset > self.size:
            part.unlink()
            offset = 0
        if offset and offset == self.size:
            return  # an earlier process was stopped just before it could verify
        with (
            _one_line_errors(),
            _Straight() as session,
            self._ask(session, url, offset) as response,
        ):
            if self.size is None and _has_all(response, offset):
                return
            total = self._check(response, part, offset)
            resumed = response.status_code == HTTPStatus.PARTIAL_CONTENT
            self._write(response, part, offset if resumed else 0, total)
        if total is not None and _length(part) < total:
            raise _TryAgain(f"stops after {_length(part)} of {total} bytes")

    def _ask(self, session: requests.Session, url: str, offset: int) -> requests.Response:
        """Return the answer at the end of all redirects."""
        timeouts = (self.policy.connect_timeout, self.policy.read_timeout)
        for _ in range(_MOST_REDIRECTS):
            response = session.get(
                url,
                headers=_headers(offset),
                auth=_ZenodoToken(),
                stream=True,
                timeout=timeouts,
                allow_redirects=False,
            )
            target = requests.Session.get_redirect_target(session, response)
            if target is None:
                return response
            response.close()
            url = _follow(url, target)
        raise DownloadFailed("redirects without end")

    def _check(self, response: requests.Response, part: Path, offset: int) -> int | None:
        """Judge the answer by its header; return the length of the whole file, if known."""
        status = response.status_code
        if status in _TRANSIENT:
            raise _TryAgain(_answer(status), wait=_retry_after(response))
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            part.unlink()
            raise _TryAgain(_answer(status))
        if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            raise DownloadFailed(_answer(status))
        if response.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise IntegrityError("answers with a web page instead of the file")

        total: int | None
        if status == HTTPStatus.PARTIAL_CONTENT:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or _count(match[1]) != offset or _is_encoded(response):
                part.unlink(missing_ok=True)
                raise _TryAgain("sends another range than the one asked for")
            total = _count(match[2])
        else:
            length = _count(response.headers.get("Content-Length", ""))
            total = None if _is_encoded(response) else length
        if self.size is not None and total not in {None, self.size}:
            raise IntegrityError(f"has {total} bytes where the pin says {self.size}")
        return self.size if total is None else total

    def _write(
        self, response: requests.Response, part: Path, start: int, total: int | None
    ) -> None:
        chunks = self._pieces(response)
        first = next(chunks, b"")
        if start == 0 and is_web_page(first):
            raise IntegrityError("answers with a web page instead of the file")
        position = start
        with (
            self._bar(response.url, start, total) as bar,
            part.open("ab" if start else "wb") as file,
        ):
            for chunk in itertools.chain([first], chunks):
                position += len(chunk)
                if self._exceeds(position):
                    break
                file.write(chunk)
                bar.update(len(chunk))
        if self._exceeds(position):
            part.unlink()
            if self.size is None:
                raise DownloadFailed(f"sends more than {self.policy.most_bytes} bytes")
            raise IntegrityError(f"sends more than the {self.size} bytes of the pin")

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        """Yield the body as it comes; a whole chunk of it may be long in coming.

        Raises:
            _TryAgain: If next to nothing comes.
        """
        read = getattr(response.raw, "read1", None)
        if read is None:  # urllib3 before 2.2
            yield from response.iter_content(self.policy.chunk_bytes)
            return
        began, got = time.monotonic(), 0
        while piece := read(self.policy.chunk_bytes, decode_content=True):
            yield piece
            got += len(piece)
            if time.monotonic() - began > self.policy.trickle_seconds:
                if got < self.policy.trickle_bytes:
                    raise _TryAgain("sends next to nothing")
                began, got = time.monotonic(), 0

    def _exceeds(self, position: int) -> bool:
        return position > (self.policy.most_bytes if self.size is None else self.size)

    def _wait(self, problem: "_TryAgain", failures: int) -> float:
        wait = problem.wait
        if wait is None:
            jitter = random.uniform(0.5, 1.5)  # noqa: S311  (spreads clients, keeps no secret)
            wait = self.policy.backoff * 2 ** (failures - 1) * jitter
        return min(wait, self.policy.longest_wait)

    def _bar(self, url: str, start: int, total: int | None) -> "tqdm[Any]":
        return make_bar(
            label=urlsplit(url).path.rpartition("/")[2],
            hidden=not self.progress,
            total=total,
            initial=start,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
        )


class _Straight(requests.Session):
    """A session that leaves redirects alone.

    Requests reads the body of each to its end, which there may not be, also where it does not
    follow; and an address that is none is a bare ValueError.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        del resp
        return None


class _TryAgain(Exception):
    """This attempt failed in a way that another one may not."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class _ZenodoToken(AuthBase):
    """Sends ``ZENODO_TOKEN`` to Zenodo alone.

    Requests drops the header again when a redirect leads to another host; an
    object of ours also keeps it from sending passwords out of ``.netrc``.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = os.environ.get("ZENODO_TOKEN")
        if token and _is_zenodo(request.url or ""):
            request.headers["Authorization"] = f"Bearer {token}"
        return request


def _is_zenodo(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and parts.netloc == "zenodo.org"


def _headers(offset: int) -> dict[str, str]:
    headers = dict(HEADERS)
    if offset:
        headers["Range"] = f"bytes={offset}-"
    return headers


def _is_encoded(response: requests.Response) -> bool:
    return response.headers.get("Content-Encoding", "identity").lower() != "identity"


def _has_all(response: requests.Response, offset: int) -> bool:
    """Whether the server says that there is nothing after the bytes that we have."""
    nothing = response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    return nothing and response.headers.get("Content-Range") == f"bytes */{offset}"


def _count(text: str) -> int | None:
    """Return a number of a header; None if it is none, or has more digits than any such number.

    >>> _count("12"), _count("²"), _count("*"), _count("9" * 5000)
    (12, None, None, None)
    """
    return int(text) if _NUMBER.fullmatch(text) else None


def _follow(url: str, target: str) -> str:
    """Return where a redirect leads.

    Raises:
        DownloadFailed: If nobody should go there.
    """
    try:
        following = urljoin(url, target)
    except ValueError as error:
        raise DownloadFailed("redirects to nowhere") from error
    if url.startswith("https:") and not following.startswith("https:"):
        raise DownloadFailed("redirects from https to plain http")
    return following


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _answer(status: int) -> str:
    try:
        return f"answers {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"answers {status}"


def _retry_after(response: requests.Response) -> float | None:
    """Return the seconds that the server asks to wait, given as such or as a date."""
    value = response.headers.get("Retry-After", "").strip()
    seconds = _count(value)
    if seconds is not None:
        return float(seconds)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turn what requests raises into words, and tell passing trouble from lasting."""
    try:
        yield
    except (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
        urllib3.exceptions.HTTPError,
    ) as error:
        if _DISTRUST in repr(error):
            # Trust does not come with time: another attempt would wait for nothing.
            raise DownloadFailed(
                "has a certificate that is not trusted here: check the clock, or set "
                "REQUESTS_CA_BUNDLE to a file of certificates to trust"
            ) from error
        raise _TryAgain(_reason(error)) from error
    except requests.RequestException as error:
        raise DownloadFailed(f"cannot be asked: {type(error).__name__}") from error
    except OSError as error:
        if _NO_BUNDLE not in str(error):
            raise
        raise DownloadFailed(
            "cannot be asked: REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file of certificates"
        ) from error


def _reason(error: Exception) -> str:
    text = repr(error)
    if "NameResolutionError" in text:
        return "cannot be found (no network?)"
    if isinstance(error, requests.exceptions.SSLError):
        return "breaks off the greeting of https"
    if isinstance(error, requests.Timeout) or "timed out" in text:
        return "does not answer in time"
    if "NewConnectionError" in text:
        return "cannot be reached"
    return "drops the connection"
