"""Attributes of HDF5 files: one text, or some numbers, and nothing that needs more memory."""

from typing import Any

import h5py

__all__ = ["read_attributes"]

_PLAIN = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM, h5py.h5t.BITFIELD, h5py.h5t.STRING)
_LARGEST = 2**20


def read_attributes(place: Any, *names: str) -> dict[str, Any]:  # noqa: ANN401  # h5py is untyped
    """Return those of some attributes that a file, group or array has.

    Raises:
        ValueError: If one is neither one text nor numbers.
    """
    found = [name for name in names if name in place.attrs]
    for name in found:
        attribute = h5py.h5a.open(place.id, name.encode())
        kind = attribute.get_type()
        if kind.get_class() not in _PLAIN or attribute.get_storage_size() > _LARGEST:
            raise ValueError("attributes are neither text nor numbers")
        # Any number of texts can be the same bytes of the file.
        many = attribute.get_space().get_simple_extent_npoints() > 1
        if many and isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str():
            raise ValueError("an attribute is more than one text")
    return {name: place.attrs[name] for name in found}
