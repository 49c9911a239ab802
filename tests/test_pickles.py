"""The restricted unpickler: the authors' files, today's pandas and numpy, and attacks."""

import pickle
import pickletools
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.data.pickles import Table, load_pickle
from repro.errors import BadInput, MissingData


def load(tmp_path, data):
    path = tmp_path / "some.pkl"
    path.write_bytes(data)
    return load_pickle(path)


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">f4").reshape(2, 3),
        np.asfortranarray(np.random.default_rng(0).random((3, 4))),
        np.zeros((0, 3)),
        np.array(2.5),
        np.array([True, False]),
        np.arange(5, dtype=np.uint8)[::2],
        np.float32(0.1),
        np.int64(7),
    ],
    ids=str,
)
def test_arrays_of_every_protocol(tmp_path, array, protocol):
    loaded = load(tmp_path, pickle.dumps(array, protocol))
    assert loaded.dtype == np.asarray(array).dtype.newbyteorder("=")
    assert loaded.shape == array.shape
    np.testing.assert_array_equal(loaded, array)


def test_arrays_are_writable(tmp_path):
    loaded = load(tmp_path, pickle.dumps(np.zeros(3)))
    loaded[0] = 1
    assert loaded.tolist() == [1, 0, 0]


def test_arrays_of_python_numbers(tmp_path):
    labels = load(tmp_path, pickle.dumps(np.array([0, 1, 1], dtype=object)))
    assert labels.dtype == np.int64
    mixed = load(tmp_path, pickle.dumps(np.array([0, 0.5], dtype=object)))
    assert mixed.dtype == np.float64


def test_lists_and_numbers(tmp_path):
    assert load(tmp_path, pickle.dumps([1, 2.5, (True, [3])])) == [1, 2.5, (True, [3])]
    shared = np.zeros(3)
    first, second = load(tmp_path, pickle.dumps([shared, shared]))
    assert first is second


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.0, 2.0], "b": [1, 2], "c": [3.0, 4.0]}),
        pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=["x", "y", "z"], index=[5, 3]),
        pd.DataFrame(np.zeros((2, 3), "f4")),
        pd.DataFrame(np.ones((4, 2)), columns=pd.Index(["x", "y"], dtype=object))[::-1],
        pd.DataFrame({"a": [True, False], "b": [1.5, 2.5]}, index=np.array([1, 2], np.int32)),
    ],
    ids=["mixed", "index", "numbered", "reversed", "bool"],
)
def test_tables_of_the_installed_pandas(tmp_path, frame, protocol):
    table = load(tmp_path, pickle.dumps(frame, protocol))
    assert isinstance(table, Table)
    assert table.columns == tuple(str(name) for name in frame.columns)
    np.testing.assert_array_equal(table.values, frame.to_numpy(dtype=float))
    np.testing.assert_array_equal(table.index, frame.index)
    assert len(table) == len(frame)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": ["text"]}),
        pd.DataFrame({"a": [1.0]}, index=["row"]),
        pd.DataFrame({"a": [1.0]}, index=[0.5]),
        pd.DataFrame({"a": pd.Series([1, None], dtype="Int64")}),
        pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}),
        pd.DataFrame(np.zeros((2, 2)), columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.Series([1.0]),
    ],
    ids=["text", "names", "float", "nullable", "dates", "levels", "empty", "rowless", "series"],
)
def test_other_tables_are_refused(tmp_path, frame):
    with pytest.raises(BadInput) as caught:
        load(tmp_path, pickle.dumps(frame))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Call(eval, "__import__('sys').modules.__setitem__('pwned', 1)")),
        pickle.dumps(Call(exec, "import sys; sys.modules['pwned'] = 1"), 0),
        pickle.dumps([np.zeros(2), Call(np.load, "x.npy", "r", True)]),
        b"cos\nsystem\n(S'touch pwned'\ntR.",
        b"cposix\nsystem\n(S'touch pwned'\ntR.",
        b"(S'touch pwned'\nios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch pwned\x85R.",
        b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.tofile\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x10f2py.os.system\x93\x8c\x02ls\x85R.",
        b"cnumpy.core.multiarray\nfromfile\n(S'/etc/passwd'\ntR.",
        b"cbuiltins\ngetattr\n(cnumpy\nndarray\nS'tofile'\ntR.",
        b"cpandas\nread_pickle\n(S'x'\ntR.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR.",
        b"\x80\x02\x82\x01.",
        b"Pid\n.",
        b"c" + b"a" * 300 + b"\n" + b"b" * 300 + b"\n.",
    ],
)
def test_calls_are_not_made(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput) as caught:
        load(tmp_path, data)
    assert "pwned" not in sys.modules
    assert not (tmp_path / "pwned").exists()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(tmp_path)) + 200


