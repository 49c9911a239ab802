"""A web server on loopback that misbehaves on request."""

import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Seen:
    """One request, and how many bytes of the file were sent for it."""

    path: str
    headers: dict
    sent: int = 0
    done: bool = False

    @property
    def range(self):
        return self.headers.get("Range")


class Server(ThreadingHTTPServer):
    """Serves ``files``; each request first uses up one of ``faults``, if any are left."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {}
        self.faults = deque()
        self.always = None
        self.seen = []
        self.closing = threading.Event()

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def ranges(self):
        return [seen.range for seen in self.seen]

    def handle_error(self, request, client_address):
        """Clients that hang up are part of the game."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        seen = Seen(self.path.partition("?")[0].lstrip("/"), dict(self.headers))
        self.seen = seen
        self.server.seen.append(seen)
        body = self.server.files.get(seen.path)
        fault = self.server.always or honest
        if self.server.faults:
            fault = self.server.faults.popleft()
        if body is None and fault is honest:
            fault = answer(404)
        fault(self, body)
        seen.done = True

    def do_HEAD(self):
        body = self.server.files.get(self.path.partition("?")[0].lstrip("/"))
        if body is None:
            self.head(404)
        else:
            self.head(200, Content_Length=len(body), Accept_Ranges="bytes")

    def log_message(self, *args):
        pass

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def offset(self):
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(match[1]) if match else 0

    def head_for(self, body):
        """Send an honest header; return the part of the body that belongs to it."""
        start = self.offset()
        if start >= len(body) > 0 and start:
            self.head(416, Content_Range=f"bytes */{len(body)}")
            return b""
        if start:
            content_range = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.head(206, Content_Range=content_range, Content_Length=len(body) - start)
        else:
            self.head(200, Content_Length=len(body))
        return body[start:]

    def send(self, data):
        self.wfile.write(data)
        self.seen.sent += len(data)


def honest(handler, body):
    handler.send(handler.head_for(body))


def ranged(handler, body):
    """Send the range that is asked for, with both of its ends."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
    if body is None or match is None:
        (honest if body is not None else answer(404))(handler, body)
        return
    start, stop = int(match[1]), min(int(match[2] or len(body)), len(body) - 1)
    content_range = f"bytes {start}-{stop}/{len(body)}"
    handler.head(206, Content_Range=content_range, Content_Length=stop + 1 - start)
    handler.send(body[start : stop + 1])


def cut(count):
    """Promise the whole file and hang up after ``count`` bytes."""

    def fault(handler, body):
        handler.send(handler.head_for(body)[:count])

    return fault


def stall(count):
    """Send ``count`` bytes, then nothing, with the connection open."""

    def fault(handler, body):
        handler.send(handler.head_for(body)[:count])
        handler.wfile.flush()
        handler.server.closing.wait(5)

    return fault


def slow(seconds, pieces=20):
    def fault(handler, body):
        rest = handler.head_for(body)
        step = max(1, len(rest) // pieces)
        for start in range(0, len(rest), step):
            handler.send(rest[start : start + step])
            time.sleep(seconds / pieces)

    return fault


def ignores_range(handler, body):
    handler.head(200, Content_Length=len(body))
    handler.send(body)


def cut_ignoring_range(count):
    def fault(handler, body):
        handler.head(200, Content_Length=len(body))
        handler.send(body[:count])

    return fault


def wrong_range(handler, body):
    handler.head(206, Content_Range=f"bytes 0-{len(body) - 1}/{len(body)}")
    handler.send(body)


def answer(status, **headers):
    def fault(handler, _):
        handler.head(status, **headers)

    return fault


def other(body, **headers):
    """Answer with something else, of unstated length."""

    def fault(handler, _):
        handler.head(200, **headers)
        handler.send(body)

    return fault


def redirect(url):
    return answer(302, Location=url, Content_Length=0)
