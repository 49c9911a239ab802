"""The plan at the scale of the papers, for the page on clusters.

``<!-- plan -->`` and ``<!-- rates -->`` stand for its tables.
Jobs are those of ``workflow/config/paper.yaml``, their costs those of ``workflow/rates.json``.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from marks import fill

__all__ = ["MARKS", "on_page_markdown", "plan", "rates"]

_WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the tables."""
    return fill(markdown, MARKS)


def plan() -> str:
    """Return what each rule takes, by paper and by what it works on."""
    lines = [
        "| rule | of | jobs | time, all jobs | longest job | memory of a job | disk, all jobs |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    total = [0.0, 0.0]
    for rule, kind, costs in _groups():
        seconds = sum(cost.seconds for cost in costs)
        disk = sum(cost.disk for cost in costs)
        total[0] += seconds
        # Chunks go when they are put together.
        total[1] += 0 if rule == "simulate" else disk
        lines.append(
            f"| `{rule}` | {kind} | {len(costs):,} | {_hours(seconds)} "
            f"| {_hours(max(cost.seconds for cost in costs))} "
            f"| {_bytes(max(cost.memory for cost in costs))} | {_bytes(disk)} |"
        )
    lines.append(f"| all | | | {_hours(total[0])} | | | {_bytes(total[1])} that stay |")
    return "\n".join(lines)


def rates() -> str:
    """Return the rates, and where each was measured."""
    lines = [
        "| rule | of | start [s] | a jet [ms] | memory [MB] | a jet [B] | disk [B] | measured |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (rule, kind), rate in _module("rates").Rates.load().entries.items():
        lines.append(
            f"| `{rule}` | {kind} | {rate['seconds']} | {1e3 * rate['seconds_per_jet']:.3g} "
            f"| {rate['memory_mb']:,} | {rate['memory_bytes_per_jet']:,} "
            f"| {rate['disk_bytes_per_jet']:,} | {rate['measured']} |"
        )
    return "\n".join(lines)


MARKS = {"plan": plan, "rates": rates}


def _module(name: str) -> Any:
    """Import a module of the workflow, which know each other by their bare names."""
    if str(_WORKFLOW) not in sys.path:
        sys.path.append(str(_WORKFLOW))
    return importlib.import_module(name)


def _groups() -> Iterator[tuple[str, str, list[Any]]]:
    """Yield the rule, what it works on, and the costs of its jobs."""
    config = yaml.safe_load((_WORKFLOW / "config/paper.yaml").read_text("utf-8"))
    found = _module("plan").Plan(config, _module("rates").Rates.load())
    simulated = [name for name, entry in found.samples.items() if "jets" in entry]
    for name in simulated:
        chunks = [found.of_chunks(name, *ends) for ends in found.chunks(name)]
        yield "simulate", f"{name}, {found.jets(name):,} jets", chunks
    for name in simulated:
        yield "merge", name, [found.of_sample("merge", name)]
    for name, entry in found.samples.items():
        if name not in simulated:
            files = [found.of_file(name) for _ in entry["files"]]
            yield "convert", f"{name}, {found.jets(name):,} jets", files
    for stem, entry in found.trainings.items():
        yield "train", f"`{entry['model']}`", [found.of_training(stem)] * len(entry["seeds"])
    yield (
        "score",
        "each model and seed",
        [found.of_scoring(*path.removesuffix(".npy").split("/", 3)[2:]) for path in found.scores],
    )
    for path in found.explanations:
        _, seed, stem, method, file = path.removesuffix(".json").split("/", 4)
        seeds = found.trainings[stem]["seeds"]
        if int(seed) == seeds[0]:
            cost = found.of_explaining(method, stem, file)
            yield "explain", f"{method} of `{found.trainings[stem]['model']}`", [cost] * len(seeds)
    for paper, entry in found.chosen.items():
        items = [found.of_item(paper, f"{paper}/{item}") for item in entry["ids"]]
        yield "item", paper, items
    for rule in ("verify", "report"):
        yield rule, "all items", [found.of_reading(rule)]


def _hours(seconds: float) -> str:
    """Return a time in hours, or in minutes if it is short.

    >>> _hours(7200), _hours(90), _hours(4e6)
    ('2.0 h', '2 min', '1,111 h')
    """
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:,.1f} h" if seconds < 360_000 else f"{seconds / 3600:,.0f} h"


def _bytes(megabytes: float) -> str:
    """Return megabytes, or gigabytes if there are many.

    >>> _bytes(0.2), _bytes(700.4), _bytes(110_900)
    ('under 1 MB', '700 MB', '111 GB')
    """
    if megabytes < 1:
        return "under 1 MB"
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:,.0f} GB"
