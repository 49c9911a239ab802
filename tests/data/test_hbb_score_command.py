"""The command ``score`` on files of record 12102: what it writes, says and refuses."""

import json
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from faulty_server import ranged
from hbb_files import make, write_originals, write_root, write_twin
from interaction_oracle import jets_with, oracle, random_state
from safetensors.torch import save_file
from scipy.special import expit
from toy_jets import jets_of

from repro.cli import main, options
from repro.data.hbb.jets import HbbJets
from repro.data.hbb.labels import UNLABELLED
from repro.data.hbb.processed import write_processed
from repro.data.jets import Jets
from repro.data.tables import write_jets
from repro.features.interaction import interaction_features, interaction_inputs
from repro.figures.context import Context
from repro.metrics import auc, rank_jets
from repro.metrics.unlabelled import right_decisions
from repro.models.cards import load_cards
from repro.models.interaction import kept_features
from repro.models.scores import score_tracks
from repro.models.state import read_state
from repro.models.tagger import load_tagger, predict_logits, untrained_tagger
from repro.models.track_scoring import score_tracks_of_file

pytest.importorskip("uproot")

LABELS = list(load_cards("in"))
N = 37
EMPTY = 5  # has neither tracks nor vertices
COUNTS = {
    "tracks": [0 if jet == EMPTY else 3 + jet for jet in range(N)],
    "vertices": [0 if jet == EMPTY else jet % 7 for jet in range(N)],
}
MADE = make(N, seed=1, counts=COUNTS)
# Sums in batches of other sizes are rounded otherwise.
CLOSE = {"rtol": 0, "atol": 1e-5}


def tagger_of(name="in:baseline"):
    """A network with seeded weights, for values as large as those of made-up jets."""
    tagger = untrained_tagger(name, 3)
    with torch.no_grad():
        tagger.network.classifier.weight.mul_(1e-3)
    return tagger


def save(tagger, path):
    state = {key: value.contiguous() for key, value in tagger.network.state_dict().items()}
    save_file(state, path)


@pytest.fixture
def made():
    return MADE


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of each format, and weights."""
    folder = tmp_path_factory.mktemp("files")
    write_root(MADE, folder / "jets.root")
    write_twin(MADE, folder / "twin.h5")
    write_originals(MADE, folder / "processed.h5")
    save(tagger_of(), folder / "weights.safetensors")
    return folder


@pytest.fixture
def alone(monkeypatch, tmp_path, files):
    """A folder with these files alone, and no network."""
    folder = tmp_path / "here"
    shutil.copytree(files, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    return folder


@pytest.fixture
def authors(mirror, monkeypatch, tmp_path):
    """An empty folder, and the authors' weights at hand."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    monkeypatch.setenv("REPRO_MIRROR", str(mirror))
    return mirror


def call(capsys, *arguments):
    try:
        code = main(["score", *map(str, arguments)])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def scored(capsys, file, *options, model="in"):
    given = [] if "--weights" in options else ["--weights", "weights.safetensors"]
    code, out, err = call(capsys, model, file, "--out", "s.npy", *given, *options)
    assert (code, err) == (0, "")
    return np.load("s.npy", allow_pickle=False), out.splitlines()


def wanted_scores(made, tagger=None):
    return score_tracks(tagger or tagger_of(), made.padded("tracks"), made.padded("vertices"))


def labels_of(made):
    flags = made.scalars["flags"]
    return flags[:, 2], (flags[:, 0] * flags[:, 1] + flags[:, 2]) == 0


# --- what it writes and says -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["jets.root", "twin.h5", "processed.h5"])
@pytest.mark.usefixtures("alone")
def test_scores_are_those_of_the_arrays_in_the_order_of_the_file(capsys, made, name):
    scores, _ = scored(capsys, name)
    wanted = wanted_scores(made)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, wanted, **CLOSE)
    assert np.ptp(wanted) > 0.01  # or this test could not tell jets apart
    assert np.isfinite(scores[EMPTY])
    first, _ = scored(capsys, name, "--jets", 10)
    np.testing.assert_allclose(first, wanted[:10], **CLOSE)
    more, _ = scored(capsys, name, "--jets", 1000)
    assert len(more) == N


