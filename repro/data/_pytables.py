"""The layout that pandas ``to_hdf(key="table", format="table")`` gives to an HDF5 file.

The group ``/table`` describes the frame and the dataset ``/table/table`` holds one
compound record for each row: the index and one block of columns for each data type.
pandas keeps column names as pickles in attributes.  They are read here by an unpickler
without access to any class or function, which leaves lists, tuples, dicts, text and
numbers; they are written in protocol 0, as PyTables writes them.
"""

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from repro.data.hdf5_attributes import read_attributes
from repro.data.opcodes import check_opcodes

__all__ = ["KEY", "Column", "create_table", "decode_literal", "finish_table", "locate_columns"]

KEY = "table"

# Rows in one HDF5 chunk take about this much; PyTables chooses sizes near it.
_CHUNK_BYTES = 2**18


@dataclass(frozen=True)
class Column:
    """Where a column lies: field of the record, position in its block, element type."""

    field: str
    position: int | None
    dtype: np.dtype[Any]


class _LiteralReader(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:  # noqa: ANN401  # never returns
        raise pickle.UnpicklingError(f"asks for {module}.{name}")


def decode_literal(raw: object) -> Any:  # noqa: ANN401  # whatever literal was pickled
    """Decode a pickled attribute that holds literals only.

    Raises:
        ValueError: If it is damaged or asks for a class or a function.

    >>> decode_literal(pickle.dumps(["E_0", "PX_0"], 0))
    ['E_0', 'PX_0']
    """
    data = raw.encode("latin1") if isinstance(raw, str) else raw
    if not isinstance(data, bytes):
        raise ValueError("attribute is no pickle")  # noqa: TRY004  # one error for all damage
    try:
        check_opcodes(data)
        return _LiteralReader(io.BytesIO(bytes(data)), encoding="utf-8").load()
    except Exception as error:
        # Damaged pickles fail in more ways than pickle documents.
        raise ValueError("attribute is damaged") from error


def locate_columns(group: Any, dataset: Any) -> dict[str, Column]:  # noqa: ANN401  # h5py is untyped
    """Return every column of the frame, in the frame's order, and where it lies.

    Args:
        group: The h5py group ``/table``.
        dataset: The h5py dataset ``/table/table``, of compound type.

    Raises:
        ValueError: If names and blocks do not fit together.
        KeyError: If an attribute is missing.
    """
    found: dict[str, Column] = {}
    kinds = read_attributes(dataset, *(f"{field}_kind" for field in dataset.dtype.names))
    for field in dataset.dtype.names:
        dtype = dataset.dtype[field]
        if field == "index":
            continue
        if dtype.subdtype is None:  # a single column under its own name ("data column")
            found[field] = Column(field, None, dtype)
            continue
        names = _names(kinds[f"{field}_kind"])
        base, shape = dtype.subdtype
        if shape != (len(names),):
            raise ValueError(f"{field} has shape {shape} but {len(names)} names")
        found.update({name: Column(field, i, base) for i, name in enumerate(names)})
    (_, listed), *_ = decode_literal(read_attributes(group, "non_index_axes")["non_index_axes"])
    order = _texts(listed)
    if set(order) != set(found):
        raise ValueError("the list of columns does not fit the blocks")
    return {name: found[name] for name in order}


def _names(raw: object) -> list[str]:
    return _texts(decode_literal(raw))


def _texts(names: object) -> list[str]:
    """Return column names; those that are numbers are none of the data set's.

    Raises:
        ValueError: If it is no list of names.
    """
    if not isinstance(names, list) or not all(isinstance(name, str | int) for name in names):
        raise ValueError("no list of names")
    return [str(name) for name in names]


def create_table(
    file: Any,  # noqa: ANN401  # h5py is untyped
    blocks: Sequence[tuple[np.dtype[Any], Sequence[str]]],
    compression: str | None,
) -> Any:  # noqa: ANN401
    """Write everything but the rows and return the dataset, which can be resized.

    Args:
        file: An empty, writable ``h5py.File``.
        blocks: Data type and column names of each block.
        compression: ``"blosc"``, ``"zlib"`` or ``None``.
    """
    _set_texts(file, CLASS="GROUP", PYTABLES_FORMAT_VERSION="2.1", VERSION="1.0", TITLE="")
    group = file.create_group(KEY)
    _describe_frame(group, [names for _, names in blocks])
    fields = [(f"values_block_{i}", dtype, (len(n),)) for i, (dtype, n) in enumerate(blocks)]
    record = np.dtype([("index", "<i8"), *fields])
    dataset = group.create_dataset(
        KEY,
        shape=(0,),
        maxshape=(None,),
        dtype=record,
        chunks=(max(1, _CHUNK_BYTES // record.itemsize),),
        **_filters(compression),
    )
    _set_texts(dataset, CLASS="TABLE", VERSION="2.7", TITLE="", index_kind="integer")
    for number, name in enumerate(record.names or ()):
        base = record[name].base
        _set_texts(dataset, **{f"FIELD_{number}_NAME": name})
        dataset.attrs.create(f"FIELD_{number}_FILL", base.type(0), dtype=base)
    for (name, dtype, _), (_, names) in zip(fields, blocks, strict=True):
        _set_texts(dataset, **{f"{name}_dtype": dtype.name})
        _set_pickles(dataset, **{f"{name}_kind": list(names), f"{name}_meta": None})
    return dataset


def finish_table(dataset: Any) -> None:  # noqa: ANN401  # h5py is untyped
    """Note the final number of rows, without which PyTables sees none."""
    dataset.attrs.create("NROWS", np.int64(len(dataset)))


def _describe_frame(group: Any, names: Sequence[Sequence[str]]) -> None:  # noqa: ANN401
    blocks = [f"values_block_{i}" for i in range(len(names))]
    _set_texts(
        group,
        CLASS="GROUP",
        VERSION="1.0",
        TITLE="",
        pandas_type="frame_table",
        # Newer pandas does without, older pandas takes a missing one for an old format.
        pandas_version="0.15.2",
        table_type="appendable_frame",
        encoding="UTF-8",
        errors="strict",
        nan_rep="nan",
    )
    info: dict[object, object] = {block: {} for block in ("index", *blocks)}
    info[1] = {"names": [None], "type": "Index"}
    _set_pickles(
        group,
        index_cols=[(0, "index")],
        values_cols=blocks,
        non_index_axes=[(1, [name for block in names for name in block])],
        data_columns=[],
        metadata=[],
        info=info,
    )
    group.attrs.create("levels", np.int64(1))


def _filters(compression: str | None) -> dict[str, Any]:
    if compression is None:
        return {}
    if compression == "zlib":
        return {"compression": "gzip", "compression_opts": 5, "shuffle": True}
    import hdf5plugin  # noqa: PLC0415  # loads compiled filters: only where they are needed

    return dict(hdf5plugin.Blosc(cname="zstd", clevel=5, shuffle=hdf5plugin.Blosc.SHUFFLE))


def _set_texts(node: Any, **texts: str) -> None:  # noqa: ANN401  # h5py is untyped
    """Set attributes as PyTables sets text: fixed length, UTF-8; empty ones without space."""
    for name, text in texts.items():
        data = text.encode()
        kind = h5py.string_dtype("utf-8", len(data)) if data else None
        node.attrs.create(name, data or h5py.Empty("S1"), dtype=kind)


def _set_pickles(node: Any, **values: object) -> None:  # noqa: ANN401  # h5py is untyped
    """Set attributes as PyTables sets objects: pickles in protocol 0, ASCII."""
    for name, value in values.items():
        data = pickle.dumps(value, 0)
        node.attrs.create(name, data, dtype=h5py.string_dtype("ascii", len(data)))
