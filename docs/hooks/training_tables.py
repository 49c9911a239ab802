"""Tables of recipes and of embedded weights, for the page on training.

``<!-- recipes -->``, ``<!-- weights toptag -->`` and ``<!-- weights hbb -->`` stand for them.
"""

from collections.abc import Mapping
from typing import Any

from marks import fill

from repro.fair.models import find_family, published_auc
from repro.features.embedded import SHIPPED
from repro.figures.record_jets import EMBEDDED
from repro.models.cards import find_card
from repro.models.embedded_weights import embedded_card, embedded_names
from repro.training.recipe import Recipe, find_recipe

_JETS = {"toptag": SHIPPED, "hbb": EMBEDDED}
_MODELS = ("topodnn", "mbns", "mbns:trial", "pfn", "augpfn", "pfin:sum", "pfin:cat", "in")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the tables."""
    return fill(markdown, MARKS)


def recipes() -> str:
    """Return both recipes of each family."""
    lines = ["| | `published` | `embedded` |", "| --- | --- | --- |"]
    for name in _MODELS:
        card = find_card(name)
        cells = (in_words(find_recipe(recipe, card)) for recipe in ("published", "embedded"))
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def in_words(recipe: Recipe) -> str:
    """Return the settings of a recipe in a cell."""
    words = [
        f"learning rate {recipe.learning_rate:g}{_schedule(recipe.schedule)}",
        f"batch {recipe.batch}",
        f"{recipe.epochs} epochs{_stopping(recipe.stopping)}",
        f"kept by {recipe.selection}",
    ]
    if recipe.reload_below and recipe.reload_below < 1:
        words.append(f"best weights again below {recipe.reload_below:g} of accuracy")
    if recipe.shuffle:
        words.append(f"neighbours exchanged (width {recipe.shuffle:g})")
    if recipe.rotate:
        words.append("jets turned")
    if recipe.begin_with:
        words.append(f"begins with the weights of `{recipe.begin_with}`")
    words += [f"{epochs} epochs on {count} constituents" for epochs, count in recipe.leading]
    return ", ".join(words)


def weights(paper: str) -> str:
    """Return the performance of a paper's embedded weights beside the published one."""
    names = [
        name for name in embedded_names() if find_family(find_card(name).family).paper == paper
    ]
    if not names:
        return "This version ships none."
    jets = _JETS[paper].rpartition("/")[2]
    lines = [
        "| model | learned from | epochs | minutes | AUC [%], 95 % interval | published |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in names:
        card = find_card(name)
        document, published = embedded_card(card), published_auc(card)
        training = document["training"]
        found = next(entry for key, entry in document["metrics"].items() if key != "validation")
        auc = found["auc"]
        low, high = (f"{100 * end:.2f}" for end in auc["interval"])
        lines.append(
            f"| `{name}` | {training['data']['jets']:,} | {training['epochs']} "
            f"| {training['seconds'] / 60:.0f} | {100 * auc['value']:.2f} [{low}, {high}] "
            f"| {'' if published is None else f'{published:.2f}'} |"
        )
    return "\n".join([*lines, "", f"Measured on the jets that come with the package (`{jets}`)."])


MARKS = {"recipes": recipes, "weights": weights}


def _schedule(schedule: Mapping[str, Any]) -> str:
    match schedule["kind"]:
        case "steps":
            milestones = " and ".join(map(str, schedule["milestones"]))
            return f" × {schedule['factor']:g} at epochs {milestones}"
        case "cosine" | "trapezoid" as kind:
            return f", {kind}"
        case "constant":
            return ""
        case other:
            raise ValueError(other)


def _stopping(stopping: Mapping[str, Any]) -> str:
    match stopping["kind"]:
        case "patience":
            return f" at most, {stopping['epochs']} without a better one"
        case "plateau":
            return f" at most, from {stopping['start']} on {stopping['epochs']} quiet ones end it"
        case "none":
            return ""
        case other:
            raise ValueError(other)
