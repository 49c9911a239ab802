"""What tests of the workflow share: its files, its modules, and calls of Snakemake."""

import importlib
import os
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = ROOT / "workflow"
CONFIGS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in WORKFLOW.glob("config/*")}
SCHEMA = yaml.safe_load((WORKFLOW / "schemas/config.schema.yaml").read_text("utf-8"))


@contextmanager
def imported():
    """Give the workflow's own modules, which import each other by their bare names."""
    names = ("rates", "samples", "names", "plan", "mistakes")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(WORKFLOW))
        yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


def mistakes_in(modules):
    """Return what finds the mistakes in a configuration, as the workflow does."""
    rates, names = modules["rates"].Rates.load(), modules["names"].Names()

    def find(config):
        found = list(modules["mistakes"].mistakes_of_writing(config))
        if found:
            return found
        return modules["mistakes"].mistakes_of(modules["plan"].Plan(config, rates), names)

    return find


def snakemake():
    """Return the command: this environment's, or that of the Python that REPRO_SNAKEMAKE names."""
    python = os.environ.get("REPRO_SNAKEMAKE") or sys.executable
    if python == sys.executable and find_spec("snakemake") is None:
        pytest.skip("Snakemake is not installed: 'python3 run.py workflow' installs it")
    return [python, "-m", "snakemake", "--snakefile", str(WORKFLOW / "Snakefile")]


def asked(folder, *words):
    """Return the words and the environment of a command that runs in a folder."""
    here = Path(sys.executable).parent
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = os.environ | {
        "PATH": os.pathsep.join([str(here), os.environ["PATH"]]),
        "PYTHONPATH": paths,
        "REPRO_OFFLINE": "1",
        "REPRO_MIRROR": "",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    command = [*snakemake(), "--directory", str(folder), *map(str, words)]
    return {"args": command, "env": environment}


def call(folder, *words, timeout=280):
    done = subprocess.run(
        **asked(folder, *words), capture_output=True, text=True, timeout=timeout, check=False
    )
    return done.returncode, done.stdout + done.stderr
