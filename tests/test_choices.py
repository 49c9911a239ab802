"""What the choice ``auto`` leads to: whose weights, model by model."""

import logging
import shutil

import pytest

from repro.catalogue import find_item
from repro.cli import main
from repro.data.pins import find_artifact
from repro.data.store import Store
from repro.errors import BadInput, MissingData, NotAvailable
from repro.figures import choices
from repro.figures.context import Context, Settings
from repro.figures.run import compute_item
from repro.models.cards import find_card
from repro.models.embedded_weights import embedded_file


@pytest.fixture
def context(tmp_path):
    """A context of simulated jets with an empty cache, off the network."""
    store = Store(tmp_path / "cache", mirrors=(), offline=True)
    return Context(Settings(data="embedded", device="cpu", jets=60, quiet=True), store)


def place(store, mirror, *artifacts):
    """Put files of the authors into a cache."""
    for artifact in artifacts:
        path = store.path_of(find_artifact(artifact))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mirror / artifact, path)


def warnings_of(caplog):
    return [entry.message for entry in caplog.records if entry.levelno >= logging.WARNING]


def test_with_an_empty_cache_and_no_network_all_weights_are_the_packages(context, caplog):
    taggers = [context.tagger(name) for name in ("topodnn", "topodnn:v4", "mbns", "pfn")]
    assert [tagger.weights[0].source for tagger in taggers] == ["embedded"] * 4
    (said,) = warnings_of(caplog)  # once, however many models
    assert "trained by this package on simulated jets, for topodnn" in said
    assert "'repro fetch toptag/weights'" in said


def test_of_hbb_it_names_the_weights_of_hbb(context, caplog):
    context.tagger("in")
    (said,) = warnings_of(caplog)
    assert "'repro fetch hbb/weights'" in said


def test_where_no_weights_ship_the_authors_are_the_only_choice(context, caplog, monkeypatch):
    monkeypatch.setattr("repro.figures.choices.has_embedded", lambda _card: False)
    with pytest.raises(NotAvailable, match="this version ships no others"):
        context.tagger("in")
    assert not warnings_of(caplog)  # of weights that there are not


def test_a_model_whose_files_are_cached_has_the_authors_and_the_others_do_not(
    context, mirror, caplog
):
    place(context.store, mirror, *find_card("topodnn").authors)
    topodnn = context.tagger("topodnn")
    assert not warnings_of(caplog)
    pfn = context.tagger("pfn")
    assert len(warnings_of(caplog)) == 1
    assert {file.source for file in topodnn.weights} == {"authors"}
    assert pfn.weights[0].source == "embedded"
    sample = context.sample("pfn")
    assert not context.evidence(sample, topodnn).own_weights
    assert context.evidence(sample, pfn).own_weights
    assert context.evidence(sample, topodnn, pfn).own_weights
    assert not context.evidence(sample).own_weights  # jets alone have no weights
    result = compute_item(find_item("toptag/table8"), context)
    assert not result.evidence_for("topodnn.hidden").own_weights
    assert result.evidence_for("pfn.phi_layers").own_weights


@pytest.mark.parametrize("again", [1, 2])
def test_a_command_that_ran_before_does_not_hide_what_is_said(context, caplog, capsys, again):
    """The command sets the package's logging up: here twice, and before a warning is looked for."""
    if again == 2:
        context.tagger("pfn")
        assert len(warnings_of(caplog)) == 1
    assert main(["list"]) == 0
    assert capsys.readouterr().out


def test_one_of_two_files_is_not_a_model(context, mirror):
    place(context.store, mirror, find_card("topodnn").authors[0])
    assert context.tagger("topodnn").own_weights


def test_authors_are_not_replaced_when_they_are_asked_for(tmp_path):
    store = Store(tmp_path / "cache", mirrors=(), offline=True)
    with pytest.raises(MissingData, match="REPRO_OFFLINE"):
        Context(Settings(weights="authors"), store).tagger("pfn")


@pytest.mark.parametrize(("answer", "source"), [(True, "authors"), (False, "embedded")])
def test_the_network_is_asked_once(tmp_path, monkeypatch, answer, source):
    asked = []

    def is_at_hand(_store, artifact):
        asked.append(artifact.id)
        return answer

    monkeypatch.setattr(choices, "is_at_hand", is_at_hand)
    choice = choices.WeightChoice("auto", Store(tmp_path / "cache", mirrors=(), offline=False))
    names = ("topodnn", "topodnn:v4", "mbns", "pfn")
    assert [choice.source_of(find_card(name)) for name in names] == [source] * 4
    assert asked == [find_card("topodnn").authors[0]]


@pytest.mark.parametrize("item", ["toptag/fig26", "toptag/figS1"])
def test_items_without_weights_ask_for_none(context, monkeypatch, item, caplog):
    def refuse(_self, card):
        raise AssertionError(card.name)

    monkeypatch.setattr(choices.WeightChoice, "source_of", refuse)
    compute_item(find_item(item), context)
    assert not [said for said in warnings_of(caplog) if "weights" in said]


def test_the_default_evidence_is_not_made_where_it_is_given(context, monkeypatch):
    def refuse(*_arguments):
        raise AssertionError

    monkeypatch.setattr(Context, "evidence", refuse)
    compute_item(find_item("toptag/fig26"), context)


def test_a_folder_of_trainings_gives_each_model_its_own(context, tmp_path):
    runs = tmp_path / "runs"
    for name, folder in (("topodnn", "topodnn-baseline"), ("topodnn:v4", "topodnn-v4")):
        (runs / folder).mkdir(parents=True)
        shutil.copyfile(embedded_file(find_card(name)), runs / folder / "weights.safetensors")
    chosen = context.but(weights=str(runs))
    vars(chosen).pop("_weights")
    choices.check_weights(str(runs))
    files = {chosen.tagger(name).weights[0].sha256 for name in ("topodnn", "topodnn:v4")}
    assert len(files) == 2
    with pytest.raises(MissingData, match=r"train it with --out .*pfn-baseline"):
        chosen.tagger("pfn")


def test_a_folder_without_trainings_is_no_choice(tmp_path):
    with pytest.raises(BadInput, match="no weights at"):
        choices.check_weights(str(tmp_path))
    (tmp_path / "weights.safetensors").touch()
    with pytest.raises(BadInput, match=r"such as .*weights.safetensors"):
        choices.check_weights(str(tmp_path))
