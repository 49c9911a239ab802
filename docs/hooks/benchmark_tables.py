"""Tables of committed benchmarks, for the page on them.

``<!-- benchmarks -->`` stands for what the files in ``docs/benchmarks/`` have, which ``repro bench
--out`` wrote, one section for each.
"""

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cells import bytes_of, difference_of, rate_of, table_of
from marks import fill

from repro.benchmarks.notes import jets_of_methods, reasons

__all__ = ["MARKS", "on_page_markdown"]

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"

# Waiting programs, above which a machine is not taken for quiet.
_QUIET = 0.5

Document = Mapping[str, Any]


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the tables."""
    return fill(markdown, MARKS)


def benchmarks() -> str:
    """Return all tables of all benchmarks."""
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    return "\n\n".join(_section(name) for name in names) or "None has been committed yet."


MARKS = {"benchmarks": benchmarks}


@functools.cache
def _read(name: str) -> Document:
    found: Document = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def _section(name: str) -> str:
    found = _read(name)
    parts = [f"## {found['machine']['device']}", machine(found)]
    load = found["machine"]["load"]
    if load is None or load > _QUIET:
        busy = f"a load of {load}" if load else "an unknown load"
        parts.append(f"Preliminary: the machine had {busy} from others when this began.")
    parts += [f"[All numbers](benchmarks/{name}.json) as JSON."]
    for part, (title, text) in _TITLES.items():
        if found[part]:
            parts += [f"### {title} {{ #{name}-{part} }}", text, PARTS[part](found)]
    return "\n\n".join(parts)


def machine(found: Document) -> str:
    """Return a table with what was measured on, and with."""
    about, used = found["machine"], found["settings"]
    memory = about["memory_bytes"]
    rows = {
        "device": about["device"],
        "processors, threads": f"{about['processors']}, {about['threads']}",
        "memory": "not known" if memory is None else f"{memory / 1e9:.1f} GB",
        "load when it began": about["load"],
        "system": f"{about['platform']}, {about['machine']}",
        "versions": ", ".join(
            f"{name} {about[name]}" for name in ("python", "torch", "numpy", "captum", "shap")
        ),
        "commit": f"`{about['commit']}`",
        "jets": f"{used['jets']:,}: {used['data']}",
        "turns": used["repeats"],
        "most memory of the process": bytes_of(found["peak_memory_bytes"]),
    }
    return table_of(("", ""), ((name, str(value)) for name, value in rows.items()))


def networks(found: Document) -> str:
    """Return how fast networks are, beside their plain versions and the machine's limit."""
    head = ("model", "jets/s", "plain", "times", "difference", "MFLOP/jet", "share of the limit")
    return table_of(head, map(_network, found["networks"]))


def _network(entry: Document) -> tuple[str, ...]:
    spread, batch = entry["spread"], str(entry["authors_batch"])
    plain = spread["plain"].get(batch)
    return (
        f"`{entry['model']}`",
        rate_of(spread["jets_per_second"]),
        rate_of(plain) if plain else "",
        f"{entry['ratio']:.1f}" if plain else "",
        f"{entry['largest_difference']:.0e}" if plain else "",
        f"{entry['operations_per_jet'] / 1e6:.3g}",
        f"{100 * entry['share']:.0f} %",
    )


def masks(found: Document) -> str:
    """Return how fast masks are that recompute what they touch."""
    head = ("masks of", "masks", "masked jets/s", "plain", "times", "difference")
    return table_of(head, map(_mask, found["masks"]))


def _mask(entry: Document) -> tuple[str, ...]:
    return (
        f"`{entry['model']}`, {entry['masked']}",
        str(entry["masks"]),
        rate_of(entry["spread"]["per_second"]),
        rate_of(entry["spread"]["plain_per_second"]),
        f"{entry['ratio']:.1f}",
        f"{entry['largest_difference']:.0e}",
    )


