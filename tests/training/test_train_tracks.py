"""``repro train in:…``: Interaction Networks on files of record 12102."""

import json
import shutil

import numpy as np
import pytest
import torch
from record_files import jets_of_a_class_by_chance, write_record

from repro.cli import main
from repro.data.callbacks import silent
from repro.data.hbb.opening import open_table
from repro.data.pins import find_artifact
from repro.errors import BadInput, MissingData
from repro.features.interaction import interaction_features, interaction_inputs
from repro.figures.record_jets import EMBEDDED
from repro.models.cards import find_card, load_cards
from repro.models.interaction import feature_counts, kept_features
from repro.models.preload import preload
from repro.models.state import read_state
from repro.models.tagger import build_network, load_tagger, untrained_tagger
from repro.training.preload import begin_with
from repro.training.recipe import find_recipe
from repro.training.track_examples import find_files, read_track_examples

JETS = 300


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    """Jets of which a feature of the tracks tells the class."""
    tracks, vertices, targets = jets_of_a_class_by_chance(JETS)
    tracks = tracks.copy()
    tracks[:, 11] += 3 * targets[:, 1, None] * (tracks != 0).any(axis=1)
    return write_record(tmp_path_factory.mktemp("jets") / "newdata_0.h5", tracks, vertices, targets)


def arguments(jets, out, model, *more):
    fixed = ["--device", "cpu", "-q", "--learning-rate", "1e-3", "--batch", "32"]
    return ["train", model, "--data", str(jets), "--out", str(out), *fixed, *map(str, more)]


def test_inputs_are_those_of_the_features_that_a_variant_sees(jets):
    tagger = untrained_tagger("in:pfeaturesdropped_100")
    found = read_track_examples([jets], tagger, 100, silent)
    with open_table(jets) as table:
        read = table.read_jets(0, 100)
    wanted = tagger.prepare(interaction_inputs(read.tracks, read.vertices), interaction_features())
    np.testing.assert_array_equal(found.inputs, wanted)
    np.testing.assert_array_equal(found.labels, read.labels)
    assert len(found.names) == found.inputs.shape[1] == 5 * 60 + 14 * 5
    assert found.source["jets"] == 100


def test_files_are_read_one_after_the_other(jets):
    tagger = untrained_tagger("in:De8")
    once = read_track_examples([jets], tagger, None, silent)
    twice = read_track_examples([jets, jets], tagger, JETS + 50, silent)
    assert len(twice) == JETS + 50
    np.testing.assert_array_equal(twice.inputs[:JETS], once.inputs)
    np.testing.assert_array_equal(twice.inputs[JETS:], once.inputs[:50])
    assert twice.source["file"] == ["newdata_0.h5"] * 2


def test_jets_without_a_label_are_background_or_removed(jets):
    tagger = untrained_tagger("in:De8")
    with open_table(jets) as table:
        without = int(table.read_jets().unlabelled.sum())
    assert without > 0
    published = read_track_examples([jets], tagger, None, silent)
    corrected = read_track_examples([jets], tagger, None, silent, corrected=True)
    assert (len(published), len(corrected)) == (JETS, JETS - without)
    assert published.labels.sum() == corrected.labels.sum()
    assert published.source["unlabelled"] == f"{without} of {JETS} as background"


