"""The weights that ship with the package: small, described, and as good as their cards say."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from repro.data.hbb.opening import open_table
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.errors import IntegrityError, NotAvailable
from repro.features.embedded import SHIPPED, read_parts
from repro.features.interaction import interaction_features, interaction_inputs
from repro.features.registry import find_inputs
from repro.features.truth_leak import truth_of
from repro.figures.record_jets import EMBEDDED
from repro.metrics.roc import auc, rank_jets
from repro.models import embedded_weights
from repro.models.cards import find_card, load_cards
from repro.models.dense import count_parameters
from repro.models.embedded_weights import embedded_card, embedded_file, embedded_names
from repro.models.interaction import kept_features
from repro.models.preload import cosines
from repro.models.scores import probability_of_top, score_jets
from repro.models.tagger import load_tagger, predict_logits
from repro.training.recipe import Recipe, find_recipe

FAMILIES = ("topodnn", "mbns", "pfn", "pfin", "augpfn", "leakypfn", "in")
OF_TOPTAG = tuple(name for name in embedded_names() if not name.startswith("in:"))
OF_HBB = tuple(name for name in embedded_names() if name.startswith("in:"))


@pytest.fixture(scope="module")
def part():
    """The first 1500 of the shipped jets."""
    (found,) = read_parts(shipped_path(find_artifact(SHIPPED)), 1500)
    return found


@pytest.fixture(scope="module")
def tracks():
    """The first 600 of the shipped jets of hbb."""
    with open_table(shipped_path(find_artifact(EMBEDDED))) as table:
        return next(iter(table.iter_jets(stop=600, chunk=600)))


def _file_of(name):
    """The jets that a card has the performance on."""
    return shipped_path(find_artifact(EMBEDDED if name in OF_HBB else SHIPPED)).name


def test_every_variant_has_weights():
    cards = [card for family in FAMILIES for card in load_cards(family).values()]
    # Of PFN with the truth leak, one shows what there is to show.
    others = {card.name for card in load_cards("leakypfn").values()} - {"leakypfn:baseline"}
    assert set(embedded_names()) == {card.name for card in cards} - others


def test_no_two_are_the_same():
    hashes = [embedded_card(find_card(name))["weights"]["sha256"] for name in embedded_names()]
    assert len(set(hashes)) == len(hashes)


def test_they_are_small():
    folder = embedded_file(find_card("topodnn")).parent
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.safetensors")}
    of_hbb = sum(size for name, size in sizes.items() if name.startswith("in-"))
    assert of_hbb < 3_500_000
    assert sum(sizes.values()) - of_hbb < 6_000_000


@pytest.mark.parametrize("name", OF_TOPTAG)
def test_they_are_as_good_as_their_card_says(name, part):
    card = find_card(name)
    tagger = load_tagger(name, "embedded", fetch=None)
    document = embedded_card(card)
    assert tagger.own_weights
    assert count_parameters(tagger.network) == card.parameters == document["parameters"]
    assert tagger.weights[0].sha256 == document["weights"]["sha256"]
    jets = part.jets
    some = slice(0, 400 if card.family == "pfin" else None)
    needs_truth = find_inputs(card.family).needs_truth
    truth = truth_of(jets)[some] if needs_truth else None
    scores = score_jets(tagger, jets.four_momenta[some], part.tau[some], truth=truth)
    known = ~np.isnan(scores)
    found = auc(rank_jets(scores[known], jets.labels[some][known]))
    # These jets are among those of the card: four standard deviations of 400 jets.
    measured = document["metrics"][_file_of(name)]["auc"]
    assert found == pytest.approx(measured["value"], abs=0.03)


@pytest.mark.parametrize("name", OF_HBB)
def test_those_of_hbb_are_as_good_as_their_card_says(name, tracks):
    card, document = find_card(name), embedded_card(find_card(name))
    tagger = load_tagger(name, "embedded", fetch=None)
    assert tagger.own_weights
    assert count_parameters(tagger.network) == card.parameters == document["parameters"]
    assert tagger.weights[0].sha256 == document["weights"]["sha256"]
    inputs = interaction_inputs(tracks.tracks, tracks.vertices)
    inputs = inputs[:, card.columns(interaction_features())]
    scores = probability_of_top(predict_logits(tagger.network, inputs))
    found = auc(rank_jets(scores, tracks.labels))
    # These jets are among those of the card: four standard deviations of 600 jets.
    measured = document["metrics"][_file_of(name)]["auc"]
    assert found == pytest.approx(measured["value"], abs=0.03)


def test_networks_that_were_preloaded_began_with_the_baseline():
    """Their weights are near it, and those of networks with random ones are not."""
    networks = {name: load_tagger(name, "embedded", fetch=None) for name in OF_HBB}
    baseline = networks["in:baseline"]
    near = {
        name: np.mean(
            list(
                cosines(
                    tagger.network.state_dict(),
                    baseline.network.state_dict(),
                    *kept_features(tagger.card),
                ).values()
            )
        )
        for name, tagger in networks.items()
        if name.startswith(("in:pfeaturesdropped_", "in:psvfeaturesdropped_"))
        and tagger.card.hidden == baseline.card.hidden
    }
    begun = {
        name: embedded_card(tagger.card)["training"]["begun_with"]
        for name, tagger in networks.items()
    }
    for name, cosine in near.items():
        preloaded = name.endswith("_preload")
        assert (begun[name] is not None) == preloaded
        if preloaded:
            assert begun[name]["sha256"] == baseline.weights[0].sha256
            assert cosine > 0.8
        else:
            assert abs(cosine) < 0.3


@pytest.mark.parametrize("name", embedded_names())
def test_the_card_says_how_they_were_made(name):
    document = embedded_card(find_card(name))
    training = document["training"]
    assert document["model"] == name
    preset, jets = ("window", 25_000) if name in OF_HBB else ("matched", 200_000)
    assert training["data"]["simulation"]["preset"] == preset
    assert training["data"]["simulation"]["seed"] != 1  # that of the jets they are measured on
    assert training["data"]["rows"][1] >= jets
    settings = find_recipe("embedded", find_card(name)).document()
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(Recipe)
        if field.default is not dataclasses.MISSING
    }
    for key, value in json.loads(json.dumps(settings)).items():
        # A setting that came after the training has its default.
        assert training["recipe"].get(key, defaults.get(key)) == value, key
    if settings["stopping"]["kind"] == "none":
        assert settings["epochs"] == training["epochs"]
    else:
        assert settings["epochs"] >= training["epochs"] >= training["chosen_epoch"]
    assert document["environment"]["commit"]
    measured = document["metrics"][_file_of(name)]["auc"]
    low, high = measured["interval"]
    assert low < measured["value"] < high


def test_the_first_command_works_without_the_network_and_says_what_it_took(tmp_path):
    environment = {**os.environ, "REPRO_CACHE": str(tmp_path / "cache"), "REPRO_OFFLINE": "1"}
    environment["REPRO_MIRROR"] = ""
    command = [sys.executable, "-m", "repro", "fig", "5", "--out", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "data: simulated jets that come with this package" in done.stderr
    assert "weights: trained by this package" in done.stderr
    assert "'repro fetch toptag/data/test.h5' tries again" in done.stderr
    document = json.loads((tmp_path / "toptag" / "fig05.json").read_text())
    assert document["data"]["source"] == "embedded"
    assert document["weights"][0]["source"] == "embedded"
    assert {claim["verdict"] for claim in document["claims"]} <= {
        "replicated",
        "deviates",
        "not tested",
    }


def test_weights_that_were_changed_are_refused(tmp_path, monkeypatch):
    name = embedded_names()[0]
    stem = embedded_weights.stem_of(find_card(name))
    folder = embedded_file(find_card(name)).parent
    for suffix in (".json", ".safetensors"):
        (tmp_path / f"{stem}{suffix}").write_bytes((folder / f"{stem}{suffix}").read_bytes())
    monkeypatch.setattr(embedded_weights, "_folder", lambda: tmp_path)
    with (tmp_path / f"{stem}.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(IntegrityError, match="install the package again"):
        load_tagger(name, "embedded", fetch=None)
    (tmp_path / f"{stem}.json").write_text("{}")
    with pytest.raises(IntegrityError, match="cannot be read"):
        load_tagger(name, "embedded", fetch=None)
    (tmp_path / f"{stem}.safetensors").unlink()
    with pytest.raises(NotAvailable, match="ships no weights"):
        load_tagger(name, "embedded", fetch=None)
