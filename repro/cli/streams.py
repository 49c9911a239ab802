"""The standard streams, whatever the shell made of them: closed, full, or without some letters."""

import codecs
import contextlib
import os
import sys
from typing import TextIO

__all__ = ["open_streams", "say", "silence"]

_ESCAPE = "repro.escape"


def open_streams() -> None:
    """Make sure that there are streams and that any text can be printed.

    A number of a closed stream would go to the first file that is opened, which would then get what
    libraries print.
    """
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)
    codecs.register_error(_ESCAPE, _escape)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # It lasts as long as the process.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif hasattr(stream, "reconfigure") and codecs.lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors=_ESCAPE)


def say(line: str) -> None:
    """Print a line to stderr, if anybody can read it."""
    try:
        print(f"repro: {line}", file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Let what is left of a stream that cannot be written go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _escape(error: UnicodeError) -> tuple[str, int]:
    r"""Write letters that a stream does not know as JSON writes them.

    >>> codecs.register_error("escape for an example", _escape)
    >>> print("Δη → 𝜇".encode("latin-1", "escape for an example").decode())
    \u0394\u03b7 \u2192 \ud835\udf07
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    escaped = "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
    return escaped, error.end
