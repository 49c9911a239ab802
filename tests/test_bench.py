"""``repro bench``: what is counted, what is measured, and what is said of it."""

import dataclasses
import itertools
import json
import os
import subprocess
import sys
from importlib import resources

import jsonschema
import numpy as np
import pytest
import torch
from toy_jets import jets_of

from repro.benchmarks import machine, timing
from repro.benchmarks.artificial import ARTIFICIAL, artificial_jets, iter_artificial_inputs
from repro.benchmarks.features import Measured, count_jets, iter_jets, measure_features
from repro.benchmarks.masks import measure_masks
from repro.benchmarks.networks import (
    AUTHORS_BATCH,
    DEFAULT_MODELS,
    NetworkSpeed,
    iter_inputs_of_tagger,
    measure_network,
)
from repro.benchmarks.products import (
    Product,
    count_operations,
    matrix_products,
    multiplication_rate,
)
from repro.benchmarks.rates import rate_of
from repro.benchmarks.report import document, table
from repro.cli import main
from repro.data.jets import Jets
from repro.data.table_writer import write_jets
from repro.errors import BadInput, MissingData, NotAvailable
from repro.features.embedded import find_embedded
from repro.features.registry import FAMILIES
from repro.models.padded import padded
from repro.models.tagger import untrained_tagger

COUNTS = np.array([0, 1, 2, 8, 8, 59, 60, 61, 200])
PLAIN = {4: 300.0, AUTHORS_BATCH: 100.0}
SPREAD = {
    "jets_per_second": timing.Timing((1 / 3,)).rates(300),
    "plain": {str(batch): timing.Timing((1.0,)).rates(rate) for batch, rate in PLAIN.items()},
}
FAKE = NetworkSpeed("pfn:v4", 300, 900.0, 250, PLAIN, 1e-7, 2e6, 3e9, 6e9, spread=SPREAD)


@pytest.fixture(scope="module")
def toys():
    return Measured(jets_of(COUNTS, 200), None)


def dense(*sizes):
    """Return the operations of dense layers on one row."""
    return sum(2 * inner * columns for inner, columns in itertools.pairwise(sizes))


def inputs_of_tagger(tagger, measured):
    (rows,) = iter_inputs_of_tagger(tagger, [measured])
    return rows


def operations_of(name, measured):
    tagger = untrained_tagger(name, 0)
    return count_operations(matrix_products(tagger.network, inputs_of_tagger(tagger, measured)))


def test_operations_of_pfn_are_those_of_its_filled_slots(toys):
    wanted = COUNTS.sum() * dense(3, 100, 100, 256) + len(COUNTS) * dense(256, 100, 100, 100, 2)
    assert operations_of("pfn", toys) == wanted


