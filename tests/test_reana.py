"""REANA takes ``reana.yaml``, and its checks hold of a run: where its client is at hand."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SPECIFICATION = yaml.safe_load((ROOT / "reana.yaml").read_text("utf-8"))
CONFIG = yaml.safe_load((ROOT / SPECIFICATION["inputs"]["parameters"]["input"]).read_text("utf-8"))


def ask(*words, module="reana_commons"):
    """Return what the program says that runs with REANA's Python, or skip."""
    python = os.environ.get("REPRO_REANA")
    if not python:
        pytest.skip("REPRO_REANA names no Python that has reana-commons")
    looked = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
    if looked.returncode:
        pytest.skip(f"{python} has no {module}")
    command = [python, ROOT / "tests/reana_checks.py", ROOT / "reana.yaml", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_files_that_it_names_are_there_and_outputs_are_of_its_configuration():
    assert (ROOT / SPECIFICATION["workflow"]["file"]).is_file()
    for name in [*SPECIFICATION["inputs"]["directories"], *SPECIFICATION["tests"]["files"]]:
        assert (ROOT / name).exists()
    for name in [*SPECIFICATION["outputs"]["files"], *SPECIFICATION["outputs"]["directories"]]:
        assert name.startswith(f"{CONFIG['results']}/")


def test_the_client_s_schema_takes_it():
    assert ask() == {}


def test_its_checks_hold_of_a_run():
    workspace = os.environ.get("REPRO_WORKSPACE")
    if not workspace:
        pytest.skip("REPRO_WORKSPACE names no folder in which the small workflow was run")
    found = ask(workspace, module="reana_commons.gherkin_parser")
    assert len(found) == 5
    assert [one for one in found if one[1] != "passed"] == []


def test_its_checks_fail_of_an_empty_folder(tmp_path):
    found = ask(tmp_path, module="reana_commons.gherkin_parser")
    assert [outcome for _, outcome, _ in found].count("failed") >= 3
