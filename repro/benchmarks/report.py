"""What a benchmark says: a document for programs, a table for people."""

from collections.abc import Iterable, Sequence
from typing import Any

from repro.benchmarks.artificial import ARTIFICIAL
from repro.benchmarks.compiled import CompiledSpeed
from repro.benchmarks.features import FeatureSpeed
from repro.benchmarks.masks import MaskSpeed
from repro.benchmarks.methods import MethodSpeed
from repro.benchmarks.networks import AUTHORS_BATCH, NetworkSpeed
from repro.benchmarks.notes import jets_of_methods, reasons
from repro.benchmarks.precisions import PrecisionSpeed
from repro.benchmarks.rates import rate_of
from repro.results.document import plain

__all__ = ["SCHEMA_VERSION", "document", "table"]

SCHEMA_VERSION = 1
"""Of the document, which ``schema.json`` beside this file describes."""

_NETWORKS = (
    "model",
    "jets/s",
    "plain jets/s",
    "ratio",
    "fastest plain",
    "ratio",
    "difference",
    "MFLOP/jet",
    "GFLOP/s",
    "limit",
    "share",
)
_FEATURES = ("inputs of", "jets", "jets/s")
_METHODS = (
    "method, model",
    "jets",
    "features",
    "jets/s",
    "beside",
    "jets/s",
    "ratio",
    "difference",
)
_PRECISIONS = (
    "model, precision",
    "jets/s",
    "AUC [%]",
    "difference",
    "masked jets/s",
    "memory",
    "roofline",
)
_COMPILED = (
    "compiled, model",
    "jets/s",
    "as used",
    "ratio",
    "padded",
    "difference",
    "seconds to compile",
    "pays after",
)
_MASKS = ("masks of", "masks", "masked jets/s", "padded again", "ratio", "difference")


def document(
    machine: dict[str, Any],
    settings: dict[str, Any],
    networks: Sequence[NetworkSpeed],
    features: Sequence[FeatureSpeed],
    memory: int | None,
    *,
    masks: Sequence[MaskSpeed] = (),
    methods: Sequence[MethodSpeed] = (),
    precisions: Sequence[PrecisionSpeed] = (),
    compiled: Sequence[CompiledSpeed] = (),
) -> dict[str, Any]:
    """Return the document that ``--json`` prints.

    Args:
        machine: What was measured on.
        settings: What was measured with: data, jets, weights, seed, repeats.
        networks: What was measured of networks.
        features: What was measured of inputs.
        memory: The most memory that the process had, in bytes.
        masks: What was measured of masks.
        methods: What was measured of explanation methods.
        precisions: What was measured in several precisions.
        compiled: What was measured of compiled networks.
    """
    found: dict[str, Any] = plain(
        {
            "schema": SCHEMA_VERSION,
            "machine": machine,
            "settings": settings,
            "authors_batch": AUTHORS_BATCH,
            "networks": [network.document() for network in networks],
            "masks": [mask.document() for mask in masks],
            "methods": [method.document() for method in methods],
            "precisions": [precision.document() for precision in precisions],
            "compiled": [network.document() for network in compiled],
            "features": [vars(feature) for feature in features],
            "peak_memory_bytes": memory,
        }
    )
    return found


def table(found: dict[str, Any]) -> list[str]:
    """Return the lines that people read, from a document."""
    machine, settings = found["machine"], found["settings"]
    memory = found["peak_memory_bytes"]
    processors = f"{machine['threads']} threads of {machine['processors']} processors"
    jets = f"{settings['data']}, {settings['jets']:,} jets"
    if any(network["model"].startswith("in:") for network in found["networks"]):
        jets += f" (in: {ARTIFICIAL})"
    batches = sorted({network["authors_batch"] for network in found["networks"]})
    padded = f"plain: all slots and pairs; in the authors' batches of {_either(batches)} jets"
    turns = f"medians of {settings['repeats']} turns, quartiles in brackets"
    return [
        f"{machine['device']}, {processors}, load {machine['load']}, torch {machine['torch']}",
        f"data: {jets}; weights: {settings['weights']}; {turns}",
        "",
        *_block(
            _NETWORKS,
            map(_network_row, found["networks"]),
            f"{padded}, and in its fastest ones (their jets behind)",
            "difference: of the logits, to the plain version's, of the largest",
            "limit: GFLOP/s of this machine for the same products of matrices alone, at best",
        ),
        *_block(_MASKS, map(_mask_row, found["masks"])),
        *_methods(found),
        *_block(
            _PRECISIONS,
            map(_precision_row, found["precisions"]),
            "difference: of the largest probability, to single precision; masked: by occlusion",
        ),
        *_block(
            _COMPILED,
            map(_compiled_row, found["compiled"]),
            "compiled: the padded network by torch.compile, in the authors' batches; beside the",
            "network as it is used and the padded one, in the same batches",
        ),
        *_block(_FEATURES, map(_feature_row, found["features"])),
        "peak memory: " + ("not known" if memory is None else f"{memory / 1e9:.2f} GB"),
    ]


