"""The catalogue lists every item and every claim of both papers, and lists them right."""

import importlib.util
import math
import re
import subprocess
import sys
from collections import Counter

import pytest

from repro.catalogue import PAPERS, find_item, load_claims, load_items
from repro.catalogue.claims import COMPARISONS
from repro.errors import UnknownName

TOPTAG = [
    *(f"toptag/table{n}" for n in range(1, 9)),
    *(f"toptag/fig{n}" for n in range(1, 30)),
    "toptag/figS1",
    "toptag/figS2",
    "toptag/tableS1",
    "toptag/tableS2",
]
HBB = [
    "hbb/table1",
    *(f"hbb/{'table' if n in (3, 4) else 'fig'}K{n}" for n in range(1, 8)),
    *(f"hbb/fig{n}" for n in range(1, 12)),
    "hbb/figP1",
]
MODELS = {"topodnn", "augpfn", "leakypfn", "mbns", "pfn", "pfin", "in"}
CLAIMS = load_claims()
BY_ID = {claim.id: claim for claim in CLAIMS}


def module_exists(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def numbers(expected):
    values = expected if isinstance(expected, tuple) else (expected,)
    return [value for value in values if isinstance(value, int | float)]


@pytest.mark.parametrize(("paper", "expected"), [("toptag", TOPTAG), ("hbb", HBB)])
def test_every_item_is_listed_once(paper, expected):
    assert [item.id for item in load_items(paper)] == expected


@pytest.mark.parametrize("item", load_items(), ids=lambda item: item.id)
def test_item_is_well_formed(item):
    assert re.fullmatch(r"(toptag|hbb)/(fig|table)([KPS]?\d+)", item.id)
    assert item.title
    assert item.method.isidentifier()
    assert item.models or item.method in ("closure", "comparison")
    assert set(item.models) <= MODELS
    assert item.cost
    assert item.publication_label is None
    for name in (*item.data, *item.fixtures):
        assert name.startswith(f"{item.paper}/")
    assert find_item(item.id) is item


@pytest.mark.parametrize("item", load_items(), ids=lambda item: item.id)
def test_module_is_named_where_it_exists(item):
    name = f"repro.figures.{item.paper}.{item.stem}"
    assert item.module in (None, name)
    assert (item.module is not None) == module_exists(name)


@pytest.mark.parametrize(("paper", "last"), [("toptag", 41), ("hbb", 28)])
def test_every_claim_is_listed(paper, last):
    groups = {claim.group for claim in load_claims(paper)}
    assert {f"{paper}/C{n}" for n in range(1, last + 1)} <= groups
    own = {item.id.replace("fig", "F").replace("table", "T") for item in load_items(paper)}
    extra = {group for group in groups if not re.fullmatch(r"\w+/[AC]\d+", group)}
    assert extra <= own | {item.id.replace("fig", "") for item in load_items(paper)}


def test_groups_stand_together():
    for paper in PAPERS:
        groups = [claim.group for claim in load_claims(paper)]
        starts = [b for a, b in zip([None, *groups], groups, strict=False) if a != b]
        assert len(starts) == len(set(starts))


def test_claim_ids_are_unique_and_well_formed():
    assert [
        name for name, count in Counter(claim.id for claim in CLAIMS).items() if count > 1
    ] == []
    for claim in CLAIMS:
        assert re.fullmatch(rf"{re.escape(claim.group)}(\.[\w-]+)*", claim.id), claim.id


def test_claims_name_an_item_and_a_value():
    items = {item.id for item in load_items()}
    for claim in CLAIMS:
        assert claim.item in items, claim.id
        assert claim.item.startswith(f"{claim.paper}/"), claim.id
        assert re.fullmatch(r"[\w-]+(\.[\w-]+)*", claim.value), claim.id
        assert claim.statement.endswith("."), claim.id
        assert claim.source, claim.id
        assert "{" not in claim.quantity, claim.id


def test_expected_values_fit_their_comparison():
    for claim in CLAIMS:
        assert claim.comparison in COMPARISONS, claim.id
        assert all(math.isfinite(value) for value in numbers(claim.expected)), claim.id
        if claim.comparison == "between":
            low, high = claim.expected
            assert low < high, claim.id
        elif claim.comparison != "equal":
            assert isinstance(claim.expected, int | float), claim.id


def test_every_tolerance_has_a_reason():
    for claim in CLAIMS:
        of_paper = [t for t in (claim.reproduction, claim.replication) if t is not None]
        assert of_paper, claim.id
        tolerances = of_paper if claim.other_jets is None else [*of_paper, claim.other_jets]
        for tolerance in tolerances:
            assert tolerance.reason, claim.id
            bounds = [b for b in (tolerance.absolute, tolerance.relative) if b is not None]
            assert all(bound >= 0 for bound in bounds), claim.id
            if claim.comparison == "within":
                assert bounds, claim.id


def test_same_value_is_never_expected_to_differ():
    """Two claims on one value agree within the sum of their tolerances."""
    seen = {}
    for claim in CLAIMS:
        if claim.comparison == "within":
            seen.setdefault((claim.item, claim.value), []).append(claim)
    for claims in seen.values():
        first, *others = claims
        for other in others:
            slack = sum(
                (c.reproduction or c.replication).distance(c.expected) for c in (first, other)
            )
            assert abs(first.expected - other.expected) <= slack, (first.id, other.id)


@pytest.mark.parametrize(
    ("name", "expected", "reproduction", "replication"),
    [
        ("toptag/C2.auc", 97.1203, 0.002, 0.15),
        ("toptag/C3.rejection_80", 22.11, 0.05, 2.211),
        ("toptag/C4.sparsity.v4.both", 0.584337, 0.0061, 0.1),
        ("toptag/C14.topodnn.v4", 16013, 0, 0),
        ("toptag/C14.pfin.cat", 100902, 0, 0),
        ("toptag/C15.delta_auc.eta_10", 0.049, 0.003, None),
        ("toptag/C16.authors.top.phi_8", 0.0836, 0.00005, None),
        ("toptag/C17.lrp.qcd.phi_1", 0.0483, 0.001, None),
        ("toptag/C23.delta_auc.tau_2_05", 0.42, 0.1, None),
        ("toptag/C38.mad.qcd.3_4", 0.14, 0.01, None),
        ("hbb/C1.psvfeaturesdropped_001_noTrackQ_hidden16_De8_Do8", 2842, 0, 0),
        ("hbb/C3.baseline.b1.hbb", -3.03023, 0.00303023, None),
        ("hbb/C13.delta_auc.sv_pt", 24.84, 2.484, None),
        ("hbb/C18.psvfeaturesdropped_100_preload", 92.15, 0.3, 4.0),
        ("hbb/C24.relevance.hbb.trackBTag_EtaRel", 0.268, 0.0804, None),
    ],
)
def test_numbers_are_the_papers(name, expected, reproduction, replication):
    claim = BY_ID[name]
    assert claim.expected == expected
    for tolerance, distance in (
        (claim.reproduction, reproduction),
        (claim.replication, replication),
    ):
        if distance is None:
            assert tolerance is None
        else:
            assert tolerance.distance(expected) == pytest.approx(distance)


def test_orders_are_lists_of_names():
    assert BY_ID["toptag/C16.order.qcd.first_three"].expected == ("phi_1", "phi_2", "phi_3")
    assert BY_ID["toptag/C17.order.top.first_two"].expected == ("pt_0", "pt_1")
    assert BY_ID["hbb/C15.0001.track_indices"].expected == tuple(range(14, 22))


def test_bars_are_sorted():
    """Measured bars stand in the order of the figure, longest first."""
    bars = ("C15.delta_auc", "C17.lrp.qcd", "C17.lrp.top", "C18.relevance", "C25.mad.qcd")
    for prefix in bars:
        values = [c.expected for c in CLAIMS if c.id.startswith(f"toptag/{prefix}.")]
        assert len(values) in (10, 20)
        assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("load", [load_items, load_claims])
def test_unknown_paper(load):
    with pytest.raises(UnknownName, match="choose from toptag, hbb"):
        load("atlas")


def test_unknown_item():
    with pytest.raises(UnknownName, match="toptag/fig99"):
        find_item("toptag/fig99")


def test_catalogue_needs_no_torch():
    code = (
        "import sys, repro.catalogue as c; c.load_items(); c.load_claims(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
