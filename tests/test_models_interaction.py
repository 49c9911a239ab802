"""The Interaction Network against the authors' computation with incidence matrices."""

import itertools

import numpy as np
import pytest
import torch
from interaction_oracle import jets_with, oracle, random_state, rows_of

from repro.errors import BadInput
from repro.features.interaction import interaction_features, interaction_inputs
from repro.features.waves import wave_jets
from repro.models import interaction_network
from repro.models.cards import find_card, load_cards
from repro.models.dense import count_parameters
from repro.models.distinct import groups_of_distinct_slots, tiles
from repro.models.interaction import build, rename_authors
from repro.models.interaction_network import InteractionNetwork
from repro.models.padded import padded
from repro.models.scores import score_tracks
from repro.models.tagger import predict_logits, untrained_tagger

TRACKS = [0, 1, 2, 30, 30, 59, 60, 60]
VERTICES = [0, 5, 1, 2, 3, 0, 5, 4]
LABELS = list(load_cards("in"))


def network_of(state, **sizes):
    network = InteractionNetwork(
        sizes.get("tracks", 30),
        sizes.get("vertices", 14),
        (sizes.get("hidden", 60),) * 2,
        sizes.get("edge", 20),
        sizes.get("node", 24),
    )
    network.load_state_dict(rename_authors(state))
    return network.eval()


def assert_same(found, wanted):
    """Logits are differences of larger sums: relative to the largest of the jets."""
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.fixture(scope="module")
def state():
    return random_state()


@pytest.mark.parametrize("anywhere", [False, True])
def test_logits_are_those_of_all_edges(state, anywhere):
    jets = jets_with(TRACKS, VERTICES, anywhere=anywhere)
    wanted, _ = oracle(state, *jets)
    assert_same(predict_logits(network_of(state), rows_of(*jets)), wanted)


@pytest.mark.parametrize(
    "sizes",
    [
        {"tracks": 5, "vertices": 6, "hidden": 16, "edge": 8, "node": 8},
        {"tracks": 22, "vertices": 14, "hidden": 32, "edge": 3, "node": 40},
    ],
)
def test_other_sizes_and_features(sizes):
    state = random_state(**sizes)
    jets = jets_with(TRACKS, VERTICES, features=(sizes["tracks"], sizes["vertices"]))
    wanted, _ = oracle(state, *jets)
    assert_same(predict_logits(network_of(state, **sizes), rows_of(*jets)), wanted)


def test_in_double_precision_they_are_equal_to_the_last_digits(state):
    double = {name: tensor.double() for name, tensor in state.items()}
    jets = [part.astype(np.float64) for part in jets_with(TRACKS, VERTICES, anywhere=True)]
    wanted, _ = oracle(double, *jets)
    found = predict_logits(network_of(state).double(), rows_of(*jets))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_negative_zeros_are_padding_and_tiny_numbers_are_not(state):
    tracks, vertices = jets_with([3, 3], [2, 2])
    tracks[0, :, 3:] = -0.0
    tracks[1, 7, 40] = 1e-38
    (group,) = groups_of_distinct_slots(torch.from_numpy(tracks[:1]), 100)
    assert group.counts.tolist() == [1, 1, 1, 57]
    (group,) = groups_of_distinct_slots(torch.from_numpy(tracks[1:]), 100)
    assert group.counts.tolist() == [1, 1, 1, 1, 56]
    wanted, _ = oracle(state, tracks, vertices)
    assert_same(predict_logits(network_of(state), rows_of(tracks, vertices)), wanted)


@pytest.mark.parametrize("portable", [False, True])
def test_plain_versions_have_the_same_logits(state, portable):
    rows = rows_of(*jets_with(TRACKS, VERTICES, anywhere=True))
    network = network_of(state)
    wanted = predict_logits(network, rows)
    assert_same(predict_logits(padded(network, portable=portable), rows), wanted)


@pytest.mark.parametrize("edge_bytes", [1, 40_000, 1_000_000, 2**30])
def test_tiles_do_not_change_the_logits(state, edge_bytes):
    """Of one edge; of a part of a jet's; of several jets; all at once."""
    rows = rows_of(*jets_with(TRACKS * 2, VERTICES * 2))
    network = network_of(state)
    wanted = predict_logits(network, rows)
    network.edge_bytes = edge_bytes
    assert_same(predict_logits(network, rows), wanted)


def test_activations_in_memory_are_bounded(state, monkeypatch):
    """Whatever the number of jets, edges are computed in pieces of the given size."""
    sizes = []
    piece = interaction_network.Memory.piece

    def recorded(memory, place, *shape):
        sizes.append(int(np.prod(shape)))
        return piece(memory, place, *shape)

    monkeypatch.setattr(interaction_network.Memory, "piece", recorded)
    network = network_of(state)
    network.edge_bytes = 400_000
    predict_logits(network, rows_of(*jets_with([60] * 20, [5] * 20)))
    assert 4 * max(sizes) <= 400_000


