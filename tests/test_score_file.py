"""Scores of files: as of the whole array, whatever the chunks, the format and the company."""

import dataclasses
import importlib

import h5py
import numpy as np
import pytest
import torch
from toy_jets import jets_of, toy_jets

from repro.data.jets import Jets
from repro.data.packed import PackedJets, PackedPart, write_packed
from repro.data.tables import JetTable, read_jets, write_jets
from repro.errors import BadInput, MissingData, NotAvailable
from repro.features.embedded import find_embedded, read_parts
from repro.features.registry import FAMILIES
from repro.features.subjettiness import subjettiness
from repro.models.cards import load_cards
from repro.models.embedded_weights import embedded_names
from repro.models.scores import score, score_jets
from repro.models.scoring import score_file
from repro.models.tagger import load_tagger, untrained_tagger
from repro.simulation import extras

MODELS = [
    "topodnn",
    "topodnn:30",
    "topodnn:pt",
    "topodnn:standardize_pt",
    "mbns",
    "mbns:tau_x_1",
    "pfn:v4",
    "augpfn:v4_aug",
    "pfin:sum",
    "pfin:cat",
]
COUNTS = [40, 3, 120, 8, 60, 7, 200, 61, 9, 30, 0, 75]
FEW = [row for row, count in enumerate(COUNTS) if count < 8]
EMPTY = [row for row, count in enumerate(COUNTS) if count == 0]
# Sums of other lengths are rounded otherwise; PFIN's pair masses enlarge that (B17).
CLOSE = {"rtol": 0, "atol": 1e-5}


def random_tagger(name):
    """A network with seeded weights, large enough that scores of jets differ."""
    tagger = untrained_tagger(name, 7)
    with torch.no_grad():
        for parameter in tagger.network.parameters():
            parameter.mul_(1.5)
    return tagger


def some_jets():
    jets = jets_of(COUNTS, 200, seed=30)
    jets[4, :60] = toy_jets(99, 1, 60, centre=np.pi)[0]
    n = len(COUNTS)
    return Jets(jets, np.arange(n) % 2, np.zeros((n, 4), np.float32), np.zeros(n, np.int64))


def needs_fastjet(*names):
    if any(FAMILIES[name.partition(":")[0]].needs_fastjet for name in names):
        pytest.importorskip("fastjet")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("jets") / "table.h5"
    write_jets(path, [some_jets()])
    return path


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """300 of the shipped jets, with values for subjettiness that nobody computes."""
    path = tmp_path_factory.mktemp("jets") / "packed.h5"
    with PackedJets.open(find_embedded("matched", None)) as file:
        (part,) = file.iter_parts(stop=300)
        odd = PackedPart(part.jets, (0.9 * part.tau).astype(np.float32), part.quantities)
        write_packed(path, [odd], file.tau_names, file.quantity_names, {})
    return path


def refuse_fastjet(monkeypatch):
    """As if it were not installed."""
    load = importlib.import_module

    def refuse(name, *rest):
        if name == "fastjet":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(importlib, "import_module", refuse)
    extras.load_fastjet.cache_clear()


@pytest.fixture
def without_fastjet(monkeypatch):
    refuse_fastjet(monkeypatch)
    yield
    extras.load_fastjet.cache_clear()


# --- the same as of the whole ------------------------------------------------------------------


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_scores_are_those_of_the_whole_array(table, name, corrected):
    needs_fastjet(name)
    tagger = random_tagger(name)
    found, labels = score_file(table, {"it": tagger}, corrected=corrected)
    wanted = score_jets(tagger, some_jets().four_momenta, corrected=corrected)
    assert found["it"].dtype == np.float32
    np.testing.assert_array_equal(found["it"], wanted.astype(np.float32))
    np.testing.assert_array_equal(labels, some_jets().labels)
    known = found["it"][np.isfinite(found["it"])]
    assert np.ptp(known) > 1e-3  # or this test could not tell jets apart


