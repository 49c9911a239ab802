"""Train the weights that ship with the package, and put them in their place.

    python scripts/train_embedded.py toptag --data train.h5 --runs runs --jobs 2
    python scripts/train_embedded.py hbb --data train-hbb.h5 --runs runs --jobs 2

Each training is one ``repro train MODEL --recipe embedded``, on one thread; those that begin with
the weights of others come later.  What is finished is not trained again, and what was stopped goes
on.  The data were made by

    repro simulate toptag --preset matched --seed 2 --jets 210000 --packed --out train.h5
    repro simulate hbb --preset window --seed 2 --jets 25000 --packed --out train-hbb.h5

Seed 1 is that of the shipped jets, on which the performance is measured.  Networks of hbb that
were trained with random and with preloaded weights are trained with further seeds: their cards
are kept, which tell how long it took, and their weights are not.  With --missing, what the package
has already by the same recipe on the same jets is not trained again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from repro.data.integrity import hash_file
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.features.embedded import SHIPPED
from repro.figures.record_jets import EMBEDDED
from repro.figures.retrained import pairs_of_labels
from repro.models import embedded_weights
from repro.models.cards import Card, find_card, load_cards
from repro.training.recipe import find_recipe

FAMILIES = {
    "toptag": ("pfin", "pfn", "leakypfn", "augpfn", "mbns", "topodnn"),
    "hbb": ("in",),
}
TEST = {"toptag": SHIPPED, "hbb": EMBEDDED}
FURTHER_SEEDS = (1, 2)
PLACE = Path(embedded_weights.__file__).parent / "embedded"


@dataclass(frozen=True)
class Training:
    """One training: a variant, and a further seed if it is not the one that ships."""

    card: Card
    seed: int | None = None

    @property
    def stem(self) -> str:
        """Name of its folder, and of the files that it gives to the package."""
        stem = embedded_weights.stem_of(self.card)
        return stem if self.seed is None else f"{stem}.{self.seed}"

    @property
    def begin_with(self) -> str | None:
        """The variant that it begins with."""
        return find_recipe("embedded", self.card).begin_with

    @property
    def stage(self) -> int:
        """What has to wait for others is of a later one."""
        return 2 if self.seed is not None else int(self.begin_with is not None)


def main() -> int:
    """Train what is chosen; return 1 if a training failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paper", choices=FAMILIES)
    parser.add_argument("models", nargs="*", help="MODEL:VARIANT; all if none is given")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--place", action="store_true", help="copy what is finished; train nothing")
    parser.add_argument("--missing", action="store_true", help="only what the package has not")
    arguments = parser.parse_args()
    arguments.placed = set()
    chosen = [
        training
        for training in trainings(arguments.paper)
        if not arguments.models or training.card.name in arguments.models
    ]
    if arguments.missing:
        digest = hash_file(arguments.data)
        chosen = [training for training in chosen if not is_placed(training, digest)]
        arguments.placed = {Training(card).stem for card in placed_first(chosen)}
    failed = False
    for number in sorted({training.stage for training in chosen}):
        stage = [training for training in chosen if training.stage == number]
        if arguments.place:
            codes = [0] * len(stage)
        else:
            with ThreadPoolExecutor(arguments.jobs) as pool:
                codes = list(pool.map(lambda training: train(training, arguments), stage))
        for training, code in zip(stage, codes, strict=True):
            if code:
                failed = True
                print(f"{training.stem}: failed", file=sys.stderr)
            else:
                place(training, arguments.runs)
    return int(failed)


def trainings(paper: str) -> Iterator[Training]:
    """Yield all trainings of a paper, the baselines first."""
    for family in FAMILIES[paper]:
        cards = load_cards(family)
        for card in cards.values():
            yield Training(card)
        if family == "in":
            pairs = pairs_of_labels(set(cards))
            for seed in FURTHER_SEEDS:
                for labels in pairs.values():
                    for label in labels:
                        yield Training(cards[label], seed)


def train(training: Training, arguments: argparse.Namespace) -> int:
    """Train a variant in a process of its own."""
    out = arguments.runs / training.stem
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "repro", "train", training.card.name]
    command += ["--recipe", "embedded", "--data", str(arguments.data), "--out", str(out)]
    if training.seed is not None:
        command += ["--seed", str(training.seed)]
    if training.begin_with:
        first = Training(find_card(training.begin_with))
        begun = arguments.runs / first.stem / "weights.safetensors"
        command += ["--preload", "embedded" if first.stem in arguments.placed else str(begun)]
    command += ["--test", str(shipped_path(find_artifact(TEST[arguments.paper])))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (out / "log.txt").open("w") as log:
        done = subprocess.run(  # noqa: S603 - our own command
            command, stdout=log, stderr=log, env=environment, check=False
        )
    return done.returncode


def placed_first(chosen: Sequence[Training]) -> Iterator[Card]:
    """Yield the variants that some begin with, of those that are not trained themselves."""
    trained = {training.stem for training in chosen}
    for name in sorted({training.begin_with for training in chosen if training.begin_with}):
        card = find_card(name)
        if Training(card).stem not in trained:
            yield card


def is_placed(training: Training, digest: str) -> bool:
    """Whether the package has what a training gives, by its recipe, on jets of this hash.

    What begins with other weights is, if these are the package's now, and what they should be.
    """
    path = PLACE / f"{training.stem}.json"
    if not path.is_file():
        return False
    made = json.loads(path.read_text("utf-8"))["training"]
    if training.begin_with:
        first = Training(find_card(training.begin_with))
        if not is_placed(first, digest):
            return False
        weights = json.loads((PLACE / f"{first.stem}.json").read_text("utf-8"))["weights"]
        if made["begun_with"]["sha256"] != weights["sha256"]:
            return False
    recipe = find_recipe("embedded", training.card).changed(seed=training.seed).document()
    same_recipe = made["recipe"] == json.loads(json.dumps(recipe))
    return bool(same_recipe and made["data"]["sha256"] == digest)


def place(training: Training, runs: Path) -> None:
    """Copy what a finished training made to where the package finds it."""
    out = runs / training.stem
    if not (out / "card.json").is_file():
        return
    document = json.loads((out / "card.json").read_text("utf-8"))
    if training.seed is None:
        shutil.copyfile(out / "weights.safetensors", PLACE / f"{training.stem}.safetensors")
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (PLACE / f"{training.stem}.json").write_text(f"{text}\n", "utf-8")
    auc = {name: entry["auc"]["value"] for name, entry in document["metrics"].items()}
    print(training.stem, auc)


if __name__ == "__main__":
    sys.exit(main())
