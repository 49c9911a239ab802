import datetime as dt
import email.utils
import sys
import time
from pathlib import Path

import pooch
import pytest
from faulty_server import (
    answer,
    cut,
    cut_ignoring_range,
    ignores_range,
    other,
    redirect,
    stall,
    wrong_range,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tqdm import tqdm

from repro import __version__
from repro.data import download
from repro.data.download import DownloadPolicy, HTTPDownloader
from repro.errors import DownloadFailed, IntegrityError


@pytest.fixture
def sleeps(monkeypatch):
    """Do not sleep; tell how long it would have been."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def test_whole_file_in_one_request(get, server, body):
    assert get() == body
    assert server.ranges == [None]
    assert server.seen[0].headers["User-Agent"] == f"repro/{__version__}"
    assert server.seen[0].headers["Accept-Encoding"] == "identity"


def test_unknown_size(get, server, body):
    server.faults.extend([cut(5000)])
    assert get(size=None) == body
    assert server.ranges == [None, "bytes=5000-"]


def test_is_a_pooch_downloader(server, body, policy, tmp_path):
    server.files["f"] = body
    server.faults.extend([cut(5000)])
    downloader = HTTPDownloader(len(body), policy)
    path = pooch.retrieve(f"{server.base}/f", None, path=tmp_path, downloader=downloader)
    assert Path(path).read_bytes() == body


@pytest.mark.parametrize("fault", [cut(7000), stall(7000)])
def test_resumes_after_truncation_and_stall(get, server, body, fault):
    server.faults.append(fault)
    assert get() == body
    assert server.ranges == [None, "bytes=7000-"]


def test_progress_renews_the_attempts(get, server, body):
    server.faults.extend([cut(2000)] * 9)
    assert get() == body
    assert server.ranges[-1] == "bytes=18000-"


def test_range_ignored(get, server, body, part):
    part.write_bytes(b"x" * 100)
    server.faults.append(ignores_range)
    assert get() == body
    assert server.ranges == ["bytes=100-"]


def test_server_without_ranges_that_always_stops_short(get, server):
    server.always = cut_ignoring_range(7000)
    with pytest.raises(DownloadFailed, match="drops the connection"):
        get()
    assert len(server.seen) == 4


@pytest.mark.parametrize("fault", [wrong_range, answer(416), answer(206)])
def test_bad_answer_to_a_range_starts_over(get, server, body, part, fault):
    part.write_bytes(body[:100])
    server.faults.append(fault)
    assert get() == body
    assert server.ranges == ["bytes=100-", None]


def test_part_longer_than_the_file_starts_over(get, server, body, part):
    part.write_bytes(body + b"x")
    assert get() == body
    assert server.ranges == [None]


def test_whole_part_needs_no_request(get, server, body, part):
    part.write_bytes(body)
    assert get() == body
    assert server.seen == []


@pytest.mark.parametrize("status", [429, 503])
def test_waits_as_long_as_the_server_asks(get, server, body, sleeps, status):
    server.faults.extend([answer(status, Retry_After=7), answer(status, Retry_After=3)])
    assert get() == body
    assert sleeps == [7, 3]


def test_retry_after_date(get, server, body, sleeps):
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    server.faults.append(answer(503, Retry_After=email.utils.format_datetime(moment, usegmt=True)))
    assert get() == body
    assert 50 < sleeps[0] <= 60


def test_waits_no_longer_than_the_policy_allows(server, sleeps, part):
    server.always = answer(429, Retry_After=86400)
    patient = DownloadPolicy(attempts=9, longest_wait=100, patience=250)
    with pytest.raises(DownloadFailed, match="answers 429 Too Many Requests"):
        HTTPDownloader(policy=patient)(f"{server.base}/f", part)
    assert sleeps == [100, 100]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_backs_off_with_jitter(get, server, sleeps, policy, status):
    server.faults.extend([answer(status)] * 3)
    get()
    assert len(sleeps) == 3
    for n, slept in enumerate(sleeps):
        assert policy.backoff * 2**n / 2 <= slept <= policy.backoff * 2**n * 1.5


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_refusal_is_not_repeated(get, server, status):
    server.faults.append(answer(status))
    with pytest.raises(DownloadFailed, match=f"answers {status}"):
        get()
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "fault",
    [
        other(b"please log in", Content_Type="text/html; charset=utf-8"),
        other(b"\n<!DOCTYPE html><title>sign in</title>"),
        other(b"<HTML>challenge</HTML>", Content_Type="application/octet-stream"),
    ],
)
def test_web_page_is_refused_before_anything_is_stored(get, server, part, fault):
    server.faults.append(fault)
    with pytest.raises(IntegrityError, match="web page"):
        get()
    assert not part.exists()


@pytest.mark.parametrize("size", [19_999, 20_001])
def test_other_length_is_refused_before_anything_is_stored(get, part, size):
    with pytest.raises(IntegrityError, match=f"has 20000 bytes where the pin says {size}"):
        get(size=size)
    assert not part.exists()


def test_other_total_is_refused_when_resuming(get, part, body):
    part.write_bytes(body[:100])
    with pytest.raises(IntegrityError, match="has 20000 bytes"):
        get(size=30_000)


def test_server_that_sends_too_much_is_cut_off(get, server, part, body):
    server.faults.append(other(body * 100))
    with pytest.raises(IntegrityError, match="sends more than the 20000 bytes"):
        get()
    assert not part.exists()


def test_no_server(get):
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        get(url="http://127.0.0.1:9/f")


@pytest.mark.parametrize("url", ["nonsense", "http://"])
def test_malformed_address(get, url):
    with pytest.raises(DownloadFailed, match="cannot be asked"):
        get(url=url)


def test_endless_redirect(get, server):
    server.always = redirect("/f")
    with pytest.raises(DownloadFailed, match="redirects without end"):
        get()


def test_downgrade_to_plain_http_is_refused():
    assert download._follow("https://a.org/f", "//b.org/g") == "https://b.org/g"
    for target in ("http://a.org/f", "ftp://a.org/f", "file:///etc/passwd"):
        with pytest.raises(DownloadFailed, match="plain http"):
            download._follow("https://a.org/f", target)


def test_token_goes_to_zenodo_alone():
    assert download._is_zenodo("https://zenodo.org/records/1/files/f")
    for url in (
        "http://zenodo.org/f",
        "https://zenodo.org.evil.com/f",
        "https://evil.com/zenodo.org",
        "https://zenodo.org@evil.com/f",
        "https://raw.githubusercontent.com/f",
    ):
        assert not download._is_zenodo(url)


def test_token_does_not_follow_a_redirect(get, server, body, monkeypatch):
    monkeypatch.setenv("ZENODO_TOKEN", "secret")
    here = f"http://localhost:{server.server_port}/f"
    monkeypatch.setattr(download, "_is_zenodo", lambda url: url == here)
    server.faults.append(redirect(f"{server.base}/f"))
    assert get(url=here) == body
    sent = [seen.headers.get("Authorization") for seen in server.seen]
    assert sent == ["Bearer secret", None]


def test_interrupt_leaves_the_part(server, body, policy, part, monkeypatch):
    server.files["f"] = body
    writes = []

    def interrupt(_, count):
        writes.append(count)
        if len(writes) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(tqdm, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        HTTPDownloader(len(body), policy)(f"{server.base}/f", part)
    assert part.read_bytes() == body[:4000]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=st.integers(0, 21_000),
    cuts=st.lists(st.tuples(st.integers(0, 20_000), st.booleans()), max_size=5),
)
def test_any_sequence_of_interruptions_gives_the_file(server, body, tmp_path, start, cuts):
    """Whatever is there and wherever the connection breaks, no byte is lost or doubled."""
    part = tmp_path / "part"
    part.write_bytes((body + bytes(1000))[:start])
    server.files["f"] = body
    server.faults.clear()
    server.faults.extend(cut(n) if ranges else cut_ignoring_range(n) for n, ranges in cuts)
    policy = DownloadPolicy(attempts=9, backoff=0, chunk_bytes=1000)
    HTTPDownloader(len(body), policy)(f"{server.base}/f", part)
    assert part.read_bytes() == body


def test_bar_is_drawn_on_a_terminal_only(get, part, capsys, monkeypatch):
    get(progress=True)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    part.unlink()
    get(progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "f:" in err
