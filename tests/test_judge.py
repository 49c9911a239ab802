"""Verdicts: which evidence can decide what, and how."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from repro.catalogue import Claim, Tolerance, load_claims
from repro.cli.verdicts import verdict_lines
from repro.explain.problem import Explanation
from repro.figures.rankings import order_entry
from repro.metrics import auc, rank_jets
from repro.metrics.bootstrap import Intervals
from repro.results.document import Result
from repro.results.evidence import (
    Evidence,
    missing,
    order_stability,
    rate,
    sample_control,
)
from repro.results.judge import judge_claim, judge_item, not_tested, summarise

NARROW, WIDE = Tolerance("rounding", absolute=0.01), Tolerance("retraining", absolute=0.5)
CONTROL = "an untypical draw"


def make_claim(
    expected=10.0, comparison="within", reproduction=NARROW, replication=WIDE, other_jets=None
):
    return Claim(
        id="toptag/C1.x",
        group="toptag/C1",
        statement="It is so.",
        quantity="a number",
        expected=expected,
        comparison=comparison,
        reproduction=reproduction,
        replication=replication,
        other_jets=other_jets,
        source="T1",
        item="toptag/fig1",
        value="numbers.x",
    )


def make_result(number, evidence):
    return Result(
        item="toptag/fig1",
        title="t",
        data={"source": "embedded"},
        weights=[],
        settings={},
        values={"numbers": {"x": number}},
        evidence={"": evidence},
    )


def judge(claim, number, kind="complete", *, own_weights=False, control=None):
    evidence = Evidence(kind, "some jets", own_weights, control)
    return judge_claim(claim, make_result(number, evidence))


def measured(value, low, high):
    return {"value": value, "interval": [low, high]}


# --- whole data, the authors' or other weights -------------------------------------------------

WHOLE = [
    # comparison, expected, got, agrees within 0.01, agrees within 0.5
    ("within", 10.0, 10.005, True, True),
    ("within", 10.0, 10.4, False, True),
    ("within", 10.0, 9.4, False, False),
    ("equal", ("a", "b"), ["a", "b"], True, True),
    ("equal", ("a", "b"), ["b", "a"], False, False),
    ("equal", 3, 3, True, True),
    ("equal", True, True, True, True),
    ("equal", True, False, False, False),
    ("above", 0.0, 1e-9, True, True),
    ("above", 0.0, 0.0, False, False),
    ("below", 0.0, -1e-9, True, True),
    ("below", 0.0, 0.0, False, False),
    ("between", (-0.15, 0.15), 0.15, True, True),
    ("between", (-0.15, 0.15), 0.16, True, True),
    ("between", (-0.15, 0.15), 0.17, False, True),
    ("between", (-0.15, 0.15), -0.66, False, False),
]


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: f"{case[0]}-{case[2]}")
@pytest.mark.parametrize("own_weights", [False, True])
def test_truth_table(own_weights, case):
    """Reproduction is the paper's data with the authors' weights; all else replicates."""
    comparison, expected, got, narrowly, widely = case
    reproduces = not own_weights
    entry = judge(make_claim(expected, comparison), got, own_weights=own_weights)
    success = "reproduced" if reproduces else "replicated"
    agrees = narrowly if reproduces else widely
    assert entry["verdict"] == (success if agrees else "deviates")
    assert entry["got"] == got
    assert "some jets" in entry["reason"]
    tolerance = NARROW if reproduces else WIDE
    assert entry["tolerance_reason"] == tolerance.reason
    numbers = comparison in ("within", "between")
    assert entry["tolerance"] == (tolerance.absolute if numbers else None)


@pytest.mark.parametrize("kind", ["complete", "subset", "other"])
def test_a_value_that_is_not_there_is_not_tested(kind):
    for number in (None, {"value": None}, {"interval": [0, 1]}):
        entry = judge(make_claim(), number, kind)
        assert entry["verdict"] == "not tested"
        assert "undefined or infinite" in entry["reason"]


def test_missing_evidence_says_why():
    result = make_result(10.0, missing("there is no PFN"))
    assert judge_claim(make_claim(), result)["reason"] == "there is no PFN"


def test_few_jets_decide_nothing_and_keep_their_number():
    for own_weights in (False, True):
        entry = judge(make_claim(), measured(99.0, 98.9, 99.1), "few", own_weights=own_weights)
        assert (entry["verdict"], entry["got"]) == ("not tested", 99.0)
        assert entry["reason"] == "some jets: it takes 100 of each class to decide"


@pytest.mark.parametrize("kind", ["subset", "other"])
def test_jets_are_few_below_100_of_a_class(kind):
    assert rate(kind, np.repeat([0, 1], [99, 5000])) == "few"
    assert rate(kind, np.repeat([0, 1], [100, 100])) == kind
    assert rate(kind, np.ones(500, int)) == "few"
    assert rate("complete", np.array([0, 1])) == "complete"


def test_a_claim_that_no_item_computes_is_not_tested():
    fields = vars(make_claim()) | {"value": None}
    entry = judge_claim(Claim(**fields), make_result(10.0, Evidence("complete", "x")))
    assert (entry["verdict"], entry["reason"]) == ("not tested", "no item computes it")


@pytest.mark.parametrize("own_weights", [False, True])
def test_without_a_tolerance_for_this_evidence_it_is_not_tested(own_weights):
    lacking = {"replication": None} if own_weights else {"reproduction": None}
    entry = judge(make_claim(**lacking), 10.0, own_weights=own_weights)
    assert entry["verdict"] == "not tested"
    assert entry["got"] == 10.0
    assert "no tolerance is set" in entry["reason"]


@pytest.mark.parametrize("expected", [0.1, 0.3, 97.1203, 278.12, 1e-6, -0.288, 12345.678])
@pytest.mark.parametrize("allowed", [0.0, 5e-05, 0.01, 0.1, 2.0])
@pytest.mark.parametrize("side", [-1, 1])
def test_the_edge_of_a_tolerance_agrees_and_just_beyond_it_does_not(expected, allowed, side):
    """0.1 + 0.2 is not 0.3 in binary: the last bit of a decimal fraction must not decide."""
    claim = make_claim(expected, reproduction=Tolerance("edge", absolute=allowed))
    edge = expected + side * allowed
    assert judge(claim, edge)["verdict"] == "reproduced"
    assert judge(claim, edge + side * max(1e-4 * allowed, 1e-6))["verdict"] == "deviates"


@pytest.mark.parametrize(
    ("expected", "said"), [(0.5, True), (-0.4, True), (0.6, False), (0, False)]
)
def test_a_tolerance_that_lets_zero_pass_is_said(expected, said):
    entry = judge(make_claim(expected), expected, own_weights=True)
    assert entry["verdict"] == "replicated"
    assert entry["reason"].endswith("; so would zero") == said


def test_an_exact_tolerance_is_exact():
    claim = make_claim(59_323, reproduction=Tolerance("a count", absolute=0))
    assert judge(claim, 59_323)["verdict"] == "reproduced"
    assert judge(claim, 59_324)["verdict"] == "deviates"


def test_the_larger_of_both_tolerances_counts():
    both = Tolerance("x", absolute=1.0, relative=0.5)
    assert both.distance(10) == 5
    assert both.distance(-1) == 1


# --- some of the paper's jets ------------------------------------------------------------------

SUBSET = [
    # comparison, expected, got, verdict of a typical draw, verdict of an untypical one
    ("within", 10.0, measured(10.0, 9.995, 10.005), "reproduced", "not tested"),
    ("within", 10.0, measured(10.0, 9.98, 10.02), "not tested", "not tested"),  # wider than it
    ("within", 10.0, measured(10.2, 9.8, 10.6), "not tested", "not tested"),
    ("within", 10.0, measured(10.2, 9.0, 11.4), "not tested", "not tested"),  # wider
    ("within", 10.0, measured(10.5, 10.1, 10.9), "not tested", "not tested"),  # 1.2 half-widths
    ("within", 10.0, measured(11.0, 10.6, 11.4), "deviates", "not tested"),  # 2.5 half-widths
    ("within", 10.0, 10.0, "not tested", "not tested"),  # no interval
    ("within", 10.0, {"value": 10.0, "interval": [9.0, None]}, "not tested", "not tested"),
    ("above", 0.0, measured(1.0, 0.5, 1.5), "reproduced", "reproduced"),
    ("above", 0.0, measured(1.0, -0.5, 2.5), "not tested", "not tested"),
    ("above", 0.0, measured(-1.0, -1.4, -0.6), "deviates", "deviates"),
    ("above", 0.0, measured(-1.0, -1.9, -0.1), "not tested", "not tested"),
    ("below", 0.0, measured(-1.0, -1.5, -0.5), "reproduced", "reproduced"),
    ("below", 0.0, measured(1.0, 0.6, 1.4), "deviates", "deviates"),
    ("between", (0.0, 1.0), measured(0.5, 0.2, 0.8), "reproduced", "not tested"),
    ("between", (0.0, 1.0), measured(0.9, 0.7, 1.1), "not tested", "not tested"),
    ("between", (0.0, 1.0), measured(2.0, 1.7, 2.3), "deviates", "not tested"),
]


@pytest.mark.parametrize(("comparison", "expected", "got", "typical", "untypical"), SUBSET)
def test_on_some_of_the_jets_the_interval_decides(comparison, expected, got, typical, untypical):
    claim = make_claim(expected, comparison)
    assert judge(claim, got, "subset")["verdict"] == typical
    entry = judge(claim, got, "subset", control=CONTROL)
    assert entry["verdict"] == untypical
    if untypical == "not tested" and isinstance(got, dict) and got["interval"][1]:
        assert "untypical draw" in entry["reason"]


def test_without_a_replication_tolerance_an_interval_that_includes_it_decides_nothing():
    claim = make_claim(replication=None)
    assert judge(claim, measured(10.1, 9.9, 10.3), "subset")["verdict"] == "not tested"


def test_on_other_jets_the_interval_decides_about_the_replication_tolerance():
    claim = make_claim()
    for number, verdict in (
        (measured(10.2, 10.1, 10.3), "replicated"),
        (measured(10.4, 10.1, 10.7), "not tested"),  # perhaps beyond
        (measured(10.0, 9.0, 11.0), "not tested"),  # as expected, and far too wide to say so
        (measured(10.9, 10.6, 11.2), "not tested"),  # beyond, by chance perhaps
        (measured(11.0, 10.9, 11.1), "deviates"),
        (10.0, "not tested"),  # no interval
    ):
        assert judge(claim, number, "other")["verdict"] == verdict, number


def test_an_interval_without_an_end_decides_nothing_and_the_reason_says_so():
    entry = judge(make_claim(), {"value": 10.0, "interval": [9.9, None]}, "other")
    assert (entry["verdict"], entry["interval"]) == ("not tested", [9.9, None])
    assert entry["reason"] == "some jets are too few: the interval of the number has no end"


def test_own_weights_on_some_of_the_jets_replicate_and_never_reproduce():
    claim = make_claim()
    for number, verdict in (
        (measured(10.2, 10.1, 10.3), "replicated"),  # within the replication tolerance
        (measured(10.4, 10.1, 10.7), "not tested"),  # perhaps beyond
        (measured(11.0, 10.9, 11.1), "deviates"),
        (measured(11.0, 9.0, 13.0), "not tested"),
    ):
        assert judge(claim, number, "subset", own_weights=True)["verdict"] == verdict


@pytest.mark.parametrize(
    ("share", "verdict"),
    [
        (1.0, "reproduced"),
        (0.95, "reproduced"),
        (0.94, "not tested"),
        (0.01, "not tested"),
        (None, "not tested"),
    ],
)
def test_an_order_agrees_if_most_draws_give_it(share, verdict):
    shares = {"b, a": 0.02} if share is None else {"a, b": share, "b, a": 1 - share}
    number = {"value": ["a", "b"], "shares": shares, "candidates": {"a": [], "b": []}}
    entry = judge(make_claim(("a", "b"), "equal"), number, "subset")
    assert entry["verdict"] == verdict
    assert f"{share or 0:.0%} of draws within the errors" in entry["reason"]


@pytest.mark.parametrize(
    ("candidates", "said"),
    [
        ({"b": ["a"], "a": [], "c": []}, "b is larger than a, with 99.99% confidence"),
        ({"a": [], "c": ["b"], "b": []}, "c is larger than b, with"),
        ({"a": ["c"], "c": ["a"], "b": []}, "c is larger than a, with"),
        ({"b": [], "c": []}, "a is not among the first 2, with"),
    ],
)
def test_an_order_deviates_if_the_contrary_is_known(candidates, said):
    number = {"value": ["b", "a"], "shares": {"b, a": 1.0}, "candidates": candidates}
    entry = judge(make_claim(("a", "b"), "equal"), number, "other")
    assert entry["verdict"] == "deviates"
    assert entry["reason"].startswith(said)


def test_a_true_order_among_many_close_numbers_does_not_deviate():
    """Forty numbers that differ by less than their errors: no order comes often, and none is wrong.

    The order is that of the true numbers; 300 samples of them are judged.
    """
    generator = np.random.default_rng(0)
    truth = np.linspace(1.0, 0.9, 40)
    names = tuple(f"x{i}" for i in range(40))
    claim = make_claim(names[:5], "equal")
    verdicts = []
    for _ in range(300):
        value = truth + 0.05 * generator.normal(size=40)
        numbers = Intervals(value, value - 1.96 * 0.05, value + 1.96 * 0.05, 0.95)
        found = Explanation("x", "1", names, {"all": numbers})
        verdicts.append(judge(claim, order_entry(found, "all", 5, seed=0), "other")["verdict"])
    assert verdicts.count("deviates") <= 0.05 * 300
    assert set(verdicts) <= {"not tested", "deviates"}


def test_a_reversed_order_deviates():
    value = np.array([1.0, 2.0, 3.0])
    found = Explanation("x", "1", tuple("abc"), {"all": intervals(value, 0.1)})
    entry = judge(make_claim(("b", "c"), "equal"), order_entry(found, "all", 2, seed=0), "other")
    assert entry["verdict"] == "deviates"
    assert entry["reason"].startswith("c is larger than b, with 99.99% confidence")


def test_an_order_that_a_pair_contradicts_deviates_though_each_place_is_possible():
    """It is known that a is above c; b and d can have any place."""
    value, margin = np.array([3.0, 2.5, 2.0, 2.5]), np.array([0.1, 9.0, 0.1, 9.0])
    found = Explanation(
        "x", "1", tuple("abcd"), {"all": Intervals(value, value - margin, value + margin, 0.95)}
    )
    number = order_entry(found, "all", 3, seed=0)
    assert number["candidates"] == {"a": ["c"], "b": [], "c": [], "d": []}
    assert judge(make_claim(("b", "c", "a"), "equal"), number, "other")["verdict"] == "deviates"
    assert judge(make_claim(("b", "a", "c"), "equal"), number, "other")["verdict"] == "not tested"


def test_an_order_without_candidates_does_not_deviate():
    number = {"value": ["b", "a"], "shares": {"b, a": 1.0}}
    assert judge(make_claim(("a", "b"), "equal"), number, "other")["verdict"] == "not tested"


def test_no_tolerance_is_named_where_none_was_applied():
    for entry in (
        judge(make_claim(), 10.0, "few"),
        judge(make_claim(), 10.0, "missing"),
        judge(make_claim(replication=None), 10.0, "other"),
        judge_claim(
            make_claim(),
            dataclasses.replace(
                make_result(10.0, Evidence("complete", "x")), settings={"corrected": True}
            ),
        ),
    ):
        assert entry["verdict"] == "not tested"
        assert (entry["tolerance"], entry["tolerance_reason"]) == (None, "")


def test_a_number_without_end_shows_the_end_that_is_known():
    entry = judge(make_claim(), measured(None, 300.0, None), "other")
    assert (entry["verdict"], entry["got"], entry["interval"]) == (
        "not tested",
        None,
        [300.0, None],
    )
    (line,) = verdict_lines([entry])
    assert "got more than 300: undefined or infinite" in line


def test_an_order_without_shares_decides_nothing_on_some_of_the_jets():
    for number in (["a", "b"], {"value": ["b", "a"]}):
        entry = judge(make_claim(("a", "b"), "equal"), number, "subset")
        assert entry["verdict"] == "not tested"
        assert "without an interval" in entry["reason"]


# --- evidence ----------------------------------------------------------------------------------


def test_the_longest_path_says_what_a_number_rests_on():
    result = Result(
        "toptag/fig1",
        "t",
        {},
        [],
        {},
        {"a": {"b": {"c": 1}}},
        {"": Evidence("subset", "all"), "a": Evidence("other", "a"), "a.b": missing("b")},
    )
    for path, description in {"x": "all", "a": "a", "a.x": "a", "a.b": "b", "a.b.c": "b"}.items():
        assert result.evidence_for(path).description == description
    assert result.evidence_for("ab").description == "all"


def test_evidence_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown kind"):
        Evidence("hearsay", "x")


def test_only_the_papers_jets_with_the_authors_weights_reproduce():
    for kind, own in itertools.product(("complete", "subset", "other"), (False, True)):
        evidence = Evidence(kind, "x", own)
        assert evidence.reproduces == (kind != "other" and not own)


def make_outputs(n=20_000):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    return rng.normal(labels * 2.0, 1.0), labels


def test_typical_draws_pass_the_control_as_often_as_its_level_says():
    predictions, labels = make_outputs()
    rng = np.random.default_rng(1)
    passed = [
        sample_control(predictions, labels, rng.choice(len(labels), 500, replace=False)) is None
        for _ in range(200)
    ]
    assert 0.89 < np.mean(passed) <= 0.99


def test_an_untypical_draw_fails_the_control_and_the_sentence_says_by_how_much():
    predictions, labels = make_outputs()
    # Signal jets with low outputs only.
    rows = np.concatenate(
        [np.flatnonzero(labels == 0)[:300], np.flatnonzero((labels == 1) & (predictions < 2))[:300]]
    )
    message = sample_control(predictions, labels, rows)
    assert "untypical draw" in message
    assert f"all 20,000 jets {auc(rank_jets(predictions, labels)):.4f}" in message
    assert f"{auc(rank_jets(predictions[rows], labels[rows])):.4f}" in message


def test_the_authors_stored_jets_are_an_untypical_draw(make_context):
    context = make_context()
    evidence = context.evidence(context.topodnn_sample())
    assert evidence.kind == "subset"
    assert "AUC of 0.9496" in evidence.control
    assert "all 404,000 jets 0.9712" in evidence.control


def intervals(values, half_width):
    values = np.array(values, dtype=float)
    return Intervals(values, values - half_width, values + half_width, 0.95)


def test_orders_come_as_often_as_gaussians_say():
    """Two numbers 1 apart with standard deviation 1 each: P(order) = Phi(1/sqrt 2) = 0.7602."""
    numbers = intervals([2.0, 1.0], 1.959964)
    shares = order_stability(("a", "b"), numbers, 2, seed=0, draws=20_000)
    assert shares["a", "b"] == pytest.approx(0.5 * (1 + math.erf(0.5)), abs=0.01)
    assert sum(shares.values()) == pytest.approx(1)


def test_numbers_far_apart_have_one_order_and_the_seed_fixes_the_draws():
    numbers = intervals([1.0, 9.0, 5.0], 0.1)
    assert order_stability(tuple("abc"), numbers, 3, seed=0) == {("b", "c", "a"): 1.0}
    close = intervals([1.0, 1.1, 1.2], 0.5)
    assert order_stability(tuple("abc"), close, 2, 3) == order_stability(tuple("abc"), close, 2, 3)


def test_what_errors_have_in_common_changes_no_order():
    """Two numbers of the same jets, most of whose error is the same."""
    alone = intervals([1.0, 1.3], 0.5)
    together = dataclasses.replace(alone, correlation=np.array([[1.0, 0.99], [0.99, 1.0]]))
    assert order_stability(("a", "b"), alone, 1, seed=0)["b",] < 0.8
    assert order_stability(("a", "b"), together, 1, seed=0)["b",] > 0.99


def test_numbers_without_an_interval_do_not_move():
    numbers = Intervals(np.array([2.0, 1.0]), np.full(2, np.nan), np.full(2, np.nan), 0.95)
    assert order_stability(("a", "b"), numbers, 1, seed=0) == {("a",): 1.0}


# --- items -------------------------------------------------------------------------------------


def test_an_item_gets_exactly_its_own_claims():
    claims = judge_item(make_result(1.0, Evidence("complete", "x")))
    expected = [claim.id for claim in load_claims("toptag") if claim.item == "toptag/fig1"]
    assert [entry["id"] for entry in claims] == expected
    assert {entry["verdict"] for entry in claims} == {"not tested"}


def test_an_entry_that_was_not_tested_keeps_what_was_expected():
    entry = not_tested(make_claim(), "no time")
    assert (entry["expected"], entry["got"], entry["interval"]) == (10.0, None, None)
    assert entry["tolerance"] is None


def test_verdicts_are_counted():
    verdicts = ["reproduced", "deviates", "deviates", "not tested"]
    assert summarise([{"verdict": verdict} for verdict in verdicts]) == {
        "reproduced": 1,
        "replicated": 0,
        "deviates": 2,
        "not tested": 1,
    }


def test_the_authors_network_on_other_jets_has_a_tolerance_of_its_own():
    middle = Tolerance("other jets", absolute=0.2)
    claim = make_claim(other_jets=middle, replication=None)
    number = measured(10.1, 10.05, 10.15)
    entry = judge(claim, number, "other")
    assert (entry["verdict"], entry["tolerance_reason"]) == ("replicated", "other jets")
    assert judge(claim, measured(11.0, 10.9, 11.1), "other")["verdict"] == "deviates"
    # It says nothing of another training, nor of the paper's own jets.
    assert judge(claim, number, "other", own_weights=True)["verdict"] == "not tested"
    assert judge(claim, number, "complete")["tolerance_reason"] != "other jets"
    # Nor of a user's jets, which may be like no others.
    result = dataclasses.replace(
        make_result(number, Evidence("other", "x")), data={"source": "path"}
    )
    assert judge_claim(claim, result)["verdict"] == "not tested"
    # Where there is none, the wide one holds as before.
    assert judge(make_claim(), number, "other")["verdict"] == "replicated"


def test_a_small_number_is_not_confirmed_by_zero():
    tolerance = Tolerance("bars", absolute=0.1, relative=0.25, at_most=0.5)
    assert tolerance.distance(1.0) == 0.25
    assert tolerance.distance(0.3) == 0.1
    assert tolerance.distance(0.02) == 0.01
    for claim in load_claims("toptag"):
        if claim.other_jets and claim.other_jets.at_most and claim.expected:
            assert claim.other_jets.distance(claim.expected) < abs(claim.expected), claim.id


# --- less computed than for the paper ----------------------------------------------------------


def estimated(low, high):
    """A number whose interval over jets would decide otherwise."""
    return {"value": 10.0, "interval": [2.0, 18.0], "estimate": [low, high]}


def test_an_estimate_is_judged_by_its_own_interval():
    assert judge(make_claim(), estimated(9.995, 10.005), "estimate")["verdict"] == "reproduced"
    entry = judge(make_claim(), estimated(9.9, 10.1), "estimate")
    assert entry["verdict"] == "not tested"
    assert entry["interval"] == [9.9, 10.1]
    away = judge(make_claim(9.0), estimated(9.9, 10.1), "estimate")
    assert away["verdict"] == "deviates"


def test_an_estimate_without_its_interval_decides_nothing():
    entry = judge(make_claim(), measured(10.0, 9.995, 10.005), "estimate")
    assert entry["verdict"] == "not tested"


def test_elsewhere_the_interval_of_an_estimate_does_not_count():
    entry = judge(make_claim(), estimated(9.995, 10.005), "subset")
    assert (entry["verdict"], entry["interval"]) == ("not tested", [2.0, 18.0])


def test_an_estimate_with_own_weights_is_a_replication():
    entry = judge(make_claim(), estimated(9.9, 10.1), "estimate", own_weights=True)
    assert entry["verdict"] == "replicated"


def _lacking(number, reason, got=None):
    entry = not_tested(load_claims("toptag")[0], reason)
    return {**entry, "id": f"toptag/C{number}", "got": got}


def test_many_claims_that_lack_the_same_share_a_line():
    many = [_lacking(f"{group}.{n}", "no jets") for group in (1, 2) for n in range(3)]
    measured = _lacking("2.x", "no jets", got=0.5)
    few = [_lacking(f"3.{n}", "no weights") for n in range(3)]
    first, second, *others = verdict_lines([*many, measured, *few])
    assert first == "not tested   6 numbers of toptag/C1 (3), toptag/C2 (3): no jets"
    assert "toptag/C2.x: " in second
    assert "got 0.5" in second
    assert [line.split()[2] for line in others] == [f"toptag/C3.{n}:" for n in range(3)]
    each = list(verdict_lines([*many, measured, *few], each=True))
    assert [line.split()[2].rstrip(":") for line in each] == [
        claim["id"] for claim in [*many, measured, *few]
    ]


def test_no_tolerance_for_other_jets_is_narrower_than_that_of_the_papers_jets():
    narrowed = 0
    for claim in load_claims():
        if claim.comparison == "within" and claim.other_jets and claim.reproduction:
            applied = claim.on_other_jets.distance(claim.expected)
            both = [t.distance(claim.expected) for t in (claim.other_jets, claim.reproduction)]
            assert applied == max(both), claim.id
            narrowed += both[0] < both[1]
    assert narrowed
