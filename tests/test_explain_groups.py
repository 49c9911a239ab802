"""Features that take up several columns: masks, shuffles, relevance, and sets of them."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from interaction_oracle import jets_with, oracle, random_state, rows_of
from problems import make_jets, make_network
from scipy.special import expit
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from repro.errors import BadInput, UnknownName
from repro.explain.conditional import draw_conditionally
from repro.explain.drop_sets import below, explain_drop_sets
from repro.explain.masking import masked_logits, replacement_values
from repro.explain.padding import filled_entries, filled_tensor
from repro.explain.problem import Problem
from repro.explain.registry import find_method
from repro.features.embedded import SHIPPED_PRESET, find_embedded
from repro.features.interaction import (
    filled_by_slot,
    interaction_features,
    interaction_groups,
    slots_of_tracks,
    sort_tracks,
)
from repro.models.interaction import rename_authors
from repro.models.interaction_network import InteractionNetwork

COLUMNS = interaction_features()
GROUPS = interaction_groups(COLUMNS)
PAIRS = {"ab": (0, 1), "cd": (2, 3)}


@pytest.fixture(scope="module")
def state():
    return {name: tensor.double() for name, tensor in random_state().items()}


@pytest.fixture(scope="module")
def problem(state):
    """Interaction Network on jets with 0 to 60 tracks and 0 to 5 vertices."""
    network = InteractionNetwork(30, 14, (60, 60), 20, 24).double().eval()
    network.load_state_dict(rename_authors(state))
    tracks, vertices = jets_with([0, 1, 7, 33, 60, 12], [0, 5, 1, 2, 3, 0], anywhere=True)
    rows = rows_of(tracks, vertices).astype(np.float64)
    return Problem(
        network,
        rows,
        np.arange(6) % 2,
        COLUMNS,
        classes=("qcd", "hbb"),
        groups=GROUPS,
        filled_by=filled_by_slot(COLUMNS),
    )


def dense_problem(n=60, **changes):
    inputs, labels = make_jets(n, 4)
    return Problem(make_network(4), inputs, labels, tuple("abcd"), **changes)


# --- masks ---------------------------------------------------------------------------------------


def test_a_masked_feature_is_zero_for_all_tracks_or_vertices(problem, state):
    values = replacement_values(problem, "zero")
    unmasked, masks = masked_logits(problem, values)
    tracks, vertices = problem.inputs[:, :1800].reshape(-1, 30, 60), problem.inputs[:, 1800:]
    vertices = vertices.reshape(-1, 14, 5)
    np.testing.assert_allclose(unmasked, oracle(state, tracks, vertices)[0], rtol=1e-9)
    for feature, (_, logits) in enumerate(masks):
        kinds = [tracks.copy(), vertices.copy()]
        kinds[feature >= 30][:, feature % 30] = 0
        np.testing.assert_allclose(logits, oracle(state, *kinds)[0], rtol=1e-9)
    assert feature == 43


@pytest.mark.parametrize("replacement", ["mean", "median"])
def test_a_feature_has_one_value_for_all_slots_that_are_filled(problem, replacement):
    values = replacement_values(problem, replacement)
    tracks = problem.inputs[:, :1800].reshape(-1, 30, 60)
    real = (tracks != 0).any(axis=1)
    known = tracks[:, 3][real]
    assert values[list(GROUPS["track_etarel"])] == pytest.approx(getattr(np, replacement)(known))
    _, masks = masked_logits(problem, values)
    logits = dict(zip(GROUPS, (found for _, found in masks), strict=True))["track_etarel"]
    changed = tracks.copy()
    changed[:, 3][real] = values[GROUPS["track_etarel"][0]]
    rows = np.concatenate([changed.reshape(len(tracks), -1), problem.inputs[:, 1800:]], axis=1)
    with torch.inference_mode():
        again = problem.network(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(logits, again, rtol=1e-9)
    # Without tracks nothing is masked.
    np.testing.assert_array_equal(logits[0], again[0])


def test_groups_of_a_dense_network_are_masked_together():
    found = find_method("occlusion").explain(dense_problem(groups=PAIRS))
    assert found.names == ("ab", "cd")
    whole = dense_problem()
    changed = whole.inputs.copy()
    changed[:, :2] = np.concatenate([whole.inputs[:, 0], whole.inputs[:, 1]]).mean()
    with torch.inference_mode():
        scores = [
            torch.sigmoid(whole.network(torch.from_numpy(rows))).numpy().ravel()
            for rows in (whole.inputs, changed)
        ]
    areas = [100 * roc_auc_score(whole.labels, each) for each in scores]
    assert found.panels["all"].value[0] == pytest.approx(areas[0] - areas[1])
    alike = 100 * (1 - np.abs(scores[0] - scores[1]).mean())
    assert found.details["fidelity"].value[0] == pytest.approx(alike)


def test_a_group_of_one_column_is_the_column():
    alone = {name: (place,) for place, name in enumerate("abcd")}
    for method in ("occlusion", "permutation", "lrp", "integrated_gradients"):
        explain = find_method(method).explain
        first, second = explain(dense_problem()), explain(dense_problem(groups=alone))
        assert first.names == second.names
        for name, panel in first.panels.items():
            np.testing.assert_allclose(panel.value, second.panels[name].value, rtol=1e-12)


def test_methods_of_single_columns_refuse_groups_in_one_line():
    for method in ("mad_relevance", "correlation", "kernel_shap"):
        options = {"background": np.zeros((1, 4))} if method == "kernel_shap" else {}
        with pytest.raises(BadInput, match="features take up several"):
            find_method(method).explain(dense_problem(groups=PAIRS), **options)


@pytest.mark.parametrize("columns", [(), (4,), (-1,), (1, 1)])
def test_groups_of_columns_that_there_are_not_are_refused(columns):
    with pytest.raises(BadInput, match="'x' has no column, one twice, or one that there is not"):
        dense_problem(groups={"x": columns})


def test_features_that_share_columns_have_zero_as_the_only_value():
    problem = dense_problem(groups={"x": (0, 1), "y": (1, 2)})
    for method, options in (
        ("occlusion", {}),
        ("occlusion", {"replacement": "median"}),
        ("permutation", {}),
        ("integrated_gradients", {}),
    ):
        with pytest.raises(BadInput, match="features share columns"):
            find_method(method).explain(problem, **options)
    found = find_method("occlusion").explain(problem, replacement="zero")
    changed = problem.inputs.copy()
    changed[:, 1:3] = 0
    with torch.inference_mode():
        logits = problem.network(torch.from_numpy(changed)).numpy().ravel()
    area = 100 * roc_auc_score(problem.labels, logits)
    assert found.panels["all"].value[1] == pytest.approx(found.details["auc"] - area)


def test_unknown_replacements_are_refused_with_all_that_there_are():
    with pytest.raises(UnknownName, match="choose from mean, median, zero, conditional"):
        find_method("occlusion").explain(dense_problem(), replacement="nothing")


def test_a_shuffled_feature_keeps_its_values_and_its_padding(problem):
    from repro.explain.permutation import _shuffled

    shuffled = _shuffled(problem)
    filled = filled_entries(problem.inputs, problem.filled_by)
    np.testing.assert_array_equal(shuffled[~filled], 0)
    for columns in map(list, GROUPS.values()):
        before, after = (
            rows[:, columns][filled[:, columns]] for rows in (problem.inputs, shuffled)
        )
        np.testing.assert_array_equal(np.sort(before), np.sort(after))
    assert (shuffled != problem.inputs).mean() > 0.3


# --- relevance -----------------------------------------------------------------------------------


def test_relevance_of_features_is_the_sum_over_tracks(problem):
    options = {"biases": False, "outliers": "kept", "rule": "zero"}
    columns = dataclasses.replace(problem, groups={})
    found = find_method("lrp").explain(problem, **options)
    from repro.explain.lrp import _shares

    shares = _shares(columns, "zero", None, biases=False)
    mine = shares[problem.labels == 1].reshape(3, -1)
    expected = np.abs(mine[:, :1800].reshape(3, 30, 60).sum(axis=2)).mean(axis=0)
    np.testing.assert_allclose(found.panels["hbb"].value[:30], expected, rtol=1e-9)


def test_signed_relevance_of_all_features_adds_up_to_one(problem):
    found = find_method("lrp").explain(
        problem, biases=False, outliers="kept", rule="gamma", signed=True
    )
    for panel in found.panels.values():
        # Of a jet without tracks nothing is known but the biases, which are left out.
        assert panel.value.sum() == pytest.approx(1.0, abs=1e-3)


# --- sets ----------------------------------------------------------------------------------------


def test_sets_of_features_are_masked_at_once():
    whole = dense_problem(200)
    found = explain_drop_sets(whole, {"a": ["a"], "bd": ["b", "d"]}, replacement="mean")
    alone = find_method("occlusion").explain(whole)
    assert found.names == ("a", "bd")
    assert found.panels["all"].value[0] == pytest.approx(alone.panels["all"].value[0])
    changed = whole.inputs.copy()
    changed[:, [1, 3]] = whole.inputs.mean(axis=0)[[1, 3]]
    with torch.inference_mode():
        logits = whole.network(torch.from_numpy(changed)).numpy().ravel()
    area = 100 * roc_auc_score(whole.labels, logits)
    assert found.panels["all"].value[1] == pytest.approx(found.details["auc"] - area)
    assert found.settings["sets"] == {"a": ["a"], "bd": ["b", "d"]}


def test_sets_can_hold_columns_and_nothing_counts_twice():
    whole = dense_problem(200, groups=PAIRS)
    sets = {"ab": ["ab"], "again": ["ab", "ab", 0, 1], "b": [1]}
    found = explain_drop_sets(whole, sets, replacement="zero").panels["all"].value
    assert found[0] == found[1] != found[2]


def test_features_below_a_threshold_are_strictly_so_negative_ones_too():
    found = find_method("occlusion").explain(dense_problem(200))
    numbers = found.panels["all"].value
    middle = float(np.sort(numbers)[2])
    assert set(below(found, middle)) == {found.names[i] for i in np.argsort(numbers)[:2]}
    assert below(found, -1e9) == ()
    assert below(found, 1e9) == found.names


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ({"x": []}, "has no feature"),
        ({"x": ["a", "z"]}, "an unknown feature 'z'"),
        ({"x": [4]}, "4"),
    ],
)
def test_sets_of_nothing_or_of_unknown_features_are_refused(sets, said):
    with pytest.raises(BadInput, match=said):
        explain_drop_sets(dense_problem(), sets)


def test_the_leading_tracks_are_those_of_the_largest_feature():
    tracks, _ = jets_with([0, 1, 7, 60], [0, 0, 0, 0], anywhere=True)
    ordered = sort_tracks(tracks, "track_erel")
    for before, after in zip(tracks, ordered, strict=True):
        real = before[:, (before != 0).any(axis=0)]
        expected = real[:, np.argsort(-real[1], kind="stable")]
        np.testing.assert_array_equal(after[:, : real.shape[1]], expected)
        assert not after[:, real.shape[1] :].any()
    with pytest.raises(BadInput, match="tracks have no feature 'sv_pt'"):
        sort_tracks(tracks, "sv_pt")


def test_leading_tracks_are_masked_with_all_their_features(problem):
    first = slots_of_tracks(COLUMNS, range(10))
    assert len(first) == 300
    assert {COLUMNS[i].rpartition("_")[2] for i in first} == set(map(str, range(10)))
    sets = dataclasses.replace(problem, groups={"first 10": first})
    _, masks = masked_logits(sets, np.zeros(len(COLUMNS)))
    changed = problem.inputs.copy()
    changed[:, :1800].reshape(-1, 30, 60)[:, :, :10] = 0
    with torch.inference_mode():
        expected = problem.network(torch.from_numpy(changed)).numpy()
    np.testing.assert_allclose(next(masks)[1], expected, rtol=1e-9)


# --- conditional values --------------------------------------------------------------------------


def test_conditional_values_keep_what_the_others_know_and_lose_the_rest():
    """x1 is half x0 and half its own noise, x2 is noise alone."""
    generator = np.random.default_rng(0)
    base, own, alone = generator.normal(size=(3, 4000))
    inputs = np.stack([base, base + own, alone], axis=1)
    problem = Problem(make_network(3), inputs, np.arange(4000) % 2, tuple("abc"))
    drawn = draw_conditionally(problem)
    for column in range(3):
        np.testing.assert_array_equal(np.sort(drawn[:, column]), np.sort(inputs[:, column]))
    assert np.corrcoef(drawn[:, 1], base)[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.03)
    assert abs(np.corrcoef(drawn[:, 1] - base, own)[0, 1]) < 0.05
    assert abs(np.corrcoef(drawn[:, 2], alone)[0, 1]) < 0.05
    # Known exactly from the others: next to nothing is changed.
    copied = np.concatenate([inputs, inputs[:, :1] * 3], axis=1)
    again = draw_conditionally(Problem(make_network(4), copied, problem.labels, tuple("abcd")))
    assert spearmanr(again[:, 3], copied[:, 3]).statistic > 0.999


@pytest.mark.parametrize("objects", [200, 1000])
def test_noise_is_not_predicted_from_noise(objects):
    """In as many columns as the objects allow: a fit would follow the noise of each object."""
    inputs = np.random.default_rng(1).normal(size=(objects, 10))
    network = make_network(10)
    drawn = draw_conditionally(
        Problem(network, inputs, np.arange(objects) % 2, tuple("abcdefghij"))
    )
    correlations = [np.corrcoef(drawn[:, i], inputs[:, i])[0, 1] for i in range(10)]
    assert abs(np.mean(correlations)) < 4 / np.sqrt(10 * objects)


def test_conditional_values_stay_among_tracks_or_vertices_and_out_of_padding(problem):
    counts = np.random.default_rng(0).integers(0, 61, 40)
    tracks, vertices = jets_with(counts, counts % 6, anywhere=True)
    rows = rows_of(tracks, vertices).astype(np.float64)
    many = dataclasses.replace(problem, inputs=np.tile(rows, (4, 1)), labels=np.arange(160) % 2)
    drawn = draw_conditionally(many)
    filled = filled_entries(many.inputs, many.filled_by)
    np.testing.assert_array_equal(drawn[~filled], 0)
    for columns in map(list, GROUPS.values()):
        before, after = (rows[:, columns][filled[:, columns]] for rows in (many.inputs, drawn))
        np.testing.assert_array_equal(np.sort(before), np.sort(after))
    assert (drawn[filled] != many.inputs[filled]).mean() > 0.5


def test_objects_of_which_there_are_none_are_left_out(problem):
    """Jets without vertices; and slots that no jet fills, as in PFN."""
    tracks, vertices = jets_with([30] * 40, [0] * 40)
    rows = rows_of(tracks, vertices).astype(np.float64)
    changes = {"inputs": rows, "labels": np.arange(40) % 2}
    assert not draw_conditionally(dataclasses.replace(problem, **changes))[:, 1800:].any()
    inputs, labels = make_jets(100, 4)
    inputs[:, 2:] = 0
    padded = Problem(make_network(4), inputs, labels, tuple("abcd"), filled_by=(1, 1, 3, 3))
    drawn = draw_conditionally(padded)
    assert not drawn[:, 2:].any()
    assert (drawn[:, :2] != inputs[:, :2]).all()


def test_too_few_objects_and_columns_drawn_given_each_other_are_refused():
    inputs, labels = make_jets(79, 4)
    with pytest.raises(BadInput, match=r"79 jets or parts of jets with a are too few .* takes 80"):
        draw_conditionally(Problem(make_network(4), inputs, labels, tuple("abcd")))
    with pytest.raises(BadInput, match="ab has several columns of one jet"):
        draw_conditionally(dense_problem(300, groups=PAIRS))


def test_conditional_values_of_pfn_on_the_command_line(capsys):
    from repro.cli import main

    jets = str(find_embedded(SHIPPED_PRESET, None))
    line = ["explain", "occlusion", "pfn:v4", jets, "--weights", "embedded", "--jets", "2000"]
    assert main([*line, "--option", "replacement=conditional", "-q"]) == 0
    assert "(replacement conditional)" in capsys.readouterr().out


def test_occlusion_takes_conditional_values():
    found = find_method("occlusion").explain(dense_problem(300), replacement="conditional")
    plain = find_method("occlusion").explain(dense_problem(300))
    assert found.settings == {"replacement": "conditional"}
    assert (found.panels["all"].value != plain.panels["all"].value).any()
    problem = dense_problem(300)
    drawn, changed = draw_conditionally(problem), problem.inputs.copy()
    changed[:, 2] = drawn[:, 2]
    with torch.inference_mode():
        both = [
            problem.network(torch.from_numpy(rows)).numpy().ravel()
            for rows in (problem.inputs, changed)
        ]
    areas = [100 * roc_auc_score(problem.labels, expit(each)) for each in both]
    assert found.panels["all"].value[2] == pytest.approx(areas[0] - areas[1])


# --- padding -------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**12 - 1), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_entries_are_filled_where_any_of_the_named_columns_is(bits, keys):
    values = np.array([bits >> i & 1 for i in range(12)], float).reshape(3, 4)
    filled_by = tuple(key if key < 3 else (0, 3) for key in keys)
    expected = [
        [bool(row[[key] if isinstance(key, int) else list(key)].any()) for key in filled_by]
        for row in values
    ]
    np.testing.assert_array_equal(filled_entries(values, filled_by), expected)
    found = filled_tensor(torch.from_numpy(values), filled_by).numpy()
    np.testing.assert_array_equal(found, expected)
