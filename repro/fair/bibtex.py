"""Citations as BibTeX."""

from collections.abc import Iterator, Mapping

from repro.catalogue.references import Reference
from repro.fair.software import Software

__all__ = ["entry_of", "entry_of_software"]

# BibTeX programs that know no Unicode take these; the bar is a letter of its own, after its b.
_BARRED = ("b\u0304", r"{$\bar{b}$}")
_LETTERS = str.maketrans({"é": r"{\'e}", "ö": r"{\"o}", "ü": r"{\"u}", "→": r"{$\to$}", "&": r"\&"})


def entry_of(reference: Reference) -> str:
    """Return the entry of a reference.

    >>> from repro.catalogue.references import find_reference
    >>> print(entry_of(find_reference("Sundararajan:2017ig")))
    @article{Sundararajan:2017ig,
      title         = {Axiomatic Attribution for Deep Networks},
      author        = {Sundararajan, Mukund and Taly, Ankur and Yan, Qiqi},
      year          = {2017},
      eprint        = {1703.01365},
      archiveprefix = {arXiv}
    }
    """
    return _entry(reference.type, reference.key, dict(_fields(reference)))


def entry_of_software(software: Software) -> str:
    """Return the entry of the package."""
    fields = {
        "title": software.title,
        "author": " and ".join(map(_author, software.authors)),
        "version": software.version,
        "year": str(software.year),
        "license": software.licence,
    }
    return _entry("software", software.key, fields)


def _fields(reference: Reference) -> Iterator[tuple[str, str]]:
    yield "title", reference.title
    yield "author", " and ".join(map(_author, reference.authors))
    for name in ("journal", "volume", "pages", "publisher"):
        if value := getattr(reference, name):
            yield name, value
    yield "year", str(reference.year)
    if reference.doi:
        yield "doi", reference.doi
    if reference.arxiv:
        yield from (("eprint", reference.arxiv), ("archiveprefix", "arXiv"))
    if reference.licence:
        yield "license", reference.licence


def _author(name: str) -> str:
    """Return a name; what is no person's name must not be taken apart."""
    return name if "," in name else f"{{{name}}}"


def _plain(value: str) -> str:
    return value.replace(*_BARRED).translate(_LETTERS)


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    width = max(map(len, fields))
    lines = [f"  {name:{width}} = {{{_plain(value)}}}" for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", ",\n".join(lines), "}"])
