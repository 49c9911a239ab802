"""``repro list``: every table and figure."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from repro.catalogue import Item, load_claims, load_items
from repro.cli.options import add_json, add_paper

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parser", "run"]


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("list", help="list every table and figure")
    add_paper(parser, default=None)
    add_json(parser, "the list")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the catalogue."""
    items = load_items(arguments.paper)
    if arguments.json:
        print(json.dumps([_entry(item) for item in items], indent=1, ensure_ascii=False))
        return 0
    width = max(len(item.id) for item in items)
    for item in items:
        state = item.cost if item.module else "not implemented yet"
        claims = f"{len(_claims(item))} numbers claimed"
        facts = [item.method, ", ".join(item.models), claims, state]
        label = f" (publication: {item.publication_label})" if item.publication_label else ""
        print(f"{item.id:<{width}}  {item.title}{label}")
        print(f"{'':<{width}}  {' · '.join(filter(None, facts))}")
        print(f"{'':<{width}}  data: {', '.join(item.data) or _without(item)}")
    done = sum(item.module is not None for item in items)
    print(f"\n{done} of {len(items)} items can be computed by this version")
    return 0


def _entry(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "paper": item.paper,
        "method": item.method,
        "models": list(item.models),
        "data": list(item.data),
        "fixtures": list(item.fixtures),
        "claims": _claims(item),
        "cost": item.cost,
        "implemented": item.module is not None,
        "module": item.module,
        "saved_as": list(item.saved_as),
        "publication_label": item.publication_label,
    }


def _without(item: Item) -> str:
    return "simulated jets" if item.method == "closure" else "none"


def _claims(item: Item) -> list[str]:
    return [claim.id for claim in load_claims(item.paper) if claim.item == item.id]
