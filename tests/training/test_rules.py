"""Learning rates, the choice of the epoch, and when to stop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import recipe

from repro.errors import BadInput, UnknownName
from repro.models.cards import find_card, load_cards
from repro.training.recipe import find_recipe, recipe_names
from repro.training.rules import (
    Epoch,
    best_epoch,
    learning_rate,
    should_reload,
    should_stop,
)

FAMILIES = ("topodnn", "mbns", "pfn", "pfin", "augpfn")


def history(accuracies, losses=None):
    losses = losses or [1.0] * len(accuracies)
    return [
        Epoch(i + 1, 0.1, 0.5, loss, accuracy, 0.9, 1.0)
        for i, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True))
    ]


def test_published_settings_are_those_of_the_original():
    topodnn = find_recipe("published", find_card("topodnn"))
    assert (topodnn.learning_rate, topodnn.batch, topodnn.epochs) == (1e-3, 96, 40)
    assert topodnn.stopping == {"kind": "patience", "epochs": 5}
    assert topodnn.epsilon == 1e-7
    assert (topodnn.selection, topodnn.initialisation) == ("loss", "glorot")
    assert any(note.startswith("B5") for note in topodnn.notes)
    mbns = find_recipe("published", find_card("mbns"))
    assert (mbns.learning_rate, mbns.batch, mbns.epochs, mbns.seed) == (3e-4, 256, 200, 42)
    assert mbns.schedule == {"kind": "steps", "milestones": [75, 150], "factor": 0.1}
    assert find_recipe("published", find_card("mbns:trial")).epochs == 20
    pfn = find_recipe("published", find_card("pfn:v4"))
    assert (pfn.learning_rate, pfn.batch, pfn.epochs) == (3e-4, 250, 50)
    assert pfn.schedule["milestones"] == [10, 20]
    pfin = find_recipe("published", find_card("pfin:cat"))
    assert (pfin.schedule["kind"], pfin.seed, pfin.reload_below) == ("constant", 42, 0.10)


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("family", FAMILIES)
def test_every_variant_has_every_recipe(name, family):
    for card in load_cards(family).values():
        found = find_recipe(name, card)
        assert found.name == name
        assert 0 < learning_rate(found, 0, 10) <= found.learning_rate
        assert should_stop(found, history([0.5])) is (found.epochs == 1)


def test_an_unknown_recipe_is_refused():
    with pytest.raises(UnknownName, match="choose from published, embedded"):
        find_recipe("best", find_card("pfn"))


def test_a_misspelt_setting_is_refused(monkeypatch):
    from repro.training import recipe as module

    settings = {"published": {"all": {}, "pfn": {"epoch": 3}}}
    monkeypatch.setattr(module, "_read", lambda: settings)
    with pytest.raises(BadInput, match="unknown epoch"):
        find_recipe("published", find_card("pfn"))


def test_steps_fall_at_the_milestones():
    steps = recipe(schedule={"kind": "steps", "milestones": [2, 3], "factor": 0.1})
    rates = [learning_rate(steps, step, 5) for step in (0, 9, 10, 14, 15, 99)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])


@pytest.mark.parametrize("kind", ["cosine", "trapezoid"])
@given(
    per_epoch=st.integers(1, 50),
    epochs=st.integers(1, 30),
    warm_up=st.floats(0, 0.5),
    fall=st.floats(0, 0.5),
)
def test_the_rate_rises_and_falls_within_its_bounds(kind, per_epoch, epochs, warm_up, fall):
    schedule = {"kind": kind, "warm_up": warm_up, "fall": fall}
    found = recipe(epochs=epochs, schedule=schedule)
    rates = np.array([learning_rate(found, step, per_epoch) for step in range(per_epoch * epochs)])
    assert (rates > 0).all()
    assert rates.max() <= 0.1 * (1 + 1e-12)
    top = int(rates.argmax())
    assert (np.diff(rates[: top + 1]) >= 0).all()
    assert (np.diff(rates[top:]) <= 1e-15).all()


def test_a_trapezoid_stays_and_ends_near_zero():
    found = recipe(epochs=10, schedule={"kind": "trapezoid", "warm_up": 0.1, "fall": 0.4})
    rates = [learning_rate(found, step, 10) for step in (0, 9, 59, 60, 80, 99)]
    assert rates == pytest.approx([0.01, 0.1, 0.1, 0.1, 0.05, 0.0025])


def test_the_first_of_equal_epochs_is_kept():
    assert best_epoch("accuracy", history([0.8, 0.9, 0.9])) == 1
    assert best_epoch("loss", history([0.9, 0.8, 0.7], [0.5, 0.3, 0.4])) == 1


def test_patience_counts_epochs_since_the_best():
    rule = recipe(selection="loss", stopping={"kind": "patience", "epochs": 5})
    losses = [0.5, 0.4, *[0.45] * 5]
    stops = [should_stop(rule, history([0.9] * n, losses[:n])) for n in range(1, 8)]
    assert stops == [False] * 6 + [True]


def test_a_plateau_needs_consecutive_quiet_epochs_after_its_start():
    rule = recipe(stopping={"kind": "plateau", "start": 20, "epochs": 10, "change": 1e-5})
    quiet = [0.9] * 40
    first = next(n for n in range(1, 41) if should_stop(rule, history(quiet[:n])))
    # Epochs 20 to 29, counted from zero.
    assert first == 30
    broken = [0.9] * 25 + [0.91] + [0.91] * 14
    first = next(n for n in range(1, 41) if should_stop(rule, history(broken[:n])))
    assert first == 25 + 1 + 10


def test_the_last_epoch_is_the_last():
    assert should_stop(recipe(epochs=3), history([0.5, 0.6, 0.7]))
    assert not should_stop(recipe(epochs=3), history([0.5, 0.6]))


@pytest.mark.parametrize(
    ("accuracies", "reloads"),
    [([0.9, 0.7], False), ([0.9, 0.9, 0.79], True), ([0.9, 0.9, 0.81], False)],
)
def test_a_collapse_takes_the_best_weights_again(accuracies, reloads):
    assert should_reload(recipe(reload_below=0.10), history(accuracies)) is reloads
    assert not should_reload(recipe(), history(accuracies))
    # While it sees the leading constituents alone, accuracy on whole jets is no measure.
    assert not should_reload(recipe(reload_below=0.10, leading=((3, 20),)), history(accuracies))


def test_unknown_words_are_refused():
    with pytest.raises(BadInput, match="schedule"):
        learning_rate(recipe(schedule={"kind": "zigzag"}), 0, 1)
    with pytest.raises(BadInput, match="stopping"):
        should_stop(recipe(stopping={"kind": "whim"}), history([0.5]))
    with pytest.raises(BadInput, match="above zero"):
        recipe().changed(learning_rate=-1.0)
