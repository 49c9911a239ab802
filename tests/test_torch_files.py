"""Torch's files: what was looked over is what torch reads, whatever else leads to other pickles."""

import io
import re
import struct
import zipfile

import pytest
import torch

from repro.errors import BadInput
from repro.models.state import read_state
from repro.models.torch_files import load_torch
from repro.training.checkpoint import read_checkpoint

STATE = {"weight": torch.ones(2, 3), "bias": torch.ones(2)}


def saved(*, old=False):
    stream = io.BytesIO()
    torch.save(STATE, stream, _use_new_zipfile_serialization=not old)
    return stream.getvalue()


def archive(members):
    """A plain archive: its members, its directory, and the record at its end."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in members.items():
            made.writestr(zipfile.ZipInfo(name), content)
    content = stream.getvalue()
    size, start = struct.unpack("<II", content[-10:-2])
    return content[:start], content[start : start + size], content[-22:]


def moved(directory, by):
    """The directory of members that lie further on."""
    out, position = bytearray(directory), 0
    while position < len(out):
        lengths = struct.unpack_from("<HHH", out, position + 28)
        (start,) = struct.unpack_from("<I", out, position + 42)
        struct.pack_into("<I", out, position + 42, start + by)
        position += 46 + sum(lengths)
    return bytes(out)


def with_two_directories(good, bad):
    """An archive of which Python reads the good members, and torch the bad ones."""
    (members, directory, end), (bad_members, bad_directory, _) = archive(good), archive(bad)
    assert len(directory) == len(bad_directory)
    between = len(directory) + len(members)
    bad_members += bytes(between)  # Python adds this distance to all places of the good ones
    place = len(bad_members)
    directory = moved(directory, place + len(directory) - between)
    end = end[:16] + struct.pack("<I", place) + end[20:]
    return bad_members + bad_directory + members + directory + end


@pytest.mark.parametrize("old", [False, True])
def test_both_forms_are_read(tmp_path, old):
    path = tmp_path / "w.pt"
    path.write_bytes(saved(old=old))
    found = read_state(path)
    assert list(found) == list(STATE)
    assert all(torch.equal(found[name], tensor) for name, tensor in STATE.items())


def test_many_types_and_shared_numbers(tmp_path):
    """A training's state, of which some tensors are views of others."""
    base = torch.arange(1000.0)
    kinds = (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool)
    content = {"views": [base[3:10], base[::7]], "kinds": [base.to(kind) for kind in kinds]}
    torch.save(content, tmp_path / "a.pt")
    found = load_torch(tmp_path / "a.pt")
    for name, tensors in content.items():
        for one, other in zip(found[name], tensors, strict=True):
            assert one.dtype == other.dtype
            assert torch.equal(one, other)
    first, second = found["views"]
    assert first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (saved(old=True) + b"".join(archive({"x": b"y"})), "something else before an archive"),
        (b" " + saved(), "something else before an archive"),
        (saved()[:-30], "an archive without its end"),
    ],
    ids=["an archive behind", "a byte before", "cut"],
)
def test_two_kinds_at_once_are_refused(tmp_path, content, reason):
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        load_torch(path)
    with pytest.raises(BadInput, match="cannot be read as weights"):
        read_state(path)
    with pytest.raises(BadInput, match=re.escape(f"cannot be used ({reason})")):
        read_checkpoint(path)


def test_another_directory_is_not_followed(tmp_path):
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(io.BytesIO(saved())) as found:
        good = {name: found.read(name) for name in found.namelist()}
    bad = {name: content.replace(b"bias", b"evil") for name, content in good.items()}
    path.write_bytes(with_two_directories(good, bad))
    assert list(torch.load(path, weights_only=True)) == ["weight", "evil"]  # so it is one
    assert list(read_state(path)) == ["weight", "bias"]


def test_members_of_one_name_are_refused(tmp_path):
    path = tmp_path / "w.pt"
    path.write_bytes(saved())
    with zipfile.ZipFile(path, "a") as found:
        found.writestr(found.namelist()[0].upper(), b"N.")
    with pytest.raises(ValueError, match="members of one name"):
        load_torch(path)
