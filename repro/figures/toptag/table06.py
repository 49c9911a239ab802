"""T6: PFN with the truth leak of the paper's first version (quirk B1), shown on purpose."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.open_jets import open_jets
from repro.errors import BadInput, NotAvailable
from repro.features.pfn import pfn_inputs
from repro.features.registry import find_inputs
from repro.features.sample_streams import JetSet
from repro.features.samples import JetSource
from repro.features.truth_leak import transverse_imbalance
from repro.figures.context import Context
from repro.figures.performance import (
    COLUMNS,
    counted,
    layers_of,
    performance_row,
)
from repro.metrics.intervals import auc_difference_interval, auc_interval
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets
from repro.models.cards import load_cards
from repro.models.dense import count_parameters
from repro.models.scores import score
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import Evidence, missing, rate

__all__ = ["PRINTED", "Leak", "compute", "measure_leak"]

Floats = NDArray[np.floating]

_FAMILY = "leakypfn"
_CLEAN, _IMBALANCE = "clean_weights", "imbalance"
# What the first version of the paper printed: AUC, accuracy in per cent, rejection at 30 %.
PRINTED: dict[str, tuple[float, ...]] = {
    "baseline": (99.74, 97.72, 8778.87),
    "latent_128": (99.74,),
    "v9": (99.50,),
    "latent_64": (99.48,),
    "modified_v7": (99.45,),
    "modified_v4": (99.16,),
}
_MEASURED = ("auc", "accuracy", "rejection_30")
_COLUMNS = {
    "printed_auc": {"title": "AUC as printed [%]", "digits": 2},
    "printed_accuracy": {"title": "accuracy as printed [%]", "digits": 2},
    "printed_rejection_30": {"title": "rejection as printed", "digits": 2},
    **{name: COLUMNS[name] for name in ("phi", "f", "parameters", "jets")},
    "auc": {"title": "AUC with the leak [%]", "digits": 2},
    "control": {"title": "AUC without [%]", "digits": 2},
    "gain": {"title": "difference", "digits": 2},
    "accuracy": {"title": "accuracy with the leak [%]", "digits": 2},
    "rejection_30": {"title": "rejection with the leak", "digits": 2},
}
_ASSUMED = (
    "latent_128 and latent_64 are the baseline with so many latent nodes; modified_v4 is assumed "
    "to have the layers of v4. Only the names of these variants are known, and of v9 and "
    "modified_v7 not even that much can be told."
)
_WHOLE = (
    "The leak is in the inputs, whatever a network makes of it: momenta across the axis balance "
    "about a jet's own axis and not about one with the truth in it. That imbalance alone, the row "
    "imbalance, has an AUC of {:.2f} % with the leak and of {:.2f} % without."
)
_ROWS = (
    "Each row scores the same jets twice: with inputs that have the leak, and with inputs that "
    "have not. The row clean_weights is the PFN baseline, trained without it. The leak is there at "
    "once; a network needs far more steps to find it than to reach the AUC without it: 'repro "
    "train leakypfn --data paper', up to 50 epochs of 1.2 million jets, is what the authors did, "
    "and --weights judges what comes of it."
)


@dataclass(frozen=True, eq=False)
class Leak:
    """What the jets of a file are taken for, with the leak and without it.

    Attributes:
        labels: (n,).
        leaky: By the name of a scorer, (n,): with inputs that have the leak.
        clean: The same without it.
    """

    labels: NDArray[np.int64]
    leaky: dict[str, Floats]
    clean: dict[str, Floats]


def compute(context: Context) -> Result:
    """Score jets with the leak and without it, by networks that were trained with it.

    With the quirks off there is no leak at all.
    """
    source = context.jet_source()
    taggers, reasons = _taggers(context)
    if context.settings.weights in ("auto", "authors", "embedded"):
        # A user's file has the leak, and would fit PFN as well.
        taggers[_CLEAN] = context.tagger("pfn")
    leak = measure_leak(context, source, taggers)
    sample = _described(source, leak.labels)
    kind = rate(sample.kind, leak.labels)
    evidence = {"": Evidence(kind, sample.description, own_weights=True)}
    evidence |= {
        f"rows.{name}": context.evidence(sample, tagger) for name, tagger in taggers.items()
    }
    rows: dict[str, dict[str, Any]] = {name: _printed(name) for name in PRINTED}
    for name in [*taggers, _IMBALANCE]:
        rows.setdefault(name, {})
        if name in taggers:
            rows[name] |= _architecture(taggers[name])
            evidence[f"rows.{name}.parameters"] = counted(taggers[name])
        rows[name] |= _compared(leak, name)
    for name, reason in reasons.items():
        evidence |= {f"rows.{name}.{column}": missing(reason) for column in _MEASURED}
    evidence[f"rows.{_IMBALANCE}"] = dataclasses.replace(evidence[""], own_weights=False)
    ends = (rows[_IMBALANCE][side].value for side in ("auc", "control"))
    return context.result(
        "toptag/table6",
        sample,
        taggers.values(),
        {"columns": _COLUMNS, "rows": rows},
        evidence=evidence,
        notes=[_WHOLE.format(*ends), _ROWS, _ASSUMED],
    )


def _taggers(context: Context) -> tuple[dict[str, Tagger], dict[str, str]]:
    """Return the variants that there are weights of, and why there are none of the others."""
    found: dict[str, Tagger] = {}
    reasons: dict[str, str] = {}
    cards = load_cards(_FAMILY)
    for name in PRINTED:
        if name not in cards:
            reasons[name] = f"the layers of {name} are not known, only its name and its AUC"
            continue
        try:
            found[name] = context.tagger(cards[name].name)
        except (NotAvailable, BadInput) as problem:  # a file of weights fits but one variant
            reasons[name] = f"no weights: {problem}"
    return found, reasons


def measure_leak(context: Context, source: JetSource, taggers: Mapping[str, Tagger]) -> Leak:
    """Score the jets of a file twice, chunk by chunk; the imbalance is a scorer, too.

    Raises:
        MissingData: If the file has no truth momenta.
    """
    parts = list(_parts(context, source, taggers))
    names = parts[0].leaky
    return Leak(
        labels=np.concatenate([part.labels for part in parts]),
        leaky={name: np.concatenate([part.leaky[name] for part in parts]) for name in names},
        clean={name: np.concatenate([part.clean[name] for part in parts]) for name in names},
    )


def _parts(context: Context, source: JetSource, taggers: Mapping[str, Tagger]) -> Iterator[Leak]:
    corrected = context.settings.corrected
    with open_jets(source.path) as file:
        stop = min(context.settings.jets or len(file), len(file))
        for part in context.progress(file.iter_jets(stop=stop), "scoring"):
            leaky = find_inputs(_FAMILY).of_jets(part, None, corrected=corrected)
            clean = pfn_inputs(part.four_momenta, wrap_azimuth=corrected)
            found = [
                {name: score(tagger, inputs, context.device) for name, tagger in taggers.items()}
                | {_IMBALANCE: transverse_imbalance(inputs)}
                for inputs in (leaky, clean)
            ]
            yield Leak(part.labels, *found)


def _compared(leak: Leak, name: str) -> dict[str, Any]:
    """Return the performance of a scorer with the leak, its AUC without, and the difference."""
    leaky, clean = leak.leaky[name], leak.clean[name]
    row = performance_row(leaky, leak.labels, inclusive=False)
    if name == _IMBALANCE:  # no probability
        row = {column: row[column] for column in ("jets", "auc")}
    return {
        **row,
        "control": in_points(auc_interval(rank_jets(clean, leak.labels))),
        "gain": in_points(auc_difference_interval(leaky, clean, leak.labels)),
    }


def _printed(name: str) -> dict[str, Any]:
    return {
        f"printed_{column}": value for column, value in zip(_MEASURED, PRINTED[name], strict=False)
    }


def _architecture(tagger: Tagger) -> dict[str, Any]:
    return {**layers_of(tagger.card), "parameters": count_parameters(tagger.network)}


def _described(source: JetSource, labels: NDArray[np.int64]) -> JetSet:
    with open_jets(source.path) as file:
        length = len(file)
    total = len(labels)
    return JetSet(labels, np.arange(total), **source.facts(length, length, total, total))
