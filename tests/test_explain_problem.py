"""What every method takes, gives, and how a new one joins."""

import dataclasses
import sys

import numpy as np
import pytest
import torch
from problems import make_jets, make_network, make_problem

import repro.explain
from repro.data.spooled import SpooledRows
from repro.errors import BadInput, UnknownName
from repro.explain import registry
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import find_method, load_methods
from repro.metrics.bootstrap import Intervals

METHODS = {
    "activation_patterns",
    "correlation",
    "integrated_gradients",
    "kernel_shap",
    "lrp",
    "mad_relevance",
    "mean_behaviour",
    "occlusion",
    "permutation",
}


@pytest.fixture
def restored_registry(monkeypatch):
    """The table of methods as it was, after the test."""
    load_methods()
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))


def test_all_methods_are_registered():
    methods = load_methods()
    assert set(methods) >= METHODS
    assert list(methods) == sorted(methods)
    assert all(entry.title and entry.name == name for name, entry in methods.items())


def test_a_new_file_is_a_new_method(tmp_path, monkeypatch, restored_registry):
    del restored_registry
    before = load_methods()
    (tmp_path / "a_tenth.py").write_text(
        "from repro.explain.registry import method\n"
        "@method('a_tenth', 'Says nothing')\n"
        "def explain(problem):\n"
        "    return problem\n"
    )
    monkeypatch.setattr(repro.explain, "__path__", [*repro.explain.__path__, str(tmp_path)])
    methods = load_methods()
    assert set(methods) - set(before) == {"a_tenth"}
    assert find_method("a_tenth").explain("x") == "x"
    assert all(methods[name] is entry for name, entry in before.items())
    del sys.modules["repro.explain.a_tenth"]


def test_two_methods_of_one_name_are_refused(restored_registry):
    del restored_registry
    with pytest.raises(ValueError, match="two methods"):
        registry.method("lrp", "again")(lambda problem: problem)


def test_an_unknown_method_names_the_known_ones():
    with pytest.raises(UnknownName, match="occlusion"):
        find_method("astrology")


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_explains_networks_of_one_and_of_two_logits(name, outputs):
    problem = make_problem(n=40, outputs=outputs, skip=("x3",))
    found = find_method(name).explain(problem)
    assert found.method == name
    for panel in found.panels.values():
        if name == "correlation":
            assert panel.value.shape == (4, 4)
        elif name == "activation_patterns":
            assert panel.value.shape == (11,)
        else:
            assert found.names == ("x0", "x1", "x2", "x4")
            assert panel.value.shape == (4,)
        assert np.isfinite(panel.value).all()
        # NaN ends: no interval, as where some of the draws have no relevance at all.
        assert not (panel.low > panel.high + 1e-12).any()
    together = ("occlusion", "mean_behaviour", "permutation")
    expected = {"all"} if name in together else {"qcd", "top"}
    assert set(found.panels) - {"difference"} == expected


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_gives_the_same_numbers_again(name):
    first, second = (find_method(name).explain(make_problem(n=20)) for _ in range(2))
    for panel, numbers in first.panels.items():
        for end in ("value", "low", "high"):
            np.testing.assert_array_equal(getattr(numbers, end), getattr(second.panels[panel], end))


@pytest.mark.parametrize("name", sorted(METHODS))
def test_no_method_changes_the_network_or_the_jets(name):
    problem = make_problem(n=20)
    inputs = problem.inputs.copy()
    state = {k: v.clone() for k, v in problem.network.state_dict().items()}
    find_method(name).explain(problem)
    np.testing.assert_array_equal(problem.inputs, inputs)
    assert all(torch.equal(v, state[k]) for k, v in problem.network.state_dict().items())
    hooks = [m._forward_hooks for m in problem.network.modules()]
    assert not any(hooks)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_order_of_the_jets_does_not_matter(name):
    if name in ("kernel_shap", "permutation"):
        pytest.skip("what is drawn at random goes by the position of a jet")
    problem = make_problem(n=30)
    order = np.random.default_rng(0).permutation(30)
    turned = Problem(
        problem.network, problem.inputs[order], problem.labels[order], problem.features
    )
    first, second = find_method(name).explain(problem), find_method(name).explain(turned)
    for panel, numbers in first.panels.items():
        np.testing.assert_allclose(second.panels[panel].value, numbers.value, atol=1e-10)


BATCHES = {
    "lrp": ("_JETS_PER_BATCH", 7),
    "kernel_values": ("_ROWS_PER_BATCH", {"cpu": 7}),
    "activation_patterns": ("_JETS_PER_BATCH", 7),
    "problem": ("_JETS_PER_BATCH", 7),
    "integrated_gradients": ("_JETS_PER_BATCH", 7),
    "masking": ("_JETS_PER_BATCH", 7),
}


