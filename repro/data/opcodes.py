"""Look a pickle over before anything reads it.

Python's own unpickler, and torch's, trust a pickle's numbers: an index of its memo makes room for
all smaller ones (16 GB for five bytes), and a tuple in a tuple, a hundred thousand times, ends the
process once it is the key of a dictionary.  No program that writes pickles does either.

Source: ``pickletools``, and CPython's ``Modules/_pickle.c`` (``_Unpickler_ResizeMemoList``).
"""

import functools
import pickletools
from collections.abc import Iterator

__all__ = ["check_opcodes"]

_MOST_TUPLES = 10_000
"""A tenth of the nesting at which hashing overflows a stack of 8 MB."""

_STOP = ord(".")
_LONG_PUT, _TEXT_PUT = ord("r"), ord("p")
_TUPLES = frozenset(b"t\x85\x86\x87")
_PAIRS = frozenset(b"ci")  # two lines
# Those that look something up by its hash: keys of dictionaries, members of sets.
_HASHING = frozenset(b"sud\x8f\x90\x91")
# How many bytes give the length, by what pickletools calls it.
_PREFIXES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


def check_opcodes(data: bytes, start: int = 0, *, hashes: bool = False) -> int:
    r"""Raise if a pickle would cost far more than its bytes to read.

    Args:
        data: The pickle, and what follows it.
        start: Where it begins.
        hashes: Whether its reader looks things up by their hash even if no opcode does.

    Returns:
        Where it ends.

    Raises:
        ValueError: If it has no end, or numbers and tuples that no program would write.

    >>> check_opcodes(b"(lp0\n.")
    6
    >>> check_opcodes(b"\x80\x02Nr\xff\xff\xff\x7f.")
    Traceback (most recent call last):
    ...
    ValueError: an index of its memo is far beyond its size
    """
    tuples = 0
    for steps, (code, argument, end) in enumerate(_steps(data, start), start=1):
        if code == _LONG_PUT:
            _check_index(int.from_bytes(data[argument:end], "little"), steps)
        elif code == _TEXT_PUT:
            _check_index(int(data[argument:end]), steps)
        elif code in _TUPLES:
            tuples += 1
        elif code in _HASHING:
            hashes = True
        elif code == _STOP:
            if hashes and tuples > _MOST_TUPLES:
                raise ValueError("it has too many tuples beside keys")
            return end
    raise ValueError("it has no end")


def _steps(data: bytes, position: int) -> Iterator[tuple[int, int, int]]:
    """Yield each opcode, where its argument begins, and where it ends."""
    fixed, counted, lines = _arguments()
    size = len(data)
    while position < size:
        code = data[position]
        start = position + 1
        if code in fixed:
            position = start + fixed[code]
        elif code in counted:
            width = counted[code]
            position = start + width + int.from_bytes(data[start : start + width], "little")
        elif code in lines:
            for _ in range(2 if code in _PAIRS else 1):
                position = data.find(b"\n", position + 1) + 1 or size + 1
        else:
            raise ValueError("it has a step that no pickle has")
        yield code, start, position


def _check_index(index: int, steps: int) -> None:
    # Each step remembers one thing at most, and memos count from 0 or 1.
    if index > steps:
        raise ValueError("an index of its memo is far beyond its size")


@functools.cache
def _arguments() -> tuple[dict[int, int], dict[int, int], frozenset[int]]:
    """Return the bytes that follow an opcode: so many, as many as they say, or lines."""
    fixed, counted, lines = {}, {}, set()
    for opcode in pickletools.opcodes:
        code, argument = ord(opcode.code), opcode.arg
        if argument is None:
            fixed[code] = 0
        elif argument.n >= 0:
            fixed[code] = argument.n
        elif argument.n == pickletools.UP_TO_NEWLINE:
            lines.add(code)
        else:
            counted[code] = _PREFIXES[argument.n]
    return fixed, counted, frozenset(lines)
