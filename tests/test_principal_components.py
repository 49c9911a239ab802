"""Numbers of principal components against scikit-learn and numpy, and peaks of histograms."""

import dataclasses

import numpy as np
import pytest
from alike import assert_close
from sklearn.decomposition import PCA

from repro.catalogue import find_item
from repro.data.spooled import MemoryTable, SpooledRows, SpooledTable
from repro.errors import BadInput, NotAvailable
from repro.explain.correlation import correlations
from repro.features.samples import Sample
from repro.features.summary import quantity_features, summary_features
from repro.figures.context import Context
from repro.figures.distributions import histogram_of, peak_of
from repro.figures.principal_components import (
    VARIANCE,
    Components,
    check_rows,
    component_values,
    correlation_tables,
    jet_quantities_of,
    principal_components,
)
from repro.figures.run import render_item
from repro.figures.toptag import fig29

LABELS = np.arange(600) % 2


def latents(seed=0, nodes=8):
    """Latent vectors with a falling spectrum, shifted between the classes."""
    rng = np.random.default_rng(seed)
    mixing = np.linalg.qr(rng.normal(size=(nodes, nodes)))[0]
    spread = 2.0 ** -np.arange(nodes)
    values = rng.normal(size=(len(LABELS), nodes)) * spread
    values[:, 0] += LABELS
    return values @ mixing + 5


def as_components(columns):
    table = MemoryTable(columns.T.shape, columns.dtype)
    table.put(0, columns.T)
    return Components(table, np.ones(columns.shape[1]), np.zeros(columns.shape[1]))


def columns_of(components):
    return np.stack([components.values[i] for i in range(len(components))], axis=1)


def sample_of(features, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(0.1, 1, size=(len(LABELS), len(features)))
    rows = np.arange(len(LABELS))
    return Sample(inputs, LABELS, rows, "other", "toy jets", {}, family="jets")


# --- components ----------------------------------------------------------------------------------


def test_components_are_scikit_learns_and_hold_the_variance():
    values = latents()
    components = principal_components(values.astype(np.float32))
    found = columns_of(components)
    whole = PCA(svd_solver="full").fit(values.astype(np.float32).astype(np.float64))
    shares = np.cumsum(whole.explained_variance_ratio_)
    count = found.shape[1]
    assert shares[count - 1] >= VARIANCE > shares[count - 2]
    projected = whole.transform(values)[:, :count]
    np.testing.assert_allclose(found, projected, atol=1e-5)
    ratios = whole.explained_variance_ratio_[:count]
    np.testing.assert_allclose(components.variance, ratios, rtol=1e-9)
    # Uncorrelated, centred, in falling order of their variance: without scikit-learn.
    covariance = np.cov(found.T)
    eigenvalues = np.linalg.eigvalsh(np.cov(values.T))[::-1]
    np.testing.assert_allclose(covariance, np.diag(eigenvalues[:count]), atol=1e-5)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-6)


def test_values_are_those_of_the_components():
    values = latents()
    found = component_values(values, LABELS, [(0, 1), (2, 3), (0, 99)], seed=3)
    model = PCA(n_components=VARIANCE, svd_solver="full")
    components = model.fit_transform(values)
    count = components.shape[1]
    assert found["components"]["value"] == count
    low, high = found["components"]["interval"]
    assert low <= count <= high
    np.testing.assert_allclose(found["variance"], model.explained_variance_ratio_)
    assert found["planes"] == [[0, 1], [2, 3]]
    assert list(found["histograms"]) == [f"pc{i}" for i in range(count)]
    for label, name in enumerate(("qcd", "top")):
        mine = components[label == LABELS]
        assert list(found["points"][name]) == ["pc0", "pc1", "pc2", "pc3"]
        # No more jets than are drawn: all of them.
        np.testing.assert_allclose(found["points"][name]["pc1"], mine[:, 1], atol=5e-5)
        histogram = found["histograms"]["pc0"][name]
        edges = np.array(histogram["edges"])
        ends = [np.quantile(components[i == LABELS, 0], (0.005, 0.995)) for i in (0, 1)]
        assert (edges[0], edges[-1]) == pytest.approx((np.min(ends), np.max(ends)))
        assert (
            sum(histogram["counts"]) == ((mine[:, 0] >= edges[0]) & (mine[:, 0] <= edges[-1])).sum()
        )
        assert histogram["mean"] == pytest.approx(mine[:, 0].mean())


