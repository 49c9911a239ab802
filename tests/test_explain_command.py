"""``repro explain``: rankings of a user's jets."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from repro.cli import main
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.features.embedded import SHIPPED

DOCS = Path(__file__).resolve().parent.parent / "docs" / "methods.md"


@pytest.fixture(scope="module")
def jets():
    return str(shipped_path(find_artifact(SHIPPED)))


def call(capsys, *arguments):
    try:
        code = main(["explain", *map(str, arguments), "--weights", "embedded"])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("method", "model"),
    [
        ("occlusion", "topodnn"),
        ("lrp", "mbns"),
        ("mad_relevance", "pfn:v4"),
        ("permutation", "pfin:sum"),
        ("integrated_gradients", "augpfn:v4_aug"),
        ("activation_patterns", "topodnn:v4"),
        ("correlation", "mbns"),
    ],
)
def test_features_are_ranked_and_written(capsys, jets, tmp_path, method, model):
    out = tmp_path / "new" / "ranking.json"
    code, printed, _ = call(capsys, method, model, jets, "--jets", 300, "--out", out, "-q")
    assert code == 0
    assert f"{method} of {model}" in printed
    assert "the first 300" in printed
    document = json.loads(out.read_text())
    assert document["method"] == method
    panel = next(iter(document["panels"].values()))
    assert len(panel["value"]) == len(document["names"])
    if (method, model) == ("occlusion", "topodnn"):
        assert document["names"][int(np.argmax(panel["value"]))] == "phi_1"


def test_the_table_says_which_places_a_feature_may_have(capsys, jets, tmp_path):
    out = tmp_path / "ranking.json"
    code, printed, _ = call(capsys, "lrp", "topodnn", jets, "--jets", 600, "--out", out, "-q")
    assert code == 0
    rows = re.findall(r"^  +(\d+) +(\w+) .* place (\d+)(?:-(\d+))?$", printed, re.MULTILINE)
    assert len(rows) == 40
    document = json.loads(out.read_text())
    for start, panel in ((0, "qcd"), (20, "top")):
        places = document["places"][panel]
        assert places["paired"] is True
        for label, name, first, last in rows[start : start + 20]:
            at = document["names"].index(name)
            assert (int(first), int(last or first)) == (places["first"][at], places["last"][at])
            assert int(label) == places["rank"][at]
    assert any(last for *_, last in rows)
    assert printed.count(f"and {len(document['names']) - 20} more: --out writes all") == 2
    assert "Layer-wise relevance propagation, mean" in printed
    assert "as if the errors" not in printed


def test_of_a_matrix_the_strongest_pairs_are_shown(capsys, jets, tmp_path):
    out = tmp_path / "matrix.json"
    given = ("correlation", "mbns", jets, "--jets", 60, "-q")
    code, printed, _ = call(capsys, *given)
    assert code == 0
    assert call(capsys, *given, "--out", out)[1] == f"{printed}wrote {out}\n"
    document = json.loads(out.read_text())
    row = re.compile(r"^  (\w+) – (\w+) +(\S+)  \[(\S+), (\S+)\]$", re.MULTILINE)
    names = document["names"]
    for panel, text in zip(
        ("qcd", "top"), printed.split("the pairs with the largest")[1:], strict=True
    ):
        matrix = np.array(document["panels"][panel]["value"], float)
        every = np.abs(matrix[np.triu_indices(len(names), 1)])
        found = row.findall(text)
        assert len(found) == 20
        for first, second, value, low, high in found:
            entry = matrix[names.index(first), names.index(second)]
            assert float(value) == pytest.approx(entry, rel=1e-3)
            assert float(low) <= float(value) <= float(high)
        sizes = [abs(float(entry[2])) for entry in found]
        np.testing.assert_allclose(sizes, np.sort(every[~np.isnan(every)])[::-1][:20], rtol=1e-3)
        assert f"and {(~np.isnan(every)).sum() - 20} more: --out writes all" in text


def test_a_matrix_has_no_places(capsys, jets, tmp_path):
    out = tmp_path / "matrix.json"
    call(capsys, "correlation", "mbns", jets, "--jets", 60, "--out", out, "-q")
    assert json.loads(out.read_text())["places"] == {}


def test_subjettiness_of_augpfn_is_ranked_beside_its_constituents(capsys, jets, tmp_path):
    out = tmp_path / "ranking.json"
    code, *_ = call(capsys, "occlusion", "augpfn:v4_aug", jets, "--jets", 300, "--out", out)
    assert code == 0
    document = json.loads(out.read_text())
    names = document["names"]
    assert len(names) == 97
    assert names[:3] == ["pt_0", "eta_0", "phi_0"]
    assert names[90:] == [f"tau_{n}_1" for n in range(1, 8)]
    # The network looks at them.
    drops = document["panels"]["all"]["value"][90:]
    assert max(map(abs, drops)) > 0
    assert None not in drops


def test_kernel_shap_says_what_its_background_does(capsys, jets, tmp_path):
    out = tmp_path / "found.json"
    few = ("kernel_shap", "mbns", jets, "--jets", 24, "--option", "nsamples=100", "--out", out)
    code, text, error = call(capsys, *few, "--option", "background_size=8")
    assert code == 0, error
    assert "Each jet meets 8 of 24 background jets, a draw of its own." in text
    assert "(--option background_size=24)" in text
    stated = json.loads(out.read_text())["details"]["background_error"]
    assert f"{stated['largest']:.1f} % at most" in text
    code, text, error = call(capsys, *few, "--option", "background_size=24")
    assert code == 0, error
    assert "Each jet meets all 24 background jets" in text
    assert "background_error" not in json.loads(out.read_text())["details"]


def test_options_of_a_method_are_given_by_name(capsys, jets, tmp_path):
    out = tmp_path / "lrp.json"
    chosen = ("--option", "rule=epsilon", "--option", "parameter=0.02", "--option", "biases=false")
    code, *_ = call(capsys, "lrp", "topodnn", jets, "--jets", 200, "--out", out, *chosen)
    assert code == 0
    settings = json.loads(out.read_text())["settings"]
    assert (settings["rule"], settings["parameter"], settings["biases"]) == ("epsilon", 0.02, False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("astrology", "topodnn", None), "unknown method 'astrology'"),
        (("lrp", "nothing", None), "unknown model 'nothing'"),
        (("lrp", "pfn", None), "the network is not dense"),
        (("lrp", "topodnn", None, "--option", "colour=red"), "lrp has no option 'colour'"),
        (("lrp", "topodnn", None, "--option", "colour"), "give NAME=VALUE"),
        (("lrp", "topodnn", None, "--out", "x.txt"), "give a name that ends in .json"),
        (("lrp", "topodnn", "nowhere.h5"), "nowhere.h5"),
    ],
)
def test_bad_input_is_one_line(capsys, jets, arguments, message):
    given = [jets if argument is None else argument for argument in arguments]
    code, out, err = call(capsys, *given, "--jets", 60)
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1, err
    assert out == ""


def test_the_example_for_a_network_of_ones_own_runs(tmp_path, monkeypatch):
    """The code of the documentation, as it stands there."""
    text = DOCS.read_text("utf-8")
    code = re.search(r"## A network of your own.*?```python\n(.*?)```", text, re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "methods.md", "exec"), names)
    assert names["found"].names == ("mass", "width", "count")
    assert names["found"].order("all")[0] == "mass"
