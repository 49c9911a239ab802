"""``--data paper``: the code that runs on the pinned data set, on a small stand-in for it.

The pins of test.h5 and train.h5 are replaced by those of simulated files in the same format,
so that everything between the pin and the verdict is the real thing.
"""

import dataclasses
import hashlib

import numpy as np
import pytest

from repro.data import pins
from repro.data.jets import Jets
from repro.data.store import Store
from repro.data.tables import write_jets
from repro.errors import MissingData
from repro.figures import latent
from repro.figures.context import Context, Settings

TEST, TRAIN = "toptag/data/test.h5", "toptag/data/train.h5"


def simulated(jets, seed):
    """Massless constituents around an axis: more of them, and wider, for tops."""
    generator = np.random.default_rng(seed)
    labels = np.arange(jets) % 2
    width = np.where(labels, 0.4, 0.15)[:, None]
    pt = np.sort(generator.exponential(20, (jets, 40)), axis=1)[:, ::-1]
    eta = width * generator.standard_normal((jets, 40))
    phi = width * generator.standard_normal((jets, 40)) + generator.uniform(0, 6, (jets, 1))
    momenta = [pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]
    return Jets(
        four_momenta=np.stack(momenta, axis=2).astype(np.float32),
        labels=labels,
        truth=np.zeros((jets, 4), np.float32),
        split=np.zeros(jets, np.int64),
    )


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    """A store whose cache holds the stand-ins, pinned as the paper's files."""
    store = Store(tmp_path / "cache", mirrors=(), offline=True)
    stand_ins = {}
    for seed, (name, jets) in enumerate({TEST: 300, TRAIN: 400}.items()):
        pin = pins.find_artifact(name)
        path = store.path_of(pin)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_jets(path, [simulated(jets, seed)], None)
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        stand_ins[name] = dataclasses.replace(pin, size=path.stat().st_size, md5=digest)
    registry = tuple(stand_ins.get(a.id, a) for a in pins.load_registry())
    monkeypatch.setattr(pins, "load_registry", lambda: registry)
    return store


def test_the_paper_is_taken_when_it_is_cached_and_said_so(pinned, caplog):
    context = Context(Settings(data="auto", quiet=True), pinned)
    assert context.source == "paper"
    assert "10.5281/zenodo.2603256" in caplog.text


def test_without_the_paper_auto_says_that_it_takes_the_embedded_jets(tmp_path, caplog):
    context = Context(Settings(quiet=True), Store(tmp_path, mirrors=(), offline=True))
    assert context.source == "embedded"
    assert "neither cached nor reachable" in caplog.text


def test_all_jets_of_the_test_set_are_complete_evidence_and_some_are_not(pinned):
    whole = Context(Settings(data="paper", quiet=True), pinned).topodnn_sample()
    assert (whole.kind, len(whole.labels)) == ("complete", 300)
    assert whole.data["doi"] == "10.5281/zenodo.2603256"
    some = Context(Settings(data="paper", jets=100, quiet=True), pinned).topodnn_sample()
    assert (some.kind, len(some.labels)) == ("subset", 100)
    np.testing.assert_array_equal(some.inputs, whole.inputs[:100])


def test_a_users_copy_of_the_test_set_is_the_papers_by_its_hash(pinned):
    path = pinned.path_of(pins.find_artifact(TEST))
    sample = Context(Settings(data=str(path), quiet=True), pinned).topodnn_sample()
    assert (sample.kind, sample.data["source"]) == ("complete", "paper")


def test_a_users_other_file_is_other_evidence(pinned, tmp_path):
    path = tmp_path / "mine.h5"
    write_jets(path, [simulated(50, 9)], "zlib")
    sample = Context(Settings(data=str(path), quiet=True), pinned).topodnn_sample()
    assert (sample.kind, sample.data["source"]) == ("other", "path")


def test_the_training_set_is_another_file(pinned):
    context = Context(Settings(data="paper", quiet=True), pinned)
    assert len(context.topodnn_sample("train").labels) == 400


def test_a_missing_file_is_named(pinned):
    with pytest.raises(MissingData, match=r"no data at 'nowhere\.h5'"):
        _ = Context(Settings(data="nowhere.h5"), pinned).source


def test_figure_3_takes_the_training_set(pinned):
    from repro.figures.toptag import fig03

    result = fig03.compute(Context(Settings(data="paper", quiet=True), pinned))
    assert result.data["id"] == TRAIN
    counts = result.values["histograms"]["phi_1"]
    assert sum(counts["qcd"]["counts"]) + sum(counts["top"]["counts"]) == 400


def test_the_test_set_is_judged_by_the_numerical_tolerance(pinned, mirror):
    """The stand-in is no real test set: with it, the paper's numbers must deviate."""
    from repro.catalogue import find_item
    from repro.figures.run import compute_item

    store = Store(pinned.directory, mirrors=(str(mirror),), offline=True)
    context = Context(Settings(data="paper", quiet=True), store)
    result = compute_item(find_item("toptag/table1"), context)
    verdicts = {claim["id"]: claim["verdict"] for claim in result.claims}
    assert verdicts["toptag/C1.max_abs_difference"] == "deviates"
    assert verdicts["toptag/C14.topodnn.v4"] == "reproduced"
    assert verdicts["toptag/C2.auc"] == "deviates"
    assert result.values["rows"]["v4"]["jets"] == 300


def test_shap_takes_its_background_from_qcd_training_jets(pinned, mirror):
    from repro.figures.toptag import fig02

    store = Store(pinned.directory, mirrors=(str(mirror),), offline=True)
    settings = Settings(data="paper", jets=6, background=10, quiet=True)
    result = fig02.compute(Context(settings, store))
    assert result.settings["background"] == 10
    assert result.evidence_for("authors.qcd").kind == "missing"


def test_explanations_of_pfn_look_at_the_first_jets_and_at_all_when_corrected(pinned, monkeypatch):
    """Quirk B2: the notebooks stopped after so many jets."""
    monkeypatch.setattr(latent, "JETS", 50)
    published, corrected = (
        latent.explained_sample(
            Context(Settings(data="paper", corrected=flag, quiet=True), pinned), "pfn"
        )
        for flag in (False, True)
    )
    assert published.rows.tolist() == list(range(50))
    assert (published.kind, corrected.kind) == ("complete", "complete")
    assert corrected.rows.tolist() == list(range(300))
