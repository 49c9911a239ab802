"""What is to be cited: references, and their forms."""

import re

import pytest
import yaml

from repro.catalogue import find_item, load_items
from repro.catalogue.references import Reference, find_reference, load_references, references_of
from repro.data.pins import load_registry
from repro.fair.bibtex import entry_of
from repro.fair.cff import citation_file
from repro.fair.citing import references_for, usual_references
from repro.fair.software import load_software
from repro.fair.yaml_text import to_yaml

GROUPS = {
    "papers": ("toptag", "hbb"),
    "methods": ("lrp", "kernel_shap", "integrated_gradients"),
    "models": ("topodnn", "mbns", "pfn", "leakypfn", "augpfn", "pfin", "in"),
    "simulation": ("all",),
}


@pytest.mark.parametrize("group", GROUPS)
def test_groups_name_known_references(group):
    keys = references_of(group, GROUPS[group])
    assert keys
    assert load_references().keys() >= set(keys)


def test_every_reference_is_used():
    used = {key for artifact in load_registry() for key in artifact.references}
    used |= {key for group, names in GROUPS.items() for key in references_of(group, names)}
    assert used == set(load_references())


def test_pinned_files_name_known_references():
    for artifact in load_registry():
        assert load_references().keys() >= set(artifact.references)
        assert bool(artifact.references) != bool(artifact.shipped), artifact.id


@pytest.mark.parametrize("reference", list(load_references().values()), ids=lambda r: r.key)
def test_identifiers_look_like_such(reference):
    assert re.fullmatch(r"10\.\d{4,}/\S+", reference.any_doi)
    assert reference.arxiv is None or re.fullmatch(r"\d{4}\.\d{4,5}", reference.arxiv)


@pytest.mark.parametrize("reference", list(load_references().values()), ids=lambda r: r.key)
def test_bibtex_is_balanced_ascii(reference):
    text = entry_of(reference)
    assert text.isascii()
    assert text.count("{") == text.count("}")
    assert text.startswith(f"@{reference.type}{{{reference.key},\n")
    fields = re.findall(r"^  (\w+) +=", text, re.MULTILINE)
    assert len(fields) == len(set(fields)) >= 4


@pytest.mark.parametrize("item", load_items(), ids=lambda item: item.id)
def test_items_rest_on_their_paper(item):
    keys = [reference.key for reference in references_for([item])]
    assert set(references_of("papers", [item.paper])) <= set(keys)
    assert len(keys) == len(set(keys))


def test_simulated_jets_are_not_the_papers():
    (item,) = (item for item in load_items() if item.id == "toptag/fig5")
    on_paper = {reference.key for reference in references_for([item])}
    simulated = {reference.key for reference in references_for([item], simulated=True)}
    assert "Kasieczka:2019toptag" in on_paper - simulated
    assert "Bierlich:2022pythia" in simulated - on_paper


@pytest.mark.parametrize("name", ["toptag/figS1", "toptag/tableS1"])
def test_items_without_data_of_a_paper_are_simulated(name):
    keys = {reference.key for reference in references_for([find_item(name)])}
    assert {"Bierlich:2022pythia", "Cacciari:2011fastjet"} <= keys


def test_the_bar_of_an_antiquark_is_kept():
    assert r"b{$\bar{b}$} decays" in entry_of(find_reference("Moreno:2019in"))


def test_citation_file_comes_back_as_it_was_written():
    document = citation_file(load_software(), usual_references())
    assert yaml.safe_load(to_yaml(document)) == document


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"type": "poem", "doi": "10.1/x"}, "unknown type"), ({"type": "article"}, "no identifier")],
)
def test_what_is_no_reference_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Reference("k", **{"title": "t", "authors": ("A, B",), "year": 2020, **wrong})
