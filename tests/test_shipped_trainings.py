"""The script that trains what ships with the package knows what it has already."""

import json

import pytest
from programs import load_program

from repro.models.embedded_weights import embedded_card
from repro.training.recipe import find_recipe

script = load_program("scripts/train_embedded.py")


@pytest.mark.parametrize("paper", sorted(script.FAMILIES))
def test_every_variant_is_trained_once(paper):
    found = list(script.trainings(paper))
    assert len({training.stem for training in found}) == len(found)
    assert {training.card.family for training in found} == set(script.FAMILIES[paper])
    begun = {training.begin_with for training in found if training.begin_with}
    # What others begin with is of an earlier stage.
    stages = {training.card.name: training.stage for training in found if training.seed is None}
    assert {stages[name] for name in begun} <= {0}


def test_what_the_package_has_is_not_missing():
    trainings = {training.stem: training for training in script.trainings("toptag")}
    training = trainings["pfin-cat"]
    digest = embedded_card(training.card)["training"]["data"]["sha256"]
    assert script.is_placed(training, digest)
    assert not script.is_placed(training, "0" * 64)


def test_what_began_with_other_weights_is_missing(tmp_path, monkeypatch):
    trainings = {training.stem: training for training in script.trainings("toptag")}
    first, second = (trainings[stem] for stem in ("pfin-sum", "pfin-cat"))
    cards = {each.stem: embedded_card(each.card) for each in (first, second)}
    digest = cards["pfin-cat"]["training"]["data"]["sha256"]
    monkeypatch.setattr(script, "PLACE", tmp_path)

    def write(stem):
        (tmp_path / f"{stem}.json").write_text(json.dumps(cards[stem]), "utf-8")

    write("pfin-cat")
    assert not script.is_placed(second, digest)
    write("pfin-sum")
    assert script.is_placed(second, digest)
    cards["pfin-sum"]["weights"]["sha256"] = "0" * 64
    write("pfin-sum")
    assert script.is_placed(first, digest)
    assert not script.is_placed(second, digest)
    # Only what is not trained now is taken from the package.
    assert [card.name for card in script.placed_first([second])] == ["pfin:sum"]
    assert list(script.placed_first([first, second])) == []


def test_another_recipe_or_seed_is_missing(tmp_path, monkeypatch):
    training = next(iter(script.trainings("toptag")))
    card = embedded_card(training.card)
    digest = card["training"]["data"]["sha256"]
    monkeypatch.setattr(script, "PLACE", tmp_path)
    assert not script.is_placed(training, digest)
    path = tmp_path / f"{training.stem}.json"
    path.write_text(json.dumps(card), "utf-8")
    assert script.is_placed(training, digest)
    again = script.Training(training.card, seed=1)
    (tmp_path / f"{again.stem}.json").write_text(json.dumps(card), "utf-8")
    assert not script.is_placed(again, digest)
    recipe = find_recipe("embedded", training.card).changed(seed=1).document()
    card["training"]["recipe"] = recipe
    (tmp_path / f"{again.stem}.json").write_text(json.dumps(card), "utf-8")
    assert script.is_placed(again, digest)
    path.write_text(json.dumps(card), "utf-8")
    assert not script.is_placed(training, digest)
