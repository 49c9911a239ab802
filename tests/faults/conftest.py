import os
import sys

import pytest
from fault_commands import make_inputs
from forking import Forking


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """The files that the commands read."""
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="session")
def forking():
    """What runs commands; with mounts of its own where that is allowed."""
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    try:
        server = Forking(namespace=os.geteuid() == 0)
    except RuntimeError:
        server = Forking()
    yield server
    server.close()


@pytest.fixture
def namespace(forking):
    """The same, and the test is skipped where nothing can be mounted."""
    if not forking.namespace:
        pytest.skip("only root mounts")
    return forking
