#!/usr/bin/env python3
"""Set up what is needed in .venv beside this file, then run a command of the package.

    python3 run.py fig 5        any command of repro: 'python3 run.py list' shows the items
    python3 run.py test         the tests; further words go to pytest
    python3 run.py lint         style, types, import contract, spelling, licences, metadata
    python3 run.py docs         the documentation, into site/
    python3 run.py notebooks    executes the notebooks of the documentation
    python3 run.py browser      looks at the documentation in site/ with Chromium
    python3 run.py simulate     jets of our own; sets up Pythia and FastJet first
    python3 run.py workflow     from jets to a report, with few jets; further words go to snakemake

The first run takes some minutes and needs the network or a local package index; later ones
start at once, until requirements/lock.txt or pyproject.toml change.  It needs nothing but
Python 3.11, 3.12 or 3.13.

A mirror beside the checkout, ../shared/mirror, is used unless REPRO_MIRROR is set.
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.stderr.write(
        "run.py: error: Python 3.11, 3.12 or 3.13 is needed and this is {}.{}: "
        "try 'python3.12 run.py'\n".format(*sys.version_info[:2])
    )
    sys.exit(2)

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent
INPUTS = ("requirements/lock.txt", "pyproject.toml")
EXTRAS = {
    "test": "test",
    "lint": "lint",
    "docs": "docs",
    "notebooks": "notebooks",
    "browser": "browser",
    "simulate": "simulate",
    "export": "onnx",
    "convert": "root",
    "workflow": "workflow",
}
"""The extra that a command needs, if it needs one."""
PROGRAMS = {
    "test": ["-m", "pytest"],
    "docs": ["-m", "mkdocs", "build", "--strict"],
    "notebooks": ["-P", "scripts/run_notebooks.py"],
    "browser": ["-m", "pytest", "tests/test_browser.py"],
    "workflow": ["-m", "snakemake", "--snakefile", "workflow/Snakefile"],
}
"""Commands that are not repro's: what Python is given before further words."""
WORKFLOW_OPTIONS = {
    ("--configfile", "--configfiles"): "workflow/config/small.yaml",
    ("--profile", "--workflow-profile"): "workflow/profiles/local",
}
"""What ``workflow`` is given unless one of these options is, under the first of their names."""
WITHOUT_FILES = ("list", "card", "cite", "draw")
"""Commands that read none of the authors' files."""
WORKFLOWS = sorted(map(str, ROOT.glob(".github/workflows/*.yml")))
CHECKS: Sequence[Sequence[str]] = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("lint-imports",),
    ("codespell",),
    ("reuse", "lint", "--quiet"),
    ("check-jsonschema", "--builtin-schema", "vendor.citation-file-format", "CITATION.cff"),
    ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS),
)
"""What ``lint`` runs, in this order."""

Command = Sequence[str | Path]


class SetUpFailed(Exception):
    """The environment cannot be made; the message is one line."""


def main(arguments: Sequence[str]) -> int:
    """Set up and run; on POSIX, this process becomes the command."""
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(f"{__doc__}\n")
        return 0 if arguments else 2
    command, *rest = arguments
    try:
        python = set_up(ROOT, EXTRAS.get(command))
    except SetUpFailed as error:
        sys.stderr.write(f"run.py: error: {error}\n")
        return 2
    if command == "lint":
        return lint(python)
    if command in PROGRAMS:
        if command == "notebooks":
            name_mirror(ROOT)
        if command == "browser":
            os.environ.setdefault("REPRO_SITE", str(ROOT / "site"))
        if command == "workflow":
            # Its rules are commands of the package: those of this environment.
            os.environ["PATH"] = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
            name_mirror(ROOT)
            rest = [*rest, *missing_options(rest)]
        os.chdir(ROOT)
        return become([python, *PROGRAMS[command], *rest])
    if command not in WITHOUT_FILES and not command.startswith("-"):
        name_mirror(ROOT)
    os.environ.setdefault("REPRO_COMMAND", f"python3 {Path(sys.argv[0])}")
    # -P: a folder named repro where the user stands must not hide the package.
    return become([python, "-P", "-m", "repro", *arguments])


def missing_options(given: Sequence[str]) -> list[str]:
    """Return the options of ``workflow`` that are not given, with the small configuration.

    >>> missing_options(["--profile=mine", "-n"])
    ['--configfile', 'workflow/config/small.yaml']
    """
    names = {word.partition("=")[0] for word in given}
    missing = [
        (option, value) for option, value in WORKFLOW_OPTIONS.items() if names.isdisjoint(option)
    ]
    return [word for option, value in missing for word in (option[0], value)]


