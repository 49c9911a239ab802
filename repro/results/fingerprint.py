"""The fingerprint of the numbers that a picture shows, which the picture carries."""

import hashlib
import json

from repro.results.document import Result

__all__ = ["fingerprint"]

_DRAWN = ("item", "title", "data", "weights", "settings", "values")


def fingerprint(result: Result) -> str:
    """Return the SHA-256 of all that a picture of a result is drawn from, in hexadecimal.

    That is item, title, data, weights, settings, values, and what the claims expect.  Where and
    when they were computed, verdicts and notes are not drawn.  The order of the values is: it is
    that of panels and of rows.
    """
    drawn = {name: getattr(result, name) for name in _DRAWN}
    drawn["expected"] = [[claim["id"], claim["expected"]] for claim in result.claims]
    text = json.dumps(drawn, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
