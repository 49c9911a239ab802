"""The performance tables of all families, PFN's rejection, PFIN's architecture."""

import dataclasses
import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from record_files import computing
from sklearn.metrics import roc_auc_score
from torch import nn

from repro.catalogue import find_item, load_claims
from repro.explain.activation_patterns import (
    QUIET,
    explain_by_activation_patterns,
    relative_activity,
    sparsity,
)
from repro.features import samples
from repro.figures.performance import (
    columns_of,
    is_right,
    performance_row,
    performance_table,
)
from repro.figures.run import compute_item, render_item
from repro.figures.scoring import score_jets_of
from repro.figures.toptag import fig25, fig26, table03, table04
from repro.metrics.roc import background_rejection, rank_jets, roc_curve
from repro.models import pfin
from repro.models.cards import load_cards
from repro.models.dense import count_parameters
from repro.models.pfn import PfnNetwork
from repro.models.phi_layers import PhiLayers
from repro.models.scores import score_jets
from repro.results.document import look_up
from repro.results.judge import judge_item

JETS = 300


@pytest.fixture(scope="module")
def context(make_context):
    return make_context(data="embedded", jets=JETS)


@pytest.fixture(scope="module")
def compute(context):
    return computing(context)


# --- rows --------------------------------------------------------------------------------------

FAMILIES = {
    "toptag/table1": "topodnn",
    "toptag/table2": "mbns",
    "toptag/table3": "pfn",
    "toptag/table4": "pfin",
    "toptag/table5": "augpfn",
}


@pytest.mark.parametrize(("item_id", "family"), FAMILIES.items())
def test_every_variant_has_a_row_with_the_size_of_its_network(compute, item_id, family):
    rows = compute(item_id).values["rows"]
    cards = load_cards(family)
    assert set(rows) - {"pfn"} == set(cards)
    for variant, card in cards.items():
        row = rows[variant]
        assert row["parameters"] == card.parameters
        assert row["inputs"] == card.inputs
        assert row.get("f", row.get("hidden")) == list(card.hidden)
        assert row["jets"] == JETS


@pytest.mark.parametrize(("item_id", "family"), FAMILIES.items())
def test_parameters_are_judged_by_the_weights_whatever_the_jets(compute, item_id, family):
    verdicts = {
        entry["id"]: entry["verdict"]
        for entry in compute(item_id).claims
        if entry["id"].startswith("toptag/C14.")
    }
    # Of AugPFN there are only weights of our own.
    wanted = "replicated" if family == "augpfn" else "reproduced"
    assert set(verdicts.values()) == {wanted}
    assert len(verdicts) == len(load_cards(family))


def scores_of(context, name):
    tagger = context.tagger(name)
    return score_jets_of(context, tagger.card.family, {name: tagger}).scores[name]


def test_scores_of_a_sample_are_those_of_its_jets(context):
    from repro.features.embedded import find_embedded, read_parts

    part = next(iter(read_parts(find_embedded("matched", None), JETS)))
    for name in ("topodnn", "mbns", "pfn", "pfin:cat"):
        tagger = context.tagger(name)
        found = scores_of(context, name)
        expected = score_jets(tagger, part.jets.four_momenta, part.tau)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_batches_do_not_change_the_scores(context, monkeypatch):
    whole = scores_of(context, "pfn")
    monkeypatch.setattr(samples, "_CHUNK", 7)
    np.testing.assert_allclose(scores_of(context, "pfn"), whole, atol=1e-6)


def test_a_score_of_one_half_is_a_top_for_topodnn_and_none_for_the_torch_models(context):
    scores, labels = np.array([0.5, 0.5, 0.9, 0.1]), np.array([1, 0, 1, 0])
    assert performance_row(scores, labels)["accuracy"].value == 75
    found = is_right(context.tagger("topodnn"), scores, labels)
    assert found.tolist() == [True, False, True, True]
    found = is_right(context.tagger("pfn"), scores, labels)
    assert found.tolist() == [False, True, True, True]


def test_a_table_has_the_columns_that_its_rows_have():
    assert list(columns_of({"a": {"auc": 1}, "b": {"f": [1], "other": 2}})) == ["f", "auc"]


