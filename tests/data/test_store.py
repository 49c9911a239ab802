import dataclasses
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import filelock
import pytest
from faulty_server import answer, cut, other, slow
from toys import make_pin

from repro.data import store
from repro.data.places import cache_directory
from repro.data.sources import Address, Folder, ZenodoGet, find_sources, split_mirrors
from repro.data.store import Store
from repro.errors import DownloadFailed, IntegrityError, MissingData


@pytest.fixture
def fresh(policy):
    """Make a store as a new process would."""
    return lambda **settings: Store(policy=policy, **settings)


@pytest.fixture
def folder(tmp_path, body):
    """A mirror directory that holds the file."""
    path = tmp_path / "mirror"
    (path / "toy").mkdir(parents=True)
    (path / "toy/data.h5").write_bytes(body)
    return path


def run_child(pin, base, **settings):
    """Fetch in another process, in small pieces."""
    facts = dataclasses.asdict(pin) | {"urls": (f"{base}/{pin.id}",)}
    script = (
        "from repro.data.download import DownloadPolicy\n"
        "from repro.data.pins import Artifact\n"
        "from repro.data.store import Store\n"
        "store = Store(policy=DownloadPolicy(chunk_bytes=1000))\n"
        f"print(store.fetch(Artifact(**{facts!r})))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings
    )


def test_cache_directory(monkeypatch, cache):
    assert cache_directory() == cache
    monkeypatch.setenv("REPRO_CACHE", "~/there")
    assert cache_directory() == Path.home() / "there"
    monkeypatch.delenv("REPRO_CACHE")
    assert "repro" in cache_directory().parts


def test_fetch_downloads_verifies_and_stamps(fresh, pin, body, cache):
    assert fresh().state_of(pin) == "missing"
    path = fresh().fetch(pin)
    assert path == cache / "toy/data.h5"
    assert path.read_bytes() == body
    assert fresh().state_of(pin) == "cached"
    assert sorted(p.name for p in path.parent.iterdir() if p.suffix != ".lock") == [
        "data.h5",
        "data.h5.ok",
    ]


def test_cached_file_costs_nothing(fresh, pin, server, monkeypatch):
    path = fresh().fetch(pin)
    monkeypatch.setattr(store, "verify", None)
    monkeypatch.setattr(filelock, "FileLock", None)
    monkeypatch.setattr(Path, "mkdir", None)
    assert fresh().fetch(pin) == path
    assert fresh(offline=True).fetch(pin) == path
    assert len(server.seen) == 1


def test_file_without_stamp_is_verified_once(fresh, pin, body, cache, monkeypatch):
    (cache / "toy").mkdir(parents=True)
    (cache / pin.id).write_bytes(body)
    fresh(offline=True).fetch(pin)
    monkeypatch.setattr(store, "verify", None)
    fresh(offline=True).fetch(pin)


@pytest.mark.parametrize("damage", [b"", b"\x89HDF\r\n\x1a\n" + bytes(19_992), b"<html>"])
def test_damaged_cached_file_is_fetched_again(fresh, pin, body, damage):
    path = fresh().fetch(pin)
    path.write_bytes(damage)
    assert not fresh().is_cached(pin)
    assert fresh().fetch(pin).read_bytes() == body


def flip_a_byte(path):
    changed = bytearray(path.read_bytes())
    changed[1000] ^= 1
    path.write_bytes(changed)


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_a_damaged_file_is_told_once_with_what_was_done(fresh, pin, folder, caplog):
    mirrored = {"mirrors": [str(folder)], "offline": True}
    path = fresh(**mirrored).fetch(pin)
    flip_a_byte(path)
    assert fresh(**mirrored).state_of(pin) == "mirror"
    fresh(**mirrored).fetch(pin)
    (said,) = warnings_of(caplog)
    assert said.startswith(f"{path} has sha256 ")
    assert said.endswith(f": it was replaced by one from {folder}")
    fresh(**mirrored).fetch(pin)
    assert len(warnings_of(caplog)) == 1


def test_a_damaged_file_that_nothing_replaces_is_told_once(fresh, pin, caplog):
    path = fresh().fetch(pin)
    flip_a_byte(path)
    assert [fresh(offline=True).state_of(pin) for _ in range(3)] == ["missing"] * 3
    (said,) = warnings_of(caplog)
    assert said.startswith(f"{path} has sha256 ")
    assert said.endswith(f": it is not used; 'repro fetch {pin.id}' replaces it")
    caplog.clear()
    with pytest.raises(MissingData, match=rf"REPRO_OFFLINE is set \({path} has sha256 .*\): fetch"):
        fresh(offline=True).fetch(pin)
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"size": 1}', "\x00"])
def test_damaged_stamp_is_renewed(fresh, pin, server, damage):
    path = fresh().fetch(pin)
    stamp = path.with_name("data.h5.ok")
    good = stamp.read_text()
    stamp.write_text(damage)
    fresh().fetch(pin)
    assert json.loads(stamp.read_text()) == json.loads(good)
    assert len(server.seen) == 1


