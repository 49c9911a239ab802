"""The folder of a report: filled item by item, and made whole at the end.

A report that was interrupted goes on where it stopped, if the same is asked for.  It is whole when
``ro-crate-metadata.json`` is there, which is written last and removed first.
"""

import contextlib
import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from repro.catalogue import Item, find_item
from repro.data.atomic import write_atomically
from repro.data.integrity import hash_file
from repro.errors import BadInput
from repro.fair import run_record
from repro.fair.crate import make_crate
from repro.fair.crate_words import METADATA, README, WORKFLOW
from repro.fair.hepdata import make_submission
from repro.fair.preview import make_preview
from repro.fair.reproduction import make_script, own_files
from repro.fair.run_record import ItemRun, RunRecord, now
from repro.results.document import Result
from repro.results.files import write_result
from repro.results.judge import summarise
from repro.results.verdict_table import as_csv, as_markdown

__all__ = ["ReportFolder"]

_SUFFIXES = ("json", "csv", "png", "pdf", "md", "tex")
_PREVIEW = "index.html"
_SUBMISSIONS = "hepdata"
_SUBMITTED = re.compile(
    rf"{_SUBMISSIONS}/\w+/(submission\.yaml|(fig|table)\w+\.(yaml|png))", re.ASCII
)
_FIXED = (run_record.NAME, METADATA, README, WORKFLOW, _PREVIEW, "verdicts.csv", "verdicts.md")


class ReportFolder:
    """A report that is being made.

    Args:
        path: Its folder: none, an empty one, or one of the same report.
        items: What it is of.
        plan: What else decides its numbers, as JSON.
        command: What was typed, without the folder.
        own: The options in it that have a file of the user's, such as ``--from``.

    Raises:
        BadInput: If the folder holds anything else, or cannot be read.
    """

    def __init__(
        self,
        path: Path,
        items: Sequence[Item],
        plan: Mapping[str, Any],
        command: str,
        own: Collection[str] = (),
    ) -> None:
        self.path = path
        self._items = items
        self._own_options = own
        plan = {"items": [item.id for item in items], **plan}
        self._new_folder = not path.exists()
        found = _contents(path)
        self._begun_now = not found
        if not found:
            # It comes first: what is interrupted before any item is there goes on, too.
            self._record = RunRecord(plan, command, started=now())
            self._record.write(path)
            return
        if run_record.NAME not in found:
            raise BadInput(f"{path} holds other files: choose another folder, or an empty one")
        self._record = RunRecord.read(path)
        if dict(self._record.plan) != plan:
            differ = [key for key, entry in plan.items() if self._record.plan.get(key) != entry]
            raise BadInput(
                f"{path} holds a report with other {' and '.join(differ) or 'settings'}: "
                "choose another folder, or remove it"
            )
        _refuse_others(path, found, items)

    def abandon(self) -> None:
        """Leave nothing of a report that was begun now and has no item; leave all of others.

        Raises:
            BadInput: If something cannot be removed.
        """
        if self._begun_now and not any(run.sha256 for run in self._record.items.values()):
            self._remove(*self._own())
            papers = {self.path / item.paper for item in self._items}
            for folder in (*papers, *([self.path] if self._new_folder else [])):
                # Whatever somebody else put into it stays.
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def result_of(self, item: Item) -> Result | None:
        """Return the result of an item that the report has, unchanged; None if it has none."""
        run = self._record.items.get(item.id)
        path = self._document(item)
        if run is None or not run.sha256 or not path.is_file() or hash_file(path) != run.sha256:
            return None
        return Result.from_json(path)

    def add(
        self,
        item: Item,
        result: Result,
        pictures: Mapping[str, bytes],
        started: str = "",
        ended: str = "",
    ) -> None:
        """Write the files of an item.

        Args:
            item: The item.
            result: Its numbers.
            pictures: By suffix.
            started: When the computation began, if it was computed for the report.
            ended: When it ended.

        Raises:
            BadInput: If they cannot be written.
        """
        # What the record does not name does not count: the files may be half of those wanted.
        document = self._document(item)
        self._remove(METADATA, *(document.with_suffix(f".{suffix}") for suffix in _SUFFIXES))
        write_result(result, pictures, self.path)
        run = ItemRun(hash_file(document), started, ended)
        self._record = self._record.with_item(item.id, run)
        self._record.write(self.path)

    def fail(self, item: Item, error: str, started: str) -> None:
        """Note that an item cannot be computed; nothing is written yet."""
        run = ItemRun(started=started, ended=now(), error=error)
        self._record = self._record.with_item(item.id, run)

    def finish(self, claims: Sequence[Mapping[str, Any]]) -> None:
        """Write what is made of all items, the description of the whole last.

        Args:
            claims: Judged, each with the id of its ``item``.

        Raises:
            BadInput: If it cannot be written.
        """
        self._remove(METADATA)
        results = self._results()
        texts = {
            "verdicts.csv": as_csv(claims),
            "verdicts.md": as_markdown(claims),
            README: _readme(self._record, claims, self._own_options),
            WORKFLOW: make_script(self._record, self._own_options),
            _PREVIEW: make_preview(results, claims, self._record, self._own()),
        }
        for name, text in texts.items():
            write_atomically(self.path / name, text.encode())
        self._write_submissions(results)
        self._record = dataclasses.replace(self._record, ended=now())
        self._record.write(self.path)
        files = {name: self.path / name for name in self._own()}
        crate = make_crate(self._record, results, claims, files)
        write_atomically(self.path / METADATA, crate.encode())

    def _results(self) -> list[Result]:
        """Return the results, and remove what earlier runs left of items that have none."""
        results = []
        for item in self._items:
            result = self.result_of(item)
            if result is not None:
                results.append(result)
            else:
                document = self._document(item)
                self._remove(*(document.with_suffix(f".{suffix}") for suffix in _SUFFIXES))
        return results

    def _own(self) -> list[str]:
        """Return the names of the report's files, whatever else has come into the folder."""
        return [name for name in _contents(self.path) if _is_own(name, self._items)]

    def _remove(self, *names: str | Path) -> None:
        """Remove files: what describes the whole goes before anything changes."""
        try:
            for name in names:
                (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise BadInput(
                f"cannot change {self.path}: {error.strerror}; choose another folder"
            ) from error

    def _document(self, item: Item) -> Path:
        return self.path / item.paper / f"{item.stem}.json"

    def _write_submissions(self, results: Iterable[Result]) -> None:
        folder = self.path / _SUBMISSIONS
        self._remove(*(name for name in self._own() if _SUBMITTED.fullmatch(name)))
        by_paper: dict[str, list[Result]] = {}
        for result in results:
            by_paper.setdefault(find_item(result.item).paper, []).append(result)
        for paper, some in by_paper.items():
            files = make_submission(paper, some, {r.item: self._pictures(r) for r in some})
            for name, content in files.items():
                write_atomically(folder / paper / name, content)

    def _pictures(self, result: Result) -> dict[str, bytes]:
        path = self._document(find_item(result.item)).with_suffix(".png")
        return {"png": path.read_bytes()} if path.is_file() else {}


def _contents(path: Path) -> list[str]:
    """Return the names of all files in a folder and below it; none if there is no folder.

    Names that begin with a dot do not count: desktops write such files, and a write that was killed
    leaves one.

    Raises:
        BadInput: If it is no folder, cannot be read, or a link lies in it, which leads elsewhere.
    """
    if path.exists() and not path.is_dir():
        raise BadInput(f"{path} is no folder: choose another")
    try:
        entries = sorted(entry.relative_to(path) for entry in path.rglob("*"))
        seen = [e for e in entries if not any(part.startswith(".") for part in e.parts)]
        links = [entry for entry in seen if (path / entry).is_symlink()]
        files = [entry.as_posix() for entry in seen if not (path / entry).is_dir()]
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}; choose another") from error
    if links:
        raise BadInput(f"{path} holds the link {links[0].as_posix()}: move it away")
    return sorted(files)


