"""The command ``score``: what it writes, what it prints, and what it refuses."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.torch import save_file
from test_features import SCALE, columns, momenta
from test_score_file import (
    EMPTY,
    FEW,
    MODELS,
    needs_fastjet,
    random_tagger,
    refuse_fastjet,
    some_jets,
)

from repro.cli import main
from repro.data import atomic
from repro.data.callbacks import silent
from repro.data.jets import Jets
from repro.data.tables import write_jets
from repro.features.embedded import find_embedded, read_parts
from repro.features.samples import read_topodnn_sample, stored_outputs
from repro.metrics import auc, rank_jets
from repro.models.embedded_weights import embedded_names
from repro.models.scores import score_jets
from repro.models.tagger import load_tagger
from repro.simulation import extras

SHIPPED = find_embedded("matched", None)
CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """An empty folder, cache and network; a file of jets, and weights for every model."""
    for name in os.environ:
        if name.startswith(("REPRO_", "ZENODO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    write_jets("jets.h5", [some_jets()])
    return tmp_path


@pytest.fixture
def mirrored(alone, monkeypatch, store):
    monkeypatch.setenv("REPRO_MIRROR", store.mirrors[0])
    monkeypatch.setenv("REPRO_CACHE", str(store.directory))
    return alone


@pytest.fixture
def without_fastjet(monkeypatch):
    refuse_fastjet(monkeypatch)
    yield
    extras.load_fastjet.cache_clear()


def weights_of(name):
    """Write the state dict of a network with seeded weights; return path and tagger."""
    tagger = random_tagger(name)
    path = Path("weights.safetensors")
    save_file({key: value.contiguous() for key, value in tagger.network.state_dict().items()}, path)
    return path, tagger


def call(capsys, *arguments):
    try:
        code = main(["score", *map(str, arguments)])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def assert_refused(outcome, message):
    code, out, err = outcome
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    assert message in err


# --- what it writes ----------------------------------------------------------------------------


@pytest.mark.parametrize("corrected", [[], ["--corrected"]])
@pytest.mark.parametrize("name", MODELS)
def test_scores_are_written_in_the_order_of_the_file(alone, capsys, name, corrected):
    needs_fastjet(name)
    path, tagger = weights_of(name)
    code, out, err = call(
        capsys, name, "jets.h5", "--out", "new/scores.npy", "--weights", path, *corrected
    )
    assert (code, err) == (0, "")
    scores = np.load(alone / "new" / "scores.npy", allow_pickle=False)
    assert scores.dtype == np.float32
    wanted = score_jets(tagger, some_jets().four_momenta, corrected=bool(corrected))
    np.testing.assert_array_equal(scores, wanted.astype(np.float32))
    undefined = FEW if name.startswith("mbns") and not corrected else EMPTY
    assert np.flatnonzero(np.isnan(scores)).tolist() == undefined
    assert out.endswith("wrote new/scores.npy\n")
    assert [p.name for p in (alone / "new").iterdir()] == ["scores.npy"]


@pytest.mark.usefixtures("alone")
def test_it_says_what_scored_what_and_how_well(capsys):
    pytest.importorskip("fastjet")
    path, _ = weights_of("mbns:OneLayer")
    _, out, _ = call(capsys, "mbns:OneLayer", "jets.h5", "--out", "s.npy", "--weights", path)
    lines = out.splitlines()
    assert lines[0] == "model: mbns:OneLayer"
    assert re.fullmatch(r"weights: path, weights\.safetensors, sha256 [0-9a-f]{12}", lines[1])
    assert lines[2] == "jets: 12 jets of jets.h5, 3 of them without a score"
    scores, labels = np.load("s.npy"), some_jets().labels
    known = np.isfinite(scores)
    area = 100 * auc(rank_jets(scores[known], labels[known]))
    top = labels[known].sum()
    assert lines[3].startswith(f"AUC (%): {area:.2f} [")
    assert lines[3].endswith(f"on {top} top and {known.sum() - top} QCD jets")
    assert lines[4:] == ["wrote s.npy"]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("jets", [1, 2, 3])
def test_without_jets_of_both_classes_there_is_no_auc(capsys, jets):
    path, _ = weights_of("topodnn")
    code, out, _ = call(
        capsys, "topodnn", "jets.h5", "--out", "s.npy", "--weights", path, "--jets", jets
    )
    assert code == 0
    assert "AUC: undefined, for it takes two jets of top and two QCD jets" in out
    assert f"jets: {jets} jets of jets.h5, none without a score" in out
    assert np.load("s.npy").shape == (jets,)


def test_in_a_process_of_its_own(alone):
    path, tagger = weights_of("topodnn:standardize_pt")
    arguments = ["score", "topodnn:standardize_pt", "jets.h5", "--out", "s.npy", "--weights", path]
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        cwd=alone,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    wanted = score_jets(tagger, some_jets().four_momenta)
    np.testing.assert_array_equal(np.load(alone / "s.npy"), wanted)


@pytest.mark.usefixtures("alone", "without_fastjet")
def test_packed_jets_need_no_fastjet(capsys):
    path, tagger = weights_of("mbns")
    code, _, _ = call(
        capsys, "mbns", SHIPPED, "--out", "s.npy", "--jets", 50, "--weights", path, "-q"
    )
    assert code == 0
    (part,) = read_parts(SHIPPED, 50)
    wanted = score_jets(tagger, part.jets.four_momenta, part.tau)
    np.testing.assert_allclose(np.load("s.npy"), wanted, **CLOSE)


@pytest.mark.parametrize("name", [name for name in embedded_names() if name[:3] != "in:"])
@pytest.mark.usefixtures("alone")
def test_the_shipped_weights_need_no_network(capsys, name):
    code, out, _ = call(
        capsys, name, SHIPPED, "--out", "s.npy", "--jets", 500, "--weights", "embedded"
    )
    assert code == 0
    assert "weights: embedded, embedded/" in out
    assert np.isfinite(np.load("s.npy")).mean() > 0.99


# --- the authors' weights ----------------------------------------------------------------------


@pytest.mark.usefixtures("mirrored")
def test_the_authors_outputs_come_back_from_four_momenta(capsys, fetch):
    """Golden: their 1000 preprocessed jets as four-momenta, and the outputs that they stored.

    Preprocessing moves a jet that is preprocessed already by nothing.  Left out are jets whose
    two leading constituents have nearly the same direction, which float32 turns by chance.
    """
    sample = read_topodnn_sample("fixtures", "test", None, fetch, silent)
    pt, eta, phi = columns(sample.inputs.astype(np.float64))
    jets = momenta(SCALE * pt, eta, phi).astype(np.float32)
    n = len(jets)
    zeros = np.zeros((n, 4), np.float32)
    write_jets("theirs.h5", [Jets(jets, sample.labels, zeros, np.zeros(n, np.int64))])
    code, out, _ = call(capsys, "topodnn", "theirs.h5", "--out", "s.npy")
    assert code == 0
    assert out.count("weights: authors, toptag/weights/TopoDNN/topodnnmodel/") == 2
    outputs, _ = stored_outputs(fetch)
    # Empty slots and the turn: where float32 decides nothing.
    decided = phi[:, 1] < -0.01
    assert decided.sum() > 800
    found, stored = np.load("s.npy")[decided], outputs[sample.rows][decided]
    np.testing.assert_allclose(found, stored, rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", ["topodnn:standardize_pt", "mbns", "pfn", "pfin:cat"])
@pytest.mark.usefixtures("mirrored")
def test_authors_weights_are_the_default(capsys, fetch, name):
    code, out, _ = call(capsys, name, SHIPPED, "--out", "s.npy", "--jets", 60)
    assert code == 0
    assert "weights: authors, toptag/weights/" in out
    (part,) = read_parts(SHIPPED, 60)
    wanted = score_jets(load_tagger(name, "authors", fetch), part.jets.four_momenta, part.tau)
    np.testing.assert_allclose(np.load("s.npy"), wanted, **CLOSE)


# --- what it refuses ---------------------------------------------------------------------------

REFUSED = {
    "": "required",
    "topodnn jets.h5": "--out",
    "resnet jets.h5 --out s.npy": "unknown model 'resnet'",
    "topodnn:v9 jets.h5 --out s.npy": "unknown variant 'topodnn:v9'",
    "topodnn nowhere.h5 --out s.npy": "nowhere.h5 is not there",
    "topodnn . --out s.npy": "is a folder",
    "topodnn text.h5 --out s.npy": "truncated or no HDF5 file",
    "topodnn truncated.h5 --out s.npy": "truncated or no HDF5 file",
    "topodnn other.h5 --out s.npy": "no table under the key",
    "topodnn columns.h5 --out s.npy": "no column 'PX_0'",
    "topodnn nan.h5 --out s.npy": "row 7 has NaN or infinite",
    "topodnn jets.h5 --out s.csv": "ends in .npy",
    "topodnn jets.h5 --out scores": "ends in .npy",
    "topodnn jets.npy --out jets.npy": "these are the jets",
    "topodnn jets.npy --out ./text/../jets.npy": "these are the jets",
    "topodnn jets.h5 --out folder.npy": "is a folder",
    "topodnn jets.h5 --out jets.h5/s.npy": "cannot write jets.h5/s.npy: Not a directory",
    "topodnn jets.h5 --out s.npy --jets 0": "no whole number from 1",
    "topodnn jets.h5 --out s.npy --device gpu": "unknown device 'gpu'",
    "topodnn jets.h5 --out s.npy --weights nowhere.pt": "no weights at nowhere.pt",
    "pfn jets.h5 --out s.npy --weights weights.safetensors": "do not fit pfn:baseline",
    "topodnn jets.h5 --out s.npy --weights authors": "REPRO_OFFLINE",
    "topodnn:standardize_pt jets.h5 --out s.npy --jets 1": "give 2 jets or more",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_it_cannot_do_is_one_line_and_nothing_is_written(alone, capsys, line):
    make_faulty_files()
    name = line.partition(" ")[0] or "topodnn"
    weights_of(name if name in MODELS and name != "pfn" else "topodnn")
    given = line.split()
    if given and "--weights" not in given:
        given += ["--weights", "weights.safetensors"]
    before = sorted(alone.rglob("*"))
    assert_refused(call(capsys, *given), REFUSED[line])
    assert sorted(p for p in alone.rglob("*") if "cache" not in p.parts) == before


def make_faulty_files():
    Path("folder.npy").mkdir()
    Path("text").mkdir()
    Path("text.h5").write_text("no jets here")
    Path("truncated.h5").write_bytes(Path("jets.h5").read_bytes()[:5000])
    Path("jets.npy").write_bytes(Path("jets.h5").read_bytes())
    with h5py.File("other.h5", "w") as file:
        file["jets"] = [1, 2, 3]
    content = Path("jets.h5").read_bytes()
    assert content.count(b"VPX_0\n") == 2
    Path("columns.h5").write_bytes(content.replace(b"VPX_0\n", b"VQX_0\n"))
    Path("nan.h5").write_bytes(content)
    with h5py.File("nan.h5", "r+") as file:
        rows = file["table/table"][:]
        rows["values_block_0"][7, 2] = np.nan
        file["table/table"][:] = rows


def test_a_failure_leaves_earlier_scores_as_they_are(alone, capsys):
    make_faulty_files()
    path, _ = weights_of("topodnn")
    (alone / "s.npy").write_bytes(b"earlier")
    before = sorted(alone.iterdir())
    assert_refused(call(capsys, "topodnn", "nan.h5", "--out", "s.npy", "--weights", path), "row 7")
    assert (alone / "s.npy").read_bytes() == b"earlier"
    assert sorted(alone.iterdir()) == before


@pytest.mark.usefixtures("alone", "without_fastjet")
def test_without_fastjet_it_says_how_to_get_it(capsys):
    path, _ = weights_of("mbns")
    outcome = call(capsys, "mbns", "jets.h5", "--out", "s.npy", "--weights", path)
    assert_refused(outcome, "pip install 'repro[simulate]'")
    assert not Path("s.npy").exists()


@pytest.mark.usefixtures("alone")
def test_a_folder_without_permission_is_refused_before_anything_is_computed(capsys, monkeypatch):
    path, _ = weights_of("topodnn")
    Path("locked").mkdir()

    def refuse(**_):
        raise PermissionError(errno.EACCES, "Permission denied")

    # Root may write everywhere.
    monkeypatch.setattr(atomic.tempfile, "TemporaryFile", refuse)
    outcome = call(capsys, "topodnn", "jets.h5", "--out", "locked/s.npy", "--weights", path)
    assert_refused(outcome, "Permission denied; choose another folder")


def test_help_says_that_jets_are_ordered_by_pt(capsys):
    code, out, err = call(capsys, "--help")
    assert (code, err) == (0, "")
    assert "usage: repro score" in out
    assert "ordered by pt" in " ".join(out.split())


def test_nothing_slow_is_imported_before_the_names_are_checked():
    script = (
        "import sys; from repro.cli import main\n"
        "assert main(['score', 'topodnn', 'jets.h5', '--out', 's.csv']) == 2\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
