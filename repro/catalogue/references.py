"""What this package reproduces, takes or uses, as citations, from ``references.toml``."""

import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

__all__ = ["Reference", "find_reference", "in_words", "load_references", "references_of"]


@dataclass(frozen=True)
class Reference:
    """An article, a data set or a program.

    Attributes:
        key: BibTeX key.
        type: ``article``, ``dataset`` or ``software``.
        title: Its title.
        authors: ``Family, Given``; a name without a comma is no person's.
        year: Of publication.
        journal: Where an article appeared; empty if in arXiv alone.
        volume: Of the journal.
        pages: First page, or the number of the article.
        publisher: Of a data set or program.
        doi: DOI of the publication.
        arxiv: Number in arXiv.
        licence: SPDX identifier, of data and programs.
    """

    key: str
    type: str
    title: str
    authors: tuple[str, ...]
    year: int
    journal: str = ""
    volume: str = ""
    pages: str = ""
    publisher: str = ""
    doi: str | None = None
    arxiv: str | None = None
    licence: str | None = None

    def __post_init__(self) -> None:
        if self.type not in ("article", "dataset", "software"):
            raise ValueError(f"{self.key}: unknown type {self.type!r}")
        if not (self.doi or self.arxiv):
            raise ValueError(f"{self.key} has no identifier")

    @property
    def any_doi(self) -> str:
        """DOI of the publication, or the one that arXiv gives."""
        return self.doi or f"10.48550/arXiv.{self.arxiv}"

    @property
    def url(self) -> str:
        """Address that its identifier leads to."""
        return f"https://doi.org/{self.any_doi}"

    def in_words(self) -> str:
        """Return the citation as a line of text.

        >>> print(find_reference("Kasieczka:2019toptag").in_words())  # doctest: +ELLIPSIS
        G. Kasieczka, T. Plehn, J. Thompson, M. Russel: Top Quark ..., doi:10.5281/zenodo.2603256
        """
        where = " ".join(part for part in (self.journal or self.publisher, self.volume) if part)
        parts = [f"{where} ({self.year}) {self.pages}".strip() if where else str(self.year)]
        parts += [f"doi:{self.doi}"] if self.doi else []
        parts += [f"arXiv:{self.arxiv}"] if self.arxiv else []
        return f"{_short_names(self.authors)}: {self.title}, {', '.join(parts)}"


@functools.cache
def load_references() -> Mapping[str, Reference]:
    """Return all references by key."""
    return {
        key: Reference(key, **{**entry, "authors": tuple(entry["authors"])})
        for key, entry in _document()["reference"].items()
    }


def find_reference(key: str) -> Reference:
    """Return the reference with this key, which is one of the package's own files."""
    return load_references()[key]


def references_of(group: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of the references of some papers, methods, models or simulations.

    Args:
        group: ``papers``, ``methods``, ``models`` or ``simulation``.
        names: Which of them; those that have no reference add none.

    >>> references_of("methods", ["lrp", "occlusion"])
    ('Bach:2015lrp',)
    """
    table = _document()[group]
    return tuple(dict.fromkeys(key for name in names for key in table.get(name, ())))


def in_words(keys: Iterable[str]) -> str:
    """Return references as one line of text."""
    return "; ".join(find_reference(key).in_words() for key in keys)


@functools.cache
def _document() -> dict[str, Any]:
    text = resources.files("repro.catalogue").joinpath("references.toml").read_text("utf-8")
    return tomllib.loads(text)


def _short_names(authors: Iterable[str]) -> str:
    """Return names as citations have them.

    >>> _short_names(["Neubauer, Mark S.", "FAIR4HEP"])
    'M. S. Neubauer, FAIR4HEP'
    """
    names = list(map(_short_name, authors))
    return f"{names[0]} et al." if len(names) > 4 else ", ".join(names)


def _short_name(name: str) -> str:
    family, _, given = name.partition(", ")
    return " ".join([*(f"{part[0]}." for part in given.split()), family])
