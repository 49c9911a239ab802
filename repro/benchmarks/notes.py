"""What there is to say of a benchmark of methods: on how many jets, and what was not measured."""

from collections.abc import Iterable, Mapping
from typing import Any

from repro.benchmarks.methods import FEATURES, FEWER_JETS, JETS_OF_DENSE

__all__ = ["jets_of_methods", "reasons"]


def jets_of_methods(explained: int) -> tuple[str, str]:
    """Return on how many jets methods are measured, and on how many features, and why.

    Args:
        explained: As ``--explained`` says.

    >>> jets_of_methods(64)  # doctest: +NORMALIZE_WHITESPACE
    ('jets: 64 (--explained), 1,024 of dense networks, which are fast; at most 8 for kernel_shap and
    16 for integrated_gradients, which are slow; half of each class, or all that it has',
    'features: all of dense networks, the first 12 of others, as plain versions take long')
    """
    few = " and ".join(f"{jets} for {method}" for method, jets in FEWER_JETS.items())
    dense = f"{JETS_OF_DENSE * explained:,} of dense networks, which are fast"
    jets = (
        f"jets: {explained:,} (--explained), {dense}; at most {few}, which are slow; half of each "
        "class, or all that it has"
    )
    features = "all of dense networks, the first {} of others, as plain versions take long"
    return jets, f"features: {features.format(FEATURES)}"


def reasons(methods: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """Return the models on which a method was not measured, by the method and why it was not.

    >>> entries = [{"method": "lrp", "model": m, "reason": "not dense"} for m in ("pfn", "pfin")]
    >>> reasons([*entries, {"method": "lrp", "model": "topodnn", "reason": None}])
    {('lrp', 'not dense'): ['pfn', 'pfin']}
    """
    found: dict[tuple[str, str], list[str]] = {}
    for entry in methods:
        if entry["reason"]:
            found.setdefault((entry["method"], entry["reason"]), []).append(entry["model"])
    return found
