"""These tests need a CUDA device, and say so where there is none."""

import os
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent

# Before CUDA starts: without it, its products are not the same twice.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def pytest_collection_modifyitems(items):
    """Mark the tests of this folder."""
    missing = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.gpu)
            item.add_marker(missing)


@pytest.fixture
def no_waiting():
    """Makes torch refuse to wait for the device, from then on."""
    yield lambda: torch.cuda.set_sync_debug_mode("error")
    torch.cuda.set_sync_debug_mode("default")


@pytest.fixture
def deterministic():
    """Torch refuses what is not the same twice."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(autouse=True)
def _full_precision():
    """Products in single precision, as on a processor."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)
