"""The data sets that the package ships, reads or learned from, and their records as JSON-LD."""

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from repro.catalogue.references import Reference, find_reference, references_of
from repro.data.hbb.features import Feature, track_features, vertex_features
from repro.data.hbb.measured import KINDS, columns_of
from repro.data.pins import Artifact, find_artifact
from repro.errors import UnknownName, did_you_mean
from repro.fair.linked import (
    CONTEXT,
    author_entry,
    file_entry,
    licence_url,
    reference_entry,
    variable_entry,
)
from repro.fair.software import load_software

__all__ = [
    "DataSet",
    "Variable",
    "dataset_entry",
    "dataset_record",
    "find_dataset",
    "load_datasets",
    "original_data",
    "variables_of",
]

_ORIGINAL = {"toptag": "toptag-reference", "hbb": "hbb-record"}


@dataclass(frozen=True)
class DataSet:
    """One data set.

    Attributes:
        name: Its name here.
        paper: The paper that it belongs to.
        title: One line.
        description: What is in it.
        intended_use: What it is for.
        limits: Where it ends.
        file: Id of the pinned file, if it is shipped.
        reference: Key of its citation, if others published it.
        command: What makes it, if this package does.
    """

    name: str
    paper: str
    title: str
    description: str
    intended_use: str
    limits: tuple[str, ...]
    file: str | None = None
    reference: str | None = None
    command: str | None = None

    @property
    def artifact(self) -> Artifact | None:
        """The pinned file, if it is shipped."""
        return find_artifact(self.file) if self.file else None

    @property
    def published(self) -> Reference | None:
        """Its citation, if others published it."""
        return find_reference(self.reference) if self.reference else None

    @property
    def identifier(self) -> str:
        """What names it for other programs: a DOI, a SWHID, or its name within the package."""
        if self.published:
            return self.published.url
        return self.artifact.identifier if self.artifact else f"#{self.name}"


@dataclass(frozen=True)
class Variable:
    """An array in the file of a data set.

    Attributes:
        path: Where it is in the file.
        feature: What it is.
        shape: What it has entries for.
        dtype: Type of the numbers in the file.
    """

    path: str
    feature: Feature
    shape: str
    dtype: str


def original_data(paper: str) -> DataSet:
    """Return the data set that the authors of a paper used."""
    return find_dataset(_ORIGINAL[paper])


@functools.cache
def load_datasets() -> Mapping[str, DataSet]:
    """Return all data sets by name."""
    text = resources.files("repro.fair").joinpath("datasets.toml").read_text("utf-8")
    return {
        name: DataSet(name, **{**entry, "limits": tuple(entry["limits"])})
        for name, entry in tomllib.loads(text).items()
    }


def find_dataset(name: str) -> DataSet:
    """Return a data set.

    Raises:
        UnknownName: If there is none of this name.
    """
    try:
        return load_datasets()[name]
    except KeyError:
        hint, known = did_you_mean(name, load_datasets()), ", ".join(load_datasets())
        raise UnknownName(f"unknown data set {name!r}{hint}: choose from {known}") from None


def variables_of(dataset: DataSet) -> tuple[Variable, ...]:
    """Return the dictionary of what is in the files of a data set."""
    return tuple((_PACKED if dataset.command else _PUBLISHED)[dataset.paper]())


def dataset_record(dataset: DataSet) -> dict[str, Any]:
    """Return the record of a data set as JSON-LD."""
    variables = [
        variable_entry(variable.feature, alternateName=variable.path)
        for variable in variables_of(dataset)
    ]
    return {"@context": CONTEXT, **dataset_entry(dataset), "variableMeasured": variables}


def dataset_entry(dataset: DataSet) -> dict[str, Any]:
    """Return what names a data set in the record of a model: everything but its variables."""
    entry: dict[str, Any] = {
        "@type": "Dataset",
        "@id": dataset.identifier,
        "name": dataset.title,
        "alternateName": dataset.name,
        "description": " ".join([dataset.description, dataset.intended_use, *dataset.limits]),
        "isAccessibleForFree": True,
    }
    published = dataset.published
    if published is not None:
        cited = reference_entry(published)
        entry |= {key: cited[key] for key in ("author", "datePublished", "license")}
        return entry | {"identifier": published.any_doi}
    software = load_software()
    entry |= {
        "author": [author_entry(name) for name in software.authors],
        "license": licence_url(software.licence),
        "measurementTechnique": f"Simulation: {dataset.command}",
        "citation": [
            reference_entry(find_reference(key)) for key in references_of("simulation", ["all"])
        ],
    }
    if dataset.artifact is not None:
        entry["distribution"] = file_entry(dataset.artifact)
        entry["version"] = software.version
    return entry


def _described_in(file: str) -> Iterator[Variable]:
    """Yield the arrays that a dictionary of the data room describes."""
    text = resources.files("repro.data").joinpath(file).read_text("utf-8")
    for name, entry in tomllib.loads(text)["columns"].items():
        feature = Feature(name, entry["meaning"], entry.get("unit", ""))
        yield Variable(name, feature, entry.get("shape", "jets"), entry["dtype"])


def _packed_measured() -> Iterator[Variable]:
    for kind in ("tracks", "vertices"):
        meaning = f"how many {kind} of the jet the file has"
        yield Variable(f"measured/counts/{kind}", Feature(kind, meaning), "jets", "uint8")
    for kind in KINDS:
        for column in columns_of(kind):
            # Whole numbers stand for so many steps of the quantity.
            steps = "" if column.step == 1 else f", in steps of {column.step}"
            feature = Feature(column.name, f"{column.meaning}{steps}", column.unit)
            yield Variable(f"measured/{kind}/{column.name}", feature, kind, column.dtype)


def _published_features() -> Iterator[Variable]:
    for kind, features in (("tracks", track_features()), ("vertices", vertex_features())):
        for feature in features:
            yield Variable(feature.name, feature, kind, "float32")


_PACKED = {"toptag": lambda: _described_in("packed.toml"), "hbb": _packed_measured}
_PUBLISHED = {"toptag": lambda: _described_in("tables.toml"), "hbb": _published_features}
