"""Files are whole or not there, and what killed processes left goes away."""

import signal
import subprocess
import sys
import threading

import pytest

from repro.data.atomic import check_writable, replacing, write_atomically
from repro.errors import BadInput

posix = pytest.mark.skipif(sys.platform == "win32", reason="no locks of files")
_WRITER = """
import sys
from pathlib import Path
from repro.data.atomic import replacing

with replacing(Path(sys.argv[1])) as stream:
    stream.write(b"half")
    stream.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path):
    """A process that is in the middle of writing ``x.npy``."""
    words = [sys.executable, "-c", _WRITER, str(tmp_path / "x.npy")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"writing\n"
        yield process
        process.kill()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@posix
def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path, writer):
    (hidden,) = names(tmp_path)
    assert hidden.startswith(".x.npy.")
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert names(tmp_path) == [hidden]
    write_atomically(tmp_path / "other.npy", b"")
    assert hidden in names(tmp_path)
    write_atomically(tmp_path / "x.npy", b"whole")
    assert names(tmp_path) == ["other.npy", "x.npy"]
    assert (tmp_path / "x.npy").read_bytes() == b"whole"


@posix
def test_what_another_process_writes_now_stays(tmp_path, writer):
    write_atomically(tmp_path / "x.npy", b"first")
    assert len(names(tmp_path)) == 2
    writer.stdin.close()
    assert writer.wait(20) == 0
    assert names(tmp_path) == ["x.npy"]
    assert (tmp_path / "x.npy").read_bytes() == b"half"


def test_files_of_the_user_stay(tmp_path):
    others = [".x.npy.swp", ".x.npy.1234567g", "x.npy.12345678", ".y.npy.12345678"]
    for name in others:
        (tmp_path / name).touch()
    write_atomically(tmp_path / "x.npy", b"")
    assert names(tmp_path) == sorted([*others, "x.npy"])


def test_many_writers_of_one_file(tmp_path):
    """Nobody takes the file of another for one that was left."""
    failures = []

    def write(number):
        try:
            for _ in range(50):
                write_atomically(tmp_path / "x", bytes([number]) * 1000)
        except BadInput as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert names(tmp_path) == ["x"]
    assert len(set((tmp_path / "x").read_bytes())) == 1


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    write_atomically(tmp_path / "x", b"old")
    with pytest.raises(TypeError), replacing(tmp_path / "x") as stream:
        stream.write("no bytes")
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"


def test_what_could_not_be_written_is_refused_before(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / "folder").mkdir()
    before = names(tmp_path)
    for place in ("file/x.json", "dangling/x.json", "folder", "folder/" + "n" * 300):
        with pytest.raises(BadInput, match="choose another folder"):
            check_writable(tmp_path / place)
        with pytest.raises(BadInput):
            write_atomically(tmp_path / place, b"new")
    for place in ("x.json", "file", "folder/new/x.json"):
        check_writable(tmp_path / place)
    assert names(tmp_path) == before
    assert list((tmp_path / "folder").iterdir()) == []
