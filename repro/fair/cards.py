"""Model cards and data cards for people, as Markdown, from the same facts as the records."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from repro.catalogue.references import in_words, references_of
from repro.data.hbb.features import Feature
from repro.data.pins import Artifact, find_artifact
from repro.fair.datasets import DataSet, original_data, variables_of
from repro.fair.models import find_family, published_auc
from repro.fair.software import load_software
from repro.features.dictionary import InputColumns, input_columns
from repro.models.cards import Card
from repro.models.embedded_weights import embedded_card, has_embedded

__all__ = [
    "authors_lines",
    "data_card",
    "family_lines",
    "input_lines",
    "model_card",
    "own_lines",
    "seen_lines",
    "variant_lines",
]


def model_card(card: Card) -> str:
    """Return the card of a variant: what it is, what it is for, its weights and its inputs."""
    lines = [f"# {card.name}", "", *variant_lines(card), "", *family_lines(card.family), ""]
    lines += ["## The authors' weights", "", *authors_lines(card), ""]
    lines += ["## Weights of this package", "", *own_lines(card), ""]
    lines += ["## Inputs", "", *seen_lines(card), *input_lines(card.family)]
    return "\n".join([*lines, ""])


def data_card(dataset: DataSet) -> str:
    """Return the card of a data set: what it is, what it is for, and what is in it."""
    lines = [f"# {dataset.title}", "", dataset.description, ""]
    lines += [f"- **For**: {dataset.intended_use}"]
    lines += [f"- **Limit**: {limit}" for limit in dataset.limits]
    if dataset.published is not None:
        lines += [f"- **Cite**: {dataset.published.in_words()}"]
        lines += [f"- **Licence**: {dataset.published.licence}"]
    if dataset.command is not None:
        lines += [f"- **Made by**: `{dataset.command}`"]
    if dataset.artifact is not None:
        lines += _file_lines([dataset.artifact])
        lines += [
            "",
            "| array | meaning | unit | entries | type |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [
            _row(f"`{each.path}`", each.feature.meaning, each.feature.unit, each.shape, each.dtype)
            for each in variables_of(dataset)
        ]
    return "\n".join([*lines, ""])


def variant_lines(card: Card) -> list[str]:
    """Return what a variant is."""
    said = f"{card.description}. {card.parameters:,} parameters, {card.inputs:,} inputs."
    return [said]


def family_lines(name: str) -> list[str]:
    """Return what the networks of a family are for, where they end, and what to cite."""
    family = find_family(name)
    keys = (*references_of("papers", [family.paper]), *references_of("models", [name]))
    return [
        f"- **Task**: {family.task}.",
        f"- **Kind**: {', '.join(family.category)}.",
        f"- **For**: {family.intended_use}",
        *(f"- **Limit**: {limit}" for limit in family.limits),
        f"- **Cite**: {in_words(dict.fromkeys(keys))}",
    ]


def authors_lines(card: Card) -> list[str]:
    """Return what there is to know of the authors' weights."""
    if not card.authors:
        return ["Not published."]
    learned = original_data(find_family(card.family).paper)
    lines = [f"- **Learned from**: {learned.title}."]
    if (auc := published_auc(card)) is not None:
        lines.append(f"- **AUC as published**: {auc:g} %.")
    return [*lines, *_file_lines(map(find_artifact, card.authors))]


def own_lines(card: Card) -> list[str]:
    """Return what there is to know of the weights that the package trained."""
    return list(_own_weights(card)) if has_embedded(card) else ["This version ships none."]


def seen_lines(card: Card) -> list[str]:
    """Return which inputs a variant does not see, or sees otherwise; nothing if all as they are."""
    lines = []
    for patterns, words in ((card.drop, "Not seen"), (card.standardise, "With mean 0 and width 1")):
        if patterns:
            lines.append(f"{words}: {', '.join(f'`{pattern}`' for pattern in patterns)}.")
    if card.first is not None:
        lines.append(f"Seen: the first {card.first} columns.")
    return [*lines, ""] if lines else []


def input_lines(family: str) -> list[str]:
    """Return the dictionary of the inputs of a family, as a table."""
    return [
        "| input | meaning | unit | range | offset | columns |",
        "| --- | --- | --- | --- | --- | --- |",
        *map(_input_row, input_columns(family)),
    ]


def _own_weights(card: Card) -> Iterator[str]:
    document = embedded_card(card)
    training, weights = document["training"], document["weights"]
    simulation = training["data"]["simulation"]
    recipe = training["recipe"]
    yield (
        f"- **Learned from**: {training['data']['jets']:,} simulated jets (preset "
        f"{simulation['preset']}, seed {simulation['seed']}; sha256 {training['data']['sha256']})."
    )
    yield (
        f"- **Training**: recipe {recipe['name']}, seed {recipe['seed']}, weights of epoch "
        f"{training['chosen_epoch']} of {training['epochs']}, chosen by {recipe['selection']}; "
        f"{training['seconds']:.0f} s."
    )
    if begun := training["begun_with"]:
        yield f"- **Began with**: weights with sha256 {begun['sha256']}."
    for name, entry in document["metrics"].items():
        jets = entry["jets"]["jets"]
        yield f"- **Performance on {name}** ({jets:,} jets): {_performance(entry)}."
    environment = document["environment"]
    yield f"- **Made with**: torch {environment['torch']} on {environment['device']}."
    named = f"{weights['bytes']:,} bytes, sha256 {weights['sha256']}"
    yield f"- **File**: {named}; {load_software().licence}."


def _performance(entry: Mapping[str, Any]) -> str:
    def number(name: str, factor: float, digits: int) -> str:
        low, high = (f"{factor * end:.{digits}f}" for end in entry[name]["interval"])
        return f"{factor * entry[name]['value']:.{digits}f} [{low}, {high}]"

    said = [f"AUC {number('auc', 100, 2)} %", f"accuracy {number('accuracy', 100, 2)} %"]
    if "rejection_30" in entry:
        said.append(f"background rejection at 30 % {number('rejection_30', 1, 0)}")
    return ", ".join(said)


def _input_row(columns: InputColumns) -> str:
    feature = columns.feature
    offset = f"{feature.offset:g}" if feature.offset else ""
    return _row(
        f"`{feature.name}`", feature.meaning, feature.unit, _range(feature), offset, columns.count
    )


def _range(feature: Feature) -> str:
    """Return the range of a feature, empty if it has no bound.

    >>> _range(Feature("a", "", low=0.0)), _range(Feature("a", "", low=-1.0, high=1.0))
    ('from 0', '-1 to 1')
    """
    if feature.low is None:
        return "" if feature.high is None else f"up to {feature.high:g}"
    return (
        f"from {feature.low:g}" if feature.high is None else f"{feature.low:g} to {feature.high:g}"
    )


def _file_lines(artifacts: Iterable[Artifact]) -> list[str]:
    lines = []
    for artifact in artifacts:
        size = "size unknown" if artifact.size is None else f"{artifact.size:,} bytes"
        named = f"{artifact.identifier}, {artifact.checksum}"
        lines.append(f"- **File**: `{artifact.id}`, {size}, {named}; licence: {artifact.licence}.")
    return lines


def _row(*cells: object) -> str:
    return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"