@pytest.mark.parametrize("chunk", [1, 5])
@pytest.mark.parametrize("name", MODELS)
def test_chunks_do_not_change_the_scores(table, name, chunk):
    needs_fastjet(name)
    tagger = random_tagger(name)
    whole, _ = score_file(table, {"it": tagger})
    found, labels = score_file(table, {"it": tagger}, chunk=chunk)
    np.testing.assert_allclose(found["it"], whole["it"], **CLOSE)
    np.testing.assert_array_equal(labels, some_jets().labels)


def test_scores_are_in_the_order_of_the_file(tmp_path):
    given = some_jets()
    order = np.random.default_rng(0).permutation(len(given))
    other = tmp_path / "other.h5"
    write_jets(other, [Jets(*(getattr(given, f.name)[order] for f in dataclasses.fields(Jets)))])
    tagger = random_tagger("pfn:v4")
    found, labels = score_file(other, {"it": tagger}, chunk=5)
    wanted = score_jets(tagger, given.four_momenta)
    np.testing.assert_allclose(found["it"], wanted[order], **CLOSE)
    np.testing.assert_array_equal(labels, given.labels[order])


@pytest.mark.parametrize("chunk", [5, 100])
def test_standardising_is_with_the_moments_of_the_whole_set(table, chunk):
    """A chunk's own moments would give other scores."""
    tagger = random_tagger("topodnn:standardize_pt")
    family = FAMILIES["topodnn"]
    inputs = family.compute(some_jets().four_momenta)
    wanted = score(tagger, tagger.prepare(inputs, family.features()))
    found, _ = score_file(table, {"it": tagger}, chunk=chunk)
    wanted[EMPTY] = np.nan
    np.testing.assert_array_equal(found["it"], wanted)
    alone = score(tagger, tagger.prepare(inputs[:5], family.features()))
    assert np.abs(found["it"][:5] - alone).max() > 1e-3


def test_of_the_first_jets_alone_the_moments_are_theirs(table):
    tagger = random_tagger("topodnn:standardize_pt")
    found, labels = score_file(table, {"it": tagger}, jets=5)
    wanted = score_jets(tagger, some_jets().four_momenta[:5])
    np.testing.assert_array_equal(found["it"], wanted)
    assert len(labels) == 5


def test_several_taggers_go_in_one_pass(table, monkeypatch):
    pytest.importorskip("fastjet")
    taggers = {name: random_tagger(name) for name in MODELS}
    alone = {name: score_file(table, {name: tagger})[0] for name, tagger in taggers.items()}
    sizes = []

    def counted(family):
        def compute(jets, taus=None, *, corrected=False):
            sizes.append((family, len(jets)))
            return compute_of[family](jets, taus, corrected=corrected)

        return compute

    compute_of = {family: entry.make for family, entry in FAMILIES.items()}
    for family, entry in list(FAMILIES.items()):
        counting = dataclasses.replace(entry, make=counted(family))
        monkeypatch.setitem(FAMILIES, family, counting)
    together, _ = score_file(table, taggers, chunk=7)
    for name in taggers:
        np.testing.assert_allclose(together[name], alone[name][name], **CLOSE)
    # The inputs of a family are made once for all its variants, a chunk at a time.
    assert sorted(sizes) == sorted((family, n) for family in FAMILIES for n in (7, 5))


@pytest.mark.parametrize("jets", [1, 5, 12, 1000])
def test_the_first_jets_or_all_there_are(table, jets):
    tagger = random_tagger("topodnn")
    whole, _ = score_file(table, {"it": tagger})
    found, labels = score_file(table, {"it": tagger}, jets=jets, chunk=4)
    assert len(labels) == min(jets, len(COUNTS))
    np.testing.assert_allclose(found["it"], whole["it"][:jets], **CLOSE)


def test_progress_is_told_of_every_chunk(table):
    seen = []

    def progress(steps, label):
        for step in steps:
            seen.append((step, label))
            yield step

    score_file(table, {"it": random_tagger("topodnn")}, chunk=5, progress=progress)
    assert seen == [(0, "scoring"), (5, "scoring"), (10, "scoring")]


# --- what is undefined, and the quirks ---------------------------------------------------------


