"""Miniatures of record 12102: random jets, and the files that would hold them."""

from dataclasses import dataclass

import h5py
import numpy as np
import tables

from repro.data.hbb.branches import FEATURE_SETS, find_group

JAGGED = ("candidates", "tracks", "vertices")
SCALAR = ("jet", "spectators", "flags")
MOST = {"candidates": 105, "tracks": 70, "vertices": 7}
FLAGS = ([1, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0])  # QCD, H→bb̄, and two that are neither


@dataclass
class Made:
    """Jets before they are in any file: lists of objects, as long as they are."""

    objects: dict  # name of group -> one array (objects, features) for each jet
    scalars: dict  # name of group -> array (n, features)

    def __len__(self):
        return len(self.scalars["flags"])

    def padded(self, name):
        """Cut and filled up with zeros, (n, features, slots), float32."""
        group = find_group(name)
        values = np.zeros((len(self), *group.shape), np.float32)
        for row, objects in zip(values, self.objects[name], strict=True):
            kept = objects[: group.slots]
            row[:, : len(kept)] = kept.T
        return values


def make(n=37, seed=0, counts=None):
    """Random jets; ``counts`` gives the numbers of objects of a group, one for each jet."""
    rng = np.random.default_rng(seed)
    counts = counts or {}
    objects = {}
    for name in JAGGED:
        numbers = counts.get(name, rng.integers(0, MOST[name] + 1, n))
        features = len(find_group(name).branches)
        objects[name] = [rng.normal(0, 50, (k, features)).astype(np.float32) for k in numbers]
    scalars = {
        name: rng.normal(0, 50, (n, len(find_group(name).branches))).astype(np.float32)
        for name in ("jet", "spectators")
    }
    flags = np.array(FLAGS, np.int32)[rng.integers(0, len(FLAGS), n)]
    return Made(objects, {**scalars, "flags": flags})


def write_root(made, path, *, skip=(), dtypes=None, columns=None, basket=None):
    """A tree with the record's branches, jagged ones as the library writes them."""
    import awkward as ak
    import uproot

    dtypes = dtypes or {}
    data = {}
    for name in JAGGED:
        numbers = [len(objects) for objects in made.objects[name]]
        for i, branch in enumerate(find_group(name).branches):
            flat = np.concatenate([objects[:, i] for objects in made.objects[name]])
            data[branch] = ak.unflatten(flat.astype(dtypes.get(branch, np.float32)), numbers)
    for name in SCALAR:
        for i, branch in enumerate(find_group(name).branches):
            values = made.scalars[name][:, i]
            data[branch] = values.astype(dtypes.get(branch, values.dtype))
    data |= columns or {}
    data = {branch: values for branch, values in data.items() if branch not in skip}
    with uproot.recreate(path) as file:
        types = {k: v.type if isinstance(v, ak.Array) else v.dtype for k, v in data.items()}
        types = {
            k: t if isinstance(t, np.dtype) else f"var * {ak.Array(data[k]).layout.content.dtype}"
            for k, t in types.items()
        }
        tree = file.mktree("deepntuplizer/tree", types)
        step = basket or max(1, len(made) // 3)  # several baskets
        for start in range(0, len(made), step):
            tree.extend({k: v[start : start + step] for k, v in data.items()})
    return path


def write_twin(made, path, *, skip=(), dtypes=None, columns=None, published=False):
    """Arrays as PyTables writes them; ``published`` cuts rows as the published script does."""
    dtypes = dtypes or {}
    filters = tables.Filters(complevel=7, complib="blosc")
    with tables.open_file(path, "w") as file:

        def write(branch, values):
            values = (columns or {}).get(branch, values)
            if branch not in skip:
                values = np.asarray(values).astype(dtypes.get(branch, values.dtype))
                file.create_carray("/", branch, obj=values, filters=filters)

        for name in JAGGED:
            values = made.padded(name).astype(np.float64)
            if published:
                values = _published(made, name)
            for i, branch in enumerate(find_group(name).branches):
                write(branch, values[:, i])
        for name in SCALAR:
            for i, branch in enumerate(find_group(name).branches):
                write(branch, made.scalars[name][:, i].copy())
    return path


def _published(made, name):
    """As the script does: one table of all objects, without its last row, then one row a jet."""
    objects = [*made.objects[name][:-1], made.objects[name][-1][:-1]]
    counted = [jet for jet, found in enumerate(objects) if len(found)]
    cut = Made({name: [objects[jet] for jet in counted]}, {"flags": counted})
    assert counted == list(range(len(counted)))  # else the script itself fails
    return cut.padded(name).astype(np.float64)


def write_originals(made, path, split="train"):
    """As the authors' converter writes, with the first jet's features for every jet."""
    n = len(made)
    with h5py.File(path, "w") as file:
        features = file.create_group(f"{split}ing_subgroup")
        jet = np.repeat(made.scalars["jet"][:1, :, None], n, axis=0)
        for j, name in enumerate(FEATURE_SETS):
            features[f"{split}ing_{j}"] = jet if name == "jet" else made.padded(name)
        flags = made.scalars["flags"].astype(np.float32)
        file["target_subgroup/target"] = np.stack([flags[:, 0] * flags[:, 1], flags[:, 2]], 1)
        file["spectator_subgroup/spectators"] = made.scalars["spectators"][:, None]
    return path


def assert_same(jets, made, rows=slice(None)):
    """What a reader gives is what was made."""
    flags = made.scalars["flags"][rows]
    np.testing.assert_array_equal(jets.tracks, made.padded("tracks")[rows])
    np.testing.assert_array_equal(jets.vertices, made.padded("vertices")[rows])
    np.testing.assert_array_equal(jets.spectators, made.scalars["spectators"][rows])
    np.testing.assert_array_equal(jets.labels, flags[:, 2])
    np.testing.assert_array_equal(jets.unlabelled, flags[:, 0] * flags[:, 1] + flags[:, 2] == 0)


def assert_equal_jets(first, second):
    for name in ("tracks", "vertices", "labels", "unlabelled", "spectators"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
