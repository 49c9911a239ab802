"""Mistakes in a configuration of the workflow are told before any job starts."""

import copy
import itertools
import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from programs import load_program
from workflow_parts import CONFIGS, SCHEMA, WORKFLOW, call, imported, mistakes_in

from repro.catalogue import PAPERS, load_items
from repro.cli.explained import EXPLAINED
from repro.explain.registry import load_methods
from repro.features.registry import objects_of

workflow_names = load_program("scripts/workflow_names.py")


@pytest.fixture(scope="module")
def modules():
    with imported() as found:
        yield found


@pytest.fixture(scope="module")
def mistakes_of(modules):
    return mistakes_in(modules)


def test_the_file_of_names_has_those_of_the_package():
    written = json.loads((WORKFLOW / "names.json").read_text("utf-8"))
    for part, names in workflow_names.names().items():
        assert written[part] == names, part
    cards = {name for names in written["models"].values() for name in names}
    assert set(written["methods"]) == set(load_methods())
    for method, families in written["methods"].items():
        for kind, explained in EXPLAINED.items():
            if method in explained.unfit:
                assert not [name for name in families if objects_of(name) == kind]
    items = {item.id: item for item in load_items() if item.module}
    assert set(written["items"]) == set(items)
    for item, needed in written["items"].items():
        assert set(needed) <= cards
        assert {name.partition(":")[0] for name in needed} <= set(items[item].models)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_file_of_names_has_what_a_trial_finds(tmp_path, monkeypatch):
    """Which models items cannot do without, and which families methods take."""
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    written = json.loads((WORKFLOW / "names.json").read_text("utf-8"))
    assert workflow_names.methods_tried(tmp_path) == written["methods"]
    assert workflow_names.items_tried() == written["items"]


