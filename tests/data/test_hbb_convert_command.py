"""The command ``convert``: one file of a range, a folder of files, and what it refuses."""

import copy
from pathlib import Path

import h5py
import numpy as np
import pytest
from faulty_server import ranged
from hbb_commands import call, save, tagger_of
from hbb_files import assert_same, make, write_root, write_twin

from repro.cli import convert as command
from repro.data.hbb.branches import find_group
from repro.data.hbb.opening import open_table
from repro.data.record import SPLITS

pytest.importorskip("uproot")

N = 30
MADE = make(N, seed=4)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_root(MADE, folder / "jets.root")
    write_twin(MADE, folder / "twin.h5")
    return folder


def read(path):
    with open_table(path) as table:
        return table.read_jets(), table.split


@pytest.mark.parametrize("name", ["jets.root", "twin.h5"])
@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ([], slice(0, N)),
        (["--start", 7], slice(7, N)),
        (["--stop", 11], slice(0, 11)),
        (["--start", 7, "--stop", 11], slice(7, 11)),
        (["--start", 7, "--jets", 5], slice(7, 12)),
        (["--start", 7, "--jets", 500], slice(7, N)),
    ],
)
@pytest.mark.usefixtures("alone")
def test_the_file_has_the_jets_that_are_asked_for(capsys, name, options, rows):
    code, out, err = call(
        capsys, "convert", name, "--out", "new/some.h5", "--split", "test", *options
    )
    assert (code, err) == (0, "")
    jets, split = read("new/some.h5")
    assert_same(jets, MADE, rows)
    assert split == "test"
    assert out == f"wrote new/some.h5, {len(jets)} jets\n"
    assert [path.name for path in Path("new").iterdir()] == ["some.h5"]
    with h5py.File("new/some.h5") as file:  # each jet has its own features
        own = file["testing_subgroup/testing_0"][:, :, 0]
    np.testing.assert_array_equal(own, MADE.scalars["jet"][rows])


@pytest.mark.parametrize("name", ["jets.root", "twin.h5"])
@pytest.mark.usefixtures("alone")
def test_scores_of_a_file_and_of_what_is_made_of_it_are_equal(capsys, name):
    save(tagger_of("in"), "w.safetensors")
    assert call(capsys, "convert", name, "--out", "newdata.h5")[0] == 0
    found = []
    for file in (name, "newdata.h5"):
        given = ("score", "in", file, "--out", "s.npy", "--weights", "w.safetensors")
        code, out, _ = call(capsys, *given)
        assert code == 0
        found.append((np.load("s.npy"), out.replace(file, "FILE")))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]  # the same AUC, accuracy and unlabelled jets
    assert np.ptp(found[0][0]) > 0.01


@pytest.mark.parametrize("name", ["a.H5", "a.hdf5"])
@pytest.mark.usefixtures("alone")
def test_other_endings_of_hdf5_files_are_no_folders(capsys, name):
    assert call(capsys, "convert", "twin.h5", "--out", name, "--jets", 3)[0] == 0
    assert_same(read(name)[0], MADE, slice(0, 3))


@pytest.mark.usefixtures("alone")
def test_a_folder_gets_files_as_the_authors_converter_makes_them(capsys):
    other = write_twin(make(8, seed=5), "other.h5")
    code, out, err = call(capsys, "convert", "twin.h5", other, "--out", "folder", "--jets", 34)
    assert (code, err) == (0, "")
    assert out.split() == ["folder/newdata_0.h5", "folder/newdata_1.h5"]
    assert_same(read("folder/newdata_0.h5")[0], MADE)
    assert len(read("folder/newdata_1.h5")[0]) == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["jets.root", "twin.h5", "short.h5"], "short.h5 is truncated"),
        (["jets.root", "lacking.h5"], "lacking.h5 has no pfcand_erel"),
        (["jets.root", "nowhere.root"], "nowhere.root is not there"),
        (["jets.root", "twin.h5"], "newdata_1.h5 was made from other jets"),
        (["jets.root", "short.h5", "--jets", "3"], "short.h5 is truncated"),
    ],
)
@pytest.mark.usefixtures("alone")
def test_all_files_are_looked_at_before_any_is_written(capsys, given, said):
    make_faulty_files()
    if "made from" in said:
        call(capsys, "convert", "jets.root", "--out", "folder/newdata_1.h5", "--jets", 2)
    before = sorted(Path().rglob("*"))
    code, out, err = call(capsys, "convert", *given, "--out", "folder")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert sorted(Path().rglob("*")) == before


