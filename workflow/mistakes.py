"""What is wrong with a configuration whose form is right: names that lead nowhere.

Runs with Python 3.8 and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from plan import Plan, stem_of

__all__ = ["mistakes_of"]


def mistakes_of(plan: Plan) -> list[str]:
    """Return what is wrong, each in a few words that say where."""
    return [*_of_trainings(plan), *_of_explanations(plan), *_of_items(plan)]


def _of_trainings(plan: Plan) -> Iterator[str]:
    yield from _twice("trainings", (entry["model"] for entry in plan.trained))
    for stem, entry in plan.trainings.items():
        for name in [entry["sample"], entry.get("validation"), *entry.get("score", [])]:
            if name is not None and name not in plan.samples:
                yield f"trainings: {stem} names {_unknown(plan, name)}"
        before = entry.get("after")
        if before is not None and stem_of(before) not in plan.trainings:
            yield f"trainings: {stem} begins after {before}, which is not trained"


def _of_explanations(plan: Plan) -> Iterator[str]:
    pairs = (entry["method"] + " of " + entry["model"] for entry in plan.explained)
    yield from _twice("explanations", pairs)
    for entry in plan.explained:
        if stem_of(entry["model"]) not in plan.trainings:
            yield f"explanations: {entry['model']} is not trained"
        if entry["sample"] not in plan.samples:
            yield f"explanations: {entry['model']} names {_unknown(plan, entry['sample'])}"


def _of_items(plan: Plan) -> Iterator[str]:
    for paper, entry in plan.chosen.items():
        data, seed = entry["data"], entry["weights"]
        if data in plan.samples and "jets" not in plan.samples[data]:
            yield f"items: {paper} takes one file, and {data} has several: give paper"
        if isinstance(seed, int) and not plan.trained_with(paper, seed):
            yield f"items: no model of {paper} is trained with seed {seed}"


def _twice(part: str, names: Iterable[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{part}: {name} is there {times} times"


def _unknown(plan: Plan, name: str) -> str:
    return f"no sample: {name!r} is none of {', '.join(plan.samples) or 'none'}"
