"""Taggers: cards, the authors' TensorFlow checkpoints, state dicts, and golden outputs."""

import itertools
import os
import pickle
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from scipy.special import expit
from torch import nn

from repro.data.callbacks import silent
from repro.data.pickles import load_pickle
from repro.errors import BadInput, ReproError, UnknownName
from repro.features.samples import read_topodnn_sample, stored_outputs
from repro.features.topodnn import topodnn_features
from repro.models import topodnn
from repro.models.cards import find_card, load_cards
from repro.models.dense import DenseNetwork, count_parameters
from repro.models.state import load_checked, read_state
from repro.models.tagger import Tagger, load_tagger, predict_logits
from repro.models.tensorflow_checkpoint import read_variables

# The table of variants: hidden nodes, inputs, parameters.
TABLE = {
    "baseline": ((300, 102, 12, 6), 90, 59_323),
    "v1": ((240, 80, 10, 6), 90, 42_003),
    "v2": ((240, 80, 10), 90, 41_941),
    "v3": ((180, 60, 8), 90, 27_737),
    "v4": ((120, 40, 6), 90, 16_013),
    "pt0": ((300, 102, 12, 6), 89, 59_023),
    "pt": ((300, 102, 12, 6), 60, 50_323),
    "30": ((300, 102, 12, 6), 30, 41_323),
    "standardize_pt": ((300, 102, 12, 6), 90, 59_323),
}
# P(top) of the first three QCD and the first three top jets that the authors stored, float64.
GOLDEN = {
    "baseline": [0.869267, 0.000012, 0.026957, 0.974118, 0.725398, 0.984480],
    "v1": [0.934458, 0.000354, 0.020733, 0.958110, 0.853246, 0.932637],
    "v2": [0.919632, 0.000004, 0.015010, 0.967633, 0.735665, 0.978856],
    "v3": [0.987092, 0.000015, 0.028787, 0.965682, 0.799845, 0.993551],
    "v4": [0.950983, 0.000013, 0.035269, 0.981781, 0.766600, 0.982763],
    "30": [0.891025, 0.000035, 0.040136, 0.967116, 0.742541, 0.955033],
    "pt": [0.886734, 0.001408, 0.108331, 0.922618, 0.856777, 0.917527],
    "pt0": [0.830466, 0.000027, 0.040802, 0.982688, 0.597874, 0.961834],
}
FEATURES = topodnn_features()


def assert_one_line(error):
    assert "\n" not in str(error)
    assert str(error)


@pytest.fixture(scope="module")
def real_jets(fetch):
    folder = "toptag/fixtures/topodnn_shap"
    return np.vstack(
        [load_pickle(fetch(f"{folder}/samples_{name}.pkl")).values for name in ("bkg", "sig")]
    )


# --- cards -------------------------------------------------------------------------------------


def test_there_is_a_card_for_every_variant_of_the_table():
    assert set(load_cards("topodnn")) == set(TABLE)


@pytest.mark.parametrize("variant", TABLE)
def test_card_and_network_have_the_sizes_of_the_table(variant):
    hidden, inputs, parameters = TABLE[variant]
    card = find_card(f"topodnn:{variant}")
    assert (card.hidden, card.inputs, card.parameters) == (hidden, inputs, parameters)
    assert len(card.columns(FEATURES)) == inputs
    network = topodnn.build(card)
    assert count_parameters(network) == parameters
    sizes = [inputs, *hidden, 1]
    linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
    assert [m.in_features for m in linear] + [1] == sizes
    assert len([m for m in network.modules() if isinstance(m, nn.ReLU)]) == len(hidden)


def test_variants_see_the_columns_that_their_names_say():
    assert [FEATURES[i] for i in find_card("topodnn:pt0").columns(FEATURES)] == list(FEATURES[1:])
    seen = [FEATURES[i] for i in find_card("topodnn:pt").columns(FEATURES)]
    assert seen == [name for name in FEATURES if not name.startswith("pt_")]
    assert find_card("topodnn:30").columns(FEATURES) == list(range(30))
    scaled = find_card("topodnn:standardize_pt").standardised(FEATURES)
    assert [FEATURES[i] for i in scaled] == [f"pt_{i}" for i in range(30)]


