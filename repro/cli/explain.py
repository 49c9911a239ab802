"""``repro explain``: what a tagger looks at, by any method, on a file of jets."""

import argparse
import inspect
import json
from collections.abc import Mapping
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli.explained import EXPLAINED
from repro.cli.options import (
    add_device,
    add_tracks,
    add_verbosity,
    add_weights,
    check_published,
    make_context,
    natural,
    positive,
)
from repro.cli.scorers import SCORERS, check_options
from repro.data.atomic import check_writable, write_atomically
from repro.errors import BadInput, did_you_mean

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from repro.explain.problem import Explanation
    from repro.explain.registry import Method

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Explain a tagger on the jets of a file: rank its input features by a method, for each class, with
95 % intervals. Behind each number are the places that the feature may have: of features whose
places do not overlap these jets tell the order. The file is a table in the paper's format or packed
jets; of an Interaction Network (in:LABEL), a file of record 12102, whose features are those of all
tracks or of all vertices. It has jets of both classes."""

_EPILOG = """\
methods: activation_patterns, correlation, integrated_gradients, kernel_shap, lrp, mad_relevance,
mean_behaviour, occlusion, permutation; for in activation_patterns, integrated_gradients, lrp,
occlusion, permutation. Their options are in the documentation:
  repro explain lrp topodnn:v4 jets.h5 --option rule=epsilon --option parameter=0.01
  repro explain occlusion pfn jets.h5 --out pfn.json
  repro explain occlusion in:baseline ntuple_merged_0.root --jets 20000"""

_SHOWN = 20
_ASSUMED = "  (places as if the errors of the numbers were independent)"


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "explain",
        help="rank the features of a tagger on the jets of a file",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("method", metavar="METHOD", help="such as occlusion or lrp")
    parser.add_argument(
        "model", metavar="MODEL[:VARIANT]", help="topodnn, mbns, pfn, pfin, augpfn or in"
    )
    parser.add_argument("file", metavar="FILE", help="the jets")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write all numbers there")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the method; may be repeated",
    )
    add_weights(parser)
    add_device(parser)
    parser.add_argument("--jets", type=positive, metavar="N", help="use the first N jets")
    parser.add_argument("--seed", type=natural, default=0, metavar="S")
    parser.add_argument(
        "--corrected", action="store_true", help="switch the originals' quirks of the inputs off"
    )
    add_tracks(parser)
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain, print the leading features, and write all numbers if asked to."""
    options = dict(map(_option, arguments.option))
    if arguments.out and arguments.out.suffix != ".json":
        raise BadInput(f"--out {arguments.out}: give a name that ends in .json")
    if arguments.out:
        check_writable(arguments.out)
    from repro.features.registry import objects_of  # noqa: PLC0415 - with numpy, as all below
    from repro.models.cards import find_card  # noqa: PLC0415

    card = find_card(arguments.model)
    check_published(card, arguments.weights)
    kind = objects_of(card.family)
    EXPLAINED[kind].check_method(arguments.method)
    check_options(arguments, arguments.model, SCORERS[kind])
    SCORERS[kind].check(arguments)  # complains before weights are fetched
    from repro.explain.registry import find_method  # noqa: PLC0415 - imports torch
    from repro.figures.shap import background_note  # noqa: PLC0415
    from repro.results.document import whose_weights  # noqa: PLC0415
    from repro.results.provenance import environment  # noqa: PLC0415

    method = find_method(arguments.method)
    _check_options(method, options)
    arguments.data = str(arguments.file)
    context = make_context(arguments, "data", "weights", "device", "jets", "seed", "corrected")
    tagger = context.tagger(card.name)
    explained = EXPLAINED[kind]
    jets = explained.find(arguments, context, tagger)
    found = method.explain(jets.problem, **{**explained.options.get(method.name, {}), **options})
    unit = "" if found.unit == "1" else f", in {found.unit}"
    print(f"{method.name} of {card.name} on {jets.description}")
    weights = [{"model": tagger.card.name, **vars(file)} for file in tagger.weights]
    print(f"weights: {whose_weights(weights)}")
    print(f"{method.title}{unit}{_settings(found.settings)}")
    for name in found.panels:
        print(*_table(found, name), sep="\n")
    if "whole_background" in found.settings:
        whole = found.settings["whole_background"]
        print(background_note(found, f"--option background_size={whole}"))
    if arguments.out:
        chosen = {"corrected": arguments.corrected, "seed": arguments.seed, **jets.settings}
        about = {
            "method": found.method,
            "model": card.name,
            "data": jets.data,
            "weights": weights,
            "environment": environment(context.device),
        }
        _write(arguments.out, found, about, chosen)
        print(f"wrote {arguments.out}")
    return 0


