"""Figure S2: how far explanation methods agree."""

import json
from importlib import resources

import jsonschema
import pytest
from problems import shap

from repro.catalogue import find_item
from repro.figures.run import compute_item, render_item
from repro.figures.toptag import figS2

assert shap  # imported there without the warnings of its own imports
SCHEMA = json.loads(resources.files("repro.results").joinpath("schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def result(make_context):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figS2, "_JETS", {"integrated_gradients": 40, "kernel_shap": 3})
        patch.setattr(figS2, "_DRAWS", 20)
        return compute_item(find_item("toptag/figS2"), make_context(data="embedded", jets=300))


def test_methods_agree_with_themselves_and_with_each_other_both_ways(result):
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    for family, classes in result.values["kendall_tau"].items():
        assert set(classes) == {"qcd", "top"}
        for table in classes.values():
            assert set(table) == set(figS2._MODELS[family])
            for first, row in table.items():
                assert row[first]["value"] == pytest.approx(1)
                for second, cell in row.items():
                    assert cell["value"] == pytest.approx(table[second][first]["value"])
                    low, high = cell["interval"]
                    assert -1 <= low <= cell["value"] <= high <= 1 + 1e-12


def test_every_claim_finds_its_number(result):
    assert result.claims
    for entry in result.claims:
        assert entry["got"] is not None, entry["id"]
        assert entry["interval"] is not None, entry["id"]


def test_the_gain_by_mad_is_a_difference_of_two_agreements(result):
    for family, classes in result.values["gain_by_mad"].items():
        for name, gain in classes.items():
            tau = result.values["kendall_tau"][family][name]["occlusion"]
            expected = tau["mad_relevance"]["value"] - tau["lrp"]["value"]
            assert gain["value"] == pytest.approx(expected)


def test_what_masks_agrees_more_than_what_propagates(result):
    """The study's point: layerwise relevance has an order of its own."""
    tau = result.values["kendall_tau"]["mbns"]["top"]
    assert tau["occlusion"]["permutation"]["value"] > tau["occlusion"]["lrp"]["value"] + 0.2


def test_it_is_drawn(result):
    figure = render_item(find_item("toptag/figS2"), result)
    assert len(figure.axes) == 7
