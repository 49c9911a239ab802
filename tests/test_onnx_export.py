"""ONNX files, run by ONNX Runtime, against the networks they were made of."""

import json
import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from toy_jets import jets_of

import repro
from repro.cli import main
from repro.errors import BadInput, NotAvailable
from repro.features.embedded import find_embedded, read_parts
from repro.features.registry import FAMILIES
from repro.models import onnx_export
from repro.models.onnx_export import export_onnx
from repro.models.padded import padded
from repro.models.scores import probability_of_top, score
from repro.models.tagger import load_tagger, predict_logits, untrained_tagger

runtime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

NAMES = ["topodnn", "topodnn:standardize_pt", "mbns:tau_x_1", "pfn:v4", "pfin:sum", "pfin:cat"]


@pytest.fixture(scope="module")
def jets():
    """Simulated jets, their subjettiness, and toy jets without and with all constituents."""
    (part,) = read_parts(find_embedded("matched", None), 30)
    toys = jets_of([0, 1, 2, 60, 200], 200)
    taus = np.concatenate([part.tau, np.full((len(toys), part.tau.shape[1]), 0.1, np.float32)])
    return np.concatenate([toys, part.jets.four_momenta]), taus


def inputs_for(tagger, jets):
    family = FAMILIES[tagger.card.family]
    return tagger.prepare(family.compute(*jets), family.features())


def run_file(path, rows):
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"inputs": rows})
    return found


def portable_logits(tagger, rows):
    return predict_logits(padded(tagger.network, portable=True), rows)


def assert_same_logits(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("name", NAMES)
def test_files_give_the_logits(name, jets, tmp_path):
    tagger = untrained_tagger(name)
    rows = inputs_for(tagger, jets)
    wanted = portable_logits(tagger, rows)
    export_onnx(tagger, tmp_path / "logits.onnx", probabilities=False)
    for batch in (slice(0, 1), slice(0, 7), slice(3, 4), slice(0, None)):
        found = run_file(tmp_path / "logits.onnx", rows[batch])
        assert found.dtype == rows.dtype
        assert_same_logits(found, wanted[batch])


@pytest.mark.parametrize("name", ["topodnn:v4", "mbns", "pfn", "pfin:cat"])
def test_authors_networks_score_the_same_in_onnx(fetch, name, jets, tmp_path):
    tagger = load_tagger(name, "authors", fetch)
    rows = inputs_for(tagger, jets)
    export_onnx(tagger, tmp_path / "p.onnx")
    found = run_file(tmp_path / "p.onnx", rows)
    wanted = probability_of_top(portable_logits(tagger, rows))
    assert found.shape == (len(rows),)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    # Quirk B17: of PFIN, torch's own cosines make other noise.
    slack = 0.03 if tagger.card.family == "pfin" else 1e-5
    np.testing.assert_allclose(found, score(tagger, rows), atol=slack)


def test_with_stable_masses_pfin_scores_the_same_in_onnx(fetch, jets, tmp_path):
    tagger = load_tagger("pfin:sum", "authors", fetch)
    tagger.network.stable_mass = True
    rows = inputs_for(tagger, jets)
    export_onnx(tagger, tmp_path / "p.onnx")
    wanted = probability_of_top(predict_logits(tagger.network, rows))
    np.testing.assert_allclose(run_file(tmp_path / "p.onnx", rows), wanted, atol=1e-5)


def test_files_say_what_they_are(fetch, tmp_path):
    tagger = load_tagger("topodnn:standardize_pt", "authors", fetch)
    export_onnx(tagger, tmp_path / "p.onnx")
    model = onnx.load(tmp_path / "p.onnx")
    onnx.checker.check_model(model, full_check=True)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["model"] == "topodnn:standardize_pt"
    assert said["output"] == "probability_of_top"
    assert said["repro_version"] == repro.__version__
    assert json.loads(said["weights_sha256"]) == [file.sha256 for file in tagger.weights]
    assert json.loads(said["input_columns"]) == list(FAMILIES["topodnn"].features())
    assert json.loads(said["standardised_columns"])[:2] == ["pt_0", "pt_1"]
    (given,) = model.graph.input
    first, second = given.type.tensor_type.shape.dim
    assert (given.name, first.dim_param, second.dim_value) == ("inputs", "jets", 90)


def test_columns_are_those_of_the_variant():
    said = onnx_export.describe(untrained_tagger("mbns:nojetpt"), "logits")
    assert "pT_J" not in json.loads(said["input_columns"])
    assert len(json.loads(said["input_columns"])) == 21


def test_files_name_no_place_on_disk(tmp_path):
    export_onnx(untrained_tagger("pfin"), tmp_path / "p.onnx")
    content = (tmp_path / "p.onnx").read_bytes()
    assert b".py" not in content
    assert repro.__path__[0].encode() not in content


def test_the_export_leaves_nothing_behind(tmp_path):
    """Neither tensors of the exporter in the caches, nor silence in the logs."""
    tagger = untrained_tagger("pfin")
    export_onnx(tagger, tmp_path / "p.onnx")
    assert logging.root.manager.disable == 0
    assert not tagger.network.training
    rows = np.zeros((2, 184), np.float32)
    rows[:, :6] = (0.5, 0, 0, 0.5, 0.1, 0)
    rows[:, -4:] = (500, 0, 0, 2)
    assert np.isfinite(predict_logits(tagger.network, rows)).all()


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot write"):
        export_onnx(untrained_tagger("topodnn:v4"), tmp_path / "file" / "p.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("missing", ["onnx", "onnxscript"])
def test_a_missing_extra_is_named(monkeypatch, missing, tmp_path):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(NotAvailable, match=rf"{missing} is not installed.*repro\[onnx\]"):
        export_onnx(untrained_tagger("topodnn:v4"), tmp_path / "p.onnx")
    assert not list(tmp_path.iterdir())


def test_command_line_writes_a_file(store, tmp_path):
    environment = {
        **os.environ,
        "REPRO_MIRROR": store.mirrors[0],
        "REPRO_CACHE": str(store.directory),
        "REPRO_OFFLINE": "1",
    }
    command = [
        sys.executable,
        "-m",
        "repro",
        "export",
        "topodnn:v4",
        "--logits",
        "--out",
        "v4.onnx",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "wrote v4.onnx: 90 inputs to logits"
    rows = np.random.default_rng(0).random((3, 90), np.float32)
    assert run_file(tmp_path / "v4.onnx", rows).shape == (3,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["topodnn:v99", "--out", "a.onnx"], "unknown variant"),
        (["top", "--out", "a.onnx"], "unknown model"),
        (["topodnn", "--out", "a.npy"], "ends in .onnx"),
        (["topodnn", "--corrected", "--out", "a.onnx"], "only PFIN"),
    ],
)
def test_command_line_refuses(monkeypatch, tmp_path, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.out == ""
    assert not list(tmp_path.iterdir())
