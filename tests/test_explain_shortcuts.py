"""Masks that recompute what they touch, against the whole padded network run again for each.

The authors' notebooks do the latter.  Here it is written anew, with none of the code that skips
padding: all slots and all pairs, multiplied by zero where they are left out.
"""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from toy_jets import jets_of

from repro.explain.masking import masked_logits, replacement_values
from repro.explain.permutation import explain_by_permutation
from repro.explain.problem import Problem
from repro.features.registry import find_inputs
from repro.figures.latent import latent_space, particle_problem
from repro.metrics.roc import auc, rank_jets
from repro.models.cards import find_card
from repro.models.pairs import detector_momenta, pair_features
from repro.models.tagger import build_network

COUNTS = [0, 1, 2, 3, 5, 8, 8, 9, 10, 29, 30, 31, 60, 61, 199, 200]
# Of the largest logit.
DOUBLE, SINGLE = 1e-9, 1e-6


def assert_same(found, wanted, tolerance=DOUBLE):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


def untrained(name, seed=0):
    torch.manual_seed(seed)
    return build_network(find_card(name)).double().eval()


def toy_inputs(family, columns):
    """Jets with every special number of constituents; further columns are noise."""
    rows = find_inputs(family).compute(jets_of(COUNTS, 200)).astype(np.float64)
    noise = np.random.default_rng(0).normal(size=(len(rows), max(0, columns - rows.shape[1])))
    return np.concatenate([rows, noise], axis=1)


# --- the plain networks --------------------------------------------------------------------------


def padded_latent(network, rows):
    """All slots of PFN through Φ, padding multiplied by zero."""
    slots = torch.from_numpy(rows[:, : 3 * network.slots]).reshape(len(rows), network.slots, 3)
    real = (slots[..., :1] != 0).to(slots)
    return (network.phi(slots * real) * real).sum(dim=1)


def padded_pfn(network, rows):
    joining = torch.from_numpy(rows[:, 3 * network.slots :])
    return network.head(torch.cat([padded_latent(network, rows), joining], dim=1))


def padded_pfin_latent(network, rows, isolated=(), without=None):
    """All slots and all pairs of PFIN.

    ``isolated`` slots are out of the whole interaction branch (B10), the pair ``without`` by
    itself.
    """
    slots = torch.from_numpy(rows[:, :180]).reshape(len(rows), 60, 3)
    jets = torch.from_numpy(rows[:, 180:])
    real = (slots[..., :1] != 0).to(slots)
    slots = slots * real
    particles = (network.phi(slots) * real).sum(dim=1)
    seen = real.clone()
    seen[:, list(isolated)] = 0
    pairs = list(itertools.combinations(range(60), 2))
    first, second = torch.tensor(pairs).T
    both = seen[:, first] * seen[:, second]
    if without is not None:
        both[:, pairs.index(without)] = 0
    features = pair_features(slots, detector_momenta(slots, jets), jets[:, 0])
    embedded = network.phi_pair(features) * both
    pooled = torch.zeros(len(rows), 60, embedded.shape[2], dtype=torch.float64)
    pooled.index_add_(1, first, embedded)
    pooled.index_add_(1, second, embedded)
    pooled = pooled / jets[:, 3, None, None].clamp(min=1)
    interactions = (network.phi_pooled(torch.cat([slots, pooled], dim=2)) * seen).sum(dim=1)
    if network.mode == "cat":
        return torch.cat([particles, interactions], dim=1)
    return particles + interactions


