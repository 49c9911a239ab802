"""The experiments of table 7 on methods whose properties are known by construction."""

import numpy as np
import pytest
import torch

from repro.errors import BadInput
from repro.explain.dense import dense_layers
from repro.explain.masking import logits_of
from repro.explain.problem import Explanation
from repro.explain.properties import PROPERTIES
from repro.explain.registry import Method, find_method
from repro.metrics.bootstrap import Intervals


def made_up(explain):
    return Method("made_up", "for this test", explain)


def per_class(problem, values, names=None):
    ends = np.asarray(values, float)
    panels = {name: Intervals(ends, ends, ends, 0.95) for name in problem.classes}
    return Explanation("made_up", "1", names or problem.ranked_features, panels)


def weights_alone(problem):
    """Looks at the first layer and at no jet."""
    first = dense_layers(problem.network)[0]
    return per_class(problem, first.weight.abs().sum(dim=0).detach().numpy())


def passes(times):
    """Runs the network so often, whatever the number of inputs."""

    def explain(problem):
        for _ in range(times):
            logits_of(problem)
        return per_class(problem, np.ones(len(problem.features)))

    return explain


def per_input(problem):
    for _ in problem.features:
        logits_of(problem)
    return per_class(problem, np.arange(len(problem.features)))


def trains(problem):
    with torch.no_grad():
        next(problem.network.parameters()).add_(1.0)
    return per_class(problem, np.ones(len(problem.features)))


def all_jets_alike(problem):
    found = per_class(problem, np.ones(len(problem.features)))
    return Explanation("made_up", "1", found.names, {"all": found.panels["top"]})


def nodes(problem):
    sizes = [layer.out_features for layer in dense_layers(problem.network)[:-1]]
    return per_class(problem, np.ones(sum(sizes)), tuple(f"n{i}" for i in range(sum(sizes))))


def refuses(_problem):
    raise BadInput("not these jets")


def first_only(problem):
    values = np.zeros(len(problem.features))
    values[0] = 1.0
    return per_class(problem, values)


CASES = [
    ("scalable", passes(3), "yes"),
    ("scalable", per_input, "no"),
    ("local", per_input, "yes"),
    ("local", all_jets_alike, "no"),
    ("local", nodes, "no"),
    ("local", refuses, "no"),
    ("global", per_input, "yes"),
    ("global", lambda p: per_class(p, np.full(len(p.features), np.nan)), "no"),
    ("forward", passes(1), "yes"),
    ("forward", weights_alone, "no"),
    ("backward", weights_alone, "yes"),
    ("backward", passes(1), "no"),
    ("spurious", first_only, "no"),
    ("spurious", weights_alone, "yes"),
    ("spurious", nodes, "no"),
    ("complexity", nodes, "yes"),
    ("complexity", first_only, "no"),
    ("retraining", trains, "yes"),
    ("retraining", first_only, "no"),
]


@pytest.mark.parametrize(("name", "explain", "answer"), CASES)
def test_a_property_is_found_where_it_was_built_in(name, explain, answer):
    assert PROPERTIES[name](made_up(explain)).answer == answer


def test_occlusion_asks_for_one_pass_and_one_for_each_input():
    finding = PROPERTIES["forward"](find_method("occlusion"))
    assert finding.about == "13.0 passes per jet"


def test_occlusion_is_fooled_only_where_masking_turns_the_order():
    # At b = 1/2 masking halves the score of every jet; at b = 2 it changes its sign, and the AUC
    # falls from A to 1 - A, twice of what the informative input has to lose.
    finding = PROPERTIES["spurious"](find_method("occlusion"))
    shares = [float(part.split()[0]) for part in finding.about.split(": ")[1].split(", ")]
    assert finding.answer == "partly"
    assert shares == pytest.approx([0.0, 2.0], abs=0.05)


def test_integrated_gradients_of_a_linear_score_are_in_proportion_to_its_weights():
    finding = PROPERTIES["spurious"](find_method("integrated_gradients"))
    assert "0.50 times at b = 0.5, 2.00 times at b = 2" in finding.about


def test_gradients_do_not_flow_through_what_is_veiled():
    assert PROPERTIES["backward"](find_method("integrated_gradients")).answer == "yes"
