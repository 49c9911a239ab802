"""The layout of record 12102, and arrays that cannot be wrong unnoticed."""

import dataclasses

import numpy as np
import pytest

from repro.data.hbb.branches import FEATURE_SETS, find_group
from repro.data.hbb.jets import HbbJets, join_jets
from repro.data.hbb.labels import UNLABELLED, labels_of, targets_of
from repro.data.hbb.values import describe_faults, repair_values
from repro.errors import BadInput, UnknownName


@pytest.fixture
def jets():
    n = 5
    rng = np.random.default_rng(1)
    return HbbJets(
        rng.normal(size=(n, 30, 60)).astype(np.float32),
        rng.normal(size=(n, 14, 5)).astype(np.float32),
        np.array([0, 1, 0, 1, 0]),
        np.array([False, False, True, False, False]),
        rng.normal(size=(n, 11)).astype(np.float32),
    )


def test_layout():
    """Numbers and places that the dossier's tables 1.5 and section 5.1 state."""
    tracks, vertices = find_group("tracks"), find_group("vertices")
    assert (len(find_group("jet").branches), find_group("candidates").shape) == (27, (10, 100))
    assert (tracks.shape, vertices.shape) == ((30, 60), (14, 5))
    assert tracks.branches[13] == "track_quality"
    assert tracks.branches[22] == "trackBTag_EtaRel"
    assert tracks.branches[29] == "trackBTag_JetDistVal"
    assert vertices.branches[5] == "sv_pt"
    assert vertices.branches[13] == "sv_costhetasvpv"
    assert find_group("spectators").branches[2] == "fj_sdmass"
    groups = [find_group(name) for name in (*FEATURE_SETS, "spectators", "flags")]
    names = [name for group in groups for name in group.branches]
    assert len(set(names)) == len(names) == 27 + 10 + 30 + 14 + 11 + 3
    assert [group.feature_set for group in groups] == [0, 1, 2, 3, None, None]
    for group in groups:
        assert set(group.replacements) <= set(group.branches)
        assert group.fill == 0


def test_parts(jets):
    assert len(jets) == 5
    joined = join_jets([jets.take(slice(0, 2)), jets.take(np.array([2, 3, 4]))])
    np.testing.assert_array_equal(joined.tracks, jets.tracks)
    np.testing.assert_array_equal(joined.unlabelled, jets.unlabelled)
    with pytest.raises(BadInput, match="no jets are left"):
        join_jets([])


def test_unlabelled_jets_are_background_or_removed(jets):
    kept = jets.treat_unlabelled("background")
    assert kept.labels.tolist() == [0, 1, 0, 1, 0]
    removed = jets.treat_unlabelled("removed")
    assert removed.labels.tolist() == [0, 1, 1, 0]
    np.testing.assert_array_equal(removed.spectators, jets.spectators[[0, 1, 3, 4]])
    assert UNLABELLED == ("background", "removed")
    with pytest.raises(UnknownName, match="choose 'background' or 'removed'"):
        jets.treat_unlabelled("signal")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tracks": np.zeros((5, 60, 30), np.float32)}, r"tracks have shape \(5, 60, 30\)"),
        ({"vertices": np.zeros((4, 14, 5), np.float32)}, r"vertices have shape \(4, 14, 5\)"),
        ({"spectators": np.zeros((5, 10), np.float32)}, r"not \(5, 11\)"),
        ({"tracks": np.zeros((5, 30, 60))}, "of type float64, not float32"),
        ({"labels": np.zeros(5, np.int32)}, r"must be int64 of shape \(5,\), not int32"),
        ({"labels": np.array([0, 1, 0, 2, 0])}, "labels must be 1"),
        ({"unlabelled": np.zeros(5, np.int64)}, "must be bool"),
        ({"unlabelled": np.array([0, 1, 0, 0, 0], bool)}, "cannot be unlabelled"),
    ],
)
def test_wrong_arrays(jets, change, said):
    with pytest.raises(BadInput, match=said):
        dataclasses.replace(jets, **change)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_named_and_counted(jets, value):
    tracks = jets.tracks.copy()
    tracks[3, 13, [0, 59]] = tracks[4, 13, 7] = tracks[1, 29, 0] = value
    said = (
        r"track_quality is NaN or infinite 3 times \(first in jet 3\), "
        r"trackBTag_JetDistVal is NaN or infinite 1 time \(first in jet 1\)"
    )
    with pytest.raises(BadInput, match=said):
        dataclasses.replace(jets, tracks=tracks)
    assert "first in jet 103" in describe_faults(tracks, find_group("tracks"), 100)


def test_repair_replaces_by_feature():
    group = find_group("tracks")
    values = np.ones((2, 30, 60), np.float32)
    values[0, 12, 0], values[1, 8, 1], values[1, 9, 2] = np.nan, -np.inf, 2e32
    repaired = repair_values(values, group)
    assert repaired[0, 12, 0] == 300  # track_normchi2
    assert repaired[1, 8, 1] == repaired[1, 9, 2] == 0
    assert (repaired == 1).sum() == values.size - 3
    assert np.isnan(values[0, 12, 0])
    spectators = np.full((1, 11), np.inf, np.float32)
    assert not repair_values(spectators, find_group("spectators")).any()


@pytest.mark.parametrize(
    "flags", [[[2, 1, 0]], [[1, -1, 0]], [[1, 1, np.nan]]], ids=["two", "minus", "nan"]
)
def test_flags_are_0_or_1(flags):
    with pytest.raises(BadInput, match="flags must be 0 or 1"):
        targets_of(np.array(flags))


@pytest.mark.parametrize("target", [[1, 1], [0.5, 0], [np.nan, 0]])
def test_targets_make_sense(target):
    with pytest.raises(BadInput, match=r"the target of jet 1 is .* must be \[1, 0\] for QCD"):
        labels_of(np.array([[0, 1], target]))
