"""Hold a crate against its profiles with the public validator, off the network.

    python tests/validate_crate.py FOLDER [required|recommended]

Prints what the validator finds, as JSON: profile, identifier of the check, message, entity.  A
process of its own, for the validator changes what it imports.
"""

import json
import sys
from pathlib import Path
from types import MappingProxyType

from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.services import validate
from rocrate_validator.utils.http import HttpRequester

PROFILES = ("ro-crate-1.1", "workflow-ro-crate", "process-run-crate", "workflow-run-crate")
CONTEXT = "https://w3id.org/ro/crate/1.1/context"

# The terms of that context (CC0) that reports use; it takes them from schema.org 10.0.
SCHEMA = """
about actionStatus additionalType alternateName citation claimReviewed contentSize datePublished
description encodingFormat endTime error exampleOfWork hasPart identifier instrument isBasedOn
itemReviewed license mainEntity maxValue mentions minValue name object operatingSystem
processorRequirements programmingLanguage ratingExplanation result review reviewBody reviewRating
softwareRequirements softwareVersion startTime url value version workExample
Claim ClaimReview ComputerLanguage CreateAction CreativeWork Dataset PropertyValue Rating
SoftwareApplication SoftwareSourceCode WebSite
"""
TERMS = {term: f"http://schema.org/{term}" for term in SCHEMA.split()} | {
    "File": "http://schema.org/MediaObject",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
}


class Answer:
    """What the context's address answers."""

    status_code = 200
    ok = True
    headers = MappingProxyType({"Content-Type": "application/ld+json"})
    content = json.dumps({"@context": TERMS}).encode()
    text = content.decode()

    def json(self):
        return json.loads(self.content)

    def raise_for_status(self):
        pass


def answer(_, url, **_options):
    if url != CONTEXT:
        raise RuntimeError(f"{url} is not to be asked for")
    return Answer()


def find_issues(folder, severity):
    HttpRequester.get = answer
    found = []
    for profile in PROFILES:
        settings = ValidationSettings(
            rocrate_uri=folder,
            profile_identifier=profile,
            requirement_severity=severity,
            skip_availability_check=True,
            offline=True,
        )
        for issue in validate(settings).get_issues():
            entity = str(issue.violatingEntity)
            found.append([profile, issue.check.identifier, issue.message, entity])
    return found


def undefined_terms(folder):
    """Names in a crate that its contexts do not define."""
    document = json.loads(Path(folder, "ro-crate-metadata.json").read_text("utf-8"))
    known = {**TERMS, **document["@context"][1], "@id": "", "@type": ""}
    used = set()
    for entity in document["@graph"]:
        types = entity["@type"]
        used |= {*entity, *(types if isinstance(types, list) else [types])}
    return sorted(used - known.keys())


if __name__ == "__main__":
    chosen, *level = sys.argv[1:]
    issues = [["context", "term", term, ""] for term in undefined_terms(chosen)]
    issues += find_issues(chosen, getattr(Severity, (level or ["required"])[0].upper()))
    print(json.dumps(issues))
