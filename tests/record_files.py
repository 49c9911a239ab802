"""Files of record 12102 as the authors' converter makes them, of artificial jets."""

import h5py
import numpy as np
from interaction_oracle import jets_with

from repro.catalogue import find_item
from repro.figures.run import compute_item


def jets_of_a_class_by_chance(count):
    """Return tracks, vertices and targets: jets of a class by chance, some of none."""
    rng = np.random.default_rng(5)
    tracks, vertices = jets_with(rng.integers(1, 8, count), rng.integers(0, 3, count), seed=3)
    targets = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    return tracks, vertices, targets[rng.choice(3, count, p=[0.5, 0.4, 0.1])]


def write_record(path, tracks, vertices, targets):
    """Write a processed file, and return its path."""
    count = len(tracks)
    with h5py.File(path, "w") as file:
        group = file.create_group("testing_subgroup")
        group["testing_0"] = np.zeros((count, 27, 1), np.float32)
        group["testing_1"] = np.zeros((count, 10, 100), np.float32)
        group["testing_2"], group["testing_3"] = tracks, vertices
        file["target_subgroup/target"] = targets
        file["spectator_subgroup/spectators"] = np.zeros((count, 1, 11), np.float32)
    return path


def computing(context):
    """Return what computes items by their ids, each once."""
    results = {}

    def run(item_id):
        if item_id not in results:
            results[item_id] = compute_item(find_item(item_id), context)
        return results[item_id]

    return run
