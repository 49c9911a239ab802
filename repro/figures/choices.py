"""What the user chose, and what an open choice leads to: a device, a source of jets, weights."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from repro.data.invocation import invocation
from repro.data.pins import Artifact, find_artifact
from repro.data.reach import is_at_hand
from repro.data.store import Store
from repro.errors import BadInput, MissingData, NotAvailable
from repro.models.cards import Card
from repro.models.embedded_weights import embedded_card, has_embedded, stem_of
from repro.models.tagger import Tagger
from repro.training.run import WEIGHTS

__all__ = [
    "DATA_WORDS",
    "WEIGHTS_WORDS",
    "Settings",
    "WeightChoice",
    "check_weights",
    "choose_source",
    "trained_in_words",
    "weights_folder",
]

_LOG = logging.getLogger(__name__)

DATA_WORDS = ("auto", "paper", "fixtures", "embedded")
"""What ``--data`` takes but paths."""
WEIGHTS_WORDS = ("auto", "authors", "embedded")
"""What ``--weights`` takes but paths."""
_LOUD = {
    "paper": "the paper's own {0.name} (doi:{0.doi})",
    "embedded": "simulated jets that come with this package, because the paper's {0.name} is "
    "neither cached nor reachable now ('{1} fetch {0.id}' tries again)",
}
_LOUD_WEIGHTS = (
    "trained by this package on simulated jets, for {} and every other model whose authors' files "
    "are neither cached nor reachable now ('{} fetch {}/weights' tries again)"
)
_NO_OTHERS = (
    "the authors' weights of {0} are neither cached nor reachable now ('{1} fetch {2}' tries "
    "again), and this version ships no others"
)
_UNPUBLISHED = "trained by this package, for {}: the authors published none"


@dataclass(frozen=True)
class Settings:
    """The choices that all computing commands share.

    Attributes:
        data: ``auto``, ``paper``, ``fixtures``, ``embedded`` or a path.
        weights: ``auto``, ``authors``, ``embedded`` or a path.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        jets: Use the first N jets; all if not given.
        seed: Seed of everything random.
        corrected: Whether the originals' quirks are off.
        background: Background jets that each jet meets in KernelSHAP.
        quiet: Whether progress is hidden.
    """

    data: str = "auto"
    weights: str = "auto"
    device: str = "auto"
    jets: int | None = None
    seed: int = 0
    corrected: bool = False
    background: int = 100
    quiet: bool = False


def choose_source(chosen: str, store: Store) -> str:
    """Return the source of the jets: ``paper``, ``fixtures``, ``embedded`` or a path.

    ``auto`` takes the paper's file if it is cached or can be reached, and the embedded jets
    otherwise; it says which.

    Raises:
        MissingData: If there is no such source.
    """
    if chosen == "auto":
        artifact = find_artifact("toptag/data/test.h5")
        found = "paper" if is_at_hand(store, artifact) else "embedded"
        _LOG.warning("data: %s", _LOUD[found].format(artifact, invocation()))
        return found
    if chosen not in DATA_WORDS and not Path(chosen).is_file():
        raise MissingData(f"no data at {chosen!r}: give auto, paper, fixtures, embedded or a file")
    return chosen


class WeightChoice:
    """Whose weights each model gets.

    ``auto`` takes the authors' for a model if all of its files are cached or can be reached, and
    those that come with the package otherwise; it says so when it first does.  The authors' files
    lie in one archive, so the network is asked for one of them, and once.

    Args:
        chosen: ``auto``, ``authors``, ``embedded`` or a path; in a folder, each model has that of
            its training, such as ``topodnn-v4/weights.safetensors``.
        store: Where pinned files come from.
    """

    def __init__(self, chosen: str, store: Store) -> None:
        self._chosen = chosen
        self._store = store
        self._reachable: bool | None = None
        self._said = False
        self._unpublished: set[str] = set()

    def source_of(self, card: Card) -> str:
        """Return the source of a model's weights: ``authors``, ``embedded`` or a path.

        Those of a model whose weights the authors did not publish are the package's own.

        Raises:
            NotAvailable: If the authors' are out of reach and the package has none.
            MissingData: If they are not in the folder that was chosen.
        """
        folder = weights_folder(self._chosen)
        if folder is not None:
            return _in_folder(folder, card)
        if self._chosen not in ("auto", "authors"):
            return self._chosen
        if not card.authors:
            self._say_unpublished(card)
            return "embedded"
        if self._chosen == "authors" or self._are_at_hand(card):
            return "authors"
        if not has_embedded(card):
            raise NotAvailable(_NO_OTHERS.format(card.name, invocation(), card.authors[0]))
        if not self._said:
            paper = card.authors[0].partition("/")[0]
            _LOG.warning("weights: %s", _LOUD_WEIGHTS.format(card.name, invocation(), paper))
            self._said = True
        return "embedded"

    def _say_unpublished(self, card: Card) -> None:
        if card.family not in self._unpublished:
            self._unpublished.add(card.family)
            _LOG.warning("weights: %s", _UNPUBLISHED.format(card.name))

    def _are_at_hand(self, card: Card) -> bool:
        pins = map(find_artifact, card.authors)
        absent = [pin for pin in pins if self._store.state_of(pin) == "missing"]
        return not absent or self._can_be_fetched(absent[0])

    def _can_be_fetched(self, artifact: Artifact) -> bool:
        if self._reachable is None:
            self._reachable = is_at_hand(self._store, artifact)
        return self._reachable


def weights_folder(chosen: str) -> Path | None:
    """Return the folder of trainings that was chosen; None if it is a word or a file."""
    path = Path(chosen)
    return path if chosen not in WEIGHTS_WORDS and path.is_dir() else None


def _in_folder(folder: Path, card: Card) -> str:
    path = folder / stem_of(card) / WEIGHTS
    if not path.is_file():
        raise MissingData(
            f"no weights of {card.name} in {folder}: train it with --out {path.parent}, or give "
            "other --weights"
        )
    return str(path)


def check_weights(chosen: str) -> None:
    """Make sure that a file of weights, or a folder of trainings, is there if one was chosen.

    Raises:
        BadInput: If it is not.
    """
    if chosen not in WEIGHTS_WORDS and not Path(chosen).is_file():
        if any(Path(chosen).glob(f"*/{WEIGHTS}")):
            return
        inside = Path(chosen) / WEIGHTS
        hint = f", such as {inside}" if inside.is_file() else ""
        raise BadInput(f"no weights at {chosen}: give auto, authors, embedded or a file{hint}")


def trained_in_words(taggers: Iterable[Tagger]) -> str:
    """Return how long the package's own weights among those of the taggers were trained."""
    trainings = [
        embedded_card(tagger.card)["training"]
        for tagger in taggers
        if any(file.source == "embedded" for file in tagger.weights)
    ]
    if not trainings:
        return ""
    epochs, jets = (
        (min(numbers), max(numbers))
        for numbers in (
            [training["epochs"] for training in trainings],
            [training["data"]["jets"] for training in trainings],
        )
    )
    return f"; the weights had {_span(epochs)} epochs of {_span(jets)} simulated jets"


def _span(ends: tuple[int, int]) -> str:
    first, last = ends
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"