@pytest.mark.parametrize(("name", "latents"), [("pfin:sum", 64), ("pfin:cat", 128)])
def test_operations_of_pfin_are_those_of_its_constituents_and_pairs(toys, name, latents):
    leading = COUNTS.clip(max=60)
    pairs = (leading * (leading - 1) // 2).sum()
    wanted = leading.sum() * (dense(3, 100, 100, 64) + dense(67, 128, 128, 64))
    wanted += pairs * dense(4, 128, 128, 64) + len(COUNTS) * dense(latents, 64, 100, 100, 2)
    assert operations_of(name, toys) == wanted


def test_operations_of_dense_networks(toys):
    assert operations_of("topodnn", toys) == len(COUNTS) * dense(90, 300, 102, 12, 6, 1)
    known = Measured(toys.four_momenta, np.full((len(COUNTS), 24), 0.1))
    assert operations_of("mbns", known) == len(COUNTS) * dense(22, 200, 200, 50, 50, 2)


def test_counting_leaves_no_hooks(toys):
    tagger = untrained_tagger("pfn:v4", 0)
    rows = inputs_of_tagger(tagger, toys)
    assert matrix_products(tagger.network, rows) == matrix_products(tagger.network, rows)
    assert not any(module._forward_hooks for module in tagger.network.modules())


def test_operations_of_the_interaction_network_are_those_of_different_edges():
    tagger = untrained_tagger("in", 0)
    (rows,) = iter_artificial_inputs(tagger, 20)
    tracks, vertices = tagger.network.split(torch.from_numpy(rows))
    different = ((tracks != 0).any(1).sum(1) + 1).clamp(max=60)
    # First layers are products of the slots at the two ends, not of edges.
    wanted = (different**2 + 5 * different).sum() * dense(60, 60, 20)
    wanted += different.sum() * (3 * dense(30, 60) + dense(70, 60, 60, 24))
    wanted += 20 * (5 * dense(14, 60) + dense(24, 2))
    assert vertices.shape == (20, 14, 5)
    assert count_operations(matrix_products(tagger.network, rows)) == wanted


def test_artificial_jets_have_a_seed_and_realistic_numbers():
    first, same, other = (artificial_jets(300, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0], same[0])
    assert not np.array_equal(first[0], other[0])
    tracks, vertices = (part.any(axis=1).sum(axis=1) for part in first)
    assert (tracks.mean(), tracks.std()) == pytest.approx((30, 10), abs=2)
    assert (vertices.mean(), vertices.std()) == pytest.approx((2.5, 1.1), abs=0.2)


def test_artificial_inputs_come_in_parts(monkeypatch):
    monkeypatch.setattr("repro.benchmarks.artificial._PART", 7)
    tagger = untrained_tagger("in:pfeaturesdropped_100", 0)
    parts = list(iter_artificial_inputs(tagger, 16))
    assert [part.shape for part in parts] == [(7, 370), (7, 370), (2, 370)]


def test_the_interaction_network_is_measured_beside_all_of_its_edges():
    """In the authors' batches; how much faster it is, a busy machine cannot tell for sure."""
    tagger = untrained_tagger("in", 0)
    (rows,) = iter_artificial_inputs(tagger, 64)
    found = measure_network(tagger, [rows], 1)
    assert found.authors_batch == 128
    assert set(found.plain) == {4, 16, 64, 128}
    assert found.largest_difference < 1e-5
    assert found.ratio == found.jets_per_second / found.plain[128]
    ours, plain = (
        count_operations(matrix_products(network, rows))
        for network in (tagger.network, padded(tagger.network))
    )
    assert plain > 5 * ours


def test_products_are_counted_by_how_their_matrices_lie():
    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 4)

        def forward(self, inputs):
            columns = torch.addmm(
                self.layer.bias[:, None], self.layer.weight, inputs.T.contiguous()
            )
            out = torch.empty(4, len(inputs))
            torch.mm(self.layer.weight, inputs.T.contiguous(), out=out)
            return self.layer(inputs[:, None])[:, 0] + columns.T + out.T

    assert matrix_products(Both(), np.zeros((5, 3), np.float32)) == {
        Product(5, 3, 4): 1,
        Product(4, 3, 5, by_columns=False): 2,
    }


def test_jets_without_inputs_are_left_out(toys):
    taus = np.full((len(COUNTS), 24), 0.1)
    taus[2] = np.nan
    tagger = untrained_tagger("mbns", 0)
    rows = inputs_of_tagger(tagger, Measured(toys.four_momenta, taus))
    assert rows.shape == (len(COUNTS) - 1, 22)
    assert rows.dtype == np.float64
    with pytest.raises(BadInput, match="none of these jets"):
        inputs_of_tagger(tagger, Measured(toys.four_momenta, taus * np.nan))


def test_random_weights_have_a_seed():
    first, same, other = (untrained_tagger("pfn:v4", seed).network for seed in (1, 1, 2))
    for one, two, three in zip(*(n.parameters() for n in (first, same, other)), strict=True):
        assert torch.equal(one, two)
        assert not torch.equal(one, three)
    assert not first.training


