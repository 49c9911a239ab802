"""The items of a report: computed, or taken from results that are at hand."""

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.catalogue import Item
from repro.data.integrity import hash_file
from repro.data.store import Store
from repro.errors import BadInput, MissingData, NotAvailable, ReproError
from repro.fair.report_folder import ReportFolder
from repro.fair.run_record import now
from repro.figures.choices import weights_folder
from repro.figures.context import Context
from repro.figures.pictures import draw, draw_again
from repro.figures.run import compute_item
from repro.results.document import Result
from repro.results.fingerprint import fingerprint
from repro.results.form import wrong_places
from repro.results.provenance import commit, environment, versions
from repro.training.run import WEIGHTS

__all__ = [
    "Step",
    "compute_items",
    "find_results",
    "plan_of",
    "plan_of_reading",
    "take_items",
    "without_paths",
]

_LOG = logging.getLogger(__name__)

_DIRTY = "-dirty"


@dataclass(frozen=True)
class Step:
    """One item of a report.

    Attributes:
        item: The item.
        result: None if it could not be computed.
        error: Why it could not.
        why: The same, as a report says it: with files by their names, without paths.
    """

    item: Item
    result: Result | None
    error: ReproError | None = None
    why: str = ""


def plan_of(context: Context, items: Sequence[Item]) -> dict[str, Any]:
    """Return what decides the numbers of a report that is computed, as JSON.

    Args:
        context: With which they are computed.
        items: Which of its sources are asked for.
    """
    papers = {item.paper for item in items}
    settings = vars(context.settings).copy()
    settings.pop("quiet")
    settings["device"] = context.device
    settings |= {name: _by_name(settings[name]) for name in ("data", "weights")}
    sources: dict[str, Any] = {}
    if "toptag" in papers:
        sources["toptag"] = _by_content(context.source)
    if "hbb" in papers:
        files = context.record.files
        named = [_by_content(file) if isinstance(file, str) else file.id for file in files]
        sources["hbb"] = [context.record.source, *named]
    sources["weights"] = _by_content(context.settings.weights)
    return {"settings": settings, "sources": sources, "software": environment(context.device)}


def plan_of_reading(found: Mapping[str, tuple[Path, Result]]) -> dict[str, Any]:
    """Return the same for a report of results that are at hand: other results, another report."""
    results = {item_id: hash_file(path) for item_id, (path, _) in found.items()}
    return {"results": results, "software": {**versions(), "commit": commit()}}


def compute_items(folder: ReportFolder, items: Sequence[Item], context: Context) -> Iterator[Step]:
    """Compute what the report lacks, item by item, and yield all of its items.

    Raises:
        BadInput: If something cannot be written.
    """
    # What files said that differ from their commit, nobody knows.
    certain = not str(commit()).endswith(_DIRTY)
    for item in items:
        result = folder.result_of(item) if certain else None
        if result is not None:
            _LOG.info("%s is as it was computed before", item.id)
            yield Step(item, result)
            continue
        started = now()
        with context.stopped.until_written():
            try:
                result = compute_item(item, context)
            except ReproError as error:
                why = without_paths(str(error), _places(context))
                folder.fail(item, why, started)
                step = Step(item, None, error, why)
            else:
                ended = now()
                folder.add(item, result, draw(item, result), started, ended)
                step = Step(item, result)
        yield step


def find_results(
    source: Path, items: Sequence[Item], *, all_of_them: bool
) -> dict[str, tuple[Path, Result]]:
    """Return the documents of items in a folder that other commands wrote, by id.

    Args:
        source: The folder.
        items: Those wanted.
        all_of_them: Whether each must be there.

    Raises:
        MissingData: If there are none, or one is not there that must be.
        BadInput: If one is no document of this version, or of another item, or says of a claim
            what another has said.
    """
    found = {}
    judged: set[str] = set()
    for item in items:
        path = source / item.paper / f"{item.stem}.json"
        if not path.is_file():
            if all_of_them:
                raise MissingData(f"{path} is not there: 'repro verify --out' writes it")
            continue
        result = Result.from_json(path)
        if result.item != item.id:
            raise BadInput(f"{path} is the document of {result.item}: name it as repro wrote it")
        _check(path, result, judged)
        found[item.id] = path, result
    if not found:
        raise MissingData(
            f"{source} holds no results such as toptag/fig05.json: 'repro verify --out' writes them"
        )
    return found


