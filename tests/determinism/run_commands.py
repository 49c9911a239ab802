"""Run commands of the table, each in a folder of its own: ``run_commands.py OUT ORDER NAME…``.

ORDER, ``forward`` or ``backward``, is that in which folders list their entries.  Generators that
belong to nobody, numpy's and torch's, begin with another state in each: it must not be seen.
"""

import contextlib
import os
import random
import shlex
import sys
import tomllib
from pathlib import Path

TABLE = tomllib.loads(Path(__file__).with_name("commands.toml").read_text("utf-8"))["command"]


def main(out, order, *names):
    """Run them; write what each prints, and its exit status."""
    import numpy as np
    import torch

    from repro.cli import main as repro
    from repro.data.pins import find_artifact
    from repro.data.store import shipped_path
    from repro.features.embedded import SHIPPED

    _list_folders(backward=order == "backward")
    jets = str(shipped_path(find_artifact(SHIPPED)))
    for command in (command for command in TABLE if command["name"] in names):
        folder = Path(out, command["name"]).resolve()
        folder.mkdir(parents=True)
        os.chdir(folder)
        with Path("printed.txt").open("w", encoding="utf-8") as printed:
            for line in command["lines"]:
                for seed in (random.seed, np.random.seed, torch.manual_seed):
                    seed(len(order))
                words = [jets if word == "JETS" else word for word in shlex.split(line)]
                with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                    code = repro(words)
                printed.write(f"{line}: {code}\n")
        os.chdir(out)


def _list_folders(*, backward):
    """Let folders list their entries by name, or the other way round."""
    list_names, scan = os.listdir, os.scandir

    class Sorted:
        def __init__(self, path):
            with scan(path) as entries:
                found = sorted(entries, key=lambda entry: entry.name, reverse=backward)
            self.entries = iter(found)

        def __iter__(self):
            return self.entries

        def __next__(self):
            return next(self.entries)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.close()

        def close(self):
            pass

    os.listdir = lambda path=".": sorted(list_names(path), reverse=backward)
    os.scandir = lambda path=".": Sorted(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