def changed(part, **changes):
    """Return the small configuration with changes of an entry: the first, or the one of a name."""
    config = copy.deepcopy(CONFIGS["small"])
    for name, change in changes.items():
        entry = config[part][0] if name == "first" else config[part].setdefault(name, {})
        entry.update(change)
    return config


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            CONFIGS["small"] | {"samples": {}},
            "trainings: topodnn:baseline names no sample: 'toptag-train' is none of none",
        ),
        (
            CONFIGS["small"] | {"trainings": []},
            "items: no model of toptag is trained with seed 0",
        ),
        (
            changed("explanations", first={"model": "pfn:v4"}),
            "explanations: pfn:v4 is not trained",
        ),
        (
            changed("samples", **{"toptag-test": {"preset": "window"}}),
            (
                "samples: toptag-test has the preset window, which is not of toptag: give "
                "matched or documented"
            ),
        ),
        (
            changed("samples", record={"split": "test", "files": [3, 9, 11]}),
            "samples: record names files that the record has not in test, 9, 11: give 0 to 8",
        ),
        (
            changed("trainings", first={"model": "topodnn:v9"}),
            (
                "trainings: no model 'topodnn:v9' (did you mean topodnn:v4?): choose from "
                "topodnn:baseline, topodnn:v1, topodnn:v2, topodnn:v3, topodnn:v4 and 4 more"
            ),
        ),
        (
            changed("trainings", first={"model": "xyz:baseline"}),
            "trainings: no model 'xyz:baseline'",
        ),
        (
            changed("trainings", first={"sample": "toptag-tain"}),
            (
                "trainings: topodnn:baseline names no sample: 'toptag-tain' (did you mean "
                "toptag-train?) is none of toptag-train, toptag-test, hbb-train, hbb-test"
            ),
        ),
        (
            changed("trainings", first={"validation": "hbb-test"}),
            "trainings: topodnn:baseline takes jets of toptag, and hbb-test has those of hbb",
        ),
        (
            changed("trainings", first={"score": ["hbb-test"]}),
            "trainings: topodnn:baseline takes jets of toptag, and hbb-test has those of hbb",
        ),
        (
            changed("trainings", first={"after": "pfn:v4"}),
            "trainings: topodnn:baseline begins after pfn:v4, which is not trained",
        ),
        (
            changed("trainings", first={"after": "in:baseline"}),
            (
                "trainings: topodnn:baseline begins after in:baseline, which is of another "
                "family: give a model topodnn:…"
            ),
        ),
        (
            changed("trainings", first={"after": "topodnn:baseline"}),
            "trainings: topodnn:baseline begins after itself: leave one 'after' out",
        ),
        (
            changed("explanations", first={"method": "lpr"}),
            (
                "explanations: no method 'lpr' (did you mean lrp?): choose from "
                "activation_patterns, correlation, integrated_gradients, kernel_shap, lrp, "
            ),
        ),
        (
            changed("explanations", first={"method": "correlation", "model": "in:baseline"}),
            (
                "explanations: correlation does not explain in:baseline: choose from "
                "activation_patterns, integrated_gradients, lrp, occlusion, permutation"
            ),
        ),
        (
            changed("explanations", first={"sample": "hbb-test"}),
            (
                "explanations: lrp of topodnn:baseline takes jets of toptag, and hbb-test has "
                "those of hbb"
            ),
        ),
        (
            changed("explanations", first={"model": "in:baselin"}),
            "explanations: no model 'in:baselin' (did you mean in:baseline?)",
        ),
        (
            changed("items", toptag={"ids": ["fig99"]}),
            "items: toptag has no fig99 (did you mean fig9?): 'repro list' shows them all",
        ),
        (
            changed("items", toptag={"ids": ["fig05"]}),
            "items: toptag has no fig05 (did you mean fig5?): 'repro list' shows them all",
        ),
        (
            changed("items", toptag={"ids": ["fig3", "fig16"]}),
            (
                "items: toptag/fig16 takes weights of pfn:baseline, not trained with seed 0: train "
                "them, or leave it out"
            ),
        ),
        (
            changed("items", toptag={"ids": ["fig5"], "weights": 2}),
            "items: no model of toptag is trained with seed 2",
        ),
        (
            changed("items", toptag={"weights": "author"}),
            (
                "items: toptag takes the weights 'author', which are no file and no folder of "
                "trainings (did you mean authors?): give a seed, auto, authors, embedded or a path"
            ),
        ),
        (
            changed("items", toptag={"data": "toptag-tset"}),
            (
                "items: toptag takes the data 'toptag-tset', which is no sample and no file "
                "(did you mean toptag-test?): give toptag-train, toptag-test, hbb-train, "
                "hbb-test, auto, paper, fixtures, embedded or the path of a file"
            ),
        ),
        (
            changed("items", toptag={"data": "https://zenodo.org/test.h5"}),
            "items: toptag takes the data 'https://zenodo.org/test.h5', which is no sample and no",
        ),
        (
            changed("items", toptag={"data": "hbb-test"}),
            "items: toptag takes jets of toptag, and hbb-test has those of hbb",
        ),
        (
            changed("items", hbb={"data": "toptag-test"}),
            "items: hbb takes jets of hbb, and toptag-test has those of toptag",
        ),
        (
            changed("items", hbb={"data": "root://eospublic.cern.ch//eos/test_0.root"}),
            "items: hbb takes the data 'root://eospublic.cern.ch//eos/test_0.root', which is no",
        ),
        (
            changed("items", toptag={"data": "x" * 300}),
            f"items: toptag takes the data '{'x' * 300}', which is no sample and no file",
        ),
        (
            changed("items", toptag={"weights": "x" * 300}),
            f"items: toptag takes the weights '{'x' * 300}', which are no file and no folder",
        ),
        (
            changed("items", toptag={"weights": 0.0}),
            "items.toptag.weights: 0.0 is no whole number: write 0",
        ),
        (
            changed("samples", **{"toptag-test": {"jets": 600.0}}),
            "samples.toptag-test.jets: 600.0 is no whole number: write 600",
        ),
        (
            changed("items", hbb={"data": "record"})
            | {
                "samples": CONFIGS["small"]["samples"] | {"record": {"split": "test", "files": [0]}}
            },
            (
                "items: hbb takes simulated jets, and record has files of the record: give paper, "
                "or the path of a file"
            ),
        ),
        (
            CONFIGS["small"] | {"trainings": 2 * CONFIGS["small"]["trainings"][:1]},
            "trainings: topodnn:baseline is there 2 times: give one entry of it",
        ),
        (
            changed("trainings", first={"seeds": [0, 2.0]}),
            "trainings.0.seeds.1: 2.0 is no whole number: write 2",
        ),
    ],
)
def test_names_that_lead_nowhere_are_said(config, said, mistakes_of):
    jsonschema.validate(config, SCHEMA)
    found = mistakes_of(config)
    assert [text for text in found if text.startswith(said)], found
    assert not [text for text in found if "\n" in text]


def test_names_are_text(mistakes_of):
    samples = {1: CONFIGS["small"]["samples"]["toptag-test"]}
    found = mistakes_of(CONFIGS["small"] | {"samples": samples})
    assert found == ["samples: 1 is no name: put it in quotes"]


@pytest.mark.parametrize(
    "changes",
    [
        changed("samples", **{"toptag-test": {"seed": 2**32}}),
        changed("trainings", first={"seeds": [2**32]}),
        changed("items", toptag={"weights": 2**32}),
    ],
)
def test_seeds_are_those_that_commands_take(changes):
    with pytest.raises(jsonschema.ValidationError, match=r"maximum|not valid"):
        jsonschema.validate(changes, SCHEMA)


