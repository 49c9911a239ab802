"""Which branches the files of record 12102 have, and their order in our arrays: ``branches.toml``.

Source: the definitions of FAIR4HEP/hbb_interaction_network and the program that wrote the ntuples,
cms-opendata-analyses/HiggsToBBNtupleProducerTool (dossier, sections 2.1 and 5).
"""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from numpy.typing import NDArray

from repro.errors import BadInput

__all__ = ["FEATURE_SETS", "Group", "check_shape", "find_group", "tree_name"]

FEATURE_SETS = ("jet", "candidates", "tracks", "vertices")
"""The groups that the authors' converter writes, by the number of their feature set."""


@dataclass(frozen=True)
class Group:
    """Branches that make one array.

    Attributes:
        name: ``jet``, ``candidates``, ``tracks``, ``vertices``, ``spectators`` or ``flags``.
        branches: Their names, in the array's order.
        dtype: Type of the branches in ROOT files, as NumPy names it.
        slots: Places for objects of one jet; None if a branch has one value a jet.
        fill: What empty places hold.
        order: How the objects of a jet are sorted in the file.
        feature_set: Number in the authors' files; None for what is no feature.
        replacements: What stands for NaN and infinity, by branch; 0 where nothing is said.
    """

    name: str
    branches: tuple[str, ...]
    dtype: str
    slots: int | None = None
    fill: float = 0.0
    order: str | None = None
    feature_set: int | None = None
    replacements: Mapping[str, float] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one jet's array."""
        features = len(self.branches)
        return (features,) if self.slots is None else (features, self.slots)


def find_group(name: str) -> Group:
    """Return a group of branches.

    >>> find_group("tracks").shape, find_group("vertices").shape, find_group("spectators").shape
    ((30, 60), (14, 5), (11,))
    """
    return _load()[1][name]


def check_shape(name: str, values: NDArray[Any], jets: int) -> None:
    """Raise unless these are a group's values of so many jets.

    Raises:
        BadInput: If their shape is another.
    """
    wanted = (jets, *find_group(name).shape)
    if values.shape != wanted:
        raise BadInput(f"{name} have shape {values.shape}, not {wanted}")


def tree_name() -> str:
    """Return the path of the tree in ROOT files.

    >>> tree_name()
    'deepntuplizer/tree'
    """
    return _load()[0]


@functools.cache
def _load() -> tuple[str, dict[str, Group]]:
    text = resources.files("repro.data.hbb").joinpath("branches.toml").read_text("utf-8")
    document = tomllib.loads(text)
    groups = {
        name: Group(name, tuple(entry.pop("branches")), **entry)
        for name, entry in document["groups"].items()
    }
    return document["tree"], groups