def test_every_number_measured_on_jets_has_an_interval(compute):
    """But for rejections of jets so few that none passes."""
    for item_id in FAMILIES:
        for row in compute(item_id).values["rows"].values():
            for name, entry in row.items():
                if isinstance(entry, dict) and "rejection" not in name:
                    low, high = entry["interval"]
                    assert low <= entry["value"] <= high
                elif not isinstance(entry, dict):
                    assert name in {
                        "phi",
                        "phi_pair",
                        "f",
                        "hidden",
                        "inputs",
                        "parameters",
                        "jets",
                    }


def test_the_sparsity_difference_has_an_interval_about_it(compute):
    values = compute("toptag/table1").values
    first, second = (values["rows"][v]["sparsity_both"] for v in ("baseline", "v4"))
    found = values["sparsity_difference"]["baseline_minus_v4"]
    assert found["value"] == pytest.approx(first["value"] - second["value"])
    low, high = found["interval"]
    # Narrower than if both ends were reached at once, and wider than either alone.
    assert first["interval"][0] - second["interval"][1] <= low <= found["value"]
    assert found["value"] <= high <= first["interval"][1] - second["interval"][0]
    assert high - low >= max(e["interval"][1] - e["interval"][0] for e in (first, second)) - 1e-9


def test_losses_of_auc_are_differences_of_rows(compute):
    for item_id, other in (("toptag/table1", "pt0"), ("toptag/table2", "nojetpt")):
        values = compute(item_id).values
        rows = values["rows"]
        found = values["differences"][f"baseline_minus_{other}"]
        expected = rows["baseline"]["auc"]["value"] - rows[other]["auc"]["value"]
        assert found["value"] == pytest.approx(expected, abs=1e-9)
        low, high = found["interval"]
        width = np.diff(rows["baseline"]["auc"]["interval"])[0]
        assert high - low < width  # paired


def test_masking_together_what_was_left_out_of_a_training(compute, context):
    found = compute("toptag/table2").values["correlated"]
    sample, tagger = context.sample("mbns"), context.tagger("mbns")
    inputs = tagger.prepare(sample.inputs, sample.features).copy()
    names = [sample.features[i] for i in tagger.card.columns(sample.features)]
    others = [i for i, name in enumerate(names) if name.endswith(("_05", "_2"))]
    assert len(others) == 13
    area = []
    for masked in ([], others):
        inputs[:, masked] = inputs[:, masked].mean(axis=0, dtype=np.float64)
        with torch.inference_mode():
            logits = tagger.network(torch.from_numpy(inputs)).double().numpy()
        area.append(100 * roc_auc_score(sample.labels, logits[:, 1] - logits[:, 0]))
    assert found["masked"]["value"] == pytest.approx(area[0] - area[1], abs=1e-3)
    rows = compute("toptag/table2").values["rows"]
    lost = rows["baseline"]["auc"]["value"] - rows["tau_x_1"]["auc"]["value"]
    assert found["retrained"]["value"] == pytest.approx(lost, abs=1e-3)
    gap = found["masked"]["value"] - found["retrained"]["value"]
    assert found["masked_minus_retrained"]["value"] == pytest.approx(gap, abs=1e-9)


def test_legible_marks_of_the_methods_are_judged_and_others_shown(compute):
    result = compute("toptag/table7")
    judged = {claim["id"] for claim in result.claims}
    cells = [
        (name, method)
        for name, row in result.values["properties"].items()
        for method in ("occlusion", "kernel_shap", "lrp", "activation_patterns")
    ]
    shown = [cell for row in result.values["rows"].values() for cell in row.values()]
    assert len(cells) == 32
    assert sum("(~)" in cell for cell in shown) == 32 - len(judged) == 8
    assert {claim["verdict"] for claim in result.claims} == {"reproduced"}


def test_numbers_of_the_pfn_table_stay_what_they_are(compute, num_regression):
    """Rounding may turn a few pairs of jets, or a jet or a node that is on the edge."""
    rows = compute("toptag/table3").values["rows"]
    columns = ["auc", "accuracy", *(n for n in rows["baseline"] if "sparsity" in n)]
    numbers = {name: [row[name]["value"] for row in rows.values()] for name in columns}
    edges = {"auc": 0.02, "accuracy": 100 / JETS + 1e-6}
    tolerances = {name: {"atol": edges.get(name, 0.006), "rtol": 0} for name in columns}
    num_regression.check(numbers, tolerances=tolerances)