def test_mbns_has_no_score_for_jets_under_8_constituents_and_the_others_do(table):
    pytest.importorskip("fastjet")
    cards = [card for family in FAMILIES for card in load_cards(family).values()]
    taggers = {card.name: random_tagger(card.name) for card in cards}
    found, _ = score_file(table, taggers, chunk=5)
    for name, scores in found.items():
        undefined = FEW if name.startswith("mbns") else EMPTY
        assert np.flatnonzero(np.isnan(scores)).tolist() == undefined, name


@pytest.mark.parametrize("name", ["mbns", "augpfn:v4_aug", "pfn:v4", "pfin:sum"])
def test_corrected_scores_differ_and_small_jets_have_some(table, name):
    needs_fastjet(name)
    tagger = random_tagger(name)
    published, _ = score_file(table, {"it": tagger})
    corrected, _ = score_file(table, {"it": tagger}, corrected=True)
    assert np.flatnonzero(np.isnan(corrected["it"])).tolist() == EMPTY
    assert abs(corrected["it"][4] - published["it"][4]) > 1e-3  # across the seam of azimuth
    # The next one leaves no trace.
    again, _ = score_file(table, {"it": tagger})
    np.testing.assert_array_equal(again["it"], published["it"])


def test_corrected_pfin_has_stable_pair_masses():
    """Quirk B17, alone: the same inputs."""
    tagger = random_tagger("pfin:sum")
    inputs = FAMILIES["pfin"].compute(some_jets().four_momenta)
    plain, corrected = score(tagger, inputs), score(tagger, inputs, corrected=True)
    assert not tagger.network.stable_mass
    tagger.network.stable_mass = True
    np.testing.assert_array_equal(score(tagger, inputs), corrected)
    assert np.abs(plain - corrected).max() > 1e-4
    np.testing.assert_array_equal(score(tagger, inputs, corrected=True), corrected)
    assert tagger.network.stable_mass


# --- packed files ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mbns", "augpfn:v4_aug"])
@pytest.mark.usefixtures("without_fastjet")
def test_stored_subjettiness_is_taken_without_fastjet(packed, name):
    tagger = random_tagger(name)
    (part,) = read_parts(packed)
    found, labels = score_file(packed, {"it": tagger}, chunk=64)
    wanted = score_jets(tagger, part.jets.four_momenta, part.tau)
    np.testing.assert_allclose(found["it"], wanted, **CLOSE)
    np.testing.assert_array_equal(labels, part.jets.labels)
    with pytest.raises(NotAvailable, match=r"repro\[simulate\]"):
        score_file(packed, {"it": tagger}, corrected=True)


@pytest.mark.usefixtures("without_fastjet")
def test_subjettiness_of_a_table_needs_fastjet_and_says_how_to_get_it(table):
    with pytest.raises(NotAvailable, match=r"pip install 'repro\[simulate\]'"):
        score_file(table, {"it": random_tagger("mbns")})


def test_stored_subjettiness_is_not_taken_if_corrected(packed):
    pytest.importorskip("fastjet")
    tagger = random_tagger("mbns")
    found, _ = score_file(packed, {"it": tagger}, jets=20, corrected=True)
    (part,) = read_parts(packed, 20)
    wanted = score_jets(tagger, part.jets.four_momenta, corrected=True)
    np.testing.assert_allclose(found["it"], wanted, **CLOSE)


def test_subjettiness_of_other_columns_is_computed(tmp_path):
    pytest.importorskip("fastjet")
    (part,) = read_parts(find_embedded("matched", None), 20)
    path = tmp_path / "other.h5"
    names = [f"tau_{i}" for i in range(24)]
    write_packed(path, [dataclasses.replace(part, tau=0 * part.tau)], names, ("a",) * 7, {})
    tagger = random_tagger("mbns")
    found, _ = score_file(path, {"it": tagger})
    wanted = score_jets(tagger, part.jets.four_momenta, subjettiness(part.jets.four_momenta))
    np.testing.assert_allclose(found["it"], wanted, **CLOSE)


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "corrected", "wanted"),
    [
        (["topodnn"], False, 30),
        (["topodnn", "pfin"], False, 60),
        (["pfin"], True, None),
        (["pfn", "pfin"], False, None),  # 200 are all that there are places for
        (["topodnn", "mbns"], False, None),
    ],
)
def test_no_more_constituents_are_read_than_needed(table, monkeypatch, names, corrected, wanted):
    needs_fastjet(*names)
    asked = []
    read = JetTable.iter_jets

    def spy(self, **options):
        asked.append(options["constituents"])
        return read(self, **options)

    monkeypatch.setattr(JetTable, "iter_jets", spy)
    score_file(table, {name: random_tagger(name) for name in names}, corrected=corrected)
    assert asked == [wanted]


