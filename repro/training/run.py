"""A whole training in a folder: read jets, train or go on, write weights, history and card."""

import contextlib
import csv
import dataclasses
import io
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from repro.data.atomic import write_atomically
from repro.data.callbacks import Progress, silent
from repro.data.locks import alone
from repro.data.regular import parse_json
from repro.errors import BadInput
from repro.models.tagger import Tagger
from repro.training.checkpoint import (
    Checkpoint,
    identity_of,
    pack_checkpoint,
    read_checkpoint,
    unpack_checkpoint,
    write_checkpoint,
)
from repro.training.examples import Examples
from repro.training.loop import Plan, train
from repro.training.preload import begin_with, initialise
from repro.training.rules import Epoch
from repro.training.run_card import describe_run, measure

__all__ = ["CARD", "CHECKPOINT", "HISTORY", "WEIGHTS", "Preloaded", "run_training"]

_LOG = logging.getLogger(__name__)

CHECKPOINT, HISTORY, WEIGHTS, CARD = (
    "checkpoint.pt",
    "history.csv",
    "weights.safetensors",
    "card.json",
)


@dataclass(frozen=True)
class Preloaded:
    """Weights to begin with.

    Attributes:
        state: Tensors by name.
        origin: What names them in the card.
    """

    state: Mapping[str, Tensor]
    origin: Mapping[str, Any]


def run_training(
    tagger: Tagger,
    learning: Examples,
    validation: Examples,
    plan: Plan,
    out: Path,
    *,
    tests: Mapping[str, Examples],
    preloaded: Preloaded | None = None,
    corrected: bool = False,
    restart: bool = False,
    environment: Mapping[str, Any],
    interrupted: Callable[[], bool] = lambda: False,
    progress: Progress = silent,
    report: Callable[[Epoch], None] = lambda _epoch: None,
) -> tuple[dict[str, Any], list[Epoch]]:
    """Train in a folder, or go on where a training of the same settings stands.

    Args:
        tagger: Its network is trained.
        learning: Jets to learn from.
        validation: Jets to choose the epoch by.
        plan: How.
        out: Folder for ``weights.safetensors``, ``card.json``, ``history.csv`` and the checkpoint.
        tests: Further jets to measure the performance on, by name.
        preloaded: Weights to begin with.
        corrected: Whether the originals' quirks of the inputs are off, for the card.
        restart: Whether to begin again if the folder holds a training.
        environment: Versions, device and commit, for the card.
        interrupted: As :func:`repro.training.loop.train` takes it.
        progress: As there.
        report: As there.

    Returns:
        The card, and all epochs.

    Raises:
        BadInput: If the folder holds another training, or one that runs now.
        KeyboardInterrupt: If it was interrupted; the same call goes on.
    """
    lock = alone(out / ".lock", f"another training runs in {out}: wait, or choose another")
    with lock if plan.crew.leads else contextlib.nullcontext():
        identity = _identity(tagger, learning, validation, plan, preloaded, corrected=corrected)
        state = None
        if plan.crew.leads:
            state = _begin(
                tagger, plan, out, identity, preloaded, corrected=corrected, restart=restart
            )
        state = _as_the_leader(state, plan, identity)

        def save(reached: Checkpoint) -> None:
            if plan.crew.leads:
                write_checkpoint(out / CHECKPOINT, reached)
                write_atomically(out / HISTORY, _history(reached.history))

        network = tagger.network.to(plan.device)
        state = train(
            network,
            learning,
            validation,
            plan,
            state,
            save=save,
            interrupted=interrupted,
            progress=progress,
            report=report,
        )
        stored = _stored(state.best, plan.recipe.store)
        weights = safetensors.torch.save(stored, {"model": tagger.card.name})
        network.load_state_dict(stored)
        card: dict[str, Any] = {}
        if plan.crew.leads:
            jets = {"validation": validation, **tests}
            card = describe_run(
                tagger.card,
                plan.recipe,
                learning,
                state.history,
                weights=weights,
                state=stored,
                metrics={name: measure(tagger, part, plan.device) for name, part in jets.items()},
                begun_with=preloaded.origin if preloaded else None,
                corrected=corrected,
                environment=environment,
            )
            write_atomically(out / WEIGHTS, weights)
            write_atomically(out / CARD, _json(card))
        plan.crew.wait()
    return card, state.history


def _begin(
    tagger: Tagger,
    plan: Plan,
    out: Path,
    identity: str,
    preloaded: Preloaded | None,
    *,
    corrected: bool,
    restart: bool,
) -> Checkpoint:
    """Return the state to begin from: the folder's, or a new one."""
    found = None if restart else read_checkpoint(out / CHECKPOINT)
    if found is not None and found.identity != identity:
        changed = ", ".join(_differences(found.identity, identity))
        raise BadInput(
            f"{out} holds a training with other settings ({changed}): give another folder, or "
            "--restart to begin again"
        )
    if found is not None:
        if plan.crew.leads and len(found.history) < plan.recipe.epochs:
            _LOG.warning("%s holds a training: going on after epoch %d", out, len(found.history))
        return found
    network = tagger.network.cpu()
    initialise(network, plan.recipe.initialisation, plan.recipe.seed)
    if preloaded:
        begin_with(tagger, preloaded.state, corrected=corrected)
    drawn = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    return Checkpoint(identity, drawn, {})


def _as_the_leader(state: Checkpoint | None, plan: Plan, identity: str) -> Checkpoint:
    """Return the leader's state, which it alone has read.

    Raises:
        BadInput: If it is that of another training, as this process was told other things.
    """
    if state is not None and plan.crew.size == 1:
        return state
    content = plan.crew.bytes_from_leader(pack_checkpoint(state) if state else b"")
    try:
        received = unpack_checkpoint(content)
    except Exception as error:
        raise BadInput(
            f"process {plan.crew.rank} does not understand the first one ({error}): start all of "
            "them with the same version"
        ) from error
    if received.identity != identity:
        changed = ", ".join(_differences(received.identity, identity))
        raise BadInput(
            f"process {plan.crew.rank} trains with other settings than the first ({changed}): "
            "start all of them with the same command and the same files"
        )
    return received


def _identity(
    tagger: Tagger,
    learning: Examples,
    validation: Examples,
    plan: Plan,
    preloaded: Preloaded | None,
    *,
    corrected: bool,
) -> str:
    return identity_of(
        {
            "model": tagger.card.name,
            "recipe": {**plan.recipe.document(), "notes": None},
            "data": learning.source,
            "validation": validation.source,
            "preload": dict(preloaded.origin) if preloaded else None,
            "corrected": corrected,
            "processes": plan.crew.size,
            "precision": str(plan.autocast),
            "compiled": plan.step_network is not None,
        }
    )


def _differences(first: str, second: str) -> list[str]:
    """Return the names of the settings in which two trainings differ."""
    one, other = (_flat(_description(text)) for text in (first, second))
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _description(identity: str) -> dict[str, Any]:
    """Return what an identity says; nothing if something else wrote it."""
    try:
        found = parse_json(identity)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    recipe = document.get("recipe", {})
    return {**{name: value for name, value in document.items() if name != "recipe"}, **recipe}


def _stored(state: Mapping[str, Tensor], precision: str) -> dict[str, Tensor]:
    kind = torch.float32 if precision == "float32" else None
    return {name: tensor.to(kind or tensor.dtype).contiguous() for name, tensor in state.items()}


def _history(history: Sequence[Epoch]) -> bytes:
    buffer = io.StringIO()
    names = [field.name for field in dataclasses.fields(Epoch)]
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(epoch) for epoch in history)
    return buffer.getvalue().encode()


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
