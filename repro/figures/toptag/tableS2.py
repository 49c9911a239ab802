"""TS2: what changes in the paper's tables and figures when the originals' quirks are off.

No table of the paper.  Each item with a quirk is computed twice, as published and corrected, on
the same jets with the same weights and seed.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from repro.catalogue import Item, load_claims, load_items
from repro.data.rows import take_rows
from repro.errors import ReproError
from repro.features.samples import Sample
from repro.figures.context import Context
from repro.figures.corrections import (
    LEADING,
    Differences,
    NumberChange,
    OrderChange,
    compare,
    share_of_changed_rows,
)
from repro.figures.run import compute_item
from repro.metrics.intervals import Interval
from repro.results.document import Result

__all__ = ["compute"]

_COLUMNS: dict[str, dict[str, Any]] = {
    "quirks": {"title": "quirks"},
    "jets": {"title": "jets"},
    "numbers": {"title": "numbers"},
    "changed": {"title": "change"},
    "beyond": {"title": "beyond the interval"},
    "what": {"title": "changes most"},
    "published": {"title": "as published", "significant": 5},
    "corrected": {"title": "corrected", "significant": 5},
    "half_widths": {"title": "in half widths", "significant": 3},
    "remark": {"title": "remark"},
}
# Minutes on thousands of jets: these say with fewer what changes, with wider intervals.
_FEWER: dict[str, dict[str, int]] = {
    "toptag/fig2": {"jets": 100, "background": 100},
    "toptag/fig10": {"jets": 100, "background": 100},
    "toptag/fig27": {"jets": 2000},
    "toptag/figS2": {"jets": 1000},
}
# Inputs that come in each family of which quirks change some.
_FAMILIES = ("mbns", "pfn", "augpfn", "pfin")
_HOW = (
    "Both ways on the same jets with the same weights and seed, so a difference is exact for these "
    "jets, but for the draws of background jets in figures 2 and 10. Of the numbers that the "
    "paper's claims name, 'beyond the interval' counts those that come to lie outside the 95 % "
    "interval of the published way; a number without an interval, such as a count, never does."
)
_ALL_AT_ONCE = (
    "All quirks of an item are off at once, the weights stay: they learned with the quirks, and "
    "corrected inputs are new to them. B1, B8, B9 and B13 are right or shown both ways without "
    "--corrected, too."
)
_REMARKS = {
    "B2": "B2 cuts the paper's own file alone: on these jets it changes nothing.",
    "stored": "Of MBNS the authors stored inputs, not jets: subjettiness stays as it is (B3, B16).",
    "corrected": "This table has both ways: --corrected changes nothing in it.",
}


@dataclasses.dataclass(frozen=True)
class _Both:
    published: Result
    corrected: Result


def compute(context: Context) -> Result:
    """Compute each item that quirks enter twice, and compare the claimed numbers.

    An item that cannot be computed has a row that says why.

    Raises:
        ReproError: If no item can be computed.
    """
    context.check()
    ways = tuple(context.but(corrected=flag) for flag in (False, True))
    rows: dict[str, dict[str, Any]] = {}
    details: dict[str, Any] = {}
    done: list[_Both] = []
    failure: ReproError | None = None
    for item in context.progress(_items(), "both ways"):
        name = _name(item)
        try:
            both = _Both(*(compute_item(item, _for_item(way, item)) for way in ways))
        except ReproError as problem:
            failure = problem
            rows[name] = {"quirks": _quirks(item), "remark": f"not computed: {problem}"}
            continue
        found = compare(both.published, both.corrected, _claimed(item))
        done.append(both)
        rows[name] = _row(item, both, found)
        rows |= {_order_name(item, order): _order_row(order) for order in found.orders}
        details[name] = _details(found)
    if failure and not done:
        raise failure
    sample = ways[0].sample("topodnn")
    result = ways[0].result(
        "toptag/tableS2",
        sample,
        [],
        {"columns": _COLUMNS, "rows": rows, "details": details, "inputs": _inputs(*ways)},
        settings={"fewer": _FEWER},
        notes=_notes(context),
    )
    return dataclasses.replace(result, weights=_weights(done))


def _items() -> list[Item]:
    """Return the paper's items that quirks enter and of which it states a number."""
    claimed = {claim.item for claim in load_claims("toptag")}
    return [i for i in load_items("toptag") if i.quirks and i.module and i.id in claimed]


