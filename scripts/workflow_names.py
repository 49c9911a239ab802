"""Write ``workflow/names.json``: the package's names, for a workflow that runs without the package.

    python -P scripts/workflow_names.py

Items, models, methods, presets and sources, and what goes with what.  Which models an item cannot
do without, and which methods take which family, is tried: on a few simulated jets, with weights
that were never trained.  It takes some minutes.
"""

import contextlib
import io
import json
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import safetensors.torch

from repro.catalogue import PAPERS, Item, load_items
from repro.cli import main as run_command
from repro.data.atomic import write_atomically
from repro.data.hbb.split import load_manifest
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.errors import MissingData
from repro.explain.registry import load_methods
from repro.features.embedded import SHIPPED
from repro.features.registry import objects_of
from repro.figures.choices import DATA_WORDS, WEIGHTS_WORDS
from repro.figures.context import Context, Settings
from repro.figures.record_jets import EMBEDDED
from repro.figures.run import compute_item
from repro.models.cards import find_card, list_families, load_cards
from repro.models.embedded_weights import stem_of
from repro.models.tagger import untrained_tagger
from repro.simulation.hbb.settings import load_settings
from repro.simulation.presets import load_presets
from repro.training.run import WEIGHTS

FILE = Path(__file__).resolve().parents[1] / "workflow" / "names.json"
_JETS = {"toptag": 40, "hbb": 100}
"""Jets of a trial: with fewer, some items refuse."""
_MISSING = re.compile(r"no weights of (\S+) in ")
_REFUSED = re.compile(
    "is not dense|takes dense networks|too few to choose among|runs on something else than jets"
)
_PARTS = {"train": ("train", "validation"), "test": ("test",)}
"""Of the split, by what the record calls its files."""
_SAMPLES = {"toptag": SHIPPED, "hbb": EMBEDDED}
_PAPER_OF = {"constituents": "toptag", "tracks": "hbb"}


def main() -> None:
    """Try, and write the file."""
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        found = {**names(), "methods": methods_tried(Path(folder)), "items": items_tried()}
    write_atomically(FILE, f"{json.dumps(found, indent=1)}\n".encode())


def names() -> dict[str, Any]:
    """Return what needs no trial."""
    return {
        "data": list(DATA_WORDS),
        "weights": list(WEIGHTS_WORDS),
        "files": {split: _numbers_of(parts) for split, parts in _PARTS.items()},
        "presets": {"toptag": list(load_presets()), "hbb": list(load_settings().presets)},
        "models": {
            paper: [
                card.name
                for family in list_families()
                if _PAPER_OF[objects_of(family)] == paper
                for card in load_cards(family).values()
            ]
            for paper in PAPERS
        },
    }


def _numbers_of(parts: Iterable[str]) -> list[int]:
    """Return the numbers of the files of record 12102 in parts of its split."""
    listed = load_manifest()["parts"]
    ids = {file["id"] for part in parts for file in listed[part]}
    return sorted({int(re.findall(r"[0-9]+", id_)[-1]) for id_ in ids if id_.endswith(".root")})


def methods_tried(folder: Path) -> dict[str, list[str]]:
    """Return the families that each method takes."""
    return {
        method: [family for family in list_families() if is_taken(method, family, folder)]
        for method in load_methods()
    }


def is_taken(method: str, family: str, folder: Path) -> bool:
    """Whether a method explains models of a family.

    Raises:
        RuntimeError: If it fails for another reason, such as a library that is not installed.
    """
    model = find_card(family).name
    paper = _PAPER_OF[objects_of(family)]
    words = ["explain", method, model, sample_of(paper), "--weights", write_weights(model, folder)]
    words += ["--jets", _JETS[paper], "--device", "cpu", "-q"]
    if method == "kernel_shap":
        words += ["--option", "background_size=2"]  # it is slow, and takes the same networks
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run_command(list(map(str, words)))
    if code != 0 and not _REFUSED.search(said.getvalue()):
        raise RuntimeError(said.getvalue())
    return code == 0


def items_tried() -> dict[str, list[str]]:
    """Return, of each item that there is, the models without whose weights it fails."""
    return {item.id: list(models_needed(item)) for item in load_items() if item.module}


def models_needed(item: Item) -> Iterator[str]:
    """Yield the models that an item asks for, in a folder that gets their weights one by one."""
    with tempfile.TemporaryDirectory() as name:
        # Without any weights a folder is refused, whatever an item takes.
        other = Path(name) / "other" / WEIGHTS
        other.parent.mkdir()
        other.touch()
        jets = str(sample_of(item.paper))
        settings = Settings(jets, name, "cpu", jets=_JETS[item.paper], background=10, quiet=True)
        while True:
            try:
                compute_item(item, Context(settings))
            except MissingData as error:
                match = _MISSING.match(str(error))
                if match is None:
                    raise
                write_weights(match[1], Path(name))
                yield match[1]
            else:
                return


def sample_of(paper: str) -> Path:
    """Return the simulated jets of a paper that come with the package."""
    return shipped_path(find_artifact(_SAMPLES[paper]))


def write_weights(model: str, folder: Path) -> Path:
    """Write weights that were never trained where a training would, and return their path."""
    path = folder / stem_of(find_card(model)) / WEIGHTS
    path.parent.mkdir(exist_ok=True)
    state = untrained_tagger(model).network.state_dict()
    safetensors.torch.save_file({k: v.contiguous() for k, v in state.items()}, path)
    return path


if __name__ == "__main__":
    main()
