"""The page of benchmarks is made from their files."""

import json
from importlib import resources

import jsonschema
import pytest
from site_hooks import ROOT, hook

from repro.benchmarks.machine import describe_machine
from repro.benchmarks.methods import MethodSpeed
from repro.benchmarks.networks import NetworkSpeed
from repro.benchmarks.precisions import PrecisionSpeed
from repro.benchmarks.report import document
from repro.benchmarks.roofline import Device
from repro.benchmarks.timing import Timing

benchmark_tables = hook("benchmark_tables")
FILES = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))
SCHEMA = json.loads(resources.files("repro.benchmarks").joinpath("schema.json").read_text("utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_committed_benchmarks_have_the_form_that_the_schema_says(path):
    found = json.loads(path.read_text("utf-8"))
    jsonschema.validate(found, SCHEMA)
    assert not found["machine"]["commit"].endswith("-dirty")
    # Of all models, all methods that can explain them.
    models = {entry["model"].partition(":")[0] for entry in found["networks"]}
    assert models >= {"topodnn", "mbns", "pfn", "augpfn", "pfin", "in"}
    assert {entry["beside"] for entry in found["methods"]} >= {
        *("plain", "captum LRP", "captum FeatureAblation", "shap KernelExplainer")
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_compared_agrees(path):
    found = json.loads(path.read_text("utf-8"))
    for entry in (*found["networks"], *found["masks"]):
        assert entry["largest_difference"] is None or entry["largest_difference"] < 1e-4
    for entry in found["methods"]:
        if entry["beside"]:
            assert entry["largest_difference"] < 1e-3, entry


RATES = Timing((0.5, 0.25, 1.0)).rates(1000)


def a_document():
    """What a run would write, of one network, method and precision."""
    network = NetworkSpeed(
        *("pfn:v4", 300, 900.0, 250, {250: 100.0}, 1e-7, 2e6, 3e9, 6e9),
        spread={"jets_per_second": RATES, "plain": {"250": Timing((1.0,)).rates(9876)}},
    )
    method = MethodSpeed(
        *("lrp", "topodnn:v4", 64, 88, "captum LRP", RATES, Timing((1.0,)).rates(123456), 1e-7),
        options={"rule": "epsilon"},
    )
    alone = MethodSpeed("lrp", "in:baseline", 4, 12, reason="does not fit")
    lowered = PrecisionSpeed(
        *("pfn:v4", "bf16", 60, RATES, {"value": 97.531, "interval": [97.1, 97.9]}, 1e-3, RATES),
        *(None, 2e6, 1e6, Device(1e11, 1e10)),
    )
    used = {"data": "jets", "jets": 60, "explained": 4, "weights": "random", "seed": 0}
    about = {**describe_machine("cpu"), "load": 7.25}
    settings = {**used, "repeats": 3}
    found = document(
        about, settings, [network], [], 10**9, methods=[method, alone], precisions=[lowered]
    )
    jsonschema.validate(found, SCHEMA)
    return found


def test_the_page_shows_the_numbers_of_each_file(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark_tables, "FOLDER", tmp_path)
    assert "None has been" in benchmark_tables.on_page_markdown("<!-- benchmarks -->")
    (tmp_path / "other.json").write_text(json.dumps(a_document()), "utf-8")
    page = benchmark_tables.on_page_markdown("<!-- benchmarks -->")
    shown = ("2,000 [1,500, 3,000]", "9,876", "123,456", "97.531 [97.10, 97.90]", "a load of 7.25")
    for text in (*shown, "`lrp`, rule epsilon", "(benchmarks/other.json)"):
        assert text in page
    assert "- `lrp` of `in:baseline`: does not fit." in page
    assert "Jets: 4 (--explained), 64 of dense networks" in page
    assert "| `in:baseline` |" not in page