# --- features of constituents --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pfn", "pfn:v4", "augpfn:v4_aug"])
def test_masked_features_of_constituents(name):
    card, network = find_card(name), untrained(name)
    rows = toy_inputs("pfn", card.inputs)
    names = tuple(f"x{i}" for i in range(card.inputs))
    filled_by = (*(3 * (i // 3) for i in range(600)), *range(600, card.inputs))
    ranked = {*range(18), 87, 88, 89, *range(600, card.inputs)}
    problem = Problem(
        network,
        rows,
        np.arange(len(rows)) % 2,
        names,
        skip=tuple(name for i, name in enumerate(names) if i not in ranked),
        filled_by=filled_by,
    )
    values = replacement_values(problem, "mean")
    unmasked, masks = masked_logits(problem, values)
    changes = 0.0
    with torch.inference_mode():
        assert_same(unmasked, padded_pfn(network, rows).numpy())
        for (column,), logits in masks:
            changed = rows.copy()
            filled = rows[:, filled_by[column]] != 0
            changed[filled, column] = values[column]
            assert_same(logits, padded_pfn(network, changed).numpy())
            # A jet without the constituent is untouched, to the last bit.
            np.testing.assert_array_equal(logits[~filled], unmasked[~filled])
            changes = max(changes, np.abs(logits - unmasked).max())
    assert changes > 1e-3 * np.abs(unmasked).max()


def test_masked_features_with_the_authors_weights(make_context):
    """In single precision, as it is used."""
    context = make_context(data="embedded", jets=200)
    sample, tagger = context.sample("pfn"), context.tagger("pfn")
    problem = particle_problem(context, sample, tagger)
    problem = dataclasses.replace(problem, skip=(*problem.skip, *problem.features[9:84]))
    values = replacement_values(problem, "mean")
    unmasked, masks = masked_logits(problem, values)
    twice = tagger.network.double()
    try:
        with torch.inference_mode():
            whole = padded_pfn(twice, problem.inputs.astype(np.float64)).numpy()
            assert_same(unmasked, whole, SINGLE)
            for (column,), logits in masks:
                changed = problem.inputs.copy()
                changed[changed[:, 3 * (column // 3)] != 0, column] = values[column]
                wanted = padded_pfn(twice, changed.astype(np.float64)).numpy()
                assert_same(logits, wanted, SINGLE)
    finally:
        twice.float()


# --- pairs of constituents -----------------------------------------------------------------------


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("name", ["pfin:sum", "pfin:cat"])
def test_masked_pairs(name, alone):
    network, rows = untrained(name), toy_inputs("pfin", 184)[1:]  # the first has no constituents
    masks = [(0, 1), (0, 9), (3, 4), (8, 9), (1, 59)]
    with torch.inference_mode():
        found = network.masked_pairs(torch.from_numpy(rows), masks, alone=alone).numpy()
        whole = network.head(padded_pfin_latent(network, rows)).numpy()
        for position, mask in enumerate(masks):
            options = {"without": mask} if alone else {"isolated": mask}
            wanted = network.head(padded_pfin_latent(network, rows, **options)).numpy()
            assert_same(found[:, position], wanted)
            assert np.abs(wanted - whole).max() > 1e-5 * np.abs(whole).max()


# --- latent nodes --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "latent"), [("pfn", padded_latent), ("pfin", padded_pfin_latent)])
def test_masked_latent_nodes(make_context, name, latent):
    """Φ does not change when a latent node is masked: F alone is computed again."""
    context = make_context(data="embedded", jets=60)
    sample = context.sample(name)
    untouched = dataclasses.replace(context.tagger(name), network=untrained(name))
    sample = dataclasses.replace(sample, inputs=sample.inputs.astype(np.float64))
    space = latent_space(context, sample, untouched, None)
    problem = space.problem(context)
    values = replacement_values(problem, "mean")
    unmasked, masks = masked_logits(problem, values)
    with torch.inference_mode():
        nodes = latent(untouched.network, sample.inputs)
        assert_same(unmasked, untouched.network.head(nodes).numpy())
        columns = []
        for (column,), logits in masks:
            # Φ anew for a few of them: it gives the same each time.
            changed = latent(untouched.network, sample.inputs) if column < 3 else nodes.clone()
            changed[:, column] = changed[:, column].mean()
            assert_same(logits, untouched.network.head(changed).numpy())
            columns.append(column)
    assert columns == list(range(nodes.shape[1]))


# --- dense networks ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["topodnn", "topodnn:v4", "mbns"])
def test_masked_columns_of_dense_networks(name):
    card, network = find_card(name), untrained(name)
    rows = np.random.default_rng(1).normal(size=(40, card.inputs))
    names = tuple(f"x{i}" for i in range(card.inputs))
    problem = Problem(network, rows, np.arange(40) % 2, names)
    shuffled = np.random.default_rng(2).permuted(rows, axis=0)
    for values in (problem.means(), shuffled):
        unmasked, masks = masked_logits(problem, values)
        with torch.inference_mode():
            assert_same(unmasked, network(torch.from_numpy(rows)).numpy())
            for (column,), logits in masks:
                changed = rows.copy()
                changed[:, column] = values[..., column]
                assert_same(logits, network(torch.from_numpy(changed)).numpy())


def test_drops_in_auc_are_those_of_jets_sorted_anew():
    network = untrained("topodnn:v4")
    rows = np.random.default_rng(1).normal(size=(300, 90))
    labels = (rows[:, 0] > 0).astype(int)
    problem = Problem(network, rows, labels, tuple(f"x{i}" for i in range(90)), seed=4)
    found = explain_by_permutation(problem).panels["all"].value
    generator = np.random.default_rng(4)
    with torch.inference_mode():
        whole = auc(rank_jets(network(torch.from_numpy(rows)).numpy(), labels))
        for column in range(90):
            changed = rows.copy()
            changed[:, column] = rows[generator.permutation(300), column]
            area = auc(rank_jets(network(torch.from_numpy(changed)).numpy(), labels))
            # One pair of jets that changes places is 100 / 22,500.
            assert found[column] == pytest.approx(100 * (whole - area), abs=1e-9)
