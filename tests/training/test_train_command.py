"""``repro train`` as a user runs it."""

import csv
import json
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from trainings import write_jets

from repro.cli import main
from repro.models.scores import score_jets
from repro.models.tagger import load_tagger

JETS = 600


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    """A file with some of the shipped jets."""
    return write_jets(tmp_path_factory.mktemp("jets") / "jets.h5", JETS)


def arguments(jets, out, model="topodnn:v4", *more):
    fixed = ["--recipe", "embedded", "--device", "cpu", "-q"]
    return ["train", model, "--data", str(jets), "--out", str(out), *fixed, *map(str, more)]


def start(command):
    full = [sys.executable, "-m", "repro", *command]
    return subprocess.Popen(full, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def weights_of(out):
    return (out / "weights.safetensors").read_bytes()


@pytest.mark.parametrize(
    "model", ["topodnn:v4", "topodnn:standardize_pt", "mbns:OneLayer", "pfn:v4", "augpfn:v4_aug"]
)
def test_a_run_has_weights_history_curves_and_card(jets, tmp_path, capsys, model):
    out = tmp_path / "run"
    assert main(arguments(jets, out, model, "--epochs", 2, "--test", jets)) == 0
    assert f"wrote {out}" in capsys.readouterr().out
    assert (out / "curves.png").read_bytes()[:4] == b"\x89PNG"
    with (out / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    card = json.loads((out / "card.json").read_text())
    assert card["model"] == model
    assert card["training"]["recipe"]["epochs"] == 2
    assert card["training"]["data"]["simulation"] == {"made": "for a test"}
    assert set(card["metrics"]) == {"validation", "jets.h5"}
    tagger = load_tagger(model, str(out / "weights.safetensors"), fetch=None)
    assert tagger.weights[0].sha256 == card["weights"]["sha256"]
    with h5py.File(jets) as file:
        taus = file["tau"][:]
    from repro.data.open_jets import open_jets

    with open_jets(jets) as file:
        four_momenta = np.concatenate([part.four_momenta for part in file.iter_jets()])
        labels = np.concatenate([part.labels for part in file.iter_jets()])
    from sklearn.metrics import roc_auc_score

    scores = score_jets(tagger, four_momenta, taus)
    known = ~np.isnan(scores)
    found = card["metrics"]["jets.h5"]["auc"]["value"]
    assert found == pytest.approx(roc_auc_score(labels[known], scores[known]), abs=2e-6)
    low, high = card["metrics"]["jets.h5"]["auc"]["interval"]
    assert low < found < high


def test_the_same_command_gives_the_same_weights_and_a_finished_run_is_kept(jets, tmp_path):
    for name in ("one", "two", "one"):
        assert main(arguments(jets, tmp_path / name, "topodnn:v4", "--epochs", 2)) == 0
    assert weights_of(tmp_path / "one") == weights_of(tmp_path / "two")
    assert main(arguments(jets, tmp_path / "three", "topodnn:v4", "--epochs", 2, "--seed", 1)) == 0
    assert weights_of(tmp_path / "one") != weights_of(tmp_path / "three")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_ended_goes_on_to_the_same_weights(jets, tmp_path, number):
    more = ("mbns:OneLayer", "--epochs", 150)
    assert main(arguments(jets, tmp_path / "whole", *more)) == 0
    out = tmp_path / "ended"
    process = start(arguments(jets, out, *more))
    history = out / "history.csv"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if history.exists() and history.read_text().count("\n") > 3:
            break
        time.sleep(0.005)
    process.send_signal(number)
    process.communicate(timeout=60)
    if number == signal.SIGTERM:
        assert process.returncode == 130
    assert not (out / "weights.safetensors").exists()
    assert main(arguments(jets, out, *more)) == 0
    assert weights_of(out) == weights_of(tmp_path / "whole")


def test_preloading_begins_where_another_run_ended(jets, tmp_path):
    first = tmp_path / "first"
    assert main(arguments(jets, first, "topodnn:v4", "--epochs", 4)) == 0
    weights = first / "weights.safetensors"
    second = tmp_path / "second"
    more = ("topodnn:v3", "--epochs", 1, "--preload", weights)
    assert main(arguments(jets, second, *more)) == 0
    card = json.loads((second / "card.json").read_text())
    assert card["training"]["begun_with"]["model"] == "weights.safetensors"


def test_pfin_is_trained_on_the_masses_that_were_asked_for(jets, tmp_path, monkeypatch):
    from repro.models import pfin

    seen = []
    original = pfin.pair_features

    def spy(*arguments, stable_mass):
        seen.append(stable_mass)
        return original(*arguments, stable_mass=stable_mass)

    monkeypatch.setattr(pfin, "pair_features", spy)
    few = ("pfin:sum", "--epochs", 1, "--jets", 40)
    assert main(arguments(jets, tmp_path / "published", *few)) == 0
    assert set(seen) == {False}
    seen.clear()
    assert main(arguments(jets, tmp_path / "corrected", *few, "--corrected")) == 0
    assert set(seen) == {True}


def test_another_training_in_the_same_folder_is_refused(jets, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(arguments(jets, out, "topodnn:v4", "--epochs", 1)) == 0
    assert main(arguments(jets, out, "topodnn:v4", "--epochs", 2)) == 2
    assert "other settings (epochs): give another folder, or --restart" in capsys.readouterr().err
    assert main(arguments(jets, out, "topodnn:v4", "--epochs", 2, "--restart")) == 0


@pytest.mark.parametrize(
    ("model", "data", "more", "complaint"),
    [
        ("topodnn:v9", None, (), "unknown variant"),
        ("resnet", None, (), "unknown model"),
        ("topodnn", "nowhere.h5", (), "nowhere.h5"),
        ("topodnn", None, ("--learning-rate", "-1"), "above zero"),
        ("topodnn", None, ("--learning-rate", "1e30"), "lower --learning-rate"),
        ("topodnn", None, ("--preload", "nowhere.pt"), "no weights at nowhere.pt"),
        ("topodnn", None, ("--jets", "20"), "too few to set 10% aside"),
        ("topodnn", None, ("--jets", "3"), "fewer than two jets of a class"),
        ("topodnn", None, ("--data", "b.h5"), "--data: topodnn takes one file: give one"),
        ("topodnn", None, ("--device", "tpu"), "unknown device"),
        ("topodnn", None, ("--test", "nowhere.h5"), "nowhere.h5"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_weights(  # noqa: PLR0917
    jets, tmp_path, capsys, model, data, more, complaint
):
    code = main(arguments(data or jets, tmp_path / "run", model, *more))
    assert code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert complaint in error
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_folder_that_cannot_be_written_is_refused(jets, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(arguments(jets, tmp_path / "file" / "run")) == 2
    assert "choose another folder" in capsys.readouterr().err
