"""Recipes and jets of the tests of training."""

from pathlib import Path

import numpy as np

from repro.data.packed import write_packed
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.features.embedded import SHIPPED, quantity_names, read_parts
from repro.features.subjettiness import subjettiness_features
from repro.training.examples import Examples
from repro.training.recipe import Recipe


def recipe(**settings) -> Recipe:
    """A recipe with the settings that matter to a test."""
    chosen = {
        "name": "test",
        "learning_rate": 0.1,
        "batch": 4,
        "epochs": 1000,
        "schedule": {"kind": "constant"},
        "selection": "accuracy",
        "initialisation": "torch",
        "seed": 0,
    }
    return Recipe(**chosen | settings)


def examples(n: int, seed: int) -> Examples:
    """Gaussian jets of five features, the first two of which tell the classes apart."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    inputs = rng.normal(size=(n, 5))
    inputs[:, :2] += 1.5 * labels[:, None]
    names = ("a", "b", "c", "d", "e")
    return Examples(inputs.astype(np.float32), labels, names, {"file": "none", "jets": n})


def write_jets(path: Path, jets: int) -> Path:
    """A file with the first of the shipped jets."""
    parts = read_parts(shipped_path(find_artifact(SHIPPED)), jets)
    write_packed(path, parts, subjettiness_features(), quantity_names(), {"made": "for a test"})
    return path