@pytest.mark.parametrize(
    "data",
    [
        b"(dp0\n.",
        pickle.dumps({"a": 1.0}),
        pickle.dumps("text"),
        pickle.dumps(None),
        pickle.dumps([None]),
        pickle.dumps(np.array(["a", "b"])),
        pickle.dumps(np.array(["a", 1], dtype=object)),
        pickle.dumps(np.array([1 + 2j])),
        pickle.dumps(np.zeros(2, dtype=[("a", "f4")])),
        pickle.dumps(np.array(["2020-01-01"], dtype="M8[D]")),
        pickle.dumps(np.array([2**70], dtype=object)),
        b"cnumpy\nndarray\n.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I3\ntS'b'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(tR.",
        b"]q\x00h\x00a.",  # a list that holds itself
        pickle.dumps([[[[[[[[[[[1.0]]]]]]]]]]]),
    ],
)
def test_other_content_is_refused(tmp_path, data):
    with pytest.raises(BadInput) as caught:
        load(tmp_path, data)
    assert "\n" not in str(caught.value)


def test_sizes_are_checked_before_memory_is_used(tmp_path):
    """A shape that the bytes do not fill, and an index of more rows than there are."""
    good = pickle.dumps(np.zeros((2, 3)), 2)
    assert good.count(b"K\x02K\x03\x86") == 1
    huge = good.replace(b"K\x02K\x03\x86", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86")
    with pytest.raises(BadInput):
        load(tmp_path, huge)
    frame = pickle.dumps(pd.DataFrame({"a": np.zeros(77)}), 2)
    stretched = frame.replace(b"KMX\x04", b"J\xff\xff\xff\x7fX\x04")
    assert stretched != frame
    with pytest.raises(BadInput, match="another length"):
        load(tmp_path, stretched)


def test_a_pickle_cannot_change_this_module(tmp_path):
    """BUILD on an admitted class would set its attributes, were it a plain class."""
    for attack in (
        b"cpandas\nDataFrame\n(dS'kind'\nS'array'\nsb.",
        b"cpandas\nDataFrame\n(N(dS'kind'\nS'array'\nstb.",
    ):
        with pytest.raises(BadInput):
            load(tmp_path, attack)
    frame = pd.DataFrame({"a": [1.0]})
    assert isinstance(load(tmp_path, pickle.dumps(frame)), Table)


@given(st.data())
def test_truncation_and_damage_are_one_line(tmp_path_factory, data):
    whole = pickle.dumps(
        [np.arange(4.0), pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]}), 1.5],
        data.draw(st.integers(2, 5)),
    )
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 2))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    path.write_bytes(damaged)
    try:
        load_pickle(path)
    except BadInput as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
    # What still loads was damaged in its numbers only: that is for a checksum to find.


def test_every_truncation_is_found(tmp_path):
    whole = pickle.dumps([np.arange(4.0), 1.5])
    for length in range(len(whole)):
        with pytest.raises(BadInput, match="fetch it again"):
            load(tmp_path, whole[:length])


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(MissingData, match="not there"):
        load_pickle(tmp_path / "none.pkl")
    with pytest.raises(BadInput, match="is a folder"):
        load_pickle(tmp_path)


@pytest.mark.mirror
def test_every_pickle_of_the_authors(mirror):
    """Against pandas and the plain unpickler (these files are pinned by hash)."""
    paths = sorted((mirror / "toptag" / "fixtures").rglob("*.pkl"))
    assert len(paths) == 18
    for path in paths:
        ours = load_pickle(path)
        if any(arg == "DataFrame" for _, arg, _ in pickletools.genops(path.read_bytes())):
            theirs = pd.read_pickle(path)
            assert ours.columns == tuple(theirs.columns)
            np.testing.assert_array_equal(ours.values, theirs.to_numpy())
            np.testing.assert_array_equal(ours.index, theirs.index)
        else:
            theirs = pickle.loads(path.read_bytes())
            assert type(ours) is type(theirs)
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.mirror
def test_content_of_the_samples(mirror):
    """What the dossier says of the TopoDNN samples (sections 0.4 and 2.1)."""
    folder = mirror / "toptag" / "fixtures" / "topodnn_shap"
    for name, first_row, last_row in (("bkg", 919, 403772), ("sig", 949, 403520)):
        table = load_pickle(folder / f"samples_{name}.pkl")
        assert table.values.shape == (500, 90)
        assert table.columns[:4] == ("pt_0", "eta_0", "phi_0", "pt_1")
        assert (table.index.min(), table.index.max()) == (first_row, last_row)
        pt, eta, phi = (table.values[:, i::3] for i in range(3))
        assert np.abs(eta[:, :2]).max() < 1e-15
        assert phi[:, 1].max() <= 0
        assert (pt * eta).sum(axis=1).min() >= 0
    assert load_pickle(folder / "expected_value.pkl") == pytest.approx([-2.05398889])
