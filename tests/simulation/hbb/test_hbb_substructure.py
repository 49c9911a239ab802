"""Soft drop and N-subjettiness: against a plain Cambridge/Aachen tree, and laws."""

import numpy as np
import pytest

pytest.importorskip("fastjet")
pytest.importorskip("awkward")

from repro.simulation.hbb.substructure import groom, n_subjettiness

CUT, RADIUS = 0.1, 0.8


def jets(sizes, seed=0, spread=0.3):
    """Massless members around one direction for each jet: (members, 4), counts."""
    rng = np.random.default_rng(seed)
    counts = np.array(sizes)
    row = np.repeat(np.arange(len(counts)), counts)
    n = len(row)
    eta = rng.uniform(-2, 2, len(counts))[row] + rng.normal(0, spread, n)
    phi = rng.uniform(-3.1, 3.1, len(counts))[row] + rng.normal(0, spread, n)
    pt = rng.exponential(10, n) + 0.5
    four = [pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]
    return np.stack(four, axis=1), counts


def pt_of(p):
    return np.hypot(p[1], p[2])


def distance(a, b):
    rapidity = [0.5 * np.log((p[0] + p[3]) / (p[0] - p[3])) for p in (a, b)]
    turn = abs(np.arctan2(a[2], a[1]) - np.arctan2(b[2], b[1]))
    return np.hypot(rapidity[0] - rapidity[1], min(turn, 2 * np.pi - turn))


def plain_soft_drop(members):
    """Cluster by angle alone, then walk down the tree: (momentum, subjets)."""
    nodes = [(p, None) for p in members]
    while len(nodes) > 1:
        pairs = [(i, j) for i in range(len(nodes)) for j in range(i)]
        i, j = min(pairs, key=lambda pair: distance(nodes[pair[0]][0], nodes[pair[1]][0]))
        both = (nodes[i], nodes[j])
        nodes = [node for k, node in enumerate(nodes) if k not in (i, j)]
        nodes.append((both[0][0] + both[1][0], both))
    node = nodes[0]
    while node[1] is not None:
        hard, soft = sorted(node[1], key=lambda one: -pt_of(one[0]))
        if pt_of(soft[0]) / (pt_of(hard[0]) + pt_of(soft[0])) >= CUT:
            return node[0], [hard[0], soft[0]]
        node = hard
    return node[0], [node[0]]


def test_same_as_a_plain_tree():
    sizes = [1, 2, 3, 5, 8, 12, 1, 16, 2, 20, 9, 4]
    members, counts = jets(sizes)
    found = groom(members, counts, CUT, RADIUS)
    for row, stop in enumerate(np.cumsum(counts)):
        momentum, subjets = plain_soft_drop(members[stop - counts[row] : stop])
        np.testing.assert_allclose(found.momentum[row], momentum, 1e-9, 1e-9)
        assert found.count[row] == len(subjets)
        for slot, subjet in enumerate(subjets):
            np.testing.assert_allclose(found.subjets[row, slot], subjet, 1e-9, 1e-9)
    assert set(found.count) == {1, 2}
    dropped = np.add.reduceat(members, np.cumsum(counts) - counts)[:, 0] - found.momentum[:, 0]
    assert dropped.max() > 1  # something is dropped, or the test says little


def test_subjets_are_ordered_and_add_up():
    members, counts = jets([30] * 40, seed=4)
    found = groom(members, counts, CUT, RADIUS)
    two = found.count == 2
    assert two.sum() > 20
    pt = np.hypot(found.subjets[..., 1], found.subjets[..., 2])
    assert (pt[:, 0] >= pt[:, 1]).all()
    np.testing.assert_allclose(found.subjets[two].sum(axis=1), found.momentum[two], 1e-9, 1e-9)
    assert (found.subjets[~two, 1] == 0).all()


def test_jets_do_not_know_of_each_other():
    members, counts = jets([15, 3, 22, 1, 9], seed=6)
    together = groom(members, counts, CUT, RADIUS)
    taus = n_subjettiness(members, counts, RADIUS)
    for row, stop in enumerate(np.cumsum(counts)):
        alone = members[stop - counts[row] : stop], counts[row : row + 1]
        found = groom(*alone, CUT, RADIUS)
        np.testing.assert_array_equal(found.momentum[0], together.momentum[row])
        np.testing.assert_array_equal(n_subjettiness(*alone, RADIUS)[0], taus[row])


def test_more_axes_leave_less():
    members, counts = jets([1, 2, 3, 40, 25, 60], seed=2)
    taus = n_subjettiness(members, counts, RADIUS)
    assert (np.diff(taus, axis=1) <= 1e-9).all()
    assert (taus > -1e-12).all()
    # As many axes as members: nothing is left.
    assert taus[0] == pytest.approx(0, abs=1e-9)
    assert taus[1, 1:] == pytest.approx(0, abs=1e-9)
    assert taus[3:, 0].min() > 0.05


def test_one_axis_is_the_mean_distance():
    """tau_1 of two members is pt1 d1 + pt2 d2 over (pt1 + pt2) R0 for an axis between them."""
    members, counts = jets([2] * 30, seed=5)
    taus = n_subjettiness(members, counts, RADIUS)[:, 0]
    for tau, (a, b) in zip(taus, members.reshape(-1, 2, 4), strict=True):
        # For beta = 1 the sum is least if the axis is the harder member; it starts between them.
        least = min(pt_of(a), pt_of(b)) * distance(a, b) / (pt_of(a) + pt_of(b)) / RADIUS
        most = max(pt_of(a), pt_of(b)) * distance(a, b) / (pt_of(a) + pt_of(b)) / RADIUS
        assert least * (1 - 1e-6) <= tau <= most * (1 + 1e-6)