def _check(path: Path, result: Result, judged: set[str]) -> None:
    """Refuse a document that cannot be described, and add its claims to those that are judged.

    Raises:
        BadInput: If it has not the form of a result document, or judges what is judged already.
    """
    wrong = next(wrong_places(result.document()), None)
    if wrong is not None:
        raise BadInput(f"{path} is no result document, by its {wrong}: compute it again")
    for claim in result.claims:
        if claim["id"] in judged:
            raise BadInput(f"{path} has claim {claim['id']}, which is judged before: remove one")
        judged.add(claim["id"])


def take_items(
    folder: ReportFolder, found: Mapping[str, tuple[Path, Result]], items: Sequence[Item]
) -> Iterator[Step]:
    """Put results that are at hand into the report, and yield its items.

    Raises:
        BadInput: If something cannot be written, or a picture cannot be drawn.
    """
    for item in items:
        if item.id in found:
            path, result = found[item.id]
            folder.add(item, result, _pictures(path, result))
            yield Step(item, result)


def _pictures(path: Path, result: Result) -> dict[str, bytes]:
    """Return the pictures beside a document, if they show its numbers; else draw them."""
    beside = {suffix: path.with_suffix(f".{suffix}") for suffix in ("png", "pdf")}
    numbers = f"sha256:{fingerprint(result)}".encode()
    taken = {suffix: file.read_bytes() for suffix, file in beside.items() if file.is_file()}
    if taken.keys() == beside.keys() and all(numbers in content for content in taken.values()):
        return taken
    try:
        return draw_again(path)[1]
    except NotAvailable:
        return {}


def without_paths(text: str, places: Mapping[str, str]) -> str:
    """Return a text in which places are called by their names alone.

    Args:
        text: Such as an error.
        places: What each path is to be called.

    >>> without_paths("/far/away/my jets.h5 is not there", {"/far/away/my jets.h5": "my jets.h5"})
    'my jets.h5 is not there'
    """
    names: dict[str, str] = {}
    for place, name in places.items():
        ways = (place, str(Path(place).absolute()), str(Path(place).resolve()))
        names |= dict.fromkeys(ways, name)
    # The longest first: a file before the folder that it is in.
    for path in sorted(names, key=len, reverse=True):
        text = text.replace(path, names[path] or path)
    return text


def _places(context: Context) -> dict[str, str]:
    """Return where things of the user lie that an error can name, and what to call them."""
    store = Store()
    chosen = (context.settings.data, context.settings.weights, str(store.directory), *store.mirrors)
    whole = {}
    for find, name in ((Path.home, "~"), (Path.cwd, ".")):
        # There may be no home, and the working directory may have been removed.
        with contextlib.suppress(RuntimeError, OSError):
            whole[str(find())] = name
    return whole | {place: Path(place).name for place in chosen}


def _by_name(chosen: str) -> str:
    """Return a choice in words, or the name of the file that it leads to."""
    return Path(chosen).name


def _by_content(chosen: str) -> str:
    """Return a choice in words, or the hash of the file, or of those in the folder, it leads to."""
    folder, path = weights_folder(chosen), Path(chosen)
    if folder is not None:
        inside = {str(file.relative_to(folder)): hash_file(file) for file in _trained(folder)}
        return f"sha256:{hashlib.sha256(json.dumps(inside).encode()).hexdigest()}"
    return f"sha256:{hash_file(path)}" if path.is_file() else chosen


def _trained(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*/{WEIGHTS}"))
