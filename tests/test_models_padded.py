"""The padded versions of PFN and PFIN against the networks that skip the padding."""

import numpy as np
import pytest
import torch
from toy_jets import jets_of

from repro.errors import NotAvailable
from repro.features.embedded import find_embedded, read_parts
from repro.features.registry import inputs_of
from repro.models import augpfn, mbns, pfin, pfn, topodnn
from repro.models.cards import find_card
from repro.models.padded import PaddedPfin, PaddedPfn, padded, portable_momenta
from repro.models.pairs import detector_momenta, incidence, pair_indices, sum_of_pairs
from repro.models.tagger import load_tagger, predict_logits

MODULES = {"pfn": pfn, "pfin": pfin, "augpfn": augpfn}
COUNTS = [0, 1, 2, 3, 8, 8, 59, 60, 61, 199, 200]
NAMES = ["pfn", "pfn:v4", "pfin:sum", "pfin:cat"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def simulated():
    parts = read_parts(find_embedded("matched", None), 60)
    return np.concatenate([part.jets.four_momenta for part in parts])


@pytest.fixture(scope="module")
def inputs(simulated):
    """Toy jets with every number of constituents that is special, and simulated ones."""
    jets = np.concatenate([jets_of(COUNTS, 200), simulated])
    return {family: inputs_of(family)(jets) for family in ("pfn", "pfin")}


def build(name, seed=0):
    card = find_card(name)
    torch.manual_seed(seed)
    return MODULES[card.family].build(card).eval()


def assert_same(found, wanted):
    # A logit is a difference of larger sums: relative to the largest of the jets.
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("name", NAMES)
def test_logits_are_those_of_the_network(name, inputs):
    rows = inputs[find_card(name).family]
    network = build(name)
    assert_same(predict_logits(padded(network), rows), predict_logits(network, rows))


@pytest.mark.parametrize("name", NAMES)
def test_authors_weights_give_the_same_logits(fetch, name, inputs):
    tagger = load_tagger(name, "authors", fetch)
    rows = inputs[tagger.card.family]
    assert_same(predict_logits(padded(tagger.network), rows), predict_logits(tagger.network, rows))


def test_stable_masses_are_honoured_when_they_are_asked_for(inputs):
    network = build("pfin")
    plain = padded(network)
    published = predict_logits(plain, inputs["pfin"])
    network.stable_mass = True
    stable = predict_logits(plain, inputs["pfin"])
    assert_same(stable, predict_logits(network, inputs["pfin"]))
    assert (stable != published).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("filling", [(0, 1e30, np.inf), (0, np.nan, -np.inf), (-0.0, 100, 100)])
def test_padding_is_not_looked_at(name, filling, inputs):
    network = padded(build(name))
    rows = inputs[find_card(name).family][: len(COUNTS)]
    rubbish = rows.copy()
    places = {"pfn": 200, "pfin": 60}[find_card(name).family]
    slots = rubbish[:, : 3 * places].reshape(-1, places, 3)  # a view
    slots[slots[..., 0] == 0] = filling
    np.testing.assert_array_equal(predict_logits(network, rubbish), predict_logits(network, rows))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_network(name, inputs):
    network = build(name)
    rows = torch.from_numpy(inputs[find_card(name).family][: len(COUNTS)])
    gradients = []
    for version in (network, padded(network)):
        network.zero_grad()
        version(rows).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    for found, wanted in zip(*gradients, strict=True):
        assert wanted.any()
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_weights_are_shared():
    network = build("pfin:cat")
    version = padded(network)
    assert {id(p) for p in version.parameters()} == {id(p) for p in network.parameters()}
    assert not version.training
    network.train()
    assert padded(network).training


def test_joining_columns_of_augpfn_join(inputs):
    network = build("augpfn:v4_aug")
    joining = np.random.default_rng(0).random((len(inputs["pfn"]), 7), np.float32)
    rows = np.concatenate([inputs["pfn"], joining], axis=1)
    assert_same(predict_logits(padded(network), rows), predict_logits(network, rows))


def test_each_family_has_its_version():
    for dense in (topodnn.build(find_card("topodnn")), mbns.build(find_card("mbns"))):
        assert padded(dense) is dense
    assert isinstance(padded(build("pfn")), PaddedPfn)
    assert isinstance(padded(build("pfin")), PaddedPfin)
    with pytest.raises(NotAvailable, match=r"Linear.*PfinNetwork"):
        padded(torch.nn.Linear(2, 2))


def test_portable_momenta_are_the_nearest_floats(inputs):
    rows = torch.from_numpy(inputs["pfin"])
    slots, jets = rows[:, :180].reshape(-1, 60, 3), rows[:, 180:]
    portable, ours = portable_momenta(slots, jets), detector_momenta(slots, jets)
    assert portable.dtype == torch.float32
    torch.testing.assert_close(portable, ours, rtol=1e-6, atol=1e-6)
    real = slots[..., 0] != 0
    same = (portable == ours)[real].float().mean(dim=0)
    assert (same > 0.9).all()
    eta = (slots[..., 1] + jets[:, None, 1])[real].double().numpy()
    scale = (slots[..., 0] * jets[:, None, 0])[real].numpy()
    wanted = scale * np.cosh(eta).astype(np.float32)
    np.testing.assert_array_equal(portable[..., 0][real].numpy(), wanted)


@pytest.mark.parametrize("name", ["pfin:sum", "pfin:cat"])
def test_portable_versions_differ_by_the_noise_of_the_masses_alone(name, inputs):
    network = build(name)
    wanted = predict_logits(network, inputs["pfin"])
    found = predict_logits(padded(network, portable=True), inputs["pfin"])
    np.testing.assert_allclose(found, wanted, atol=1e-2 * np.abs(wanted).max())
    network.stable_mass = True
    wanted = predict_logits(network, inputs["pfin"])
    assert_same(predict_logits(padded(network, portable=True), inputs["pfin"]), wanted)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 60])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sums_of_pairs_are_products_with_the_matrix_of_members(count, dtype):
    pairs = len(pair_indices(count, CPU)[0])
    embedded = torch.rand(5, pairs, 4, dtype=dtype, requires_grad=True)
    wanted = incidence(count, CPU, dtype) @ embedded
    found = sum_of_pairs(embedded, count)
    torch.testing.assert_close(found, wanted)
    weights = torch.rand_like(wanted)
    if pairs:
        gradients = [torch.autograd.grad((s * weights).sum(), embedded) for s in (found, wanted)]
        torch.testing.assert_close(*gradients)
