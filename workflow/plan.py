"""Which jobs a configuration asks for, with which words of the package's commands.

Runs with Python 3.8 and nothing else, as Snakemake reads it where the package is not installed.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from rates import Cost, Rates
from samples import CHUNK_JETS, FILE_JETS, Samples

__all__ = ["FILE_JETS", "PUBLISHED_JETS", "Plan", "document_of", "family", "stem_of"]

PUBLISHED_JETS = {"toptag": 404_000, "hbb": 9 * FILE_JETS}
"""Jets of the test sets, of which the papers' items are made."""

_ITEM = re.compile(r"(toptag|hbb)/(fig|table)([A-Z]?)([0-9]+)")


def stem_of(model: str) -> str:
    """Return what the package calls files of a model.

    >>> stem_of("topodnn:v4")
    'topodnn-v4'
    """
    return model.replace(":", "-")


def document_of(item: str) -> str:
    """Return where the document of an item lies in a folder of results.

    >>> document_of("toptag/fig5"), document_of("hbb/tableK3")
    ('toptag/fig05.json', 'hbb/tableK3.json')
    """
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(item)
    paper, kind, letter, number = match.groups()
    return f"{paper}/{kind}{letter + number if letter else number.zfill(2)}.json"


class Plan(Samples):
    """The jobs of a configuration, whose form is that of ``schemas/config.schema.yaml``.

    Args:
        config: The configuration.
        rates: What jobs cost.
    """

    def __init__(self, config: dict[str, Any], rates: Rates) -> None:
        super().__init__(config.get("samples", {}))
        self.rates = rates
        self.longest: int | None = config.get("longest")
        self.trained: list[dict[str, Any]] = config.get("trainings", [])
        self.trainings = {stem_of(entry["model"]): entry for entry in self.trained}
        self.explained: list[dict[str, Any]] = config.get("explanations", [])
        self.chosen: dict[str, dict[str, Any]] = config.get("items", {})

    def trained_with(self, paper: str, seed: int) -> list[str]:
        """Return the weights of the models of a paper that are trained with a seed."""
        return [
            _weights(seed, stem)
            for stem, entry in self.trainings.items()
            if seed in entry["seeds"] and self.paper_of(entry["model"]) == paper
        ]

    @staticmethod
    def paper_of(model: str) -> str:
        """Return the paper of a model."""
        return "hbb" if model.startswith("in:") else "toptag"

    # Trainings, and what is done with the weights.

    def training(self, stem: str) -> str:
        """Return what 'repro train' is given, but the seed and files."""
        entry = self.trainings[stem]
        words = [entry["model"], "--recipe", entry.get("recipe", "published")]
        for name in ("epochs", "device", "precision"):
            if name in entry:
                words += ["--" + name, str(entry[name])]
        return " ".join(words)

    def settings(self, stem: str) -> str:
        """Return a hash of what the weights of a training follow from, but the seed.

        Means, such as a device, are not among it: with others a training may go on.
        """
        return hashlib.sha256(json.dumps(self._settings(stem)).encode()).hexdigest()

    def _settings(self, stem: str) -> dict[str, Any]:
        entry = self.trainings[stem]
        found = {name: entry.get(name) for name in ("model", "epochs")}
        found["recipe"] = entry.get("recipe", "published")
        found["precision"] = entry.get("precision", "full")
        for purpose in ("sample", "validation"):
            found[purpose] = self.content(entry[purpose]) if purpose in entry else None
        found["after"] = self._settings(stem_of(entry["after"])) if "after" in entry else None
        return found

    def jets_of_training(self, stem: str, purpose: str) -> list[str]:
        """Return the files of the ``sample`` of a training, or of its ``validation``, if any."""
        entry = self.trainings[stem]
        return self.made(entry[purpose]) if purpose in entry else []

    def trained_before(self, stem: str, seed: str) -> list[str]:
        """Return the weights that a training begins with, if any."""
        entry = self.trainings[stem]
        return [_weights(seed, stem_of(entry["after"]))] if "after" in entry else []

    def scoring(self, stem: str) -> str:
        """Return what 'repro score' is given, but files."""
        entry = self.trainings[stem]
        return entry["model"] + (" --device " + entry["device"] if "device" in entry else "")

    def explaining(self, method: str, stem: str) -> str:
        """Return what 'repro explain' is given, but files and the seed."""
        entry = next(
            entry
            for entry in self.explained
            if (entry["method"], stem_of(entry["model"])) == (method, stem)
        )
        jets = " --jets {}".format(entry["jets"]) if "jets" in entry else ""
        return f"{method} {self.scoring(stem)}{jets}"

    @property
    def on_gpus(self) -> bool:
        """Whether any training asks for a GPU."""
        return any("gpus" in entry for entry in self.trainings.values())

    @property
    def weights(self) -> list[str]:
        """The weights of all trainings."""
        return [
            _weights(seed, stem)
            for stem, entry in self.trainings.items()
            for seed in entry["seeds"]
        ]

    @property
    def scores(self) -> list[str]:
        """The scores of all trainings on the samples that each names."""
        return [
            f"scores/{seed}/{stem}/{file}.npy"
            for stem, entry in self.trainings.items()
            for seed in entry["seeds"]
            for sample in entry.get("score", [])
            for file in self.files(sample)
        ]

    @property
    def explanations(self) -> list[str]:
        """The explanations of all trainings; of a sample of several files, on the first."""
        return [
            "explanations/{}/{}/{}/{}.json".format(
                seed, stem_of(entry["model"]), entry["method"], self.files(entry["sample"])[0]
            )
            for entry in self.explained
            for seed in self.trainings[stem_of(entry["model"])]["seeds"]
        ]

    # Items.

    @property
    def items(self) -> list[str]:
        """The ids of all tables and figures."""
        return [f"{paper}/{name}" for paper, entry in self.chosen.items() for name in entry["ids"]]

    @staticmethod
    def item(kind: str, label: str) -> str:
        """Return the name of an item in its paper, by what its files are called.

        >>> Plan.item("fig", "05"), Plan.item("table", "K3")
        ('fig5', 'tableK3')
        """
        return kind + label.lstrip("0")

    @property
    def item_files(self) -> list[str]:
        """Their documents."""
        return ["items/" + document_of(item) for item in self.items]

    def computing(self, paper: str) -> str:
        """Return what 'repro fig' and 'repro table' are given, but the item and files."""
        entry = self.chosen[paper]
        words: list[str] = []
        if entry["data"] not in self.samples:
            words += ["--data", entry["data"]]
        if not isinstance(entry["weights"], int):
            words += ["--weights", entry["weights"]]
        for name in ("jets", "background"):
            if name in entry:
                words += ["--" + name, str(entry[name])]
        return " ".join(words)

    def jets_of_items(self, paper: str) -> list[str]:
        """Return the file of the sample of a paper's items, if they take one."""
        data = self.chosen[paper]["data"]
        return self.made(data) if data in self.samples else []

    def converted_for_items(self, paper: str) -> list[str]:
        """Return the files of the record whose test jets a paper's items find in the cache."""
        if self.chosen[paper]["data"] != "paper":
            return []
        record = [name for name, entry in self.samples.items() if entry.get("split") == "test"]
        return [path for name in record for path in self.made(name)] if paper == "hbb" else []

    def weights_of_items(self, paper: str) -> list[str]:
        """Return the weights that a paper's items may take, if they take those of a seed."""
        seed = self.chosen[paper]["weights"]
        return self.trained_with(paper, seed) if isinstance(seed, int) else []

    # Costs.

    def of_chunks(self, sample: str, first: str, last: str) -> Cost:
        """Return what chunks take."""
        entry = self.samples[sample]
        jets = (int(last) - int(first)) * CHUNK_JETS[entry["paper"]]
        return self.rates.cost("simulate", entry["paper"], jets=min(jets, entry["jets"]))

    def of_sample(self, rule: str, sample: str) -> Cost:
        """Return what is done with a whole sample takes."""
        entry = self.samples[sample]
        kind = entry["paper"] + ("-packed" if entry.get("packed", True) else "")
        return self.rates.cost(rule, kind, jets=self.jets(sample))

    def of_file(self, _sample: str) -> Cost:
        """Return what the conversion of a file of the record takes."""
        return self.rates.cost("convert", "hbb", jets=FILE_JETS)

    def of_training(self, stem: str) -> Cost:
        """Return what a training takes at most: all of its epochs."""
        entry = self.trainings[stem]
        model = entry["model"]
        epochs = entry.get("epochs") or self.rates.find("train", model, family(model))["epochs"]
        jets = self.jets(entry["sample"])
        return self.rates.cost("train", model, family(model), jets=jets, times=epochs)

    def minutes(self, cost: Cost, attempt: int) -> int:
        """Return for how long to ask, the more the oftener it was tried, within ``longest``."""
        return self._within(cost.minutes * attempt)

    def minutes_of_training(self, stem: str, attempt: int) -> int:
        """Return for how long to ask for a training: its ``runtime``, if that is given.

        Each attempt goes on from the checkpoint of the one before, and needs no more than that.
        """
        given = self.trainings[stem].get("runtime")
        return self._within(given) if given else self.minutes(self.of_training(stem), attempt)

    def _within(self, minutes: int) -> int:
        return min(minutes, self.longest or minutes)

    def of_scoring(self, stem: str, file: str) -> Cost:
        """Return what the scores of a file take."""
        model = self.trainings[stem]["model"]
        return self.rates.cost("score", model, family(model), jets=self._jets_of(file))

    def of_explaining(self, method: str, stem: str, file: str) -> Cost:
        """Return what an explanation takes; of methods without a rate, what occlusion does."""
        model = self.trainings[stem]["model"]
        kinds = [f"{name} {family(model)}" for name in (method, "occlusion")]
        return self.rates.cost("explain", *kinds, jets=self._jets_of(file))

    def of_item(self, paper: str, item: str) -> Cost:
        """Return what an item takes."""
        data = self.chosen[paper]["data"]
        jets = self.chosen[paper].get("jets") or (self.jets(data) if data in self.samples else 0)
        return self.rates.cost("item", item, paper, jets=jets or PUBLISHED_JETS[paper])

    def of_reading(self, rule: str) -> Cost:
        """Return what takes the documents of all items."""
        return self.rates.cost(rule, "items", jets=len(self.items))

    def _jets_of(self, file: str) -> int:
        sample = file.rpartition(".")[0].partition("/")[0]
        return min(self.jets(sample), FILE_JETS) if "/" in file else self.jets(sample)


def _weights(seed: int | str, stem: str) -> str:
    return f"weights/{seed}/{stem}/weights.safetensors"


def family(model: str) -> str:
    """Return the family of a model.

    >>> family("pfin:sum")
    'pfin'
    """
    return model.partition(":")[0]
