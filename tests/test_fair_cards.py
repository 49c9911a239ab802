"""Cards and records of models and data sets: what they say is so."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.errors import BadInput, UnknownName
from repro.fair.cards import data_card, model_card
from repro.fair.croissant import croissant
from repro.fair.datasets import dataset_record, find_dataset, load_datasets, variables_of
from repro.fair.models import FAMILIES, all_cards, find_family, model_record
from repro.features.dictionary import input_columns
from repro.features.registry import features_of
from repro.models.cards import find_card
from repro.models.embedded_weights import embedded_file, embedded_names

SHIPPED = [dataset for dataset in load_datasets().values() if dataset.file]


def named(item):
    return item.name


@pytest.mark.parametrize("family", FAMILIES)
def test_dictionary_covers_the_inputs_in_number_and_name(family):
    columns = input_columns(family)
    features = features_of(family)
    assert sum(each.count for each in columns) == len(features)
    for each in columns:
        pattern = re.sub(r"<\w+>", r"\\d+", each.feature.name)
        # Slots of tracks and vertices are numbered, and their names are not in the dictionary.
        whole = rf"{pattern}(_\d+)?" if family == "in" else pattern
        assert sum(bool(re.fullmatch(whole, name)) for name in features) == each.count


def test_dictionary_of_no_family_is_refused():
    with pytest.raises(UnknownName, match="topodnn"):
        input_columns("nothing")


@pytest.mark.parametrize("dataset", SHIPPED, ids=named)
def test_dictionary_is_what_is_in_the_file(dataset):
    with h5py.File(shipped_path(dataset.artifact)) as file:
        found = {}
        file.visititems(
            lambda path, each: (
                found.update({path: each}) if isinstance(each, h5py.Dataset) else None
            )
        )
        said = {variable.path: variable for variable in variables_of(dataset)}
        assert said.keys() == found.keys()
        for path, variable in said.items():
            assert found[path].dtype == variable.dtype, path
        lengths = {}
        for path, variable in said.items():
            kind, _, columns = variable.shape.partition(" × ")
            lengths.setdefault(kind, set()).add(len(found[path]))
            assert found[path].shape[1:] == ((int(columns),) if columns else ()), path
        assert all(len(each) == 1 for each in lengths.values())
        assert len(lengths) > 1


@pytest.mark.parametrize("dataset", list(load_datasets().values()), ids=named)
def test_record_of_data_says_what_it_must(dataset):
    record = dataset_record(dataset)
    assert record["@type"] == "Dataset"
    assert record["@id"].startswith(("https://doi.org/", "swh:", "#"))
    assert record["license"].startswith("https://spdx.org/licenses/")
    for variable in record["variableMeasured"]:
        assert variable["description"]
        assert variable["unitText"]
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize("dataset", SHIPPED, ids=named)
def test_record_names_the_very_bytes(dataset):
    digest = hashlib.sha256(shipped_path(dataset.artifact).read_bytes()).hexdigest()
    assert dataset_record(dataset)["distribution"]["sha256"] == digest
    (file,) = croissant(dataset)["distribution"]
    assert file["sha256"] == digest


@pytest.mark.parametrize("card", list(all_cards()), ids=named)
def test_record_of_a_model_says_what_it_must(card):
    for model in model_record(card)["@graph"]:
        assert model["@type"] == "fair4ml:MLModel"
        assert model["fair4ml:intendedUse"]
        assert model["fair4ml:modelRisksBiasLimitations"]
        assert len(model["variableMeasured"]) == len(input_columns(card.family))
        if model["@id"].endswith("/none"):
            continue
        assert model["identifier"]
        assert ("license" in model) != ("conditionsOfAccess" in model)
        assert model["fair4ml:trainedOn"]["@id"]
        for file in model["distribution"]:
            assert file["name"]
            assert file["contentSize"]
    json.dumps(model_record(card), allow_nan=False)


@pytest.mark.parametrize("name", embedded_names())
def test_record_of_own_weights_names_the_very_bytes_and_the_seed(name):
    card = find_card(name)
    *_, own = model_record(card)["@graph"]
    digest = hashlib.sha256(embedded_file(card).read_bytes()).hexdigest()
    assert own["distribution"][0]["sha256"] == digest
    properties = {each["name"]: each["value"] for each in own["additionalProperty"]}
    assert isinstance(properties["seed"], int)
    assert own["fair4ml:hasEvaluation"]


def test_toptag_weights_are_under_no_stated_licence():
    authors, *_ = model_record(find_card("pfin:sum"))["@graph"]
    assert "No licence is stated" in authors["conditionsOfAccess"]
    authors, *_ = model_record(find_card("in:baseline"))["@graph"]
    assert authors["license"].endswith("/MIT")


@pytest.mark.parametrize("card", list(all_cards()), ids=named)
def test_card_has_every_limit_and_file(card):
    text = model_card(card)
    for limit in find_family(card.family).limits:
        assert limit in text
    for name in card.authors:
        assert find_artifact(name).checksum in text


@pytest.mark.parametrize("dataset", list(load_datasets().values()), ids=named)
def test_card_of_data_has_its_identifier(dataset):
    text = data_card(dataset)
    if dataset.identifier.startswith("#"):
        assert dataset.command in text
    else:
        assert dataset.identifier.removeprefix("https://doi.org/") in text


def test_what_is_not_shipped_has_no_croissant():
    with pytest.raises(BadInput, match="does not come with"):
        croissant(find_dataset("hbb-record"))


@pytest.mark.parametrize("dataset", SHIPPED, ids=named)
def test_croissant_is_valid(dataset, tmp_path):
    pytest.importorskip("mlcroissant")
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(croissant(dataset)))
    # In a process of its own: it warns and logs as it likes.
    command = [Path(sys.executable).with_name("mlcroissant"), "validate", "--jsonld", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "Done" in done.stderr) == (0, True), done.stderr
    assert "not standard" not in done.stderr


def run(*arguments):
    command = [sys.executable, "-m", "repro", "card", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_command_prints_every_form():
    assert run("in:De8").stdout.startswith("# in:De8\n")
    assert json.loads(run("pfin", "--format", "jsonld").stdout)["@graph"]
    assert json.loads(run("hbb-window-1", "--format", "croissant").stdout)["recordSet"]
    names = run().stdout.split()
    assert {"hbb-record", "pfin:cat", "in:baseline"} <= set(names)


@pytest.mark.parametrize("arguments", [("nothing",), ("pfin", "--format", "croissant")])
def test_command_refuses_in_one_line(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
