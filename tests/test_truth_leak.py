"""The truth leak (quirk B1): in the inputs, in table 6, and nowhere else."""

import numpy as np
import pytest
import torch
from toy_jets import jets_of, toy_jets

from repro.catalogue import find_item
from repro.data.jets import Jets
from repro.data.tables import write_jets
from repro.errors import BadInput, MissingData
from repro.features.jets import jet_quantities
from repro.features.pfn import pfn_inputs
from repro.features.truth_leak import leaky_pfn_inputs, transverse_imbalance
from repro.figures.run import compute_item
from repro.figures.toptag import table06
from repro.metrics.roc import auc, rank_jets
from repro.models.cards import find_card
from repro.results.document import look_up

JETS = 240


@pytest.fixture(scope="module")
def halves(make_context):
    return table06.read_halves(make_context(data="embedded", jets=2000))


@pytest.fixture(scope="module")
def result(make_context):
    return compute_item(find_item("toptag/table6"), make_context(data="embedded", jets=JETS))


# --- inputs ------------------------------------------------------------------------------------


def test_without_a_truth_momentum_there_is_no_leak():
    jets = jets_of([3, 40, 200, 0], 200)
    np.testing.assert_array_equal(leaky_pfn_inputs(jets, np.zeros((4, 4))), pfn_inputs(jets))


def test_the_axis_is_that_of_jet_and_truth_together():
    jets = toy_jets(0, 20, 30, centre=0.5).astype(np.float32)
    truth = toy_jets(1, 20, 1, centre=0.8)[:, 0].astype(np.float32)
    found = leaky_pfn_inputs(jets, truth).reshape(20, 200, 3)
    clean = pfn_inputs(jets).reshape(20, 200, 3)
    together = jet_quantities(np.concatenate([jets, truth[:, None]], axis=1))
    alone = jet_quantities(jets)
    np.testing.assert_array_equal(found[..., 0], clean[..., 0])
    shift = np.stack([together.eta - alone.eta, together.phi - alone.phi], axis=1)
    expected = clean[:, :30, 1:] - shift[:, None]
    np.testing.assert_allclose(found[:, :30, 1:], expected, atol=2e-6)
    assert not found[:, 30:].any()
    assert np.abs(shift).min(axis=0).max() > 0


def test_truth_momenta_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match=r"truth momenta \(3, 4\) do not fit 2 jets"):
        leaky_pfn_inputs(jets_of([3, 4], 10), np.zeros((3, 4)))


def test_momenta_balance_about_a_jets_own_axis():
    jets = toy_jets(2, 50, 30)
    assert transverse_imbalance(pfn_inputs(jets)).max() < 1e-6
    turned = pfn_inputs(jets).reshape(50, 200, 3)
    turned[:, :30, 2] += 0.01
    found = transverse_imbalance(turned.reshape(50, 600))
    # All of pt turned by 0.01; the vector sum is a little less than the scalar one.
    assert (found < 0.01).all()
    assert (found > 0.005).all()


def test_the_leak_gives_the_label_away_and_the_control_does_not(halves):
    with_leak, without = (
        auc(rank_jets(transverse_imbalance(inputs), halves.labels))
        for inputs in (halves.leaky, halves.clean)
    )
    assert with_leak > 0.99
    assert abs(without - 0.5) < 0.06


def test_qcd_jets_are_the_same_with_the_leak(halves):
    qcd, tops = halves.labels == 0, halves.labels == 1
    np.testing.assert_array_equal(halves.leaky[qcd], halves.clean[qcd])
    assert (halves.leaky[tops] != halves.clean[tops]).any(axis=1).all()


# --- the table ---------------------------------------------------------------------------------


def test_every_published_variant_has_a_row_with_what_was_printed(result):
    rows = result.values["rows"]
    printed = {name: rows[name]["printed_auc"] for name in table06.VARIANTS}
    assert printed == {
        "baseline": 99.74,
        "latent_128": 99.74,
        "v9": 99.50,
        "latent_64": 99.48,
        "modified_v7": 99.45,
        "modified_v4": 99.16,
    }
    assert rows["latent_128"]["phi"] == [100, 100, 128]
    assert rows["modified_v4"]["phi"] == [100, 64, 32]
    assert rows["imbalance"]["leak"]["value"] > 99
    assert 30 < rows["imbalance"]["control"]["value"] < 70


def test_variants_of_unknown_layers_are_missing_with_the_reason(result):
    for name in ("v9", "modified_v7"):
        evidence = result.evidence_for(f"rows.{name}.auc")
        assert evidence.kind == "missing"
        assert f"the layers of {name} are not known" in evidence.description
        assert "leak" not in result.values["rows"][name]


