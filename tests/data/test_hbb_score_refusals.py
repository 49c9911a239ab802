"""The command ``score`` on files of record 12102: what it refuses, and what it repairs."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hbb_commands import MADE, N, call, scored, write_files
from hbb_files import make, write_root, write_twin
from interaction_oracle import random_state
from toy_jets import jets_of

from repro.data.jets import Jets
from repro.data.tables import write_jets
from repro.figures.context import Context

pytest.importorskip("uproot")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("files"))


REFUSED = {
    "in nowhere.root --out s.npy": "nowhere.root is not there",
    "in . --out s.npy": "is a folder",
    "in empty.h5 --out s.npy": "empty.h5 is neither a ROOT nor an HDF5 file",
    "in text.root --out s.npy": "text.root is neither a ROOT nor an HDF5 file",
    "in short.root --out s.npy": "short.root is truncated",
    "in short.h5 --out s.npy": "short.h5 is truncated",
    "in shortprocessed.h5 --out s.npy": "shortprocessed.h5 is truncated",
    "in lacking.root --out s.npy": "lacking.root has no track_dz: it needs",
    "in lacking.h5 --out s.npy": "lacking.h5 has no track_dz: it needs",
    "in lackingprocessed.h5 --out s.npy": "has no training_subgroup/training_3: it needs",
    "in nan.root --out s.npy": "nan.root: track_dz is NaN or infinite 1 time (first in jet 4)",
    "in nan.h5 --out s.npy": "nan.h5: track_dz is NaN or infinite 1 time (first in jet 4)",
    "in inf.h5 --out s.npy": "inf.h5: sv_mass is NaN or infinite 1 time (first in jet 6)",
    "in nojets.root --out s.npy": "nojets.root holds no jets",
    "in nojets.h5 --out s.npy": "nojets.h5 holds no jets",
    "in top.h5 --out s.npy": "top.h5 has jets with constituents, not the tracks and vertices",
    "topodnn jets.root --out s.npy": "has the tracks and vertices of record 12102, not jets",
    "topodnn twin.h5 --out s.npy": "has the tracks and vertices of record 12102, not jets",
    "pfin:sum processed.h5 --out s.npy": "not jets with constituents: take the model in or an item",
    "topodnn https://127.0.0.1/top.h5 --out s.npy": "is an address: fetch the file",
    "in https://127.0.0.1/jets.root --out s.npy": "REPRO_OFFLINE is set",
    "in root://127.0.0.1//jets.root --out s.npy": "give the one that begins with https://",
    "in:none jets.root --out s.npy": "unknown variant 'in:none'",
    "in jets.root --out s.npy --corrected": "--corrected has no meaning for in:baseline: its",
    "in jets.root --out s.npy --unlabelled signal": "invalid choice: 'signal'",
    "topodnn top.h5 --out s.npy --unlabelled removed": "--unlabelled has no meaning for topodnn",
    "topodnn top.h5 --out s.npy --repair": "--repair has no meaning for topodnn:baseline",
    "in:De8 jets.root --out s.npy": "do not fit in:De8",
    "in jets.root --out s.npy --weights authors": "REPRO_OFFLINE",
    "in jets.root --out s.csv": "ends in .npy",
    "in jets.npy --out jets.npy": "these are the jets",
    "in jets.root --out s.npy --jets 0": "no whole number from 1",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_it_cannot_do_is_one_line_and_nothing_is_written(alone, capsys, line):
    name = line.split()[1].split("/")[-1]
    if name in FAULTY:
        FAULTY[name]()
    given = line.split()
    if "--weights" not in given:
        given += ["--weights", "weights.safetensors"]
    before = sorted(alone.rglob("*"))
    code, out, err = call(capsys, "score", *given)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    assert REFUSED[line] in err
    assert sorted(alone.rglob("*")) == before


OF_THE_RECORD = "processed.h5 has the tracks and vertices of record 12102, not jets with"
OF_CONSTITUENTS = "top.h5 has jets with constituents, not the tracks and vertices of record 12102"
OTHER_JETS = {
    "fig 5 --weights embedded --data processed.h5": OF_THE_RECORD,
    "table 6 --weights embedded --data processed.h5": OF_THE_RECORD,
    "train topodnn --data processed.h5 --out run": OF_THE_RECORD,
    "bench topodnn:v4 --data processed.h5": OF_THE_RECORD,
    "explain occlusion topodnn:v4 processed.h5 --weights embedded": OF_THE_RECORD,
    "fig 5 --paper hbb --weights embedded --data top.h5": OF_CONSTITUENTS,
    "train in --data top.h5 --out run": OF_CONSTITUENTS,
    "explain occlusion in top.h5 --weights embedded": OF_CONSTITUENTS,
    "convert top.h5 --out other.h5": OF_CONSTITUENTS,
}


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("line", OTHER_JETS)
def test_every_command_says_that_a_file_has_jets_of_the_other_kind(capsys, line):
    write_top()
    code, out, err = call(capsys, *line.split(), "--quiet")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    assert OTHER_JETS[line] in err


@pytest.mark.usefixtures("alone")
def test_other_files_are_not_taken_for_those_of_the_record(capsys):
    """A text that begins as ROOT does, and a table that is damaged."""
    Path("essay.h5").write_text("root of all evil")
    write_top()
    with h5py.File("top.h5", "r+") as file:
        del file["table/table"]
        file["target_subgroup"] = np.zeros(3)
    for name in ("essay.h5", "top.h5"):
        code, out, err = call(capsys, "fig", "5", "--weights", "embedded", "--data", name, "-q")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "record 12102" not in err


def cut(path, name):
    content = Path(path).read_bytes()
    Path(name).write_bytes(content[: len(content) * 2 // 3])


def without_vertices(path, name):
    Path(name).write_bytes(Path(path).read_bytes())
    with h5py.File(name, "r+") as file:
        del file["training_subgroup/training_3"]


def with_value(writer, path, branch, jet, value):
    other = make(N, seed=1, counts={"tracks": [4] * N, "vertices": [2] * N})
    group = "tracks" if branch.startswith("track") else "vertices"
    features = {"track_dz": 8, "sv_mass": 6}
    other.objects[group][jet][1, features[branch]] = value
    writer(other, path)


def write_top(path="top.h5"):
    jets = jets_of([5, 9], 20, seed=1)
    zeros = np.zeros((2, 4), np.float32)
    write_jets(path, [Jets(jets, np.arange(2), zeros, np.zeros(2, np.int64))])


def write_no_jets(path):
    with h5py.File("twin.h5") as source, h5py.File(path, "w") as file:
        for name, dataset in source.items():
            file[name] = dataset[:0]


def write_no_entries(path):
    import uproot

    with uproot.recreate(path) as file:
        file.mktree("deepntuplizer/tree", {"fj_pt": np.float32})


LACKING = {"skip": ("track_dz",)}
FAULTY = {
    "empty.h5": lambda: Path("empty.h5").write_bytes(b""),
    "text.root": lambda: Path("text.root").write_text("no jets"),
    "short.root": lambda: cut("jets.root", "short.root"),
    "short.h5": lambda: cut("twin.h5", "short.h5"),
    "shortprocessed.h5": lambda: cut("processed.h5", "shortprocessed.h5"),
    "lacking.root": lambda: write_root(MADE, "lacking.root", **LACKING),
    "lacking.h5": lambda: write_twin(MADE, "lacking.h5", **LACKING),
    "lackingprocessed.h5": lambda: without_vertices("processed.h5", "lackingprocessed.h5"),
    "nan.root": lambda: with_value(write_root, "nan.root", "track_dz", 4, np.nan),
    "nan.h5": lambda: with_value(write_twin, "nan.h5", "track_dz", 4, np.nan),
    "inf.h5": lambda: with_value(write_twin, "inf.h5", "sv_mass", 6, np.inf),
    "nojets.root": lambda: write_no_entries("nojets.root"),
    "nojets.h5": lambda: write_no_jets("nojets.h5"),
    "top.h5": write_top,
    "jets.npy": lambda: write_twin(MADE, "jets.npy"),
}


@pytest.mark.usefixtures("alone")
def test_what_is_no_number_is_replaced_if_asked_for(capsys):
    with_value(write_twin, "nan.h5", "track_dz", 4, np.nan)
    with_value(write_twin, "zero.h5", "track_dz", 4, 0)
    repaired, _ = scored(capsys, "nan.h5", "--repair")
    wanted, _ = scored(capsys, "zero.h5")
    np.testing.assert_array_equal(repaired, wanted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"De": 8}, "the metadata of baseline do not fit the weights: they ask for a tensor fr3"),
        ({"drop_pfeatures": "2,8"}, "do not fit the weights"),
        ({"label": "De16"}, "describes De16, not in:baseline"),
        ({"hidden": None}, "cannot be read as metadata"),
    ],
)
@pytest.mark.usefixtures("alone")
def test_metadata_that_do_not_fit_are_refused(capsys, monkeypatch, change, message):
    described = {"label": "baseline", "hidden": 60, "De": 20, "Do": 24, "vv_branch": 0}
    described |= {"drop_pfeatures": "", "drop_svfeatures": "", "batch_size": 128, "epoch": 9}
    torch.save(random_state(), "theirs.pth")

    def fetch(self, artifact_id):  # noqa: ARG001
        return Path("theirs.pth" if artifact_id.endswith(".pth") else "metadata.json")

    monkeypatch.setattr(Context, "fetch", fetch)
    Path("metadata.json").write_text(json.dumps(described), "utf-8")
    code, out, err = call(
        capsys, "score", "in", "jets.root", "--out", "s.npy", "--weights", "authors", "--jets", 3
    )
    assert (code, err) == (0, ""), out  # they fit as they are
    Path("s.npy").unlink()
    Path("metadata.json").write_text(json.dumps(described | change), "utf-8")
    code, out, err = call(
        capsys, "score", "in", "jets.root", "--out", "s.npy", "--weights", "authors"
    )
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not Path("s.npy").exists()
