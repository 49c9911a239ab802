"""Servers whose certificate is not to be trusted: one line, at once."""

import shutil
import ssl
import subprocess
import threading

import pytest
from faulty_server import Server

from repro.errors import DownloadFailed

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def certify(tmp_path_factory):
    """Make a certificate that nobody has signed, for a name or an address."""

    def make(subject):
        folder = tmp_path_factory.mktemp("certificate")
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        words = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        words += ["-keyout", key, "-out", certificate, "-subj", "/CN=toy"]
        words += ["-addext", f"subjectAltName={subject}"]
        subprocess.run(words, check=True, capture_output=True)
        return certificate, key

    return make


@pytest.fixture
def secure(body):
    """Serve the file with a certificate."""
    running = []

    def start(certificate, key):
        server = Server()
        server.files["f"] = body
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("subject", ["IP:127.0.0.1", "DNS:other.example"])
def test_an_untrusted_certificate_or_name_is_one_line_at_once(
    get, certify, secure, subject, monkeypatch
):
    certificate, key = certify(subject)
    server = secure(certificate, key)
    waited = []
    monkeypatch.setattr("repro.data.download.time.sleep", waited.append)
    if subject.startswith("DNS"):  # known, for another name
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with pytest.raises(
        DownloadFailed, match="certificate that is not trusted here: check"
    ) as found:
        get(url=f"https://127.0.0.1:{server.server_port}/f")
    assert "\n" not in str(found.value)
    assert waited == []
    assert server.seen == []


def test_a_certificate_that_is_to_be_trusted_is(get, body, certify, secure, monkeypatch):
    certificate, key = certify("IP:127.0.0.1")
    server = secure(certificate, key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert get(url=f"https://127.0.0.1:{server.server_port}/f") == body


def test_a_name_of_no_certificates_is_told(get, certify, secure, monkeypatch, tmp_path):
    server = secure(*certify("IP:127.0.0.1"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(DownloadFailed, match="REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file"):
        get(url=f"https://127.0.0.1:{server.server_port}/f")


def test_what_breaks_off_in_the_greeting_is_tried_again(get, server, monkeypatch):
    """A server that speaks no TLS has no certificate to be mistrusted."""
    monkeypatch.setattr("repro.data.download.time.sleep", lambda _seconds: None)
    with pytest.raises(DownloadFailed, match="breaks off the greeting of https"):
        get(url=f"https://127.0.0.1:{server.server_port}/f")
