"""Jet files: against pandas both ways, in chunks, atomically, and with every fault."""

import os
import sys
import tracemalloc

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from repro.data._pytables import decode_literal
from repro.data.tables import Jets, JetTable, iter_jets, read_jets, write_jets
from repro.errors import BadInput, MissingData

TRUTH = ["truthE", "truthPX", "truthPY", "truthPZ"]


def make_frame(n=37, constituents=5, seed=0, dtype=np.float32):
    """A frame as the data set has it: momenta, truth (a top quark's for tops), ttv, label."""
    rng = np.random.default_rng(seed)
    momenta = rng.normal(0, 100, (n, constituents, 4))
    momenta[:, constituents // 2 :][rng.random(n) < 0.5] = 0  # padding
    labels = rng.integers(0, 2, n)
    truth = rng.normal(0, 1e4, (n, 4)) * labels[:, np.newaxis]
    names = [f"{name}_{i}" for i in range(constituents) for name in ("E", "PX", "PY", "PZ")]
    values = np.concatenate([momenta.reshape(n, 4 * constituents), truth], axis=1).astype(dtype)
    frame = pd.DataFrame(values, columns=names + TRUTH)
    frame["ttv"] = rng.integers(0, 3, n)
    frame["is_signal_new"] = labels
    return frame


def make_jets(n=37, constituents=5, seed=0):
    frame = make_frame(n, constituents, seed)
    return Jets(
        frame.iloc[:, : 4 * constituents].to_numpy().reshape(n, constituents, 4).copy(),
        frame["is_signal_new"].to_numpy(),
        frame[TRUTH].to_numpy(),
        frame["ttv"].to_numpy(),
    )


def to_hdf(frame, path, **options):
    frame.to_hdf(path, key="table", format="table", **options)
    return path


def assert_same(jets, frame):
    n = len(frame)
    momenta = [c for c in frame.columns if c.split("_")[0] in ("E", "PX", "PY", "PZ")]
    np.testing.assert_array_equal(
        jets.four_momenta, frame[momenta].to_numpy(np.float32).reshape(n, -1, 4)
    )
    np.testing.assert_array_equal(jets.truth, frame[TRUTH])
    np.testing.assert_array_equal(jets.labels, frame["is_signal_new"])
    np.testing.assert_array_equal(jets.split, frame["ttv"])
    assert jets.four_momenta.dtype == np.float32
    assert jets.labels.dtype == jets.split.dtype == np.int64
    assert jets.four_momenta.flags.c_contiguous


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"complib": "zlib", "complevel": 6},
        {"complib": "blosc", "complevel": 1},
        {"complib": "blosc", "complevel": 9},
        {"complib": "blosc:lz4", "complevel": 5},
        {"complib": "blosc:zstd", "complevel": 5},
        {"complib": "blosc:zlib", "complevel": 2},
        {"complib": "blosc:lz4hc", "complevel": 5},
        {"complib": "bzip2", "complevel": 5},
        {"data_columns": ["is_signal_new", "ttv"]},
        {"data_columns": ["E_0", "truthPX"]},
    ],
    ids=str,
)
def test_reads_what_pandas_writes(tmp_path, options):
    frame = make_frame()
    assert_same(read_jets(to_hdf(frame, tmp_path / "a.h5", **options)), frame)


def test_order_of_columns_is_the_files_own(tmp_path):
    """Columns in any order, of several types: found by name."""
    frame = make_frame(dtype=np.float64).astype({"PX_1": "f4", "truthE": "f4"})
    shuffled = frame[np.random.default_rng(1).permutation(frame.columns)]
    path = to_hdf(shuffled, tmp_path / "a.h5")
    assert_same(read_jets(path), frame)
    with JetTable.open(path) as table:
        assert table.columns == tuple(shuffled.columns)
        assert table.constituents == 5
        assert len(table) == 37


def test_other_integer_types_and_float_labels(tmp_path):
    frame = make_frame()
    for kind in ("i1", "u1", "i4", "f4", "bool"):
        written = frame.astype({"is_signal_new": kind})
        assert_same(read_jets(to_hdf(written, tmp_path / f"{kind}.h5")), frame)


def test_truth_never_enters_the_four_momenta(tmp_path):
    """Quirk B1: in v1 the truth columns, named like momenta, leaked into the jet axis."""
    frame = make_frame()
    first = read_jets(to_hdf(frame, tmp_path / "a.h5"))
    frame[TRUTH] = np.float32(12345.0)
    frame.insert(3, "truthPX_0", np.float32(12345.0))
    second = read_jets(to_hdf(frame, tmp_path / "b.h5"))
    np.testing.assert_array_equal(first.four_momenta, second.four_momenta)
    assert not (second.four_momenta == 12345).any()
    assert (second.truth == 12345).all()


