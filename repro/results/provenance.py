"""Where a result was computed: versions, device, commit; and the pinned files that it read."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import repro
from repro.catalogue import Item
from repro.data.pins import find_artifact
from repro.data.record import GROUP

__all__ = ["commit", "environment", "pinned_files", "versions"]

# The commit alone, whatever tags there are, with a word if files differ from it.
_DESCRIBE = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
_PACKAGES = ("torch", "numpy", "scipy", "h5py", "shap", "scikit-learn", "matplotlib")


def versions() -> dict[str, str]:
    """Return the versions of the package, of Python and of what it computes with."""
    found = {"repro": repro.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def environment(device: str) -> dict[str, str | None]:
    """Return the environment block of a result."""
    return {
        **versions(),
        "platform": platform.system(),
        "machine": platform.machine(),
        "device": device,
        "commit": commit(),
    }


def commit() -> str | None:
    """Return the commit of the checkout that the package runs from.

    Installed, it is that of the image of a container, which ``REPRO_COMMIT`` names; else None.
    """
    root = Path(repro.__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return os.environ.get("REPRO_COMMIT") or None
    try:
        found = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(root), *_DESCRIBE],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None


def pinned_files(item: Item, source: str) -> list[dict[str, str | None]]:
    """Return the pinned files of data that an item reads, with their identifiers.

    Args:
        item: The item.
        source: Where its jets are from.  Files of record 12102, of which any number can be read,
            are named with the jets.
    """
    ids = {"paper": item.data, "fixtures": item.fixtures}.get(source, ())
    return [
        {"id": pin.id, "identifier": pin.identifier, "checksum": pin.checksum}
        for pin in map(find_artifact, (name for name in ids if name != GROUP))
    ]
