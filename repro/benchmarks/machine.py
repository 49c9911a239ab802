"""What was measured on: the processor, the memory, what else they do."""

import importlib
import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

import torch

from repro.results.provenance import environment

__all__ = ["describe_machine", "peak_memory", "processor_name"]

_PROCESSORS = Path("/proc/cpuinfo")


def describe_machine(device: str) -> dict[str, Any]:
    """Return versions, processor or device, threads, and how busy the machine is otherwise."""
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else processor_name()
    return {
        **environment(name),
        "captum": importlib.metadata.version("captum"),
        "cuda": torch.version.cuda,
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_bytes": _memory(),
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


def _memory() -> int | None:
    """Return the bytes of memory that the machine has; None where nobody says so."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