def test_at_most_a_thousand_points_of_each_class_are_kept():
    values = np.tile(latents(), (5, 1))
    labels = np.tile(LABELS, 5)
    found = component_values(values, labels, [(0, 1)], seed=3)
    components = columns_of(principal_components(values))
    for label, name in enumerate(("qcd", "top")):
        points = np.array(found["points"][name]["pc0"])
        assert len(points) == 1000
        assert np.isin(points, components[labels == label, 0].round(4)).all()


def test_as_many_components_as_there_are_directions():
    """Two directions of the same variance: neither can be left out."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(len(LABELS), 2))
    values = plane @ np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
    found = component_values(values, LABELS, [], seed=0)
    assert found["components"] == {"value": 2, "interval": [2, 2]}
    assert sum(found["variance"]) == pytest.approx(1)


def test_jets_that_come_from_a_file_some_at_a_time_give_the_same(tmp_path, monkeypatch):
    values = latents()
    wanted = component_values(values, LABELS, [(0, 1)], seed=3)
    rows = SpooledRows(tmp_path, values.shape[1], values.dtype)
    rows.append(values)
    monkeypatch.setattr("repro.data.rows._NUMBERS_AT_ONCE", 7 * values.shape[1])
    monkeypatch.setattr("repro.data.spooled.IN_MEMORY", 0)
    assert isinstance(principal_components(rows, tmp_path).values, SpooledTable)
    assert_close(component_values(rows, LABELS, [(0, 1)], 3, tmp_path), wanted, rel=1e-9, abs=1e-9)


def test_jets_that_are_all_alike_have_no_components():
    with pytest.raises(BadInput, match="are all alike"):
        principal_components(np.ones((10, 3)))


# --- correlations --------------------------------------------------------------------------------


def test_correlations_are_those_of_each_class_and_ignore_what_is_not_there():
    rng = np.random.default_rng(1)
    components = rng.normal(size=(len(LABELS), 2))
    quantities = {
        "same": components[:, 0].copy(),
        "opposite": -2 * components[:, 1] + 1,
        "mixed": components[:, 0] + rng.normal(size=len(LABELS)),
    }
    quantities["mixed"][::7] = np.nan
    tables = correlation_tables(as_components(components), quantities, LABELS)
    for label, name in enumerate(("qcd", "top")):
        signed, absolute = tables["correlation"][name], tables["abs_correlation"][name]
        assert signed["pc0"]["same"]["value"] == 1
        assert signed["pc1"]["opposite"]["value"] == -1
        assert absolute["pc1"]["opposite"]["value"] == 1
        rows = (label == LABELS) & np.isfinite(quantities["mixed"])
        expected = np.corrcoef(quantities["mixed"][rows], components[rows, 0])[0, 1]
        assert signed["pc0"]["mixed"]["value"] == pytest.approx(expected)
        pair = correlations(np.column_stack([quantities["mixed"][rows], components[rows, 0]]))
        assert signed["pc0"]["mixed"]["interval"] == pytest.approx(
            [pair.low[0, 1], pair.high[0, 1]]
        )


def test_absolute_correlations_have_no_interval_below_zero():
    rng = np.random.default_rng(2)
    components = rng.normal(size=(len(LABELS), 1))
    noise = {f"x{i}": rng.normal(size=len(LABELS)) for i in range(20)}
    noise["negative"] = rng.normal(size=len(LABELS)) - components[:, 0]
    tables = correlation_tables(as_components(components), noise, LABELS)
    crossing = 0
    for name in ("qcd", "top"):
        for quantity, entry in tables["abs_correlation"][name]["pc0"].items():
            signed = tables["correlation"][name]["pc0"][quantity]
            low, high = entry["interval"]
            assert entry["value"] == abs(signed["value"])
            assert 0 <= low <= entry["value"] <= high
            assert high == max(map(abs, signed["interval"]))
            if signed["interval"][0] < 0 < signed["interval"][1]:
                assert low == 0
                crossing += 1
            else:
                assert low == min(map(abs, signed["interval"]))
    assert 0 < crossing < 42


def test_quantities_are_columns_and_ratios():
    sample = sample_of(summary_features())
    sample.inputs[:10, sample.features.index("tau_1_1")] = 0
    found = jet_quantities_of(sample)
    assert len(found) == 17
    for name, column in {
        "E": "energy",
        "m": "m_J",
        "nconst": "constituents",
        "tau8": "tau_8_1",
    }.items():
        np.testing.assert_array_equal(found[name], sample.inputs[:, sample.features.index(column)])
    assert np.isnan(found["tau21"][:10]).all()
    np.testing.assert_allclose(
        found["tau21"][10:], (found["tau2"] / np.where(found["tau1"] == 0, 1, found["tau1"]))[10:]
    )
    np.testing.assert_allclose(found["tau32"], found["tau3"] / found["tau2"])


def test_jets_without_subjettiness_have_none():
    sample = dataclasses.replace(sample_of(quantity_features()), family="leading_quantities")
    found = jet_quantities_of(sample)
    assert len(found) == 17
    assert all(np.isnan(found[f"tau{n}"]).all() for n in (*range(1, 9), 21, 32))
    assert np.isfinite(found["m"]).all()


def test_other_jets_are_refused():
    first = sample_of(summary_features())
    check_rows(first, first)
    with pytest.raises(BadInput, match="give jets that have both"):
        check_rows(first, dataclasses.replace(first, rows=first.rows + 1))


# --- peaks ---------------------------------------------------------------------------------------


def test_a_sharp_peak_is_known_to_half_a_bin():
    histogram = {"counts": [1, 1000, 2], "edges": [0.0, 1.0, 3.0, 4.0]}
    found = peak_of(histogram, seed=0)
    assert (found.value, found.low, found.high) == (2.0, 1.0, 3.0)


def test_two_equal_peaks_are_both_in_the_interval():
    counts, edges = [5, 400, 5, 400, 5], np.arange(6.0)
    found = peak_of({"counts": counts, "edges": edges}, seed=1)
    assert found.value in (1.5, 3.5)
    assert 1.0 <= found.low <= 1.5
    assert 3.5 <= found.high <= 4.0


def test_the_peak_of_a_gaussian_is_its_mean():
    values = np.random.default_rng(0).normal(3.0, 1.0, size=50_000)
    found = peak_of(histogram_of(values, np.linspace(-1, 7, 41)), seed=0)
    assert found.low <= 3.0 <= found.high
    assert found.high - found.low < 1.0


def test_histograms_count_every_value_once():
    values = np.array([0.0, 0.5, 0.5, 1.0, 2.0, 9.0])
    found = histogram_of(values, [0, 1, 2, 3])
    assert found["counts"] == [3, 1, 1]
    assert found["mean"] == pytest.approx(13 / 6)
    assert found["quartiles"] == np.quantile(values, [0.25, 0.5, 0.75]).tolist()


# --- figure 29 without FastJet -------------------------------------------------------------------


def test_without_fastjet_subjettiness_is_left_out_and_said_so(make_context, monkeypatch):
    sample = Context.sample

    def refuse(self, family, *arguments, **options):
        if family == "leading_jets":
            raise NotAvailable("FastJet is not installed")
        return sample(self, family, *arguments, **options)

    monkeypatch.setattr(Context, "sample", refuse)
    result = fig29.compute(make_context(data="embedded", jets=80, weights="embedded"))
    assert result.notes == ["Subjettiness of 60 constituents is left out: FastJet is not installed"]
    row = result.values["correlation"]["cat"]["qcd"]["pc0"]
    assert row["tau1"]["value"] is None
    assert row["tau32"]["value"] is None
    assert row["m"]["value"] is not None
    assert render_item(find_item("toptag/fig29"), result) is not None
