"""The command ``explain`` on files of record 12102."""

import json

import numpy as np
import pytest
from hbb_commands import save, tagger_of
from hbb_files import make, write_root, write_twin
from sklearn.metrics import roc_auc_score
from toy_jets import jets_of

from repro.cli import main
from repro.data.hbb.features import track_features, vertex_features
from repro.data.jets import Jets
from repro.data.tables import write_jets
from repro.models.scores import score_tracks

pytest.importorskip("uproot")

N = 60
MADE = make(N, seed=2)
FEATURES = [f.name for f in (*track_features(), *vertex_features())]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_root(MADE, folder / "jets.root")
    write_twin(MADE, folder / "twin.h5")
    for name in ("baseline", "pfeaturesdropped_100"):
        save(tagger_of(f"in:{name}"), folder / f"{name}.safetensors")
    return folder


def explain(capsys, folder, method, *options, name="baseline", file="jets.root"):
    line = [method, f"in:{name}", str(folder / file), "--out", str(folder / "found.json"), "-q"]
    weights = ["--weights", str(folder / f"{name}.safetensors"), "--device", "cpu"]
    code = main(["explain", *line, *weights, *map(str, options)])
    return code, *capsys.readouterr()


def labels():
    return MADE.scalars["flags"][:, 2].astype(int)


@pytest.mark.parametrize("file", ["jets.root", "twin.h5"])
def test_features_are_masked_with_zero_for_all_tracks_as_published(capsys, folder, file):
    code, out, _ = explain(capsys, folder, "occlusion", file=file)
    assert code == 0
    assert "(replacement zero)" in out
    found = json.loads((folder / "found.json").read_text())
    assert found["names"] == FEATURES
    tracks, vertices = MADE.padded("tracks"), MADE.padded("vertices")
    whole = score_tracks(tagger_of(), tracks, vertices)
    assert found["details"]["auc"] == pytest.approx(100 * roc_auc_score(labels(), whole))
    for feature in (0, 13, 29, 30, 43):
        changed = [tracks.copy(), vertices.copy()]
        changed[feature >= 30][:, feature % 30] = 0
        scores = score_tracks(tagger_of(), *changed)
        drop = 100 * (roc_auc_score(labels(), whole) - roc_auc_score(labels(), scores))
        assert found["panels"]["all"]["value"][feature] == pytest.approx(drop)
        alike = 100 * (1 - np.abs(scores - whole).mean())
        assert found["details"]["fidelity"]["value"][feature] == pytest.approx(alike, rel=1e-5)


def test_a_variant_has_the_features_that_it_sees(capsys, folder):
    code, *_ = explain(capsys, folder, "permutation", name="pfeaturesdropped_100")
    assert code == 0
    found = json.loads((folder / "found.json").read_text())
    kept = [FEATURES[i] for i in (4, 6, 7, 13, 22)]
    assert found["names"] == [*kept, *FEATURES[30:]]
    assert found["weights"][0]["model"] == "in:pfeaturesdropped_100"


@pytest.mark.parametrize("rule", ["gamma", "gamma_constant", "gamma_signed"])
def test_relevance_has_the_settings_of_its_study(capsys, folder, rule):
    code, *_ = explain(capsys, folder, "lrp", "--option", f"rule={rule}")
    assert code == 0
    found = json.loads((folder / "found.json").read_text())
    assert set(found["panels"]) == {"qcd", "hbb"}
    chosen = {k: found["settings"][k] for k in ("rule", "biases", "outliers", "signed")}
    assert chosen == {"rule": rule, "biases": False, "outliers": "kept", "signed": True}


def test_activity_can_leave_padding_out(capsys, folder):
    means = []
    for padding in ("true", "false"):
        code, *_ = explain(capsys, folder, "activation_patterns", "--option", f"padding={padding}")
        assert code == 0
        means.append(json.loads((folder / "found.json").read_text())["panels"]["hbb"]["value"])
    assert len(means[0]) == 424
    assert means[0] != means[1]


def test_methods_of_single_columns_and_other_files_are_one_line(capsys, folder):
    zeros = np.zeros((2, 4), np.float32)
    write_jets(
        folder / "top.h5",
        [Jets(jets_of([5, 9], 20, seed=1), np.arange(2), zeros, np.zeros(2, np.int64))],
    )
    for arguments, said in (
        *(
            ({"method": method}, "take up several: choose from activation_patterns")
            for method in ("mad_relevance", "correlation", "kernel_shap", "mean_behaviour")
        ),
        ({"method": "occlusion", "file": "top.h5"}, "has jets with constituents, not the tracks"),
        ({"method": "occlusion", "file": "none.root"}, "is not there"),
    ):
        code, out, err = explain(capsys, folder, **arguments)
        assert (code, out) == (2, "")
        assert said in err
        assert err.count("\n") == 1
    code, out, _ = explain(capsys, folder, "occlusion", "--unlabelled", "removed")
    unlabelled = int((MADE.scalars["flags"][:, :2].prod(axis=1) + labels() == 0).sum())
    assert (code, unlabelled > 0) == (0, True)
    assert f": {labels().sum()} H->bb and {N - labels().sum() - unlabelled} others, 0 of" in out
    broken = make(N, seed=2)
    broken.objects["tracks"][9][0, 3] = np.nan
    write_twin(broken, folder / "broken.h5")
    code, _, err = explain(capsys, folder, "occlusion", file="broken.h5")
    assert (code, "--repair" in err) == (2, True)
    assert explain(capsys, folder, "occlusion", "--repair", file="broken.h5")[0] == 0
    code, _, err = explain(capsys, folder, "occlusion", "--corrected")
    assert code == 2
    assert "--corrected has no meaning for in" in err


@pytest.mark.parametrize("name", ["auto", "embedded", "fixtures", "paper"])
def test_a_file_may_have_any_name(capsys, folder, monkeypatch, name):
    (folder / name).write_bytes((folder / "twin.h5").read_bytes())
    monkeypatch.chdir(folder)
    weights = ["--weights", "baseline.safetensors", "--device", "cpu", "--out", "named.json"]
    more = ["--jets", "50", "--unlabelled", "removed"]
    assert main(["explain", "lrp", "in:baseline", name, *weights, *more]) == 0
    assert f"jets of {name}" in capsys.readouterr().out
    found = json.loads((folder / "named.json").read_text())
    assert found["data"]["id"] == name
    assert found["data"]["selection"] == "first 50"
    assert found["data"]["jets"] < 50
    assert found["settings"]["unlabelled"] == "removed"
    assert found["settings"]["repair"] is False
