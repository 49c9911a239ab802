"""Numbers in files without a name are those that were put there."""

import gc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data import spooled
from repro.data.rows import ChangedRows, iter_blocks, iter_columns, take_rows, whole_of
from repro.data.spooled import MemoryTable, SpooledRows, SpooledTable, make_table, store_rows
from repro.errors import BadInput

FULL = Path("/dev/full")


def numbers(shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def spool(folder, blocks, columns=3, dtype=np.float32):
    rows = SpooledRows(folder, columns, dtype)
    for block in blocks:
        rows.append(block)
    return rows


@given(
    lengths=st.lists(st.integers(0, 7), max_size=5),
    ends=st.tuples(st.integers(-30, 40), st.integers(-30, 40)),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@settings(deadline=None, max_examples=60)
def test_slices_are_those_of_an_array(tmp_path_factory, lengths, ends, dtype):
    blocks = [numbers((length, 3), length, dtype) for length in lengths]
    array = np.concatenate([np.empty((0, 3), dtype), *blocks])
    rows = spool(tmp_path_factory.getbasetemp() / "spool", blocks, dtype=dtype)
    assert (rows.shape, rows.dtype, len(rows)) == (array.shape, array.dtype, len(array))
    np.testing.assert_array_equal(rows[slice(*ends)], array[slice(*ends)])
    np.testing.assert_array_equal(whole_of(rows), array)


@given(which=st.lists(st.integers(0, 19), max_size=30), at_once=st.integers(1, 90))
@settings(deadline=None, max_examples=60)
def test_rows_are_taken_in_any_order(tmp_path_factory, which, at_once):
    array, chosen = numbers((20, 3)), np.array(which, np.int64)
    rows = spool(tmp_path_factory.getbasetemp() / "spool", [array])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repro.data.rows._NUMBERS_AT_ONCE", at_once)
        np.testing.assert_array_equal(take_rows(rows, chosen), array[chosen])
    np.testing.assert_array_equal(take_rows(array, chosen), array[chosen])


@given(columns=st.lists(st.integers(0, 4), max_size=7), at_once=st.integers(1, 90))
@settings(deadline=None, max_examples=60)
def test_columns_come_one_after_the_other(tmp_path_factory, columns, at_once):
    array = numbers((20, 5))
    rows = spool(tmp_path_factory.getbasetemp() / "spool", [array], columns=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repro.data.rows._NUMBERS_AT_ONCE", at_once)
        for table in (rows, array):
            np.testing.assert_array_equal(np.concatenate(list(iter_blocks(table))), array)
            found = list(iter_columns(table, columns))
            assert len(found) == len(columns)
            for column, place in zip(found, columns, strict=True):
                np.testing.assert_array_equal(column, array[:, place])


def test_rows_that_are_too_many_for_memory_are_put_into_a_file(tmp_path, monkeypatch):
    parts = [numbers((length, 3), length) for length in (4, 1, 6)]
    monkeypatch.setattr(spooled, "IN_MEMORY", 11 * 3 * 4)
    small = store_rows(iter(parts), 11, tmp_path)
    monkeypatch.setattr(spooled, "IN_MEMORY", 11 * 3 * 4 - 1)
    large = store_rows(iter(parts), 11, tmp_path)
    assert isinstance(small, np.ndarray)
    assert isinstance(large, SpooledRows)
    assert isinstance(store_rows(iter(parts), 11, None), np.ndarray)
    for found in (small, large):
        np.testing.assert_array_equal(whole_of(found), np.concatenate(parts))


def test_rows_are_changed_when_they_are_read(tmp_path):
    array = numbers((20, 3))
    rows = ChangedRows(spool(tmp_path, [array]), lambda block: 2 * block[:, 1:], 2)
    assert (rows.shape, len(rows)) == ((20, 2), 20)
    np.testing.assert_array_equal(rows[5:9], 2 * array[5:9, 1:])
    np.testing.assert_array_equal(rows.whole(), 2 * array[:, 1:])


@pytest.mark.parametrize("inner", [(), (2,)])
def test_arrays_come_out_of_a_table_as_they_were_put_in(tmp_path, inner):
    array = numbers((4, 11, *inner))
    table = SpooledTable(tmp_path, array.shape, array.dtype)
    for start in range(0, 11, 4):
        table.put(start, array[:, start : start + 4])
    assert len(table) == 4
    np.testing.assert_array_equal(np.stack(list(table)), array)
    np.testing.assert_array_equal(table[2], array[2])
    with pytest.raises(IndexError):
        table[4]


def test_large_tables_alone_are_put_into_files(tmp_path, monkeypatch):
    monkeypatch.setattr(spooled, "IN_MEMORY", 100)
    for length, folder, kind in (
        (10, tmp_path, MemoryTable),
        (20, tmp_path, SpooledTable),
        (20, None, MemoryTable),
    ):
        table = make_table((2, length), np.float32, folder)
        assert type(table) is kind
        array = numbers((2, length))
        table.put(0, array)
        np.testing.assert_array_equal(table[1], array[1])


def test_what_was_not_written_cannot_be_read(tmp_path):
    table = SpooledTable(tmp_path, (1, 20), np.float32)
    table.put(0, numbers((1, 10)))
    with pytest.raises(EOFError):
        table[0]


def test_nothing_is_left_in_the_folder(tmp_path):
    rows = spool(tmp_path, [numbers((20, 3))])
    assert not list(tmp_path.iterdir())
    file = rows._scratch._file
    del rows
    gc.collect()
    assert file.closed


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match=r"cannot be put into .*: set REPRO_CACHE"):
        SpooledRows(tmp_path / "file" / "folder", 3, np.float32)


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def always_full(**_options):
        return FULL.open("r+b", buffering=0)

    monkeypatch.setattr(spooled.tempfile, "TemporaryFile", always_full)
    with pytest.raises(
        BadInput, match=r"\(No space left on device\): make room, or set REPRO_CACHE"
    ):
        spool(tmp_path, [numbers((20, 3))])
    with pytest.raises(
        BadInput, match=r"\(No space left on device\): make room, or set REPRO_CACHE"
    ):
        SpooledTable(tmp_path, (1, 20), np.float32).put(0, numbers((1, 20)))