def test_edges_that_are_computed_are_those_that_differ(state, monkeypatch):
    """(k + 1)² of k tracks, of which k + 1 from a slot to itself do not count."""
    edges = []
    network = network_of(state)
    layers = network._edge_layers

    def counted(ends, *others):
        found = layers(ends, *others)
        edges.append(found[0].numel())
        return found

    monkeypatch.setattr(network, "_edge_layers", counted)
    tracks = [0, 1, 30, 59, 60]
    predict_logits(network, rows_of(*jets_with(tracks, [0] * 5)))
    different = [min(count + 1, 60) for count in tracks]
    assert sum(edges) == sum(k * k + 5 * k for k in different)


def test_no_jets_give_no_logits(state):
    network = network_of(state)
    with torch.inference_mode():
        assert network(torch.zeros(0, 1870)).shape == (0, 2)


def test_a_jet_with_nan_has_nan_and_leaves_the_others_alone(state):
    rows = rows_of(*jets_with([3, 5], [1, 1]))
    wanted = predict_logits(network_of(state), rows)
    rows[0, 0] = np.nan
    found = predict_logits(network_of(state), rows)
    assert np.isnan(found[0]).all()
    assert_same(found[1:], wanted[1:])


def test_gradients_are_those_of_all_edges(state):
    """In double precision, where ReLUs do not change side."""
    double = {name: tensor.double().requires_grad_() for name, tensor in state.items()}
    jets = [part.astype(np.float64) for part in jets_with([0, 7, 60], [1, 0, 5])]
    network = network_of(state).double()
    network.edge_bytes = 200_000
    weights = torch.tensor([1.0, -2.0], dtype=torch.float64)
    (oracle(double, *jets)[0] @ weights).sum().backward()
    (network(torch.from_numpy(rows_of(*jets))) @ weights).sum().backward()
    found = dict(network.named_parameters())
    wanted = {name: tensor.grad for name, tensor in double.items()}
    for name, gradient in rename_authors(wanted).items():
        torch.testing.assert_close(found[name].grad, gradient, rtol=1e-9, atol=1e-12)


def test_order_of_tracks_and_vertices_does_not_matter(state):
    rng = np.random.default_rng(1)
    tracks, vertices = jets_with(TRACKS, VERTICES)
    network = network_of(state)
    wanted = predict_logits(network, rows_of(tracks, vertices))
    for _ in range(3):
        shuffled = tracks[:, :, rng.permutation(60)], vertices[:, :, rng.permutation(5)]
        assert_same(predict_logits(network, rows_of(*shuffled)), wanted)


def test_tiles_cover_everything_once():
    for jets, rows, columns, most in itertools.product((1, 2, 7), (1, 4), (1, 3), (1, 5, 12, 100)):
        seen = np.zeros((jets, rows), int)
        for some, parts in tiles(jets, rows, columns, most):
            for part in parts:
                seen[some, part] += 1
                size = seen[some, part].size * columns
                assert size <= max(most, columns)
        assert (seen == 1).all()


# --- cards ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", LABELS)
def test_cards_have_the_sizes_of_their_networks(label):
    card = find_card(f"in:{label}")
    network = build(card)
    assert count_parameters(network) == card.parameters
    assert card.inputs == 60 * network.tracks + 5 * network.vertices


def test_a_bare_in_is_the_baseline():
    assert len(LABELS) == 31
    assert find_card("in") == find_card("in:baseline")


def test_a_card_without_sizes_is_refused():
    with pytest.raises(ValueError, match="edge_features"):
        build(find_card("pfn"))


def test_inputs_of_other_shapes_are_refused():
    tracks, vertices = wave_jets(2)
    with pytest.raises(BadInput, match=r"tracks have shape \(2, 60, 30\)"):
        interaction_inputs(tracks.transpose(0, 2, 1), vertices)
    with pytest.raises(BadInput, match=r"vertices have shape \(1, 14, 5\)"):
        interaction_inputs(tracks, vertices[:1])


@pytest.mark.parametrize("name", ["in", "in:psvfeaturesdropped_100_preload"])
def test_scores_of_arrays_are_those_of_the_logits(monkeypatch, name):
    monkeypatch.setattr("repro.models.scores._JETS_PER_CHUNK", 3)
    tagger = untrained_tagger(name)
    tracks, vertices = jets_with(TRACKS, VERTICES)
    rows = tagger.prepare(interaction_inputs(tracks, vertices), interaction_features())
    wanted = torch.softmax(torch.from_numpy(predict_logits(tagger.network, rows)), dim=1)[:, 1]
    found = score_tracks(tagger, tracks, vertices)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-5)
    assert score_tracks(tagger, tracks[:0], vertices[:0]).shape == (0,)
    with pytest.raises(BadInput, match="vertices have shape"):
        score_tracks(tagger, tracks, vertices[:, :3])
