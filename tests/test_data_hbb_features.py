"""The dictionary of features: complete, in order, and in agreement with what is known of it."""

import re

import pytest

from repro.catalogue import load_claims
from repro.data.hbb.features import TRACK_SLOTS, VERTEX_SLOTS, track_features, vertex_features
from repro.features.interaction import interaction_features


def test_names_are_unique_and_say_what_they_belong_to():
    tracks = [feature.name for feature in track_features()]
    vertices = [feature.name for feature in vertex_features()]
    assert (len(set(tracks)), len(set(vertices))) == (30, 14)
    assert all(name.startswith("track") for name in tracks)
    assert all(name.startswith("sv_") for name in vertices)


def test_bounds_and_offsets_are_those_of_the_program_that_wrote_them():
    known = {
        "track_drminsv": (-0.8, 0.0, -0.8),
        "track_dzsig": (-2000, 2000, 0),
        "track_dxysig": (-2000, 2000, 0),
        "track_normchi2": (-1, 300, 0),
        "sv_deltaR": (-2, 0, -0.5),
        "sv_normchi2": (-1000, 1000, 0),
        "sv_dxysig": (-1, 800, 0),
        "sv_d3dsig": (-1, 800, 0),
    }
    features = {feature.name: feature for feature in (*track_features(), *vertex_features())}
    for name, wanted in known.items():
        assert (features[name].low, features[name].high, features[name].offset) == wanted
    assert all(feature.meaning for feature in features.values())
    bounded = [f for f in features.values() if f.low is not None and f.high is not None]
    assert all(feature.low < feature.high for feature in bounded)


def test_claims_name_features_of_the_dictionary():
    names = {feature.name for feature in (*track_features(), *vertex_features())}
    said = "\n".join(f"{claim.id} {claim.value}" for claim in load_claims("hbb"))
    found = set(re.findall(r"\b(?:track_\w+|trackBTag_\w+|sv_\w+)\b", said))
    found -= {"track_indices", "track_slots"}
    assert len(found) > 10
    assert found <= names


def test_columns_are_features_and_slots():
    columns = interaction_features()
    assert len(set(columns)) == 30 * TRACK_SLOTS + 14 * VERTEX_SLOTS == 1870
    assert columns[7 * TRACK_SLOTS + 3] == f"{track_features()[7].name}_3"
    assert columns[1800 + 2 * VERTEX_SLOTS + 1] == f"{vertex_features()[2].name}_1"


def test_readers_of_the_record_have_the_same_order():
    branches = pytest.importorskip("repro.data.hbb.branches")
    for name, features, slots in (
        ("tracks", track_features(), TRACK_SLOTS),
        ("vertices", vertex_features(), VERTEX_SLOTS),
    ):
        group = branches.find_group(name)
        assert group.branches == tuple(feature.name for feature in features)
        assert group.slots == slots
