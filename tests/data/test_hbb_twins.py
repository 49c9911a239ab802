"""HDF5 twins, as PyTables writes them."""

import tracemalloc

import h5py
import numpy as np
import pytest
from hbb_files import assert_same, make, write_twin

from repro.data.hbb.jets import join_jets
from repro.data.hbb.twins import TwinTable
from repro.errors import BadInput, MissingData, UnknownName


@pytest.fixture(scope="module")
def made():
    return make()


@pytest.fixture(scope="module")
def twin(made, tmp_path_factory):
    return write_twin(made, tmp_path_factory.mktemp("twin") / "ntuple_merged_0.h5")


def read(path, **options):
    with TwinTable.open(path) as table:
        return table.read_jets(**options)


def test_jets_are_those_that_were_written(made, twin):
    assert_same(read(twin), made)
    assert_same(read(twin, start=5, stop=9), made, slice(5, 9))


@pytest.mark.parametrize("chunk", [1, 2, 7, 36, 37, 1000])
def test_chunks_do_not_matter(made, twin, chunk):
    with TwinTable.open(twin) as table:
        parts = list(table.iter_jets(chunk=chunk))
    assert max(map(len, parts)) <= chunk
    assert_same(join_jets(parts), made)


def test_memory_is_that_of_a_chunk(tmp_path):
    n = 2000
    counts = {"tracks": [30] * n, "vertices": [2] * n, "candidates": [0] * n}
    path = write_twin(make(n, counts=counts), tmp_path / "t.h5")
    with TwinTable.open(path) as table:
        next(table.iter_jets(chunk=50))
        tracemalloc.start()
        assert sum(len(jets) for jets in table.iter_jets(chunk=50)) == n
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    of_a_chunk = 50 * 4 * (30 * 60 + 14 * 5 + 11)
    assert peak < 5 * of_a_chunk < n * 4 * 30 * 60 / 5


def test_unlabelled_jets_can_be_removed(made, twin):
    flags = made.scalars["flags"]
    labelled = (flags[:, 0] * flags[:, 1] + flags[:, 2]) == 1
    assert 0 < labelled.sum() < len(made)
    with TwinTable.open(twin) as table:
        parts = list(table.iter_jets(chunk=1, unlabelled="removed"))
    assert all(len(part) == 1 for part in parts)
    assert_same(join_jets(parts), made, labelled)
    with pytest.raises(UnknownName, match="unlabelled jets cannot be"):
        read(twin, unlabelled="dropped")


def test_the_last_row_that_the_published_script_cuts_off(tmp_path):
    one = {"tracks": [3, 70, 1], "vertices": [5, 7, 2], "candidates": [1, 2, 1]}
    made = make(3, counts=one)
    path = write_twin(made, tmp_path / "t.h5", published=True)
    with h5py.File(path) as file:  # the miniature is as short as the script would make it
        assert (file["track_dz"].shape, file["sv_pt"].shape) == ((2, 60), (3, 5))
    jets = read(path)
    made.objects["tracks"][2] = made.objects["tracks"][2][:0]
    made.objects["vertices"][2] = made.objects["vertices"][2][:1]
    assert_same(jets, made)
    assert_same(read(path, start=2), made, slice(2, 3))


@pytest.mark.parametrize("name", ["track_dz", "sv_pt", "fj_isH", "nsv"])
def test_a_missing_branch_is_named(made, tmp_path, name):
    path = write_twin(made, tmp_path / "t.h5", skip=[name])
    with pytest.raises(BadInput, match=rf"t\.h5 has no {name}: it needs the branches"):
        read(path)


def test_many_missing_branches_are_counted(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        for name in ("sample_isQCD", "fj_isQCD", "fj_isH"):
            file[name] = np.ones(3, np.int32)
    with pytest.raises(BadInput, match=r"track_ptrel, track_erel, .* and 51 more"):
        read(tmp_path / "t.h5")
    with h5py.File(tmp_path / "no_flags.h5", "w") as file:
        file["track_ptrel"] = np.ones((3, 60), np.float32)
    with pytest.raises(BadInput, match=r"has no track_erel, .* and 53 more"):
        read(tmp_path / "no_flags.h5")


@pytest.mark.parametrize(
    ("name", "dtype"), [("track_dz", np.int32), ("sv_mass", "S4"), ("fj_pt", "S4"), ("fj_isH", "S")]
)
def test_wrong_types(made, tmp_path, name, dtype):
    path = write_twin(made, tmp_path / "t.h5", dtypes={name: dtype})
    with pytest.raises(BadInput, match=rf"{name} is of type .*: get the file again"):
        read(path)


def test_integers_will_do_for_spectators(made, tmp_path):
    path = write_twin(made, tmp_path / "t.h5", dtypes={"ntracks": np.int32})
    counts = made.scalars["spectators"][:, 9].astype(np.int32)
    np.testing.assert_array_equal(read(path).spectators[:, 9], counts)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("track_dz", (37, 59)), ("sv_pt", (35, 5)), ("fj_pt", (36,)), ("sv_pt", (37,))],
)
def test_wrong_shapes(made, tmp_path, name, shape):
    path = write_twin(made, tmp_path / "t.h5", columns={name: np.zeros(shape)})
    with pytest.raises(BadInput, match=rf"{name} has shape .*, not \(37"):
        read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39, 3e38])
