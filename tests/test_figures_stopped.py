"""What runs keep, should they be stopped: until their result is written, or for a month."""

import os
import time
from contextlib import suppress

import numpy as np
import pytest

from repro.errors import BadInput
from repro.figures.stopped import StoppedRuns

DAY = 24 * 3600


def leave(folder, *, days):
    """Make a folder with a file in which nothing was written for some days."""
    file = folder / "part" / "reached.npz"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"rows")
    then = time.time() - days * DAY
    for path in (file, file.parent, folder):
        os.utime(path, (then, then))
    return folder


def compute(stopped, key, jets=3):
    """Compute rows of some jets, as far as they are not kept."""
    with stopped.rows(key) as kept:
        new = jets - kept.done
        if new:
            kept.add({"rows": np.ones(new)})
    return new


def write_nothing(stopped, error):
    """Compute rows, and end with an error before they are written."""
    computed = []

    def run():
        with stopped.until_written():
            with stopped.until_written():
                computed.append(compute(stopped, "key"))
            raise error

    with pytest.raises(type(error)):
        run()
    return computed[0]


def test_what_nobody_went_on_with_for_a_month_goes(tmp_path):
    old = leave(tmp_path / "stopped" / "old", days=31)
    recent = leave(tmp_path / "stopped" / "recent", days=29)
    assert StoppedRuns(tmp_path).place == tmp_path / "stopped"
    assert not old.exists()
    assert (recent / "part" / "reached.npz").read_bytes() == b"rows"


def test_an_old_folder_with_a_new_file_stays(tmp_path):
    place = leave(tmp_path / "stopped" / "place", days=100)
    (place / "part" / "000000000007.npz").write_bytes(b"more")
    assert StoppedRuns(tmp_path).place
    assert (place / "part" / "reached.npz").is_file()


def test_nothing_is_made_where_nothing_was_left(tmp_path):
    assert StoppedRuns(tmp_path).place == tmp_path / "stopped"
    assert list(tmp_path.iterdir()) == []


def test_without_a_cache_nothing_is_kept(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    stopped = StoppedRuns(None)
    assert stopped.place is None
    with stopped.folder("item") as folder:
        assert folder is None
    assert write_nothing(stopped, KeyboardInterrupt()) == 3
    assert list(tmp_path.iterdir()) == []
    assert not caplog.text


def test_a_folder_that_cannot_be_read_changes_nothing(tmp_path):
    (tmp_path / "stopped").write_bytes(b"no folder")
    with StoppedRuns(tmp_path).folder("item") as place:
        assert place == tmp_path / "stopped" / "item"
    assert (tmp_path / "stopped").read_bytes() == b"no folder"


def test_rows_go_when_the_outermost_block_ends(tmp_path):
    stopped = StoppedRuns(tmp_path)
    with stopped.until_written():
        with stopped.until_written():
            assert compute(stopped, "first") == 3
            assert compute(stopped, "second") == 3
        assert compute(stopped, "first") == 0
    assert compute(stopped, "first") == 3
    assert list((tmp_path / "stopped").iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BadInput("the disk is full")])
def test_what_is_stopped_before_it_is_written_computes_nothing_again(tmp_path, caplog, error):
    assert write_nothing(StoppedRuns(tmp_path), error) == 3
    assert caplog.text.count("3 jets are kept: run it again to go on") == 1
    assert write_nothing(StoppedRuns(tmp_path), error) == 0
    assert compute(StoppedRuns(tmp_path), "key") == 0
    assert list((tmp_path / "stopped").iterdir()) == []


def test_each_of_several_failures_says_what_is_kept(tmp_path, caplog):
    """An exception may get the place in memory of the one before."""
    stopped = StoppedRuns(tmp_path)
    for number in range(6):
        with suppress(BadInput), stopped.rows(str(number)) as kept:
            kept.add({"rows": np.ones(number + 1)})
            raise BadInput("no connection")
    assert caplog.text.count("jets are kept: run it again to go on") == 6


def test_what_failed_stays_also_if_the_run_goes_on(tmp_path):
    """As where ``verify`` goes on with the next item."""
    stopped = StoppedRuns(tmp_path)
    for key in ("fails", "goes well"):
        with stopped.until_written():
            compute(stopped, key)
            with suppress(BadInput), stopped.until_written():
                compute(stopped, f"{key}, within")
                if key == "fails":
                    raise BadInput("no connection")
    kept = {path.name for path in (tmp_path / "stopped").iterdir()}
    assert kept == {"fails, within"}


def test_an_interrupt_before_the_first_jets_says_so(tmp_path, caplog):
    stopped = StoppedRuns(tmp_path)
    with pytest.raises(KeyboardInterrupt), stopped.rows("key"):
        raise KeyboardInterrupt
    assert "no jets are kept yet" in caplog.text
    caplog.clear()
    with pytest.raises(BadInput), stopped.rows("key"):
        raise BadInput("no jets")
    assert not caplog.text
