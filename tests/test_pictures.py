"""Pictures: what they say of their numbers, whether they show them, how they look."""

import copy
import dataclasses
import io
import json
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from problems import shap

from repro.catalogue import find_item
from repro.cli import main
from repro.errors import BadInput, NotAvailable
from repro.figures.drawing import CLASS_COLOURS
from repro.figures.pictures import draw, draw_again
from repro.figures.style import hep_style
from repro.results.document import Result
from repro.results.fingerprint import fingerprint

FOLDER = Path(__file__).resolve().parent.parent / "figures"
DOCUMENTS = sorted(FOLDER.rglob("fig*.json"))
LARGEST = 300_000
BLOCK = 8
# Letters that another version of a library places elsewhere move a block of pixels by less; every
# change of REDRAWN moves one by more.
TOLERANCE = 0.1
# Of some figures, each drawn in another way, one number, and what it is changed to.
REDRAWN = {
    "toptag/fig05": ("relevance.pt_0.value", lambda value: 1.1 * value),
    "toptag/fig08": ("rna.top.layer3.4", lambda value: 1 - value),
    "toptag/fig14": ("histograms.m_J.top.counts.25", lambda value: 1.2 * value),
    "toptag/fig24": ("correlation.qcd.pc0.m.value", lambda value: value - 0.2),
    "toptag/fig25": ("models.mbns.value.50", lambda value: 1.5 * value),
    "toptag/fig27": ("mad.top.0_1.value", lambda value: 1.1 * value),
    "hbb/fig02": ("invariance.models.De8", lambda value: 3 * value),
    "hbb/fig05": ("delta_auc.track_quality.value", lambda value: 2 * value),
    "hbb/fig09": (
        "auc_minus_baseline.psvfeaturesdropped_100_preload.value",
        lambda value: 2 * value,
    ),
    "hbb/fig10": ("rna.fo3.hbb.19.value", lambda value: 1 - value),
    "hbb/fig11": ("stable.relevance.qcd.trackBTag_EtaRel.value", lambda value: 1.1 * value),
    "hbb/figP1": ("onnx.jets.own_export.difference.0", lambda value: 30 * value + 1e-5),
}
QUICK = ("toptag/fig05", "toptag/fig08", "toptag/fig25", "hbb/fig11")
assert shap  # imported there without the warnings of its own imports


def about_png(content):
    found = Image.open(io.BytesIO(content)).text
    return found["Title"], found["Comment"]


def about_pdf(content):
    found = re.search(rb"/Subject \((.*?)\)\s/Keywords \((.*?)\)", content)
    return tuple(entry.decode() for entry in found.groups())


