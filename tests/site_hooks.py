"""The hooks of the site, which lie outside the package, for tests of them."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
HOOKS = ROOT / "docs" / "hooks"


def hook(name: str) -> ModuleType:
    """Import a module of the hooks as mkdocs does, with its neighbours in reach."""
    if str(HOOKS) not in sys.path:
        sys.path.append(str(HOOKS))
    return importlib.import_module(name)
