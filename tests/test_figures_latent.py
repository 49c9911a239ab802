"""Which jets PFN and PFIN are explained on, and figure 22, which looks at them as they go by."""

import dataclasses
import json

import numpy as np
import pytest
from alike import assert_close

from repro.catalogue import find_item
from repro.data.spooled import SpooledRows
from repro.explain.activation_patterns import explain_by_activation_patterns
from repro.figures import latent
from repro.figures.context import Context
from repro.figures.latent import (
    explained_count,
    explained_sample,
    latent_space,
    particle_problem,
    rated,
)
from repro.figures.patterns import pattern_values
from repro.figures.run import compute_item
from repro.figures.toptag import fig22
from repro.models.pfin import PfinNetwork
from repro.models.phi_layers import PhiLayers

FEW = 40


@pytest.fixture
def paper(monkeypatch):
    """Any file is the paper's own, and the authors stopped after 40 jets."""
    monkeypatch.setattr(latent, "JETS", FEW)
    found = Context.jet_source

    def pretending(self, *arguments, **options):
        source = found(self, *arguments, **options)
        return dataclasses.replace(source, block={**source.block, "source": "paper"})

    monkeypatch.setattr(Context, "jet_source", pretending)


def test_simulated_jets_are_all_explained_and_are_others(make_context):
    for corrected in (False, True):
        context = make_context(data="embedded", jets=60, corrected=corrected)
        sample = explained_sample(context, "pfn")
        assert (len(sample.labels), sample.kind) == (60, "other")


@pytest.mark.usefixtures("paper")
def test_of_the_papers_jets_the_first_are_explained_as_published(make_context):
    """PFN on the very jets of the authors; PFIN's were drawn without a seed."""
    context = make_context(data="embedded")
    for family, kind in (("pfn", "complete"), ("pfin", "subset")):
        sample = explained_sample(context, family)
        assert (len(sample.labels), sample.kind) == (FEW, kind)
        np.testing.assert_array_equal(sample.rows, np.arange(FEW))


@pytest.mark.usefixtures("paper")
def test_the_users_number_of_jets_goes_before_the_authors(make_context):
    context = make_context(data="embedded", jets=60)
    sample = explained_sample(context, "pfn")
    assert (explained_count(context), len(sample.labels), sample.kind) == (60, 60, "subset")


@pytest.mark.usefixtures("paper")
def test_corrected_all_jets_are_explained(make_context):
    context = make_context(data="embedded", corrected=True)
    assert explained_count(context) is None
    sample = context.sample("pfn", jets=50)
    assert rated(context, "pfn", sample) is sample


def test_the_features_of_thirty_constituents_are_ranked(make_context):
    context = make_context(data="embedded", jets=30, weights="embedded")
    for name, extra in (("pfn:v4", 0), ("augpfn:v4_aug", 7), ("pfin:sum", 0)):
        tagger = context.tagger(name)
        problem = particle_problem(context, context.sample(tagger.card.family), tagger)
        assert len(problem.ranked) == 90 + extra
        assert problem.ranked[:90] == list(range(90))
        assert problem.ranked[90:] == list(range(600, 600 + extra))
        slots = 3 * tagger.network.slots
        for column, filled in enumerate(problem.filled_by):
            assert filled == (3 * (column // 3) if column < slots else 0)


# --- figure 22 -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("paper")
def test_activity_is_that_of_whole_samples_without_holding_one(make_context, monkeypatch):
    context = make_context(data="embedded", jets=None, weights="embedded")
    tagger = context.tagger("pfn")
    sample = context.sample("pfn")
    some = explained_sample(context, "pfn")
    problem = context.problem(sample, tagger)
    phi = explain_by_activation_patterns(
        dataclasses.replace(problem, network=PhiLayers(tagger.network))
    )
    head = explain_by_activation_patterns(
        latent_space(context, some, tagger, None).problem(context)
    )
    monkeypatch.setattr(Context, "sample", None)  # not to be called
    result = fig22.compute(context)
    assert result.data["jets"] == len(sample.labels) > FEW
    for part, found in (("phi", phi), ("f", head)):
        expected = pattern_values(found)
        assert result.values[part]["layers"] == expected["layers"]
        for label in ("qcd", "top"):
            for layer, activity in expected["rna"][label].items():
                found_activity = result.values[part]["rna"][label][layer]
                np.testing.assert_allclose(found_activity, activity, rtol=1e-6, atol=1e-9)
            sparsity = result.values["sparsity"][part][label]
            assert sparsity["value"] == pytest.approx(expected["sparsity"][label]["value"])
            assert sparsity["interval"] == pytest.approx(expected["sparsity"][label]["interval"])
    # F of the authors' number of jets, Φ of all.
    assert result.evidence_for("f.rna").kind == "complete"
    assert f"{FEW} " in result.evidence_for("sparsity.f").description


@pytest.mark.parametrize(
    "item_id", [f"toptag/fig{number}" for number in (16, 17, 18, 19, 20, 21, 23, 24, 27, 28, 29)]
)
@pytest.mark.parametrize("corrected", [False, True])
def test_inputs_that_are_too_many_for_memory_give_the_same_numbers(
    make_context, monkeypatch, item_id, corrected
):
    def numbers():
        context = make_context(data="embedded", jets=80, corrected=corrected)
        return context, compute_item(find_item(item_id), context)

    _, wanted = numbers()
    monkeypatch.setattr("repro.data.spooled.IN_MEMORY", 0)
    context, found = numbers()
    family = "pfin" if item_id in {"toptag/fig27", "toptag/fig28", "toptag/fig29"} else "pfn"
    assert isinstance(explained_sample(context, family).inputs, SpooledRows)
    first, second = (json.loads(result.to_json()) for result in (wanted, found))
    assert_close(second["values"], first["values"], rel=1e-5, abs=1e-6)


def test_both_ways_of_masking_pairs_go_on_after_a_stop_in_the_second(make_context, monkeypatch):
    """What the first pass did is kept until the whole figure is computed."""
    item, masked, seen = find_item("toptag/fig27"), PfinNetwork.masked_pairs, []

    def stopped(self, inputs, masks, *, alone):
        if alone:
            raise KeyboardInterrupt
        seen.append(len(inputs))
        return masked(self, inputs, masks, alone=alone)

    context = make_context(data="embedded", jets=30, weights="embedded")
    folder = context.spool / "stopped"
    # The cache is shared with other tests, which may have left something.
    before = set(folder.glob("*"))
    wanted = compute_item(item, context)
    assert set(folder.glob("*")) == before
    monkeypatch.setattr(PfinNetwork, "masked_pairs", stopped)
    with pytest.raises(KeyboardInterrupt):
        compute_item(item, context)
    assert sum(seen) == 30
    monkeypatch.setattr(
        PfinNetwork,
        "masked_pairs",
        lambda self, inputs, masks, *, alone: (
            masked(self, inputs, masks, alone=alone) if alone else pytest.fail("masked again")
        ),
    )
    found = compute_item(item, context)
    assert json.loads(found.to_json())["values"] == json.loads(wanted.to_json())["values"]
    assert set(folder.glob("*")) == before
