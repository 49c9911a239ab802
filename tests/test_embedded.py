"""The jets that ship with the package, and larger samples made when needed."""

import dataclasses

import numpy as np
import pytest

from repro.data import pins, store
from repro.data.packed import PackedJets
from repro.data.pins import find_artifact
from repro.data.tables import write_jets
from repro.errors import IntegrityError, MissingData, NotAvailable
from repro.features import embedded
from repro.features.embedded import SHIPPED, find_embedded, make_embedded, read_parts
from repro.features.jets import jet_quantities
from repro.features.subjettiness import subjettiness
from repro.figures.context import Context, Settings
from repro.models.scores import score_jets
from repro.models.tagger import load_tagger
from repro.simulation import extras
from repro.simulation.production import Production


def unseen(tasks, total, made):
    assert made <= total
    return tasks


@pytest.fixture(scope="module")
def path():
    return find_embedded("matched", None)


@pytest.fixture(scope="module")
def part(path):
    return next(iter(read_parts(path, 400)))


def test_it_is_as_large_and_as_small_as_promised(path):
    assert path.stat().st_size < 8_000_000
    with PackedJets.open(path) as packed:
        assert len(packed) >= 10_000
        labels = np.concatenate([jets.labels for jets in packed.iter_jets()])
    assert abs(labels.mean() - 0.5) < 1e-3


def test_it_follows_from_the_presets_of_this_version(path):
    """A changed preset or card without a new sample would go unnoticed otherwise."""
    with PackedJets.open(path) as packed:
        recipe = packed.recipe
    assert recipe["preset"] == embedded.SHIPPED_PRESET
    assert recipe["seed"] == embedded.SEED
    assert recipe["settings"] == Production("matched", embedded.SEED, 1, path).settings


def test_a_changed_file_is_not_used(monkeypatch, tmp_path):
    pin = find_artifact(SHIPPED)
    copy = tmp_path / "copy.h5"
    copy.write_bytes(store.shipped_path(pin).read_bytes()[:-1])
    broken = dataclasses.replace(pin, shipped=str(copy))
    monkeypatch.setattr(pins, "load_registry", lambda: (broken,))
    with pytest.raises(IntegrityError, match="install the package again"):
        find_embedded("matched", None)


def test_what_is_stored_beside_the_jets_follows_from_them(part):
    pytest.importorskip("fastjet")
    tau = subjettiness(part.jets.four_momenta)
    np.testing.assert_allclose(part.tau, tau, rtol=1e-6)
    found = jet_quantities(part.jets.four_momenta)
    for column, name in enumerate(embedded.quantity_names()):
        # Angles near zero are differences of float32 numbers, which processors round their way.
        values = part.quantities[:, column]
        np.testing.assert_allclose(values, getattr(found, name), rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("model", ["topodnn", "mbns", "pfn", "pfin:sum", "pfin:cat"])
def test_storing_moves_no_score_by_more_than_a_ten_thousandth(part, fetch, model):
    """Against the jets as simulate writes them: a table, and subjettiness in float64."""
    pytest.importorskip("fastjet")
    tagger = load_tagger(model, "authors", fetch)
    stored = score_jets(tagger, part.jets.four_momenta[:100], part.tau[:100])
    plain = score_jets(tagger, part.jets.four_momenta[:100])
    assert np.abs(stored - plain).max() < 1e-4


def test_a_table_with_the_same_jets_gives_the_same_parts(part, tmp_path):
    pytest.importorskip("fastjet")
    table = tmp_path / "table.h5"
    write_jets(table, [part.jets])
    (read,) = read_parts(table)
    np.testing.assert_array_equal(read.jets.four_momenta, part.jets.four_momenta)
    # Those of the shipped jets were computed on another kind of processor.
    np.testing.assert_allclose(read.tau, part.tau, rtol=1e-6)
    np.testing.assert_allclose(read.quantities, part.quantities, rtol=1e-6, atol=2e-6)


def test_more_jets_than_there_are_need_the_extra(monkeypatch, tmp_path):
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path))

    def refuse(name):
        raise NotAvailable(f"{name} is not installed: pip install 'repro[simulate]'")

    monkeypatch.setattr(extras, "_load", refuse)
    extras.load_fastjet.cache_clear()
    with pytest.raises(NotAvailable, match=r"repro\[simulate\]"):
        make_embedded("matched", 20_000, 1, unseen)
    extras.load_fastjet.cache_clear()


def test_the_smallest_sample_that_suffices_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path))
    assert find_embedded("documented", None) is None
    settings = Production("documented", embedded.SEED, 1, tmp_path).settings[:12]
    folder = tmp_path / "simulated"
    folder.mkdir()
    for size in (1000, 2000, 4000):
        (folder / f"documented-{settings}-{size}.h5").touch()
    (folder / "documented-another0000-9000.h5").touch()
    for wanted, size in ((10, 1000), (1500, 2000), (4000, 4000), (None, 4000)):
        assert find_embedded("documented", wanted).stem.endswith(f"-{size}")
    assert find_embedded("documented", 4001) is None


def test_another_preset_is_not_simulated_unasked(monkeypatch, tmp_path):
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path))
    with pytest.raises(MissingData, match="--jets N makes them"):
        Context(Settings(quiet=True)).embedded(None, "documented")


@pytest.mark.slow
def test_a_larger_sample_is_simulated_and_begins_with_the_shipped_jets(monkeypatch, tmp_path, part):
    pytest.importorskip("pythia8mc")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path))
    monkeypatch.setattr(embedded, "SHIPPED_PRESET", "none")
    made = make_embedded("matched", 40, 1, unseen)
    with PackedJets.open(made) as packed:
        # Whole chunks: a short one would be another draw.
        assert packed.recipe["jets"] == len(packed) == 500
        (jets,) = packed.iter_jets()
    np.testing.assert_array_equal(jets.four_momenta[: len(part.jets)], part.jets.four_momenta)
    np.testing.assert_array_equal(jets.labels[: len(part.jets)], part.jets.labels)
    assert make_embedded("matched", 400, 1, unseen) == made
