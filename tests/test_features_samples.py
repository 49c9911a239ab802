"""Samples of each family: from the stored arrays, from files, with and without the quirks."""

import numpy as np
import pytest
from toy_jets import jets_of

from repro.data.callbacks import silent
from repro.data.jets import Jets
from repro.data.tables import write_jets
from repro.errors import BadInput, MissingData
from repro.features import jet_source, samples, stored
from repro.features.embedded import find_embedded, read_parts
from repro.features.registry import FAMILIES
from repro.features.samples import find_jets, read_sample, stored_outputs
from repro.features.stored import real_jet_pt, stored_inputs
from repro.metrics.roc import auc, rank_jets

JETS = 60


def read(family, source="embedded", jets=JETS, fetch=None, **options):
    return read_sample(
        family,
        source,
        "test",
        jets,
        fetch,
        progress=silent,
        embedded=lambda jets: find_embedded("matched", jets),
        **options,
    )


@pytest.fixture(scope="module")
def embedded():
    """The first embedded jets, with their subjettiness."""
    return next(iter(read_parts(find_embedded("matched", None), JETS)))


@pytest.fixture(scope="module")
def small_jets(tmp_path_factory):
    """A file of 24 jets; every third has fewer than 8 constituents."""
    pytest.importorskip("fastjet")
    counts = [5, 20, 30] * 8
    jets = jets_of(counts, 40)
    labels = np.arange(len(counts)) % 2
    path = tmp_path_factory.mktemp("small") / "small.h5"
    write_jets(path, [Jets(jets, labels, np.zeros((len(jets), 4)), np.zeros(len(jets), int))])
    return path, jets, labels


# --- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_inputs_are_those_of_the_family_in_the_precision_of_its_network(embedded, family):
    sample = read(family)
    expected = FAMILIES[family].compute(embedded.jets.four_momenta, embedded.tau)
    np.testing.assert_array_equal(sample.inputs, expected)
    np.testing.assert_array_equal(sample.labels, embedded.jets.labels)
    assert sample.inputs.dtype == (np.float64 if family == "mbns" else np.float32)
    assert sample.inputs.shape == (JETS, len(sample.features))
    assert sample.family == family
    assert sample.kind == "other"
    assert sample.description == "the first 60 simulated jets"


@pytest.mark.parametrize("family", ["mbns", "pfin"])
@pytest.mark.parametrize("chunk", [7, 24])
def test_chunks_do_not_change_the_inputs(small_jets, monkeypatch, family, chunk):
    path, *_ = small_jets
    whole = read(family, str(path), None)
    monkeypatch.setattr(samples, "_CHUNK", chunk)
    parts = read(family, str(path), None)
    np.testing.assert_array_equal(parts.inputs, whole.inputs)
    np.testing.assert_array_equal(parts.rows, whole.rows)


def test_mbns_drops_jets_of_fewer_than_eight_constituents_and_says_how_many(small_jets):
    path, jets, labels = small_jets
    enough = (jets[..., 0] > 0).sum(axis=1) >= 8
    sample = read("mbns", str(path), None)
    np.testing.assert_array_equal(sample.rows, np.flatnonzero(enough))
    np.testing.assert_array_equal(sample.labels, labels[enough])
    assert np.isfinite(sample.inputs).all()
    assert sample.data["jets"] == 16
    assert sample.data["selection"] == "all, without 8 that have no subjettiness"
    assert sample.description == "all 24 jets of small.h5, without 8 that have no subjettiness"
    first = read("mbns", str(path), 5)
    assert (len(first.labels), first.data["selection"][:7]) == (3, "first 5")


def test_corrected_mbns_keeps_small_jets_and_other_families_never_lose_them(small_jets):
    path, *_ = small_jets
    assert len(read("mbns", str(path), None, corrected=True).labels) == 24
    for family in ("topodnn", "pfn", "pfin", "augpfn"):
        assert len(read(family, str(path), None).labels) == 24