def blocks(content):
    """Means of square blocks of pixels, (rows, columns, 3)."""
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), float) / 255
    rows, columns = (length // BLOCK for length in pixels.shape[:2])
    cut = pixels[: rows * BLOCK, : columns * BLOCK]
    return cut.reshape(rows, BLOCK, columns, BLOCK, 3).mean(axis=(1, 3))


def changed(result, path, change):
    values = copy.deepcopy(result.values)
    *way, last = path.split(".")
    place = values
    for key in way:
        place = place[int(key) if isinstance(place, list) else key]
    last = int(last) if isinstance(place, list) else last
    place[last] = change(place[last])
    return dataclasses.replace(result, values=values)


@pytest.fixture
def result():
    """A ranking of three features."""
    bars = {name: {"value": value} for name, value in {"pt_0": 3.0, "phi_1": 2, "mine": 1}.items()}
    return Result(
        item="toptag/fig1",
        title="A title",
        data={"source": "fixtures", "jets": 1000},
        weights=[{"model": "topodnn", "source": "authors"}],
        settings={"seed": 0},
        values={"delta_auc": bars},
        evidence={},
        claims=[{"id": "toptag/C1.delta_auc.pt_0", "expected": 2.5, "verdict": "deviates"}],
    )


# --- committed pictures -------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_committed_pictures_are_those_of_the_committed_numbers(path):
    """To mend it: repro draw figures/toptag/fig*.json --out figures, and likewise those of hbb."""
    result = Result.from_json(path)
    expected = (result.item, f"sha256:{fingerprint(result)}")
    png, pdf = (path.with_suffix(suffix).read_bytes() for suffix in (".png", ".pdf"))
    assert about_png(png) == expected
    assert about_pdf(pdf) == expected
    assert max(len(png), len(pdf)) <= LARGEST


def test_every_committed_picture_has_its_numbers():
    pictures = {path for kind in ("png", "pdf") for path in FOLDER.rglob(f"*.{kind}")}
    assert {path.with_suffix(".json") for path in pictures} == set(DOCUMENTS)


@pytest.mark.skipif(not DOCUMENTS, reason="the figures are not part of the package")
@pytest.mark.parametrize(
    "stem",
    [
        pytest.param(stem, marks=[] if stem in QUICK else [pytest.mark.slow], id=stem)
        for stem in REDRAWN
    ],
)
def test_committed_pictures_show_what_is_drawn_today(stem):
    path = FOLDER / f"{stem}.json"
    committed = blocks(path.with_suffix(".png").read_bytes())
    item, pictures = draw_again(path)
    assert np.abs(blocks(pictures["png"]) - committed).max() < TOLERANCE
    other = changed(Result.from_json(path), *REDRAWN[stem])
    assert np.abs(blocks(draw(item, other)["png"]) - committed).max() > TOLERANCE


# --- fingerprints -------------------------------------------------------------------------------


def test_fingerprint_is_that_of_the_document_read_back(result, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(result.to_json(), "utf-8")
    assert fingerprint(Result.from_json(path)) == fingerprint(result)
    assert re.fullmatch("[0-9a-f]{64}", fingerprint(result))


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another title"},
        {"data": {"source": "paper", "jets": 1000}},
        {"weights": []},
        {"settings": {"seed": 1}},
        {"values": {"delta_auc": {"pt_0": {"value": 3.0}}}},
        {"claims": [{"id": "toptag/C1.delta_auc.pt_0", "expected": 2.6, "verdict": "deviates"}]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_fingerprint_changes_with_what_is_drawn(result, change):
    assert fingerprint(dataclasses.replace(result, **change)) != fingerprint(result)


def test_fingerprint_changes_with_the_order_of_panels(result):
    turned = {"delta_auc": dict(reversed(result.values["delta_auc"].items()))}
    assert fingerprint(dataclasses.replace(result, values=turned)) != fingerprint(result)


def test_fingerprint_does_not_change_with_what_is_not_drawn(result):
    claims = [{**claim, "verdict": "not tested"} for claim in result.claims]
    other = dataclasses.replace(
        result, claims=claims, notes=["new"], seconds=7.0, environment={"device": "cuda"}
    )
    assert fingerprint(other) == fingerprint(result)


# --- drawing ------------------------------------------------------------------------------------


def test_the_same_numbers_give_the_same_bytes_whatever_the_users_style(result):
    item = find_item(result.item)
    first = draw(item, result)
    before = dict(mpl.rcParams)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "font.family": "serif"}):
        assert draw(item, result) == first
    assert dict(mpl.rcParams) == before
    assert about_png(first["png"]) == about_pdf(first["pdf"])
    assert not re.search(rb"CreationDate|[Mm]atplotlib v", first["pdf"])


def test_fonts_come_with_the_package():
    """A font of the machine's would make another picture on another machine."""
    from matplotlib.font_manager import FontProperties, findfont

    with hep_style():
        paths = [findfont(FontProperties(family=[name])) for name in mpl.rcParams["font.family"]]
        assert mpl.rcParams["mathtext.fontset"] == "stixsans"
    assert [Path(path).name for path in paths] == ["texgyreheros-regular.otf", "DejaVuSans.ttf"]


def lightness(colour):
    """CIE L*, from 0 to 100."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = np.dot([0.2126, 0.7152, 0.0722], linear)
    return 116 * np.cbrt(luminance) - 16


def test_the_classes_differ_without_their_colours():
    assert abs(lightness(CLASS_COLOURS["qcd"]) - lightness(CLASS_COLOURS["top"])) > 20


def test_the_classes_differ_to_colour_blind_eyes():
    """Red-blind and green-blind eyes, as Viénot, Brettel and Mollon (1999) compute them."""
    to_lms = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.02996, 0.18431, 1.46709]]
    )
    blind = {
        "red": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
        "green": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
    }
    for missing, matrix in blind.items():
        seen = np.linalg.inv(to_lms) @ matrix @ to_lms
        qcd, top = (seen @ to_rgb(CLASS_COLOURS[name]) for name in ("qcd", "top"))
        assert np.linalg.norm(qcd - top) > 0.3, missing


# --- the command --------------------------------------------------------------------------------


def test_draw_writes_pictures_and_nothing_else(result, tmp_path, capsys):
    path = tmp_path / "any name.json"
    path.write_text(result.to_json(), "utf-8")
    assert main(["draw", str(path), "--out", str(tmp_path / "out")]) == 0
    folder = tmp_path / "out" / "toptag"
    assert sorted(file.name for file in folder.iterdir()) == ["fig01.pdf", "fig01.png"]
    assert (folder / "fig01.png").read_bytes() == draw(find_item(result.item), result)["png"]
    shown = capsys.readouterr()
    assert shown.out.startswith("toptag/fig1: wrote ")
    assert not shown.err


def broken(result, **changes):
    return json.dumps(json.loads(result.to_json()) | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"item": "toptag/fig99"}, "unknown item"),
        ({"item": "toptag/table1"}, "has no picture"),
        ({"values": {}}, "lacks numbers that the picture of toptag/fig1 shows"),
        ({"schema": 0}, "another schema version"),
        ({"surplus": 1}, "no result document"),
    ],
    ids=str,
)
def test_other_files_are_one_line_and_exit_code_2(result, tmp_path, capsys, changes, message):
    path = tmp_path / "result.json"
    path.write_text(broken(result, **changes), "utf-8")
    assert main(["draw", str(path), "--out", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert len(shown.err.splitlines()) == 1
    assert not shown.out
    assert not (tmp_path / "out").exists()


def test_missing_files_and_other_formats_are_refused(tmp_path):
    (tmp_path / "text.json").write_text("no JSON")
    for name in ("text.json", "nowhere.json"):
        with pytest.raises(BadInput, match="no result document"):
            draw_again(tmp_path / name)


def test_a_table_is_not_drawn(result):
    table = find_item("toptag/table1")
    assert draw(table, dataclasses.replace(result, item=table.id)) == {}
    with pytest.raises(NotAvailable, match="not implemented yet"):
        draw(dataclasses.replace(table, module=None), result)
