"""Marks in the texts of the site: numbers come from committed results, or the build fails."""

import json
import re

import pytest
from site_hooks import ROOT, hook

from repro.cli import main

marks = hook("marks")
value_marks = hook("value_marks")
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def filled(text):
    return value_marks.on_page_markdown(text)


def committed(path):
    return json.loads((ROOT / "figures" / path).read_text("utf-8"))


def test_a_value_is_that_of_the_committed_result():
    bar = committed("toptag/fig05.json")["values"]["relevance"]["pt_0"]
    text = filled("share <!-- value toptag/fig5 values.relevance.pt_0 .3f --> of it")
    assert text == f"share {bar['value']:.3f} of it"
    low, high = bar["interval"]
    assert filled("<!-- interval toptag/fig5 values.relevance.pt_0 .3f -->") == (
        f"{low:.3f} to {high:.3f}"
    )


def test_results_on_stored_jets_are_other_results():
    here, stored = (
        filled(f"<!-- value {name} data.jets -->")
        for name in ("toptag/fig5", "fixtures/toptag/fig5")
    )
    assert (here, stored) == ("12000", "1000")


def test_claims_give_the_papers_number_ours_and_the_verdict():
    (claim,) = (
        claim
        for claim in committed("fixtures/toptag/table01.json")["claims"]
        if claim["id"] == "toptag/C2.auc"
    )
    assert filled("<!-- expected toptag/C2.auc .2f -->") == f"{claim['expected']:.2f}"
    assert filled("<!-- got fixtures/toptag/C2.auc .4f -->") == f"{claim['got']:.4f}"
    assert claim["verdict"] in filled("<!-- verdict fixtures/toptag/C2.auc -->")


@pytest.mark.parametrize(
    "mark",
    [
        "value toptag/fig5 values.relevance.nothing .3f",
        "value toptag/fig99 values.relevance.pt_0 .3f",
        "value toptag/fig5 values.relevance .3f",
        "value toptag/fig5 title .3f",
        "value toptag/fig5",
        "value fixtures/hbb/fig5 values.auc",
        "interval toptag/fig5 data.jets",
        "expected toptag/C999",
        "expected nothing/C2.auc",
        "got toptag/C16.authors.qcd.phi_1 .1f",
        "verdict fixtures/hbb/C13.first_four",
    ],
)
def test_a_wrong_mark_fails_the_build(mark):
    with pytest.raises(marks.BadMark):
        filled(f"<!-- {mark} -->")


def test_a_mark_of_no_hook_fails_the_build():
    pytest.importorskip("mkdocs")
    left_over = hook("left_over")

    class Page:
        class file:  # noqa: N801  # as mkdocs names it
            src_uri = "index.md"

    with pytest.raises(marks.BadMark, match="no hook knows the mark <!-- number a b -->"):
        left_over.on_page_content("<p><!-- number a b --></p>", page=Page)
    assert left_over.on_page_content("<p>&lt;!-- value --&gt;</p>", page=Page)


def test_marks_that_pages_use_are_those_that_hooks_know():
    known = {"headlines", "verdicts", "closure", "recipes", "weights", "cite", "claims"}
    known |= {"checklist", "licences", "benchmarks", "plan", "rates", "growth", "authors"}
    known |= set(value_marks.MARKS)
    used = {mark["name"] for page in PAGES for mark in marks.MARK.finditer(page.read_text("utf-8"))}
    assert used <= known
    assert {"value", "headlines", "cite", "claims"} <= used


def test_every_number_of_the_texts_can_be_filled_in():
    for page in PAGES:
        assert "<!-- value" not in filled(page.read_text("utf-8")), page


def test_the_entries_to_cite_are_those_of_the_command(capsys):
    assert main(["cite"]) == 0
    assert hook("citations").cite() == f"```bibtex\n{capsys.readouterr().out.strip()}\n```"


def test_verdicts_are_counted_over_all_results():
    front = hook("front_page")
    shown = re.findall(r"<td>([\d,]+)</td>", front.verdicts())
    counts = [
        sum(len(json.loads(path.read_text("utf-8"))["claims"]) for path in folder.glob("*.json"))
        for folder in (ROOT / "figures" / part for part in ("toptag", "fixtures/toptag", "hbb"))
    ]
    assert [int(number.replace(",", "")) for number in shown] == counts


def test_headlines_are_the_committed_numbers_with_their_evidence():
    cards = hook("front_page").headlines()
    rows = committed("fixtures/toptag/table01.json")["values"]["rows"]
    assert f'<p class="number">{rows["baseline"]["auc"]["value"] / 100:.3f}</p>' in cards
    assert "the authors&#x27; outputs for all 404,000 test jets" in cards
    for item, row in (("table03", "baseline"), ("table04", "sum")):
        number = committed(f"toptag/{item}.json")["values"]["rows"][row]["auc"]["value"]
        assert f'<p class="number">{number / 100:.3f}</p>' in cards
    assert cards.count("all 12,000 simulated jets") == 2
