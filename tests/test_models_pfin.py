"""PFIN against a plain padded network with receiver and sender matrices."""

import itertools

import numpy as np
import pytest
import torch
from toy_jets import jets_of

from repro.errors import BadInput
from repro.features.pfin import pfin_features, pfin_inputs
from repro.models import pairs, pfin
from repro.models.cards import find_card, load_cards
from repro.models.dense import count_parameters
from repro.models.host import AtOnce
from repro.models.pairs import detector_momenta, incidence, pair_features, pair_indices
from repro.models.scores import score
from repro.models.state import read_state
from repro.models.tagger import load_tagger, predict_logits

COUNTS = [0, 1, 2, 8, 8, 59, 60, 200]
PAIRS = list(itertools.combinations(range(60), 2))
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def inputs():
    return pfin_inputs(jets_of(COUNTS, 200))


def features_of(particles, jets, **options):
    return pair_features(particles, detector_momenta(particles, jets), jets[:, 0], **options)


def padded_pair_features(inputs):
    """Give each of the 1770 pairs the very floats that the network computes for it."""
    table = torch.zeros(len(inputs), len(PAIRS), 4)
    rows = torch.from_numpy(inputs)
    slots, scale = rows[:, :180].reshape(-1, 60, 3), rows[:, 180]
    momenta = detector_momenta(slots, rows[:, 180:])
    for row in range(len(inputs)):
        real = torch.nonzero(slots[row, :, 0]).squeeze(1).tolist()
        used = slice(row, row + 1), real
        found = pair_features(slots[used], momenta[used], scale[row : row + 1])[0]
        for pair, features in zip(itertools.combinations(real, 2), found, strict=True):
            table[row, PAIRS.index(pair)] = features
    return table


def padded_oracle(state, inputs, mode, hidden_from_pairs=()):
    """All 60 slots and 1770 pairs, masked; the authors' names of the weights."""

    def blocks(values, name):
        for i in range(3):
            weight, bias = state[f"{name}.{i}.0.weight"], state[f"{name}.{i}.0.bias"]
            values = torch.relu(values @ weight.T + bias)
        return values

    receivers, senders = torch.zeros(60, len(PAIRS)), torch.zeros(60, len(PAIRS))
    for column, (i, j) in enumerate(PAIRS):
        receivers[i, column] = senders[j, column] = 1
    rows = torch.from_numpy(inputs)
    slots = rows[:, :180].reshape(-1, 60, 3)
    mask = (slots[..., :1] != 0).float()
    single = blocks(slots, "phi") * mask
    mask = mask.clone()
    mask[:, list(hidden_from_pairs)] = 0
    pair_mask = (receivers.T @ mask) * (senders.T @ mask)
    embedded = blocks(padded_pair_features(inputs), "phiInt") * pair_mask
    count = rows[:, 183, None, None].clamp(min=1)  # an empty jet would be NaN, as theirs was
    pooled = (receivers @ embedded + senders @ embedded) / count * mask
    double = blocks(torch.cat([slots, pooled], dim=2), "phiInt2") * mask
    if mode == "cat":
        latent = torch.cat([single, double], dim=2).sum(dim=1)
    else:
        latent = single.sum(dim=1) + double.sum(dim=1)
    return blocks(latent, "fc") @ state["fc.3.weight"].T + state["fc.3.bias"]


@pytest.mark.parametrize(("variant", "parameters"), [("sum", 96_806), ("cat", 100_902)])
def test_card_and_network_have_the_sizes_of_the_table(variant, parameters):
    card = find_card(f"pfin:{variant}")
    assert card.parameters == count_parameters(pfin.build(card)) == parameters
    assert card.columns(pfin_features()) == list(range(184))


def test_a_bare_pfin_is_the_sum():
    assert set(load_cards("pfin")) == {"sum", "cat"}
    assert find_card("pfin") == find_card("pfin:sum")


def test_an_unknown_mode_is_refused():
    with pytest.raises(BadInput, match="sum, cat"):
        pfin.PfinNetwork(60, (4,), (4,), (4,), "max")


@pytest.mark.parametrize("variant", ["sum", "cat"])
@pytest.mark.parametrize("isolated", [(), (0, 1), (3, 59)])
def test_authors_weights_give_the_logits_of_the_padded_network(fetch, variant, inputs, isolated):
    tagger = load_tagger(f"pfin:{variant}", "authors", fetch)
    state = read_state(fetch(tagger.card.authors[0]))
    wanted = padded_oracle(state, inputs, variant, isolated).numpy()
    with torch.inference_mode():
        found = tagger.network(torch.from_numpy(inputs), isolated).numpy()
    assert found.shape == (len(COUNTS), 2)
    # A logit is a difference of larger sums: relative to the largest of the jets.
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())
    if not isolated:
        np.testing.assert_array_equal(found, predict_logits(tagger.network, inputs))