@pytest.mark.parametrize("compression", [None, "zlib", "blosc"])
def test_pandas_reads_what_we_write(tmp_path, compression):
    path, frame = tmp_path / "a.h5", make_frame(300)
    jets = read_jets(to_hdf(frame, tmp_path / "b.h5"))
    parts = [
        Jets(jets.four_momenta[s], jets.labels[s], jets.truth[s], jets.split[s])
        for s in (slice(0, 1), slice(1, 250), slice(250, 250), slice(250, 300))
    ]
    assert write_jets(path, iter(parts), compression) == 300
    assert_frame_equal(pd.read_hdf(path, "table"), frame)
    assert_same(read_jets(path), frame)
    some = pd.read_hdf(path, "table", columns=["PX_1"], where="index >= 290")
    assert_frame_equal(some, frame.loc[290:, ["PX_1"]])
    with pd.HDFStore(path, "a") as store:  # and can go on writing
        store.append("table", frame)
    assert len(read_jets(path)) == 600


def test_same_jets_give_the_same_bytes(tmp_path):
    for name in ("a.h5", "b.h5"):
        write_jets(tmp_path / name, [make_jets()], "blosc")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    frame = make_frame(200, 3)
    path = tmp_path_factory.mktemp("tables") / "a.h5"
    return to_hdf(frame, path, complib="blosc", complevel=5), frame


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(0, 200), st.integers(0, 200), st.integers(1, 3))
def test_chunks_do_not_matter(stored, chunk, one, two, constituents):
    path, frame = stored
    start, stop = sorted((one, two))
    parts = list(iter_jets(path, start, stop, chunk=chunk, constituents=constituents))
    assert sum(map(len, parts)) == stop - start
    assert all(len(part) == chunk for part in parts[:-1])
    if parts:
        whole = np.concatenate([part.four_momenta for part in parts])
        expected = frame.iloc[start:stop, : 4 * constituents].to_numpy()
        np.testing.assert_array_equal(whole.reshape(len(whole), -1), expected)
        again = read_jets(path, start, stop, constituents=constituents)
        np.testing.assert_array_equal(whole, again.four_momenta)


@given(st.integers(1, 300), st.lists(st.integers(0, 17), max_size=5, unique=True))
@settings(deadline=None)
def test_columns_in_chunks(stored, chunk, chosen):
    path, frame = stored
    names = [str(frame.columns[i]) for i in chosen]
    with JetTable.open(path) as table:
        parts = list(table.iter_chunks(names, start=5, stop=150, chunk=chunk))
        assert [list(part) for part in parts] == [names] * len(parts)
        for name in names:
            column = np.concatenate([part[name] for part in parts])
            np.testing.assert_array_equal(column, frame[name][5:150])
            assert column.dtype == frame[name].dtype
        assert tuple(next(table.iter_chunks())) == table.columns


def test_big_endian_files(tmp_path):
    """PyTables on a big-endian machine, imitated by rewriting the records."""
    write_jets(tmp_path / "a.h5", [make_jets()])
    frame = pd.read_hdf(tmp_path / "a.h5", "table")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        old = file["table/table"]
        attributes, records = dict(old.attrs), old[:]
        del file["table/table"]
        swapped = records.astype(records.dtype.newbyteorder(">"))
        new = file["table"].create_dataset("table", data=swapped)
        new.attrs.update(attributes)
    jets = read_jets(tmp_path / "a.h5")
    assert_same(jets, frame)
    assert all(array.dtype.isnative for array in (jets.four_momenta, jets.truth, jets.labels))
    with JetTable.open(tmp_path / "a.h5") as table:
        assert next(table.iter_chunks(["E_0"]))["E_0"].dtype.isnative


def test_memory_stays_bounded(tmp_path):
    """20,000 jets of 200 constituents are 65 MB; a chunk of 500 rows is 1.6 MB."""
    jets = make_jets(1000, 200)
    path = tmp_path / "a.h5"
    tracemalloc.start()
    try:
        write_jets(path, (jets for _ in range(20)), "blosc")
        wrote = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        base, grown = tracemalloc.get_traced_memory()[0], []
        kept = []
        for part in iter_jets(path, chunk=500):
            kept.append(part.truth)  # must not hold on to the records that it came from
            grown.append(tracemalloc.get_traced_memory()[1] - base)
    finally:
        tracemalloc.stop()
    assert wrote < 8e6
    assert max(grown) < 10e6
    if sys.platform == "linux":
        import resource

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert sum(len(part) for part in iter_jets(path, chunk=500)) == 20_000
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def fixed(frame, path):
    frame.to_hdf(path, key="table", format="fixed")


def other_key(frame, path):
    frame.to_hdf(path, key="jets", format="table")


