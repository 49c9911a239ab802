"""PFN against a plain padded network, and the authors' weights."""

import numpy as np
import pytest
import torch
from toy_jets import jets_of

from repro.errors import BadInput
from repro.features.pfn import pfn_features, pfn_inputs
from repro.models import particles, pfn
from repro.models.cards import find_card, load_cards
from repro.models.dense import count_parameters
from repro.models.host import AtOnce
from repro.models.scores import score
from repro.models.state import load_checked, read_state
from repro.models.tagger import build_network, load_tagger, predict_logits

# Φ, F and parameters.
TABLE = {
    "baseline": ((100, 100, 256), (100, 100, 100), 82_458),
    "v3": ((100, 100, 64), (64, 100, 100), 37_926),
    "v4": ((100, 64, 32), (64, 100, 100), 27_858),
}
COUNTS = [0, 1, 2, 8, 8, 60, 199, 200]


@pytest.fixture(scope="module")
def inputs():
    return pfn_inputs(jets_of(COUNTS, 200))


def padded_oracle(state, inputs):
    """All 200 slots through Φ, masked, summed; the authors' names of the weights."""

    def blocks(values, name, count):
        for i in range(count):
            weight, bias = state[f"{name}.{i}.0.weight"], state[f"{name}.{i}.0.bias"]
            values = torch.relu(values @ weight.T + bias)
        return values

    slots = torch.from_numpy(inputs).reshape(-1, 200, 3)
    mask = (slots[..., :1] != 0).float()
    latent = (blocks(slots, "phi", 3) * mask).sum(dim=1)
    return blocks(latent, "fc", 3) @ state["fc.3.weight"].T + state["fc.3.bias"]


def authors_names(network):
    """Give a network's own weights the authors' names."""
    theirs = {f"phi.{2 * i}": f"phi.{i}.0" for i in range(3)}
    theirs |= {f"head.layers.{2 * i}": f"fc.{i}.0" for i in range(3)} | {"head.layers.6": "fc.3"}
    return {
        f"{theirs[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": tensor
        for name, tensor in network.state_dict().items()
    }


@pytest.mark.parametrize("variant", TABLE)
def test_card_and_network_have_the_sizes_of_the_table(variant):
    phi, hidden, parameters = TABLE[variant]
    card = find_card(f"pfn:{variant}")
    assert (card.phi, card.hidden, card.parameters, card.inputs) == (phi, hidden, parameters, 600)
    assert card.columns(pfn_features()) == list(range(600))
    assert count_parameters(pfn.build(card)) == parameters


def test_there_is_a_card_for_every_variant_of_the_table():
    assert set(load_cards("pfn")) == set(TABLE)
    assert find_card("pfn").variant == "baseline"


@pytest.mark.parametrize("variant", TABLE)
def test_logits_are_those_of_the_padded_network(variant, inputs):
    torch.manual_seed(1)
    network = pfn.build(find_card(f"pfn:{variant}")).eval()
    found = predict_logits(network, inputs)
    assert found.shape == (len(COUNTS), 2)
    wanted = padded_oracle(authors_names(network), inputs).detach().numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("variant", TABLE)
def test_authors_weights_give_the_logits_of_the_padded_network(fetch, variant, inputs):
    tagger = load_tagger(f"pfn:{variant}", "authors", fetch)
    state = read_state(fetch(tagger.card.authors[0]))
    wanted = padded_oracle(state, inputs).numpy()
    found = predict_logits(tagger.network, inputs)
    # A logit is a difference of larger sums: relative to the largest of the jets.
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


def test_the_order_of_constituents_does_not_matter(fetch, inputs):
    tagger = load_tagger("pfn", "authors", fetch)
    slots = inputs.reshape(-1, 200, 3)
    shuffled = np.random.default_rng(0).permutation(slots, axis=1).reshape(len(inputs), -1)
    np.testing.assert_allclose(score(tagger, shuffled), score(tagger, inputs), atol=1e-5)


