"""The form of result documents, beside a public reader of JSON Schema."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import repro.results
from repro.results.form import wrong_places

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((Path(repro.results.__file__).parent / "schema.json").read_text("utf-8"))
PUBLIC = jsonschema.Draft202012Validator(SCHEMA)
DOCUMENT = json.loads((ROOT / "figures" / "toptag" / "fig05.json").read_text("utf-8"))
SMALL = {**DOCUMENT, "claims": DOCUMENT["claims"][:2], "values": {"a": {"interval": [0, None]}}}


@pytest.mark.parametrize("path", sorted(ROOT.glob("figures/**/*.json")), ids=lambda path: path.stem)
def test_committed_results_have_the_form(path):
    assert list(wrong_places(json.loads(path.read_text("utf-8")))) == []


def places(value, path=()):
    yield path
    lists = enumerate(value) if isinstance(value, list) else ()
    for key, entry in value.items() if isinstance(value, dict) else lists:
        yield from places(entry, (*path, key))


def changed(value, path, change):
    if not path:
        return change(value)
    copy = value.copy()
    copy[path[0]] = changed(copy[path[0]], path[1:], change)
    return copy


def without_one(value):
    if isinstance(value, dict):
        return dict(list(value.items())[1:])
    return value[1:] if isinstance(value, list | str) else None


PLACES = [place for place in places(SMALL) if place]
OTHER = [None, True, -1, 0, 1, 0.5, "", "x", "deviates", [], [1.0], [None, 1], {}, {"x": 1}]


@example(("schema",), True)
@given(st.sampled_from(PLACES), st.sampled_from(OTHER))
def test_a_changed_document_is_judged_as_by_a_public_reader(place, other):
    document = changed(SMALL, place, lambda _: other)
    assert (next(wrong_places(document), None) is None) == PUBLIC.is_valid(document), place


@given(st.sampled_from(PLACES))
def test_a_document_that_lacks_something_is_too(place):
    document = changed(SMALL, place, without_one)
    assert (next(wrong_places(document), None) is None) == PUBLIC.is_valid(document), place