def test_a_training_that_is_too_brief_judges_nothing_and_shows_its_numbers(result):
    evidence = result.evidence_for("rows.baseline.auc")
    row = result.values["rows"]["baseline"]
    assert evidence.kind == "missing"
    assert "too brief to tell" in evidence.description
    assert f"{row['control']['value']:.2f} %" in evidence.description
    assert look_up(result.values, "rows.baseline.auc") is None
    assert {entry["verdict"] for entry in result.claims} == {"not tested"}
    assert row["leak"]["interval"][0] < row["leak"]["value"]


def test_a_training_that_is_long_enough_is_judged(make_context, monkeypatch):
    """If the control comes up to the published PFNs, the leak must show."""

    def train(_context, _card, halves):
        labels = halves.labels[halves.judging]
        noise = np.random.default_rng(0).normal(size=len(labels))
        return labels + 0.01 * noise, labels + 0.1 * noise

    monkeypatch.setattr(table06, "_train", train)
    context = make_context(data="embedded", jets=600)
    result = compute_item(find_item("toptag/table6"), context)
    verdicts = {entry["id"]: entry["verdict"] for entry in result.claims}
    assert verdicts["toptag/C41.baseline"] == "replicated"
    assert verdicts["toptag/C41.variant.v9"] == "not tested"
    assert "second half of the first 600 simulated jets" in result.claims[0]["reason"]


def test_corrected_there_is_no_leak(make_context):
    context = make_context(data="embedded", jets=60, corrected=True)
    halves = table06.read_halves(context)
    assert halves.leaky is not halves.clean
    np.testing.assert_array_equal(halves.leaky, halves.clean)


def test_jets_to_judge_by_are_not_those_that_were_learnt_from(halves):
    parts = (halves.learning, halves.validation, halves.judging)
    learning, validation, judging = (range(2000)[part] for part in parts)
    assert [*learning, *validation, *judging] == list(range(2000))
    assert (len(learning), len(validation), len(judging)) == (900, 100, 1000)


def test_without_truth_momenta_there_is_nothing_to_show(make_context, tmp_path):
    labels = np.arange(20) % 2
    jets = Jets(jets_of([9] * 20, 10), labels, np.zeros((20, 4)), np.zeros(20, int))
    write_jets(tmp_path / "no_truth.h5", [jets])
    with pytest.raises(MissingData, match=r"no_truth\.h5 has top jets without truth momenta"):
        table06.compute(make_context(data=str(tmp_path / "no_truth.h5")))
    with pytest.raises(MissingData, match="no constituents"):
        table06.compute(make_context())


def test_halves_need_both_classes(make_context, tmp_path):
    labels = np.repeat([1, 0], 10)
    jets = jets_of([9] * 20, 10)
    truth = jets.sum(axis=1) * labels[:, None]
    write_jets(tmp_path / "sorted.h5", [Jets(jets, labels, truth, np.zeros(20, int))])
    with pytest.raises(BadInput, match="--jets 20: too few of a class"):
        table06.compute(make_context(data=str(tmp_path / "sorted.h5")))


# --- the brief training ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def easy(halves):
    """Jets whose labels two constituents give away."""
    rng = np.random.default_rng(0)
    slots = np.zeros((len(halves.labels), 200, 3), np.float32)
    slots[:, :20, 0] = rng.dirichlet(np.ones(20), len(slots))
    width = np.where(halves.labels, 0.6, 0.2)[:, None, None]
    slots[:, :20, 1:] = rng.normal(size=(len(slots), 20, 2)) * width
    return slots.reshape(len(slots), 600)


def test_what_can_be_learnt_briefly_is_learnt_by_the_loop_of_all_taggers(
    make_context, halves, easy
):
    context = make_context(data="embedded")
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = table06._train_on(context, find_card("pfn:v4"), halves, easy)
    assert torch.equal(torch.rand(3), expected)  # other draws are left alone
    assert auc(rank_jets(first, halves.labels[halves.judging])) > 0.95
    # The same seed gives the same scores, whatever was drawn before.
    again = table06._train_on(context, find_card("pfn:v4"), halves, easy)
    np.testing.assert_array_equal(first, again)
    other = make_context(data="embedded", seed=1)
    assert (table06._train_on(other, find_card("pfn:v4"), halves, easy) != first).any()


def test_settings_of_the_training_are_in_the_result(result):
    wanted = {
        "training_jets": 108,
        "validation_jets": 12,
        "epochs": 4,
        "batch": 100,
        "learning_rate": 1e-3,
        "seed": 0,
    }
    assert wanted.items() <= dict(result.settings).items()
