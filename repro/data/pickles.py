"""Read the authors' pickled arrays without running what a pickle may ask to run.

A pickle is a program.  Here it can only build inert nodes that record what was asked
for: no function of numpy or pandas, nor of anything else, is called while it is read.
Afterwards the nodes that spell numpy arrays or pandas tables are decoded from their raw
bytes with every size checked; anything else is refused.  pandas is not needed, so old
pickles (pandas 1.4, class ``Int64Index``) stay readable whatever pandas becomes.

Source: arXiv:2210.04371, the authors' SHAP notebooks wrote these files.
"""

import io
import math
import pickle
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from repro.data.opcodes import check_opcodes
from repro.data.regular import check_regular, read_limited
from repro.errors import BadInput

__all__ = ["Content", "Table", "load_pickle"]

# numpy and pandas renamed their modules over time, and Python 2 its builtins.
_NUMPY_CORE = ("numpy.core", "numpy._core")
_PANDAS_INDEX = ("pandas", "pandas.core.indexes.base", "pandas.core.indexes.api")
_ADMITTED: dict[tuple[str, str], str] = {
    **{(f"{core}.multiarray", "_reconstruct"): "array" for core in _NUMPY_CORE},
    **{(f"{core}.multiarray", "scalar"): "scalar" for core in _NUMPY_CORE},
    **{(f"{core}.numeric", "_frombuffer"): "buffer" for core in _NUMPY_CORE},
    ("numpy", "ndarray"): "class",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    ("builtins", "bytes"): "bytes",
    ("__builtin__", "bytes"): "bytes",
    ("builtins", "slice"): "slice",
    ("__builtin__", "slice"): "slice",
    ("pandas", "DataFrame"): "frame",
    ("pandas.core.frame", "DataFrame"): "frame",
    ("pandas.core.internals.managers", "BlockManager"): "manager",
    ("pandas._libs.internals", "_unpickle_block"): "block",
    ("pandas.core.indexes.base", "_new_Index"): "index",
    **{(module, "Index"): "class" for module in _PANDAS_INDEX},
    ("pandas.core.indexes.numeric", "Int64Index"): "class",
    ("pandas", "RangeIndex"): "range",
    ("pandas.core.indexes.range", "RangeIndex"): "range",
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"): "strings",
    ("pandas.arrays", "StringArray"): "class",
    ("pandas", "StringDtype"): "class",
}
_DTYPE = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248]|O8?)")
_ARRAY_KINDS = ("array", "buffer")
_DEEPEST = 8
_LARGEST = 2**30
# A number of one byte becomes one of eight, in a block and in the table.
_LARGEST_RATIO = 16


@dataclass(frozen=True, eq=False)
class Table:
    """The content of a pandas DataFrame of numbers.

    Attributes:
        values: Shape (n, k), float64, one column for each name, in column order.
        columns: The k column names.
        index: Shape (n,), integers; for the authors' samples the row in the test set.
    """

    values: NDArray[np.float64]
    columns: tuple[str, ...]
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index)


Content: TypeAlias = (
    NDArray[Any] | np.generic | Table | float | list["Content"] | tuple["Content", ...]
)


