"""Spoil files and read them: ``python scripts/fuzz.py READER --seconds 60 --out fuzz``.

READER is a key of the table in ``tests/hostile/readers.py``, or ``all``.  Inputs that break the law
(a value or one line, in bounded time and memory) are kept in ``OUT/READER/found``, as small as
they could be made, with what they did; inputs with an answer of their own in ``OUT/READER/corpus``.
``--engine atheris`` lets coverage guide the search (``pip install atheris``).  Exit code 1 if
something was found.
"""

import argparse
import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

# Beyond the seconds: to begin, to read the last input, to make what was found small.
_LATE = 240.0
# Where readers decide; more takes minutes to be made ready.
_GUIDED = ["repro.data", "repro.models.tensorflow_checkpoint", "repro.models.torch_files"]
HOSTILE = Path(__file__).resolve().parent.parent / "tests" / "hostile"
sys.path.insert(0, str(HOSTILE))


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reader", help="a key of tests/hostile/readers.py, or all")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each reader")
    parser.add_argument("--examples", type=int, default=10**9, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz"), help="folder of what is found")
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run one campaign after the other, each in a process of its own: some faults end it."""
    arguments = parse(argv)
    if arguments.inside:
        return (_guided if arguments.engine == "atheris" else _random)(arguments)
    from readers import READERS  # noqa: PLC0415 - with torch

    if arguments.reader != "all" and arguments.reader not in READERS:
        print(f"no reader {arguments.reader!r}: choose from all, {', '.join(READERS)}")
        return 2
    names = list(READERS) if arguments.reader == "all" else [arguments.reader]
    codes = [_apart(name, arguments) for name in names]
    return int(any(codes))


def _apart(name: str, arguments: argparse.Namespace) -> int:
    command = [sys.executable, __file__, name, "--inside", "--engine", arguments.engine]
    command += ["--seconds", str(arguments.seconds), "--examples", str(arguments.examples)]
    command += ["--seed", str(arguments.seed), "--out", str(arguments.out)]
    last = arguments.out / name / "last"
    last.unlink(missing_ok=True)
    try:
        limit = arguments.seconds + _LATE
        code = subprocess.run(command, check=False, timeout=limit).returncode  # noqa: S603 - ours
        said, kept = f"the process ended by signal {-code}", f"signal{-code}"
    except subprocess.TimeoutExpired:
        code, said, kept = 1, "the process did not end, and was killed", "endless"
    if code < 0 or kept == "endless":
        if last.is_file():
            found = arguments.out / name / "found"
            found.mkdir(parents=True, exist_ok=True)
            shutil.copy(last, found / kept)
            said += f", at the input {found}/{kept}"
        print(f"{name}: {said}", flush=True)
    return code


def _random(arguments: argparse.Namespace) -> int:
    import campaign  # noqa: PLC0415 - with torch

    folder = arguments.out / arguments.reader
    with campaign.opened(arguments.reader, folder / "corpus") as target:
        _remember(target, folder)
        tried, found = campaign.run(
            target,
            examples=arguments.examples,
            seconds=arguments.seconds,
            first_seed=arguments.seed,
        )
    answers = len(target.answers)
    print(f"{arguments.reader}: {tried} inputs, {answers} answers, {len(found)} faults", flush=True)
    for finding in found:
        path = campaign.write(folder / "found", finding.data)
        path.with_suffix(".txt").write_text(f"{finding.said}\n")
        print(f"  {path}: {finding.said}", flush=True)
    return int(bool(found))


def _guided(arguments: argparse.Namespace) -> int:
    import atheris  # type: ignore[import-not-found]  # noqa: PLC0415 - of the extra fuzz

    with atheris.instrument_imports(include=_GUIDED):
        import campaign  # noqa: PLC0415

    folder = arguments.out / arguments.reader
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    (folder / "found").mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(campaign.opened(arguments.reader))
        _remember(target, folder)
        campaign.write(folder / "corpus", target.valid)
        options = [f"-artifact_prefix={folder / 'found'}/", f"-seed={arguments.seed + 1}"]
        options += [f"-max_total_time={arguments.seconds:.0f}", f"-max_len={4 * len(target.valid)}"]
        options += [f"-runs={arguments.examples}", "-rss_limit_mb=6000", "-timeout=60"]
        atheris.Setup(
            [sys.argv[0], str(folder / "corpus"), *options], lambda d: target.read(d) and None
        )
        atheris.Fuzz()
    return 0


def _remember(target: object, folder: Path) -> None:
    """Keep each input until it was read: what ends the process, or never ends, is still there."""
    folder.mkdir(parents=True, exist_ok=True)
    read = target.read

    def reading(data: bytes) -> object:
        (folder / "last").write_bytes(data)
        return read(data)

    target.read = reading


if __name__ == "__main__":
    sys.exit(main())