def without(*names):
    return lambda frame, path: to_hdf(frame.drop(columns=list(names)), path)


def with_value(name, value, row=20):
    def write(frame, path):
        frame = frame.copy()
        frame.loc[row, name] = value
        to_hdf(frame, path)

    return write


def as_type(name, kind):
    return lambda frame, path: to_hdf(frame.astype({name: kind}), path, min_itemsize=64)


def plain_dataset(_, path):
    with h5py.File(path, "w") as file:
        file["table"] = np.zeros(3)


def plain_group(_, path):
    with h5py.File(path, "w") as file:
        file["table/table"] = np.zeros((3, 4))


def truncated(frame, path):
    to_hdf(frame, path)
    os.truncate(path, path.stat().st_size - 1000)


def damaged_names(raw):
    def write(frame, path):
        to_hdf(frame, path)
        with h5py.File(path, "a") as file:
            file["table/table"].attrs["values_block_0_kind"] = np.bytes_(raw)

    return write


def no_rows(frame, path):
    to_hdf(frame, path)
    with pd.HDFStore(path, "a") as store:
        store.remove("table", where="index >= 0")
        if "table" in store:
            return
    write_jets(path, [make_jets()])
    with h5py.File(path, "a") as file:
        file["table/table"].resize(0, axis=0)


def damaged_rows(frame, path):
    to_hdf(frame, path, complib="zlib", complevel=9)
    with h5py.File(path, "r") as file:
        chunk = file["table/table"].id.get_chunk_info(0)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * 100)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda _, path: path.write_text("<html>not found</html>"), "is a web page"),
        (lambda _, path: path.write_bytes(b""), "no HDF5 file"),
        (truncated, "truncated"),
        (fixed, "format='table'"),
        (other_key, "it holds jets"),
        (lambda _, path: h5py.File(path, "w").close(), "it holds nothing"),
        (plain_dataset, "no pandas table"),
        (plain_group, "no pandas table"),
        (no_rows, "no jets"),
        (damaged_rows, "damaged near row 0"),
        (damaged_names(b"cos\nsystem\n(S'true'\ntR."), "column names cannot be read"),
        (damaged_names(b"(lp0\nVE_0\n"), "column names cannot be read"),
        (damaged_names(b"(lp0\nVE_0\np1\na."), "column names cannot be read"),
        (damaged_names(b"I5\n."), "column names cannot be read"),
        (without("PX_2"), "no column 'PX_2'"),
        (without("E_2"), "no column 'E_2'"),
        (without(*[f"E_{i}" for i in range(5)]), "no column 'E_0'"),
        (without("truthPZ"), "no column 'truthPZ'"),
        (without("ttv"), "no column 'ttv'"),
        (without("is_signal_new"), "no column 'is_signal_new'"),
        (with_value("PY_1", np.nan), "row 20 has NaN or infinite"),
        (with_value("E_0", np.inf), "row 20 has NaN or infinite"),
        (with_value("is_signal_new", 2), "row 20 has is_signal_new 2"),
        (with_value("is_signal_new", -1), "row 20 has is_signal_new -1"),
        (as_type("PX_0", "int64"), "'PX_0' is of type int64: write it as float32"),
        (as_type("truthE", "int64"), "'truthE' is of type int64"),
        (as_type("is_signal_new", "str"), "'is_signal_new' is of type"),
        (as_type("E_0", "str"), "'E_0' is of type"),
    ],
)
def test_faulty_files_are_named_in_one_line(tmp_path, write, message):
    path = tmp_path / "faulty.h5"
    write(make_frame(), path)
    with pytest.raises(BadInput, match=message) as caught:
        read_jets(path)
    assert "faulty.h5" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_float64_that_overflows_float32(tmp_path):
    frame = make_frame(dtype=np.float64)
    frame.loc[3, "PZ_0"] = 1e300
    with pytest.raises(BadInput, match="row 3"):
        read_jets(to_hdf(frame, tmp_path / "a.h5"))


def test_missing_split_in_a_float_column(tmp_path):
    frame = make_frame().astype({"ttv": "f8"})
    frame.loc[3, "ttv"] = np.nan
    with pytest.raises(BadInput, match="'ttv' has NaN"):
        read_jets(to_hdf(frame, tmp_path / "a.h5"))


def test_row_numbers_in_messages_count_from_the_start_of_the_file(tmp_path):
    path = tmp_path / "a.h5"
    with_value("PY_1", np.nan)(make_frame(), path)
    with pytest.raises(BadInput, match="row 20 has"):
        list(iter_jets(path, 5, chunk=4))
    assert len(read_jets(path, 21)) == 16  # what is not read is not judged


