"""Files that lie beside the checkout; a test that needs one is skipped where it is not."""

import logging
import os
from pathlib import Path

import pytest

# Before numpy and torch are imported: the tests' matrices are small, and threads that wait
# for each other on a busy machine, or in several workers, cost ten times what they gain.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def pytest_collection_modifyitems(items):
    """Mark what needs the originals' files: ``-m "not mirror"`` leaves it out."""
    for item in items:
        if "mirror" in getattr(item, "fixturenames", ()):
            item.add_marker("mirror")


@pytest.fixture(autouse=True)
def _called_by_its_name():
    """What calls the program in the user's place sets a variable, for good."""
    os.environ.pop("REPRO_COMMAND", None)
    yield
    os.environ.pop("REPRO_COMMAND", None)


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    """The command line sets the package's logging up for good; the next test starts without."""
    logger = logging.getLogger("repro")
    # Fixtures of modules and sessions may have set it up before.
    logger.handlers[:], logger.propagate = [], True
    logger.setLevel(logging.NOTSET)
    yield
    logger.handlers[:], logger.propagate = [], True
    logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The originals' files: the first directory of REPRO_MIRROR, or ../shared/mirror."""
    named = [Path(part) for part in os.environ.get("REPRO_MIRROR", "").split(os.pathsep) if part]
    for folder in [*named, SHARED / "mirror"]:
        if folder.is_dir():
            return folder
    pytest.skip("the originals' files are not at hand (REPRO_MIRROR)")


@pytest.fixture(scope="session")
def reference() -> Path:
    """Jets of the real detector simulation and the real set's histograms."""
    folder = SHARED / "reference"
    if not folder.is_dir():
        pytest.skip("the reference jets are not at hand")
    return folder


@pytest.fixture(scope="session")
def store(mirror, tmp_path_factory):
    """A fresh cache that fills itself from the mirror and never from the network."""
    from repro.data.store import Store

    cache = tmp_path_factory.mktemp("cache")
    return Store(cache, mirrors=[str(mirror)], offline=True)


@pytest.fixture(scope="session")
def fetch(store):
    """Gives the local path of a pinned file by its id."""
    from repro.data.pins import find_artifact

    return lambda artifact_id: store.fetch(find_artifact(artifact_id))


@pytest.fixture(scope="session")
def make_context(store):
    """Makes a quiet context of the authors' stored jets with the given settings."""
    from repro.figures.context import Context, Settings

    def make(**settings):
        chosen = {"data": "fixtures", "device": "cpu", "quiet": True} | settings
        return Context(Settings(**chosen), store)

    return make
