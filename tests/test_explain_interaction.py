"""Neuron activity and relevance in Interaction Networks, against all of their edges."""

import numpy as np
import pytest
import torch
from interaction_oracle import (
    TRACK_EDGES,
    VERTEX_EDGES,
    artificial_jets,
    jets_with,
    oracle,
    random_state,
)
from problems import make_network

from repro.catalogue import load_claims
from repro.errors import BadInput
from repro.explain.activation_patterns import (
    ActivityCounter,
    explain_by_activation_patterns,
    relative_activity,
    sparsity,
)
from repro.explain.problem import Problem
from repro.features.interaction import interaction_inputs
from repro.models.interaction import rename_authors
from repro.models.interaction_network import LAYERS, InteractionNetwork
from repro.models.tagger import load_tagger

CLAIMS = {claim.id: claim for claim in load_claims("hbb")}
TRACKS = [0, 1, 2, 30, 59, 60]
VERTICES = [0, 5, 1, 2, 0, 4]


@pytest.fixture(scope="module")
def state():
    return {name: tensor.double() for name, tensor in random_state().items()}


@pytest.fixture(scope="module")
def network(state):
    network = InteractionNetwork(30, 14, (60, 60), 20, 24).double().eval()
    network.load_state_dict(rename_authors(state))
    return network


@pytest.fixture(scope="module")
def jets():
    tracks, vertices = jets_with(TRACKS, VERTICES, anywhere=True)
    return tracks.astype(np.float64), vertices.astype(np.float64)


def rows_of(tracks, vertices):
    return np.concatenate([part.reshape(len(part), -1) for part in (tracks, vertices)], axis=1)


# --- activity ------------------------------------------------------------------------------------


def summed(seen, jets, fired, padding):
    """Sums over all edges and slots, or over those without padding."""
    real = [torch.from_numpy(part.any(axis=1)) for part in jets]
    masks = {
        "fr": torch.stack([real[0][:, r] & real[0][:, s] for r, s in TRACK_EDGES], dim=1),
        "pv": torch.stack([real[0][:, k] & real[1][:, v] for k, v in VERTEX_EDGES], dim=1),
        "fo": real[0],
    }
    found = []
    for layer in LAYERS:
        values = (seen[layer] > 0).double() if fired else seen[layer]
        if not padding:
            values = values * masks["pv" if layer.endswith("pv") else layer[:2]][..., None]
        found.append(values.sum(dim=1))
    return found


@pytest.mark.parametrize("fired", [False, True])
@pytest.mark.parametrize("padding", [False, True])
def test_activity_is_that_of_all_edges(state, network, jets, monkeypatch, *, fired, padding):
    rows = torch.from_numpy(rows_of(*jets))
    wanted = summed(oracle(state, *jets)[1], jets, fired, padding)
    for edge_bytes in (None, 100_000):
        monkeypatch.setattr(network, "edge_bytes", edge_bytes)
        found = network.summed_activations(rows, fired=fired, padding=padding)
        assert len(found) == len(LAYERS)
        for ours, theirs in zip(found, wanted, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["weighted", "unweighted"])
def test_activity_of_the_baseline_on_artificial_jets(fetch, kind):
    """Claim C8."""
    network = load_tagger("in", "authors", fetch).network
    rows = torch.from_numpy(interaction_inputs(*artificial_jets()))
    sums = network.summed_activations(rows, fired=kind == "unweighted")
    quiet = 0
    for layer, found in zip(LAYERS, sums, strict=True):
        total = found.sum(dim=0).double().numpy()
        small = int(len(total) * sparsity(relative_activity(total, [len(total)])))
        quiet += small
        key = f"hbb/C8.{kind}.{{}}.{layer}"
        assert small == pytest.approx(CLAIMS[key.format("quiet")].expected, abs=1)
        assert total.argmax() == CLAIMS[key.format("argmax")].expected
        largest = CLAIMS[key.format("largest")].expected
        slack = {"rel": 1e-3} if kind == "weighted" else {"abs": 1}
        assert total.max() == pytest.approx(largest, **slack)
    assert quiet == pytest.approx(CLAIMS[f"hbb/C8.{kind}.quiet.total"].expected, abs=1)


def test_counters_take_the_sums_of_the_network(network, jets):
    rows, labels = np.repeat(rows_of(*jets), 2, axis=0), np.array([0, 1] * 6)
    for options in ({}, {"fired": True}, {"padding": False}):
        counter = ActivityCounter(network, **options)
        counter.add(rows, labels)
        found = counter.explain(("qcd", "hbb"))
        assert found.details["layers"] == [60, 60, 20, 60, 60, 20, 60, 60, 24]
        assert (found.names[0], found.names[-1]) == ("fr1/0", "fo3/23")
        assert {"quiet": 0.2} | options == found.settings
        sums = network.summed_activations(torch.from_numpy(rows_of(*jets)), **options)
        mean = torch.cat(sums, dim=1).mean(dim=0).numpy()
        wanted = relative_activity(mean, found.details["layers"])
        for name in ("qcd", "hbb"):
            np.testing.assert_allclose(found.panels[name].value, wanted, rtol=1e-9, atol=1e-12)


def test_unweighted_activity_of_dense_networks_counts_jets():
    network = make_network().eval()
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(40, 5)), np.arange(40) % 2
    problem = Problem(network, inputs, labels, tuple("abcde"))
    found = explain_by_activation_patterns(problem, fired=True)
    first = network.layers[0](torch.from_numpy(inputs[labels == 0])) > 0
    share = first.double().mean(dim=0).detach().numpy()
    np.testing.assert_allclose(found.panels["qcd"].value[:7], share / share.max())
    assert found.settings == {"quiet": 0.2, "fired": True}


def test_padding_of_networks_that_do_not_know_theirs_cannot_be_left_out():
    with pytest.raises(BadInput, match="does not say what is padding"):
        ActivityCounter(make_network(), padding=False)
