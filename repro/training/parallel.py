"""Several processes that train one network together, as ``torchrun`` starts them.

Every process holds all jets, varies each batch in the same way and takes its share of it.  A step's
gradient is the sum over all shares of the gradient of the summed loss, divided by the batch: what
one process would get, up to the order of the sum.  Where to begin is said by the leader alone, so
the folder of a training need not be seen by other machines.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models.host import choose_device

__all__ = ["ALONE", "Crew", "join_crew"]


@dataclass(frozen=True)
class Crew:
    """The processes that train together.

    Attributes:
        rank: Number of this one.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """Return this process's part of the rows of a batch.

        >>> Crew(1, 2).share(torch.arange(5)).tolist()
        [1, 3]
        """
        return rows[self.rank :: self.size]

    def add_gradients(self, network: nn.Module) -> None:
        """Replace each gradient by its sum over all processes."""
        if self.size == 1:
            return
        parameters = list(network.parameters())
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        offset = 0
        for gradient in gradients:
            gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
            offset += gradient.numel()

    def add(self, values: Tensor) -> Tensor:
        """Return the sum of the values over all processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether the flag is up in any process."""
        if self.size == 1:
            return flag
        return bool(self.add(torch.tensor([float(flag)])).item())

    def from_leader(self, values: Iterable[float]) -> list[float]:
        """Return the leader's values."""
        tensor = torch.tensor(list(values), dtype=torch.float64)
        if self.size > 1:
            dist.broadcast(tensor, 0)
        return [float(value) for value in tensor]

    def bytes_from_leader(self, content: bytes) -> bytes:
        """Return the leader's bytes."""
        if self.size == 1:
            return content
        length = int(self.from_leader([len(content)])[0])
        buffer = torch.empty(length, dtype=torch.uint8)
        if self.leads:
            buffer.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        dist.broadcast(buffer, 0)
        return buffer.numpy().tobytes()

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            dist.barrier()


# The others wait while the first one validates.  A process that ends is noticed at once.
_LONGEST_WAIT = timedelta(hours=2)

ALONE = Crew()


def _announced(name: str, default: int) -> int:
    """Return a number that the launcher left in the environment."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal():
        raise BadInput(f"{name}={text!r} is no number: start with torchrun, or unset {name}")
    return int(text)


def _own_device(asked: str) -> str:
    """Return the device of this process of several, and open no other.

    Raises:
        BadInput: If it is not there, or would be that of all.
    """
    if re.fullmatch(r"cuda:\d+", asked):
        raise BadInput(f"--device {asked} is one GPU for all processes: give cuda, or one process")
    if asked == "auto":
        asked = "cuda" if torch.cuda.is_available() else "cpu"
    if asked != "cuda":
        return choose_device(asked)
    device = choose_device(f"cuda:{_announced('LOCAL_RANK', 0)}")
    torch.cuda.set_device(device)
    return device


@contextmanager
def join_crew(asked: str) -> Iterator[tuple[Crew, str]]:
    """Join the processes that ``torchrun`` started, if it did.

    Args:
        asked: The device that was asked for; in a crew ``cuda`` becomes this process's own.

    Yields:
        The crew, and the device of this process.

    Raises:
        BadInput: If the device is not there, or the others cannot be reached or are lost.
    """
    size = _announced("WORLD_SIZE", 1)
    if size == 1:
        yield ALONE, choose_device(asked)
        return
    device = _own_device(asked)
    # Numbers on the CPU are exchanged too: gloo for them, nccl for those on GPUs.
    backend = "cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo"
    try:
        dist.init_process_group(backend, timeout=_LONGEST_WAIT)
    except (ValueError, RuntimeError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(
            f"{size} processes are announced and cannot be reached ({reason}): start them with "
            "torchrun, or unset WORLD_SIZE"
        ) from error
    rank = dist.get_rank()
    try:
        yield Crew(rank, size), device
    except RuntimeError as error:
        # gloo has no class of errors of its own.
        if not (isinstance(error, dist.DistError) or "gloo" in str(error)):
            raise
        raise BadInput(
            f"process {rank} of {size} lost the others: see what they say, and start all of them "
            "again; the training goes on from its last checkpoint"
        ) from error
    finally:
        dist.destroy_process_group()