def test_numbers_of_the_pfin_table_stay_what_they_are(compute, num_regression):
    """One pair of jets that changes its order is 0.004 points of AUC."""
    values = compute("toptag/table4").values
    numbers = {v: [values["rows"][v]["auc"]["value"]] for v in ("sum", "cat", "pfn")}
    numbers["gain"] = [values["gain"]["auc"]["value"]]
    num_regression.check(numbers, default_tolerance={"atol": 0.03, "rtol": 0})


# --- sparsity of PFN ---------------------------------------------------------------------------


def naive_layers(network, jets):
    """Activations of Φ summed over constituents, and of F, jet by jet."""
    phi, head = [], []
    for row in torch.from_numpy(jets).reshape(len(jets), -1, 3):
        values, found = row[row[:, 0] != 0], []
        for block in network.phi:
            values = block(values)
            if isinstance(block, nn.ReLU):
                found.append(values.double().sum(dim=0))
        phi.append(torch.cat(found))
        latent, found = values.sum(dim=0, keepdim=True), []
        for block in network.head.layers:
            latent = block(latent)
            if isinstance(block, nn.ReLU):
                found.append(latent.double().squeeze(0))
        head.append(torch.cat(found))
    return torch.stack(phi).numpy(), torch.stack(head).numpy()


@pytest.mark.parametrize("variant", ["baseline", "v4"])
def test_sparsities_of_phi_and_f_are_those_of_a_loop_over_jets(context, compute, variant):
    sample, tagger = context.sample("pfn"), context.tagger(f"pfn:{variant}")
    row = compute("toptag/table3").values["rows"][variant]
    with torch.no_grad():
        parts = naive_layers(tagger.network, sample.inputs)
    sizes = {"phi": tagger.card.phi, "f": tagger.card.hidden}
    for (part, layers), activations in zip(sizes.items(), parts, strict=True):
        activity = [
            relative_activity(activations[sample.labels == label].sum(axis=0), layers)
            for label in (0, 1)
        ]
        expected = [*(sparsity(values) for values in activity), sparsity(np.maximum(*activity))]
        one_node = 1 / sum(layers)
        for name, value in zip(("qcd", "top", "both"), expected, strict=True):
            found = row[f"{part}_sparsity_{name}"]["value"]
            # A node at the threshold may fall to either side by rounding.
            assert found == pytest.approx(float(value), abs=1.01 * one_node)
        borderline = min(np.abs(values - QUIET).min() for values in activity)
        if borderline > 1e-5:
            assert row[f"{part}_sparsity_both"]["value"] == pytest.approx(float(expected[2]))


def test_layers_of_phi_sum_to_the_latent_space_and_hooks_see_each_once():
    torch.manual_seed(0)
    network = PfnNetwork(20, (7, 5), (3,))
    inputs = torch.randn(40, 60)
    inputs.reshape(40, 20, 3)[:, 12:, 0] = 0
    inputs[3] = 0  # a jet without constituents
    layers, seen = PhiLayers(network), []
    for module in layers.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with torch.no_grad():
        torch.testing.assert_close(layers(inputs), network.latent(inputs))
    assert [tuple(output.shape) for output in seen] == [(40, 7), (40, 5)]
    assert not seen[0][3].any()


def test_intervals_of_phi_are_those_of_drawing_jets(context):
    """Copies of the same constituents within a jet are no new information."""
    problem = dataclasses.replace(
        context.problem(context.sample("pfn"), context.tagger("pfn:v4")),
        network=PhiLayers(context.tagger("pfn:v4").network),
    )
    slots = problem.inputs.reshape(len(problem.inputs), -1, 3)[:, :100]
    doubled = np.concatenate([slots, slots], axis=1).reshape(len(slots), -1)
    once = np.concatenate([slots, np.zeros_like(slots)], axis=1).reshape(len(slots), -1)
    found = [
        explain_by_activation_patterns(dataclasses.replace(problem, inputs=inputs))
        for inputs in (once, doubled)
    ]
    for name, entry in found[0].details["sparsity"].items():
        ends = (entry.value, entry.low, entry.high)
        other = found[1].details["sparsity"][name]
        np.testing.assert_allclose(ends, (other.value, other.low, other.high), atol=0.011)


