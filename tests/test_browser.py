"""The built site in a browser: it loads nothing from elsewhere, works, and fits a phone.

``REPRO_SITE`` names the folder of a site that ``python3 run.py docs`` built.  With
``REPRO_SCREENSHOTS``, pictures of some pages are written into that folder, for people to look at.
"""

import contextlib
import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from built_site import broken_links, pages_of, served

# On a machine that does other things, a page can take long.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]
PATIENCE = 120_000

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Nothing of the browser's own is to be taken for the site's, and no name can be looked up.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
HEAVIEST = 1_500_000
# Folders of pages that are alike: of each, some are looked at.
ALIKE = {"items/toptag": 4, "items/hbb": 4, "cards": 4}
SHOWN = (
    "index.html",
    "start.html",
    "items/index.html",
    "claims.html",
    "chapters/toptag.html",
    "items/toptag/fig05.html",
    "items/hbb/table01.html",
    "cards/topodnn.html",
    "fair.html",
    "methods.html",
    "api.html",
    "notebooks/explain_topodnn.html",
    "notebooks/pfn_to_pfin.html",
)

# Text in the article and the header whose contrast is below what WCAG 2.1 asks for (AA): 4.5, or 3
# if it is large, but for rounding.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a));
  const luminance = (colour) => {
    const [r, g, b] = colour.map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) layers.push(colour);
      if (colour.length === 3) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const found = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.closest("article, .md-header")) continue;
    if (element.closest(".headerlink, [hidden], .md-search, .md-hidden")) continue;
    if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const [one, other] = [luminance(over(parse(style.color), below)), luminance(below)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 2.95 : 4.45)) {
      const key = `${element.tagName.toLowerCase()}.${element.className}`;
      found[key] ??= `${ratio.toFixed(2)} "${walker.currentNode.data.trim().slice(0, 30)}"`;
    }
  }
  return found;
}"""
# What is wider than the window, but for what has a scroll bar of its own.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("article *")]
    .filter((element) => element.getBoundingClientRect().right > width + 1)
    .filter((element) => !element.closest(".md-typeset__scrollwrap, .wide, pre"))
    .map((element) => `${element.tagName}: ${element.textContent.trim().slice(0, 40)}`)
    .slice(0, 3)
    .concat([`${document.documentElement.scrollWidth} pixels wide`]);
}"""
UNSEEN_IMAGES = """() => [...document.images]
  .filter((image) => !(image.complete && image.naturalWidth > 0))
  .map((image) => image.src.slice(0, 80))"""


@dataclass
class Visit:
    """What happened while a page was open."""

    page: object
    elsewhere: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    transferred: Counter = field(default_factory=Counter)

    def wait(self):
        """Until nothing is under way, and all pictures are there that load when they are seen."""
        self.page.evaluate("for (const image of document.images) image.loading = 'eager'")
        self.page.wait_for_load_state("networkidle")


@pytest.fixture(scope="module")
def site():
    named = os.environ.get("REPRO_SITE")
    if not named:
        pytest.skip("REPRO_SITE names no site: python3 run.py docs, then REPRO_SITE=site")
    folder = Path(named).resolve()
    assert (folder / "index.html").is_file(), f"{folder} has no site: python3 run.py docs builds it"
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return pages_of(site)


@pytest.fixture(scope="module")
def main_pages(pages):
    """All pages, but of those that are alike some only."""
    chosen, seen = [], Counter()
    for name in pages:
        folder = name.rpartition("/")[0]
        seen[folder] += 1
        if name in SHOWN or seen[folder] <= ALIKE.get(folder, len(pages)):
            chosen.append(name)
    assert set(SHOWN) <= set(chosen)
    return chosen


@pytest.fixture(scope="module")
def address(site):
    with served(site) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="the extra browser is missing")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)} is there")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        running.close()


