"""The loop that trains every tagger.

Adam on the binary cross entropy of P(top); after each epoch the validation jets say which weights
are kept.  Everything random is drawn from (seed, epoch, step), so a training that was stopped goes
on to the same weights as one that was not, on the same machine with the same number of threads.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.data.callbacks import Progress, silent
from repro.errors import BadInput
from repro.metrics.roc import accuracy, auc, rank_jets
from repro.models.scores import probability_of_top
from repro.models.tagger import predict_logits
from repro.training.augmentation import Variation, variation_of
from repro.training.checkpoint import Checkpoint
from repro.training.examples import Examples
from repro.training.parallel import ALONE, Crew
from repro.training.recipe import Recipe
from repro.training.rules import (
    Epoch,
    best_epoch,
    learning_rate,
    should_reload,
    should_stop,
)

__all__ = ["Plan", "make_optimiser", "train"]


@dataclass(frozen=True)
class Plan:
    """How a training is run.

    Several processes give the weights of one but for rounding, as jets are turned and exchanged
    alike in all of them; dropout (MBNS) each of them draws for itself.

    Attributes:
        recipe: The settings that do.
        device: Where to compute.
        autocast: Precision of the matrix products, if another than the network's.
        step_network: From inputs to logits, with the network's parameters, if not the network
            itself: a compiled one.
        crew: The processes that train together.
        save_every: Seconds between checkpoints within an epoch, for one process.
    """

    recipe: Recipe
    device: str = "cpu"
    autocast: torch.dtype | None = None
    step_network: Callable[[Tensor], Tensor] | None = None
    crew: Crew = ALONE
    save_every: float = 60.0


def make_optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimiser of a network that is where it will be trained."""
    return torch.optim.Adam(
        network.parameters(), lr=recipe.learning_rate, eps=recipe.epsilon, fused=True
    )


def train(
    network: nn.Module,
    learning: Examples,
    validation: Examples,
    plan: Plan,
    state: Checkpoint,
    *,
    save: Callable[[Checkpoint], None],
    interrupted: Callable[[], bool] = lambda: False,
    progress: Progress = silent,
    report: Callable[[Epoch], None] = lambda _epoch: None,
) -> Checkpoint:
    """Train a network from a state to the end of its recipe.

    Args:
        network: On the plan's device; left with the weights that are kept, in evaluation mode.
        learning: Jets to learn from.
        validation: Jets to choose the epoch by.
        plan: How.
        state: Where to begin.
        save: Called with a state that can be begun from.
        interrupted: Whether to stop after this step.
        progress: Wraps the steps of an epoch.
        report: Called after each epoch.

    Returns:
        The final state.

    Raises:
        KeyboardInterrupt: If it was interrupted, after the state was saved.
        BadInput: If the loss is no number any more.
    """
    optimiser = make_optimiser(network, plan.recipe)
    network.load_state_dict(state.network)
    if state.optimiser:
        optimiser.load_state_dict(state.optimiser)
    vary = variation_of(plan.recipe, learning.names, getattr(network, "slots", None))
    session = _Session(network, optimiser, learning, vary, plan, state, save, interrupted)
    while not (state.history and state.steps == 0 and should_stop(plan.recipe, state.history)):
        total = session.run_epoch(progress)
        record = _conclude(network, validation, plan, state, total / len(learning))
        state.history.append(record)
        state.steps, state.loss_sum, state.seconds = 0, 0.0, 0.0
        _choose(network, plan.recipe, state)
        session.save()
        report(record)
    network.load_state_dict(state.best)
    network.eval()
    return state


