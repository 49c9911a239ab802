"""What a stopped computation leaves, and how another one goes on from it."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data import kept_rows
from repro.data.kept_rows import KeptRows, fingerprint, keep_rows, rows_in


def block(first, n):
    rows = np.arange(first, first + n)
    return {"file": rows.astype(np.float32), "pairs": np.stack([rows, rows], axis=1)}


def stop_after(folder, lengths, total=0):
    """Begin to keep blocks, and be stopped."""

    def run():
        with keep_rows(folder) as kept:
            for length in lengths:
                kept.add(block(kept.done, length), lambda: {"sum": np.array(total)})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()


@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    stops=st.lists(st.integers(0, 5), max_size=4),
    eager=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_rows_are_those_of_a_run_that_was_not_stopped(tmp_path_factory, lengths, stops, eager):
    folder = tmp_path_factory.mktemp("kept") / "key"
    total = sum(lengths)
    wanted = block(0, total)
    with pytest.MonkeyPatch.context() as patch:
        if eager:
            patch.setattr(kept_rows, "_SECONDS_BETWEEN_FILES", -1.0)
        for stop in stops:
            left = KeptRows(folder).done
            remaining = [
                n for n, end in zip(lengths, np.cumsum(lengths), strict=True) if end > left
            ]
            stop_after(folder, remaining[:stop], total=left)
        with keep_rows(folder) as kept:
            for length, end in zip(lengths, np.cumsum(lengths), strict=True):
                if end > kept.done:
                    kept.add(block(kept.done, length))
    found = kept.all()
    for name, rows in wanted.items():
        np.testing.assert_array_equal(found[name], rows)
        assert found[name].dtype == rows.dtype
    # They stay until whoever named the folder removes it.
    assert KeptRows(folder).done == rows_in(folder) == total


def test_what_was_summed_up_comes_back(tmp_path, caplog):
    stop_after(tmp_path / "key", [3, 2], total=7)
    kept = KeptRows(tmp_path / "key")
    assert (kept.done, int(kept.state["sum"])) == (5, 7)
    assert "going on after the 5 jets of a stopped run" in caplog.text


def test_sums_are_those_of_the_rows_and_not_of_what_came_after(tmp_path):
    """Stopped within a block, whose rows are not there and some of whose sums are."""
    sums = {"sum": np.array(0)}

    def run():
        with keep_rows(tmp_path) as kept:
            for number in (1, 2, 3):
                sums["sum"] = sums["sum"] + number
                if number == 3:
                    raise KeyboardInterrupt
                kept.add(block(kept.done, 1), lambda: dict(sums))

    with pytest.raises(KeyboardInterrupt):
        run()
    kept = KeptRows(tmp_path)
    assert (kept.done, int(kept.state["sum"])) == (2, 3)


def test_rows_of_other_code_are_not_taken_up(monkeypatch):
    before = fingerprint([np.zeros(2)], "aic")
    assert fingerprint([np.zeros(2)], "aic") == before
    monkeypatch.setattr(kept_rows, "_code", lambda: "another version")
    assert fingerprint([np.zeros(2)], "aic") != before


def test_rows_that_were_written_without_saying_so_do_not_count(tmp_path):
    """As after a kill between the two files: what was summed up does not have them."""
    stop_after(tmp_path, [3], total=3)
    before = (tmp_path / "reached.npz").read_bytes()
    stop_after(tmp_path, [2], total=5)
    (tmp_path / "reached.npz").write_bytes(before)
    kept = KeptRows(tmp_path)
    assert (kept.done, int(kept.state["sum"])) == (3, 3)


@pytest.mark.parametrize("damaged", ["reached.npz", "000000000000.npz", "000000000003.npz"])
@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_damaged_files_are_not_used(tmp_path, caplog, damaged, damage):
    stop_after(tmp_path, [3])
    stop_after(tmp_path, [2])
    path = tmp_path / damaged
    path.write_bytes(path.read_bytes()[:-30] if damage is None else damage)
    fresh = KeptRows(tmp_path)
    assert (fresh.done, dict(fresh.state)) == (0, {})
    assert "is damaged: starting anew" in caplog.text


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    stop_after(None, [2])
    assert not list(tmp_path.iterdir())
    assert not caplog.text


def test_rows_are_written_once_in_a_while(tmp_path, monkeypatch):
    kept = KeptRows(tmp_path)
    kept.add(block(0, 2))
    assert KeptRows(tmp_path).done == 0
    monkeypatch.setattr(kept_rows, "_SECONDS_BETWEEN_FILES", -1.0)
    kept.add(block(2, 1))
    assert KeptRows(tmp_path).done == 3


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    kept = KeptRows(tmp_path / "file" / "folder")
    for first in (0, 1):
        kept.add(block(first, 1))
        kept.save()
    assert kept.done == 2
    assert caplog.text.count("nothing is kept") == 1


def test_what_another_process_removed_is_written_again(tmp_path, monkeypatch):
    """It computed the same, and was done."""
    monkeypatch.setattr(kept_rows, "_SECONDS_BETWEEN_FILES", -1.0)
    folder = tmp_path / "key"
    with keep_rows(folder) as kept:
        kept.add(block(0, 5))
        shutil.rmtree(folder)
        kept.add(block(5, 2))
    again = KeptRows(folder)
    assert again.done == rows_in(folder) == 7
    np.testing.assert_array_equal(again.all()["file"], block(0, 7)["file"])


def test_fingerprints_differ_in_everything_that_counts():
    zeros = np.zeros((2, 2))
    prints = {
        fingerprint([zeros]),
        fingerprint([zeros.reshape(4)]),
        fingerprint([zeros.astype(np.float32)]),
        fingerprint([zeros + 1]),
        fingerprint([zeros], "aic"),
        fingerprint([zeros, zeros]),
    }
    assert len(prints) == 6
