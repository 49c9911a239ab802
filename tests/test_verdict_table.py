"""Verdicts as a table: numbers in full for programs, short for readers."""

import csv

import pytest

from repro.results.verdict_table import as_csv, as_markdown, in_words


def claim(**changes):
    known = {"id": "toptag/C1", "item": None, "quantity": "a | b", "comparison": "within"}
    known |= {"expected": 1.5, "got": None, "interval": None, "tolerance": None, "ours": True}
    return known | {"verdict": "not tested", "reason": "", "source": "", "statement": ""} | changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ("1.5 (our reading)", "–")),
        ({"comparison": "between", "expected": [1, 2.5], "ours": False}, ("in 1, 2.5", "–")),
        ({"interval": [300.0, None]}, ("1.5 (our reading)", "> 300")),
        ({"interval": [None, 3.0]}, ("1.5 (our reading)", "< 3")),
        ({"got": 2.0, "interval": [1.0, None]}, ("1.5 (our reading)", "2 [1, ∞]")),
        ({"got": ["pt_0", "pt_1"], "ours": False}, ("1.5", "pt_0, pt_1")),
    ],
)
def test_claims_in_words(changes, words):
    assert in_words(claim(**changes)) == words


def test_the_table_of_verdicts_keeps_numbers_in_full_and_its_columns():
    entry = claim(got=1 / 3, interval=[0.1, None], verdict="deviates")
    (row,) = csv.DictReader(as_csv([entry]).splitlines())
    assert (float(row["got"]), float(row["low"]), row["high"]) == (1 / 3, 0.1, "")
    assert (row["ours"], row["item"]) == ("true", "")
    lines = as_markdown([entry]).splitlines()
    assert "1 deviates" in lines[2]
    assert lines[-1].replace(r"\|", "").count("|") == lines[-2].count("|")
