"""What the package is, from ``software.toml``, which all metadata files are made of."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import repro
from repro.catalogue.references import Reference, find_reference

__all__ = ["Software", "load_software"]


@dataclass(frozen=True)
class Software:
    """The package.

    Attributes:
        key: BibTeX key.
        name: Name of the distribution.
        title: Its title.
        description: One line.
        authors: Names of its authors; none is a person's.
        year: Of the copyright.
        licence: SPDX identifier.
        message: What is asked of those who use it.
        keywords: For search.
        programming_language: Python.
        operating_systems: Where it runs.
        application_category: Field of science.
        development_status: A term of repostatus.org.
        references: Keys of :mod:`repro.catalogue.references` by how they are related to the
            package, in DataCite's terms.
        version: Of the package.
    """

    key: str
    name: str
    title: str
    description: str
    authors: tuple[str, ...]
    year: int
    licence: str
    message: str
    keywords: tuple[str, ...]
    programming_language: str
    operating_systems: tuple[str, ...]
    application_category: str
    development_status: str
    references: Mapping[str, tuple[str, ...]]
    version: str

    def related(self) -> list[tuple[str, Reference]]:
        """Return all references, each with how it is related."""
        return [
            (relation, find_reference(key))
            for relation, keys in self.references.items()
            for key in keys
        ]

    def in_words(self) -> str:
        """Return the citation of the package as a line of text."""
        return f"{', '.join(self.authors)}: {self.title}, version {self.version} ({self.year})"


@functools.cache
def load_software() -> Software:
    """Return the description of this version."""
    text = resources.files("repro.fair").joinpath("software.toml").read_text("utf-8")
    document = tomllib.loads(text)
    references = {key: tuple(keys) for key, keys in document.pop("references").items()}
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    return Software(**fields, references=references, version=repro.__version__)