@dataclass(frozen=True)
class _Session:
    """A training under way; the state is brought up to date when it is saved."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    learning: Examples
    vary: Variation
    plan: Plan
    state: Checkpoint
    keep: Callable[[Checkpoint], None]
    interrupted: Callable[[], bool]

    def run_epoch(self, progress: Progress) -> float:
        """Do the steps of an epoch that are left; return the sum of the losses of all its jets."""
        state, recipe, epoch = self.state, self.plan.recipe, len(self.state.history)
        inputs, labels = map(torch.from_numpy, (self.learning.inputs, self.learning.labels))
        batches = torch.split(_permutation(recipe.seed, epoch, len(labels)), recipe.batch)
        self.network.train()
        losses = torch.zeros((), dtype=torch.float64, device=self.plan.device)
        before, spent, started = state.loss_sum, state.seconds, time.perf_counter()
        saved = started
        for step in progress(range(state.steps, len(batches)), f"epoch {epoch + 1}"):
            self._set_rate(learning_rate(recipe, epoch * len(batches) + step, len(batches)))
            rows = batches[step]
            losses += self._step(inputs[rows], labels[rows], step)
            state.steps, now = step + 1, time.perf_counter()
            state.seconds = spent + now - started
            stop = self.plan.crew.any(self.interrupted())
            if stop or (self.plan.crew.size == 1 and now - saved > self.plan.save_every):
                # The leader's state holds what all of them lost.
                total = float(self.plan.crew.add(losses.clone()))
                state.loss_sum, saved = before + total, now
                self.save()
            if stop:
                raise KeyboardInterrupt
        return before + float(self.plan.crew.add(losses))

    def save(self) -> None:
        """Save the state."""
        self.state.network, self.state.optimiser = _copy(self.network), self.optimiser.state_dict()
        self.keep(self.state)

    def _set_rate(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def _step(self, inputs: Tensor, labels: Tensor, step: int) -> Tensor:
        """Take a step; return the sum of the losses of this process's jets of the batch."""
        plan, epoch, batch = self.plan, len(self.state.history), len(labels)
        # All processes vary the whole batch, so that each jet is varied as it is in one.
        torch.manual_seed(_seed(plan.recipe.seed, epoch, step, 0))
        inputs = self.vary(inputs.to(plan.device, non_blocking=True), epoch)
        inputs, labels = plan.crew.share(inputs).contiguous(), plan.crew.share(labels)
        if plan.crew.rank:
            torch.manual_seed(_seed(plan.recipe.seed, epoch, step, plan.crew.rank))
        if self.learning.scaled:
            shift, width = (torch.from_numpy(part).to(plan.device) for part in self.learning.scale)
            inputs = (inputs - shift) / width
        self.optimiser.zero_grad(set_to_none=True)
        kind = torch.device(plan.device).type
        with torch.autocast(kind, plan.autocast, enabled=plan.autocast is not None):
            # A compiled network has no truth value.
            network = self.network if plan.step_network is None else plan.step_network
            logits = network(inputs)
        loss = _loss(logits, labels.to(plan.device, non_blocking=True))
        (loss / batch).backward()  # type: ignore[no-untyped-call]
        plan.crew.add_gradients(self.network)
        self.optimiser.step()
        return loss.detach().double()


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the binary cross entropy of P(top), summed over jets."""
    # The softmax of two logits is the sigmoid of their difference.
    margin = logits if logits.ndim == 1 else logits[:, 1] - logits[:, 0]
    margin = margin.to(torch.promote_types(margin.dtype, torch.float32))
    return functional.binary_cross_entropy_with_logits(
        margin, labels.to(margin.dtype), reduction="sum"
    )


def _conclude(
    network: nn.Module, validation: Examples, plan: Plan, state: Checkpoint, loss: float
) -> Epoch:
    """Return the record of an epoch; all processes get the leader's numbers."""
    validated = [np.nan, np.nan, np.nan]
    if plan.crew.leads:
        network.eval()
        logits = predict_logits(network, validation.prepared, plan.device).astype(np.float64)
        if np.isfinite(logits).all():
            ranking = rank_jets(probability_of_top(logits), validation.labels)
            mean = _loss(torch.from_numpy(logits), torch.from_numpy(validation.labels))
            validated = [float(mean) / len(validation), accuracy(ranking), auc(ranking)]
    mean_loss, right, area = plan.crew.from_leader(validated)
    epoch = len(state.history) + 1
    if not np.isfinite([loss, mean_loss, right, area]).all():
        raise BadInput(f"the loss is no number in epoch {epoch}: lower --learning-rate")
    last = learning_rate(plan.recipe, epoch * state.steps - 1, state.steps)
    return Epoch(epoch, last, loss, mean_loss, right, area, round(state.seconds, 3))


def _choose(network: nn.Module, recipe: Recipe, state: Checkpoint) -> None:
    """Keep the weights if they are the best yet, or go back to the best."""
    if best_epoch(recipe.selection, state.history) == len(state.history) - 1:
        state.best = _copy(network)
    elif should_reload(recipe, state.history):
        network.load_state_dict(state.best)


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}


def _permutation(seed: int, epoch: int, jets: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(jets))


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
