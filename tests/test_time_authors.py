"""The authors' networks beside the package's: stand-ins for their files, which are not here."""

import json

import pytest
from programs import load_program
from site_hooks import hook

script = load_program("scripts/time_authors.py")
measured_tables = hook("measured_tables")

STAND_IN = """
import torch.nn as nn
from torchinfo import summary

class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        sizes = [22, *hidden, 2]
        layers = [nn.Sequential(nn.Linear(*sizes[i:i + 2]), nn.ReLU()) for i in range(len(hidden))]
        self._nn = nn.Sequential(*layers, nn.Sequential(nn.Linear(*sizes[-2:])))
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        return self.softmax(self._nn(SCALE * x))
"""


@pytest.fixture
def clone(tmp_path):
    """A repository that has MBNS alone; its inputs are scaled."""

    def make(scale):
        path = tmp_path / script.ORIGINALS["mbns"].file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STAND_IN.replace("SCALE", str(scale)), "utf-8")
        return tmp_path

    return make


def run(*words):
    return script.main([*map(str, words), "--jets", "40", "--repeats", "1"])


def test_both_are_timed_on_the_same_jets_and_shown(clone, tmp_path, capsys, monkeypatch):
    out = tmp_path / "authors.json"
    assert run("mbns", "--toptag", clone(1.0), "--out", out) == 0
    (entry,) = json.loads(out.read_text("utf-8"))["networks"]
    assert json.loads(capsys.readouterr().out) == entry
    assert (entry["model"], entry["jets"]) == ("mbns:baseline", 40)
    assert entry["largest_difference"] < 1e-12  # in double precision
    for kind in ("scored", "trained"):
        assert entry[f"{kind}_per_second"]["median"] > 0
        assert entry[f"authors_{kind}_per_second"]["turns"] == 1
    monkeypatch.setattr(measured_tables, "FOLDER", tmp_path)
    page = measured_tables.on_page_markdown("<!-- authors -->")
    ratio = entry["scored_per_second"]["median"] / entry["authors_scored_per_second"]["median"]
    assert "| `mbns:baseline`, batches of 250 |" in page
    assert f"| {ratio:.1f} |" in page
    assert entry["sha256"][:12] in page


def test_another_network_is_not_timed(clone, capsys):
    assert run("mbns", "--toptag", clone(1.0000001)) == 2
    said = capsys.readouterr().err
    assert "gives other logits than mbns" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --toptag or --hbb"),
        (("pfm",), "no network 'pfm': choose from mbns"),
        (("in",), "no src/models/models.py: give --hbb a clone"),
        (("pfn", "--toptag", "nowhere"), "no models/PFN/pfn_model.py: give --toptag a clone"),
    ],
)
def test_what_is_not_there_is_one_line(words, said, capsys):
    assert run(*words) == 2
    found = capsys.readouterr().err
    assert said in found
    assert found.count("\n") == 1