def _either(numbers: Sequence[int]) -> str:
    """Return numbers as a text.

    >>> _either([128, 250])
    '128 or 250'
    """
    return " or ".join(map(str, numbers))


def _methods(found: dict[str, Any]) -> list[str]:
    """Return what methods are measured beside, on what, and why some are not."""
    entries = found["methods"]
    if not entries:
        return []
    batches = sorted({entry["authors_batch"] for entry in entries if entry["authors_batch"]})
    alike = f", in batches of {_either(batches)} jets" if batches else ""
    lines = _block(
        _METHODS,
        map(_method_row, (entry for entry in entries if not entry["reason"])),
        f"plain: the padded network again for each feature{alike}; whole layers",
        "difference: of the numbers, of the largest; ours have intervals besides",
        *jets_of_methods(found["settings"]["explained"]),
    )
    why = [
        f"  {method} of {', '.join(models)}: {reason}"
        for (method, reason), models in reasons(entries).items()
    ]
    return [*lines, *(["not measured:", *why, ""] if why else [])]


def _network_row(network: dict[str, Any]) -> tuple[str, ...]:
    rates, spread = network["plain"], network["spread"]
    fastest = max(rates, key=lambda batch: rates[batch], default=None)
    compared = ("-",) * 5
    if fastest is not None:
        compared = (
            rate_of(spread["plain"][str(network["authors_batch"])]),
            f"{network['ratio']:.1f}",
            f"{rate_of(spread['plain'][fastest])}, {fastest}",
            f"{network['ratio_to_fastest_plain']:.1f}",
            f"{network['largest_difference']:.0e}",
        )
    return (
        network["model"],
        rate_of(spread["jets_per_second"]),
        *compared,
        f"{network['operations_per_jet'] / 1e6:.3g}",
        f"{network['rate'] / 1e9:.1f}",
        f"{network['limit'] / 1e9:.1f}",
        f"{100 * network['share']:.0f} %",
    )


def _block(head: Sequence[str], rows: Iterable[Sequence[str]], *said: str) -> list[str]:
    """Return a table with what there is to say of it; nothing without rows."""
    known = list(rows)
    if not known:
        return []
    return [*_aligned([head, *known]), "", *said, *([""] if said else [])]


def _method_row(entry: dict[str, Any]) -> tuple[str, ...]:
    name = f"{entry['method']}, {entry['model']}"
    ours, theirs = entry["jets_per_second"], entry["other_per_second"]
    compared = ("-",) * 4
    if theirs is not None:
        compared = (
            entry["beside"],
            rate_of(theirs),
            f"{entry['ratio']:.2g}",
            f"{entry['largest_difference']:.0e}",
        )
    counts = f"{entry['jets']}", f"{entry['features']}"
    return name, *counts, rate_of(ours), *compared


def _precision_row(entry: dict[str, Any]) -> tuple[str, ...]:
    area, memory = entry["auc"], entry["peak_memory"]
    return (
        f"{entry['model']}, {entry['precision']}",
        rate_of(entry["jets_per_second"]),
        "-" if area is None else f"{area['value']:.3f}",
        f"{entry['largest_difference']:.0e}",
        rate_of(entry["explained_per_second"]),
        "-" if memory is None else f"{memory / 1e6:,.0f} MB",
        f"{100 * entry['share']:.0f} %",
    )


def _compiled_row(entry: dict[str, Any]) -> tuple[str, ...]:
    jets = entry["jets_to_pay"]
    return (
        f"{entry['way']}, {entry['model']}",
        rate_of(entry["jets_per_second"]),
        rate_of(entry["used_per_second"]),
        f"{entry['ratio']:.2g}",
        rate_of(entry["padded_per_second"]),
        f"{entry['largest_difference']:.0e}",
        f"{entry['seconds_to_compile']:.0f}",
        "never" if jets is None else f"{jets:,.0f} jets",
    )


def _mask_row(mask: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{mask['model']}, {mask['masked']}",
        f"{mask['masks']}",
        rate_of(mask["spread"]["per_second"]),
        rate_of(mask["spread"]["plain_per_second"]),
        f"{mask['ratio']:.1f}",
        f"{mask['largest_difference']:.0e}",
    )


def _feature_row(feature: dict[str, Any]) -> tuple[str, ...]:
    rate = feature["reason"] or rate_of(feature["spread"])
    return feature["family"], f"{feature['jets']:,}", rate


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of columns: the first to the left, the others to the right.

    >>> _aligned([("a", "bc"), ("de", "f")])
    ['a   bc', 'de   f']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])],
        ).rstrip()
        for row in rows
    ]
