"""Small pins for tests."""

import hashlib

from repro.data.pins import Artifact


def make_pin(body, artifact_id="toy/data.h5", kind="hdf5", **facts):
    terms = {
        "licence": "CC0-1.0",
        "origin": "tests",
    }
    sha256 = hashlib.sha256(body).hexdigest()
    return Artifact(id=artifact_id, kind=kind, size=len(body), sha256=sha256, **terms, **facts)
