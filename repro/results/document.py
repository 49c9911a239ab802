"""The result document of one table or figure."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from repro.data.regular import read_json
from repro.errors import BadInput
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval
from repro.results.evidence import Evidence

__all__ = ["SCHEMA_VERSION", "Result", "look_up", "named", "plain", "whose_weights"]

SCHEMA_VERSION = 1

_WHOSE = {"authors": "the authors'", "embedded": "trained by this package on simulated jets"}

# More networks than that are counted.
_NAMED = 6

_WANTED = "take one that 'repro fig', 'table' or 'verify --out' wrote"


@dataclass(frozen=True)
class Result:
    """Numbers of one item, with what they were computed from.

    Attributes:
        item: Item id.
        title: The item's title.
        data: Source, id, DOI, hash, number and selection of the jets.
        weights: One entry per file of weights.
        settings: Everything that was chosen.
        values: Named numbers, arrays and rows, as plain JSON types.
        evidence: For each path prefix in ``values`` (empty: all), what the numbers rest on.
        publication_label: Number in the publication, if confirmed.
        environment: Versions, device, commit.
        seconds: Time to compute.
        claims: Judged claims, as in the result schema.
        notes: Remarks for the reader.
    """

    item: str
    title: str
    data: Mapping[str, Any]
    weights: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]
    values: Mapping[str, Any]
    evidence: Mapping[str, Evidence]
    publication_label: str | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    claims: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("data", "weights", "settings", "values", "environment", "claims", "notes"):
            object.__setattr__(self, name, plain(getattr(self, name)))

    def evidence_for(self, path: str) -> Evidence:
        """Return what the value at this dotted path rests on."""
        prefixes = [p for p in self.evidence if not p or path == p or path.startswith(f"{p}.")]
        return self.evidence[max(prefixes, key=len)]

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {"schema": SCHEMA_VERSION} | {
            f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)
        }

    def to_json(self) -> str:
        """Return the document as text."""
        return json.dumps(self.document(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, path: Path) -> "Result":
        """Read a result back, for drawing it again.

        Raises:
            BadInput: If the file is no result document of this version.
        """
        try:
            document = read_json(path)
        except OSError as error:
            raise BadInput(f"{path} is no result document to be read: {error.strerror}") from error
        except ValueError as error:
            raise BadInput(f"{path} is no result document, for it is no JSON: {_WANTED}") from error
        fields = document if isinstance(document, dict) else {}
        if "schema" not in fields:
            raise BadInput(f"{path} is no result document: {_WANTED}")
        if fields.pop("schema") != SCHEMA_VERSION:
            raise BadInput(f"{path} is of another schema version than {SCHEMA_VERSION}: {_WANTED}")
        known = {f.name for f in dataclasses.fields(cls)}
        if fields.keys() != known or not isinstance(fields["item"], str):
            wrong = ", ".join(sorted(fields.keys() ^ known)) or "item"
            raise BadInput(
                f"{path} is no result document, by what it lacks or has ({wrong}): {_WANTED}"
            )
        try:
            evidence = {p: Evidence(**entry) for p, entry in fields.pop("evidence").items()}
            return cls(evidence=evidence, **fields)
        except (ValueError, TypeError, AttributeError) as error:
            raise BadInput(f"{path} is no result document: {_WANTED}") from error


def named(names: Sequence[str], numbers: Intervals) -> dict[str, Any]:
    """Return numbers with intervals by name, in the given order.

    >>> ends = np.array([1.0]), np.array([0.5]), np.array([1.5])
    >>> named(["pt_0"], Intervals(*ends, 0.95))
    {'pt_0': {'value': 1.0, 'interval': [0.5, 1.5]}}
    """
    return {
        name: plain(Interval(float(v), float(low), float(high), numbers.level))
        for name, v, low, high in zip(names, numbers.value, numbers.low, numbers.high, strict=True)
    }


def plain(value: Any) -> Any:
    """Return the value as plain JSON types; NaN and infinity become null.

    >>> plain({"a": np.array([1.0, np.nan]), "b": (1, "x")})
    {'a': [1.0, None], 'b': [1, 'x']}
    """
    if isinstance(value, Interval):
        ends = [value.low, value.high]
        known = {"value": plain(value.value)}
        return known if any(map(math.isnan, ends)) else known | {"interval": plain(ends)}
    if isinstance(value, Intervals):
        return {
            "value": plain(value.value),
            "low": plain(value.low),
            "high": plain(value.high),
        }
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def look_up(values: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, or None if there is none.

    >>> look_up({"rows": {"v4": {"auc": 97.2}}}, "rows.v4.auc")
    97.2
    """
    found: Any = values
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found


def whose_weights(weights: Iterable[Mapping[str, Any]]) -> str:
    """Return in words where the weights of a result come from.

    >>> whose_weights([{"model": "a", "source": "authors"}, {"model": "b", "source": "embedded"}])
    "the authors' (a), trained by this package on simulated jets (b)"
    >>> many = [{"model": name, "source": "authors"} for name in "abcdefg"]
    >>> whose_weights([*many, {"model": "h", "source": "embedded"}])
    "the authors' (7 networks), trained by this package on simulated jets (h)"
    """
    models: dict[str, list[str]] = {}
    for entry in weights:
        found = models.setdefault(_WHOSE.get(entry["source"], "from a file"), [])
        if entry["model"] not in found:
            found.append(entry["model"])
    if len(models) == 1:
        return next(iter(models))
    return ", ".join(
        f"{whose} ({', '.join(names) if len(names) <= _NAMED else f'{len(names)} networks'})"
        for whose, names in models.items()
    )
