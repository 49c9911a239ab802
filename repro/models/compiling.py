"""Networks compiled by torch, and in a line what that needs where it fails.

Compiled code wants fixed shapes, so what is compiled is the padded version
(:mod:`repro.models.padded`).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from repro.errors import NotAvailable
from repro.models.padded import padded

__all__ = ["compile_network"]

_COMPILERS = ("torch._dynamo", "torch._inductor")


def compile_network(network: nn.Module, mode: str = "default") -> Callable[[Tensor], Tensor]:
    """Return a function that compiles the padded version of a network when it is first called.

    Args:
        network: Shares its weights with what is returned.
        mode: As ``torch.compile`` has it; ``reduce-overhead`` replays CUDA graphs.

    Returns:
        A function from inputs to logits, which raises :class:`~repro.errors.NotAvailable` if torch
        cannot compile here.
    """
    compiled = torch.compile(padded(network), mode=mode)

    def run(inputs: Tensor) -> Tensor:
        try:
            logits: Tensor = compiled(inputs)
        except RuntimeError as error:
            if not type(error).__module__.startswith(_COMPILERS):
                raise
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            said = lines[0] if lines else type(error).__name__
            raise NotAvailable(
                f"torch.compile failed ({said}): it needs a C++ compiler on processors and triton "
                "on GPUs, so install them or leave --compile out"
            ) from error
        return logits

    return run
