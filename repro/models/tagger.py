"""A tagger: a network with its weights, its card and where the weights came from.

A family is a module of this room named as the model, or as its card file says, with
``build(card)`` and ``read_authors(card, files)``; a new family is a new module and a new card file.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.data.callbacks import Fetch
from repro.data.integrity import hash_file
from repro.data.pins import find_artifact
from repro.errors import BadInput
from repro.models.cards import Card, find_card, module_of
from repro.models.embedded_weights import embedded_file, stem_of
from repro.models.host import waiting_for
from repro.models.state import load_checked, read_state, rename_layers

__all__ = [
    "Scale",
    "Tagger",
    "WeightFile",
    "build_network",
    "load_tagger",
    "predict_logits",
    "rename_state",
    "untrained_tagger",
]

_JETS_PER_BATCH = 16_384


@dataclass(frozen=True)
class WeightFile:
    """Provenance of one file of weights."""

    source: str
    id: str
    swhid: str | None
    sha256: str


@dataclass(frozen=True, eq=False)
class Scale:
    """What input columns are standardised with.

    Attributes:
        mean: (k,), of the columns that a variant standardises.
        deviation: (k,), their standard deviations (ddof 1).
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def applied_to(self, columns: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return columns (n, k) standardised.

        A slot that no jet of a small set fills has no spread: it stays at zero.

        >>> Scale(np.array([1.0, 0.0]), np.array([2.0, 0.0])).applied_to(np.array([[5.0, 0.0]]))
        array([[2., 0.]])
        """
        width = np.where(self.deviation == 0, 1.0, self.deviation)
        return np.asarray((columns.astype(np.float64) - self.mean) / width)


@dataclass(frozen=True)
class Tagger:
    """A classifier that gives logits.

    Attributes:
        card: What it is.
        network: In evaluation mode; (n, inputs) to logits (n,) or (n, classes).
        weights: The files that the weights were read from.
    """

    card: Card
    network: nn.Module
    weights: tuple[WeightFile, ...]

    @property
    def own_weights(self) -> bool:
        """Whether the weights are not the authors'."""
        return any(file.source != "authors" for file in self.weights)

    def prepare(
        self,
        inputs: NDArray[np.floating],
        features: Sequence[str],
        scale: Scale | None = None,
    ) -> NDArray[np.floating]:
        """Select, and where the variant asks for it standardise, its input columns.

        Args:
            inputs: (n, len(features)).
            features: Names of the columns.
            scale: That of a set that these jets are a part of; their own if not given.

        Returns:
            (n, card.inputs), in the dtype of ``inputs``.

        Raises:
            BadInput: If the columns that are left are not those of the variant.
        """
        columns = self.card.columns(features)
        if len(columns) != self.card.inputs:
            raise BadInput(
                f"{self.card.name} takes {self.card.inputs} inputs and {len(columns)} are given"
            )
        scaled = self.card.standardised(features)
        if scaled:
            inputs = inputs.copy()
            scale = scale or self._scale(inputs[:, scaled])
            inputs[:, scaled] = scale.applied_to(inputs[:, scaled])
        return inputs if len(columns) == inputs.shape[1] else inputs[:, columns]

    def _scale(self, columns: NDArray[np.floating]) -> Scale:
        if len(columns) < 2:
            raise BadInput(f"{self.card.name} standardises with the set: give 2 jets or more")
        exact = columns.astype(np.float64)
        return Scale(exact.mean(axis=0), exact.std(axis=0, ddof=1))


def build_network(card: Card, *, corrected: bool = False) -> nn.Module:
    """Return the untrained network of a variant.

    Args:
        card: The variant.
        corrected: Whether PFIN computes pair masses without cancellation (corrects B17).
    """
    network: nn.Module = importlib.import_module(module_of(card.family)).build(card)
    if corrected and hasattr(network, "stable_mass"):
        setattr(network, "stable_mass", True)  # noqa: B010 - modules have what they are given
    return network


def untrained_tagger(name: str, seed: int = 0, *, corrected: bool = False) -> Tagger:
    """Return a tagger with random weights.

    Args:
        name: ``family`` or ``family:variant``.
        seed: Seed of the weights.
        corrected: As :func:`build_network` takes it.

    Raises:
        UnknownName: If there is no such model.

    >>> untrained_tagger("pfin:cat").card.name
    'pfin:cat'
    """
    card = find_card(name)
    torch.manual_seed(seed)
    return Tagger(card, build_network(card, corrected=corrected).eval(), ())


def load_tagger(name: str, weights: str, fetch: Fetch) -> Tagger:
    """Load a tagger.

    Args:
        name: ``family`` or ``family:variant``.
        weights: ``authors``, ``embedded``, ``auto`` (the authors' where they are published) or
            the path of a file with a state dict (safetensors, or torch with plain tensors only).
        fetch: Gives the local path of a pinned file.

    Raises:
        UnknownName: If there is no such model.
        NotAvailable: If this version ships no weights of its own for it.
        BadInput: If the weights do not fit the network.
    """
    card = find_card(name)
    family = importlib.import_module(module_of(card.family))
    network = build_network(card)
    if weights == "auto":
        weights = "authors" if card.authors else "embedded"
    if weights == "authors":
        paths = [fetch(artifact) for artifact in card.authors]
        state: Mapping[str, Tensor] = family.read_authors(card, paths)
        files = tuple(_pinned(artifact) for artifact in card.authors)
    elif weights == "embedded":
        path = embedded_file(card)
        state = read_state(path)
        files = (WeightFile("embedded", f"embedded/{stem_of(card)}", None, hash_file(path)),)
    else:
        state = rename_state(card, read_state(Path(weights)))
        files = (_recognised(card, Path(weights)),)
    load_checked(network, state, f"weights {weights!r} do not fit {card.name}")
    return Tagger(card, network.eval(), files)


def rename_state(card: Card, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return a state dict that may have our names of layers or the authors' with ours."""
    names = getattr(importlib.import_module(module_of(card.family)), "authors_names", None)
    return state if names is None else rename_layers(state, names(card))


def _recognised(card: Card, path: Path) -> WeightFile:
    """Return a file of the user's, which is the authors' if it has the bytes of their pin."""
    digest = hash_file(path)
    for artifact in card.authors:
        if find_artifact(artifact).sha256 == digest:
            return _pinned(artifact)
    return WeightFile("path", path.name, None, digest)


def predict_logits(
    network: Callable[[Tensor], Tensor],
    inputs: NDArray[np.floating],
    device: torch.device | str = "cpu",
) -> NDArray[np.floating]:
    """Return the logits of all jets, batch by batch.

    Args:
        network: A function or module from (n, inputs) to logits.
        inputs: (n, inputs); float32 unless the network is float64.
        device: Where the network lies.
    """
    parts = []
    with torch.inference_mode():
        for batch in _batches(inputs):
            with waiting_for(device):
                there = batch.to(device)
            logits = network(there)
            with waiting_for(device):
                parts.append(logits.cpu().numpy())
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _batches(inputs: NDArray[np.floating]) -> Iterator[Tensor]:
    for start in range(0, len(inputs), _JETS_PER_BATCH):
        yield torch.from_numpy(np.ascontiguousarray(inputs[start : start + _JETS_PER_BATCH]))


def _pinned(artifact_id: str) -> WeightFile:
    artifact = find_artifact(artifact_id)
    return WeightFile("authors", artifact.id, artifact.swhid, artifact.sha256 or "")
