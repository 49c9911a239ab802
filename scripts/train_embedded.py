"""Train the weights that ship with the package, and put them in their place.

    python scripts/train_embedded.py --data train.h5 --runs runs --jobs 2

Each variant is one ``repro train MODEL --recipe embedded``; the longest begin first, on one thread
each.  What is finished is not trained again, and what was stopped goes on.  The data were made by
``repro simulate toptag --preset matched --seed 2 --jets 210000 --packed --out train.h5``; seed 1 is
that of the shipped jets, on which the performance is measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.features.embedded import SHIPPED
from repro.models import embedded_weights
from repro.models.cards import Card, find_card, load_cards
from repro.training.recipe import find_recipe

FAMILIES = ("pfin", "pfn", "leakypfn", "augpfn", "mbns", "topodnn")
PLACE = Path(embedded_weights.__file__).parent / "embedded"


def main() -> int:
    """Train what is chosen; return 1 if a training failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="MODEL:VARIANT; all if none is given")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--place", action="store_true", help="copy what is finished; train nothing")
    arguments = parser.parse_args()
    cards = [card for family in FAMILIES for card in load_cards(family).values()]
    chosen = [card for card in cards if not arguments.models or card.name in arguments.models]
    if arguments.place:
        codes = [0] * len(chosen)
    else:
        with ThreadPoolExecutor(arguments.jobs) as pool:
            codes = list(pool.map(lambda card: train(card, arguments.data, arguments.runs), chosen))
    for card, code in zip(chosen, codes, strict=True):
        if code:
            print(f"{card.name}: failed", file=sys.stderr)
        else:
            place(card, arguments.runs)
    return int(any(codes))


def train(card: Card, data: Path, runs: Path) -> int:
    """Train a variant in a process of its own."""
    out = folder(card, runs)
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "repro", "train", card.name, "--recipe", "embedded"]
    command += ["--data", str(data), "--out", str(out)]
    begin_with = find_recipe("embedded", card).begin_with
    if begin_with:
        command += ["--preload", str(folder(find_card(begin_with), runs) / "weights.safetensors")]
    command += ["--test", str(shipped_path(find_artifact(SHIPPED)))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (out / "log.txt").open("w") as log:
        done = subprocess.run(  # noqa: S603 - our own command
            command, stdout=log, stderr=log, env=environment, check=False
        )
    return done.returncode


def place(card: Card, runs: Path) -> None:
    """Copy the weights and the card of a finished training to where the package finds them."""
    out = folder(card, runs)
    if not (out / "card.json").is_file():
        return
    document = json.loads((out / "card.json").read_text("utf-8"))
    stem = embedded_weights.stem_of(card)
    shutil.copyfile(out / "weights.safetensors", PLACE / f"{stem}.safetensors")
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (PLACE / f"{stem}.json").write_text(f"{text}\n", "utf-8")
    auc = {name: entry["auc"]["value"] for name, entry in document["metrics"].items()}
    print(card.name, auc)


def folder(card: Card, runs: Path) -> Path:
    """Return the folder of a variant's training."""
    return runs / embedded_weights.stem_of(card)


if __name__ == "__main__":
    sys.exit(main())
