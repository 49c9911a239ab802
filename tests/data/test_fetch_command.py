import argparse
import json
import os
import subprocess
import sys

import pytest
from toys import make_pin

from repro.cli import fetch as command
from repro.data import pins
from repro.errors import BadInput, DownloadFailed, IntegrityError, UnknownName


@pytest.fixture
def call(capsys):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())

    def run(*words):
        args = parser.parse_args(["fetch", *words])
        code = args.run(args)
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def registry(monkeypatch, server, pin):
    """Two pinned files, the second of which the server does not have."""
    gone = make_pin(
        b"\x80lost", artifact_id="toy/gone.pkl", kind="pickle", urls=(f"{server.base}/gone",)
    )
    monkeypatch.setattr(pins, "load_registry", lambda: (pin, gone))
    return pin, gone


@pytest.mark.usefixtures("registry")
def test_prints_paths(call, cache):
    assert call("toy/data.h5") == (0, f"{cache}/toy/data.h5\n")
    _, out = call("toy/data.h5", "--json", "-q")
    assert [fact["path"] for fact in json.loads(out)] == [f"{cache}/toy/data.h5"]


@pytest.mark.usefixtures("registry")
def test_a_missing_file_does_not_keep_back_the_others(call, cache, capsys):
    with pytest.raises(DownloadFailed, match=r"1 of 2 files are missing: toy/gone\.pkl"):
        call("--all")
    assert capsys.readouterr().out == f"{cache}/toy/data.h5\n"
    with pytest.raises(DownloadFailed, match=r"^toy/gone\.pkl could not be fetched"):
        call("toy/gone.pkl")


def test_gives_up_when_all_fail(call, server, monkeypatch):
    many = tuple(
        make_pin(b"\x80", artifact_id=f"toy/{n}", kind="pickle", urls=(f"{server.base}/{n}",))
        for n in range(9)
    )
    monkeypatch.setattr(pins, "load_registry", lambda: many)
    with pytest.raises(DownloadFailed, match="9 of 9 files are missing"):
        call("toy")
    assert len(server.seen) == 3


@pytest.mark.usefixtures("registry")
def test_wrong_bytes(call, server):
    server.files["toy/data.h5"] = b"x"
    with pytest.raises(IntegrityError):
        call("toy/data.h5")


@pytest.mark.usefixtures("registry")
def test_what_was_damaged_unseen_is_found_and_fetched_again(call, cache, caplog):
    """Of the same size and time, as after a bad copy."""
    call("toy/data.h5")
    path = cache / "toy" / "data.h5"
    whole, status = path.read_bytes(), path.stat()
    path.write_bytes(bytes([whole[0]]) + whole[1:-1] + bytes([whole[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert call("toy/data.h5")[0] == 0
    assert path.read_bytes() == whole
    assert "it was replaced by one from" in caplog.text


def test_list(call, registry):
    pin, _ = registry
    call(pin.id)
    _, out = call("--list")
    first, second = (line.split() for line in out.splitlines())
    assert first == [pin.id, "20000", pin.checksum, "CC0-1.0", "cached"]
    assert second[-1] == "missing"


def test_list_of_the_real_registry(call):
    _, out = call("--list", "--json")
    facts = json.loads(out)
    assert len(facts) == 173
    assert {fact["state"] for fact in facts} == {"missing", "shipped"}
    _, out = call("--list", "toptag/data/test.h5")
    assert out.split() == [
        "toptag/data/test.h5",
        "doi:10.5281/zenodo.2603256",
        "347849376",
        "md5:13163479dee30a5fe546e4536cc3d04d",
        "CC-BY-4.0",
        "missing",
    ]


def test_urls_for_aria2(call):
    _, out = call("--urls", "toptag/data/test.h5", "hbb/weights/gnn_De8_best.pth")
    lines = out.splitlines()
    assert lines[0] == "https://zenodo.org/records/2603256/files/test.h5?download=1"
    assert lines[1] == "  out=toptag/data/test.h5"
    assert lines[2] == "  checksum=md5=13163479dee30a5fe546e4536cc3d04d"
    assert len(lines[3].split("\t")) == 2
    assert lines[5].startswith("  checksum=sha-256=")


def test_wrong_usage(call):
    with pytest.raises(BadInput, match="repro fetch --list"):
        call()
    with pytest.raises(BadInput, match="not both"):
        call("--all", "toptag")
    with pytest.raises(UnknownName, match=r"did you mean toptag/data/test\.h5"):
        call("toptag/data/test")


def test_help(call, capsys):
    with pytest.raises(SystemExit):
        call("--help")
    assert "aria2c --input-file" in capsys.readouterr().out


def test_import_is_light():
    script = (
        "import sys, repro.cli.fetch; print(*{'requests', 'pooch', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_failures_that_are_not_in_a_row_do_not_end_it(call, server, monkeypatch):
    """A mirror that lacks every second file is no network that is down."""
    good = [
        make_pin(b"\x80ok", artifact_id=f"toy/{n}1", kind="pickle", urls=(f"{server.base}/ok",))
        for n in range(4)
    ]
    gone = [
        make_pin(b"\x80", artifact_id=f"toy/{n}0", kind="pickle", urls=(f"{server.base}/no",))
        for n in range(4)
    ]
    server.files["ok"] = b"\x80ok"
    many = tuple(sorted([*good, *gone], key=lambda pin: pin.id))
    monkeypatch.setattr(pins, "load_registry", lambda: many)
    with pytest.raises(DownloadFailed, match="4 of 8 files are missing"):
        call("toy")


@pytest.mark.usefixtures("registry")
def test_list_with_urls_gives_addresses(call):
    assert call("toy", "--list", "--urls") == call("toy", "--urls")
