"""K3: how many features are below each threshold, which, and what masking them costs."""

from typing import Any

from repro.figures.context import Context
from repro.figures.feature_sets import KINDS, THRESHOLDS, FoundSets, published_sets
from repro.figures.interaction import FAMILY, needs_jets
from repro.figures.masked_scores import NO_LABEL, MaskedScores, found_scores, masked_scores
from repro.metrics.intervals import auc_interval
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets
from repro.results.document import Result

__all__ = ["compute"]

_COLUMNS: dict[str, dict[str, Any]] = {
    "threshold": {"title": "threshold [%]"},
    "tracks_published": {"title": "track features, published"},
    "tracks": {"title": "found here"},
    "vertices_published": {"title": "vertex features, published"},
    "vertices": {"title": "found here"},
    "auc_published": {"title": "AUC, published sets masked [%]", "digits": 2},
    "auc_found": {"title": "AUC, found sets masked [%]", "digits": 2},
    "only_published": {"title": "published, not found here"},
    "only_found": {"title": "found here, not published"},
}
_RULE = (
    "Below a threshold is a feature whose drop in AUC with it at zero, in percentage points, is "
    "strictly less; a rise counts as below. The published sets are those that the authors' models "
    "were trained without. Intervals of numbers of features come from repeated draws of the drops "
    "within their errors. AUCs are those of the baseline with the features of tracks and vertices "
    "masked; masks.<threshold> has those of either kind as well, and sets.<threshold> all names."
)


def compute(context: Context) -> Result:
    """Count the features below each threshold, and mask them; the published sets beside them."""
    sets = published_sets()
    if not context.record:
        rows = {name: _published(name, sets[name]) for name in THRESHOLDS}
        return needs_jets(context, "hbb/tableK3", {"columns": _COLUMNS, "rows": rows})
    tagger = context.tagger(FAMILY)
    scores, (found, with_found) = masked_scores(context), found_scores(context)
    masks = {
        name: {
            "published": _aucs(scores, f"published.{name}"),
            "found": _aucs(with_found, f"found.{name}"),
        }
        for name in THRESHOLDS
    }
    values: dict[str, Any] = {
        "columns": _COLUMNS,
        "rows": {
            name: {
                **_published(name, sets[name]),
                **_found(found, name, sets[name]["both"]),
                "auc_published": masks[name]["published"]["both"],
                "auc_found": masks[name]["found"]["both"],
            }
            for name in THRESHOLDS
        },
        "masks": masks,
        "sets": {name: {"published": sets[name], "found": found.sets[name]} for name in THRESHOLDS},
    }
    return scores.result(
        context,
        "hbb/tableK3",
        tagger,
        values,
        settings={"replacement": "zero"},
        notes=[_RULE, NO_LABEL[context.settings.corrected]],
    )


def _published(name: str, sets: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    return {
        "threshold": f"{THRESHOLDS[name]:g}",
        **{f"{kind}_published": len(sets[kind]) for kind in KINDS[:2]},
    }


def _found(found: FoundSets, name: str, published: tuple[str, ...]) -> dict[str, Any]:
    mine, indices = found.sets[name]["both"], found.indices[name]
    return {
        "tracks": found.counts[name]["tracks"],
        "vertices": found.counts[name]["vertices"],
        "track_indices": indices["tracks"],
        "vertex_indices": indices["vertices"],
        "only_published": _listed(published, mine),
        "only_found": _listed(mine, published),
    }


def _listed(some: tuple[str, ...], others: tuple[str, ...]) -> str:
    """Return the names that others lack."""
    return ", ".join(name for name in some if name not in others) or "none"


def _aucs(scores: MaskedScores, prefix: str) -> dict[str, Any]:
    return {
        kind: in_points(auc_interval(rank_jets(scores.of(f"{prefix}.{kind}"), scores.labels)))
        for kind in KINDS
    }
