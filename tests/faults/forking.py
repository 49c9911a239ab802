"""A process that has imported the package, and forks for each command: a start costs no time.

Run as a program it answers lines of JSON on stdin with lines of JSON on stdout; :class:`Forking`
speaks to it.  What a fault needs of a process is set in the fork alone: limits, user, working
directory, environment.  With ``namespace`` the program has mounts of its own, which end with it.
"""

import contextlib
import ctypes
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

_OWN_MOUNTS = 0x20000  # CLONE_NEWNS
_SLOW = (
    "captum.attr",
    "hdf5plugin",
    "matplotlib.pyplot",
    "mplhep",
    "requests",
    "safetensors.torch",
)
ROOT = Path(__file__).resolve().parents[2]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, negative for a signal, and what it said."""

    code: int
    out: str
    err: str


class Forking:
    """The program, and what is asked of it.

    Args:
        namespace: Whether it has mounts of its own.
        environment: Variables that it begins with.
    """

    def __init__(self, *, namespace=False, environment=None):
        self.namespace = namespace
        words = [sys.executable, __file__, *(["namespace"] if namespace else [])]
        whole = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": str(ROOT)}
        whole |= environment or {}
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=whole
        )
        if self._read(120) != "ready":
            self.close()
            raise RuntimeError("the forking process does not start")

    def inside(self, path):
        """Where a path of the process lies for others, whatever is mounted there."""
        return Path(f"/proc/{self._process.pid}/root{path}")

    def mount(self, *words):
        """Mount something, for this process and its children alone."""
        self._ask({"mount": list(map(str, words))})
        assert self._read(20) == 0

    def start(self, arguments, folder, **settings):
        """Begin a command; returns its process, which leads a group of its own.

        Args:
            arguments: What comes after ``repro``.
            folder: Where it runs.
            settings: ``environment``, ``file_limit`` (bytes), ``homeless`` (no entry in the list
                of users), ``pins`` (a file), ``kept`` (rows are kept at once), ``gone`` (whether
                the folder is removed under it).
        """
        self._ask({"arguments": list(map(str, arguments)), "folder": str(folder), **settings})
        return Started(self, self._read(60))

    def run(self, arguments, folder, *, timeout=120, **settings):
        """Run a command to its end.

        Raises:
            TimeoutError: If it hangs; it is killed.
        """
        return self.start(arguments, folder, **settings).wait(timeout)

    def close(self):
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def _ask(self, task):
        self._process.stdin.write(f"{json.dumps(task)}\n")
        self._process.stdin.flush()

    def _read(self, timeout):
        if not select.select([self._process.stdout], [], [], timeout)[0]:
            raise TimeoutError(f"no answer in {timeout} s")
        return json.loads(self._process.stdout.readline())


@dataclass
class Started:
    """A command that runs."""

    server: Forking
    pid: int
    outcome: Outcome | None = None
    begun: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def wait(self, timeout):
        """Wait for its end.

        Raises:
            TimeoutError: If it hangs; it is killed.
        """
        if not self.ended(timeout):
            self.kill()
            raise TimeoutError(f"not at its end after {timeout} s: {self.outcome}")
        return self.outcome

    def kill(self, number=signal.SIGKILL):
        """Send a signal to the process and all that it started, and wait for the end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
        self.outcome = Outcome(*self.server._read(60))

    def ended(self, seconds):
        """Wait so long; returns whether it has ended by itself."""
        if self.outcome is None:
            with contextlib.suppress(TimeoutError):
                self.outcome = Outcome(*self.server._read(seconds))
                self.seconds = time.monotonic() - self.begun
        return self.outcome is not None


def _serve():
    """Answer until stdin ends."""
    _import_all()
    lines = os.fdopen(os.dup(0), "r")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)

    def say(answer):
        answers.write(f"{json.dumps(answer)}\n")
        answers.flush()

    if "namespace" in sys.argv:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_OWN_MOUNTS) != 0:
            say("no namespace")
            return
        _mount("--make-rprivate", "/")
    _warm_up()
    say("ready")
    for line in lines:
        task = json.loads(line)
        if "mount" in task:
            say(_mount(*task["mount"]))
            continue
        pipes = [os.pipe() for _ in range(2)]
        pid = os.fork()
        if pid == 0:
            lines.close()
            answers.close()
            _be(task, [write for _, write in pipes])
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        say(pid)
        say(_watch(pid, pipes))


def _watch(pid, pipes):
    """Read what a process says to its end; returns the exit code, and both texts."""
    texts = {read: b"" for read, _ in pipes}
    for read, write in pipes:
        os.close(write)
        os.set_blocking(read, False)
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        select.select(list(texts), [], [], 0.02)
        for read in texts:
            with contextlib.suppress(BlockingIOError):
                while data := os.read(read, 1 << 16):
                    texts[read] += data
        if done:
            break
        time.sleep(0.002)
    for read in texts:
        os.close(read)
    return [
        os.waitstatus_to_exitcode(status),
        *(t.decode("utf-8", "replace") for t in texts.values()),
    ]


def _import_all():
    import repro

    for module in pkgutil.walk_packages(repro.__path__, "repro."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in _SLOW:
        importlib.import_module(name)


def _warm_up():
    """Draw something: fonts and their shapes are then known to all."""
    from repro.figures.pictures import draw_again

    draw_again(Path(__file__).parents[2] / "figures/toptag/fig05.json")


def _mount(*words):
    return subprocess.run(["mount", *words], check=False).returncode


def _be(task, outputs):
    """Be the command, to the end of this process."""
    code = 70
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        for number, pipe in enumerate(outputs, start=1):
            os.dup2(pipe, number)
        os.chdir(task["folder"])
        if task.get("gone"):
            Path.cwd().rmdir()
        os.environ.clear()
        os.environ.update(task.get("environment") or {})
        time.tzset()
        if "file_limit" in task:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (task["file_limit"],) * 2)
        if "pins" in task:
            _pin(task["pins"])
        if task.get("kept"):
            importlib.import_module("repro.data.kept_rows")._SECONDS_BETWEEN_FILES = 0.0
        if task.get("homeless"):
            _leave_the_list_of_users()
        code = _run(task["arguments"])
    except BaseException:  # noqa: BLE001 - as Python itself does
        traceback.print_exc()
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)


def _pin(path):
    """Let the registry have these files alone."""
    from repro.data import pins

    entries = json.loads(Path(path).read_text("utf-8"))
    artifacts = tuple(pins.Artifact(**entry) for entry in entries)
    pins.load_registry = lambda: artifacts


def _leave_the_list_of_users():
    """Be as a user of a container that has a number and no name."""
    import pwd

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    pwd.getpwuid = unknown


def _run(arguments):
    from repro.cli import main

    try:
        return main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


if __name__ == "__main__":
    _serve()