@pytest.mark.parametrize("policy", [None, "background", "removed"])
@pytest.mark.usefixtures("alone")
def test_unlabelled_jets_have_scores_and_count_as_is_said(capsys, made, policy):
    options = [] if policy is None else ["--unlabelled", policy]
    scores, lines = scored(capsys, "jets.root", *options)
    assert len(scores) == N
    labels, unlabelled = labels_of(made)
    assert 0 < unlabelled.sum() < N
    counted = ~unlabelled if policy == "removed" else np.ones(N, bool)
    treated = "left out of the AUC" if policy == "removed" else "background"
    area = 100 * auc(rank_jets(scores[counted], labels[counted]))
    signal = labels.sum()
    assert lines[0] == "model: in:baseline"
    assert re.fullmatch(r"weights: path, weights\.safetensors, sha256 [0-9a-f]{12}", lines[1])
    assert lines[2] == (
        f"jets: {N} jets of jets.root, {unlabelled.sum()} of them unlabelled ({treated})"
    )
    assert lines[3].startswith(f"AUC (%): {area:.2f} [")
    assert lines[3].endswith(f"on {signal} H->bb and {counted.sum() - signal} other jets")
    said = scores > 0.5
    column_of_qcd = (labels == 0) & ~unlabelled
    assert lines[4].startswith(f"accuracy at 0.5 (%): {100 * (said != column_of_qcd).mean():.2f} ")
    labelled = (said == labels)[~unlabelled].mean()
    assert lines[5] == f"accuracy at 0.5 (%): {100 * labelled:.2f} of labelled jets"
    assert lines[6:] == ["wrote s.npy"]


@pytest.mark.usefixtures("alone")
def test_both_conventions_give_other_numbers(capsys):
    """Or the test above could not tell them apart."""
    scores, background = scored(capsys, "jets.root")
    again, removed = scored(capsys, "jets.root", "--unlabelled", "removed")
    np.testing.assert_array_equal(scores, again)
    assert background[3].split("[")[0] != removed[3].split("[")[0]
    assert background[4].split()[4] != background[5].split()[4]
    assert background[4:] == removed[4:]


@pytest.mark.usefixtures("alone")
def test_files_without_a_class_or_without_labels_have_scores_and_no_auc(capsys):
    for flags in ([1, 1, 0], [0, 1, 0]):
        one = make(6, counts={"tracks": [2] * 6})
        one.scalars["flags"][:] = flags
        write_twin(one, "one.h5")
        scores, lines = scored(capsys, "one.h5", "--unlabelled", "removed")
        assert len(scores) == 6
        assert not any("AUC (%)" in line for line in lines)
        assert any("of labelled jets" in line for line in lines) == (flags[0] == 1)


@pytest.mark.usefixtures("alone")
def test_a_file_by_its_address(capsys, made, server, monkeypatch):
    pytest.importorskip("aiohttp")
    monkeypatch.delenv("REPRO_OFFLINE")
    server.files.update({name: Path(name).read_bytes() for name in ("jets.root", "twin.h5")})
    server.always = ranged
    for name in server.files:
        scores, lines = scored(capsys, f"{server.base}/{name}", "--jets", 20)
        np.testing.assert_allclose(scores, wanted_scores(made)[:20], **CLOSE)
        assert lines[2].startswith(f"jets: 20 jets of {name}, ")


def test_right_decisions_follow_their_definition():
    rng = np.random.default_rng(0)
    scores, labels = rng.random(500), rng.integers(0, 2, 500)
    scores[:20] = 0.5
    unlabelled = (labels == 0) & (rng.random(500) < 0.3)
    counted = {"background": [0, 0], "removed": [0, 0]}
    for score, label, without in zip(scores, labels, unlabelled, strict=True):
        target = [0, 0] if without else [1 - label, label]
        said = int(np.argmax([1 - score, score]))
        right = int((said == 0) == (target[0] == 1))
        counted["background"][0] += right
        counted["background"][1] += 1
        counted["removed"][0] += 0 if without else right
        counted["removed"][1] += 0 if without else 1
    found = right_decisions(scores, labels, unlabelled)
    assert found == {policy: tuple(pair) for policy, pair in counted.items()}


def test_the_choices_are_those_of_the_readers():
    assert options.UNLABELLED == UNLABELLED


# --- the same as of the whole ------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 7, 37])
@pytest.mark.usefixtures("alone")
def test_several_networks_in_one_pass_and_any_chunks(made, chunk):
    names = ["in:baseline", "in:pfeaturesdropped_100", "in:De8"]
    taggers = {name: tagger_of(name) for name in names}
    seen = []

    def progress(steps, label):
        for step in steps:
            seen.append((step, label))
            yield step

    found = score_tracks_of_file("processed.h5", taggers, chunk=chunk, progress=progress)
    labels, unlabelled = labels_of(made)
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_array_equal(found.unlabelled, unlabelled)
    for name, tagger in taggers.items():
        np.testing.assert_allclose(found.scores[name], wanted_scores(made, tagger), **CLOSE)
    assert seen == [(start, "scoring") for start in range(0, N, chunk)]


