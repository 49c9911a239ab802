"""--corrected: what each quirk switches, item by item, and the table of what changes."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from test_figures import QUICK, SCHEMA
from test_results import make_result

from repro.catalogue import find_item, load_claims, load_items
from repro.errors import MissingData, NotAvailable
from repro.explain.pair_masking import explain_by_pair_masking
from repro.features.mbns import mbns_features
from repro.figures.corrections import NumberChange, compare, share_of_changed_rows
from repro.figures.run import compute_item, render_item
from repro.figures.toptag import fig02, fig27, tableS2
from repro.models.cards import find_card
from repro.results.document import Result, named
from repro.results.files import write_result

# What says in an item's settings that a quirk is on or off.
SWITCHES = {
    "B4": ("outliers", "zeroed", "dropped"),
    "B10": ("alone", False, True),
    "B11": ("scale", "jet", "mean"),
    "B12": ("biases", True, False),
}
SWITCHED = [
    (item, quirk) for item in load_items("toptag") for quirk in item.quirks if quirk in SWITCHES
]


@pytest.fixture(scope="module")
def both(make_context):
    """Computes an item both ways, once."""
    ways = [
        make_context(data="embedded", jets=100, corrected=corrected) for corrected in (False, True)
    ]
    results = {}

    def run(item):
        if item.id not in results:
            results[item.id] = [compute_item(item, way) for way in ways]
        return results[item.id]

    return run


# --- which quirk is where ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "quirk"), SWITCHED, ids=[f"{item.id}-{quirk}" for item, quirk in SWITCHED]
)
def test_a_quirk_of_the_method_is_on_as_published_and_off_when_corrected(both, item, quirk):
    name, on, off = SWITCHES[quirk]
    assert [result.settings[name] for result in both(item)] == [on, off]


@pytest.mark.parametrize("item", load_items("toptag"), ids=lambda item: item.id)
def test_the_catalogue_names_all_quirks_of_a_method(item):
    """What is ranked by MAD divides by logits, what zeroes outliers has them, and so on."""
    wanted = {"mad_relevance": {"B4", "B11"}, "lrp": {"B4", "B12"}, "mean_behaviour": {"B12"}}
    assert wanted.get(item.method, set()) <= set(item.quirks)
    # Azimuth is wrapped in TopoDNN by its rotation alone.
    sees_azimuth = set(item.models) - {"topodnn"} and item.module
    own = item.method in ("closure", "correction", "architecture")
    assert ("B3" in item.quirks) == bool(sees_azimuth and not own) or item.id == "toptag/table8"


def test_pairs_are_masked_alone_when_corrected(both, make_context):
    """B10, with the other quirks off both times: what corrected shows is the pair alone."""
    published, corrected = both(find_item("toptag/fig27"))
    assert "alone" in published.values
    assert "alone" not in corrected.values
    context = make_context(data="embedded", jets=100, corrected=True)
    problem = context.problem(context.sample("pfin"), context.tagger("pfin:sum"))
    found = {
        alone: explain_by_pair_masking(
            problem, slots=10, alone=alone, scale="mean", outliers="dropped"
        )
        for alone in (False, True)
    }
    mad = {alone: named(e.names, e.panels["top"]) for alone, e in found.items()}
    shown = {name: corrected.values["mad"]["top"][name]["value"] for name in mad[True]}
    assert shown == pytest.approx({name: e["value"] for name, e in mad[True].items()})
    assert all(mad[False][name]["value"] > 2 * shown[name] for name in ("0_1", "0_2"))
    figure = fig27.render(corrected)
    assert len(figure.axes) == 2 * 3  # one row of three panels and their colour bars
    assert len(fig27.render(published).axes) == 2 * 6


@pytest.mark.parametrize(("corrected", "classes"), [(False, {0}), (True, {0, 1})])
def test_the_shap_background_of_topodnn(make_context, corrected, classes):
    """B7: QCD jets alone as published, both classes when corrected."""
    context = make_context(data="embedded", jets=60, corrected=corrected, background=50)
    sample = context.topodnn_sample()
    rows, about = fig02._background(context, sample, sample)
    assert ("both classes" in about) == corrected
    label_of = {tuple(row): label for row, label in zip(sample.inputs, sample.labels, strict=True)}
    assert {label_of[tuple(row)] for row in rows} == classes


def test_a_variant_without_the_jet_mass_would_see_the_jet_pt():
    """B6 has no place here: a variant names the columns that it does not see."""
    names = mbns_features()
    card = dataclasses.replace(find_card("mbns"), drop=("m_J",))
    assert [names[column] for column in card.columns(names)] == [*names[:-2], "pT_J"]


def test_masses_of_pairs_are_stable_when_corrected(make_context):
    """B17."""
    for corrected in (False, True):
        context = make_context(data="embedded", jets=20, corrected=corrected)
        assert context.tagger("pfin:sum").network.stable_mass is corrected


def test_inputs_change_where_a_jet_lies_across_the_seam_and_only_there(make_context):
    """B3: a constituent of PFN is more than half a turn from the axis, or nothing changes."""
    ways = [make_context(data="embedded", jets=300, corrected=flag) for flag in (False, True)]
    published, corrected = (way.sample("pfn").inputs for way in ways)
    torn = (np.abs(published[:, 2::3]) > np.pi).any(axis=1)
    np.testing.assert_array_equal((published != corrected).any(axis=1), torn)
    assert 0.02 < torn.mean() < 0.3
    found = share_of_changed_rows(published, corrected)
    assert found.value == torn.mean()


# --- what changes ------------------------------------------------------------------------------


def bar(value, low=None, high=None):
    ends = {} if low is None else {"interval": [low, high]}
    return {"value": value, **ends, "unit": "%"}


def results(published, corrected):
    return make_result(values=published), make_result(values=corrected)


def test_numbers_are_compared_in_half_widths_of_the_published_way():
    before = {"mad": {"a": bar(1.0, 0.9, 1.1), "b": bar(2.0, 1.0, 3.0), "c": bar(3.0, 2.0, 4.0)}}
    after = {"mad": {"a": bar(1.15, 1.1, 1.2), "b": bar(2.5, 2.4, 2.6), "c": bar(3.0, 2.9, 3.1)}}
    found = compare(*results(before, after), ["mad.a", "mad.b", "mad.c", "mad.a", "mad.d", "mad"])
    assert [number.path for number in found.numbers] == ["mad.a", "mad.b", "mad.c"]
    assert [number.changes for number in found.numbers] == [True, True, False]
    assert [number.beyond for number in found.numbers] == [True, False, False]
    assert [n.half_widths for n in found.numbers] == pytest.approx([1.5, 0.5, 0.0])
    assert found.largest == NumberChange("mad.a", 1.0, 1.15, (0.9, 1.1))


def test_numbers_without_an_interval_change_and_are_never_beyond():
    before = {"rank": {"pT_J": 3}, "count": 5, "names": ["a"], "yes": True, "none": None}
    after = {"rank": {"pT_J": 1}, "count": 5, "names": ["b"], "yes": False, "none": 1.0}
    found = compare(*results(before, after), ["rank.pT_J", "count", "names", "yes", "none"])
    assert [(n.path, n.changes, n.beyond) for n in found.numbers] == [
        ("rank.pT_J", True, False),
        ("count", False, False),
    ]
    assert found.largest.path == "rank.pT_J"
    assert found.largest.half_widths is None


def test_where_nothing_changes_nothing_is_largest():
    values = {"auc": bar(97.0, 96.0, 98.0)}
    found = compare(*results(values, values), ["auc"])
    assert found.largest is None
    assert not any(number.changes for number in found.numbers)


def test_an_interval_without_width_is_no_yardstick():
    assert NumberChange("x", 1.0, 2.0, (1.0, 1.0)).half_widths is None
    assert NumberChange("x", 1.0, 2.0, (1.0, 1.0)).beyond
    assert not NumberChange("x", 1.0, 1.2, (0.8, 1.2)).beyond


def test_orders_are_compared_panel_by_panel():
    names = "abcdef"
    falling = {name: bar(float(9 - place)) for place, name in enumerate(names)}
    swapped = falling | {"e": bar(4.0), "f": bar(5.0)}  # f passes e, and is fifth
    turned = {name: bar(float(place)) for place, name in enumerate(names)}
    before = {"mad": {"qcd": falling, "top": falling}, "shap_by_rank": {"4": bar(1.0)}, "n": 3}
    after = {"mad": {"qcd": swapped, "top": turned}, "shap_by_rank": {"4": bar(2.0)}, "n": 3}
    qcd, top = compare(*results(before, after), []).orders
    assert (qcd.path, top.path) == ("mad.qcd", "mad.top")
    assert qcd.published == tuple(names)
    assert qcd.corrected == tuple("abcdfe")
    assert (qcd.changes, qcd.same_first) == (True, True)
    assert qcd.tau == pytest.approx(1 - 2 / 15)
    assert (top.changes, top.same_first, top.tau) == (True, False, pytest.approx(-1))


def test_ranked_names_may_come_and_go():
    """Latent nodes are ranked if their mean is large enough, which inputs decide."""
    before = {"mad": {"a": bar(3.0), "b": bar(2.0), "c": bar(1.0)}}
    after = {"mad": {"a": bar(3.0), "c": bar(1.0), "d": bar(2.0), "e": bar(None)}}
    (order,) = compare(*results(before, after), []).orders
    assert order.corrected == ("a", "d", "c")
    assert order.tau == pytest.approx(1)


def test_the_share_of_changed_rows_leaves_rounding_out():
    before = np.array([[1.0, 100.0], [2.0, 0.0], [3.0, 5.0], [4.0, 6.0]])
    after = before + np.array([[0.0, 0.01], [0.5, 0.0], [0.0, 1e-6], [0.0, 0.0]])
    assert share_of_changed_rows(before, after).value == 0.25


# --- the table ---------------------------------------------------------------------------------

SOME = ("toptag/fig5", "toptag/table3", "toptag/fig7")


@pytest.fixture
def some_items(monkeypatch):
    monkeypatch.setattr(tableS2, "_items", lambda: [find_item(name) for name in SOME])


def compute_table(context):
    return compute_item(find_item("toptag/tableS2"), context)


@pytest.mark.usefixtures("some_items")
def test_the_table_has_a_row_for_each_item_and_each_ranking(make_context, both, tmp_path):
    result = compute_table(make_context(data="embedded", jets=100, corrected=True))
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    rows = result.values["rows"]
    assert list(rows) == [
        "fig5",
        "fig5_relevance",
        "table3",
        "fig7",
        "fig7_mad_qcd",
        "fig7_mad_top",
    ]
    published, corrected = both(find_item("toptag/fig5"))
    claimed = [c.value for c in load_claims("toptag") if c.item == "toptag/fig5"]
    found = compare(published, corrected, claimed)
    row = rows["fig5"]
    assert (row["quirks"], row["jets"]) == ("B12", 100)
    assert row["numbers"] == len(found.numbers) == 20
    assert row["beyond"] == sum(number.beyond for number in found.numbers) > 0
    assert (row["what"], row["corrected"]) == (found.largest.path, found.largest.corrected)
    leading = [*published.values["relevance"]]
    leading.sort(key=lambda name: -published.values["relevance"][name]["value"])
    assert rows["fig5_relevance"]["published"] == ", ".join(leading[:5])
    assert result.settings["corrected"] is False
    assert any("--corrected changes nothing" in note for note in result.notes)
    assert {entry["model"] for entry in result.weights} >= {"topodnn:baseline", "pfn:v3"}
    assert render_item(find_item("toptag/tableS2"), result) is None
    written = write_result(result, None, tmp_path)
    assert {path.name for path in written} == {f"tableS2.{s}" for s in ("json", "csv", "md", "tex")}


@pytest.mark.usefixtures("some_items")
def test_what_cannot_be_computed_has_a_row_with_the_reason(make_context, monkeypatch):
    def compute(item, context):
        if item.id == "toptag/table3" and context.settings.corrected:
            raise NotAvailable("FastJet is not installed")
        return compute_item(item, context)

    monkeypatch.setattr(tableS2, "compute_item", compute)
    rows = compute_table(make_context(data="embedded", jets=60)).values["rows"]
    assert rows["table3"] == {
        "quirks": "B2 B3",
        "remark": "not computed: FastJet is not installed",
    }
    assert rows["fig7"]["numbers"] == 40


@pytest.mark.usefixtures("some_items")
def test_if_nothing_can_be_computed_it_says_so(make_context, monkeypatch):
    def compute(*_):
        raise MissingData("no jets")

    monkeypatch.setattr(tableS2, "compute_item", compute)
    with pytest.raises(MissingData, match="no jets"):
        compute_table(make_context(data="embedded", jets=60))


def test_costly_items_get_fewer_jets_and_never_more_than_were_asked_for(make_context):
    context = make_context(data="embedded", jets=50, background=500)
    shap = tableS2._for_item(context, find_item("toptag/fig2")).settings
    assert (shap.jets, shap.background) == (50, 100)
    pairs = tableS2._for_item(make_context(data="embedded"), find_item("toptag/fig27")).settings
    assert (pairs.jets, pairs.background) == (2000, 100)
    assert tableS2._for_item(context, find_item("toptag/fig5")) is context


def test_the_table_has_every_item_with_a_quirk_and_a_claim():
    names = {item.id for item in tableS2._items()}
    assert names >= {
        "toptag/fig2",
        "toptag/table2",
        "toptag/fig27",
        "toptag/table6",
        "toptag/figS2",
    }
    assert not names & {"toptag/fig1", "toptag/fig26", "toptag/tableS2"}


@pytest.mark.slow
def test_costly_items_have_rows(make_context, monkeypatch):
    """KernelSHAP and pairs, with the few jets that a test has time for."""
    names = ("toptag/fig2", "toptag/fig10", "toptag/fig27")
    monkeypatch.setattr(tableS2, "_items", lambda: [find_item(name) for name in names])
    rows = compute_table(make_context(data="embedded", **QUICK | {"jets": 20})).values["rows"]
    assert all(rows[name]["changed"] for name in ("fig2", "fig10", "fig27"))


# --- what docs/quirks.md says of it in words ----------------------------------------------------


@pytest.fixture(scope="module")
def committed():
    path = Path(__file__).resolve().parent.parent / "figures" / "toptag" / "tableS2.json"
    return Result.from_json(path).values


def number(committed, item, name):
    entry = committed["details"][item]["numbers"][name]
    return entry["published"]["value"], entry["corrected"], entry["half_widths"]


def test_the_networks_do_better_without_the_seam_and_pfin_gains_least(committed):
    gains = {}
    for item, name in {"table2": "baseline", "table3": "baseline", "table4": "sum"}.items():
        before, after, half_widths = number(committed, item, f"rows_{name}_auc")
        gains[item] = after - before
        assert 0 < half_widths < 1
    assert min(gains, key=gains.get) == "table4"
    before, after, _ = number(committed, "table4", "gain_auc")
    assert 0 < after < before


def test_subjettiness_is_what_the_seam_changes_most(committed):
    for name in ("delta_auc_tau_1_1", "delta_auc_tau_2_2"):
        before, after, half_widths = number(committed, "fig9", name)
        assert after < before / 2
        assert half_widths < -5
    before, after, _ = number(committed, "fig15", "correlation_qcd_m_J_tau_1_1")
    assert after > before + 0.5
    before, after, _ = number(committed, "figS2", "gain_by_mad_mbns_qcd")
    assert 0 < after < before


def test_orders_are_as_the_text_has_them(committed):
    orders = {
        (item, panel): order
        for item, found in committed["details"].items()
        for panel, order in found["orders"].items()
    }
    assert orders["fig7", "mad_top"]["tau"] > 0.9
    assert orders["fig5", "relevance"]["tau"] < orders["fig4", "lrp_qcd"]["tau"]
    for panel in (("fig4", "lrp_qcd"), ("fig4", "lrp_top"), ("fig5", "relevance")):
        assert orders[panel]["same_first"]
        assert committed["rows"]["_".join(panel)]["published"].startswith("pt_0, ")
    assert orders["fig2", "computed_qcd"]["same_first"]
    assert not orders["fig12", "mad_top"]["same_first"]


# --- contexts ----------------------------------------------------------------------------------


def test_a_context_with_other_settings_has_the_same_source_and_choice_of_weights(make_context):
    context = make_context(data="embedded", jets=60)
    other = context.but(corrected=True, jets=30)
    assert other.settings == dataclasses.replace(context.settings, corrected=True, jets=30)
    assert (other.source, other.store) == (context.source, context.store)
    assert other._weights is context._weights
    assert len(other.sample("pfn").labels) == 30
    assert len(context.sample("pfn").labels) == 60