def test_a_model_without_a_variant_is_the_baseline():
    assert find_card("topodnn") == find_card("topodnn:baseline")


@pytest.mark.parametrize("name", ["nosuch", "topodnn:v9", "topodnn:", "", "../topodnn"])
def test_unknown_models_name_the_known_ones(name):
    with pytest.raises(UnknownName, match="topodnn") as caught:
        find_card(name)
    assert_one_line(caught.value)


# --- golden outputs ----------------------------------------------------------------------------


@pytest.mark.parametrize("variant", GOLDEN)
def test_golden_probabilities_in_float64(fetch, real_jets, variant):
    tagger = load_tagger(f"topodnn:{variant}", "authors", fetch)
    rows = real_jets[[0, 1, 2, 500, 501, 502]]
    logits = predict_logits(tagger.network.double(), tagger.prepare(rows, FEATURES))
    assert logits.dtype == np.float64
    # Six printed decimals: half a unit of the last, and a little for the original's rounding.
    np.testing.assert_allclose(expit(logits), GOLDEN[variant], rtol=0, atol=6e-7)


def test_baseline_gives_back_the_authors_stored_outputs(fetch):
    """Claim C1: two float32 forward passes that may sum in another order."""
    sample = read_topodnn_sample("fixtures", "test", None, fetch, silent)
    stored, _ = stored_outputs(fetch)
    tagger = load_tagger("topodnn", "auto", fetch)
    found = expit(predict_logits(tagger.network, sample.inputs))
    assert np.abs(found - stored[sample.rows]).max() <= 2e-6


@pytest.mark.parametrize("variant", TABLE)
def test_authors_weights_of_every_variant_tag_the_real_jets(fetch, real_jets, variant):
    tagger = load_tagger(f"topodnn:{variant}", "authors", fetch)
    assert count_parameters(tagger.network) == TABLE[variant][2]
    assert [file.id for file in tagger.weights] == list(tagger.card.authors)
    assert all(file.sha256 and file.swhid for file in tagger.weights)
    scores = predict_logits(tagger.network, tagger.prepare(real_jets.astype(np.float32), FEATURES))
    assert scores.shape == (1000,)
    # Far better than chance: a wrong column order would not be.
    assert ((scores > 0) == (np.arange(1000) >= 500)).mean() > 0.84


# --- tagger ------------------------------------------------------------------------------------


def make_tagger(variant):
    card = find_card(f"topodnn:{variant}")
    return Tagger(card, topodnn.build(card), ())


