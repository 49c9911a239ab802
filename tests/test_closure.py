"""Simulated jets against the real ones and the real Delphes program."""

import json

import jsonschema
import numpy as np
import pytest
from scipy.stats import ks_2samp
from test_figures import SCHEMA

from repro.catalogue import find_item, load_claims
from repro.catalogue.distributions import CLASSES, load_real_jets
from repro.data.pickles import load_pickle
from repro.errors import BadInput, NotAvailable
from repro.features.embedded import find_embedded, read_parts
from repro.features.observables import OBSERVABLES, observables
from repro.figures import context
from repro.figures.run import compute_item, render_item
from repro.metrics.quantiles import (
    binned_quantiles,
    fractions,
    largest_gap,
    quantile_intervals,
)

REAL = load_real_jets()


@pytest.fixture(scope="module")
def shipped():
    return observables(read_parts(find_embedded("matched", None)))


@pytest.fixture(scope="module")
def delphes(reference):
    pytest.importorskip("fastjet")
    return observables(read_parts(reference / "delphes_4k.h5"))


# --- the real distributions --------------------------------------------------------------------


def test_they_are_those_that_were_digitised(reference):
    given = json.loads((reference / "real_histograms.json").read_text("utf-8"))
    names = {"mass": "mass", "tau_1_1": "tau1", "tau_5_2": "tau5_20", "tau_32": "tau32"}
    for name, theirs in names.items():
        entry = REAL.distributions[name]
        np.testing.assert_allclose(entry.edges, given[theirs]["edges"])
        for label in CLASSES:
            assert list(entry.fractions[label]) == given[theirs][label]
            quantiles = given[theirs]["quantiles_5_25_50_75_95"][label]
            assert list(entry.quantiles[label]) == quantiles
    assert list(REAL.survival["top"]) == given["constituents_survival"]["top"]


@pytest.mark.parametrize("name", list(REAL.distributions))
def test_they_are_distributions(name):
    entry = REAL.distributions[name]
    assert list(entry.edges) == sorted(entry.edges)
    for label in CLASSES:
        assert len(entry.fractions[label]) == len(entry.edges) - 1
        assert 0.97 < sum(entry.fractions[label]) < 1.001
        assert list(entry.quantiles[label]) == sorted(entry.quantiles[label])


def test_digitised_and_stored_real_jets_agree_but_for_one_bin(fetch):
    """τ21 between 0.7 and 0.8 is read too high off the figure: the authors' jets have no bump.

    The other bins of τ21 and all of τ32 agree with the 500 stored jets of each class.
    """
    for name, (above, below) in {"tau_21": (4, 1), "tau_32": (7, 4)}.items():
        entry = REAL.distributions[name]
        for label, stem in (("qcd", "bkg"), ("top", "sig")):
            stored = np.asarray(load_pickle(fetch(f"toptag/fixtures/mbns_shap/samples_{stem}.pkl")))
            own = fractions(stored[:, above] / stored[:, below], entry.edges)
            given = np.array(entry.fractions[label])
            pulls = (own - given) / np.sqrt(np.maximum(given, 0.002) * (1 - given) / len(stored))
            artefact = np.isclose(entry.edges[:-1], 0.7) if name == "tau_21" else np.zeros(1, bool)
            assert np.abs(pulls[~np.broadcast_to(artefact, pulls.shape)]).max() < 5
            if name == "tau_21":
                assert pulls[artefact].max() < -4


# --- against the real Delphes program ----------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in OBSERVABLES if n != "pt"])
@pytest.mark.parametrize("label", [0, 1])
def test_the_shipped_jets_are_like_delphes(shipped, delphes, name, label):
    """2000 Delphes jets of a class at the same settings, but for pTHatMin: same distribution.

    2 × 12 comparisons: a p-value below 0.0005 comes about by chance in one run of the tests in
    80, and always with a wrong model; these jets and their number are fixed, so it passes or not.
    """
    (own, own_labels), (theirs, their_labels) = shipped, delphes
    ours, reference = own[name][own_labels == label], theirs[name][their_labels == label]
    ours, reference = ours[~np.isnan(ours)], reference[~np.isnan(reference)]
    assert ks_2samp(ours, reference).pvalue > 5e-4