def test_f_looks_at_the_first_jets_as_published_and_at_all_when_corrected(
    make_context, monkeypatch
):
    monkeypatch.setattr(table03, "_JETS_OF_F", 100)
    published, corrected, whole = (
        table03.compute(make_context(data="embedded", jets=jets, corrected=corrected))
        for jets, corrected in ((150, False), (150, True), (100, False))
    )
    name = "rows.v4.f_sparsity_both"
    first = look_up(published.values, name)
    assert first == look_up(whole.values, name)
    assert first != look_up(corrected.values, name)
    assert published.evidence_for(name).description == (
        "the first 100 of the first 150 simulated jets"
    )
    # Φ looks at all.
    name = "rows.v4.phi_sparsity_both"
    assert look_up(published.values, name) != look_up(whole.values, name)
    assert published.evidence_for(name).description == "the first 150 simulated jets"


# --- gains -------------------------------------------------------------------------------------


def test_pfn_gains_nothing_over_itself(context):
    table = performance_table(context, "pfn")
    itself = table.taggers["baseline"], table.scores["baseline"]
    found = table04.gains(context, table, "baseline", itself)
    assert {name: entry.p for name, entry in found.items()} == dict.fromkeys(found, 1.0)
    for name, neutral in {"auc": 0, "accuracy": 0}.items():
        gain = found[name].gain
        assert (gain.value, gain.low, gain.high) == (neutral,) * 3


def test_gains_are_of_the_same_jets(compute):
    values = compute("toptag/table4").values
    rows, gain = values["rows"], values["gain"]
    for part, variant in ((gain, "sum"), (gain["cat"], "cat")):
        for name in ("auc", "accuracy"):
            expected = rows[variant][name]["value"] - rows["pfn"][name]["value"]
            assert part[name]["value"] == pytest.approx(expected, abs=1e-9)
        assert set(part["p"]) == {"auc", "accuracy", "rejection_ratio"}
        assert all(0 < p <= 1 for p in part["p"].values())


def test_a_clear_gain_is_replicated_and_a_clear_loss_deviates(compute):
    """The claims about retraining are decided by the interval alone."""
    result = compute("toptag/table4")

    def verdict(low, high):
        gain = {
            **result.values["gain"],
            "auc": {"value": (low + high) / 2, "interval": [low, high]},
        }
        changed = dataclasses.replace(result, values={**result.values, "gain": gain})
        return {e["id"]: e["verdict"] for e in judge_item(changed)}["toptag/C13.auc_retrained"]

    assert verdict(0.3, 0.5) == "replicated"
    assert verdict(0.1, 0.5) == "not tested"
    assert verdict(-0.3, -0.1) == "deviates"


def test_stored_jets_of_mbns_are_a_typical_draw(make_context):
    result = compute_item(find_item("toptag/table2"), make_context())
    assert result.evidence[""].control is None
    assert result.values["jets"] == result.data["jets"] == 1000
    assert result.values["rows"]["baseline"]["auc"]["value"] == pytest.approx(98.0472, abs=1e-3)


# --- the talk's boxes --------------------------------------------------------------------------


def test_boxes_have_both_performances_where_there_are_jets(compute):
    values = compute("toptag/table8").values
    baseline = compute("toptag/table3").values["rows"]["baseline"]
    assert values["pfn"]["accuracy"] == baseline["accuracy"]
    assert values["pfn"]["auc"]["value"] == pytest.approx(baseline["auc"]["value"] / 100)
    assert values["pfn"]["f_layers"] == [256, 100, 100, 100, 2]


# --- rejection curves --------------------------------------------------------------------------


def test_rejection_falls_with_the_signal_efficiency_and_is_that_of_the_roc_curve(context, compute):
    values = compute("toptag/fig25").values
    assert list(values["rejection"]) == [f"{percent:02d}" for percent in range(5, 96)]
    scores = scores_of(context, "pfn")
    curve = roc_curve(rank_jets(scores, context.sample("pfn").labels))
    found = [entry["value"] for entry in values["rejection"].values()]
    known = [value for value in found if value is not None]
    assert known == sorted(known, reverse=True)
    for percent in (50, 80, 95):
        expected = background_rejection(curve, percent / 100)
        assert values["rejection"][f"{percent}"]["value"] == pytest.approx(expected)
    models = values["models"]
    assert set(models) == {"topodnn", "mbns", "pfn", "pfin:sum", "pfin:cat"}
    # Every jet of this sample has subjettiness, so both panels show the same PFN.
    assert values["jets_of_all_models"] == JETS
    assert models["pfn"]["value"] == found


