"""Inputs of Interaction Networks that are read from files a few jets at a time."""

import dataclasses

import numpy as np
import pytest
from hbb_commands import tagger_of
from hbb_files import make, write_originals
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data.hbb.jets import HbbJets
from repro.data.memory import free_memory
from repro.errors import BadInput
from repro.explain.problem import Problem
from repro.explain.registry import find_method
from repro.features.interaction import (
    filled_by_slot,
    interaction_features,
    interaction_groups,
    interaction_inputs,
)
from repro.features.record_rows import RecordRows

SIZES = 23, 14
MADE = [make(n, seed=n) for n in SIZES]
TARGETS = np.concatenate(
    [np.stack([f[:, 0] * f[:, 1], f[:, 2]], 1) for f in (m.scalars["flags"] for m in MADE)]
)
INPUTS = np.concatenate(
    [interaction_inputs(made.padded("tracks"), made.padded("vertices")) for made in MADE]
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return [write_originals(made, folder / f"{len(made)}.h5") for made in MADE]


@pytest.mark.parametrize("policy", ["background", "removed"])
@pytest.mark.parametrize("limit", [None, 30, 9])
def test_slices_are_those_of_the_whole(paths, policy, limit):
    kept = np.arange(sum(SIZES))[:limit]
    if policy == "removed":
        kept = kept[TARGETS[kept].any(axis=1)]
    wanted = INPUTS[kept]

    @settings(max_examples=15, deadline=None)
    @given(
        chunk=st.integers(1, 40),
        start=st.integers(0, 40),
        size=st.integers(0, 40),
        columns=st.sampled_from([None, [3], [0, 1, 1869], list(range(1870))]),
    )
    def check(chunk, start, size, columns):
        rows = RecordRows(paths, limit=limit, unlabelled=policy, columns=columns, chunk=chunk)
        seen = wanted if columns is None else wanted[:, columns]
        assert (len(rows), rows.shape, rows.dtype) == (len(seen), seen.shape, seen.dtype)
        np.testing.assert_array_equal(rows.labels, TARGETS[kept, 1])
        np.testing.assert_array_equal(rows.unlabelled, ~TARGETS[kept].any(axis=1))
        np.testing.assert_array_equal(rows[start : start + size], seen[start : start + size])
        np.testing.assert_array_equal(rows.whole(), seen)

    check()


def test_jets_are_read_in_their_order(paths):
    with pytest.raises(ValueError, match="one after the other"):
        RecordRows(paths)[::-1]


def problem_of(inputs, labels):
    tagger = tagger_of("in:pfeaturesdropped14_hidden16_De8_Do8")
    features = interaction_features()
    columns = list(tagger.card.columns(features))
    names = tuple(features[i] for i in columns)
    return columns, Problem(
        tagger.network,
        inputs(columns),
        labels,
        names,
        ("qcd", "hbb"),
        groups=interaction_groups(names),
        filled_by=filled_by_slot(names),
    )


@pytest.fixture
def streamed(paths, monkeypatch):
    """A problem whose jets are read, in batches of few, and never all at once."""
    monkeypatch.setattr("repro.explain.problem._JETS_PER_BATCH", 10)
    monkeypatch.setattr("repro.explain.masking._JETS_PER_BATCH", 10)
    rows = RecordRows(paths, chunk=8)
    return problem_of(lambda columns: RecordRows(paths, columns=columns, chunk=8), rows.labels)[1]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("activation_patterns", {}),
        ("activation_patterns", {"fired": True, "padding": False}),
        ("lrp", {"biases": False, "outliers": "kept", "signed": True}),
        ("lrp", {}),
        ("occlusion", {"replacement": "zero"}),
        ("occlusion", {"replacement": "mean"}),
        ("integrated_gradients", {"steps": 3}),
    ],
)
def test_what_is_streamed_is_what_it_is_of_all_jets(streamed, monkeypatch, name, options):
    whole = dataclasses.replace(streamed, inputs=streamed.inputs.whole())
    sizes = []
    read = HbbJets.__post_init__

    def spy(self):
        sizes.append(len(self.labels))
        read(self)

    monkeypatch.setattr(HbbJets, "__post_init__", spy)
    monkeypatch.delattr(RecordRows, "whole")
    explain = find_method(name).explain
    found, wanted = explain(streamed, **options), explain(whole, **options)
    assert max(sizes) == 8
    assert (found.names, found.panels.keys()) == (wanted.names, wanted.panels.keys())
    for panel, numbers in wanted.panels.items():
        # Draws of mean activations turn with the last digits of their covariance.
        ends = ("value",) if name == "activation_patterns" else ("value", "low", "high")
        for end in ends:
            mine, theirs = getattr(found.panels[panel], end), getattr(numbers, end)
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5, err_msg=panel)


@pytest.mark.parametrize(
    ("name", "options"), [("permutation", {}), ("occlusion", {"replacement": "median"})]
)
def test_what_needs_all_jets_says_how_many_fit(streamed, monkeypatch, name, options):
    explain = find_method(name).explain
    loaded = []
    read = RecordRows.whole
    monkeypatch.setattr(RecordRows, "whole", lambda self: loaded.append(1) or read(self))
    each = 3 * 4 * len(streamed.features)
    monkeypatch.setattr("repro.explain.problem.free_memory", lambda: 20 * each + 1)
    with pytest.raises(BadInput, match=r"^37 jets do not fit: .* give --jets 20 or fewer$"):
        explain(streamed, **options)
    assert not loaded
    monkeypatch.setattr("repro.explain.problem.free_memory", lambda: 37 * each)
    found = explain(streamed, **options)
    whole = dataclasses.replace(streamed, inputs=read(streamed.inputs))
    np.testing.assert_array_equal(
        found.panels["all"].value, explain(whole, **options).panels["all"].value
    )
    monkeypatch.setattr("repro.explain.problem.free_memory", lambda: None)
    explain(streamed, **options)


def test_free_memory_is_the_smaller_of_machine_and_container(tmp_path, monkeypatch):
    monkeypatch.setattr("repro.data.memory._MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr("repro.data.memory._GROUP", tmp_path)
    assert free_memory() > 0  # half of what there is
    (tmp_path / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable:     500 kB\n")
    assert free_memory() == 500 * 1024
    for limit, used, wanted in (
        ("max", 7, 500),
        (300 * 1024, 100, 200),
        (300 * 1024, 400, 0),
        (9000 * 1024, 0, 500),
    ):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text(f"{1024 * used}\n")
        assert free_memory() == wanted * 1024
