"""Sets of features that are masked together, and how much they cost.

The study of the Interaction Network masks each feature alone, takes all whose drop in AUC is below
a threshold, and masks them at once: features that seem useless one by one can be needed together.

Source: arXiv:2211.12770; dossier, sections 1.6 and 4.3.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from repro.errors import BadInput
from repro.explain.masking import replacement_values
from repro.explain.occlusion import occlude
from repro.explain.problem import Explanation, Problem

__all__ = ["below", "explain_drop_sets"]


def below(found: Explanation, threshold: float, panel: str = "all") -> tuple[str, ...]:
    """Return the features whose number is strictly below a threshold, in their own order.

    Negative numbers, of features without which the network does better, are below.

    Args:
        found: From occlusion, in percentage points.
        threshold: In the same unit.
        panel: Which panel of it.
    """
    numbers = found.panels[panel].value
    return tuple(
        name for name, number in zip(found.names, numbers, strict=True) if number < threshold
    )


def explain_drop_sets(
    problem: Problem,
    sets: Mapping[str, Sequence[str | int]],
    *,
    replacement: str = "zero",
    level: float = 0.95,
) -> Explanation:
    """Return 100·(AUC - AUC with all features of a set replaced) for each set.

    Args:
        problem: The classifier and its jets.
        sets: By the name of a set its features, ranked or not, by name, or columns, by place, such
            as those of the leading tracks; none of them can be empty.
        replacement: ``zero`` as published, ``mean`` or ``median``; those of the single features.
        level: Confidence level of the intervals.

    Returns:
        An explanation whose names are those of the sets, with the fidelity of each among the
        details.

    Raises:
        BadInput: If a set is empty or has a feature that there is not.
    """
    known: dict[str | int, tuple[int, ...]] = {
        place: (place,) for place in range(len(problem.features))
    }
    known.update(problem.groups or {name: (i,) for i, name in enumerate(problem.features)})
    groups = {}
    for name, features in sets.items():
        unknown = [feature for feature in features if feature not in known]
        if unknown or not features:
            what = f"an unknown feature {unknown[0]!r}" if unknown else "no feature"
            raise BadInput(f"the set {name!r} has {what}: name features of the problem")
        columns = (column for feature in features for column in known[feature])
        groups[name] = tuple(dict.fromkeys(columns))
    values = replacement_values(problem, replacement)
    together = dataclasses.replace(problem, groups=groups, skip=())
    found = occlude(together, values, level)
    return dataclasses.replace(
        found,
        method="drop_sets",
        settings={"replacement": replacement, "sets": {k: list(v) for k, v in sets.items()}},
    )
