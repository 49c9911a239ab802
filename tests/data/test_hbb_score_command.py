"""The command ``score`` on files of record 12102: what it writes, says and refuses."""

import re
from pathlib import Path

import numpy as np
import pytest
from faulty_server import ranged
from hbb_commands import EMPTY, MADE, N, scored, tagger_of, write_files
from hbb_files import make, write_root, write_twin
from interaction_oracle import jets_with, oracle
from scipy.special import expit

from repro.cli import options
from repro.data.hbb.jets import HbbJets
from repro.data.hbb.labels import UNLABELLED
from repro.data.hbb.processed import write_processed
from repro.features.interaction import interaction_features, interaction_inputs
from repro.metrics import auc, rank_jets
from repro.metrics.unlabelled import right_decisions
from repro.models.cards import load_cards
from repro.models.interaction import kept_features
from repro.models.scores import score_tracks
from repro.models.state import read_state
from repro.models.tagger import load_tagger, predict_logits
from repro.models.track_scoring import score_tracks_of_file

pytest.importorskip("uproot")

LABELS = list(load_cards("in"))
# Sums in batches of other sizes are rounded otherwise.
CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture
def made():
    return MADE


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("files"))


@pytest.fixture
def authors(mirror, monkeypatch, tmp_path):
    """An empty folder, and the authors' weights at hand."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    monkeypatch.setenv("REPRO_MIRROR", str(mirror))
    return mirror


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