@pytest.mark.parametrize("stored", ["in memory", "read as needed"])
@pytest.mark.parametrize("name", sorted(METHODS))
def test_batches_do_not_change_the_numbers(name, stored, tmp_path, monkeypatch):
    problem = make_problem(n=30, outputs=2)
    whole = find_method(name).explain(problem)
    for module, (constant, size) in BATCHES.items():
        monkeypatch.setattr(f"repro.explain.{module}.{constant}", size)
    monkeypatch.setattr("repro.models.tagger._JETS_PER_BATCH", 7)
    monkeypatch.setattr("repro.data.rows._NUMBERS_AT_ONCE", 11)
    monkeypatch.setattr("repro.data.spooled.IN_MEMORY", 0)
    inputs = problem.inputs
    if stored == "read as needed":
        inputs = SpooledRows(tmp_path, problem.inputs.shape[1], problem.inputs.dtype)
        inputs.append(problem.inputs)
    read = dataclasses.replace(problem, inputs=inputs, spool=tmp_path)
    parts = find_method(name).explain(read)
    assert parts.names == whole.names
    for panel, numbers in whole.panels.items():
        for end in ("value", "low", "high"):
            np.testing.assert_allclose(
                getattr(parts.panels[panel], end), getattr(numbers, end), rtol=1e-6, atol=1e-9
            )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_gpu_gives_the_same_numbers(name, outputs):
    on_cpu, on_gpu = (
        find_method(name).explain(make_problem(n=40, outputs=outputs, device=device))
        for device in ("cpu", "cuda")
    )
    for panel, numbers in on_cpu.panels.items():
        np.testing.assert_allclose(on_gpu.panels[panel].value, numbers.value, atol=1e-8)


FAULTS = {
    "one name per column": lambda x, y: (x, y, ("a", "b")),
    r"inputs have shape \(6,\)": lambda x, y: (x[:, 0], y, ("a",)),
    "labels of shape": lambda x, y: (x, y[:-1], ("a", "b", "c")),
    "both 0 and 1": lambda x, y: (x, y * 0, ("a", "b", "c")),
    "hold both 0 and 1": lambda x, y: (x, y + 1, ("a", "b", "c")),
    "labels must hold both": lambda x, y: (x[:0], y[:0], ("a", "b", "c")),
    "NaN or infinity": lambda x, y: (np.where(x == x[2, 1], np.nan, x), y, ("a", "b", "c")),
    "inputs hold NaN": lambda x, y: (np.where(x == x[2, 1], np.inf, x), y, ("a", "b", "c")),
}


@pytest.mark.parametrize("message", FAULTS)
def test_faulty_problems_are_refused_in_one_line(message):
    inputs, labels, names = FAULTS[message](*make_jets(6, 3))
    with pytest.raises(BadInput, match=message) as caught:
        Problem(make_network(3), inputs, labels, names)
    assert "\n" not in str(caught.value)


def test_ranked_columns_leave_out_the_skipped_ones():
    problem = make_problem(skip=("x0", "x3", "unknown"))
    assert problem.ranked == [1, 2, 4]
    assert problem.ranked_features == ("x1", "x2", "x4")
    np.testing.assert_array_equal(problem.of_class(1), problem.labels == 1)


def test_means_are_taken_in_float64():
    inputs, labels = make_jets(1000, 2)
    inputs = (inputs + 1e4).astype(np.float32)
    problem = Problem(make_network(2).float(), inputs, labels, ("a", "b"))
    np.testing.assert_allclose(problem.means(), inputs.astype(float).mean(axis=0), rtol=1e-13)


def test_inputs_of_another_type_than_the_weights_are_refused_at_once():
    inputs, labels = make_jets(20, 2)
    with pytest.raises(BadInput, match=r"float32 and the network's weights torch\.float64"):
        Problem(make_network(2), inputs.astype(np.float32), labels, ("a", "b"))


def test_a_matrix_has_no_order():
    matrix = np.eye(2)
    found = Explanation("m", "1", ("a", "b"), {"all": Intervals(matrix, matrix, matrix, 0.9)})
    with pytest.raises(BadInput, match="has no order"):
        found.order("all")


def test_order_puts_the_largest_first_and_ties_as_they_come():
    numbers = np.array([1.0, 3.0, 3.0, -5.0])
    found = Explanation("m", "1", tuple("abcd"), {"all": Intervals(numbers, numbers, numbers, 0.9)})
    assert found.order("all") == tuple("bcad")


def test_a_network_that_would_be_random_is_refused():
    inputs, labels = make_jets(20, 2)
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Dropout(), torch.nn.Linear(3, 1))
    network = network.double()
    with pytest.raises(BadInput, match="training mode"):
        Problem(network.train(), inputs, labels, ("a", "b"))
    assert Problem(network.eval(), inputs, labels, ("a", "b")).features == ("a", "b")


def test_errors_of_means_are_those_of_filled_entries():
    inputs, labels = make_jets(500, 4)
    inputs[:400, 2:] = 0
    network = make_network(4)
    whole = Problem(network, inputs, labels, tuple("abcd"))
    np.testing.assert_allclose(
        whole.errors_of_means(), inputs.std(axis=0) / np.sqrt(len(inputs)), rtol=1e-12
    )
    padded = Problem(network, inputs, labels, tuple("abcd"), filled_by=(0, 0, 2, 2))
    expected = inputs[400:, 2:].std(axis=0) / np.sqrt(100)
    np.testing.assert_allclose(padded.errors_of_means()[2:], expected, rtol=1e-12)
