"""Each reader meets each damage: what it reads is right, or it says in one line what is wrong."""

import pytest
from damages import CONTENTS, PLACES
from guarded import read_under_law
from readers import READERS

# They say the same of a file that is not there as of none.
_NEVER_THERE = {"checkpoint": {"nothing", "link to nothing", "link to itself"}}


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """Give the bytes of a valid file by reader, made once."""
    made = {}

    def of(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            READERS[name].make(folder / READERS[name].name)
            made[name] = {file.name: file.read_bytes() for file in folder.iterdir()}
        return made[name]

    return of


def _put(files, folder):
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("name", READERS)
def test_a_valid_file_is_read(name, valid, tmp_path):
    _put(valid(name), tmp_path)
    outcome = read_under_law(READERS[name], tmp_path / READERS[name].name)
    assert outcome.error is None


@pytest.mark.parametrize("name", READERS)
def test_other_bytes(name, valid, tmp_path):
    reader, refused = READERS[name], 0
    damages = list(CONTENTS.values())[:: 4 if READERS[name].slow else 1]
    for damage in damages:
        _put(valid(name), tmp_path)
        damage(tmp_path / reader.name)
        refused += read_under_law(reader, tmp_path / reader.name).error is not None
    assert reader.silent or refused > len(damages) / 3


@pytest.mark.parametrize("damage", PLACES)
@pytest.mark.parametrize("name", READERS)
def test_other_things_in_its_place(name, damage, valid, tmp_path):
    reader = READERS[name]
    _put(valid(name), tmp_path)
    PLACES[damage](tmp_path / reader.name)
    outcome = read_under_law(reader, tmp_path / reader.name)
    told = not reader.silent and damage not in _NEVER_THERE.get(name, ())
    assert (outcome.error is not None) == told
