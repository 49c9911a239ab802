import os
import sys

import pytest
from fault_commands import make_inputs
from forking import Forking

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """The files that the commands read."""
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="session")
def forking():
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    server = Forking()
    yield server
    server.close()


@pytest.fixture(scope="session")
def namespace():
    """The same with mounts of its own, where that is allowed."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root mounts")
    try:
        server = Forking(namespace=True)
    except RuntimeError:
        pytest.skip("no namespaces here")
    yield server
    server.close()


def environment_of(inputs, cache):
    """No network, an own cache, and the mirror with the file to fetch."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("REPRO_", "ZENODO_"))}
    places = {"REPRO_CACHE": str(cache), "REPRO_MIRROR": str(inputs / "mirror")}
    return kept | places | {"REPRO_OFFLINE": "1"}
