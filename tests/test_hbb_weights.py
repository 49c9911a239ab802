"""Weights of the Interaction Networks that items cannot use, and how claims about them fail."""

import dataclasses
import io
import shutil

import pytest
import torch
from safetensors.torch import save_file

from repro.catalogue import find_item
from repro.data.store import Store
from repro.errors import BadInput, MissingData
from repro.figures.context import Context, Settings
from repro.figures.run import compute_item
from repro.models.cards import find_card
from repro.models.state import read_state
from repro.models.tagger import untrained_tagger


@pytest.fixture(scope="module", autouse=True)
def few_neighbours():
    """A tenth of the draws says as much to a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repro.figures.known_relevance._NEIGHBOURS", 6)
        yield


@pytest.fixture(scope="module")
def context(make_context):
    return make_context(data="fixtures", weights="authors")


def _other_network() -> bytes:
    stream = io.BytesIO()
    torch.save(untrained_tagger("in:hidden32").network.state_dict(), stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(_other_network()), "metadata of De8 do not fit the weights"),
        (lambda path: path.write_bytes(path.read_bytes()[:1000]), "cannot be read as weights"),
    ],
)
def test_weights_that_do_not_load_are_counted(context, monkeypatch, tmp_path, write, said):
    """Each file is tried for itself; what is wrong with one is no reason to stop."""
    labels = ["De16", "De8", "baseline"]
    monkeypatch.setattr("repro.figures.interaction.sorted_labels", lambda: labels)
    files = find_card("in:De8").authors
    broken = tmp_path / "broken.pth"
    shutil.copy(context.fetch(files[0]), broken)
    write(broken)
    fetch = type(context).fetch
    monkeypatch.setattr(
        type(context), "fetch", lambda self, id_: broken if id_ == files[0] else fetch(self, id_)
    )
    fresh = Context(context.settings, context.store)
    result = compute_item(find_item("hbb/table1"), fresh)
    assert result.values["weights"]["loaded"] == 2
    assert set(result.values["rows"]) == {"De16", "baseline"}
    entries = {entry["id"]: entry for entry in result.claims}
    assert entries["hbb/C2.loaded"]["got"] == 2
    assert entries["hbb/C2.loaded"]["verdict"] == "deviates"
    for number in ("C1.De8", "C2.sha256.De8"):
        assert entries[f"hbb/{number}"]["verdict"] == "not tested"
        assert said in entries[f"hbb/{number}"]["reason"]
    assert entries["hbb/C2.sha256.De16"]["verdict"] == "reproduced"


def test_the_hash_is_that_of_the_bytes_that_were_read(context, monkeypatch, tmp_path):
    """A file that loads and is another one deviates."""
    monkeypatch.setattr("repro.figures.interaction.sorted_labels", lambda: ["De8", "baseline"])
    (weights, metadata) = find_card("in:De8").authors
    other = tmp_path / "other.pth"
    torch.save(read_state(context.fetch(weights)), other)
    fetch = type(context).fetch
    monkeypatch.setattr(
        type(context), "fetch", lambda self, id_: other if id_ == weights else fetch(self, id_)
    )
    result = compute_item(find_item("hbb/table1"), Context(context.settings, context.store))
    entries = {entry["id"]: entry for entry in result.claims}
    assert entries["hbb/C2.sha256.De8"]["verdict"] == "deviates"
    assert entries["hbb/C2.sha256.baseline"]["verdict"] == "reproduced"
    assert metadata


def test_weights_out_of_reach_are_one_line(tmp_path):
    store = Store(tmp_path / "cache", mirrors=(), offline=True)
    settings = Settings(weights="authors", device="cpu", quiet=True)
    with pytest.raises(MissingData, match="REPRO_OFFLINE") as raised:
        compute_item(find_item("hbb/fig11"), Context(settings, store))
    assert "\n" not in str(raised.value)


def test_without_the_authors_weights_the_packages_own_are_taken(tmp_path):
    store = Store(tmp_path / "cache", mirrors=(), offline=True)
    context = Context(Settings(weights="auto", device="cpu", quiet=True), store)
    assert context.tagger("in:De8").weights[0].source == "embedded"
    assert context.tagger("in").own_weights


def test_other_weights_are_judged_as_such(context, store, tmp_path):
    """A file of the user's; there is no tolerance for its numbers, and no published file of it."""
    torch.manual_seed(0)
    tagger = context.tagger("in")
    state = {name: torch.randn_like(t) * 0.1 for name, t in tagger.network.state_dict().items()}
    save_file(state, tmp_path / "mine.safetensors")
    settings = dataclasses.replace(context.settings, weights=str(tmp_path / "mine.safetensors"))
    for item, missing in (("hbb/fig11", False), ("hbb/figP1", True)):
        result = compute_item(find_item(item), Context(settings, store))
        assert {entry["verdict"] for entry in result.claims} == {"not tested"}
        assert any("published file is of the authors'" in e["reason"] for e in result.claims) == (
            missing
        )
    with pytest.raises(BadInput, match="do not fit in:"):
        compute_item(find_item("hbb/table1"), Context(settings, store))
