"""Distributions of the real jets, digitised, to hold simulated ones against.

Read from ``toptag/distributions.json``, which names their source.
"""

import functools
import json
from dataclasses import dataclass
from importlib import resources

__all__ = ["Distribution", "RealJets", "load_real_jets"]

CLASSES = ("qcd", "top")


@dataclass(frozen=True)
class Distribution:
    """One observable of the jets of both classes.

    Attributes:
        unit: Of the edges.
        edges: Edges of the bins.
        fractions: By class, the fraction of its jets in each bin.
        quantiles: By class, the quantiles at :attr:`RealJets.probabilities`.
    """

    unit: str
    edges: tuple[float, ...]
    fractions: dict[str, tuple[float, ...]]
    quantiles: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class RealJets:
    """What is known of the real data set's distributions.

    Attributes:
        about: Source and accuracy.
        probabilities: Of the quantiles.
        survival: By class, the fraction of jets with more than 0, 1, 2 ... constituents.
        distributions: By observable.
    """

    about: str
    probabilities: tuple[float, ...]
    survival: dict[str, tuple[float, ...]]
    distributions: dict[str, Distribution]


@functools.cache
def load_real_jets() -> RealJets:
    """Return the distributions of the top-tagging data set.

    >>> len(load_real_jets().distributions["mass"].edges)
    15
    """
    text = resources.files("repro.catalogue").joinpath("toptag", "distributions.json")
    data = json.loads(text.read_text("utf-8"))
    return RealJets(
        about=data["about"],
        probabilities=tuple(data["probabilities"]),
        survival={name: tuple(data["survival"][name]) for name in CLASSES},
        distributions={
            name: Distribution(
                unit=entry["unit"],
                edges=tuple(entry["edges"]),
                fractions={c: tuple(entry[c]["fractions"]) for c in CLASSES},
                quantiles={c: tuple(entry[c]["quantiles"]) for c in CLASSES},
            )
            for name, entry in data["histograms"].items()
        },
    )
