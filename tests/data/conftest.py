import dataclasses
import os
import shutil
import threading
from pathlib import Path

import pytest
from faulty_server import Server
from toys import make_pin

from repro.data.download import DownloadPolicy, HTTPDownloader

_BESIDE = Path(__file__).parents[3] / "shared" / "mirror"
_MIRROR = Path(os.environ.get("REPRO_MIRROR") or _BESIDE)


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """An empty cache, and nothing from the environment of whoever runs the tests."""
    for name in ("REPRO_MIRROR", "REPRO_OFFLINE", "ZENODO_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    # No proxy may stand between the tests and their server.
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def policy():
    return DownloadPolicy(
        attempts=4, connect_timeout=1, read_timeout=0.3, backoff=0.001, chunk_bytes=1000
    )


@pytest.fixture
def body():
    return b"\x89HDF\r\n\x1a\n" + bytes(i * i % 251 for i in range(19_992))


@pytest.fixture
def pin(server, body):
    """A file that the server has, pinned."""
    server.files["toy/data.h5"] = body
    return make_pin(body, urls=(f"{server.base}/toy/data.h5",))


@pytest.fixture
def mirror():
    if not (_MIRROR / "manifest.toml").is_file():
        pytest.skip("the originals' files are not at hand")
    return _MIRROR


@pytest.fixture
def alone(monkeypatch, tmp_path, files):
    """A folder with the test module's files alone, and no network."""
    folder = tmp_path / "here"
    shutil.copytree(files, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    return folder


@pytest.fixture
def part(tmp_path):
    """Where a download is stored until it is whole."""
    return tmp_path / "data.part"


@pytest.fixture
def get(server, body, policy, part):
    """Download the server's file, with changes of the policy, and return what was stored."""
    server.files["f"] = body

    whole = len(body)

    def run(size=whole, url=None, *, progress=False, **changes):
        downloader = HTTPDownloader(size, dataclasses.replace(policy, **changes), progress)
        downloader(url or f"{server.base}/f", part)
        return part.read_bytes()

    return run