def methods(found: Document) -> str:
    """Return how fast explanation methods are, beside other ways."""
    head = (
        "method",
        "model",
        "jets",
        "features",
        "jets/s",
        "beside",
        "jets/s",
        "times",
        "difference",
    )
    measured = [entry for entry in found["methods"] if entry["jets_per_second"]]
    text = table_of(head, map(_method, measured))
    on = jets_of_methods(found["settings"]["explained"])
    sentences = (f"{part[0].upper()}{part[1:]}." for part in on)
    left_out = [
        f"- `{method}` of {', '.join(f'`{model}`' for model in models)}: {reason}."
        for (method, reason), models in reasons(found["methods"]).items()
    ]
    why = ["Not measured, and why:", "\n".join(left_out)] if left_out else []
    return "\n\n".join([text, " ".join(sentences), *why])


def _method(entry: Document) -> tuple[str, ...]:
    theirs = entry["other_per_second"]
    return (
        f"`{entry['method']}`{_options(entry['options'])}",
        f"`{entry['model']}`",
        str(entry["jets"]),
        str(entry["features"]),
        rate_of(entry["jets_per_second"]),
        entry["beside"] or "",
        rate_of(theirs) if theirs else "",
        f"{entry['ratio']:.2g}" if theirs else "",
        difference_of(entry["largest_difference"]) if theirs else "",
    )


def precisions(found: Document) -> str:
    """Return what precisions give and cost."""
    head = (
        *("model", "precision", "jets/s", "AUC [%]", "difference"),
        *("masked jets/s", "memory", "share of the roofline"),
    )
    return table_of(head, map(_precision, found["precisions"]))


def _precision(entry: Document) -> tuple[str, ...]:
    area = entry["auc"]
    low, high = area["interval"] if area else (0, 0)
    return (
        f"`{entry['model']}`",
        entry["precision"],
        rate_of(entry["jets_per_second"]),
        f"{area['value']:.3f} [{low:.2f}, {high:.2f}]" if area else "not measured",
        f"{entry['largest_difference']:.0e}",
        rate_of(entry["explained_per_second"]),
        bytes_of(entry["peak_memory"]),
        f"{100 * entry['share']:.0f} %",
    )


def compiled(found: Document) -> str:
    """Return what compiling networks gives."""
    head = (
        *("way", "model", "jets/s", "as used", "times", "padded", "difference"),
        *("seconds to compile", "pays after"),
    )
    return table_of(head, map(_compiled, found["compiled"]))


def _compiled(entry: Document) -> tuple[str, ...]:
    jets = entry["jets_to_pay"]
    return (
        entry["way"],
        f"`{entry['model']}`",
        rate_of(entry["jets_per_second"]),
        rate_of(entry["used_per_second"]),
        f"{entry['ratio']:.2g}",
        rate_of(entry["padded_per_second"]),
        difference_of(entry["largest_difference"]),
        f"{entry['seconds_to_compile']:.0f}",
        "never" if jets is None else f"{jets:,.0f} jets",
    )


def inputs(found: Document) -> str:
    """Return how fast inputs are made."""
    rows = (
        (f"`{entry['family']}`", f"{entry['jets']:,}", entry["reason"] or rate_of(entry["spread"]))
        for entry in found["features"]
    )
    return table_of(("inputs of", "jets", "jets/s"), rows)


PARTS: Mapping[str, Callable[[Document], str]] = {
    "machine": machine,
    "networks": networks,
    "masks": masks,
    "methods": methods,
    "precisions": precisions,
    "compiled": compiled,
    "features": inputs,
}

# Titles, and what there is to say.
_TITLES = {
    "networks": (
        "Networks",
        "Plain: all slots and pairs. Difference: of the largest logit. Limit: of its products.",
    ),
    "masks": (
        "Masks",
        "Masks that recompute what they touch; plain: the padded network again for each.",
    ),
    "methods": (
        "Explanation methods",
        "Difference: of the numbers, of the largest of their panel.",
    ),
    "precisions": (
        "Precisions",
        "Difference: the largest of a probability, to single precision. Masked: by occlusion.",
    ),
    "compiled": (
        "Compiled networks",
        "The padded network by `torch.compile`, all in the authors' batches. As used: see above.",
    ),
    "features": ("Inputs", "From four-momenta; subjettiness is computed where it is needed."),
}


def _options(options: Mapping[str, Any]) -> str:
    return "".join(f", {name} {value}" for name, value in options.items())
