"""The truth leak (quirk B1): in the inputs, in table 6, and nowhere else."""

import numpy as np
import pytest
from safetensors.torch import save_file
from toy_jets import jets_of, toy_jets

from repro.benchmarks.features import Measured
from repro.benchmarks.networks import iter_inputs_of_tagger
from repro.catalogue import find_item
from repro.data.jets import Jets
from repro.data.open_jets import open_jets
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.data.tables import write_jets
from repro.errors import BadInput, MissingData, NotAvailable
from repro.features.embedded import SHIPPED
from repro.features.jets import jet_quantities
from repro.features.pfn import pfn_inputs
from repro.features.registry import FAMILIES, find_inputs
from repro.features.truth_leak import leaky_pfn_inputs, transverse_imbalance, truth_of
from repro.figures.run import compute_item
from repro.figures.toptag import table06
from repro.metrics.roc import auc, rank_jets
from repro.models.cards import find_card
from repro.models.scores import score_jets
from repro.models.scoring import score_file
from repro.models.tagger import build_network, load_tagger

JETS = 2000


@pytest.fixture(scope="module")
def jets():
    """Simulated jets with their truth momenta."""
    with open_jets(shipped_path(find_artifact(SHIPPED))) as file:
        (found,) = file.iter_jets(stop=JETS)
    return found


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


def test_the_leak_gives_the_label_away_and_the_control_does_not(jets):
    leaky = find_inputs("leakypfn").of_jets(jets, None, corrected=False)
    clean = find_inputs("pfn").of_jets(jets, None, corrected=False)
    with_leak, without = (
        auc(rank_jets(transverse_imbalance(inputs), jets.labels)) for inputs in (leaky, clean)
    )
    assert with_leak > 0.99
    assert abs(without - 0.5) < 0.06


def test_qcd_jets_are_the_same_with_the_leak(jets):
    leaky = find_inputs("leakypfn").of_jets(jets, None, corrected=False)
    clean = find_inputs("pfn").of_jets(jets, None, corrected=False)
    qcd, tops = jets.labels == 0, jets.labels == 1
    np.testing.assert_array_equal(leaky[qcd], clean[qcd])
    assert (leaky[tops] != clean[tops]).any(axis=1).all()


def test_corrected_there_is_no_leak(jets):
    np.testing.assert_array_equal(
        find_inputs("leakypfn").of_jets(jets, None, corrected=True),
        pfn_inputs(jets.four_momenta, wrap_azimuth=True),
    )


def test_the_truth_is_given_by_name_and_to_the_leaky_inputs_alone(jets):
    truth = truth_of(jets)
    np.testing.assert_array_equal(truth, jets.truth.astype(np.float32))
    leaky, clean = find_inputs("leakypfn"), find_inputs("pfn")
    found = leaky.compute(jets.four_momenta, truth=truth)
    np.testing.assert_array_equal(found, leaky.of_jets(jets, None, corrected=False))
    # No tagger sees it.
    assert not any(family.needs_truth for family in FAMILIES.values())
    for family in FAMILIES.values():
        with pytest.raises(BadInput, match="must not see the truth"):
            family.compute(jets.four_momenta[:5], truth=truth[:5])
    with pytest.raises(MissingData, match="made of the truth momenta"):
        leaky.compute(jets.four_momenta)
    # Corrected, there is nothing to need.
    wrapped = clean.compute(jets.four_momenta, corrected=True)
    np.testing.assert_array_equal(leaky.compute(jets.four_momenta, corrected=True), wrapped)


def test_scores_with_the_leak_need_the_truth_and_others_refuse_it(jets):
    """A jet's last constituent is never taken for its truth momentum, nor the other way round."""
    some, truth = jets.four_momenta[:50], truth_of(jets)[:50]
    tagger = load_tagger("leakypfn", "embedded", fetch=None)
    with pytest.raises(MissingData, match="made of the truth momenta"):
        score_jets(tagger, some)
    with pytest.raises(BadInput, match=r"truth momenta \(3, 4\) do not fit 50 jets"):
        score_jets(tagger, some, truth=truth[:3])
    with pytest.raises(BadInput, match="must not see the truth"):
        score_jets(load_tagger("pfn", "embedded", fetch=None), some, truth=truth)
    # Padding after the constituents changes nothing.
    longer = np.pad(some, [(0, 0), (0, 1), (0, 0)])
    found, wanted = (score_jets(tagger, momenta, truth=truth) for momenta in (longer, some))
    np.testing.assert_array_equal(found, wanted)


def test_a_benchmark_of_the_leak_says_what_it_lacks(jets):
    tagger = load_tagger("leakypfn", "embedded", fetch=None)
    measured = Measured(jets.four_momenta[:20], None)
    with pytest.raises(MissingData, match="made of the truth momenta"):
        next(iter_inputs_of_tagger(tagger, [measured]))