def test_stamp_counts_for_its_pin_alone(fresh, pin):
    fresh().fetch(pin)
    other_pin = dataclasses.replace(pin, sha256="0" * 64)
    assert not fresh().is_cached(other_pin)


def test_wrong_bytes_never_get_into_the_cache(fresh, pin, server, body, cache):
    server.files["toy/data.h5"] = body[:-1] + b"x"
    with pytest.raises(IntegrityError, match=r"127\.0\.0\.1:.* has sha256 .* where the pin says"):
        fresh().fetch(pin)
    assert {p.suffix for p in cache.rglob("*") if p.is_file()} <= {".lock"}


def test_wrong_kind_is_named(fresh, server):
    body = b"PK\x03\x04" + bytes(100)
    server.files["toy/data.h5"] = body
    pin = make_pin(body, urls=(f"{server.base}/toy/data.h5",))
    with pytest.raises(IntegrityError, match="is no hdf5 file"):
        fresh().fetch(pin)


def test_md5_pins(fresh, server, body):
    server.files["f"] = body
    md5 = hashlib.md5(body).hexdigest()
    pin = dataclasses.replace(make_pin(body, urls=(f"{server.base}/f",)), sha256=None, md5=md5)
    assert fresh().fetch(pin).read_bytes() == body


def test_next_address_is_tried(fresh, pin, server, body):
    pin = dataclasses.replace(pin, urls=(f"{server.base}/gone", *pin.urls))
    assert fresh().fetch(pin).read_bytes() == body
    assert [seen.path for seen in server.seen] == ["gone", "toy/data.h5"]


def test_error_tells_what_each_source_said(fresh, pin, server, tmp_path):
    server.always = answer(404)
    with pytest.raises(DownloadFailed) as caught:
        fresh(mirrors=[str(tmp_path)]).fetch(pin)
    message = str(caught.value)
    assert f"{tmp_path} does not have it" in message
    assert f"127.0.0.1:{server.server_port} answers 404 Not Found" in message
    assert "REPRO_MIRROR" in message
    assert "\n" not in message


def test_bad_beginning_of_an_earlier_run_is_dropped(fresh, pin, server, body, cache):
    (cache / "toy").mkdir(parents=True)
    (cache / "toy/data.h5.part").write_bytes(b"x" * 5000)
    assert fresh().fetch(pin).read_bytes() == body
    assert server.ranges == ["bytes=5000-", None]


def test_mirror_directory_works_offline(fresh, pin, server, folder, body):
    offline = fresh(mirrors=[str(folder)], offline=True)
    assert offline.state_of(pin) == "mirror"
    assert offline.fetch(pin).read_bytes() == body
    assert server.seen == []


def test_mirror_address_is_laid_out_by_id(fresh, pin, server, body):
    server.files["base/toy/data.h5"] = body
    fresh(mirrors=[f"{server.base}/base/"]).fetch(pin)
    assert [seen.path for seen in server.seen] == ["base/toy/data.h5"]


@pytest.mark.parametrize("lie", [b"short", b"\x89HDF\r\n\x1a\n" + bytes(19_992)])
def test_mirror_directory_that_lies(fresh, pin, folder, caplog, lie):
    (folder / pin.id).write_bytes(lie)
    fresh(mirrors=[str(folder)]).fetch(pin)
    assert fresh().is_cached(pin)
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert str(folder) in warning.getMessage()


def test_mirror_address_that_lies(fresh, pin, server, body, caplog):
    server.faults.append(other(b"\x89HDF\r\n\x1a\n" + bytes(19_992)))
    assert fresh(mirrors=[server.base]).fetch(pin).read_bytes() == body
    assert "where the pin says" in caplog.text
    assert server.ranges == [None, None]


def test_what_a_mirror_began_another_source_ends(fresh, pin, server, body):
    server.faults.extend([cut(7000), answer(404)])
    assert fresh(mirrors=[server.base]).fetch(pin).read_bytes() == body
    assert server.ranges == [None, "bytes=7000-", "bytes=7000-"]


def test_offline_tells_what_to_do(fresh, pin, server, monkeypatch, tmp_path):
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    for mirrors in ([], [server.base], [str(tmp_path)]):
        with pytest.raises(MissingData, match=r"REPRO_OFFLINE.*repro fetch toy/data\.h5.*REPRO_M"):
            fresh(mirrors=mirrors).fetch(pin)
    assert server.seen == []
    monkeypatch.setenv("REPRO_OFFLINE", "0")
    fresh().fetch(pin)


