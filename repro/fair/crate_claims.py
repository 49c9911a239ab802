"""Entities of claims and of their verdicts, as fact checks are described on the web.

A :class:`Claim` is what the paper states, with the expected value.  A ``ClaimReview`` of it has
the value that was got, the ends of its interval, and a rating that is the verdict.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from repro.catalogue import find_item
from repro.fair.crate_words import Entity, fragment, words

__all__ = ["claim_entities"]


def claim_entities(claims: Sequence[Mapping[str, Any]], files: Collection[str]) -> Iterator[Entity]:
    """Yield a claim and a review for each number, and the verdicts as ratings.

    A claim has the name of the ``document`` that computes it, for the crate to turn round.

    Args:
        claims: Judged, each with the id of its ``item``.
        files: Names of all files of the report.
    """
    for name, meaning in words()["verdicts"].items():
        yield {
            "@id": _rating(name),
            "@type": "Rating",
            "name": name,
            "alternateName": name,
            "ratingExplanation": meaning,
        }
    for claim in claims:
        document = _document(claim["item"])
        known = document in files
        stated, reviewed = fragment("claim", claim["id"]), fragment("verdict-of", claim["id"])
        yield {
            "@id": stated,
            "@type": ["Claim", "PropertyValue"],
            "name": claim["quantity"],
            "description": claim["statement"],
            "identifier": claim["id"],
            "value": claim["expected"],
            "review": {"@id": reviewed},
            **({"document": document} if known else {}),
        }
        review: Entity = {
            "@id": reviewed,
            "@type": ["ClaimReview", "PropertyValue"],
            "name": f"{claim['id']}: {claim['verdict']}",
            "claimReviewed": claim["quantity"],
            "itemReviewed": {"@id": stated},
            "reviewRating": {"@id": _rating(claim["verdict"])},
            "reviewBody": claim["reason"],
            **({"isBasedOn": {"@id": document}} if known else {}),
        }
        low, high = claim["interval"] or (None, None)
        measured = {"value": claim["got"], "minValue": low, "maxValue": high}
        yield review | {key: value for key, value in measured.items() if value is not None}


def _document(item_id: str | None) -> str:
    if item_id is None:
        return ""
    item = find_item(item_id)
    return f"{item.paper}/{item.stem}.json"


def _rating(verdict: str) -> str:
    return f"#verdict/{verdict.replace(' ', '-')}"
