"""What was measured on, and with: the clock, the processor, the memory."""

import importlib
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from repro.results.provenance import environment

__all__ = ["best_times", "describe_machine", "peak_memory", "processor_name"]

_PROCESSORS = Path("/proc/cpuinfo")


def best_times(
    functions: Sequence[Callable[[], object]], repeats: int, device: torch.device | str = "cpu"
) -> list[float]:
    """Return the shortest time of each function.

    The functions take turns, so that what else the machine does meets all of them.  The first
    turn warms caches up and does not count.

    Args:
        functions: What is measured.
        repeats: How many turns count.
        device: Where they compute; waited for.

    Returns:
        Seconds by the clock.

    >>> [seconds < 1 for seconds in best_times([int, float], 2)]
    [True, True]
    """
    best = [float("inf")] * len(functions)
    for turn in range(repeats + 1):
        for position, function in enumerate(functions):
            _wait(device)
            start = time.perf_counter()
            function()
            _wait(device)
            seconds = time.perf_counter() - start
            if turn:
                best[position] = min(best[position], seconds)
    return best


def describe_machine(device: str) -> dict[str, Any]:
    """Return versions, processor or device, threads, and how busy the machine is otherwise."""
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else processor_name()
    return {
        **environment(name),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def processor_name() -> str:
    """Return what the processor calls itself, or its architecture.

    >>> bool(processor_name())
    True
    """
    try:
        lines = _PROCESSORS.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def peak_memory() -> int | None:
    """Return the most memory that this process ever had, in bytes; None where nobody counts."""
    try:
        # Not on Windows.
        resource: Any = importlib.import_module("resource")
    except ImportError:
        return None
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else 1024 * peak


def _wait(device: torch.device | str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