def test_a_chain_of_trainings_has_a_beginning(mistakes_of):
    names = ["topodnn:v1", "topodnn:v2", "topodnn:v3"]
    first = CONFIGS["small"]["trainings"][0]
    entries = [
        {**first, "model": name, "after": before}
        for name, before in zip(names, [names[1], names[0], names[0]], strict=True)
    ]
    found = mistakes_of(CONFIGS["small"] | {"trainings": entries, "items": {}, "explanations": []})
    said = "trainings: {} begins after itself: leave one 'after' out"
    assert found == [said.format(name) for name in names[:2]]


def test_what_commands_take_is_no_mistake(mistakes_of, tmp_path, monkeypatch):
    """Words, files from where Snakemake runs, folders of trainings, and addresses for hbb."""
    monkeypatch.chdir(tmp_path)
    for path in (
        "jets.h5",
        "jörg,2/s3:übung.h5",
        "mine/weights.safetensors",
        "made/0/pfn-baseline/weights.safetensors",
    ):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    words = ("auto", "paper", "fixtures", "embedded", "jets.h5", "jörg,2/s3:übung.h5")
    for data in (*words, str(tmp_path / "jets.h5")):
        config = changed("items", toptag={"data": data})
        jsonschema.validate(config, SCHEMA)
        assert mistakes_of(config) == []
    weights = ("auto", "authors", "embedded", "mine/weights.safetensors", "made/0")
    for chosen in weights:
        config = changed("items", toptag={"ids": ["fig16"], "weights": chosen})
        jsonschema.validate(config, SCHEMA)
        assert mistakes_of(config) == []
    config = changed("items", hbb={"data": "https://opendata.cern.ch/eos/test_0.root"})
    jsonschema.validate(config, SCHEMA)
    assert mistakes_of(config) == []
    assert mistakes_of(changed("items", toptag={"weights": "mine"}))
    (said,) = mistakes_of(changed("items", toptag={"weights": "made/0"}))
    assert said.startswith("items: toptag/fig5 takes weights of topodnn:baseline, not in made/0: ")


HARM = [
    "it's",
    "$(touch x)",
    "{x}",
    "a b",
    "a;b",
    "a&b",
    "`a`",
    'a"b',
    "a*",
    "a|b",
    "a\n",
    "~/a",
    "a?b",
    "-a",
    "",
]
"""Texts that mean something to a shell, or to Snakemake, or to commands."""


@pytest.mark.parametrize("text", HARM)
def test_text_that_means_something_to_a_shell_is_refused(text, modules):
    first = CONFIGS["small"]["trainings"][0]
    parts = [
        {"results": text},
        {"input": text},
        {"container": "docker://" + (text or "$x")},
        changed("items", toptag={"data": text}),
        changed("items", toptag={"weights": text}),
        changed("items", toptag={"ids": ["fig5" + (text or " ")]}),
        changed("explanations", first={"method": "lrp" + (text or "$")}),
        {"trainings": [{**first, "model": "pfn:" + text.replace("-", " ")}]},
        {"trainings": [{**first, "after": "pfn:" + text.replace("-", " ")}]},
        {"trainings": [{**first, "device": text}]},
        {"samples": {text.replace("-", " "): CONFIGS["small"]["samples"]["toptag-test"]}},
    ]
    for part in parts:
        if part == {"container": "docker://-a"}:
            continue  # an image may be named so, and no shell of ours sees it
        with pytest.raises(jsonschema.ValidationError) as caught:
            jsonschema.validate(CONFIGS["small"] | part, SCHEMA)
        assert "\n" not in modules["mistakes"].mistake_of_form(caught.value)


def test_each_mistake_in_a_configuration_is_a_line(tmp_path):
    """Before any job is planned."""

    def said_of(config):
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        options = ["--configfile", tmp_path / "config.yaml", "--cores", 1, "--dry-run"]
        code, said = call(tmp_path, *options)
        assert code == 1
        assert "Job stats" not in said
        lines = said.partition("WorkflowError")[2].splitlines()[1:]
        # Snakemake says then where it was found.
        return list(itertools.takewhile(lambda line: not line.startswith("  File "), lines))

    lines = said_of(CONFIGS["small"] | {"explanations": [], "trainings": []})
    found = {f"items: no model of {paper} is trained with seed 0" for paper in PAPERS}
    assert set(lines) == found
    (line,) = said_of(CONFIGS["small"] | {"results": "it's"})
    assert line.startswith('results: "it\'s" does not fit: The folder of everything, from where ')
    (line,) = said_of(changed("samples", **{"toptag-test": {"seeds": 3}}))
    assert line.startswith("samples.toptag-test: ")
    assert "'seeds' was unexpected" in line
    said = call(tmp_path, "--cores", 1, "--dry-run")[1]
    assert "no configuration: give --configfile" in said
