"""What a benchmark says: a document for programs, a table for people."""

from collections.abc import Sequence
from typing import Any

from repro.benchmarks.artificial import ARTIFICIAL
from repro.benchmarks.features import FeatureSpeed
from repro.benchmarks.masks import MaskSpeed
from repro.benchmarks.networks import AUTHORS_BATCH, NetworkSpeed

__all__ = ["document", "table"]

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
_FEATURES = ("inputs of", "jets/s")
_MASKS = ("masks of", "masks", "masked jets/s", "padded again", "ratio", "difference")


def document(
    machine: dict[str, Any],
    settings: dict[str, Any],
    networks: Sequence[NetworkSpeed],
    features: Sequence[FeatureSpeed],
    memory: int | None,
    *,
    masks: Sequence[MaskSpeed] = (),
) -> dict[str, Any]:
    """Return the document that ``--json`` prints.

    Args:
        machine: What was measured on.
        settings: What was measured with: data, jets, weights, seed, repeats.
        networks: What was measured of networks.
        features: What was measured of inputs.
        memory: The most memory that the process had, in bytes.
        masks: What was measured of masks.
    """
    return {
        "machine": machine,
        "settings": settings,
        "authors_batch": AUTHORS_BATCH,
        "networks": [network.document() for network in networks],
        "masks": [mask.document() for mask in masks],
        "features": [vars(feature) for feature in features],
        "peak_memory_bytes": memory,
    }


def table(found: dict[str, Any]) -> list[str]:
    """Return the lines that people read, from a document."""
    machine, settings = found["machine"], found["settings"]
    memory = found["peak_memory_bytes"]
    processors = f"{machine['threads']} threads of {machine['processors']} processors"
    jets = f"{settings['data']}, {settings['jets']:,} jets"
    if any(network["model"].startswith("in:") for network in found["networks"]):
        jets += f" (in: {ARTIFICIAL})"
    batches = sorted({network["authors_batch"] for network in found["networks"]})
    plain = f"plain: all slots and pairs; in the authors' batches of {_either(batches)} jets"
    return [
        f"{machine['device']}, {processors}, load {machine['load']}, torch {machine['torch']}",
        f"data: {jets}; weights: {settings['weights']}; the best of {settings['repeats']}",
        "",
        *_aligned([_NETWORKS, *map(_network_row, found["networks"])]),
        "",
        f"{plain}, and in its fastest ones (jets in brackets)",
        "difference: of the logits, to the plain version's, of the largest",
        "limit: GFLOP/s of this machine for the same products of matrices alone",
        "",
        *_mask_lines(found["masks"]),
        *(_aligned([_FEATURES, *map(_feature_row, found["features"])]) * bool(found["features"])),
        "",
        "peak memory: " + ("not known" if memory is None else f"{memory / 1e9:.2f} GB"),
    ]


def _either(numbers: Sequence[int]) -> str:
    """Return numbers as a text.

    >>> _either([128, 250])
    '128 or 250'
    """
    return " or ".join(map(str, numbers))


def _network_row(network: dict[str, Any]) -> tuple[str, ...]:
    plain: dict[str, float] = network["plain"]
    fastest = max(plain, key=lambda batch: plain[batch], default=None)
    compared = ("-",) * 5
    if fastest is not None:
        compared = (
            f"{plain[str(network['authors_batch'])]:,.0f}",
            f"{network['ratio']:.1f}",
            f"{plain[fastest]:,.0f} ({fastest})",
            f"{network['ratio_to_fastest_plain']:.1f}",
            f"{network['largest_difference']:.0e}",
        )
    return (
        network["model"],
        f"{network['jets_per_second']:,.0f}",
        *compared,
        f"{network['operations_per_jet'] / 1e6:.3g}",
        f"{network['rate'] / 1e9:.1f}",
        f"{network['limit'] / 1e9:.1f}",
        f"{100 * network['share']:.0f} %",
    )


def _mask_lines(masks: Sequence[dict[str, Any]]) -> list[str]:
    return [*_aligned([_MASKS, *map(_mask_row, masks)]), ""] if masks else []


def _mask_row(mask: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{mask['model']}, {mask['masked']}",
        f"{mask['masks']}",
        f"{mask['per_second']:,.0f}",
        f"{mask['plain_per_second']:,.0f}",
        f"{mask['ratio']:.1f}",
        f"{mask['largest_difference']:.0e}",
    )


def _feature_row(feature: dict[str, Any]) -> tuple[str, ...]:
    rate = feature["jets_per_second"]
    return feature["family"], feature["reason"] if rate is None else f"{rate:,.0f}"


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