@pytest.mark.parametrize(
    ("value", "mirrors"),
    [
        ("", ()),
        ("/a", ("/a",)),
        ("/a:/b", ("/a", "/b")),
        ("/a /b,~/c\n./d", ("/a", "/b", "~/c", "./d")),
        (
            "https://a.org/x:/b:http://c.org:8080/y",
            ("https://a.org/x", "/b", "http://c.org:8080/y"),
        ),
        ("http://127.0.0.1:8000", ("http://127.0.0.1:8000",)),
    ],
)
@pytest.mark.skipif(os.pathsep != ":", reason="the path separator is another")
def test_split_mirrors(value, mirrors):
    assert split_mirrors(value) == mirrors


def test_directory_with_a_space_may_stand_alone(tmp_path):
    (tmp_path / "my copies").mkdir()
    assert split_mirrors(f"{tmp_path}/my copies") == (f"{tmp_path}/my copies",)


def test_order_of_sources(pin):
    pin = dataclasses.replace(pin, urls=("https://zenodo.org/records/7/files/data.h5",))
    mirrors = ("/m", "https://a.org/b c")
    kinds = [type(source) for source in find_sources(pin, mirrors)]
    assert kinds == [Folder, Address, Address, ZenodoGet]
    assert [type(source) for source in find_sources(pin, mirrors, offline=True)] == [Folder]


def test_two_processes_download_once(pin, server, body, cache):
    server.always = slow(0.3)
    children = [run_child(pin, server.base) for _ in range(2)]
    answers = [child.communicate(timeout=20) for child in children]
    assert [child.returncode for child in children] == [0, 0], answers
    assert (cache / pin.id).read_bytes() == body
    assert server.ranges == [None]


def test_killed_process_leaves_what_the_next_one_needs(pin, server, body, cache, fresh):
    server.faults.append(slow(4, pieces=80))
    child = run_child(pin, server.base)
    part = cache / "toy/data.h5.part"
    while not (part.exists() and part.stat().st_size >= 2000):
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    held = part.stat().st_size
    assert not (cache / pin.id).exists()
    assert fresh().fetch(pin).read_bytes() == body
    assert server.ranges == [None, f"bytes={held}-"]


def test_full_disk_is_noticed_beforehand(fresh, pin, server, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=19_999))
    with pytest.raises(MissingData, match=r"20000 bytes are needed, 19999 are free.*REPRO_CACHE"):
        fresh().fetch(pin)
    assert server.seen == []


@pytest.mark.parametrize("mirrored", [True, False])
def test_disk_that_fills_up(fresh, pin, folder, monkeypatch, mirrored):
    real = Path.open

    def opened(self, mode="r", *args, **kwargs):
        file = real(self, mode, *args, **kwargs)
        if self.suffix == ".part" and mode in {"wb", "ab"}:
            write = file.write

            class Full:
                def __enter__(self):
                    return self

                def __exit__(self, *_):
                    file.close()

                def write(self, data):
                    write(data[:500])
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            return Full()
        return file

    mirrors = [str(folder)] if mirrored else []
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        with pytest.raises(MissingData, match=r"no room for toy/data\.h5.*REPRO_CACHE"):
            fresh(mirrors=mirrors).fetch(pin)
    assert not fresh().path_of(pin).exists()
    assert not fresh().is_cached(pin)
    fresh(mirrors=mirrors).fetch(pin)


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_file_size_limit(pin, server, cache):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    child = run_child(pin, server.base, preexec_fn=limit)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 1
    assert b"MissingData: no room for toy/data.h5" in err
    assert not (cache / pin.id).exists()


def test_unwritable_cache(fresh, pin, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(MissingData, match="Permission denied; set REPRO_CACHE"):
        fresh().fetch(pin)


def test_cache_that_is_a_file(fresh, pin, cache):
    cache.write_text("")
    with pytest.raises(MissingData, match=r"cannot be used.*set REPRO_CACHE"):
        fresh().fetch(pin)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
@pytest.mark.parametrize("stamped", [True, False])
def test_read_only_cache_that_holds_the_file(fresh, pin, server, stamped):
    path = fresh().fetch(pin)
    if not stamped:
        path.with_name("data.h5.ok").unlink()
    path.parent.chmod(0o500)
    try:
        assert fresh().fetch(pin) == path
    finally:
        path.parent.chmod(0o700)
    assert len(server.seen) == 1


def test_unwritable_stamp_is_no_error(fresh, pin, server, monkeypatch):
    path = fresh().fetch(pin)
    path.with_name("data.h5.ok").unlink()

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    assert fresh().fetch(pin) == path
    assert len(server.seen) == 1


@pytest.mark.mirror
def test_all_files_of_the_mirror(mirror, cache):
    from repro.data.pins import load_registry

    offline = Store(mirrors=[str(mirror)], offline=True)
    artifacts = [a for a in load_registry() if offline.state_of(a) == "mirror"]
    assert len(artifacts) == 168
    assert all(offline.fetch(artifact).is_relative_to(cache) for artifact in artifacts)
