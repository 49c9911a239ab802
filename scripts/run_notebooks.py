"""Execute notebooks of the documentation in place: they then show what today's code gives.

    python3 run.py notebooks [NOTEBOOK ...]

By default those of ``docs/notebooks``.  A notebook is written when all of its cells ran, and else
left as it was.  What a cell took, and when, is not written: the same numbers give the same file.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "notebooks"
SECONDS_PER_CELL = 600

# A hint of tqdm's that names folders of this machine: the package's own bars need no widgets.
_WARNINGS = "ignore:IProgress not found"


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute; return 1 and leave the others alone when a cell fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    for path in parser.parse_args(arguments).notebooks or sorted(FOLDER.glob("*.ipynb")):
        if not path.is_file():
            print(f"run_notebooks.py: error: no notebook at {path}", file=sys.stderr)
            return 2
        try:
            execute(path)
        except CellExecutionError as error:
            print(f"run_notebooks.py: error: {path}: a cell failed\n{error}", file=sys.stderr)
            return 1
        print(f"executed {path}")
    return 0


def execute(path: Path) -> None:
    """Execute a notebook in a new kernel, and write it with its outputs.

    Raises:
        CellExecutionError: If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    os.environ["PYTHONWARNINGS"] = _WARNINGS
    # Not in the folder of the notebooks: no file there can take the place of a module.
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook,
            timeout=SECONDS_PER_CELL,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
        ).execute()
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.validate(notebook)
    temporary = path.with_suffix(f".{os.getpid()}.new")
    nbformat.write(notebook, temporary)
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