def _for_item(way: Context, item: Item) -> Context:
    """Return the context, with fewer jets for an item that costs much."""
    fewer = _FEWER.get(item.id)
    if fewer is None:
        return way
    wanted = way.settings
    jets = min(fewer["jets"], wanted.jets or fewer["jets"])
    background = min(fewer.get("background", wanted.background), wanted.background)
    return way.but(jets=jets, background=background)


def _claimed(item: Item) -> list[str]:
    """Return the paths of the numbers that the paper's claims of an item name."""
    return [c.value for c in load_claims(item.paper) if c.item == item.id and c.value]


def _row(item: Item, both: _Both, found: Differences) -> dict[str, Any]:
    jets, others = (result.data["jets"] for result in (both.published, both.corrected))
    row = {
        "quirks": _quirks(item),
        "jets": jets,
        "numbers": len(found.numbers),
        "changed": sum(number.changes for number in found.numbers),
        "beyond": sum(number.beyond for number in found.numbers),
    }
    if found.largest:
        row |= {"what": found.largest.path, **_number(found.largest)}
    if others != jets:
        row["remark"] = f"{others:,} jets corrected"
    return row


def _number(change: NumberChange) -> dict[str, Any]:
    published: dict[str, Any] = {"value": change.published}
    if change.interval:
        published["interval"] = change.interval
    return {
        "published": published,
        "corrected": change.corrected,
        "half_widths": change.half_widths,
    }


def _order_row(order: OrderChange) -> dict[str, Any]:
    first, others = order.published[:LEADING], order.corrected[:LEADING]
    if not order.changes:
        said = "the same leading names"
    elif order.same_first:
        said = "the same name first, others after it"
    else:
        said = "another name first"
    tau = "" if order.tau is None else f"; Kendall's tau of all {order.tau:.2f}"
    return {
        "what": f"order of {order.path}",
        "published": ", ".join(first),
        "corrected": ", ".join(others),
        "remark": said + tau,
    }


def _details(found: Differences) -> dict[str, Any]:
    """Return all that was compared, by path with underscores for dots."""
    return {
        "numbers": {_flat(number.path): _number(number) for number in found.numbers},
        "orders": {
            _flat(order.path): {
                "changes": order.changes,
                "same_first": order.same_first,
                "tau": order.tau,
            }
            for order in found.orders
        },
    }


def _inputs(published: Context, corrected: Context) -> dict[str, dict[str, Interval]]:
    """Return the share of jets whose inputs change, family by family."""
    found: dict[str, dict[str, Interval]] = {}
    for family in _FAMILIES:
        try:
            samples = published.sample(family), corrected.sample(family)
        except ReproError:
            continue  # the rows of its items say why
        found[family] = {"changed": _share(*samples)}
    return found


def _share(published: Sample, corrected: Sample) -> Interval:
    # Corrected, MBNS has jets of fewer than 8 constituents as well.
    _, first, second = np.intersect1d(published.rows, corrected.rows, return_indices=True)
    return share_of_changed_rows(
        take_rows(published.inputs, first), take_rows(corrected.inputs, second)
    )


def _notes(context: Context) -> list[str]:
    fewer = " and ".join(
        f"{_name(item)} on {_FEWER[item.id]['jets']:,} jets at most"
        for item in _items()
        if item.id in _FEWER
    )
    notes = [_HOW, _ALL_AT_ONCE]
    if context.source != "paper":
        notes.append(_REMARKS["B2"])
    if context.source == "fixtures":
        notes.append(_REMARKS["stored"])
    if context.settings.corrected:
        notes.append(_REMARKS["corrected"])
    return [*notes, f"These cost much and have fewer jets: {fewer}."]


def _weights(done: list[_Both]) -> list[Mapping[str, Any]]:
    files = [entry for both in done for entry in both.published.weights]
    return [entry for place, entry in enumerate(files) if entry not in files[:place]]


def _quirks(item: Item) -> str:
    return " ".join(item.quirks)


def _name(item: Item) -> str:
    return f"{item.kind}{item.label}"


def _order_name(item: Item, order: OrderChange) -> str:
    return f"{_name(item)}_{_flat(order.path)}"


def _flat(path: str) -> str:
    return path.replace(".", "_")
