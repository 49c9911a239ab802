"""Tasks in several processes: done once each, again after a kill, and never left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import worker_tasks

from repro.errors import BadInput
from repro.simulation.workers import run_tasks


@pytest.fixture
def tasks(tmp_path):
    return [(str(tmp_path), number) for number in range(5)]


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    assert multiprocessing.active_children() == []


def assert_done_once(tasks):
    for folder, name in tasks:
        assert (Path(folder) / str(name)).read_text() == "done\n"


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_every_task_is_done_once(tasks, jobs):
    assert sorted(run_tasks(worker_tasks.leave_mark, tasks, jobs)) == tasks
    assert_done_once(tasks)


def test_no_tasks():
    assert list(run_tasks(worker_tasks.leave_mark, [], 2)) == []


def test_a_task_whose_process_dies_is_done_again(tasks):
    assert sorted(run_tasks(worker_tasks.die_the_first_time, tasks, 2)) == tasks
    assert_done_once(tasks)


def test_a_task_whose_process_is_killed_is_done_again(tasks, tmp_path):
    mark = tmp_path / "1.pid"

    def kill():
        while not mark.exists():
            time.sleep(0.01)
        os.kill(int(mark.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    assert sorted(run_tasks(worker_tasks.wait_to_be_killed_the_first_time, tasks, 2)) == tasks
    killer.join()
    assert_done_once(tasks)


def test_three_kills_are_one_line(tasks):
    with pytest.raises(
        BadInput, match="3 worker processes were killed, one after the other: give"
    ) as caught:
        list(run_tasks(worker_tasks.die, tasks, 2))
    assert "\n" not in str(caught.value)


def test_an_error_of_a_task_is_raised(tasks):
    with pytest.raises(BadInput, match="this cannot be done"):
        list(run_tasks(worker_tasks.refuse, tasks, 2))


def test_too_little_memory_is_one_line(tasks):
    with pytest.raises(BadInput, match="not enough memory"):
        list(run_tasks(worker_tasks.exhaust_memory, tasks, 1))


def test_an_error_that_cannot_be_sent_is_no_kill(tasks):
    with pytest.raises(Exception, match="a bug"):
        list(run_tasks(worker_tasks.raise_what_cannot_be_sent, tasks, 1))


def test_a_bug_keeps_its_traceback(tasks):
    with pytest.raises(ZeroDivisionError) as caught:
        list(run_tasks(worker_tasks.divide_by_zero, tasks, 1))
    assert "in divide_by_zero" in "".join(caught.value.__notes__)


def test_kills_with_success_in_between_do_not_end_the_work(tmp_path):
    """Every task is killed once: more kills than would be borne in a row."""
    tasks = [(str(tmp_path), number) for number in range(4)]
    assert sorted(run_tasks(worker_tasks.die_once_each, tasks, 1)) == tasks
    assert_done_once(tasks)


@pytest.mark.skipif(not hasattr(os, "kill") or os.name == "nt", reason="POSIX signals")
def test_workers_end_with_their_parent(tmp_path):
    """A parent that is killed cannot clean up; its worker waits a minute otherwise."""
    script = (
        "import worker_tasks\n"
        "from repro.simulation.workers import run_tasks\n"
        "if __name__ == '__main__':\n"
        f"    task = ({str(tmp_path)!r}, 1)\n"
        "    list(run_tasks(worker_tasks.wait_to_be_killed_the_first_time, [task], 1))\n"
    )
    (tmp_path / "parent.py").write_text(script)
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    parent = subprocess.Popen(
        [sys.executable, "parent.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
    )
    mark = tmp_path / "1.pid"
    wait_until(mark.exists)
    worker = int(mark.read_text())
    parent.kill()
    _, said = parent.communicate(timeout=30)
    wait_until(lambda: not is_running(worker))
    assert said == b""


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid):
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_who_stops_iterating_stops_the_work(tasks):
    running = run_tasks(worker_tasks.leave_mark, tasks, 1)
    first = next(running)
    running.close()
    assert multiprocessing.active_children() == []
    assert first in tasks