def test_standardize_pt_scales_with_the_moments_of_the_set_at_hand():
    inputs = np.random.default_rng(0).normal(3, 2, (50, 90)).astype(np.float32)
    before = inputs.copy()
    prepared = make_tagger("standardize_pt").prepare(inputs, FEATURES)
    np.testing.assert_array_equal(inputs, before)
    pt = inputs[:, ::3].astype(np.float64)
    expected = (pt - pt.mean(axis=0)) / pt.std(axis=0, ddof=1)
    np.testing.assert_allclose(prepared[:, ::3], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(prepared[:, 1::3], inputs[:, 1::3])
    np.testing.assert_array_equal(prepared[:, 2::3], inputs[:, 2::3])
    assert prepared.dtype == np.float32


def test_a_column_without_spread_standardises_to_zero():
    """As a padded slot that no jet of the set fills."""
    inputs = np.random.default_rng(0).normal(3, 2, (50, 90)).astype(np.float32)
    inputs[:, 87] = 0
    prepared = make_tagger("standardize_pt").prepare(inputs, FEATURES)
    np.testing.assert_array_equal(prepared[:, 87], 0)
    assert np.isfinite(prepared).all()


def test_standardising_one_jet_is_refused():
    with pytest.raises(BadInput, match="2 jets or more"):
        make_tagger("standardize_pt").prepare(np.zeros((1, 90)), FEATURES)


@pytest.mark.parametrize("variant", TABLE)
def test_inputs_with_other_columns_are_refused(variant):
    with pytest.raises(BadInput, match="inputs"):
        make_tagger(variant).prepare(np.zeros((3, 20)), FEATURES[:20])


def test_logits_do_not_depend_on_the_batches(monkeypatch):
    network = DenseNetwork(5, (8, 4)).double()
    inputs = np.random.default_rng(0).normal(size=(23, 5))
    whole = predict_logits(network, inputs)
    monkeypatch.setattr("repro.models.tagger._JETS_PER_BATCH", 4)
    np.testing.assert_allclose(predict_logits(network, inputs), whole, rtol=1e-12)
    assert predict_logits(network, inputs[:0]).shape == (0,)
    assert predict_logits(DenseNetwork(5, (8,), 2).double(), inputs).shape == (23, 2)


# --- TensorFlow checkpoints --------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(fetch):
    """The smallest variant's index and data, as bytes."""
    return [fetch(name).read_bytes() for name in find_card("topodnn:v4").authors]


@pytest.mark.parametrize("variant", TABLE)
def test_checkpoint_holds_every_layer_of_the_variant(fetch, variant):
    hidden, inputs, _ = TABLE[variant]
    variables = read_variables(*(fetch(name) for name in find_card(f"topodnn:{variant}").authors))
    sizes = [inputs, *hidden, 1]
    for layer, shape in enumerate(itertools.pairwise(sizes)):
        assert variables[f"layer_with_weights-{layer}/kernel"].shape == shape
        assert variables[f"layer_with_weights-{layer}/bias"].shape == shape[1:]
        assert variables[f"layer_with_weights-{layer}/kernel"].dtype == np.float32
    assert variables["optimizer/iter"].dtype == np.int64
    assert f"layer_with_weights-{len(sizes) - 1}/kernel" not in variables


def varint(number):
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(pairs, restart_every=2):
    """A LevelDB block: prefix-compressed pairs, restart points, and a trailer."""
    body, restarts, previous = bytearray(), [], b""
    for position, (key, value) in enumerate(pairs):
        same = [a == b for a, b in zip(previous, key, strict=False)]
        shared = [*same, False].index(False)
        if position % restart_every == 0:
            restarts.append(len(body))
            shared = 0
        body += varint(shared) + varint(len(key) - shared) + varint(len(value))
        body += key[shared:] + value
        previous = key
    for restart in restarts or [0]:
        body += struct.pack("<I", restart)
    return bytes(body) + struct.pack("<I", len(restarts or [0]))


def make_checkpoint(variables, blocks=2, compression=0):
    """An index and data file with the given arrays, in several blocks."""
    codes = {"<f4": 1, "<f8": 2, "<i4": 3, "<i8": 9}
    data, pairs = bytearray(), [(b"", b"\x08\x01")]
    for name in sorted(variables):
        array = variables[name]
        shape = b"".join(field(2, field(1, n)) for n in array.shape)
        entry = field(1, codes[array.dtype.str]) + field(2, shape)
        entry += field(4, len(data)) + field(5, array.nbytes) + varint(6 << 3 | 5) + b"\0\0\0\0"
        pairs.append((f"{name}/.ATTRIBUTES/VARIABLE_VALUE".encode(), entry))
        data += array.tobytes()
    # A string tensor, such as the object graph.
    pairs.append((b"_CHECKPOINTABLE_OBJECT_GRAPH", field(1, 7) + field(5, 3)))
    pairs.sort()
    table, index = bytearray(), []
    for part in np.array_split(np.arange(len(pairs)), blocks):
        content = block([pairs[i] for i in part])
        index.append((pairs[part[-1]][0], varint(len(table)) + varint(len(content))))
        table += content + bytes([compression]) + b"\0\0\0\0"
    handles = []
    for content in (block([]), block(index, 1)):
        handles.append(varint(len(table)) + varint(len(content)))
        table += content + b"\0" + b"\0\0\0\0"
    footer = b"".join(handles).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    return bytes(table) + footer, bytes(data)


def read_bytes(folder, index, data):
    (folder / "index").write_bytes(index)
    (folder / "data").write_bytes(data)
    return read_variables(folder / "index", folder / "data")


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_reads_a_checkpoint_written_here(tmp_path, blocks):
    rng = np.random.default_rng(0)
    written = {
        f"layer_with_weights-{i}/kernel": rng.normal(size=(3, i + 1)).astype("<f4")
        for i in range(12)
    }
    written |= {"a/double": rng.normal(size=(2, 3, 4)), "a/scalar": np.array(7, "<i8")}
    written |= {"a/int": np.arange(300, dtype="<i4"), "a/empty": np.zeros((0, 3))}
    found = read_bytes(tmp_path, *make_checkpoint(written, blocks))
    assert set(found) == set(written)
    for name, array in written.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_compressed_blocks_are_refused(tmp_path):
    with pytest.raises(BadInput, match="compressed"):
        read_bytes(tmp_path, *make_checkpoint({"a": np.zeros(3)}, compression=1))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(BadInput, match=r"cannot read .*nowhere"):
        read_variables(tmp_path / "nowhere", tmp_path / "nowhere")


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    index, data = make_checkpoint({"layer_with_weights-0/kernel": np.zeros((90, 120), "<f4")})
    (tmp_path / "index").write_bytes(index)
    (tmp_path / "data").write_bytes(data)
    with pytest.raises(BadInput, match="no variable layer_with_weights-0/bias") as caught:
        topodnn.read_authors(find_card("topodnn:v4"), [tmp_path / "index", tmp_path / "data"])
    assert_one_line(caught.value)


def test_a_checkpoint_of_another_variant_is_refused(fetch):
    def mixed_up(artifact_id):
        return fetch(artifact_id.replace("topodnnmodel_v4", "topodnnmodel_v3"))

    with pytest.raises(BadInput, match=r"topodnn:v4: tensor .* shape") as caught:
        load_tagger("topodnn:v4", "authors", mixed_up)
    assert_one_line(caught.value)


@pytest.mark.parametrize("keep", [0, 1, 47, 48, 500, 2000])
def test_truncated_indexes_are_refused(tmp_path, checkpoint, keep):
    with pytest.raises(BadInput, match="fetch the files again") as caught:
        read_bytes(tmp_path, checkpoint[0][:keep], checkpoint[1])
    assert_one_line(caught.value)


@pytest.mark.parametrize("keep", [0, 100, 100_000])
def test_truncated_data_are_refused(tmp_path, checkpoint, keep):
    with pytest.raises(BadInput, match="outside the data file"):
        read_bytes(tmp_path, checkpoint[0], checkpoint[1][:keep])


def test_files_of_another_format_are_refused(tmp_path):
    for content in (b"", b"\0" * 48, b"no table " * 100, pickle.dumps([1])):
        with pytest.raises(BadInput, match="no table footer"):
            read_bytes(tmp_path, content, b"")


@settings(max_examples=300, deadline=2000)
@given(st.data())
def test_damaged_checkpoints_never_crash_the_reader(tmp_path_factory, data):
    """Random bytes changed, or the end cut off: readable, or BadInput, and soon."""
    index, tensors = make_checkpoint(
        {f"v{i}/kernel": np.full((i + 1, 2), 0.5, "<f4") for i in range(9)}, blocks=3
    )
    damaged = bytearray(index)
    for place in data.draw(st.lists(st.integers(0, len(index) - 1), max_size=6)):
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([0, 0, 0, 1, 7, 49, 200]))
    folder = tmp_path_factory.getbasetemp()
    try:
        found = read_bytes(folder, bytes(damaged[: len(damaged) - cut]), tensors)
    except BadInput as error:
        assert_one_line(error)
    else:
        assert all(isinstance(array, np.ndarray) for array in found.values())


