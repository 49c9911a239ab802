"""``repro cite``: what to cite for the package, or for some of its tables and figures."""

import argparse
from typing import TYPE_CHECKING

from repro.catalogue import find_item

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parser", "run"]


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("cite", help="print what to cite")
    parser.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="items, such as toptag/fig5: what they rest on; without any, both papers and their "
        "data",
    )
    parser.add_argument(
        "--data",
        choices=("paper", "embedded"),
        default="paper",
        help="whose jets the items are computed on (default: the paper's)",
    )
    parser.add_argument(
        "--format",
        choices=("bibtex", "cff", "text"),
        default="bibtex",
        help="BibTeX (the default), Citation File Format, or lines of text",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the package's entry, then those of what it takes."""
    from repro.fair.bibtex import entry_of, entry_of_software  # noqa: PLC0415 - needed here alone
    from repro.fair.cff import citation_file  # noqa: PLC0415
    from repro.fair.citing import references_for, usual_references  # noqa: PLC0415
    from repro.fair.software import load_software  # noqa: PLC0415
    from repro.fair.yaml_text import to_yaml  # noqa: PLC0415

    items = [find_item(name) for name in arguments.ids]
    simulated = arguments.data == "embedded"
    found = (
        references_for(items, simulated=simulated)
        if items
        else usual_references(simulated=simulated)
    )
    software = load_software()
    if arguments.format == "cff":
        print(to_yaml(citation_file(software, found)), end="")
    elif arguments.format == "bibtex":
        print("\n\n".join([entry_of_software(software), *map(entry_of, found)]))
    else:
        print("\n".join([software.in_words(), *(each.in_words() for each in found)]))
    return 0