def test_all_of_a_network_is_measured(toys):
    tagger = untrained_tagger("pfin:cat", 0)
    rows = inputs_of_tagger(tagger, toys)
    found = measure_network(tagger, [rows], repeats=1)
    assert (found.jets, found.plain_jets) == (len(COUNTS), len(COUNTS))
    assert found.largest_difference < 1e-5
    assert found.ratio == found.jets_per_second / found.plain[AUTHORS_BATCH]
    assert found.ratio_to_fastest_plain == found.jets_per_second / max(found.plain.values())
    assert found.rate == pytest.approx(found.operations_per_jet * found.jets_per_second)
    assert found.share == found.rate / found.limit


def test_a_wrong_plain_version_shows(toys, monkeypatch):
    wrong = untrained_tagger("pfn:v4", 9).network
    monkeypatch.setattr("repro.benchmarks.networks.padded", lambda _: wrong)
    tagger = untrained_tagger("pfn:v4", 0)
    assert measure_network(tagger, [inputs_of_tagger(tagger, toys)], 1).largest_difference > 0.01


def test_dense_networks_are_their_own_plain_version(toys):
    tagger = untrained_tagger("topodnn:v4", 0)
    found = measure_network(tagger, [inputs_of_tagger(tagger, toys)], repeats=1)
    assert (found.plain, found.plain_jets, found.ratio) == ({}, None, None)
    assert found.largest_difference is None


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_the_limit_weights_products_by_their_operations(monkeypatch, precision):
    """One second for each product, however large: the rate is operations over calls."""
    asked = []

    def a_second(functions, _repeats, _device):
        asked.append([function().dtype for function in functions])
        return [timing.Timing((1.0, 3.0))] * len(functions)

    monkeypatch.setattr("repro.benchmarks.products.measure_times", a_second)
    products = {Product(10, 3, 4): 2, Product(100, 5, 6): 1, Product(0, 5, 6): 7}
    assert multiplication_rate(products, 1, precision) == (2 * 240 + 6000) / 3
    assert asked == [[precision]] * 2


def test_functions_take_turns_and_the_first_turn_does_not_count(monkeypatch):
    ticks = iter([0, 1, 1, 3, 3, 8, 8, 12, 12, 19, 19, 22])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks))
    calls = []
    functions = [lambda: calls.append("a"), lambda: calls.append("b")]
    # a: 1 (warming up), 5, 7; b: 2 (warming up), 4, 3.
    found = timing.measure_times(functions, 2)
    assert found == [timing.Timing((5, 7)), timing.Timing((4, 3))]
    assert [(each.median, each.least) for each in found] == [(6, 5), (3.5, 3)]
    assert calls == ["a", "b"] * 3