def test_a_folder_is_its_files_in_order(jets, tmp_path):
    for name in ("newdata_1.h5", "newdata_0.h5", "other.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in find_files(tmp_path)] == ["newdata_0.h5", "newdata_1.h5"]
    assert find_files(jets) == [jets]
    both = [tmp_path / "newdata_1.h5", tmp_path / "newdata_0.h5"]
    assert find_files(*both) == both
    assert find_files() == []
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nowhere.h5"):
        with pytest.raises(MissingData):
            find_files(path)


def test_a_training_learns_and_its_weights_are_read(jets, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(arguments(jets, out, "in:De8", "--epochs", 8, "--test", jets)) == 0
    assert f"wrote {out}" in capsys.readouterr().out
    card = json.loads((out / "card.json").read_text())
    assert card["parameters"] == find_card("in:De8").parameters
    assert card["metrics"]["newdata_0.h5"]["auc"]["value"] > 0.7
    tagger = load_tagger("in:De8", str(out / "weights.safetensors"), fetch=None)
    assert tagger.weights[0].sha256 == card["weights"]["sha256"]


def test_fewer_features_begin_with_what_belongs_to_them(jets, tmp_path):
    first = tmp_path / "first"
    assert main(arguments(jets, first, "in:baseline", "--epochs", 1, "--jets", 100)) == 0
    weights = first / "weights.safetensors"
    second = tmp_path / "second"
    model = "in:pfeaturesdropped_005_preload"
    more = ("--epochs", 1, "--jets", 100, "--preload", weights, "--learning-rate", "1e-12")
    assert main(arguments(jets, second, model, *more)) == 0
    card = json.loads((second / "card.json").read_text())
    assert card["training"]["begun_with"]["model"] == "weights.safetensors"
    found, baseline = (read_state(out / "weights.safetensors") for out in (second, first))
    fresh = build_network(find_card(model)).state_dict()
    wanted = preload(fresh, baseline, *kept_features(find_card(model)))
    assert wanted.random == ()
    for name, tensor in wanted.state.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=1e-8)


def test_the_same_features_begin_with_the_same_weights():
    name = "in:pfeaturesdropped_100"
    old, new = untrained_tagger(name, 1), untrained_tagger(f"{name}_preload", 2)
    taken = begin_with(new, old.network.state_dict(), corrected=False)
    assert set(taken) == set(new.network.state_dict())
    for key, tensor in old.network.state_dict().items():
        assert torch.equal(new.network.state_dict()[key], tensor)


def test_weights_of_other_features_are_refused():
    tagger = untrained_tagger("in:pfeaturesdropped_100")
    other = untrained_tagger("in:pfeaturesdropped_0001").network.state_dict()
    with pytest.raises(BadInput, match="can begin with those of in:baseline, or its own"):
        begin_with(tagger, other, corrected=False)
    with pytest.raises(BadInput, match="not those of an Interaction Network"):
        begin_with(tagger, {"layers.0.weight": torch.zeros(2, 2)}, corrected=False)
    assert feature_counts(untrained_tagger("in").network.state_dict()) == (30, 14)


@pytest.mark.parametrize("label", list(load_cards("in")))
def test_every_variant_has_the_published_recipe(label):
    recipe = find_recipe("published", find_card(f"in:{label}"))
    assert (recipe.learning_rate, recipe.batch, recipe.epochs) == (1e-4, 128, 200)
    assert (recipe.selection, recipe.stopping) == ("loss", {"kind": "patience", "epochs": 8})
    assert recipe.begin_with == ("in:baseline" if label.endswith("_preload") else None)


def test_the_jets_that_come_with_the_package_can_be_learned_from(tmp_path):
    out = tmp_path / "run"
    command = arguments("embedded", out, "in:pfeaturesdropped14_hidden16_De8_Do8", "--jets", 400)
    assert main([*command, "--epochs", "1"]) == 0
    data = json.loads((out / "card.json").read_text("utf-8"))["training"]["data"]
    assert data["sha256"] == find_artifact(EMBEDDED).sha256
    assert (data["rows"], data["jets"]) == ([0, 400], 360)
    assert (data["simulation"]["preset"], data["simulation"]["seed"]) == ("window", 1)


@pytest.mark.parametrize("label", list(load_cards("in")))
def test_the_package_recipe_is_the_published_one_with_other_numbers(label):
    """So that epochs to the best one can be compared, as the original compares them."""
    card = find_card(f"in:{label}")
    ours, theirs = find_recipe("embedded", card), find_recipe("published", card)
    same = ("selection", "initialisation", "seed", "begin_with", "schedule", "rotate", "epsilon")
    assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]
    assert ours.schedule == {"kind": "constant"}
    assert ours.stopping["kind"] == theirs.stopping["kind"]


@pytest.mark.parametrize(
    ("data", "more", "said"),
    [
        ("nowhere.h5", (), "no jets at nowhere.h5"),
        ("paper", (), "give a file of record 12102"),
        ("a.h5", ("--data", "paper"), "--data paper is all the jets: leave the others out"),
        (None, ("--data", "nowhere.h5"), "no jets at nowhere.h5"),
        (None, ("--validation", "nowhere.h5"), "no jets at nowhere.h5"),
        (None, ("--validation", "embedded"), "no jets at embedded"),
        (None, ("--jets", "3"), "fewer than two jets of a class"),
        (None, ("--test", "a/jets.h5", "--test", "b/jets.h5"), "jets.h5 is given twice"),
    ],
)
def test_bad_input_is_one_line(jets, tmp_path, capsys, data, more, said):  # noqa: PLR0917
    assert main(arguments(data or jets, tmp_path / "run", "in:De8", *more)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error
    assert not list(tmp_path.rglob("*.safetensors"))


def test_several_files_are_learned_from_without_their_neighbours(jets, tmp_path, capsys):
    """In the order in which they are given, and chosen by several, too."""
    copies = [tmp_path / f"{number}.h5" for number in range(4)]
    for copy in copies:
        shutil.copyfile(jets, copy)
    out = tmp_path / "run"
    more = ["--data", copies[0], "--validation", copies[3], "--validation", copies[1]]
    assert main(arguments(copies[2], out, "in:De8", "--epochs", 1, *more)) == 0
    card = json.loads((out / "card.json").read_text("utf-8"))
    assert card["training"]["data"]["file"] == ["2.h5", "0.h5"]
    assert card["training"]["data"]["jets"] == 2 * JETS
    assert card["metrics"]["validation"]["jets"]["file"] == ["3.h5", "1.h5"]
    capsys.readouterr()
    assert main(arguments(jets, out, "in:De8", "--data", jets)) == 2
    assert f"{jets} is given twice" in capsys.readouterr().err


def test_weights_to_begin_with_are_numbers():
    tagger = untrained_tagger("in:baseline")
    state = {name: tensor.clone() for name, tensor in tagger.network.state_dict().items()}
    state["nodes.0.bias"][3] = torch.nan
    with pytest.raises(BadInput, match=r"nodes\.0\.bias holds NaN"):
        begin_with(tagger, state, corrected=False)