def set_up(root: Path, extra: str | None) -> Path:
    """Return the Python of an environment that has the package and an extra.

    The stamp in the environment says what it was made from.  It is marked unfinished before
    anything changes and finished last, so what was interrupted is made anew.

    Raises:
        SetUpFailed: If a step fails.
    """
    python = python_of(root)
    if is_ready(root, extra):
        return python
    with one_at_a_time(root):
        # While this process waited, another one may have done it.
        if is_ready(root, extra):
            return python
        folder = root / ".venv"
        stamp = read_stamp(root)
        if not python.exists() or (stamp and not is_sound(root, stamp)):
            shutil.rmtree(folder, ignore_errors=True)
            stamp = {}
        extras = sorted({*stamp.get("extras", ()), *([extra] if extra else ())})
        purpose = f" for {extra}" if extra else ""
        say(f"setting up {folder}{purpose} (some minutes, this once)")
        try:
            folder.mkdir(exist_ok=True)
            write_stamp(root, extras, finished=False)
            if not python.exists():
                step([sys.executable, "-m", "venv", folder], "venv", root)
            step(pip_command(root, extras), "pip", root)
            write_stamp(root, extras, finished=True)
        except OSError as error:
            raise SetUpFailed(f"cannot write {folder}: {error.strerror}") from error
    return python


def python_of(root: Path) -> Path:
    """Return where the environment's Python lies, or would lie."""
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def pip_command(root: Path, extras: Iterable[str]) -> Command:
    """Return the command that, run in the root, installs the package with these extras."""
    chosen = ",".join(extras)
    package = f".[{chosen}]" if chosen else "."
    options = ["-qq", "--no-input", "--disable-pip-version-check", "-c", INPUTS[0]]
    return [python_of(root), "-m", "pip", "install", *options, "-e", package]


def fingerprint(root: Path) -> str:
    """Return the hash of all that the environment is made from."""
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def read_stamp(root: Path) -> dict[str, Any]:
    """Return the stamp; empty if there is none or it cannot be read."""
    try:
        stamp = json.loads((root / ".venv" / "stamp.json").read_text("utf-8"))
        return {name: stamp[name] for name in ("fingerprint", "extras", "place", "finished")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_stamp(root: Path, extras: Sequence[str], *, finished: bool) -> None:
    """Write the stamp, whole or not at all."""
    stamp = {
        "fingerprint": fingerprint(root),
        "extras": list(extras),
        "place": str(root),
        "finished": finished,
    }
    path = root / ".venv" / "stamp.json"
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(stamp), "utf-8")
    temporary.replace(path)


def is_ready(root: Path, extra: str | None) -> bool:
    """Whether the environment is finished, up to date, and has the extra."""
    stamp = read_stamp(root)
    return bool(
        stamp
        and is_sound(root, stamp)
        and stamp["fingerprint"] == fingerprint(root)
        and (extra is None or extra in stamp["extras"])
        and python_of(root).exists()
    )


def is_sound(root: Path, stamp: dict[str, Any]) -> bool:
    """Whether the environment was finished, and here: its scripts do not survive a move."""
    return bool(stamp["finished"] and stamp["place"] == str(root))


@contextlib.contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Hold a lock on pyproject.toml, so that parallel runs do not set up at once."""
    try:
        import fcntl  # noqa: PLC0415 - POSIX alone has it
    except ImportError:  # Windows
        yield
        return
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # not every file system has locks
            handle = stack.enter_context((root / "pyproject.toml").open("rb"))
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def step(command: Command, name: str, folder: Path) -> None:
    """Run a step of the set-up in a folder, with its output on stderr.

    Raises:
        SetUpFailed: If it fails, with its last line, or better the last that names an error.
    """
    last = complaint = ""
    with subprocess.Popen(  # noqa: S603 - the command is this file's own
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            sys.stderr.write(line)
            last = line.strip() or last
            complaint = last if last.startswith("ERROR:") else complaint
    if process.returncode:
        raise SetUpFailed(
            f"{name} failed: {complaint or last or f'exit code {process.returncode}'}"
        )


def name_mirror(root: Path) -> None:
    """Set REPRO_MIRROR to a mirror beside the checkout, if there is one and none is set."""
    mirror = root.parent / "shared" / "mirror"
    if "REPRO_MIRROR" not in os.environ and mirror.is_dir():
        os.environ["REPRO_MIRROR"] = str(mirror)
        say("REPRO_MIRROR is not set: using ../shared/mirror beside the checkout")


def lint(python: Path) -> int:
    """Run all static checks, also after one fails; return 0 if all pass."""
    os.chdir(ROOT)
    failed = []
    for program, *options in CHECKS:
        shown = " ".join([program, *options])
        say(shown)
        check: Command = [python.parent / f"{program}{python.suffix}", *options]
        if subprocess.run(check, stdin=subprocess.DEVNULL, check=False).returncode:  # noqa: S603
            failed.append(shown)
    if failed:
        sys.stderr.write(f"run.py: error: failed: {', '.join(failed)}\n")
    return int(bool(failed))


def become(command: Command) -> NoReturn:
    """Run a command in the place of this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603
    os.execv(command[0], [str(word) for word in command])  # noqa: S606


def say(message: str) -> None:
    """Tell the user."""
    sys.stderr.write(f"run.py: {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
