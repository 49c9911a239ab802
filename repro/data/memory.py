"""How much memory is left."""

import os
from pathlib import Path

__all__ = ["free_memory"]

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
_AVAILABLE = "MemAvailable:"


def free_memory() -> int | None:
    """Return the bytes that a process can still take; None where nothing says so.

    What the machine has left, or the container if that is less; of a system that does not tell
    what is in use, half of all.
    """
    known = [found for found in (_of_machine(), _of_group()) if found is not None]
    return min(known, default=None)


def _of_machine() -> int | None:
    try:
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith(_AVAILABLE):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return None


def _of_group() -> int | None:
    """Return what the control group has left; None without a limit."""
    try:
        limit, used = ((_GROUP / f"memory.{name}").read_text() for name in ("max", "current"))
        return max(int(limit) - int(used), 0)
    except (OSError, ValueError):
        return None
