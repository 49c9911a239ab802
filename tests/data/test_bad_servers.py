"""Servers that lie, stall and lead astray: an end in time, and one line."""

import time

import pytest
from faulty_server import answer, other, redirect

from repro.errors import DownloadFailed, IntegrityError

QUICK = {"trickle_seconds": 0.2, "trickle_bytes": 1000, "attempts": 2}


def drip(handler, body):
    """A byte now and then, always in time."""
    handler.head_for(body)
    while not handler.server.closing.wait(0.02):
        handler.send(b"x")
        handler.wfile.flush()


def endless(handler, _):
    """A body without a length and without an end."""
    handler.head(200)
    while not handler.server.closing.is_set():
        handler.send(b"\x89HDF\r\n\x1a\n" * 1000)


def astray(handler, _):
    """A redirect with a body without an end."""
    handler.head(302, Location="/g")
    while not handler.server.closing.is_set():
        handler.send(bytes(10_000))


def in_time(seconds, begun):
    assert time.monotonic() - begun < seconds


def test_a_byte_now_and_then(get, server):
    server.always, begun = drip, time.monotonic()
    with pytest.raises(DownloadFailed, match="sends next to nothing"):
        get(**QUICK)
    in_time(5, begun)


def test_a_body_without_end(get, server):
    server.always, begun = endless, time.monotonic()
    with pytest.raises(IntegrityError, match="sends more than the 20000 bytes of the pin"):
        get()
    with pytest.raises(DownloadFailed, match="sends more than 100000 bytes"):
        get(size=None, most_bytes=100_000)
    in_time(5, begun)


def test_a_redirect_with_a_body_without_end(get, server, body):
    server.files["g"] = body
    server.faults.append(astray)
    begun = time.monotonic()
    assert get() == body
    in_time(5, begun)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/f", "gopher:x", "data:,x"]
)
def test_other_kinds_of_addresses(get, server, part, target):
    server.always = redirect(target)
    with pytest.raises(DownloadFailed, match="cannot be asked: InvalidSchema") as caught:
        get()
    assert "\n" not in str(caught.value)
    assert not part.exists()


@pytest.mark.parametrize("target", ["http://[", "http://", "//", "http://a b/", "http://\x7f/"])
def test_redirects_to_nowhere(get, server, target):
    server.always = redirect(target)
    with pytest.raises(DownloadFailed) as caught:
        get(attempts=1)
    assert "\n" not in str(caught.value)


NUMBERS = ["²", "9" * 5000, "-1", "1e3", "", "NaN", "0x10", " 7 7 "]
DATES = ["Mon, 01 Jan 99999 00:00:00 GMT", "Mon, 99 Jan 2020 00:00:00 +99999999", "Mon"]


@pytest.mark.parametrize("value", [*NUMBERS, *DATES])
@pytest.mark.parametrize("status", [429, 503])
def test_odd_times_to_wait(get, server, body, value, status):
    server.faults.append(answer(status, Retry_After=value, Content_Length=0))
    begun = time.monotonic()
    assert get(longest_wait=0.1) == body
    in_time(5, begun)


@pytest.mark.parametrize("value", NUMBERS)
def test_odd_lengths(get, server, body, value):
    server.always = other(body, Content_Length=value)
    said = ""
    try:
        assert get(attempts=1) == body
    except (DownloadFailed, IntegrityError) as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize("value", [f"bytes {n}-20000/{n}" for n in NUMBERS])
def test_odd_ranges(get, server, body, value, part):
    part.write_bytes(body[:7000])

    def fault(handler, _):
        handler.head(206, Content_Range=value)
        handler.send(body[7000:])

    server.faults.append(fault)
    assert get() == body


@pytest.mark.parametrize("status", [100, 204, 304, 400, 416, 418, 500, 599, 999])
def test_any_status(get, server, status):
    server.always = answer(status, Content_Length=0)
    with pytest.raises((DownloadFailed, IntegrityError)) as caught:
        get()
    assert "\n" not in str(caught.value)
