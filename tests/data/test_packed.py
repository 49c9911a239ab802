"""Packed jets: bit for bit what was written, in the same bytes, and what is refused."""

import dataclasses
import json

import h5py
import numpy as np
import pytest

from repro.data.jets import Jets
from repro.data.packed import PackedJets, PackedPart, is_packed, write_packed
from repro.errors import BadInput, MissingData

PLACES = 12
TAU, QUANTITIES = ("tau1", "tau2", "tau3"), ("pt", "mass")
RECIPE = {"preset": "matched", "seed": 7}


def make_part(counts, seed=0, places=PLACES):
    """Massless constituents as the simulation has them: energies of the stored momenta."""
    rng = np.random.default_rng(seed)
    n = len(counts)
    four_momenta = np.zeros((n, places, 4), np.float32)
    momenta = rng.normal(0, 50, (n, places, 3)).astype(np.float32)
    four_momenta[:, :, 1:] = momenta
    four_momenta[:, :, 0] = np.sqrt((momenta.astype(np.float64) ** 2).sum(axis=2))
    four_momenta[np.arange(places) >= np.array(counts)[:, None]] = 0
    labels = rng.integers(0, 2, n)
    truth = (rng.normal(0, 300, (n, 4)) * labels[:, None]).astype(np.float32)
    jets = Jets(four_momenta, labels, truth, rng.integers(0, 3, n))
    tau = rng.random((n, len(TAU)), np.float32)
    tau[::3, 2] = np.nan
    return PackedPart(jets, tau, rng.random((n, len(QUANTITIES)), np.float32))


def write(path, *parts):
    write_packed(path, parts, TAU, QUANTITIES, RECIPE)
    return path


@pytest.fixture
def part():
    return make_part([5, 0, 12, 1, 0, 7, 3])


@pytest.fixture
def path(part, tmp_path):
    return write(tmp_path / "jets.h5", part)


def assert_same(found, expected):
    for name in ("four_momenta", "labels", "truth", "split"):
        first, second = getattr(found.jets, name), getattr(expected.jets, name)
        assert first.tobytes() == second.tobytes(), name
        assert first.dtype == second.dtype, name
    np.testing.assert_array_equal(found.tau, expected.tau)
    np.testing.assert_array_equal(found.quantities, expected.quantities)


def rows(part, chosen):
    jets = part.jets
    few = Jets(*(getattr(jets, f.name)[chosen] for f in dataclasses.fields(jets)))
    return PackedPart(few, part.tau[chosen], part.quantities[chosen])


def test_reading_gives_what_was_written(part, path):
    with PackedJets.open(path) as file:
        (found,) = file.iter_parts()
        assert_same(found, part)
        assert len(file) == 7
        assert file.constituents == PLACES
        assert (file.tau_names, file.quantity_names) == (TAU, QUANTITIES)
        assert file.recipe == RECIPE
    assert is_packed(path)


def test_parts_follow_each_other(tmp_path, part):
    second = make_part([2, 2, 0], seed=5)
    path = write(tmp_path / "two.h5", part, second)
    with PackedJets.open(path) as file:
        assert_same(next(file.iter_parts(stop=7)), part)
        assert_same(next(file.iter_parts(start=7)), second)


@pytest.mark.parametrize(("start", "stop"), [(0, 7), (2, 5), (1, 2), (4, 5), (6, None), (3, 3)])
@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_ranges(part, path, start, stop, chunk):
    with PackedJets.open(path) as file:
        found = list(file.iter_parts(start=start, stop=stop, chunk=chunk))
    sizes = [len(one.jets) for one in found]
    assert sum(sizes) == (7 if stop is None else stop) - start
    assert all(size <= chunk for size in sizes)
    for row, one in zip(range(start, 7, chunk), found, strict=False):
        assert_same(one, rows(part, slice(row, row + len(one.jets))))


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (5, 2), (0, 8), (8, None)])
def test_ranges_outside_are_refused(path, start, stop):
    with PackedJets.open(path) as file, pytest.raises(BadInput, match="has 7 rows"):
        next(file.iter_parts(start=start, stop=stop))


