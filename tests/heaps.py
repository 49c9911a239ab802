"""Global heaps of HDF5 files, which tests spoil."""

import struct

HEAP = b"GCOL\x01\x00\x00\x00"


def spoil(path, *, length, number=0):
    """Write another length of an object of the first heap; object 0 is what is free."""
    content = bytearray(path.read_bytes())
    place = content.index(HEAP) + 16
    while (found := struct.unpack_from("<H6xQ", content, place))[0] != number:
        place += 16 + (found[1] + 7) // 8 * 8
    struct.pack_into("<Q", content, place + 8, length)
    path.write_bytes(content)
    return path