def test_masking_a_pair_changes_jets_that_have_it_only(inputs):
    torch.manual_seed(0)
    network = pfin.build(find_card("pfin")).eval()
    rows = torch.from_numpy(inputs)
    changed = (network(rows, (4, 5)) != network(rows)).any(dim=1)
    assert changed.tolist() == [count > 4 for count in COUNTS]


def test_the_order_of_constituents_does_not_matter(inputs):
    """With stable masses: as published, pair masses are rounding noise (B17)."""
    torch.manual_seed(1)
    network = pfin.build(find_card("pfin")).double().eval()
    network.stable_mass = True
    rows = inputs.astype(np.float64)
    shuffled = rows.copy()
    slots = np.random.default_rng(0).permutation(rows[:, :180].reshape(-1, 60, 3), axis=1)
    shuffled[:, :180] = slots.reshape(-1, 180)
    found, wanted = predict_logits(network, shuffled), predict_logits(network, rows)
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_padding_is_not_looked_at(inputs):
    torch.manual_seed(2)
    network = pfin.build(find_card("pfin:cat")).eval()
    rubbish = inputs.copy()
    slots = rubbish[:, :180].reshape(-1, 60, 3)  # a view
    slots[slots[..., 0] == 0] = (0, 1e30, np.inf)
    np.testing.assert_array_equal(predict_logits(network, rubbish), predict_logits(network, inputs))


@pytest.mark.parametrize("most", [1, 2000])
def test_groups_do_not_change_the_logits(monkeypatch, most, inputs):
    torch.manual_seed(3)
    network = pfin.build(find_card("pfin")).eval()
    whole = predict_logits(network, inputs)
    monkeypatch.setattr(pfin, "_PAIRS_PER_GROUP", AtOnce(most, 1))
    np.testing.assert_allclose(predict_logits(network, inputs), whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("variant", ["sum", "cat"])
def test_latent_spaces_are_the_sums(inputs, variant):
    torch.manual_seed(4)
    network = pfin.build(find_card(f"pfin:{variant}")).eval()
    rows = torch.from_numpy(inputs)
    latent = network.latent(rows)
    assert latent.shape == (len(COUNTS), 64 if variant == "sum" else 128)
    assert not latent[0].any()
    torch.testing.assert_close(network.head(latent), network(rows))


def test_it_can_be_trained_after_it_was_used(inputs):
    """The cached pair matrices are made in inference mode and differentiated through."""
    pair_indices.cache_clear()
    incidence.cache_clear()
    network = pfin.build(find_card("pfin"))
    predict_logits(network, inputs)
    network(torch.from_numpy(inputs)).sum().backward()
    for name, parameter in network.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


def test_nan_stays_in_its_jet(fetch, inputs):
    tagger = load_tagger("pfin", "authors", fetch)
    broken = inputs.copy()
    broken[3, 5] = np.nan
    scores = score(tagger, broken)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [3]
    np.testing.assert_allclose(np.delete(scores, 3), np.delete(score(tagger, inputs), 3), atol=1e-6)


# --- pairs -------------------------------------------------------------------------------------


def test_pairs_are_in_lexicographic_order():
    first, second = pair_indices(60, CPU)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == PAIRS
    matrix = incidence(60, CPU, torch.float32)
    assert matrix.sum(dim=0).unique().tolist() == [2]
    assert matrix.sum(dim=1).unique().tolist() == [59]


def features_in_float64(particles, jet):
    scale, eta_jet, phi_jet = jet[:3]
    rows = []
    for (pt1, eta1, phi1), (pt2, eta2, phi2) in itertools.combinations(particles, 2):
        distance = np.hypot(eta1 - eta2, phi1 - phi2)
        total = np.zeros(4)
        for pt, eta, phi in ((pt1, eta1, phi1), (pt2, eta2, phi2)):
            p, y, angle = pt * scale, eta + eta_jet, phi + phi_jet
            total += p * np.array([np.cosh(y), np.cos(angle), np.sin(angle), np.sinh(y)])
        mass_squared = abs(total[0] ** 2 - (total[1:] ** 2).sum())
        softer = min(pt1, pt2)
        rows.append([distance, softer * distance * scale, softer / (pt1 + pt2 + 1e-5)])
        rows[-1].append(mass_squared)
    return np.array(rows)


@pytest.mark.parametrize("stable_mass", [False, True])
def test_features_of_pairs(inputs, stable_mass):
    rows = inputs[[2, 3, 4]].astype(np.float64)
    for row, count in zip(rows, (2, 8, 8), strict=True):
        particles = row[: 3 * count].reshape(count, 3)
        wanted = features_in_float64(particles, row[180:])
        as_float32 = torch.from_numpy(particles[None].astype(np.float32))
        jets = torch.from_numpy(row[None, 180:].astype(np.float32))
        found = features_of(as_float32, jets, stable_mass=stable_mass)[0].exp() - 1e-5
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found[:, :3], wanted[:, :3], rtol=1e-4, atol=1e-6)
        # The differences of squares, as published, lose what is 1e-7 of the squared energy.
        slack = {"rtol": 1e-4, "atol": 1e-5} if stable_mass else {"rtol": 1e-4, "atol": 0.1}
        np.testing.assert_allclose(found[:, 3], wanted[:, 3], **slack)