def load_pickle(path: str | PathLike[str]) -> Content:
    """Read a pickle of numpy arrays, pandas tables, numbers, or lists of these.

    Arrays of Python numbers (dtype object, as in the authors' labels) become arrays of
    int64 or float64; all arrays are writable copies in native byte order.

    Args:
        path: The file.

    Returns:
        An array, a numpy scalar, a number, a :class:`Table` in place of each DataFrame, or
        lists and tuples of these.

    Raises:
        MissingData: If there is no such file.
        BadInput: If the file is truncated, not a pickle, or holds or asks for anything else.
    """
    path = Path(path)
    check_regular(path)
    try:
        data = read_limited(path, _LARGEST)
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror})") from error
    try:
        check_opcodes(data)
        items = _Reader(io.BytesIO(data), encoding="latin1").load()
        return _Decoder(_LARGEST_RATIO * (len(data) + 2**16)).decode(items, 0)
    except _RefusedError as error:
        raise BadInput(f"{path} was not opened: {error}") from error
    # A damaged or hostile pickle can fail in any of these ways; none is worth a traceback.
    except (
        pickle.UnpicklingError,
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise BadInput(f"{path} is truncated or not a pickle of arrays: fetch it again") from error


class _RefusedError(Exception):
    """The pickle holds something that is neither array, table nor number."""


class _Node:
    """What a pickle asked for: a kind, arguments and state, none of them acted upon.

    ``__setstate__`` also stops a pickle from setting attributes on the class itself: the
    unpickler finds it there, calls it without an instance, and fails.
    """

    __slots__ = ("args", "state")
    kind: ClassVar[str]
    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: object) -> Self:
        node = super().__new__(cls)
        node.args, node.state = args, None
        return node

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Reader(pickle.Unpickler):
    """Gives a class of inert nodes for each admitted name and refuses all others."""

    def find_class(self, module: str, name: str, /) -> type[_Node]:
        kind = _ADMITTED.get((module, name))
        if kind is None:
            asked = f"{module}.{name}"[:80]
            raise _RefusedError(f"it asks for {asked!r}, which is no array or table of numbers")
        return type(kind, (_Node,), {"__slots__": (), "kind": kind})


class _Decoder:
    """Turns nodes into arrays.

    Args:
        left: How many bytes they may take: items that share their bytes could take any number.
    """

    def __init__(self, left: int) -> None:
        self._left = left
        self._done: dict[int, Content] = {}  # shared items cost once

    def decode(self, item: object, depth: int) -> Content:
        """Decode an item; ``depth`` ends cycles."""
        if isinstance(item, (bool, int, float)):
            return item
        if depth > _DEEPEST:
            raise _RefusedError("its lists are nested too deeply")
        if id(item) not in self._done:
            self._done[id(item)] = self._decode_new(item, depth)
        return self._done[id(item)]

    def _decode_new(self, item: object, depth: int) -> Content:
        if isinstance(item, (list, tuple)):
            parts = [self.decode(part, depth + 1) for part in item]
            return parts if isinstance(item, list) else tuple(parts)
        if isinstance(item, _Node):
            if item.kind in _ARRAY_KINDS:
                return self._spend(_numbers(item))
            if item.kind == "scalar":
                dtype, raw = item.args
                found: np.generic = np.frombuffer(_raw_bytes(raw), _number_dtype(dtype), count=1)[0]
                return found
            if item.kind == "frame":
                return self._table(item)
        held = item.kind if isinstance(item, _Node) else type(item).__name__
        raise _RefusedError(f"it holds a {held!r} where arrays, tables or numbers are admitted")

    def _table(self, frame: _Node) -> Table:
        """Put the blocks of a DataFrame together: pandas keeps columns of one type as rows."""
        manager = frame.state["_mgr"]
        blocks, (column_index, row_index) = manager.args[:2]
        decoded = [(self._spend(_numbers(block.args[0])), block.args[1]) for block in blocks]
        if not decoded or min(block.size for block, _ in decoded) == 0:
            raise _RefusedError("it holds a table without rows or columns")
        rows = decoded[0][0].shape[1]
        index = _row_index(row_index, rows)
        columns = _names(column_index, sum(len(block) for block, _ in decoded))
        self._pay(8 * rows * len(columns))
        values = np.empty((rows, len(columns)))
        seen = np.zeros(len(columns), dtype=bool)
        for block, placement in decoded:
            positions = _positions(placement, len(columns))
            values[:, positions] = block.T
            seen[positions] = True
        if not seen.all():
            raise ValueError
        return Table(values, columns, index)

    def _spend(self, array: NDArray[Any]) -> NDArray[Any]:
        self._pay(array.nbytes)
        return array

    def _pay(self, price: int) -> None:
        self._left -= price
        if self._left < 0:
            raise _RefusedError("its arrays share their bytes and would take far more")