@pytest.mark.usefixtures("alone")
def test_what_is_made_is_not_made_again_nor_replaced_by_other_jets(capsys):
    assert call(capsys, "convert", "jets.root", "--out", "a.h5", "--jets", 9)[0] == 0
    content, time = Path("a.h5").read_bytes(), Path("a.h5").stat().st_mtime_ns
    code, out, _ = call(capsys, "convert", "jets.root", "--out", "a.h5", "--jets", 9)
    assert (code, out) == (0, "made before, of the same jets: a.h5, 9 jets\n")
    code, out, err = call(capsys, "convert", "jets.root", "--out", "a.h5", "--jets", 8)
    assert (code, out) == (2, "")
    assert "a.h5 was made from other jets or is damaged: remove it, or choose another place" in err
    assert (Path("a.h5").read_bytes(), Path("a.h5").stat().st_mtime_ns) == (content, time)
    changed = copy.deepcopy(MADE)
    changed.objects["tracks"][8][:1] *= 2
    Path("other").mkdir()
    write_root(changed, Path("other/jets.root"))
    assert call(capsys, "convert", "other/jets.root", "--out", "a.h5", "--jets", 9)[0] == 2
    assert (Path("a.h5").read_bytes(), Path("a.h5").stat().st_mtime_ns) == (content, time)
    Path("a.h5").unlink()
    call(capsys, "convert", "jets.root", "--out", "a.h5", "--jets", 9)
    assert Path("a.h5").read_bytes() == content


@pytest.mark.usefixtures("alone")
def test_what_is_no_number_is_refused_or_replaced(capsys):
    values = np.zeros((N, 60))
    values[20, 3] = np.inf
    write_twin(MADE, "inf.h5", columns={"track_normchi2": values})
    before = sorted(Path().iterdir())
    code, out, err = call(capsys, "convert", "inf.h5", "--out", "a.h5")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "track_normchi2 is NaN or infinite 1 time (first in jet 20)" in err
    assert "--repair" in err
    assert sorted(Path().iterdir()) == before
    assert call(capsys, "convert", "inf.h5", "--out", "a.h5", "--repair")[0] == 0
    column = find_group("tracks").branches.index("track_normchi2")
    assert read("a.h5")[0].tracks[20, column, 3] == 300
    # Jets before the fault are as they should be.
    assert call(capsys, "convert", "inf.h5", "--out", "b.h5", "--stop", 20)[0] == 0


@pytest.mark.usefixtures("alone")
def test_a_file_by_its_address(capsys, server, monkeypatch):
    pytest.importorskip("aiohttp")
    monkeypatch.delenv("REPRO_OFFLINE")
    server.files["jets.root"] = Path("jets.root").read_bytes()
    server.always = ranged
    address = f"{server.base}/jets.root"
    code, _, err = call(capsys, "convert", address, "--out", "a.h5", "--stop", 6)
    assert (code, err) == (0, "")
    assert_same(read("a.h5")[0], MADE, slice(0, 6))


REFUSED = {
    "": "required",
    "jets.root": "--out",
    "nowhere.root --out a.h5": "nowhere.root is not there",
    "text.root --out a.h5": "neither a ROOT nor an HDF5 file",
    "short.root --out a.h5": "short.root is truncated",
    "short.h5 --out a.h5": "short.h5 is truncated",
    "lacking.h5 --out a.h5": "lacking.h5 has no pfcand_erel: it needs the branches",
    "top.h5 --out a.h5": "holds no jets of record 12102",
    "twin.h5 --out twin.h5": "twin.h5 is the file that is converted: give another name",
    "twin.h5 --out linked.h5": "linked.h5 is the file that is converted: give another name",
    "jets.root --out twin.h5": "twin.h5 was made from other jets or is damaged: remove it",
    "jets.root twin.h5 --out a.h5": "one file is made of one; for several, give a folder",
    "jets.root --out folder.h5": "folder.h5 is a folder: give a file in it",
    "jets.root --out text.root": "text.root is no folder: give one",
    "jets.root --out text.root/a.h5": "cannot write",
    "jets.root --out folder --start 3": "--start and --stop are for one file",
    "jets.root --out a.h5 --start 30": "jets.root has 30 jets: from 30 to 30 there are none",
    "jets.root --out a.h5 --start 30 --jets 2": "jets.root has 30 jets: from 30 to 30",
    "jets.root --out a.h5 --start 9 --stop 9": "from 9 to 9 there are none",
    "jets.root --out a.h5 --stop 31": "jets.root has 30 jets: from 0 to 31 there are none, or not",
    "jets.root --out a.h5 --stop 3 --jets 4": "not allowed with argument",
    "jets.root --out a.h5 --jets 0": "no whole number from 1",
    "jets.root --out a.h5 --split val": "invalid choice: 'val'",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_it_cannot_do_is_one_line_and_nothing_is_written(alone, capsys, line):
    make_faulty_files()
    before = {path: path.read_bytes() for path in alone.rglob("*") if path.is_file()}
    code, out, err = call(capsys, "convert", *line.split())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    assert REFUSED[line] in err
    after = {path: path.read_bytes() for path in alone.rglob("*") if path.is_file()}
    assert after == before


def make_faulty_files():
    Path("text.root").write_text("no jets")
    Path("folder.h5").mkdir()
    for name in ("jets.root", "twin.h5"):
        content = Path(name).read_bytes()
        Path("short" + Path(name).suffix).write_bytes(content[: len(content) // 2])
    write_twin(MADE, "lacking.h5", skip=("pfcand_erel",))
    with h5py.File("top.h5", "w") as file:
        file["table/table"] = np.zeros(3)
    Path("linked.h5").symlink_to("twin.h5")


def test_the_choices_are_those_of_the_record():
    assert tuple(SPLITS) == command._SPLITS
