"""The site as it is built: whole, readable without a network and without a picture."""

import doctest
import json
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from site_hooks import ROOT, hook

from repro.catalogue import PAPERS, load_claims, load_items
from repro.results.judge import VERDICTS

LOADS = {"img", "script", "iframe", "source", "video", "audio", "embed", "object", "track"}
LOADED_LINKS = {"stylesheet", "icon", "preload", "prefetch", "modulepreload", "manifest"}


class Page(HTMLParser):
    """What a page loads, links to, shows, and may be linked at."""

    def __init__(self, path):
        super().__init__()
        self.path, self.loads, self.links, self.anchors, self.silent = path, [], [], set(), []
        self.ids = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if given.get("id") else []
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag in LOADS:
            self.loads += [given[name] for name in ("src", "data", "srcset") if given.get(name)]
        if tag == "link" and LOADED_LINKS & set(given.get("rel", "").split()):
            self.loads.append(given["href"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "img" and not (given.get("alt") or "").strip():
            self.silent.append(given["src"])
        if "url(" in given.get("style", ""):
            self.loads.append(given["style"])


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Build the site strictly."""
    for name in ("mkdocs", "material", "mkdocstrings", "latex2mathml"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="session")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def is_elsewhere(address):
    return bool(urlsplit(address).netloc) or address.startswith("//")


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site, pages):
    loads = [address for page in pages.values() for address in page.loads]
    assert len(loads) > len(pages)
    assert not [address for address in loads if is_elsewhere(address)]
    for sheet in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import )\s*['\"]?([^'\")]+)", sheet.read_text("utf-8"))
        assert not [address for address in found if is_elsewhere(address)], sheet


@pytest.mark.slow
def test_every_picture_has_a_text(pages):
    assert not [(str(path), src) for path, page in pages.items() for src in page.silent]


@pytest.mark.slow
def test_no_page_has_two_places_of_one_name(pages):
    twice = {
        (path.name, name)
        for path, page in pages.items()
        for name, count in Counter(page.ids).items()
        if count > 1
    }
    assert not twice


@pytest.mark.slow
def test_links_within_the_site_lead_somewhere(site, pages):
    broken = []
    for path, page in pages.items():
        if path.name == "404.html":  # its addresses begin at the root of wherever it is served
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            known = pages[target].anchors if target in pages else set()
            is_filter = target == site / "claims.html" and "=" in parts.fragment
            is_anchor = not parts.fragment or is_filter or unquote(parts.fragment) in known
            if not target.is_file() or (target in pages and not is_anchor):
                broken.append((str(path.relative_to(site)), link))
    assert not broken


@pytest.mark.slow
def test_every_item_has_a_page_with_its_files_and_neighbours(site, pages):
    for item in load_items():
        path = site / "items" / item.paper / f"{item.stem}.html"
        text = path.read_text("utf-8")
        assert 'class="md-footer__link' in text
        committed = ROOT / "figures" / item.paper / f"{item.stem}.json"
        if committed.is_file():
            claims = json.loads(committed.read_text("utf-8"))["claims"]
            for verdict in {claim["verdict"] for claim in claims}:
                count = sum(claim["verdict"] == verdict for claim in claims)
                assert f">{count} {verdict}</span>" in text
            names = {claim["id"].partition("/")[2] for claim in claims}
            assert names <= pages[path].anchors
            assert f"{item.stem}.json" in pages[path].links


@pytest.mark.slow
def test_no_formula_is_left_as_it_was_written(site):
    texts = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    assert not [path for path, text in texts.items() if 'class="arithmatex"' in text]
    for name in ("chapters/methods.html", "methods.html", "api.html"):
        assert "<math " in texts[site / name], name


@pytest.mark.slow
def test_pages_are_not_too_heavy(site):
    heavy = {path.name: path.stat().st_size for path in site.rglob("*.html")}
    assert max(size for name, size in heavy.items() if name != "claims.html") < 400_000
    assert heavy["claims.html"] < 1_000_000
    assert (site / "search" / "search_index.json").stat().st_size < 1_500_000


@pytest.mark.parametrize("name", ["formulae", "marks", "words"])
def test_examples_of_the_hooks_run(name):
    if name == "formulae":
        pytest.importorskip("latex2mathml")
    results = doctest.testmod(hook(name))
    assert results.attempted
    assert not results.failed


def test_the_filter_knows_the_columns_of_the_table():
    script = (ROOT / "docs" / "assets" / "claims.js").read_text("utf-8")
    (header,) = re.findall(r"<tr>(<th.*?)</tr>", hook("claim_list").claims())
    columns = re.findall(r">([^<]+)</th>", header)
    numbers = dict(re.findall(r"const ([A-Z]+) = (.+);", script))
    assert columns[int(numbers["PAPER"])] == "paper"
    assert columns[int(numbers["ITEM"])] == "item"
    assert [columns[i] for i in json.loads(numbers["VERDICTS"])] == ["verdict", "on stored jets"]


def test_all_claims_have_a_row_with_what_was_found():
    text = hook("claim_list").claims()
    claims = [claim for paper in PAPERS for claim in load_claims(paper)]
    assert text.count("<tr><td>") == len(claims)
    document = json.loads((ROOT / "figures/toptag/fig18.json").read_text("utf-8"))
    rows = text.splitlines()
    for claim in document["claims"]:
        (row,) = (row for row in rows if f'fig18.html#{claim["id"].partition("/")[2]}"' in row)
        assert f">{claim['verdict']}</span>" in row
        if isinstance(claim["got"], float):
            assert f"<td>{claim['got']:.6g} [" in row


def test_every_committed_picture_is_described_and_nothing_else():
    drawn = {
        item.id
        for item in load_items()
        if (ROOT / "figures" / item.paper / f"{item.stem}.png").is_file()
    }
    assert set(hook("picture_texts").descriptions()) == drawn


def test_longest_bars_are_named_in_their_order():
    (item,) = (item for item in load_items() if item.id == "toptag/fig5")
    values = {
        "relevance": {name: {"rank": rank} for name, rank in zip("abcd", (3, 1, 2, 4), strict=True)}
    }
    assert (
        hook("picture_texts")
        .alternative(item, {"values": values})
        .endswith("Longest bars: b, c, a.")
    )


def schemes():
    """Return the colours of each scheme of the style sheet."""
    sheet = (ROOT / "docs" / "assets" / "site.css").read_text("utf-8")
    for scheme in ("default", "slate"):
        (block,) = re.findall(rf'"{scheme}"\] {{(.*?)}}', sheet, re.DOTALL)
        yield scheme, dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("scheme", "colours"), list(schemes()))
@pytest.mark.parametrize("verdict", VERDICTS)
def test_verdicts_can_be_read_in_both_schemes(scheme, colours, verdict):
    name = verdict.replace(" ", "-")
    light, dark = sorted(
        (luminance(colours[f"{name}-{part}"]) for part in ("text", "ground")), reverse=True
    )
    assert (light + 0.05) / (dark + 0.05) >= 4.5, scheme


def test_formulae_with_unknown_commands_are_refused():
    pytest.importorskip("latex2mathml")
    formulae = hook("formulae")
    with pytest.raises(formulae.BadFormula, match="nosuch"):
        formulae.on_page_content(r'<p><span class="arithmatex">\(\nosuch x\)</span></p>')
    made = formulae.on_page_content(r'<div class="arithmatex">\[a &lt; \frac{1}{2}\]</div>')
    assert "<mfrac>" in made
    assert 'display="block"' in made
    assert "arithmatex" not in made
