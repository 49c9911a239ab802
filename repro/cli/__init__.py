"""The command line: thin parsing over the package, one file per command.

Results go to stdout, progress and logs to stderr.  Exit codes: 0 done; 1 a judged claim
deviates; 2 wrong usage, bad input, missing data; 130 interrupted; 143
terminated.
"""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import repro
from repro.cli.ending import Terminated, termination_raised
from repro.cli.machine import in_words
from repro.cli.streams import open_streams, say, silence
from repro.cli.threads import let_threads_sleep
from repro.errors import ReproError, did_you_mean

__all__ = ["build_parser", "main"]

_COMMANDS = (
    *("listing", "item", "verify", "report", "score", "explain", "export"),
    *("draw", "simulate", "convert", "train", "bench", "fetch", "card", "cite", "info"),
)


class _OneLineParser(argparse.ArgumentParser):
    """A parser whose complaints are one line that says what to do."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = list(map(str, action.choices))
            hint = did_you_mean(str(value), known)
            raise argparse.ArgumentError(
                action, f"invalid choice: {value!r}{hint}, choose from {', '.join(known)}"
            )

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} ('{self.prog} --help' shows the options)\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with all commands."""
    parser = _OneLineParser(
        prog="repro",
        description="Recompute and judge the figures of two papers on explaining jet classifiers.",
    )
    parser.add_argument("--version", action="version", version=f"repro {repro.__version__}")
    commands = parser.add_subparsers(
        title="commands",
        metavar="COMMAND",
        dest="command",
        required=True,
        parser_class=_OneLineParser,
    )
    for name in _COMMANDS:
        importlib.import_module(f"repro.cli.{name}").add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    open_streams()
    let_threads_sleep()
    try:
        with termination_raised():
            code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of stdout, such as head, has had enough.
        silence(sys.stdout)
        return 0
    except ReproError as error:
        say(f"error: {error}")
        return 2
    except KeyboardInterrupt as error:
        say("interrupted")
        return 143 if isinstance(error, Terminated) else 130
    except (OSError, MemoryError) as error:
        said = in_words(error)
        if said is None:
            raise
        silence(sys.stdout)
        say(f"error: {said}")
        return 2
    return code


def _run(argv: Sequence[str] | None) -> int:
    parser = build_parser()
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        # Said by argparse itself, it would point to the help that does not list them.
        parser.prog += f" {arguments.command}"
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    _set_up_logging(getattr(arguments, "verbosity", 0))
    code: int = arguments.run(arguments)
    return code


def _set_up_logging(verbosity: int) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("repro: %(message)s"))
    logger = logging.getLogger("repro")
    logger.handlers[:] = [handler]
    logger.propagate = False
    levels = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}
    logger.setLevel(levels.get(verbosity, logging.DEBUG))