def test_padding_is_not_looked_at(inputs):
    torch.manual_seed(2)
    network = pfn.build(find_card("pfn:v4")).eval()
    rubbish = inputs.reshape(-1, 200, 3).copy()
    rubbish[rubbish[..., 0] == 0] = (0, 1e30, np.inf)
    np.testing.assert_array_equal(
        predict_logits(network, rubbish.reshape(inputs.shape)), predict_logits(network, inputs)
    )


def test_jets_without_constituents_have_an_empty_latent_space():
    network = pfn.build(find_card("pfn:v4")).eval()
    latent = network.latent(torch.zeros(3, 600))
    assert latent.shape == (3, 32)
    assert not latent.any()
    logits = network(torch.zeros(3, 600))
    torch.testing.assert_close(logits, network.head(torch.zeros(3, 32)))


@pytest.mark.parametrize("most", [1, 50, 1000])
def test_groups_do_not_change_the_logits(monkeypatch, most, inputs):
    torch.manual_seed(3)
    network = pfn.build(find_card("pfn:v4")).eval()
    whole = predict_logits(network, inputs)
    monkeypatch.setattr(pfn, "_CONSTITUENTS_PER_GROUP", AtOnce(most, 1))
    np.testing.assert_allclose(predict_logits(network, inputs), whole, rtol=1e-5, atol=1e-6)


def test_groups_are_bounded_and_hold_every_jet_once():
    real = torch.rand(300, 20, generator=torch.Generator().manual_seed(0)) < 0.5
    real[:7] = False
    groups = list(particles.groups_of_equal_count(real, lambda count: count * count, 500))
    assert all(len(rows) == 1 or len(rows) * count * count <= 500 for rows, count in groups)
    assert all((real[rows].sum(1) == count).all() for rows, count in groups)
    assert torch.cat([rows for rows, _ in groups]).sort().values.tolist() == list(range(7, 300))


def test_gradients_are_those_of_the_padded_network(inputs):
    torch.manual_seed(4)
    network = pfn.build(find_card("pfn:v4"))
    rows = torch.from_numpy(inputs)
    network(rows).square().sum().backward()
    found = [parameter.grad.clone() for parameter in network.parameters()]
    network.zero_grad()
    named = dict(network.named_parameters())
    network.state_dict = lambda: named  # the oracle shall see what it can differentiate
    padded_oracle(authors_names(network), inputs).square().sum().backward()
    for ours, parameter in zip(found, network.parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, rtol=1e-4, atol=1e-5)


def test_weights_of_another_variant_are_refused(fetch):
    card = find_card("pfn:v3")
    state = pfn.read_authors(card, [fetch(find_card("pfn:v4").authors[0])])
    with pytest.raises(BadInput, match=r"tensor phi\.2\.\w+ has shape"):
        load_checked(pfn.build(card), state, "no fit")


# --- one column changed -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pfn:v4", "augpfn:v4_aug"])
def test_a_changed_column_gives_the_logits_of_the_whole_network(name):
    """Every constituent that a jet has; slots that are padding stay so."""
    torch.manual_seed(3)
    network = build_network(find_card(name)).double().eval()
    rng = np.random.default_rng(0)
    counts = [0, 1, 2, 3, 8, 8, 60, 199, 200]
    inputs = np.concatenate(
        [pfn_inputs(jets_of(counts, 200)), rng.normal(size=(len(counts), 7))], axis=1
    )[:, : network_inputs(name)]
    jets = torch.from_numpy(inputs.astype(np.float64))
    logits, evaluate = network.substitute(jets)
    with torch.inference_mode():
        torch.testing.assert_close(logits, network(jets), atol=1e-12, rtol=1e-10)
    columns = [*range(12), 3 * 59, 3 * 59 + 2, 599, *range(600, jets.shape[1])]
    for column in [*columns, *columns[:4]]:
        values = torch.from_numpy(rng.uniform(0.01, 0.4, len(jets)))
        changed = jets.clone()
        changed[:, column] = values
        if column < 600:  # padding stays padding
            padding = jets[:, 3 * (column // 3)] == 0
            changed[padding, column] = jets[padding, column]
        with torch.inference_mode():
            torch.testing.assert_close(
                evaluate(column, values), network(changed), atol=1e-12, rtol=1e-10
            )


def network_inputs(name):
    return find_card(name).inputs
