"""The Interaction Network as its authors compute it, from their names of the weights.

Edges are columns of incidence matrices, receiver first; all 3540 and 300 of them are computed.
Nothing of the package's networks is used.
"""

import itertools

import numpy as np
import torch

__all__ = [
    "TRACK_EDGES",
    "VERTEX_EDGES",
    "jets_with",
    "oracle",
    "random_state",
    "rows_of",
]

TRACKS, VERTICES = 60, 5
TRACK_EDGES = [(r, s) for r, s in itertools.product(range(TRACKS), repeat=2) if r != s]
VERTEX_EDGES = list(itertools.product(range(TRACKS), range(VERTICES)))


def rows_of(tracks, vertices):
    """What a network takes: all numbers of a jet in one row."""
    return np.concatenate([part.reshape(len(part), -1) for part in (tracks, vertices)], axis=1)


def incidence(ends, slots, dtype):
    """(slots, edges), 1 where an edge ends in a slot."""
    matrix = torch.zeros(slots, len(ends), dtype=dtype)
    matrix[list(ends), torch.arange(len(ends))] = 1
    return matrix


def oracle(state, tracks, vertices):
    """Logits (n, 2) and, by layer, the activations (n, edges or slots, nodes)."""
    dtype = state["fr1.weight"].dtype
    seen = {}

    def block(values, *names):
        for name in names:
            values = torch.relu(values @ state[f"{name}.weight"].T + state[f"{name}.bias"])
            seen[name] = values
        return values

    x, y = (torch.from_numpy(np.asarray(part)).to(dtype) for part in (tracks, vertices))
    receivers = incidence([r for r, _ in TRACK_EDGES], TRACKS, dtype)
    senders = incidence([s for _, s in TRACK_EDGES], TRACKS, dtype)
    of_tracks = incidence([k for k, _ in VERTEX_EDGES], TRACKS, dtype)
    of_vertices = incidence([v for _, v in VERTEX_EDGES], VERTICES, dtype)
    edges = torch.cat([x @ receivers, x @ senders], dim=1).transpose(1, 2)
    effects = receivers @ block(edges, "fr1", "fr2", "fr3")
    edges = torch.cat([x @ of_tracks, y @ of_vertices], dim=1).transpose(1, 2)
    vertex_effects = of_tracks @ block(edges, "fr1_pv", "fr2_pv", "fr3_pv")
    nodes = torch.cat([x.transpose(1, 2), effects, vertex_effects], dim=2)
    pooled = block(nodes, "fo1", "fo2", "fo3").sum(dim=1)
    return pooled @ state["fc_fixed.weight"].T + state["fc_fixed.bias"], seen


def jets_with(tracks, vertices, seed=0, *, anywhere=False, features=(30, 14)):
    """Jets with these numbers of tracks and vertices, at the beginning or in any slots."""
    rng = np.random.default_rng(seed)

    def filled(counts, features, slots):
        values = rng.normal(size=(len(counts), features, slots)).astype(np.float32)
        for jet, count in zip(values, counts, strict=True):
            places = rng.permutation(slots) if anywhere else np.arange(slots)
            jet[:, places[count:]] = 0
        return values

    return filled(tracks, features[0], TRACKS), filled(vertices, features[1], VERTICES)


def random_state(*, tracks=30, vertices=14, hidden=60, edge=20, node=24, seed=0):
    """A state dict with the authors' names, as torch draws the weights of linear layers."""
    sizes = {"fr": (2 * tracks, edge), "fo": (tracks + 2 * edge, node)}
    state = {}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        shapes = {}
        for name, suffix, (inputs, outputs) in (
            ("fr", "", sizes["fr"]),
            ("fr", "_pv", (tracks + vertices, edge)),
            ("fo", "", sizes["fo"]),
        ):
            widths = [inputs, hidden, hidden, outputs]
            for i in range(3):
                shapes[f"{name}{i + 1}{suffix}"] = widths[i : i + 2]
        for name, (inputs, outputs) in {**shapes, "fc_fixed": [node, 2]}.items():
            layer = torch.nn.Linear(inputs, outputs)
            state[f"{name}.weight"], state[f"{name}.bias"] = layer.weight.data, layer.bias.data
    return state
