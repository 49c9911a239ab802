"""The shipped data sets as Croissant 1.0, the format in which machine learning finds data.

Arrays of one length make up a record set.  Croissant has no way to say how a reader gets at an
array in an HDF5 file; the path of each stands as the name of its column.
"""

import itertools
from pathlib import PurePosixPath
from typing import Any

from repro.errors import BadInput
from repro.fair.datasets import DataSet, Variable, variables_of
from repro.fair.linked import author_entry, licence_url
from repro.fair.software import load_software

__all__ = ["croissant"]

# As the specification has it; programs compare it with theirs.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(dataset: DataSet) -> dict[str, Any]:
    """Return the Croissant document of a shipped data set.

    Raises:
        BadInput: If it is not shipped: then there is no file to describe.
    """
    artifact, software = dataset.artifact, load_software()
    if artifact is None or artifact.shipped is None:
        raise BadInput(f"{dataset.name} does not come with the package: take another format")
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": dataset.name,
        "description": f"{dataset.title}. {dataset.description} {' '.join(dataset.limits)}",
        "license": licence_url(artifact.licence),
        "url": dataset.identifier,
        "creator": [author_entry(name) for name in software.authors],
        "datePublished": str(software.year),
        "version": software.version,
        "citeAs": software.in_words(),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": artifact.name,
                "name": artifact.name,
                "description": f"HDF5, as {dataset.command!r} makes it.",
                # Beside the record, as the site has both.
                "contentUrl": PurePosixPath(artifact.shipped).name,
                "contentSize": f"{artifact.size} B",
                "encodingFormat": "application/x-hdf5",
                "sha256": artifact.sha256,
            }
        ],
        "recordSet": [
            _record_set(shape, list(variables), artifact.name)
            for shape, variables in itertools.groupby(
                sorted(variables_of(dataset), key=_length), key=_length
            )
        ],
    }


def _length(variable: Variable) -> str:
    """Return what an array has entries for; ``jets × 4`` has four numbers for each jet."""
    return variable.shape.partition(" × ")[0]


def _record_set(name: str, variables: list[Variable], file: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"One record for each of the {name}, in the order of the file.",
        "field": [_field(name, variable, file) for variable in variables],
    }


def _field(record_set: str, variable: Variable, file: str) -> dict[str, Any]:
    feature = variable.feature
    unit = f" [{feature.unit}]" if feature.unit else ""
    several = f" ({variable.shape})" if "×" in variable.shape else ""
    return {
        "@type": "cr:Field",
        "@id": f"{record_set}/{variable.path.rpartition('/')[2]}",
        "name": f"{record_set}/{variable.path.rpartition('/')[2]}",
        "description": f"{feature.meaning}{unit}{several}",
        "dataType": "sc:Float" if variable.dtype.startswith("float") else "sc:Integer",
        "source": {"fileObject": {"@id": file}, "extract": {"column": variable.path}},
    }
