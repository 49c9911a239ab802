"""What to cite for tables and figures: papers, data, weights, models, methods, generators."""

from collections.abc import Iterable, Iterator

from repro.catalogue import PAPERS, Item
from repro.catalogue.references import Reference, find_reference, references_of
from repro.data.pins import find_artifacts
from repro.data.record import GROUP, index_of
from repro.models.cards import load_cards

__all__ = ["references_for", "usual_references"]

# Compares simulated jets with the paper's, whatever jets are asked for.
_CLOSURE = "closure"
_DATA = {"toptag": "toptag/data", "hbb": GROUP}


def usual_references(*, simulated: bool = False) -> list[Reference]:
    """Return the papers that are reproduced, and the data that they are about.

    Args:
        simulated: Whether what made the package's own jets is cited as well.
    """
    keys = [*references_of("papers", PAPERS), *_of_files(_DATA.values())]
    keys += references_of("simulation", ["all"]) if simulated else ()
    return [find_reference(key) for key in dict.fromkeys(keys)]


def references_for(items: Iterable[Item], *, simulated: bool = False) -> list[Reference]:
    """Return what some items rest on.

    Args:
        items: The tables and figures.
        simulated: Whether they are computed on jets of this package, which Pythia and FastJet made,
            not on the paper's.
    """
    keys = [key for item in items for key in _keys(item, simulated=simulated)]
    return [find_reference(key) for key in dict.fromkeys(keys)]


def _keys(item: Item, *, simulated: bool) -> Iterator[str]:
    families = [model.partition(":")[0] for model in item.models]
    yield from references_of("papers", [item.paper])
    if simulated or item.method == _CLOSURE:
        yield from references_of("simulation", ["all"])
    if not simulated:
        yield from _of_files((*item.data, *item.fixtures))
    yield from _of_files(
        name for family in families for card in load_cards(family).values() for name in card.authors
    )
    yield from references_of("models", families)
    yield from references_of("methods", [item.method])


def _of_files(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        # Files of the record are too many to be pinned one by one; their lists are.
        pinned = [index_of("test", "root")] if name == GROUP else find_artifacts(name)
        for artifact in pinned:
            yield from artifact.references
