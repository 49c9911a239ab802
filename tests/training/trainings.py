"""Recipes and jets of the tests of training."""

import numpy as np

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