def test_without_truth_momenta_there_is_nothing_to_show(make_context, tmp_path):
    labels = np.arange(20) % 2
    jets = Jets(jets_of([9] * 20, 10), labels, np.zeros((20, 4)), np.zeros(20, int))
    path = tmp_path / "no_truth.h5"
    write_jets(path, [jets])
    tagger = load_tagger("leakypfn", "embedded", fetch=None)
    with pytest.raises(MissingData, match="these jets have no truth momenta"):
        score_file(path, {"leaky": tagger})
    with pytest.raises(MissingData, match="these jets have no truth momenta"):
        table06.compute(make_context(data=str(path)))
    with pytest.raises(MissingData, match="no constituents"):
        table06.compute(make_context())


# --- the table ---------------------------------------------------------------------------------


def test_every_published_variant_has_a_row_with_what_was_printed(result):
    rows = result.values["rows"]
    printed = {name: rows[name]["printed_auc"] for name in table06.PRINTED}
    assert printed == {
        "baseline": 99.74,
        "latent_128": 99.74,
        "v9": 99.50,
        "latent_64": 99.48,
        "modified_v7": 99.45,
        "modified_v4": 99.16,
    }
    assert find_card("leakypfn:latent_128").phi == (100, 100, 128)
    assert find_card("leakypfn:modified_v4").phi == (100, 64, 32)
    assert rows["imbalance"]["auc"]["value"] > 99
    assert 45 < rows["imbalance"]["control"]["value"] < 55


def test_variants_of_unknown_layers_are_missing_with_the_reason(result):
    verdicts = {entry["id"]: entry for entry in result.claims}
    for name in ("v9", "modified_v7"):
        evidence = result.evidence_for(f"rows.{name}.auc")
        assert evidence.kind == "missing"
        assert f"the layers of {name} are not known" in evidence.description
        assert "auc" not in result.values["rows"][name]
        assert verdicts[f"toptag/C41.variant.{name}"]["verdict"] == "not tested"


def test_the_short_training_did_not_find_the_leak_and_the_claim_deviates(result):
    claims = {entry["id"]: entry for entry in result.claims}
    judged = claims["toptag/C41.baseline"]
    assert judged["verdict"] == "deviates"
    assert "8 epochs of 189,000 simulated jets" in judged["reason"]
    assert result.values["rows"]["baseline"]["auc"]["value"] < 99


def test_variants_without_weights_are_missing_with_the_reason(result):
    for name in ("latent_64", "latent_128", "modified_v4"):
        evidence = result.evidence_for(f"rows.{name}.auc")
        assert evidence.kind == "missing"
        assert "this version ships no weights" in evidence.description


def test_a_network_that_finds_the_leak_is_judged(make_context, monkeypatch, tmp_path):
    """A file of weights serves the variant that it fits."""
    network = build_network(find_card("leakypfn:modified_v4"))
    save_file(
        {name: tensor.contiguous() for name, tensor in network.state_dict().items()},
        tmp_path / "mine.safetensors",
    )

    def score(_tagger, inputs, _device):
        # What a perfect network would make of the inputs.
        return (transverse_imbalance(inputs) > 1e-5).astype(np.float32)

    monkeypatch.setattr(table06, "score", score)
    context = make_context(data="embedded", jets=600, weights=str(tmp_path / "mine.safetensors"))
    monkeypatch.setattr(
        type(context),
        "tagger",
        lambda self, name: load_tagger(
            name, "embedded" if name == "pfn" else self.settings.weights, None
        ),
    )
    result = compute_item(find_item("toptag/table6"), context)
    verdicts = {entry["id"]: entry["verdict"] for entry in result.claims}
    assert verdicts["toptag/C41.variant.modified_v4"] == "replicated"
    assert verdicts["toptag/C41.baseline"] == "not tested"


def test_rows_are_what_the_one_function_for_scores_gives(result, jets):
    tagger = load_tagger("leakypfn", "embedded", fetch=None)
    found = score_jets(tagger, jets.four_momenta, truth=truth_of(jets))
    area = 100 * auc(rank_jets(found, jets.labels))
    assert result.values["rows"]["baseline"]["auc"]["value"] == pytest.approx(area, abs=1e-9)
    found = score_jets(tagger, jets.four_momenta, truth=np.zeros_like(truth_of(jets)))
    area = 100 * auc(rank_jets(found, jets.labels))
    assert result.values["rows"]["baseline"]["control"]["value"] == pytest.approx(area, abs=1e-9)


def test_corrected_the_table_shows_no_difference(make_context):
    context = make_context(data="embedded", jets=300, corrected=True)
    rows = table06.compute(context).values["rows"]
    assert rows["baseline"]["gain"]["value"] == rows["imbalance"]["gain"]["value"] == 0


def test_the_authors_files_of_these_variants_do_not_exist():
    with pytest.raises(NotAvailable, match="not published"):
        load_tagger("leakypfn:latent_64", "authors", fetch=None)
    assert find_card("leakypfn").authors == ()
