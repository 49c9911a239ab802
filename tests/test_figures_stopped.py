"""What stopped runs leave in the cache stays for a month, and not for ever."""

import os
import time
from types import SimpleNamespace

from repro.figures.stopped import kept_until_done, stopped_folder

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


def test_what_nobody_went_on_with_for_a_month_goes(tmp_path):
    context = SimpleNamespace(spool=tmp_path)
    old = leave(tmp_path / "stopped" / "old", days=31)
    recent = leave(tmp_path / "stopped" / "recent", days=29)
    assert stopped_folder(context) == tmp_path / "stopped"
    assert not old.exists()
    assert (recent / "part" / "reached.npz").read_bytes() == b"rows"


def test_an_old_folder_with_a_new_file_stays(tmp_path):
    place = leave(tmp_path / "stopped" / "place", days=100)
    (place / "part" / "000000000007.npz").write_bytes(b"more")
    stopped_folder(SimpleNamespace(spool=tmp_path))
    assert (place / "part" / "reached.npz").is_file()


def test_nothing_is_made_where_nothing_was_left(tmp_path):
    context = SimpleNamespace(spool=tmp_path)
    assert stopped_folder(context) == tmp_path / "stopped"
    assert list(tmp_path.iterdir()) == []
    assert stopped_folder(SimpleNamespace(spool=None)) is None


def test_a_folder_that_cannot_be_read_changes_nothing(tmp_path):
    (tmp_path / "stopped").write_bytes(b"no folder")
    with kept_until_done(SimpleNamespace(spool=tmp_path), "item") as place:
        assert place == tmp_path / "stopped" / "item"
    assert (tmp_path / "stopped").read_bytes() == b"no folder"
