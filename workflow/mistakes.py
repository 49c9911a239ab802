"""What is wrong with a configuration whose form is right: names that lead nowhere.

Each would be told by the command of a job as well, but after the jobs before it.  Runs with Python
3.8 and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from names import Names, did_you_mean
from plan import Plan, family, stem_of

__all__ = ["mistake_of_form", "mistakes_of", "mistakes_of_writing"]

_ADDRESS = ("http://", "https://")
_WEIGHTS = "weights.safetensors"
_SEVERAL = 5


def mistakes_of_writing(value: Any, where: str = "") -> Iterator[str]:
    """Yield what is written in a way that forms allow, or do not understand, and commands do not.

    Args:
        value: The configuration, or a part of it.
        where: Which part.
    """
    if isinstance(value, float):
        yield f"{where}: {value!r} is no whole number: write {value:.0f}"
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                yield f"{where or 'the configuration'}: {key!r} is no name: put it in quotes"
    entries = value.items() if isinstance(value, dict) else ()
    for key, entry in enumerate(value) if isinstance(value, list) else entries:
        yield from mistakes_of_writing(entry, f"{where}.{key}" if where else str(key))


def mistake_of_form(error: Any) -> str:
    """Return what is wrong with the form, as jsonschema's error has it, in one line."""
    while error.context and "description" not in error.schema:
        # Of several forms, the one that is meant has the fewest mistakes.
        forms: dict[Any, list[Any]] = {}
        for other in error.context:
            forms.setdefault(other.schema_path[0], []).append(other)
        error = min(forms.values(), key=len)[0]
    where = ".".join(map(str, error.absolute_path)) or "the configuration"
    what, said = error.schema.get("description"), error.message
    if what and error.validator in ("pattern", "oneOf"):
        said = f"{error.instance!r} does not fit: {what}"
    return " ".join(f"{where}: {said}".split())


def mistakes_of(plan: Plan, names: Names) -> list[str]:
    """Return what else is wrong, each in a line that says where."""
    twice = list(_twice("trainings", (entry["model"] for entry in plan.trained)))
    if twice:
        return twice  # only the last of them is in the plan
    parts = (_of_samples, _of_trainings, _of_explanations, _of_items)
    return list(dict.fromkeys(mistake for part in parts for mistake in part(plan, names)))


def _of_samples(plan: Plan, names: Names) -> Iterator[str]:
    for sample, entry in plan.samples.items():
        if "preset" in entry:
            paper, preset = entry["paper"], entry["preset"]
            if preset not in names.presets[paper]:
                yield (
                    f"samples: {sample} has the preset {preset}, which is not of {paper}: "
                    f"give {' or '.join(names.presets[paper])}"
                )
        else:
            known = names.files[entry["split"]]
            wrong = [str(number) for number in entry["files"] if number not in known]
            if wrong:
                yield (
                    f"samples: {sample} names files that the record has not in {entry['split']}, "
                    f"{_listed(wrong)}: give {known[0]} to {known[-1]}"
                )


def _of_trainings(plan: Plan, names: Names) -> Iterator[str]:
    for stem, entry in plan.trainings.items():
        model = entry["model"]
        if model not in names.all_models:
            yield f"trainings: {_no_model(names, model)}"
            continue
        for name in [entry["sample"], entry.get("validation"), *entry.get("score", [])]:
            if name is not None:
                yield from _of_jets(plan, f"trainings: {model}", plan.paper_of(model), name)
        yield from _of_beginning(plan, names, stem)


def _of_beginning(plan: Plan, names: Names, stem: str) -> Iterator[str]:
    """Yield what is wrong with the model that a training begins after."""
    model, before = plan.trainings[stem]["model"], plan.trainings[stem].get("after")
    if before is None:
        return
    if before not in names.all_models:
        yield f"trainings: {_no_model(names, before)}"
    elif stem_of(before) not in plan.trainings:
        yield f"trainings: {model} begins after {before}, which is not trained"
    elif family(before) != family(model):
        yield (
            f"trainings: {model} begins after {before}, which is of another family: "
            f"give a model {family(model)}:…"
        )
    else:
        seen = [stem]
        while before is not None and stem_of(before) not in seen:
            seen.append(stem_of(before))
            before = plan.trainings.get(seen[-1], {}).get("after")
        if before is not None and stem_of(before) == stem:
            yield f"trainings: {model} begins after itself: leave one 'after' out"