def _array_parts(node: object) -> tuple[tuple[int, ...], str, bool, Any]:
    """Shape, dtype, whether columns come first, and raw content of a pickled ndarray."""
    if isinstance(node, _Node) and node.kind == "array":
        _, shape, dtype, column_major, raw = node.state
    elif isinstance(node, _Node) and node.kind == "buffer":
        raw, dtype, shape, order = node.args
        column_major = order == "F"
    else:
        raise _RefusedError("a part of a table is no array")
    shape = (shape,) if isinstance(shape, int) else tuple(int(size) for size in shape)
    return shape, _dtype_name(dtype), bool(column_major), raw


def _numbers(node: object) -> NDArray[Any]:
    """Decode an array of numbers; its size is checked against its bytes before use."""
    shape, dtype, column_major, raw = _array_parts(node)
    if dtype.endswith("O"):
        if not all(isinstance(value, (bool, int, float)) for value in raw):
            raise _RefusedError("it holds an array of objects that are no numbers")
        flat = np.array(list(raw))
    else:
        flat = np.frombuffer(_raw_bytes(raw), dtype)
    if flat.dtype.kind not in "biuf" or flat.size != math.prod(shape):
        raise ValueError
    array = flat.reshape(shape, order="F" if column_major else "C")
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def _number_dtype(node: object) -> str:
    name = _dtype_name(node)
    if name.endswith("O"):
        raise _RefusedError("it holds a scalar that is no number")
    return name


def _dtype_name(node: object) -> str:
    """Return a dtype as numpy spells it, such as ``<f8``; ``|O`` for objects."""
    if not (isinstance(node, _Node) and node.kind == "dtype"):
        raise _RefusedError("it holds an array without a data type")
    name = str(node.args[0])
    order = "|" if node.state is None else str(node.state[1])
    if not _DTYPE.fullmatch(name) or order not in "<>=|":
        raise _RefusedError(f"it holds an array of type {name[:20]!r}, which are no numbers")
    if "O" in name:
        return "|O"
    return name if name[0] in "<>=|" else order.replace("|", "=") + name


def _raw_bytes(raw: object) -> bytes:
    """Return bytes, which old protocols spell as text or as a call of ``encode``."""
    if isinstance(raw, _Node) and raw.kind == "encode":
        text, encoding = raw.args
        if encoding == "latin1":
            raw = text
    elif isinstance(raw, _Node) and raw.kind == "bytes" and not raw.args:
        return b""
    if isinstance(raw, str):
        return raw.encode("latin1")
    if isinstance(raw, (bytes, bytearray)):
        return bytes(raw)
    raise _RefusedError("it holds an array without raw bytes")


def _positions(placement: object, columns: int) -> NDArray[np.int64]:
    if isinstance(placement, _Node) and placement.kind == "slice":
        return np.arange(columns)[slice(*placement.args)]
    return _numbers(placement).astype(np.int64)


def _names(index: _Node, count: int) -> tuple[str, ...]:
    """Column names of an index of strings (numbered columns: their number)."""
    if index.args[0].kind == "range":
        return tuple(str(name) for name in _range(index, count))
    data = index.args[1]["data"]
    if data.kind == "strings":  # pandas >= 3: an array of objects in its state
        data = next(part for part in data.state if getattr(part, "kind", "") in _ARRAY_KINDS)
    _, dtype, _, raw = _array_parts(data)
    names = list(raw) if dtype == "|O" else _numbers(data).tolist()
    if len(names) != count or not all(isinstance(name, (str, int)) for name in names):
        raise _RefusedError("a table's column names are not one string for each column")
    return tuple(str(name) for name in names)


def _row_index(index: _Node, rows: int) -> NDArray[np.int64]:
    is_range = index.args[0].kind == "range"
    array = np.array(_range(index, rows)) if is_range else _numbers(index.args[1]["data"])
    if array.shape != (rows,) or array.dtype.kind not in "iu":
        raise _RefusedError("a table's index is not one integer for each row")
    return array.astype(np.int64)


def _range(index: _Node, count: int) -> range:
    """Return a pickled range, of the length that the data has (before it costs memory)."""
    fields = index.args[1]
    numbers = range(fields["start"], fields["stop"], fields["step"])
    if len(numbers) != count:
        raise _RefusedError("a table's index has another length than its data")
    return numbers
