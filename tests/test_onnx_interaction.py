"""Interaction Networks as ONNX files: ours, and the one that its authors published."""

import json

import numpy as np
import pytest
import torch
from interaction_oracle import jets_with

from repro.cli import main
from repro.data.hbb.features import track_features
from repro.features.interaction import interaction_features, interaction_inputs
from repro.features.waves import wave_jets
from repro.models.interaction import kept_features
from repro.models.onnx_export import export_onnx
from repro.models.scores import probability_of_top, score
from repro.models.state import read_state
from repro.models.tagger import load_tagger, predict_logits, untrained_tagger

runtime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

VARIANTS = ["in", "in:psvfeaturesdropped_001_noTrackQ_hidden32_De8_Do8"]


def jets():
    """Filled jets, and some with padding in any slots."""
    some = wave_jets(), jets_with([0, 1, 30, 59, 60], [0, 5, 2, 1, 5], anywhere=True)
    return [np.concatenate(parts) for parts in zip(*some, strict=True)]


def run_file(path, *arrays):
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    (found,) = session.run(None, dict(zip(names, arrays, strict=True)))
    return found


def rows_of(tagger, tracks, vertices):
    return tagger.prepare(interaction_inputs(tracks, vertices), interaction_features())


@pytest.mark.parametrize("name", VARIANTS)
def test_files_give_the_logits(name, tmp_path):
    tagger = untrained_tagger(name)
    tracks, vertices = jets()
    kept = kept_features(tagger.card)
    seen = tracks[:, kept[0]], vertices[:, kept[1]]
    rows = rows_of(tagger, tracks, vertices)
    wanted = predict_logits(tagger.network, rows)
    export_onnx(tagger, tmp_path / "logits.onnx", probabilities=False)
    for batch in (slice(0, 1), slice(1, 4), slice(0, None)):
        found = run_file(tmp_path / "logits.onnx", *(part[batch] for part in seen))
        np.testing.assert_allclose(
            found, wanted[batch], rtol=1e-5, atol=1e-5 * np.abs(wanted).max()
        )


@pytest.mark.parametrize("name", ["in", "in:psvfeaturesdropped_005_noTrackQ"])
def test_authors_networks_score_the_same_in_onnx(fetch, name, tmp_path):
    """Claim C5, of our own export."""
    tagger = load_tagger(name, "authors", fetch)
    tracks, vertices = jets()
    export_onnx(tagger, tmp_path / "p.onnx")
    kept = kept_features(tagger.card)
    found = run_file(tmp_path / "p.onnx", tracks[:, kept[0]], vertices[:, kept[1]])
    np.testing.assert_allclose(found, score(tagger, rows_of(tagger, tracks, vertices)), atol=1e-5)


@pytest.mark.parametrize("probabilities", [True, False])
def test_files_say_what_they_are(tmp_path, probabilities):
    tagger = untrained_tagger("in:psvfeaturesdropped_0001_preload")
    export_onnx(tagger, tmp_path / "a.onnx", probabilities=probabilities)
    model = onnx.load(tmp_path / "a.onnx")
    onnx.checker.check_model(model, full_check=True)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(said["softmax"]) is probabilities
    assert said["output"] == ("probability_of_hbb" if probabilities else "logits")
    assert json.loads(said["features_of_tracks"]) == [
        feature.name for i, feature in enumerate(track_features()) if not 14 <= i <= 21
    ]
    assert len(json.loads(said["features_of_vertices"])) == 12
    shapes = {
        given.name: [axis.dim_param or axis.dim_value for axis in given.type.tensor_type.shape.dim]
        for given in model.graph.input
    }
    assert shapes == {"tracks": ["jets", 22, 60], "vertices": ["jets", 12, 5]}


def test_the_published_file_is_the_random_split_with_its_softmax(fetch):
    """Claim C5, of the authors' file; not the baseline, as its name might say."""
    path = fetch("hbb/weights/onnx_model/5_10_gnn_128.onnx")
    model = onnx.load(path)
    tensors = {entry.name: onnx.numpy_helper.to_array(entry) for entry in model.graph.initializer}
    tagger = load_tagger("in:random_split", "authors", fetch)
    state = read_state(fetch(tagger.card.authors[0]))
    for name, tensor in state.items():
        np.testing.assert_array_equal(tensors[name], tensor.numpy())
    assert [node.op_type for node in model.graph.node][-1] == "Softmax"
    tracks, vertices = wave_jets()
    logits = predict_logits(tagger.network, rows_of(tagger, tracks, vertices))
    wanted = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    for batch in (slice(0, 1), slice(0, None)):
        found = run_file(path, tracks[batch], vertices[batch])
        np.testing.assert_allclose(found, wanted[batch], atol=1e-5)
    np.testing.assert_allclose(probability_of_top(logits), wanted[:, 1], atol=1e-6)
    baseline = load_tagger("in", "authors", fetch).network
    other = predict_logits(baseline, rows_of(tagger, tracks, vertices))
    assert np.abs(probability_of_top(other) - wanted[:, 1]).max() > 0.1


def test_command_line_names_the_output(monkeypatch, tmp_path, capsys, store):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_MIRROR", store.mirrors[0])
    monkeypatch.setenv("REPRO_CACHE", str(store.directory))
    assert main(["export", "in:De8", "--out", "de8.onnx"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "wrote de8.onnx: 1870 inputs to probability_of_hbb"