@pytest.mark.usefixtures("alone")
def test_no_more_than_a_chunk_is_read_at_once(monkeypatch):
    sizes = []
    read = HbbJets.__post_init__

    def spy(self):
        sizes.append(len(self.tracks))
        read(self)

    monkeypatch.setattr(HbbJets, "__post_init__", spy)
    score_tracks_of_file("jets.root", {"it": tagger_of()}, chunk=8, jets=20)
    assert sizes == [8, 8, 4]


# --- the authors' weights ----------------------------------------------------------------------

CORNERS = [(t, v) for t in (0, 1, 30, 60) for v in (0, 2, 5)]


def write_corners(path):
    """A processed file of jets with these numbers of tracks and vertices, in any slots."""
    filled = jets_with(*zip(*CORNERS, strict=True), seed=2, anywhere=True)
    tracks, vertices = (0.05 * part for part in filled)  # or most scores would be 0 or 1
    n = len(tracks)
    targets = np.array([[1, 0], [0, 1], [0, 0]], np.float32)[np.arange(n) % 3]
    part = {
        "jet": np.zeros((n, 27), np.float32),
        "candidates": np.zeros((n, 10, 100), np.float32),
        "tracks": tracks,
        "vertices": vertices,
        "spectators": np.zeros((n, 11), np.float32),
        "targets": targets,
    }
    write_processed(Path(path), n, [part])
    return tracks, vertices


@pytest.mark.parametrize("label", LABELS)
def test_scores_are_those_of_the_plain_computation(capsys, authors, label):
    tracks, vertices = write_corners("corners.h5")
    scores, lines = scored(capsys, "corners.h5", "--weights", "authors", model=f"in:{label}")
    card = load_cards("in")[label]
    assert lines[0] == f"model: in:{label}"
    assert lines[1].startswith(f"weights: authors, {card.authors[0]}, sha256 ")
    state = read_state(authors / card.authors[0])
    kept = kept_features(card)
    exact = {name: tensor.double() for name, tensor in state.items()}
    logits, _ = oracle(exact, tracks[:, kept[0]], vertices[:, kept[1]])
    logits = logits.numpy()
    wanted = expit(logits[:, 1] - logits[:, 0])
    assert ((wanted > 1e-4) & (wanted < 1 - 1e-4)).sum() >= 4  # or scores would say little
    np.testing.assert_allclose(scores, wanted, rtol=1e-4, atol=1e-30)  # below is no float32
    tagger = load_tagger(f"in:{label}", "authors", lambda pinned: authors / pinned)
    rows = tagger.prepare(interaction_inputs(tracks, vertices), interaction_features())
    difference = np.abs(predict_logits(tagger.network, rows) - logits).max(axis=1)
    assert (difference < 1e-5 * np.abs(logits).max(axis=1)).all()


@pytest.mark.usefixtures("authors")
def test_authors_weights_are_the_default(capsys, made):
    write_root(made, "jets.root")
    _, lines = scored(capsys, "jets.root", "--weights", "auto")
    assert lines[1].startswith("weights: authors, hbb/weights/gnn_baseline_best.pth")


# --- what it refuses ---------------------------------------------------------------------------

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
    "in top.h5 --out s.npy": "has jets with constituents, and in takes the tracks and vertices",
    "topodnn jets.root --out s.npy": "has the tracks and vertices of record 12102, and topodnn",
    "topodnn twin.h5 --out s.npy": "has the tracks and vertices of record 12102, and topodnn",
    "pfin:sum processed.h5 --out s.npy": "record 12102, and pfin:sum takes constituents: take in",
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
    "in jets.root --out s.npy --weights auto": "this version ships no others",
    "in jets.root --out s.npy --weights embedded": "ships no weights for in:baseline: use",
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
    code, out, err = call(capsys, *given)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    assert REFUSED[line] in err
    assert sorted(alone.rglob("*")) == before


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
        capsys, "in", "jets.root", "--out", "s.npy", "--weights", "authors", "--jets", 3
    )
    assert (code, err) == (0, ""), out  # they fit as they are
    Path("s.npy").unlink()
    Path("metadata.json").write_text(json.dumps(described | change), "utf-8")
    code, out, err = call(capsys, "in", "jets.root", "--out", "s.npy", "--weights", "authors")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not Path("s.npy").exists()