def test_faulty_requests(stored, tmp_path):
    path, _ = stored
    with pytest.raises(MissingData, match="not there"):
        read_jets(tmp_path / "none.h5")
    for start, stop in ((-1, 5), (5, 4), (0, 201), (201, None)):
        with pytest.raises(BadInput, match="200 rows"):
            read_jets(path, start, stop)
    with pytest.raises(BadInput, match="longer range"):
        read_jets(path, 5, 5)
    for constituents in (0, 4):
        with pytest.raises(BadInput, match="has 3 constituents"):
            read_jets(path, constituents=constituents)
    with pytest.raises(BadInput, match="chunks of 0 rows"):
        list(iter_jets(path, chunk=0))
    with JetTable.open(path) as table, pytest.raises(BadInput, match="no column 'mass'"):
        list(table.iter_chunks(["mass"]))


def test_unknown_filter(stored, monkeypatch):
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: code != 32001)
    with pytest.raises(BadInput, match="filter 32001"):
        JetTable.open(stored[0])


def faulty(**changes):
    jets = make_jets()
    fields = {
        name: getattr(jets, name).copy() for name in ("four_momenta", "labels", "truth", "split")
    }
    for name, value in changes.items():
        fields[name][3] = value
    return Jets(**fields)


def failing():
    yield make_jets()
    raise RuntimeError("the generator stopped")


@pytest.mark.parametrize(
    ("chunks", "error", "message"),
    [
        ([], BadInput, "no jets"),
        ([make_jets(0)], BadInput, "no jets"),
        ([make_jets(), make_jets(5, 6)], BadInput, "differ in their number"),
        ([make_jets(), faulty(four_momenta=np.nan)], BadInput, "NaN or infinity"),
        ([make_jets(), faulty(labels=2)], BadInput, "must be 1"),
        (failing(), RuntimeError, "generator stopped"),
    ],
)
def test_nothing_is_left_when_writing_fails(tmp_path, chunks, error, message):
    path = tmp_path / "a.h5"
    with pytest.raises(error, match=message):
        write_jets(path, chunks)
    assert list(tmp_path.iterdir()) == []
    path.write_text("the file before")
    with pytest.raises((BadInput, RuntimeError)):
        write_jets(path, [*([make_jets()] if error is BadInput else []), *[faulty(labels=2)]])
    assert path.read_text() == "the file before"
    assert list(tmp_path.iterdir()) == [path]


def test_existing_file_is_replaced(tmp_path):
    path = tmp_path / "a.h5"
    path.write_text("the file before")
    assert write_jets(path, [make_jets()]) == 37
    assert len(read_jets(path)) == 37
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(BadInput, match="create it first"):
        write_jets(tmp_path / "none" / "a.h5", [make_jets()])
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match="cannot write"):
        write_jets(tmp_path / "folder", [make_jets()])
    with pytest.raises(BadInput, match="unknown compression"):
        write_jets(tmp_path / "a.h5", [make_jets()], "lzo")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_shapes_of_jets():
    jets = make_jets()
    with pytest.raises(BadInput, match="four-momenta"):
        Jets(jets.four_momenta[:, :, :3], jets.labels, jets.truth, jets.split)
    with pytest.raises(BadInput, match="do not fit"):
        Jets(jets.four_momenta, jets.labels[1:], jets.truth, jets.split)


@pytest.mark.parametrize("raw", [5, b"", b"cos\nsystem\n.", b"\x80\x04\x8c\x02os\x8c\x01a\x93."])
def test_literals_only(raw):
    with pytest.raises(ValueError, match="attribute"):
        decode_literal(raw)


def test_names_pickled_by_python_2():
    assert decode_literal(b"(lp1\nS'E_0'\np2\naS'PX_0'\np3\na.") == ["E_0", "PX_0"]
    assert decode_literal(np.bytes_(b"(lp1\nVE_0\np2\na.")) == ["E_0"]


@pytest.mark.mirror
def test_jets_of_the_detector_simulation(reference):
    """4,000 jets in the data set's exact format, blocks and all."""
    path = reference / "delphes_4k.h5"
    jets, frame = read_jets(path), pd.read_hdf(path, "table")
    assert jets.four_momenta.shape == (4000, 200, 4)
    assert_same(jets, frame)
    energy, momentum = jets.four_momenta[..., 0], jets.four_momenta[..., 1:]
    np.testing.assert_allclose(energy, np.linalg.norm(momentum, axis=-1), rtol=1e-3, atol=1e-3)
    transverse = np.hypot(momentum[..., 0], momentum[..., 1])
    assert (np.diff(transverse, axis=1) < 1e-3).mean() > 0.99
    few = read_jets(path, 1000, 1100, constituents=30)
    np.testing.assert_array_equal(few.four_momenta, jets.four_momenta[1000:1100, :30])
