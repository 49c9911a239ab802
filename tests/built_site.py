"""The built site as files and over HTTP: its pages, their links, and a server on loopback."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

_TEXT = (".html", ".css", ".js", ".json", ".jsonld", ".svg", ".xml")
_LINKING = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src"}


@dataclass
class Page(HTMLParser):
    """What a page says of itself."""

    text: str
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        link = found.get(_LINKING.get(tag, ""))
        if link is not None and found.get("rel") not in ("canonical", "next", "prev", "alternate"):
            (self.links if tag == "a" else self.loaded).append(link)

    __hash__ = HTMLParser.__hash__


def pages_of(site: Path) -> dict[str, Page]:
    """All pages of a site by their paths."""
    return {
        path.relative_to(site).as_posix(): Page(path.read_text("utf-8"))
        for path in sorted(site.rglob("*.html"))
    }


def broken_links(site: Path, pages: dict[str, Page]) -> list[str]:
    """Internal links and loaded files that lead nowhere, as ``page: link``."""
    broken = []
    for name, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(urljoin(f"http://site/{name}", link))
            if parts.netloc != "site" or parts.scheme != "http":
                continue
            path = unquote(parts.path).lstrip("/")
            path = f"{path}index.html" if path.endswith("/") or not path else path
            if not (site / path).is_file():
                broken.append(f"{name}: {link}")
            elif path in pages and not _is_there(unquote(parts.fragment), pages[path]):
                broken.append(f"{name}: {link} (no such anchor)")
    return broken


def _is_there(fragment: str, page: Page) -> bool:
    """Whether there is such an anchor; ``#paper=hbb`` is none, but a choice that a script reads."""
    return not fragment or "=" in fragment or fragment in page.anchors


class _Handler(SimpleHTTPRequestHandler):
    """Serves files, text compressed, as the servers do that pages are published on."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in _TEXT:
            content = gzip.compress(content, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    # A browser asks for many files at once.
    request_queue_size = 128


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder on loopback; gives the address."""
    server = _Server(("127.0.0.1", 0), partial(_Handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