@settings(max_examples=150, deadline=5000)
@given(st.data())
def test_damage_to_the_authors_index_never_crashes_the_loader(tmp_path_factory, checkpoint, data):
    index, tensors = checkpoint
    damaged = bytearray(index)
    for place in data.draw(st.lists(st.integers(0, len(index) - 1), min_size=1, max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.getbasetemp()
    (folder / "index").write_bytes(bytes(damaged))
    (folder / "data").write_bytes(tensors)
    files = iter([folder / "index", folder / "data"])
    try:
        load_tagger("topodnn:v4", "authors", lambda _: next(files))
    except BadInput as error:
        assert_one_line(error)


# --- state dicts -------------------------------------------------------------------------------


@pytest.fixture
def good():
    """The state dict of an untrained v4."""
    return topodnn.build(find_card("topodnn:v4")).state_dict()


def refuse(path, match, fetch=None):
    with pytest.raises(BadInput, match=match) as caught:
        load_tagger("topodnn:v4", str(path), fetch)
    assert_one_line(caught.value)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_state_dicts_load_from_both_formats(tmp_path, good, suffix):
    path = tmp_path / f"weights.{suffix}"
    save_file(good, path) if suffix == "safetensors" else torch.save(good, path)
    tagger = load_tagger("topodnn:v4", str(path), None)
    for name, tensor in tagger.network.state_dict().items():
        assert torch.equal(tensor, good[name])
    assert not tagger.network.training
    (file,) = tagger.weights
    assert (file.source, file.id, file.swhid) == ("path", path.name, None)
    assert len(file.sha256) == 64


def test_faults_of_state_dicts_are_named(tmp_path, good):
    first = "layers.0.weight"
    faults = {
        "missing": {k: v for k, v in good.items() if k != first},
        "not part of the network": good | {"extra": torch.zeros(1)},
        "has shape": good | {first: torch.zeros(3, 3)},
        "NaN": good | {first: torch.full_like(good[first], torch.nan)},
        "infinity": good | {"layers.6.bias": torch.tensor([torch.inf])},
    }
    for match, state in faults.items():
        torch.save(state, tmp_path / "weights.pt")
        refuse(tmp_path / "weights.pt", f"topodnn:v4: tensor .* {match}")
        save_file(state, tmp_path / "weights.safetensors")
        refuse(tmp_path / "weights.safetensors", f"topodnn:v4: tensor .* {match}")


@pytest.mark.parametrize(
    "content",
    [[1, 2], {"a": 1}, torch.zeros(3), {0: torch.zeros(1), "a": torch.zeros(1)}, None, {"a": {}}],
    ids=["list", "numbers", "tensor", "numbered", "nothing", "nested"],
)
def test_files_of_something_else_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "weights.pt")
    refuse(tmp_path / "weights.pt", "no state dict of tensors")


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_a_pickle_bomb_does_not_go_off(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Bomb()))
    torch.save({"layers.0.weight": Bomb()}, tmp_path / "zipped.pt")
    for name in ("bare.pt", "zipped.pt"):
        refuse(name, "more than tensors")
    assert not (tmp_path / "exploded").exists()


