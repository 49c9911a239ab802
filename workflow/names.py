"""The names that the package has, from ``names.json``, as the package may not be installed here.

``scripts/workflow_names.py`` writes that file, and tests compare it with the package.  Runs with
Python 3.8 and nothing else.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Names", "did_you_mean"]

_FILE = Path(__file__).with_name("names.json")
_CLOSE = 0.6


class Names:
    """What the package knows by name.

    Attributes:
        data: What ``--data`` takes but files.
        weights: What ``--weights`` takes but files and folders.
        files: The numbers of the files of record 12102, by split.
        presets: Of simulated jets, by paper.
        models: All variants, by paper.
        methods: Of explanation, each with the families that it takes without further options.
        items: All tables and figures, each with the models without whose weights it fails.
    """

    def __init__(self) -> None:
        entries = json.loads(_FILE.read_text("utf-8"))
        self.data: list[str] = entries["data"]
        self.weights: list[str] = entries["weights"]
        self.files: dict[str, list[int]] = entries["files"]
        self.presets: dict[str, list[str]] = entries["presets"]
        self.models: dict[str, list[str]] = entries["models"]
        self.methods: dict[str, list[str]] = entries["methods"]
        self.items: dict[str, list[str]] = entries["items"]

    @property
    def all_models(self) -> list[str]:
        """The variants of both papers."""
        return [name for names in self.models.values() for name in names]

    def items_of(self, paper: str) -> list[str]:
        """Return what a configuration calls the items of a paper."""
        return [item.partition("/")[2] for item in self.items if item.startswith(paper + "/")]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint at what is spelt nearest to a name, to stand behind it; empty if nothing is.

    >>> did_you_mean("lpr", ["lrp", "occlusion"])
    ' (did you mean lrp?)'
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=_CLOSE)
    return f" (did you mean {close[0]}?)" if close else ""