def _settings(settings: Mapping[str, Any]) -> str:
    """Return how the method ran, in brackets; nothing where it has no settings.

    >>> _settings({"rule": "gamma", "sets": {}, "parameter": None})
    ' (rule gamma)'
    """
    known = [f"{k} {v}" for k, v in settings.items() if isinstance(v, str | int | float)]
    return f" ({', '.join(known)})" if known else ""


def _check_options(method: "Method", options: dict[str, Any]) -> None:
    """Refuse options that a method does not have, and values of another type than its default's.

    Raises:
        BadInput: If one cannot be given.
    """
    known = {
        name: parameter.default
        for name, parameter in inspect.signature(method.explain).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
        and (isinstance(parameter.default, str | int | float) or name == "parameter")
    }
    for name, value in options.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise BadInput(
                f"{method.name} has no option {name!r}{hint}: choose from {', '.join(known)}"
            )
        default = known[name]
        wanted: Any = (float, int) if default is None or type(default) is float else type(default)
        if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool):
            such = 0.5 if default is None else default
            raise BadInput(f"--option {name}={value}: give a value such as {such}")


def _option(text: str) -> tuple[str, Any]:
    """Return name and value of an option; numbers and true or false are read as such.

    Raises:
        BadInput: If there is no equals sign.

    >>> _option("parameter=0.5"), _option("rule=zero"), _option("biases=false")
    (('parameter', 0.5), ('rule', 'zero'), ('biases', False))
    """
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise BadInput(f"--option {text}: give NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _table(found: "Explanation", panel: str) -> list[str]:
    numbers = found.panels[panel]
    if numbers.value.ndim != 1:
        return _strongest_pairs(found, panel)
    places = found.places(panel)
    width, widest = max(map(len, found.names)), len(str(len(found.names)))
    rows = [f"{panel}:"]
    for name in found.order(panel)[:_SHOWN]:
        position = found.names.index(name)
        entry = numbers[position]
        number = f"{entry.value:.4g}  [{entry.low:.4g}, {entry.high:.4g}]"
        label = f"{places.rank[position]:>{widest}}"
        rows.append(f"  {label}  {name:{width}}  {number}  place {places.span(position)}")
    return [*rows, *_more(len(found.names)), *([] if places.paired else [_ASSUMED])]


def _strongest_pairs(found: "Explanation", panel: str) -> list[str]:
    """Return the pairs of different features with the largest numbers of a matrix."""
    numbers = found.panels[panel]
    size = range(len(found.names))
    pairs = [(i, j) for i in size for j in size if i < j and not isnan(numbers.value[i, j])]
    pairs.sort(key=lambda pair: -abs(numbers.value[pair]))
    shown = {pair: " – ".join(found.names[i] for i in pair) for pair in pairs[:_SHOWN]}
    width = max(map(len, shown.values()), default=0)
    rows = []
    for pair, name in shown.items():
        value, low, high = (end[pair] for end in (numbers.value, numbers.low, numbers.high))
        rows.append(f"  {name:{width}}  {value:.4g}  [{low:.4g}, {high:.4g}]")
    return [f"{panel}: the pairs with the largest numbers", *rows, *_more(len(pairs))]


def _more(count: int) -> list[str]:
    """Return a line on what is not shown of so many, if there is something."""
    left = count - _SHOWN
    return [f"  and {left} more: --out writes all of them"] if left > 0 else []


def _write(
    out: Path,
    found: "Explanation",
    about: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    from repro.results.document import plain  # noqa: PLC0415

    document = {
        **about,
        "unit": found.unit,
        "settings": chosen | dict(found.settings),
        "names": list(found.names),
        "panels": found.panels,
        "places": {
            name: found.places(name)
            for name, panel in found.panels.items()
            if panel.value.ndim == 1
        },
        "details": found.details,
    }
    text = json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(out, f"{text}\n".encode())