# --- the items ---------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def nothing_is_simulated(monkeypatch, tmp_path):
    """Presets whose jets do not ship would be simulated where the extra is installed."""

    def refuse(*_):
        raise NotAvailable("not in these tests")

    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(context, "make_embedded", refuse)


def test_figure_shows_every_observable_and_judges_every_claim(make_context):
    item = find_item("toptag/figS1")
    result = compute_item(item, make_context(data="embedded", jets=2000))
    assert set(result.values["edges"]) == set(OBSERVABLES) - {"constituents"}
    assert set(result.values["matched"]["quantiles"]["top"]) == set(OBSERVABLES)
    claims = [claim for claim in load_claims("toptag") if claim.item == item.id]
    assert [entry["id"] for entry in result.claims] == [claim.id for claim in claims]
    assert all(entry["got"] is not None for entry in result.claims)
    assert "reproduced" not in {entry["verdict"] for entry in result.claims}
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    assert len(render_item(item, result).axes) == 15


def test_networks_perform_on_simulated_jets(make_context):
    result = compute_item(find_item("toptag/tableS1"), make_context(data="embedded", jets=600))
    rows = result.values["rows"]
    assert rows["published_pfn"]["rejection_30"] == pytest.approx(698.66, rel=1e-4)
    for model in ("topodnn", "mbns", "pfn", "pfin_sum", "pfin_cat"):
        assert rows[f"matched_{model}"]["auc"]["value"] > 95
        assert rows[f"matched_{model}"]["jets"] <= 600
    assert len(result.weights) == 6
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)


def test_results_name_the_files_of_every_preset(make_context):
    result = compute_item(find_item("toptag/figS1"), make_context(data="embedded", jets=400))
    (entry,) = [e for e in result.data["files"] if e["id"] == "toptag/embedded/matched-1.h5"]
    assert "preset matched, seed 1" in entry["identifier"]
    assert "pythia8mc" in entry["identifier"]


def test_the_papers_own_jets_are_no_simulated_ones(make_context):
    for data in ("paper", "fixtures"):
        with pytest.raises(BadInput, match="is about simulated jets"):
            compute_item(find_item("toptag/figS1"), make_context(data=data))


def test_without_the_extra_the_shipped_preset_alone_is_looked_at(make_context):
    result = compute_item(find_item("toptag/figS1"), make_context(data="embedded", jets=401))
    assert "matched" in result.values
    assert "documented" not in result.values
    assert any("documented" in note for note in result.notes)


def test_a_users_file_is_looked_at_alone(make_context, tmp_path):
    pytest.importorskip("fastjet")
    from repro.data.tables import write_jets

    (part,) = read_parts(find_embedded("matched", None), 300)
    path = tmp_path / "mine.h5"
    write_jets(path, [part.jets])
    result = compute_item(find_item("toptag/figS1"), make_context(data=str(path)))
    assert result.data["source"] == "path"
    assert "given" in result.values
    assert "matched" not in result.values
    assert {entry["verdict"] for entry in result.claims} == {"not tested"}


# --- quantiles ---------------------------------------------------------------------------------


def test_quantile_intervals_cover():
    generator = np.random.default_rng(0)
    samples = [quantile_intervals(generator.exponential(size=400), [0.25, 0.9]) for _ in range(500)]
    for column, truth in enumerate((-np.log(0.75), -np.log(0.1))):
        covered = np.mean([s.low[column] <= truth <= s.high[column] for s in samples])
        assert 0.92 < covered < 0.98


def test_binned_quantiles_are_quantiles_of_evenly_filled_bins():
    values = np.random.default_rng(1).uniform(0, 10, 100_000)
    edges = np.linspace(0, 10, 11).tolist()
    found = binned_quantiles(fractions(values, edges), edges, [0.05, 0.5, 0.95])
    np.testing.assert_allclose(found, [0.5, 5, 9.5], atol=0.05)


def test_largest_gap_is_the_distance_of_survival_curves():
    counts = np.array([1, 2, 3, 4])
    assert largest_gap(counts, [1.0, 0.75, 0.5, 0.25, 0.0]).value == 0
    assert largest_gap(counts, [1.0, 0.75, 0.9, 0.25, 0.0]).value == pytest.approx(0.4)