def test_without_fastjet_mbns_is_left_out_and_said_so(make_context, monkeypatch):
    from repro.errors import NotAvailable
    from repro.figures.context import Context

    context = make_context(data="embedded", jets=100)
    stream = Context.stream

    def refuse(self, family):
        if family == "mbns":
            raise NotAvailable("FastJet is not installed")
        return stream(self, family)

    monkeypatch.setattr(Context, "stream", refuse)
    result = fig25.compute(context)
    assert "mbns" not in result.values["models"]
    assert result.notes == ["MBNS is left out: FastJet is not installed"]


def test_infinite_ends_are_drawn(compute):
    result = compute("toptag/fig25")
    assert None in result.values["models"]["pfin:sum"]["high"]
    figure = render_item(find_item("toptag/fig25"), result)
    for axes in figure.axes:
        assert axes.get_yscale() == "log"
        assert len(axes.get_legend().get_texts()) in (2, 5)


# --- the architecture --------------------------------------------------------------------------


def test_blocks_of_the_diagram_have_all_parameters_and_their_layers_fit(compute):
    modes = compute("toptag/fig26").values["modes"]
    assert set(modes) == {"sum", "cat"}
    for card in load_cards("pfin").values():
        drawn = modes[card.mode]
        blocks = drawn["blocks"]
        counted = sum(block.get("parameters", 0) for block in blocks.values())
        assert counted == drawn["parameters"] == card.parameters
        assert counted == count_parameters(pfin.build(card))
        for block in blocks.values():
            if block["kind"] == "network":
                sizes = block["layers"]
                expected = sum((a + 1) * b for a, b in itertools.pairwise(sizes))
                assert block["parameters"] == expected
        assert blocks["phi_pooled"]["layers"][0] == 3 + blocks["phi_pair"]["layers"][-1]
        assert blocks["head"]["layers"][0] == int(blocks["joined"]["size"])


def test_every_block_is_reached_from_the_constituents(compute):
    for drawn in compute("toptag/fig26").values["modes"].values():
        reached = {"constituents"}
        for first, second in drawn["edges"]:
            assert {first, second} <= set(drawn["blocks"])
        for _ in drawn["blocks"]:
            reached |= {second for first, second in drawn["edges"] if first in reached}
        assert reached == set(drawn["blocks"])


def test_the_diagram_shows_each_block_once_for_each_mode(compute):
    result = compute("toptag/fig26")
    figure = render_item(find_item("toptag/fig26"), result)
    assert len(figure.axes) == 2
    for axes, drawn in zip(figure.axes, result.values["modes"].values(), strict=True):
        assert len(axes.patches) == len(drawn["blocks"])
        shown = [text.get_text() for text in axes.texts]
        for block in drawn["blocks"].values():
            assert fig26.printed(block["title"]) in shown


# --- from the command line ---------------------------------------------------------------------


def test_a_table_comes_out_of_the_command_line(mirror, tmp_path):
    command = [sys.executable, "-m", "repro", "table", "3", "--data", "embedded", "--jets", "250"]
    command += ["--weights", "authors", "--out", str(tmp_path), "--quiet"]
    places = {"REPRO_MIRROR": str(mirror), "REPRO_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | places, check=True
    )
    assert "data: embedded, 250 jets (first 250)" in done.stdout
    claims = [claim for claim in load_claims("toptag") if claim.item == "toptag/table3"]
    assert all(f" {claim.id}: " in done.stdout for claim in claims)
    names = {path.suffix for path in (tmp_path / "toptag").iterdir()}
    assert names == {".json", ".csv", ".md", ".tex"}
    document = json.loads((tmp_path / "toptag" / "table03.json").read_text("utf-8"))
    assert list(document["values"]["rows"]) == ["baseline", "v3", "v4"]