@contextlib.contextmanager
def opened(browser, address, name, viewport=DESKTOP, scheme="light", *, settled=True):
    """Open a page in a window of its own, without a cache, and watch it."""
    window = browser.new_context(
        viewport=viewport, color_scheme=scheme, is_mobile=viewport is PHONE
    )
    try:
        window.set_default_timeout(PATIENCE)
        found = Visit(window.new_page())
        watch(found, window, address)
        found.page.goto(f"{address}{name}", wait_until="load")
        if settled:
            found.wait()
        yield found
    finally:
        window.close()


def watch(found, window, address):
    """Write down what a page asks for, gets and complains of; what is elsewhere it does not get."""

    def request(route):
        parts = urlsplit(route.request.url)
        if f"{parts.scheme}://{parts.netloc}/" == address:
            route.continue_()
        else:
            found.elsewhere.append(route.request.url[:200])
            route.abort()

    def response(received):
        if received.status >= 400:
            found.failed.append(f"{received.status} {received.url}")
        found.transferred[received.url] += int(received.headers.get("content-length", "0"))

    def console(message):
        if message.type in ("error", "warning"):
            found.complaints.append(message.text)

    window.route("**/*", request)
    found.page.on("response", response)
    found.page.on("console", console)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("websocket", lambda socket: found.elsewhere.append(socket.url))


@pytest.fixture(scope="module")
def visit(browser, address):
    return partial(opened, browser, address)


@pytest.fixture(scope="module")
def seen(visit, main_pages):
    """What each main page did and is on a desktop, by its name."""
    found = {}
    for name in main_pages:
        with visit(name) as visited:
            page = visited.page
            found[name] = (
                visited,
                {
                    "unseen": page.evaluate(UNSEEN_IMAGES),
                    "title": page.title(),
                    "language": page.get_attribute("html", "lang"),
                    "headings": page.locator("h1").count(),
                    "without_text": page.locator(
                        "article img:not([alt]), article img[alt='']"
                    ).count(),
                    "contrast": page.evaluate(CONTRAST),
                },
            )
    return found


# --- without a browser --------------------------------------------------------------------------


def test_every_internal_link_leads_somewhere(site, pages):
    assert len(pages) > 50
    assert broken_links(site, pages) == []


