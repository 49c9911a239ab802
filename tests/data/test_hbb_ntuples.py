"""ROOT files with the record's branches."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hbb_files import assert_equal_jets, assert_same, make, write_root, write_twin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.data.hbb.jets import join_jets
from repro.data.hbb.ntuples import RootTable
from repro.data.hbb.twins import TwinTable
from repro.errors import BadInput, MissingData, NotAvailable

pytest.importorskip("uproot")


@pytest.fixture(scope="module")
def made():
    return make()


@pytest.fixture(scope="module")
def root(made, tmp_path_factory):
    return write_root(made, tmp_path_factory.mktemp("root") / "ntuple_merged_0.root")


def read(path, **options):
    with RootTable.open(path) as table:
        return table.read_jets(**options)


def test_jets_are_those_that_were_written(made, root):
    assert max(len(tracks) for tracks in made.objects["tracks"]) > 60
    assert max(len(vertices) for vertices in made.objects["vertices"]) > 5
    assert_same(read(root), made)
    assert_same(read(root, start=11, stop=30), made, slice(11, 30))


@pytest.mark.parametrize("chunk", [1, 5, 12, 37, 1000])
def test_chunks_do_not_matter(made, root, chunk):
    with RootTable.open(root) as table:
        parts = list(table.iter_jets(chunk=chunk))
    assert max(map(len, parts)) <= chunk
    assert_same(join_jets(parts), made)


@given(
    tracks=st.lists(st.integers(0, 70), min_size=1, max_size=20),
    vertices=st.integers(0, 7),
    chunk=st.integers(1, 21),
)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_formats_give_the_same_whatever_the_counts(tracks, vertices, chunk, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    n = len(tracks)
    numbers = [(vertices + jet) % 8 for jet in range(n)]
    made = make(n, counts={"tracks": tracks, "vertices": numbers, "candidates": [1] * n})
    write_root(made, folder / "a.root")
    write_twin(made, folder / "a.h5")
    with RootTable.open(folder / "a.root") as table:
        of_root = join_jets(list(table.iter_jets(chunk=chunk)))
    with TwinTable.open(folder / "a.h5") as table:
        of_twin = join_jets(list(table.iter_jets(chunk=chunk)))
    assert_equal_jets(of_root, of_twin)
    assert_same(of_root, made)
    real = (of_root.tracks != 0).any(axis=1).sum(axis=1)
    assert real.tolist() == [min(count, 60) for count in tracks]


def test_memory_is_that_of_a_chunk(tmp_path):
    """Five times as many jets in the same chunks take no more memory."""
    peaks = []
    for n in (200, 1000):
        counts = {"tracks": [30] * n, "vertices": [2] * n, "candidates": [0] * n}
        path = write_root(make(n, counts=counts), tmp_path / f"{n}.root", basket=100)
        with RootTable.open(path) as table:
            for _ in zip(range(2), table.iter_jets(chunk=100), strict=False):
                pass  # what is imported and kept the first time
            tracemalloc.start()
            total = sum(len(jets) for jets in table.iter_jets(chunk=100))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert total == n
    assert peaks[1] < 1.5 * peaks[0]


def test_lists_of_different_lengths(made, tmp_path):
    import awkward as ak

    numbers = [len(tracks) for tracks in made.objects["tracks"]]
    numbers[21] += 1
    lists = ak.unflatten(np.ones(sum(numbers), np.float32), numbers)
    path = write_root(made, tmp_path / "t.root", columns={"track_dz": lists})
    with RootTable.open(path) as table:
        assert len(table.read_jets(0, 20)) == 20
        with pytest.raises(
            BadInput, match="track_ptrel and track_dz differ in their number of values in jet 21"
        ):
            list(table.iter_jets(chunk=4))


@pytest.mark.parametrize("name", ["track_dz", "sv_costhetasvpv", "fj_isQCD", "npv"])
def test_a_missing_branch_is_named(made, tmp_path, name):
    path = write_root(made, tmp_path / "t.root", skip=[name])
    with pytest.raises(BadInput, match=rf"t\.root has no {name}: it needs the branches"):
        read(path)


def test_candidates_are_needed_only_by_who_asks(made, tmp_path):
    path = write_root(made, tmp_path / "t.root", skip=["pfcand_ptrel"])
    assert_same(read(path), made)
    with (
        RootTable.open(path) as table,
        pytest.raises(BadInput, match=r"t\.root has no pfcand_ptrel"),
    ):
        table.read_groups(["candidates"], 0, 5)


def test_no_tree(tmp_path):
    import uproot

    with uproot.recreate(tmp_path / "t.root") as file:
        file.mktree("other", {"x": np.float32})
    with pytest.raises(BadInput, match=r"no tree deepntuplizer/tree \(it holds other\)"):
        read(tmp_path / "t.root")
    with uproot.recreate(tmp_path / "e.root") as file:
        file["deepntuplizer/tree"] = "a text"
    with pytest.raises(BadInput, match=r"no tree deepntuplizer/tree \(it holds deepntuplizer"):
        read(tmp_path / "e.root")


def test_no_jets(tmp_path):
    import uproot

    with uproot.recreate(tmp_path / "t.root") as file:
        file.mktree("deepntuplizer/tree", {"fj_isH": np.int32})
    with pytest.raises(BadInput, match="holds no jets"):
        read(tmp_path / "t.root")


def test_wrong_types(made, tmp_path):
    path = write_root(made, tmp_path / "i.root", dtypes={"track_dz": np.int32})
    with pytest.raises(BadInput, match="track_dz is of type int32, not float32"):
        read(path)
    path = write_root(made, tmp_path / "s.root", columns={"sv_pt": np.ones(37, np.float32)})
    with pytest.raises(BadInput, match=r"sv_pt is .*, not a list of values for each jet"):
        read(path)
    import awkward as ak

    lists = ak.values_astype(ak.Array([[1.0, 2.0]] * 37), np.float32)
    path = write_root(made, tmp_path / "l.root", columns={"fj_pt": lists})
    with pytest.raises(BadInput, match=r"fj_pt is .*, not one value for each jet"):
        read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(tmp_path, value):
    made = make(9)
    made.objects["vertices"][4] = np.ones((2, 14), np.float32)
    made.objects["vertices"][4][1, 8] = value
    made.scalars["spectators"][7, 3] = value
    path = write_root(made, tmp_path / "t.root")
    said = (
        r"sv_normchi2 is NaN or infinite 1 time \(first in jet 4\), "
        r"fj_n_sdsubjets is NaN or infinite 1 time \(first in jet 7\).*repair=True"
    )
    with pytest.raises(BadInput, match=said):
        read(path)
    repaired = read(path, repair=True)
    assert repaired.vertices[4, 8].tolist() == [1, 1000, 0, 0, 0]
    assert repaired.spectators[7, 3] == 0


@pytest.mark.parametrize("kept", [0, 3, 10, 0.3, 0.9, 0.999])
def test_truncated(root, tmp_path, kept):
    body = root.read_bytes()
    short = tmp_path / "short.root"
    short.write_bytes(body[: kept if isinstance(kept, int) else int(kept * len(body))])
    said = "is truncated: it has" if kept not in (0, 3) else "is no ROOT file"
    with pytest.raises(BadInput, match=rf"short\.root {said}.*get it again"):
        read(short)


@pytest.mark.parametrize("place", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
def test_damaged_within(made, root, tmp_path, place):
    body = bytearray(root.read_bytes())
    start = int(place * len(body))
    body[start : start + 2000] = b"\xa5" * 2000
    damaged = tmp_path / "t.root"
    damaged.write_bytes(bytes(body))
    try:
        jets = read(damaged)
    except BadInput as error:
        assert str(error).startswith(str(damaged))  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
    else:  # what was hit is needed by no one
        assert_same(jets, made)


def test_other_files(tmp_path):
    page = tmp_path / "page.root"
    page.write_text("<!DOCTYPE html><html><title>Not found</title>")
    with pytest.raises(BadInput, match=r"page\.root is no ROOT file"):
        read(page)
    with pytest.raises(MissingData, match="is not there"):
        read(tmp_path / "absent.root")


def test_without_the_extra(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(NotAvailable, match=r"uproot is not installed.*pip install 'repro\[root\]'"):
        read(root)


def test_the_readers_import_nothing_of_the_extra():
    script = (
        "import sys, repro.data.hbb.ntuples, repro.data.hbb.twins;"
        "print(*{'uproot', 'awkward', 'fsspec', 'aiohttp', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
