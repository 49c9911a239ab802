"""A training of a minute, for what has to be shown with a network of one's own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

__all__ = ["ShortTraining", "initialise", "train_briefly"]

Progress = Callable[[Iterable[Any], str], Iterable[Any]]


@dataclass(frozen=True)
class ShortTraining:
    """Settings of a short training: Adam on the cross entropy, without validation.

    Attributes:
        epochs: How often every jet is seen.
        batch: Jets in a step.
        learning_rate: Of Adam.
    """

    epochs: int = 4
    batch: int = 100
    learning_rate: float = 1e-3


def initialise(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return a network with weights drawn from a seed; other random numbers are left alone."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return build()


def train_briefly(
    network: nn.Module,
    inputs: NDArray[np.floating],
    labels: NDArray[np.integer],
    *,
    seed: int,
    device: str = "cpu",
    settings: ShortTraining | None = None,
    progress: Progress = lambda steps, _: steps,
) -> None:
    """Train a network in place; it is left on the device, in evaluation mode.

    The same seed gives the same weights, on the same machine with as many threads.

    Args:
        network: From inputs to two logits, of QCD and of top.
        inputs: (n, inputs).
        labels: (n,), 1 for top and 0 for QCD.
        seed: Seed of the order of the jets.
        device: Where to compute.
        settings: How long.
        progress: Wraps the epochs.
    """
    chosen = settings or ShortTraining()
    network.to(device).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=chosen.learning_rate)
    jets, truth = torch.from_numpy(inputs), torch.from_numpy(labels)
    generator = np.random.default_rng(seed)
    for _ in progress(range(chosen.epochs), "training"):
        order = torch.from_numpy(generator.permutation(len(labels)))
        for rows in torch.split(order, chosen.batch):
            loss = functional.cross_entropy(network(jets[rows].to(device)), truth[rows].to(device))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    network.eval()
