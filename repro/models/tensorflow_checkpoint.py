"""Read the variables of a TensorFlow SavedModel without TensorFlow.

``variables.index`` is a LevelDB table: blocks of prefix-compressed key-value pairs, and a
footer that points to the block of block addresses.  Each value is a protocol buffer with
dtype, shape, offset and size of one tensor in ``variables.data-00000-of-00001``.
Format: tensorflow/core/protobuf/tensor_bundle.proto and leveldb/doc/table_format.md.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.data.regular import read_limited
from repro.errors import BadInput

__all__ = ["read_variables"]

_FOOTER_BYTES = 48
_MAGIC = 0xDB4775248B80FB57
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}
_LARGEST = 2**30
_LONGEST_KEY = 4096
_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"

_Fields = dict[int, list[int | bytes]]


def read_variables(index: Path, data: Path) -> dict[str, NDArray[np.generic]]:
    """Return all numeric variables by name.

    Args:
        index: The file ``variables.index``.
        data: The file ``variables.data-00000-of-00001``.

    Returns:
        Arrays by variable name, such as ``layer_with_weights-0/kernel`` with shape
        (inputs, outputs).  Strings (the object graph) are left out.

    Raises:
        BadInput: If one of the files is missing, truncated or of another format.
    """
    try:
        table, tensors = read_limited(index, _LARGEST), read_limited(data, _LARGEST)
    except OSError as error:
        raise BadInput(f"cannot read {error.filename}: {error.strerror}") from error
    try:
        return dict(_variables(table, tensors))
    except (IndexError, OverflowError, struct.error, ValueError) as error:
        raise BadInput(
            f"{index} with {data.name} is no readable TensorFlow checkpoint ({error}): "
            "fetch the files again"
        ) from error


def _variables(table: bytes, tensors: bytes) -> Iterator[tuple[str, NDArray[np.generic]]]:
    left = len(tensors)
    for key, value in _table(table):
        fields = _fields(value)
        if not key or not key.endswith(_SUFFIX.encode()):
            continue
        dtype = _DTYPES.get(_integer(fields, 1))
        if dtype is None:
            continue
        shape = tuple(_integer(_fields(_bytes(dim)), 1) for dim in _dimensions(fields))
        offset, size = _integer(fields, 4), _integer(fields, 5)
        if offset + size > len(tensors):
            raise ValueError(f"{key.decode()} lies outside the data file")
        left -= size
        if left < 0:
            raise ValueError("its tensors share their bytes")
        array = np.frombuffer(tensors[offset : offset + size], dtype).reshape(shape)
        yield key.decode().removesuffix(_SUFFIX), array


def _table(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = table[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("the index has no table footer")
    position = 0
    for _ in range(2):  # the handle of the meta-index block: offset, size
        _, position = _varint(footer, position)
    offset, position = _varint(footer, position)
    size, _ = _varint(footer, position)
    left = len(table)
    for _, handle in _block(table, offset, size):
        start, position = _varint(handle, 0)
        length, _ = _varint(handle, position)
        left -= length
        if left < 0:
            raise ValueError("its blocks share their bytes")
        yield from _block(table, start, length)


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    block = table[offset : offset + size]
    if len(block) != size or table[offset + size] != 0:
        raise ValueError("a block is truncated or compressed")
    restarts = struct.unpack("<I", block[-4:])[0]
    end = size - 4 * (restarts + 1)
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        unshared, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        if len(key) > _LONGEST_KEY:
            raise ValueError("a key is too long")
        yield key, block[position : position + length]
        position += length


def _fields(message: bytes) -> _Fields:
    fields: _Fields = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        value: int | bytes
        if wire == 0:
            value, position = _varint(message, position)
        elif wire in (1, 5):
            width = 8 if wire == 1 else 4
            value = message[position : position + width]
            position += width
        elif wire == 2:
            length, position = _varint(message, position)
            value = message[position : position + length]
            position += length
        else:
            raise ValueError(f"unknown wire type {wire}")
        fields.setdefault(number, []).append(value)
    return fields


def _dimensions(fields: _Fields) -> list[int | bytes]:
    shape = fields.get(2)
    return _fields(_bytes(shape[0])).get(2, []) if shape else []


def _integer(fields: _Fields, number: int) -> int:
    value = fields.get(number, [0])[0]
    if not isinstance(value, int):
        raise ValueError(f"field {number} is no integer")  # noqa: TRY004 - one error type for callers
    return value


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a nested message is no bytes")  # noqa: TRY004 - one error type for callers
    return value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