def test_whole_models_are_refused(tmp_path):
    torch.save(DenseNetwork(3, (2,)), tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", "more than tensors")


def test_missing_weights_are_refused(tmp_path):
    refuse(tmp_path / "nowhere.pt", "no weights at")
    refuse(tmp_path, "no weights at")


@settings(max_examples=200, deadline=2000)
@given(st.data())
def test_damaged_state_dicts_never_crash_the_reader(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    state = {"a": torch.ones(4, 3), "b": torch.zeros(2)}
    suffix = data.draw(st.sampled_from(["pt", "old.pt", "safetensors"]))
    path = folder / f"weights.{suffix}"
    if suffix == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=suffix == "pt")
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[place] = data.draw(st.integers(0, 255))
    keep = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    path.write_bytes(bytes(content[:keep]))
    try:
        found = read_state(path)
    except BadInput as error:
        assert_one_line(error)
    else:
        assert all(isinstance(tensor, torch.Tensor) for tensor in found.values())


def test_load_checked_leaves_the_network_alone_when_it_complains():
    network = DenseNetwork(3, (2,))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    with pytest.raises(ReproError):
        load_checked(network, before | {"layers.2.bias": torch.tensor([torch.nan])}, "no")
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize("name", ["in:De8", "mbns", "pfin:sum", "pfn:v3"])
def test_an_authors_file_given_by_path_is_the_same_network(fetch, name):
    """It has the authors' names of layers, and a file of ours has ours."""
    ours = load_tagger(name, "authors", fetch)
    path = fetch(ours.card.authors[0])
    theirs = load_tagger(name, str(path), fetch)
    assert theirs.weights[0] == ours.weights[0]
    assert not theirs.own_weights
    for key, tensor in ours.network.state_dict().items():
        assert torch.equal(theirs.network.state_dict()[key], tensor)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("in:baselin", "did you mean baseline? in has 31 variants"),
        ("in:DE8", "De8"),
        ("in:zzz", "in has baseline, De16"),
        ("pfn:v9", "pfn has baseline"),
    ],
)
def test_a_misspelt_variant_gets_a_hint(name, said):
    with pytest.raises(UnknownName, match="unknown variant") as raised:
        find_card(name)
    assert said in str(raised.value)