@pytest.mark.parametrize("family", ["pfn", "pfin", "mbns"])
def test_corrected_inputs_differ(embedded, family):
    pytest.importorskip("fastjet")
    published, corrected = read(family), read(family, corrected=True)
    assert not np.array_equal(published.inputs, corrected.inputs)
    # Corrected subjettiness is computed anew: what is in the file has the quirk.
    expected = FAMILIES[family].compute(embedded.jets.four_momenta, None, corrected=True)
    np.testing.assert_array_equal(corrected.inputs, expected)


# --- the paper's file --------------------------------------------------------------------------


@pytest.fixture
def paper(small_jets, monkeypatch):
    """The small file in the place of the paper's, and blocks of 10 jets."""
    path, *_ = small_jets
    monkeypatch.setattr(jet_source, "_MBNS_BLOCK", 10)
    return lambda _artifact: path


@pytest.mark.parametrize(
    ("family", "jets", "found"),
    [
        ("mbns", None, ("complete", "first 20", 13)),
        ("mbns", 22, ("complete", "first 20", 13)),
        ("mbns", 12, ("subset", "first 12", 8)),
        ("pfn", None, ("complete", "all", 24)),
        ("pfin", 22, ("subset", "first 22", 22)),
    ],
)
def test_of_the_papers_file_mbns_leaves_out_what_fills_no_block(paper, family, jets, found):
    sample = read(family, "paper", jets, paper)
    assert sample.data["source"] == "paper"
    selection = sample.data["selection"].partition(",")[0]
    assert (sample.kind, selection, len(sample.labels)) == found


def test_corrected_mbns_uses_the_whole_file(paper):
    sample = read("mbns", "paper", None, paper, corrected=True)
    assert (sample.kind, sample.data["selection"], len(sample.labels)) == ("complete", "all", 24)


def test_a_file_shorter_than_a_block_is_kept_whole(small_jets, monkeypatch):
    path, *_ = small_jets
    monkeypatch.setattr(jet_source, "_MBNS_BLOCK", 100)
    assert len(read("mbns", "paper", None, lambda _: path).labels) == 16


# --- what the authors stored -------------------------------------------------------------------


def test_stored_mbns_jets_are_found_again_by_their_momentum(fetch):
    sample = read("mbns", "fixtures", None, fetch)
    pt, labels = real_jet_pt(fetch)
    given = 1000 * sample.inputs[:, sample.features.index("pT_J")]
    assert sample.inputs.shape == (1000, 22)
    # The authors drew one jet of each class twice: the same rows are the same jets, no others.
    assert len(np.unique(sample.rows)) == len(np.unique(sample.inputs, axis=0)) == 998
    np.testing.assert_array_equal(labels[sample.rows], sample.labels)
    np.testing.assert_allclose(pt[sample.rows], given, rtol=3e-7)
    assert (pt[sample.rows] == given).mean() > 0.98


def test_the_rows_that_are_found_tag_as_the_jets_do(fetch):
    """Another network's outputs for those rows know the jets: TopoDNN sees 97.1 % of all."""
    sample = read("mbns", "fixtures", None, fetch)
    predictions, _ = stored_outputs(fetch)
    assert 0.955 < auc(rank_jets(predictions[sample.rows], sample.labels)) < 0.985


def test_the_nearest_number_is_the_nearest():
    known = np.array([5.0, 1.0, 9.0])
    np.testing.assert_array_equal(
        stored._nearest(known, np.array([0.0, 1.2, 4.9, 6.9, 7.1, 20.0])), [1, 1, 0, 0, 2, 2]
    )


@pytest.mark.parametrize(("family", "title"), {"pfn": "PFN", "pfin": "PFIN"}.items())
def test_families_without_stored_jets_say_what_to_do(fetch, family, title):
    with pytest.raises(MissingData, match=f"stored no jets for {title}: use --data embedded"):
        read(family, "fixtures", None, fetch)
    with pytest.raises(MissingData, match="no constituents"):
        find_jets("fixtures", "test", None, fetch)


def test_stored_files_with_something_else_are_refused(fetch, monkeypatch):
    monkeypatch.setattr(stored, "load_pickle", lambda _path: np.zeros((500, 21)))
    with pytest.raises(BadInput, match=r"holds an array \(500, 21\), not \(n, 22\)"):
        stored_inputs("mbns", fetch)
    with pytest.raises(BadInput, match="holds no table"):
        stored_inputs("topodnn", fetch)
