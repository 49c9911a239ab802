"""Processed files: the authors', ours, and the converter between."""

import h5py
import numpy as np
import pytest
from hbb_files import (
    assert_equal_jets,
    assert_same,
    make,
    write_originals,
    write_root,
    write_twin,
)
from record_files import jets_of_a_class_by_chance, write_record

from repro.data.hbb.convert import convert, convert_range
from repro.data.hbb.jets import join_jets
from repro.data.hbb.opening import open_table
from repro.data.hbb.processed import ProcessedTable, read_recipe, write_processed
from repro.errors import BadInput, MissingData


@pytest.fixture(scope="module")
def made():
    return make(25)


@pytest.fixture(scope="module")
def twin(made, tmp_path_factory):
    return write_twin(made, tmp_path_factory.mktemp("twin") / "ntuple_merged_9.h5")


def read(*paths, **options):
    parts = []
    for path in paths:
        with open_table(path) as table:
            parts += table.iter_jets(**options)
    return join_jets(parts)


@pytest.mark.parametrize("split", ["train", "test"])
def test_files_of_the_authors(made, tmp_path, split):
    path = write_originals(made, tmp_path / "newdata_0.h5", split)
    with open_table(path) as table:
        assert isinstance(table, ProcessedTable)
        assert table.split == split
    assert_same(read(path), made)
    assert_same(read(path, chunk=4), made)
    assert len(read(path, unlabelled="removed")) < len(made)


def test_weights_and_places_of_other_versions_do_no_harm(made, tmp_path):
    path = write_originals(made, tmp_path / "old.h5")
    with h5py.File(path, "r+") as file:
        file["weight_subgroup/weights"] = np.ones((25, 2), np.float32)
        vertices = file["training_subgroup/training_3"][:]
        del file["training_subgroup/training_3"], file["training_subgroup/training_0"]
        seven = np.concatenate([vertices, np.ones((25, 14, 2), np.float32)], axis=2)
        file["training_subgroup/training_3"] = seven
    assert_same(read(path), made)


def test_three_formats_hold_the_same_jets(made, twin, tmp_path):
    pytest.importorskip("uproot")
    root = write_root(made, tmp_path / "ntuple_merged_9.root")
    of_root = convert([root], tmp_path / "a", jets_per_file=10, chunk=3)
    of_twin = convert([twin], tmp_path / "b", jets_per_file=10, chunk=25)
    assert [path.name for path in of_root] == ["newdata_0.h5", "newdata_1.h5", "newdata_2.h5"]
    for first, second in zip(of_root, of_twin, strict=True):
        with h5py.File(first) as one, h5py.File(second) as other:
            assert len(_datasets(one)) == 6
            for place in _datasets(one):
                np.testing.assert_array_equal(one[place][:], other[place][:])
    for jets in (read(root), read(twin), read(*of_root)):
        assert_same(jets, made)
        assert_equal_jets(jets, read(*of_twin, chunk=2))


def _datasets(file):
    found = []
    file.visititems(lambda name, node: found.append(name) if hasattr(node, "shape") else None)
    return found


def test_layout_is_that_of_the_authors(made, twin, tmp_path):
    (ours,) = convert([twin], tmp_path)
    theirs = write_originals(made, tmp_path / "theirs.h5")
    with h5py.File(ours) as one, h5py.File(theirs) as other:
        assert _datasets(one) == _datasets(other)
        for place in _datasets(one):
            assert one[place].shape == other[place].shape
            assert one[place].dtype == other[place].dtype == np.float32
            if place != "training_subgroup/training_0":
                np.testing.assert_array_equal(one[place][:], other[place][:])
        # What they got wrong: the first jet's features for every jet.
        wrong = other["training_subgroup/training_0"][:, :, 0]
        assert (wrong == made.scalars["jet"][0]).all()
        right = one["training_subgroup/training_0"][:, :, 0]
        np.testing.assert_array_equal(right, made.scalars["jet"])


def test_jets_come_in_the_order_of_the_sources(made, twin, tmp_path):
    other = make(7, seed=3)
    second = write_twin(other, tmp_path / "ntuple_merged_10.h5")
    paths = convert([twin, second], tmp_path / "out", split="test", jets_per_file=20)
    with h5py.File(paths[2]) as file:
        assert file["testing_subgroup/testing_2"].shape == (7, 30, 60)
    assert read_recipe(paths[1])["rows"] == [20, 25]
    assert_same(read(*paths[:2]), made)
    assert_same(read(paths[2]), other)


def test_as_many_jets_as_asked_for(made, twin, tmp_path):
    second = write_twin(make(7, seed=3), tmp_path / "ntuple_merged_10.h5")
    paths = convert([twin, second], tmp_path / "a", jets_per_file=10, max_jets=13)
    assert_same(read(*paths), made, slice(0, 13))
    assert len(read(*convert([twin, second], tmp_path / "b", max_jets=27))) == 27
    assert len(read(*convert([twin, second], tmp_path / "c", max_jets=1000))) == 32


def test_what_is_made_is_not_made_again(twin, tmp_path):
    paths = convert([twin], tmp_path, jets_per_file=10)
    kept = paths[0].read_bytes()
    paths[1].unlink()
    before = paths[0].stat().st_mtime_ns, paths[2].stat().st_mtime_ns
    assert convert([twin], tmp_path, jets_per_file=10) == paths
    assert (paths[0].stat().st_mtime_ns, paths[2].stat().st_mtime_ns) == before
    paths[0].unlink()
    convert([twin], tmp_path, jets_per_file=10)
    assert paths[0].read_bytes() == kept  # the same jets give the same bytes


