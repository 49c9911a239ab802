"""``repro info``: versions, device and cache, for bug reports."""

import argparse
import json
from typing import TYPE_CHECKING

from repro.cli.options import add_json

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parser", "run"]


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("info", help="print versions, device and cache")
    add_json(parser, "them")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the environment, the device and the state of the cache."""
    import torch  # noqa: PLC0415 - slow

    from repro.data.pins import load_registry  # noqa: PLC0415
    from repro.data.store import Store  # noqa: PLC0415
    from repro.results.provenance import environment  # noqa: PLC0415
    from repro.results.swhid import swhid_of_commit  # noqa: PLC0415

    store = Store()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    artifacts = [artifact for artifact in load_registry() if not artifact.shipped]
    cached = sum(store.path_of(artifact).is_file() for artifact in artifacts)
    versions = environment(device)
    facts = {
        **versions,
        "swhid": swhid_of_commit(versions["commit"]),
        "threads": torch.get_num_threads(),
        "cache": str(store.directory),
        "cached": f"{cached} of {len(artifacts)} pinned files",
        "mirrors": list(store.mirrors),
        "offline": store.offline,
    }
    if arguments.json:
        print(json.dumps(facts, indent=1))
        return 0
    for name, value in facts.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        print(f"{name}: {shown}")
    return 0
