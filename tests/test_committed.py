"""Committed results: documents of this version, judged as this version judges."""

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from repro.results.document import Result
from repro.results.judge import judge_item

FOLDER = Path(__file__).resolve().parent.parent / "figures"
DOCUMENTS = sorted(FOLDER.rglob("*.json"))
NAMES = [str(path.relative_to(FOLDER)) for path in DOCUMENTS]
SCHEMA = json.loads(resources.files("repro.results").joinpath("schema.json").read_text("utf-8"))


def test_there_are_results_on_simulated_and_on_stored_jets():
    assert {"toptag/fig05.json", "fixtures/toptag/fig05.json"} <= set(NAMES)


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_results_follow_the_schema_and_their_numbers_have_these_verdicts(path):
    document = json.loads(path.read_text("utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert judge_item(Result.from_json(path)) == document["claims"]