def test_other_files_in_the_folder_are_not_taken_for_ours(made, twin, tmp_path):
    convert([twin], tmp_path)
    other = write_twin(make(25, seed=5), tmp_path / twin.name)
    for sources, options in [
        ([other], {}),
        ([twin], {"jets_per_file": 10}),
        ([twin], {"split": "test"}),
        ([twin], {"repair": True}),
    ]:
        with pytest.raises(BadInput, match=r"newdata_0\.h5 was made from other jets or is damaged"):
            convert(sources, tmp_path, **options)
    write_originals(made, tmp_path / "newdata_0.h5")
    with pytest.raises(BadInput, match="was made from other jets"):
        convert([twin], tmp_path)


def test_nothing_is_left_of_a_file_that_fails(made, tmp_path, monkeypatch):
    dz = np.zeros((25, 60))
    dz[20] = np.nan
    path = write_twin(made, tmp_path / "t.h5", columns={"track_dz": dz})
    folder = tmp_path / "out"
    said = r"track_dz is NaN or infinite 60 times \(first in jet 20\)"
    with pytest.raises(BadInput, match=said):
        convert([path], folder, jets_per_file=12, chunk=5)
    assert not folder.exists()  # it is among the jets that are looked at first
    with monkeypatch.context() as patch:
        patch.setattr("repro.data.hbb.convert._SOME", 2)
        with pytest.raises(BadInput, match=said):
            convert([path], folder, jets_per_file=12, chunk=5)
    assert [found.name for found in folder.iterdir()] == ["newdata_0.h5"]
    assert len(convert([path], tmp_path / "repaired", repair=True)) == 1
    path = write_twin(made, tmp_path / "t.h5", columns={"fj_z_ratio": np.full(25, np.inf)})
    with pytest.raises(BadInput, match="fj_z_ratio is NaN or infinite 25 times"):
        convert([path], tmp_path / "other")


def test_wrong_requests(twin, tmp_path):
    with pytest.raises(BadInput, match="no files to convert"):
        convert([], tmp_path)
    with pytest.raises(BadInput, match="at least one"):
        convert([twin], tmp_path, max_jets=0)
    with pytest.raises(BadInput, match="train or test, not 'validation'"):
        convert([twin], tmp_path, split="validation")
    with pytest.raises(BadInput, match="was to hold 3 jets and there are 0"):
        write_processed(tmp_path / "p.h5", 3, [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        ("target_subgroup/target", None, "has no target_subgroup/target"),
        ("training_subgroup/training_2", None, "has no training_subgroup/training_2"),
        ("spectator_subgroup/spectators", None, "has no spectator_subgroup/spectators"),
        ("training_subgroup/training_3", np.zeros((25, 14, 4), np.float32), r"not \(25, 14, 5\)"),
        ("training_subgroup/training_2", np.zeros((24, 30, 60), np.float32), r"not \(25, 30, 60\)"),
        ("training_subgroup/training_2", np.zeros((25, 30, 60), int), "of type int64, not float32"),
        ("target_subgroup/target", np.ones((25, 2), np.float32), "jets 0 to 24: the target of jet"),
        (
            "target_subgroup/target",
            np.zeros((25, 3), np.float32),
            r"shape \(25, 3\), not \(25, 2\)",
        ),
    ],
)
def test_damaged_arrays(made, tmp_path, place, change, said):
    path = write_originals(made, tmp_path / "p.h5")
    with h5py.File(path, "r+") as file:
        file.require_group("target_subgroup").attrs["kept"] = 1
        del file[place]
        if change is not None:
            file[place] = change
    with pytest.raises(BadInput, match=rf"p\.h5.*{said}"):
        read(path)


def test_opening_tells_what_a_file_is(twin, tmp_path):
    page = tmp_path / "ntuple_merged_0.root"
    page.write_text("\n<!DOCTYPE html><title>404</title>")
    with pytest.raises(BadInput, match="is a web page and no file of jets"):
        open_table(page)
    page.write_bytes(b"PK\x03\x04")
    with pytest.raises(BadInput, match="neither a ROOT nor an HDF5 file"):
        open_table(page)
    page.write_bytes(b"")
    with pytest.raises(BadInput, match="neither a ROOT nor an HDF5 file"):
        open_table(page)
    page.write_bytes(twin.read_bytes()[:1000])
    with pytest.raises(BadInput, match="truncated or no HDF5 file"):
        open_table(page)
    page.write_bytes(twin.read_bytes())  # the name does not matter
    assert len(open_table(page)) == 25
    with pytest.raises(BadInput, match="is a folder"):
        open_table(tmp_path)
    with pytest.raises(MissingData, match="is not there"):
        open_table(tmp_path / "absent.h5")


def test_a_file_of_the_same_name_that_differs_in_the_middle_is_other_jets(tmp_path):
    for name, value in (("a", 0.0), ("b", 1.0)):
        tracks, vertices, targets = jets_of_a_class_by_chance(260)
        tracks = tracks.copy()
        tracks[130, 3, 0] = value
        (tmp_path / name).mkdir()
        write_record(tmp_path / name / "newdata_0.h5", tracks, vertices, targets)
    out = tmp_path / "out.h5"
    assert convert_range(tmp_path / "a" / "newdata_0.h5", out) == (260, True)
    assert convert_range(tmp_path / "a" / "newdata_0.h5", out) == (260, False)
    with pytest.raises(BadInput, match="other jets"):
        convert_range(tmp_path / "b" / "newdata_0.h5", out)