def _is_own(name: str, items: Sequence[Item]) -> bool:
    """Return whether a report of these items has a file of this name."""
    stem, _, suffix = name.rpartition(".")
    of_an_item = suffix in _SUFFIXES and any(stem == f"{i.paper}/{i.stem}" for i in items)
    return of_an_item or name in _FIXED or _SUBMITTED.fullmatch(name) is not None


def _refuse_others(path: Path, found: Iterable[str], items: Sequence[Item]) -> None:
    """Refuse a folder with files that no report of these items has.

    Raises:
        BadInput: If there is one.
    """
    for name in found:
        if not _is_own(name, items):
            raise BadInput(f"{path} holds {name}, which is not of the report: move it away")


def _readme(record: RunRecord, claims: Sequence[Mapping[str, Any]], own: Collection[str]) -> str:
    """Return what the report is, in words."""
    files = " and ".join(f"`{name}`" for name in own_files(record.command, own).values())
    found = f"; {files} it finds beside this folder, or where it is called" if files else ""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in summarise(claims).items())
    failed = [f"- {name}: {run.error}" for name, run in record.items.items() if run.error]
    lines = [
        "# Report of repro",
        "",
        f"Made by `{record.command}`: {counts}.",
        "",
        "- `index.html` shows it; `verdicts.csv` and `verdicts.md` have all claims.",
        "- `toptag/` and `hbb/` have the items: numbers as JSON and CSV, pictures, tables.",
        f"- `{METADATA}` says what each file is and what it was made of (RO-Crate 1.1).",
        f"- `{_SUBMISSIONS}/` has the same numbers in the format of HEPData.",
        f"- `sh {WORKFLOW} FOLDER` makes it again, in any folder{found}.",
    ]
    return "\n".join([*lines, *(["", "Not computed:", "", *failed] if failed else []), ""])