def test_processors_without_a_list_have_their_architecture(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_PROCESSORS", tmp_path / "none")
    assert machine.processor_name()
    (tmp_path / "list").write_text("processor : 0\nmodel name\t: Fast 9\nmodel name\t: Fast 9\n")
    monkeypatch.setattr(machine, "_PROCESSORS", tmp_path / "list")
    assert machine.processor_name() == "Fast 9"


def test_peak_memory_is_that_of_this_process(monkeypatch):
    assert 10**7 < machine.peak_memory() < 10**12
    monkeypatch.setitem(sys.modules, "resource", None)
    assert machine.peak_memory() is None


def test_inputs_of_each_family_are_measured(toys, monkeypatch):
    def no_fastjet(*_arguments, **_options):
        raise NotAvailable("fastjet is not installed")

    monkeypatch.setattr("repro.features.mbns.subjettiness", no_fastjet)
    found = {entry.family: entry for entry in measure_features(toys, repeats=1)}
    assert set(found) == set(FAMILIES)
    assert found["pfn"].jets_per_second > 0
    assert found["pfn"].reason is None
    assert found["mbns"].jets_per_second is None
    assert found["mbns"].reason == "not tested: needs fastjet"


def test_jets_come_from_either_format(tmp_path):
    (packed,) = iter_jets(find_embedded("matched", None), 30)
    assert packed.four_momenta.shape == (30, 200, 4)
    assert packed.taus.shape == (30, 24)
    zeros = np.zeros(30, np.int64)
    jets = Jets(packed.four_momenta, zeros, np.zeros((30, 4), np.float32), zeros)
    write_jets(tmp_path / "table.h5", [jets])
    (listed,) = iter_jets(tmp_path / "table.h5", 20)
    np.testing.assert_array_equal(listed.four_momenta, packed.four_momenta[:20])
    assert listed.taus is None
    with pytest.raises(MissingData):
        count_jets(tmp_path / "none.h5", 30)


def test_jets_come_in_parts_of_bounded_size():
    path = find_embedded("matched", None)
    assert count_jets(path, 30) == 30
    assert count_jets(path, 10**6) == 12_000
    parts = list(iter_jets(path, 30, part=7))
    assert [len(part) for part in parts] == [7, 7, 7, 7, 2]
    (whole,) = iter_jets(path, 30)
    np.testing.assert_array_equal(np.vstack([p.four_momenta for p in parts]), whole.four_momenta)


@pytest.mark.parametrize("name", ["pfn:v4", "topodnn:standardize_pt"])
def test_parts_are_measured_one_after_the_other(toys, name):
    tagger = untrained_tagger(name, 0)
    whole = measure_network(tagger, [inputs_of_tagger(tagger, toys)], 1)
    # The last part is a single jet, which has no spread to be standardised with.
    places = (slice(0, 5), slice(5, 8), slice(8, 9))
    parts = [Measured(toys.four_momenta[place], None) for place in places]
    found = measure_network(tagger, iter_inputs_of_tagger(tagger, parts), 1)
    assert found.jets == whole.jets == len(COUNTS)
    assert found.operations_per_jet == whole.operations_per_jet
    assert found.rate == pytest.approx(found.operations_per_jet * found.jets_per_second)


def test_a_part_without_inputs_is_passed_over(toys):
    tagger, taus = untrained_tagger("mbns", 0), np.full((len(COUNTS), 24), 0.1)
    parts = [Measured(toys.four_momenta, known) for known in (taus, taus * np.nan)]
    assert [len(rows) for rows in iter_inputs_of_tagger(tagger, parts)] == [len(COUNTS)]


def test_the_table_says_what_the_document_has(toys):
    features = measure_features(toys, 1, ["pfn"])
    used = {"data": "jets", "jets": 300, "weights": "random", "seed": 0, "repeats": 1}
    found = document(machine.describe_machine("cpu"), used, [FAKE], features, 2 * 10**9)
    lines = table(found)
    (row,) = [line.split() for line in lines if line.startswith("pfn:v4")]
    assert row[:8] == ["pfn:v4", "900", "[900,", "900]", "100", "[100,", "100]", "9.0"]
    assert row[8:14] == ["300", "[300,", "300],", "4", "3.0", "1e-07"]
    assert row[14:] == ["2", "3.0", "6.0", "50", "%"]
    assert any("medians of 1 turns, quartiles in brackets" in line for line in lines)
    assert lines[-1] == "peak memory: 2.00 GB"
    assert not any(ARTIFICIAL in line for line in lines)
    assert any(line.startswith("pfn ") and rate_of(features[0].spread) in line for line in lines)
    of_tracks = dataclasses.replace(FAKE, model="in:De8", authors_batch=4)
    lines = table(document(machine.describe_machine("cpu"), used, [of_tracks], features, None))
    assert any(ARTIFICIAL in line for line in lines)
    assert any("batches of 4 jets" in line for line in lines)
    assert json.loads(json.dumps(found)) == found


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the command prints for few jets, as JSON."""
    folder = tmp_path_factory.mktemp("bench")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REPRO_")},
        "REPRO_CACHE": str(folder / "cache"),
        "REPRO_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    arguments = ["pfn", "topodnn:v4", "--jets", "200", "--repeats", "1", "--json"]
    arguments += ["--explained", "4", "--precision", "fp32,bf16", "--out", "bench.json"]
    command = [sys.executable, "-m", "repro", "bench", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "bench.json").read_text("utf-8") == done.stdout
    return json.loads(done.stdout)


def test_command_measures_what_is_named(printed):
    assert printed["settings"]["weights"] == "random, seed 0"
    assert printed["settings"]["jets"] == 200
    assert printed["machine"]["threads"] == 1
    assert {"torch", "device", "load", "processors"} <= set(printed["machine"])
    assert printed["peak_memory_bytes"] > 10**7
    assert {entry["family"] for entry in printed["features"]} == {"pfn", "topodnn"}
    pfn, topodnn = printed["networks"]
    assert (pfn["model"], topodnn["model"]) == ("pfn:baseline", "topodnn:v4")
    for network in (pfn, topodnn):
        assert min(network["jets_per_second"], network["rate"], network["limit"]) > 0
    assert topodnn["operations_per_jet"] == dense(90, 120, 40, 6, 1)


def test_the_document_has_the_form_that_its_schema_says(printed):
    schema = resources.files("repro.benchmarks").joinpath("schema.json").read_text("utf-8")
    jsonschema.validate(printed, json.loads(schema))
    kinds = {"networks", "masks", "methods", "precisions", "features"}
    assert all(printed[kind] for kind in kinds)


def test_each_precision_has_its_area_and_its_difference(printed):
    found = {(entry["model"], entry["precision"]): entry for entry in printed["precisions"]}
    models = ("pfn:baseline", "topodnn:v4")
    assert set(found) == {(model, name) for model in models for name in ("fp32", "bf16")}
    for (_, name), entry in found.items():
        assert entry["jets"] == 200
        assert entry["auc"]["value"] > 80  # of weights that have learned
        assert entry["peak_memory"] is None
        assert entry["share"] > 0
        assert entry["moved"] > 4 * 90
        assert (entry["largest_difference"] == 0) == (name == "fp32")
        assert entry["largest_difference"] < 0.05


def test_skipping_the_padding_pays(printed):
    pfn = printed["networks"][0]
    assert pfn["ratio"] > 1
    assert pfn["largest_difference"] < 1e-5
    assert str(printed["authors_batch"]) in pfn["plain"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["top"], "unknown model"),
        (["pfn:v99"], "unknown variant"),
        (["pfn", "--data", "nowhere.h5"], "no data at"),
        (["in", "--data", "jets.h5"], "in gets artificial jets"),
        (["pfn", "--device", "abacus"], "device"),
        (["pfn", "--precision", "fp7"], "choose from fp32"),
        (["pfn", "--precision", "tf32", "--device", "cpu"], "mode of CUDA"),
        (["pfn", "--out", "bench.txt"], "ends in .json"),
        (["pfn", "--weights", "nowhere.safetensors"], "nowhere.safetensors"),
    ],
)
def test_command_refuses(capsys, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *arguments, "--jets", "2", "--repeats", "1"]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.out == ""


def test_default_models_are_known():
    assert [untrained_tagger(name, 0).card.family for name in DEFAULT_MODELS] == [
        *("topodnn", "mbns", "pfn", "augpfn", "pfin", "pfin", "in")
    ]


# --- masks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pfn:v4", "pfin:sum"])
def test_masks_are_measured_and_agree_with_the_network_run_again(toys, name):
    tagger = untrained_tagger(name, 0)
    found = measure_masks(tagger, inputs_of_tagger(tagger, toys), 1)
    assert found.masks == {"pfn": 90, "pfin": 45}[tagger.card.family]
    assert found.largest_difference < 1e-5
    assert found.ratio == found.per_second / found.plain_per_second > 0
    assert found.document()["ratio"] == found.ratio


def test_dense_networks_have_no_masks_of_this_kind(toys):
    tagger = untrained_tagger("topodnn:v4", 0)
    assert measure_masks(tagger, inputs_of_tagger(tagger, toys), 1) is None
