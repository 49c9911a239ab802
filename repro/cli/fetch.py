"""``repro fetch``: get pinned files into the cache, or list them."""

import argparse
import json
import logging
from typing import TYPE_CHECKING

from repro.errors import BadInput, DownloadFailed, IntegrityError, ReproError

if TYPE_CHECKING:
    from repro.data.pins import Artifact
    from repro.data.store import Store

__all__ = ["add_parser", "run"]

logger = logging.getLogger(__name__)

_DESCRIPTION = """\
Get pinned files into the cache and print where they are. An ID is a file
(toptag/data/test.h5) or a group of files (toptag/weights, hbb); --list shows them.
A stopped download goes on where it stopped.

hbb/record is the data of the second paper, 182 large files: --files says how many to get,
test files first, as HDF5 before ROOT. Their publisher states no hashes, so what a file is
when it is first fetched counts from then on.

  REPRO_CACHE     directory of the cache
  REPRO_MIRROR    directories and base URLs to try first, laid out by id,
                  separated by spaces, commas or the path separator
  REPRO_OFFLINE   set to 1: never use the network
  ZENODO_TOKEN    sent to zenodo.org, which then allows more downloads"""

_EPILOG = """\
With another program, --urls writes an input file for aria2, with hashes; run in the
cache directory, aria2 puts each file where repro finds and verifies it:
  repro fetch --urls toptag/data > list && aria2c --input-file=list --dir=CACHE
wget takes the first address of each file:
  repro fetch --urls toptag/data | grep ^http | cut -f1 | wget --content-disposition -i -"""

_GIVE_UP = 3
_RECORD = "hbb/record"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "fetch",
        help="get pinned files into the cache",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="a pinned file or a group of them")
    parser.add_argument("--all", action="store_true", help="all pinned files")
    parser.add_argument("--list", action="store_true", help="list the files and fetch nothing")
    parser.add_argument(
        "--urls", action="store_true", help="list addresses for aria2 or wget and fetch nothing"
    )
    parser.add_argument("--files", type=int, metavar="N", help="of hbb/record: the first N files")
    parser.add_argument("--split", choices=("train", "test"), help="of hbb/record: these alone")
    parser.add_argument("--format", choices=("h5", "root"), help="of hbb/record: these alone")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from repro.data.store import Store  # noqa: PLC0415  (keeps 'repro list' fast)

    store = Store()
    artifacts = _select(args, store)
    if args.urls:
        _print_urls(artifacts, as_json=args.json)
    elif args.list:
        _print_list(artifacts, store, as_json=args.json)
    else:
        _fetch(artifacts, store, as_json=args.json, progress=not args.quiet)
    return 0


def _select(args: argparse.Namespace, store: "Store") -> "list[Artifact]":
    from repro.data.pins import find_artifacts, load_registry  # noqa: PLC0415

    if args.ids and args.all:
        raise BadInput("name files or ask for --all, not both")
    chosen = args.files is not None or args.split or args.format
    if chosen and not any(map(_of_record, args.ids)):
        raise BadInput(f"--files, --split and --format are for {_RECORD}: name it")
    if args.all or (not args.ids and (args.list or args.urls)):
        return list(load_registry())
    if not args.ids:
        raise BadInput("name the files to fetch, or ask for --all: 'repro fetch --list' shows them")
    # A file named twice, alone and within a group, is fetched once.
    found: dict[str, Artifact] = {}
    for id_ in args.ids:
        artifacts = _select_record(id_, args, store) if _of_record(id_) else find_artifacts(id_)
        found |= {artifact.id: artifact for artifact in artifacts}
    return list(found.values())


def _of_record(id_: str) -> bool:
    return f"{id_}/".startswith(f"{_RECORD}/")


def _select_record(id_: str, args: argparse.Namespace, store: "Store") -> "list[Artifact]":
    from repro.data.record import find_record_artifacts  # noqa: PLC0415

    found = find_record_artifacts(
        id_, files=args.files, split=args.split, suffix=args.format, store=store
    )
    if len(found) > 1 and args.files is None and not (args.list or args.urls):
        raise BadInput(
            f"{id_} has {len(found)} large files: say how many with --files N, "
            "or name them; --list shows them"
        )
    return found


def _fetch(artifacts: "list[Artifact]", store: "Store", *, as_json: bool, progress: bool) -> None:
    fetched: list[dict[str, str]] = []
    failures: list[ReproError] = []
    in_a_row = 0
    for artifact in artifacts:
        try:
            path = store.fetch(artifact, progress=progress, anew=True)
        except (DownloadFailed, IntegrityError) as failure:
            # One bad file must not keep back the others; several in a row mean no network.
            failures.append(failure)
            in_a_row += 1
            if len(artifacts) == 1 or in_a_row == _GIVE_UP:
                break
            logger.error("%s", failure)  # noqa: TRY400  (the message is made for users)
            continue
        in_a_row = 0
        checksum = store.settle(artifact).checksum
        fetched.append({"id": artifact.id, "path": str(path), "checksum": checksum})
        if not as_json:
            print(path, flush=True)
    if as_json:
        print(json.dumps(fetched, indent=1))
    if len(artifacts) == 1 and failures:
        raise failures[0]
    if failures:
        missing = len(artifacts) - len(fetched)
        raise DownloadFailed(f"{missing} of {len(artifacts)} files are missing: {failures[-1]}")


def _print_list(artifacts: "list[Artifact]", store: "Store", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_facts(artifact, store) for artifact in artifacts], indent=1))
        return
    columns = ("id", "identifier", "size", "checksum", "licence", "state")
    facts = [_facts(artifact, store) for artifact in artifacts]
    rows = [
        ["unknown" if fact[column] is None else str(fact[column]) for column in columns]
        for fact in facts
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _facts(artifact: "Artifact", store: "Store") -> dict[str, object]:
    artifact = store.settle(artifact)
    return {
        "id": artifact.id,
        "identifier": artifact.identifier,
        "doi": artifact.doi,
        "swhid": artifact.swhid,
        "size": artifact.size,
        "checksum": artifact.checksum or None,
        "licence": artifact.licence,
        "citation": artifact.citation,
        "origin": artifact.origin,
        "urls": artifact.urls,
        "verified": artifact.verified,
        "state": store.state_of(artifact),
    }


def _print_urls(artifacts: "list[Artifact]", *, as_json: bool) -> None:
    artifacts = [artifact for artifact in artifacts if not artifact.shipped]
    if as_json:
        print(json.dumps({artifact.id: artifact.urls for artifact in artifacts}, indent=1))
        return
    for artifact in artifacts:
        algorithm, _, value = artifact.checksum.partition(":")
        # aria2: addresses of one file are separated by tabs, options follow indented.
        print("\t".join(artifact.urls))
        print(f"  out={artifact.id}")
        if artifact.pinned:
            print(f"  checksum={'sha-256' if algorithm == 'sha256' else algorithm}={value}")
