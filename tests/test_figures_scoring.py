"""Scores of jets that are not kept are those of whole samples; what is kept, is so in bounds."""

import numpy as np
import pytest

from repro.catalogue import find_item
from repro.explain.activation_patterns import explain_by_activation_patterns
from repro.features import samples
from repro.features.samples import Sample
from repro.figures.context import Context
from repro.figures.performance import DenseActivity, sparsities_of
from repro.figures.recent import RecentSamples
from repro.figures.run import compute_item
from repro.figures.scoring import score_jets_of
from repro.models.cards import load_cards
from repro.models.scores import score

JETS, CHUNK = 230, 37  # the last chunk has 8 jets


@pytest.fixture(scope="module")
def context(make_context):
    return make_context(data="embedded", jets=JETS, weights="embedded")


@pytest.fixture
def chunks(monkeypatch):
    """Read few jets at a time."""
    monkeypatch.setattr(samples, "_CHUNK", CHUNK)


@pytest.mark.usefixtures("chunks")
@pytest.mark.parametrize("family", ["topodnn", "mbns", "pfn", "pfin", "augpfn"])
def test_streamed_scores_and_jets_are_those_of_the_whole_sample(context, family):
    whole = context.sample(family)
    taggers = {name: context.tagger(card.name) for name, card in load_cards(family).items()}
    found = score_jets_of(context, family, taggers)
    np.testing.assert_array_equal(found.jets.labels, whole.labels)
    np.testing.assert_array_equal(found.jets.rows, whole.rows)
    for name in ("kind", "description", "data"):
        assert getattr(found.jets, name) == getattr(whole, name)
    for name, tagger in taggers.items():
        expected = score(tagger, tagger.prepare(whole.inputs, whole.features))
        assert found.scores[name].dtype == expected.dtype
        np.testing.assert_allclose(found.scores[name], expected, atol=1e-6)


def test_every_jet_is_read_once_and_twice_where_a_variant_needs_the_moments(context, monkeypatch):
    read = []

    def progress(_self, steps, _label):
        read.append(len(steps))
        return steps

    monkeypatch.setattr(Context, "progress", progress)
    for family, times in (("pfn", 1), ("topodnn", 2)):
        taggers = {name: context.tagger(card.name) for name, card in load_cards(family).items()}
        read.clear()
        score_jets_of(context, family, taggers)
        assert read == [1] * times


@pytest.mark.usefixtures("chunks")
def test_observers_see_what_the_network_gets(context):
    sample, tagger = context.sample("topodnn"), context.tagger("topodnn:standardize_pt")
    seen = []

    class Recorder:
        def add(self, inputs, labels):
            seen.append((inputs, labels))

    score_jets_of(context, "topodnn", {"scaled": tagger}, {"scaled": Recorder()})
    inputs, labels = (np.concatenate(column) for column in zip(*seen, strict=True))
    assert len(seen) == -(-JETS // CHUNK)
    expected = tagger.prepare(sample.inputs, sample.features)
    np.testing.assert_allclose(inputs, expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(labels, sample.labels)


@pytest.mark.usefixtures("chunks")
def test_streamed_sparsities_are_those_of_the_whole_sample(context):
    sample, tagger = context.sample("topodnn"), context.tagger("topodnn")
    watch = DenseActivity(context, tagger)
    score_jets_of(context, "topodnn", {"it": tagger}, {"it": watch})
    found = watch.columns()
    whole = explain_by_activation_patterns(context.problem(sample, tagger)).details["sparsity"]
    assert set(found) == {f"sparsity_{name}" for name in whole}
    for name, entry in whole.items():
        # A node at the threshold may fall to either side by rounding, of 420.
        assert found[f"sparsity_{name}"].value == pytest.approx(float(entry.value), abs=0.0025)


def test_jets_of_one_class_have_no_sparsity(context):
    from repro.errors import BadInput
    from repro.explain.activation_patterns import ActivityCounter

    counter = ActivityCounter(context.tagger("topodnn").network)
    counter.add(context.sample("topodnn").inputs, np.zeros(JETS, int))
    with pytest.raises(BadInput, match="two jets or more"):
        sparsities_of(counter, 0, "sparsity")


# --- what is kept ------------------------------------------------------------------------------


def sample_of(jets):
    """A sample of 16 bytes for each jet besides its inputs of 8."""
    rows = np.arange(jets)
    return Sample(np.zeros((jets, 2), np.float32), rows % 2, rows, "other", "jets", {})


def test_the_samples_used_longest_ago_are_let_go():
    recent, read = RecentSamples(most=24 * 100), []

    def get(name, jets):
        def make():
            read.append(name)
            return sample_of(jets)

        return recent.get(name, make)

    first = get("a", 40)
    assert get("a", 40) is first
    get("b", 40)
    assert read == ["a", "b"]
    get("a", 40)
    get("c", 40)  # no room for three: b was not used for the longest time
    assert recent.size == 24 * 80
    assert get("a", 40) is first
    get("b", 40)
    assert read == ["a", "b", "c", "b"]
    get("large", 1000)  # larger than all that may be kept, and kept alone
    assert recent.size == 24 * 1000
    get("a", 40)
    assert recent.size == 24 * 40


def test_tables_keep_no_inputs(make_context):
    context = make_context(data="embedded", jets=60, weights="embedded")
    for number in (1, 3, 4, 8):
        compute_item(find_item(f"toptag/table{number}"), context)
    assert context._samples.size == 0