def test_the_published_mass_has_the_authors_order_of_operations():
    """Quirk B17: every operation on gathered pairs, in float32, gives the very same floats.

    But for the last few of an array, whose cosh torch computes with other instructions; with
    another order of the operations more than half of them differ.
    """
    rows = torch.from_numpy(pfin_inputs(jets_of([60] * 20, 60)))
    slots, jets = rows[:, :180].reshape(-1, 60, 3), rows[:, 180:]
    first, second = pair_indices(60, CPU)
    scale, eta_jet, phi_jet, _ = (column[:, None] for column in jets.T)
    sums = []
    for function, column, shift in (
        (torch.cosh, 1, eta_jet),
        (torch.cos, 2, phi_jet),
        (torch.sin, 2, phi_jet),
        (torch.sinh, 1, eta_jet),
    ):
        one, two = (
            part[..., 0] * scale * function(part[..., column].contiguous() + shift)
            for part in (slots[:, first], slots[:, second])
        )
        sums.append(one + two)
    energy, px, py, pz = sums
    wanted = torch.log(torch.abs(((energy**2 - px**2) - py**2) - pz**2) + 1e-5)
    other = torch.log(torch.abs((energy**2 - pz**2) - (px**2 + py**2)) + 1e-5)
    found = features_of(slots, jets)[..., 3]
    assert (found == wanted).float().mean() > 0.99
    assert (found == other).float().mean() < 0.7


def test_the_published_mass_of_a_narrow_pair_is_rounding_noise():
    """Quirk B17: float32 loses a mass that the stable form keeps."""
    jets = torch.tensor([[600.0, 1.5, 2.0, 2.0]])
    particles = torch.tensor([[[0.5, 1e-4, 0.0], [0.5, 0.0, 1e-4]]])
    exact = 300**2 * 2e-8
    stable = features_of(particles, jets, stable_mass=True)[0, 0, 3].exp().item() - 1e-5
    published = features_of(particles, jets)[0, 0, 3].exp().item() - 1e-5
    assert stable == pytest.approx(exact, rel=0.01)
    assert abs(published - exact) > exact
    in_float64 = features_of(particles.double(), jets.double())[0, 0, 3].exp().item() - 1e-5
    assert in_float64 == pytest.approx(exact, rel=0.01)


def test_caches_are_bounded():
    assert pairs.incidence.cache_info().maxsize == pairs.pair_indices.cache_info().maxsize == 256


# --- pairs masked --------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["sum", "cat"])
def test_masked_constituents_give_the_logits_of_the_network_without_them(variant, inputs):
    """Quirk B10: neither constituent takes part in the interaction branch."""
    network = untrained(variant)
    masks = [(0, 1), (0, 9), (3, 4), (8, 9)]
    rows = torch.from_numpy(inputs[1:])
    with torch.inference_mode():
        found = network.masked_pairs(rows, masks, alone=False)
        for position, mask in enumerate(masks):
            wanted = network(rows, mask)
            torch.testing.assert_close(found[:, position], wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("variant", ["sum", "cat"])
def test_a_pair_masked_alone_gives_the_logits_of_the_network_without_it(variant, inputs):
    network = untrained(variant)
    masks = [(0, 1), (0, 9), (3, 4), (8, 9)]
    rows = torch.from_numpy(inputs[1:])
    with torch.inference_mode():
        found = network.masked_pairs(rows, masks, alone=True)
        for position, mask in enumerate(masks):
            wanted = without_a_pair(network, rows, mask)
            torch.testing.assert_close(found[:, position], wanted, atol=1e-5, rtol=1e-5)


def untrained(variant):
    torch.manual_seed(5)
    return pfin.build(find_card(f"pfin:{variant}")).eval()


def without_a_pair(network, rows, mask):
    """The network with one row of its embedded pairs set to zero, jet by jet."""
    logits = []
    for row in rows:
        count = int((row[:180:3] != 0).sum())
        ordered = list(itertools.combinations(range(count), 2))
        whole = pfin.PfinNetwork._embedded_pairs

        def embedded(pairs, ordered=ordered, whole=whole):
            found = whole(network, pairs).clone()
            if mask in ordered:
                found[:, ordered.index(mask)] = 0
            return found

        network._embedded_pairs = embedded
        logits.append(network(row[None])[0])
        del network._embedded_pairs
    return torch.stack(logits)