def _of_explanations(plan: Plan, names: Names) -> Iterator[str]:
    pairs = (entry["method"] + " of " + entry["model"] for entry in plan.explained)
    yield from _twice("explanations", pairs)
    for entry in plan.explained:
        method, model = entry["method"], entry["model"]
        if method not in names.methods:
            hint = did_you_mean(method, names.methods)
            yield (
                f"explanations: no method {method!r}{hint}: choose from {', '.join(names.methods)}"
            )
        elif model in names.all_models and family(model) not in names.methods[method]:
            fit = [name for name, kinds in names.methods.items() if family(model) in kinds]
            yield (f"explanations: {method} does not explain {model}: choose from {', '.join(fit)}")
        if model not in names.all_models:
            yield f"explanations: {_no_model(names, model)}"
            continue
        if stem_of(model) not in plan.trainings:
            yield f"explanations: {model} is not trained"
        yield from _of_jets(
            plan, f"explanations: {method} of {model}", plan.paper_of(model), entry["sample"]
        )


def _of_items(plan: Plan, names: Names) -> Iterator[str]:
    for paper, entry in plan.chosen.items():
        known = names.items_of(paper)
        for item in entry["ids"]:
            if item not in known:
                yield (
                    f"items: {paper} has no {item}{did_you_mean(item, known)}: "
                    "'repro list' shows them all"
                )
        yield from _of_data(plan, names, paper)
        yield from _of_weights(plan, names, paper)


def _of_data(plan: Plan, names: Names, paper: str) -> Iterator[str]:
    data = plan.chosen[paper]["data"]
    if data in plan.samples:
        if "jets" not in plan.samples[data]:
            yield (
                f"items: {paper} takes simulated jets, and {data} has files of the record: "
                "give paper, or the path of a file"
            )
        yield from _of_jets(plan, f"items: {paper}", paper, data)
    elif data in names.data or (paper == "hbb" and data.startswith(_ADDRESS)):
        return
    elif not _is_file(data):
        words = [*plan.samples, *names.data]
        yield (
            f"items: {paper} takes the data {data!r}, which is no sample and no file"
            f"{did_you_mean(data, words)}: give {', '.join(words)} or the path of a file"
        )


def _of_weights(plan: Plan, names: Names, paper: str) -> Iterator[str]:
    weights = plan.chosen[paper]["weights"]
    if isinstance(weights, int):
        trained = {stem for stem, other in plan.trainings.items() if weights in other["seeds"]}
        if plan.trained_with(paper, weights):
            yield from _without(plan, names, paper, trained)
        else:
            yield f"items: no model of {paper} is trained with seed {weights}"
        return
    if weights in names.weights or _is_file(weights):
        return
    inside = _trained_in(weights)
    if inside:
        yield from _without(plan, names, paper, inside)
    else:
        yield (
            f"items: {paper} takes the weights {weights!r}, which are no file and no folder of "
            f"trainings{did_you_mean(weights, names.weights)}: give a seed, "
            f"{', '.join(names.weights)} or a path"
        )


def _without(plan: Plan, names: Names, paper: str, stems: Container[str]) -> Iterator[str]:
    """Yield which items lack weights, where there are those of some models."""
    weights = plan.chosen[paper]["weights"]
    where = f"not trained with seed {weights}" if isinstance(weights, int) else f"not in {weights}"
    for item in plan.chosen[paper]["ids"]:
        needed = names.items.get(f"{paper}/{item}", [])
        absent = [model for model in needed if stem_of(model) not in stems]
        if absent:
            yield (
                f"items: {paper}/{item} takes weights of {_listed(absent)}, {where}: train them, "
                "or leave it out"
            )


def _of_jets(plan: Plan, where: str, paper: str, sample: str) -> Iterator[str]:
    """Yield what is wrong with a sample that something of a paper takes."""
    if sample not in plan.samples:
        hint = did_you_mean(sample, plan.samples)
        known = ", ".join(plan.samples) or "none"
        yield f"{where} names no sample: {sample!r}{hint} is none of {known}"
    elif plan.paper_of_sample(sample) != paper:
        other = plan.paper_of_sample(sample)
        yield f"{where} takes jets of {paper}, and {sample} has those of {other}"


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:
        return False  # too long, or in a folder that may not be read


def _trained_in(folder: str) -> set[str]:
    """Return what trainings in a folder are called."""
    try:
        return {path.parent.name for path in Path(folder).glob("*/" + _WEIGHTS)}
    except OSError:
        return set()


def _twice(part: str, names: Iterable[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{part}: {name} is there {times} times: give one entry of it"


def _no_model(names: Names, model: str) -> str:
    """Return that there is no such model, with the variants of its family if there is that."""
    known = names.all_models
    variants = [name for name in known if family(name) == family(model)]
    shown = variants or list(dict.fromkeys(map(family, known)))
    return f"no model {model!r}{did_you_mean(model, known)}: choose from {_listed(shown)}"


def _listed(words: list[str]) -> str:
    """Return words in one line; of many, the first and how many more there are.

    >>> _listed(["a", "b"]), _listed(list("abcdefgh"))
    ('a, b', 'a, b, c, d, e and 3 more')
    """
    more = len(words) - _SEVERAL
    shown = ", ".join(words[:_SEVERAL] if more > 1 else words)
    return f"{shown} and {more} more" if more > 1 else shown