def test_values_that_are_no_numbers(made, tmp_path, value):
    dz = np.zeros((37, 60))
    dz[20, 3] = dz[30, 4] = value  # 1e39 is a number in the file, and infinite in float32
    path = write_twin(made, tmp_path / "t.h5", columns={"track_dz": dz})
    with pytest.raises(BadInput, match=r"track_dz is NaN or infinite 2 times \(first in jet 20\)"):
        read(path)
    with TwinTable.open(path) as table:
        assert sum(map(len, table.iter_jets(chunk=5, stop=20))) == 20
        said = r"track_dz is NaN or infinite 1 time \(first in jet 30\).*repair=True"
        with pytest.raises(BadInput, match=said):
            list(table.iter_jets(chunk=5, start=21))
    assert not read(path, repair=True).tracks[:, 8].any()


def test_labels_that_make_no_sense(made, tmp_path):
    flags = made.scalars["flags"][:, 2].copy()
    flags[11] = 3
    path = write_twin(made, tmp_path / "t.h5", columns={"fj_isH": flags})
    with pytest.raises(BadInput, match=r"t\.h5, jets 0 to 36: fj_isH is 3 in jet 11"):
        read(path)


def test_no_jets(tmp_path):
    path = write_twin(make(3), tmp_path / "t.h5")
    with h5py.File(path, "r+") as file:
        for name in list(file):
            shape, dtype = file[name].shape, file[name].dtype
            del file[name]
            file[name] = np.zeros((0, *shape[1:]), dtype)
    with pytest.raises(BadInput, match="holds no jets"):
        read(path)


def test_jets_without_tracks_or_vertices(tmp_path):
    none = {name: [0] * 4 for name in ("tracks", "vertices", "candidates")}
    made = make(4, counts=none)
    jets = read(write_twin(made, tmp_path / "t.h5"))
    assert not jets.tracks.any()
    assert not jets.vertices.any()
    assert_same(jets, made)


def test_ranges(twin):
    with TwinTable.open(twin) as table:
        for start, stop in [(0, 38), (-1, 5), (6, 5)]:
            with pytest.raises(BadInput, match="has 37 jets"):
                list(table.iter_jets(start=start, stop=stop))
        with pytest.raises(BadInput, match="give 1 or more"):
            list(table.iter_jets(chunk=0))
        with pytest.raises(BadInput, match="no jets are left"):
            table.read_jets(5, 5)


def test_no_file(tmp_path):
    with pytest.raises(MissingData, match="is not there"):
        read(tmp_path / "absent.h5")


@pytest.mark.parametrize("kept", [0, 8, 100, 0.5, 0.99])
def test_truncated(twin, tmp_path, kept):
    body = twin.read_bytes()
    short = tmp_path / "short.h5"
    short.write_bytes(body[: kept if isinstance(kept, int) else int(kept * len(body))])
    with pytest.raises(BadInput, match=r"short\.h5 is (truncated|damaged)"):
        read(short)


def test_damaged_within(made, tmp_path):
    path = write_twin(made, tmp_path / "t.h5")
    with h5py.File(path) as file:
        place = file["track_dz"].id.get_chunk_info(0)
    with path.open("r+b") as file:
        file.seek(place.byte_offset + 16)  # behind blosc's header, which is looked at beforehand
        file.write(b"\xff" * (place.size - 16))
    with pytest.raises(BadInput, match=r"t\.h5 is damaged near jet 0: get it again"):
        read(path)


def test_other_files(tmp_path):
    path = tmp_path / "page.h5"
    path.write_text("<!DOCTYPE html><html>")
    with pytest.raises(BadInput, match="is a web page"):
        read(path)