def test_broken_links_and_anchors_are_found(tmp_path):
    (tmp_path / "index.html").write_text(
        '<h1 id="a">A</h1><a href="#a"></a><a href="#b"></a><a href="no.html"></a>'
        '<img src="no.png"><a href="sub/">sub</a><a href="https://example.org/no">elsewhere</a>'
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/index.html").write_text('<a href="../index.html#a"></a><a href="../#c"></a>')
    assert broken_links(tmp_path, pages_of(tmp_path)) == [
        "index.html: #b (no such anchor)",
        "index.html: no.html",
        "index.html: no.png",
        "sub/index.html: ../#c (no such anchor)",
    ]


# --- in a browser -------------------------------------------------------------------------------


def test_a_bad_page_is_seen_to_be_bad(browser, tmp_path):
    (tmp_path / "index.html").write_text(
        '<!doctype html><title>Bad</title><meta name="viewport" content="width=device-width">'
        '<img src="https://example.org/a.png"><img src="absent.png">'
        '<article><div style="width: 900px; color: #999; background: #fff">pale</div></article>'
        "<script>throw new Error('broken')</script>"
    )
    with served(tmp_path) as address, opened(browser, address, "index.html", PHONE) as visited:
        page = visited.page
        assert visited.elsewhere == ["https://example.org/a.png"]
        assert any(failure.endswith("/absent.png") for failure in visited.failed)
        assert any("broken" in complaint for complaint in visited.complaints)
        assert len(page.evaluate(UNSEEN_IMAGES)) == 2
        assert list(page.evaluate(CONTRAST)) == ["div."]
        assert page.evaluate(TOO_WIDE)[0].startswith("DIV: pale")


def test_pages_load_nothing_from_elsewhere_and_have_no_errors(seen):
    assert {name: v.elsewhere for name, (v, _) in seen.items() if v.elsewhere} == {}
    assert {name: v.failed for name, (v, _) in seen.items() if v.failed} == {}
    assert {name: v.complaints for name, (v, _) in seen.items() if v.complaints} == {}


def test_every_picture_is_seen(seen):
    assert {name: about["unseen"] for name, (_, about) in seen.items() if about["unseen"]} == {}


def test_pages_are_light(seen):
    weights = {name: sum(visited.transferred.values()) for name, (visited, _) in seen.items()}
    assert min(weights.values()) > 10_000
    assert {name: weight for name, weight in weights.items() if weight > HEAVIEST} == {}


def test_pages_have_a_title_a_language_one_heading_and_texts_for_pictures(seen):
    for name, (_, about) in seen.items():
        found = (about["language"], about["headings"], about["without_text"])
        assert found == ("en", 1, 0), name
        assert about["title"], name


def test_text_stands_out_from_its_ground(seen, visit):
    assert {name: about["contrast"] for name, (_, about) in seen.items() if about["contrast"]} == {}
    dark = {}
    for name in SHOWN:
        with visit(name, scheme="dark", settled=False) as visited:
            dark[name] = visited.page.evaluate(CONTRAST)
    assert {name: found for name, found in dark.items() if found} == {}


def test_nothing_is_wider_than_a_phone(visit, main_pages):
    wide = {}
    for name in main_pages:
        with visit(name, PHONE, settled=False) as visited:
            wide[name] = visited.page.evaluate(TOO_WIDE)
    assert {name: found for name, found in wide.items() if found} == {}


def look_for(page, words, result):
    """Type words into the search until something is found: a slow page may not listen at first."""
    late = pytest.importorskip("playwright.sync_api").TimeoutError
    for _ in range(20):
        page.click("input[data-md-component=search-query]")
        page.fill("input[data-md-component=search-query]", "")
        page.keyboard.type(words)
        try:
            result.wait_for(state="visible", timeout=6_000)
        except late:
            continue
        return
    pytest.fail(f"nothing is found for {words!r}")


def test_search_finds_a_page_and_leads_there(visit):
    with visit("index.html") as visited:
        page = visited.page
        result = page.locator("a.md-search-result__link").first
        look_for(page, "occlusion", result)
        target = result.get_attribute("href")
        with page.expect_navigation():
            result.click()
        assert urlsplit(target).path.endswith(".html")
        assert "occlusion" in page.locator("article").inner_text().lower()
        assert (visited.elsewhere, visited.failed, visited.complaints) == ([], [], [])


def test_pages_are_dark_for_those_who_like_it_dark(visit):
    lightness = {}
    for scheme in ("light", "dark"):
        with visit("index.html", scheme=scheme) as visited:
            page = visited.page
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            channels = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
            lightness[scheme] = sum(channels) / 3
    assert lightness["light"] > 200
    assert lightness["dark"] < 60


def test_colours_can_be_switched(visit):
    schemes = []
    with visit("index.html") as visited:
        page = visited.page
        switch = page.locator("label[for^=__palette]:visible")
        if not switch.count():
            pytest.skip("the site has no switch of colours: it follows the reader's system")
        # What the system has, light and dark take turns.
        for _ in range(3):
            switch.first.click()
            schemes.append(page.get_attribute("body", "data-md-color-scheme"))
    assert set(schemes) == {"default", "slate"}


def test_pictures_of_pages_are_taken(visit):
    named = os.environ.get("REPRO_SCREENSHOTS")
    if not named:
        pytest.skip("REPRO_SCREENSHOTS names no folder for pictures of pages")
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHOWN:
        stem = name.removesuffix(".html").replace("/", "-")
        for width, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            for scheme in ("light", "dark"):
                with visit(name, viewport, scheme) as visited:
                    path = folder / f"{stem}-{width}-{scheme}.png"
                    visited.page.screenshot(path=path)
                    assert path.stat().st_size > 5_000