def test_jets_alone_and_their_leading_constituents(part, path):
    with PackedJets.open(path) as file:
        (jets,) = file.iter_jets()
        np.testing.assert_array_equal(jets.four_momenta, part.jets.four_momenta)
        (few,) = file.iter_jets(constituents=3, start=2, stop=4)
    np.testing.assert_array_equal(few.four_momenta, part.jets.four_momenta[2:4, :3])
    np.testing.assert_array_equal(few.truth, part.jets.truth[2:4])


def test_same_jets_give_the_same_bytes(tmp_path, part, path):
    again = write(tmp_path / "again.h5", part)
    assert again.read_bytes() == path.read_bytes()
    # Also when it replaces another.
    write(again, make_part([1, 2]))
    assert again.read_bytes() != path.read_bytes()
    write(again, part)
    assert again.read_bytes() == path.read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {"jets.h5", "again.h5"}


@pytest.mark.parametrize("counts", [[0, 0, 0], []])
def test_jets_without_constituents(tmp_path, counts):
    part = make_part(counts)
    with PackedJets.open(write(tmp_path / "empty.h5", part)) as file:
        assert len(file) == len(counts)
        for found in file.iter_parts():
            assert_same(found, part)


def test_any_hdf5_library_reads_it(path):
    """gzip alone, no filters of plugins, no pickles."""
    with h5py.File(path) as file:
        assert all(file[name].compression == "gzip" for name in file)
        assert all(file[name].dtype.kind in "fui" for name in file)
        assert set(file) == {
            "counts", "px", "py", "pz", "labels", "split", "truth", "tau", "quantities",
        }  # fmt: skip
        json.loads(file.attrs["repro"])


@pytest.mark.parametrize("factor", [1.001, np.nan])
def test_constituents_with_masses_are_refused(tmp_path, part, factor):
    part.jets.four_momenta[2, 4, 0] *= factor
    with pytest.raises(BadInput, match="masses"):
        write(tmp_path / "massive.h5", part)
    assert list(tmp_path.iterdir()) == []


def test_constituents_after_a_hole_are_kept_or_refused(tmp_path, part):
    part.jets.four_momenta[2, 4] = 0
    try:
        path = write(tmp_path / "hole.h5", part)
    except BadInput:
        return
    with PackedJets.open(path) as file:
        assert_same(next(file.iter_parts()), part)


def test_a_folder_that_cannot_be_written(tmp_path, part):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot write"):
        write(tmp_path / "file" / "jets.h5", part)


def test_no_file(tmp_path):
    with pytest.raises(MissingData, match="is not there"):
        PackedJets.open(tmp_path / "none.h5")
    assert not is_packed(tmp_path / "none.h5")


@pytest.mark.parametrize("size", [0, 100, 0.5, -1])
def test_truncated_files_are_refused(path, size):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(size * len(whole)) if isinstance(size, float) else size])
    with pytest.raises(BadInput, match=r"jets\.h5"):
        PackedJets.open(path)


def test_other_files_are_refused(tmp_path, path):
    other = tmp_path / "other.h5"
    other.write_text("no HDF5 at all")
    with pytest.raises(BadInput, match="no packed jets"):
        PackedJets.open(other)
    with h5py.File(path, "r+") as file:
        file.attrs["format"] = "repro packed jets 2"
    assert not is_packed(path)
    with pytest.raises(BadInput, match="no packed jets"):
        PackedJets.open(path)


@pytest.mark.parametrize("missing", ["places", "tau_names", "repro"])
def test_a_file_without_an_attribute_is_damaged(path, missing):
    with h5py.File(path, "r+") as file:
        del file.attrs[missing]
    with pytest.raises(BadInput, match="is damaged"):
        PackedJets.open(path)


@pytest.mark.parametrize("name", ["px", "labels", "truth", "tau"])
def test_damaged_values_are_an_error(path, name):
    """Bytes within a compressed block are changed: nothing but an error may come of it."""
    with h5py.File(path) as file:
        place = file[name].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    middle = place.byte_offset + place.size // 2
    content[middle : middle + 4] = bytes(255 - byte for byte in content[middle : middle + 4])
    path.write_bytes(content)
    with PackedJets.open(path) as file, pytest.raises(BadInput, match="damaged near row 0"):
        list(file.iter_parts())


def test_too_short_values_are_an_error(path):
    with h5py.File(path, "r+") as file:
        momenta = file["px"][:-3]
        del file["px"]
        file["px"] = momenta
    with pytest.raises(BadInput, match="damaged"):
        PackedJets.open(path)
