"""What compiling a network gives, and what is said where torch cannot compile."""

import json
import os
import shutil
import subprocess
import sys
from importlib import resources

import jsonschema
import numpy as np
import pytest
import torch
from site_hooks import hook

from repro.benchmarks.compiled import WAYS, CompiledSpeed, measure_compiled
from repro.benchmarks.machine import describe_machine
from repro.benchmarks.report import document, table
from repro.benchmarks.timing import Timing
from repro.errors import NotAvailable
from repro.models.compiling import compile_network
from repro.models.padded import padded
from repro.models.tagger import untrained_tagger

RATES = Timing((0.5, 0.25, 1.0)).rates(1000)


def bench(folder, *arguments, **more):
    """Run the command on few jets, with nothing compiled before."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REPRO_")},
        "REPRO_CACHE": str(folder / "cache"),
        "REPRO_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled"),
        **more,
    }
    command = [sys.executable, "-m", "repro", "bench", *arguments, "--only", "inputs"]
    command += ["--compile", "--jets", "60", "--repeats", "1", "--json"]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_network_gives_the_same_logits(tmp_path):
    done = bench(tmp_path, "topodnn:v4")
    assert (done.returncode, done.stderr) == (0, "")
    (entry,) = json.loads(done.stdout)["compiled"]
    assert (entry["model"], entry["way"], entry["jets"]) == ("topodnn:v4", "compiled", 60)
    assert entry["largest_difference"] < 1e-5
    assert entry["seconds_to_compile"] > 0
    rates = entry["jets_per_second"]["median"], entry["used_per_second"]["median"]
    assert entry["ratio"] == pytest.approx(rates[0] / rates[1])


@pytest.mark.slow
def test_without_a_compiler_it_is_one_line(tmp_path):
    missing = str(tmp_path / "no-compiler")
    done = bench(tmp_path, "topodnn:v4", CXX=missing, PATH=str(tmp_path))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "leave --compile out" in line
    assert not done.stdout


def stub(monkeypatch):
    """Compile nothing, and remember what was asked for."""
    asked = []

    def compile_none(network, mode):
        asked.append((type(network).__name__, mode))
        return network

    monkeypatch.setattr(torch, "compile", compile_none)
    return asked


def test_what_is_compiled_is_the_padded_network_in_the_authors_batch(monkeypatch):
    asked = stub(monkeypatch)
    tagger = untrained_tagger("pfn", 0)
    rows = np.random.default_rng(0).normal(size=(300, tagger.card.inputs)).astype(np.float32)
    (found,) = measure_compiled(tagger, rows, 2)
    assert asked == [(type(padded(tagger.network)).__name__, "default")]
    assert (found.jets, found.way) == (250, "compiled")
    assert found.largest_difference < 1e-5
    assert WAYS["graphs"] == "reduce-overhead"


class OutOfLuckError(RuntimeError):
    """As torch's compiler raises it."""

    __module__ = "torch._inductor.exc"


@pytest.mark.parametrize(("error", "wanted"), [(OutOfLuckError, NotAvailable), (RuntimeError,) * 2])
def test_only_errors_of_the_compiler_are_explained(monkeypatch, error, wanted):
    def fail(_):
        raise error("\n no g++ \n at line 3")

    monkeypatch.setattr(torch, "compile", lambda *_, **__: fail)
    run = compile_network(untrained_tagger("topodnn:v4", 0).network)
    with pytest.raises(wanted, match="no g\\+\\+") as raised:
        run(torch.zeros(1, 90))
    assert ("leave --compile out" in str(raised.value)) == (wanted is NotAvailable)


def test_tables_say_when_compiling_pays(tmp_path, monkeypatch):
    slow = Timing((1.0,)).rates(500)
    pays = CompiledSpeed("pfn:v4", "compiled", 250, RATES, slow, slow, 12.0, 1e-7)
    never = CompiledSpeed("in:baseline", "graphs", 128, slow, RATES, slow, 12.0, 1e-7)
    settings = {"data": "jets", "jets": 60, "explained": 4, "weights": "random", "seed": 0}
    found = document(
        describe_machine("cpu"), {**settings, "repeats": 3}, [], [], None, compiled=[pays, never]
    )
    schema = json.loads(resources.files("repro.benchmarks").joinpath("schema.json").read_text())
    jsonschema.validate(found, schema)
    assert pays.jets_to_pay == pytest.approx(12 / (1 / 500 - 1 / 2000))
    text = "\n".join(table(found))
    assert "8,000 jets" in text
    assert "never" in text
    tables = hook("benchmark_tables")
    monkeypatch.setattr(tables, "FOLDER", tmp_path)
    (tmp_path / "one.json").write_text(json.dumps(found), "utf-8")
    page = tables.on_page_markdown("<!-- benchmarks -->")
    assert "| graphs | `in:baseline` |" in page
    assert "8,000 jets" in page
