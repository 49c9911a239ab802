"""Files that are read by their addresses, from a server on loopback."""

import sys

import h5py
import numpy as np
import pytest
from faulty_server import answer, ranged
from hbb_files import assert_same, make, write_root, write_twin

from repro.data.hbb.convert import convert
from repro.data.hbb.jets import join_jets
from repro.data.hbb.opening import open_table
from repro.errors import BadInput, DownloadFailed, MissingData, NotAvailable

pytest.importorskip("uproot")
pytest.importorskip("aiohttp")


@pytest.fixture(scope="module")
def made():
    return make(30)


@pytest.fixture(scope="module")
def bodies(made, tmp_path_factory):
    """The three formats, by name."""
    folder = tmp_path_factory.mktemp("files")
    root = write_root(made, folder / "a.root", basket=10)
    twin = write_twin(made, folder / "a.h5")
    (processed,) = convert([twin], folder)
    return {path.name: path.read_bytes() for path in (root, twin, processed)}


@pytest.fixture
def base(server, bodies):
    server.files.update(bodies)
    server.always = ranged
    return server.base


@pytest.mark.parametrize("name", ["a.root", "a.h5", "newdata_0.h5"])
def test_jets_come_over_the_network(made, base, name):
    with open_table(f"{base}/{name}") as table:
        assert table.remote
        assert len(table) == len(made)
        assert_same(table.read_jets(10, 20), made, slice(10, 20))
        assert_same(join_jets(list(table.iter_jets(chunk=7))), made)


def test_only_what_is_asked_for_is_transferred(base, server, tmp_path):
    """Nothing of a branch that is not ours."""
    import awkward as ak

    n = 400
    noise = np.random.default_rng(0).normal(size=n * 3000)
    more = {"fj_more": ak.unflatten(noise, [3000] * n)}
    counts = {"tracks": [3] * n, "vertices": [1] * n, "candidates": [1] * n}
    made = make(n, counts=counts)
    path = write_root(made, tmp_path / "b.root", columns=more, basket=100)
    server.files["b.root"] = path.read_bytes()
    with open_table(f"{base}/b.root") as table:
        assert_same(table.read_jets(100, 110), made, slice(100, 110))
    assert all(seen.range for seen in server.seen)
    assert sum(seen.sent for seen in server.seen) < len(server.files["b.root"]) / 4
    assert all("repro/" in seen.headers["User-Agent"] for seen in server.seen)
    assert {seen.headers["Accept-Encoding"] for seen in server.seen} == {"identity"}


def test_convert_from_an_address(made, base, tmp_path):
    (path,) = convert([f"{base}/a.root"], tmp_path)
    with open_table(path) as table:
        assert_same(table.read_jets(), made)


def test_network_that_fails_in_the_middle(base, server):
    with open_table(f"{base}/a.root") as table:
        server.always = answer(503)
        said = rf"{base}/a\.root cannot be read on from jet 0 \(\w+\): try again, or fetch"
        with pytest.raises(DownloadFailed, match=said):
            table.read_jets()


def test_large_twin_whose_network_fails(base, server, tmp_path):
    rng = np.random.default_rng(0)
    n = 6000
    counts = {"tracks": [0] * n, "vertices": [0] * n, "candidates": [0] * n}
    made = make(n, counts=counts)
    noise = {"track_ptrel": rng.normal(size=(n, 60)), "track_dz": rng.normal(size=(n, 60))}
    path = write_twin(made, tmp_path / "b.h5", columns=noise)
    server.files["b.h5"] = path.read_bytes()
    with open_table(f"{base}/b.h5") as table:
        server.always = answer(503)
        with pytest.raises(DownloadFailed, match=r"b\.h5 cannot be read on from jet \d+"):
            list(table.iter_jets(chunk=100))


def test_what_is_not_there(base, server):
    with pytest.raises(DownloadFailed, match=r"absent\.root is not there, or its server"):
        open_table(f"{base}/absent.root")
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1:9/x\.root is not there, or its server"):
        open_table("http://127.0.0.1:9/x.root")
    server.files["page.root"] = b"<!DOCTYPE html><html>Not found</html>"
    with pytest.raises(BadInput, match=r"page\.root is a web page"):
        open_table(f"{base}/page.root")
    server.files["short.h5"] = server.files["a.h5"][:3000]
    server.files["short.root"] = server.files["a.root"][:3000]
    for name in ("short.h5", "short.root"):
        with pytest.raises(DownloadFailed, match=f"{name} cannot be read"):
            open_table(f"{base}/{name}")


def test_no_network_and_no_library(base, monkeypatch):
    with pytest.raises(BadInput, match="is an XRootD address"):
        open_table("root://eospublic.cern.ch//eos/opendata/x.root")
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(NotAvailable, match=r"aiohttp .* pip install 'repro\[root\]'"):
        open_table(f"{base}/a.h5")
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    with pytest.raises(MissingData, match="REPRO_OFFLINE is set"):
        open_table(f"{base}/a.h5")


def test_a_file_that_leads_to_others_is_refused(base, server, bodies, tmp_path):
    """The other file would be one of this machine."""
    path = tmp_path / "a.h5"
    path.write_bytes(bodies["a.h5"])
    with h5py.File(path, "r+") as file:
        del file["fj_isH"]
        file["fj_isH"] = h5py.ExternalLink(str(tmp_path / "own.h5"), "/x")
    server.files["b.h5"] = path.read_bytes()
    with pytest.raises(BadInput, match="fj_isH is a link to elsewhere"):
        open_table(f"{base}/b.h5")