@pytest.mark.parametrize("places", [1, 10, 300])
def test_files_with_another_number_of_places_are_scored(tmp_path, places):
    path = tmp_path / "jets.h5"
    jets = toy_jets(3, 6, places).astype(np.float32)
    write_jets(path, [Jets(jets, np.ones(6, int), np.zeros((6, 4)), np.zeros(6, int))])
    for name in ("topodnn", "pfn:v4", "pfin:sum"):
        tagger = random_tagger(name)
        found, _ = score_file(path, {"it": tagger})
        np.testing.assert_array_equal(found["it"], score_jets(tagger, jets))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_four_momentum_that_is_no_number_is_named_by_its_row(tmp_path, packed, value):
    tagger = random_tagger("topodnn")
    path = tmp_path / "table.h5"
    write_jets(path, [some_jets()])
    with h5py.File(path, "r+") as file:
        rows = file["table/table"][:]
        rows["values_block_0"][6, 9] = value
        file["table/table"][:] = rows
    with pytest.raises(BadInput, match=r"table\.h5: row 6 has NaN or infinite four-momenta"):
        score_file(path, {"it": tagger}, chunk=5)
    path = tmp_path / "packed.h5"
    path.write_bytes(packed.read_bytes())
    with h5py.File(path, "r+") as file:
        file["px"][file["counts"][:200].sum()] = value
    with pytest.raises(BadInput, match=r"packed\.h5: row 200 has NaN or infinite four-momenta"):
        score_file(path, {"it": tagger}, chunk=64)


def test_files_without_jets_are_refused(tmp_path, packed):
    tagger = {"it": random_tagger("topodnn")}
    with pytest.raises(MissingData, match="is not there"):
        score_file(tmp_path / "nowhere.h5", tagger)
    empty = tmp_path / "empty.h5"
    with h5py.File(packed) as source, h5py.File(empty, "w") as file:
        file.attrs.update(source.attrs)
        for name, dataset in source.items():
            file[name] = dataset[:0]
    with pytest.raises(BadInput, match="holds no jets"):
        score_file(empty, tagger)


def test_one_jet_cannot_be_standardised(table):
    with pytest.raises(BadInput, match="give 2 jets or more"):
        score_file(table, {"it": random_tagger("topodnn:standardize_pt")}, jets=1)


# --- weights that ship -------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in embedded_names() if name[:3] != "in:"])
def test_the_shipped_weights_tag_the_shipped_jets(name):
    from repro.metrics import auc, rank_jets

    def refuse(artifact_id):
        raise AssertionError(artifact_id)

    tagger = load_tagger(name, "embedded", refuse)
    found, labels = score_file(find_embedded("matched", None), {"it": tagger}, jets=1000)
    known = np.isfinite(found["it"])
    assert known.mean() > 0.99
    assert auc(rank_jets(found["it"][known], labels[known])) > 0.93


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODELS)
def test_a_gpu_gives_the_same_scores(table, name):
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    needs_fastjet(name)
    here, _ = score_file(table, {"it": random_tagger(name)})
    there, _ = score_file(table, {"it": random_tagger(name)}, device="cuda")
    # PFIN's pair masses are rounding noise, which differs (B17).
    slack = 0.2 if name.startswith("pfin") else 1e-4
    np.testing.assert_allclose(there["it"], here["it"], rtol=0, atol=slack)


def test_reading_gives_the_jets_that_were_written(table):
    """What the other tests compare with."""
    np.testing.assert_array_equal(read_jets(table).four_momenta, some_jets().four_momenta)
