"""F11: layerwise relevance of tracks and vertices, stable and not, and against the drop in AUC."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.data.hbb.features import vertex_features
from repro.data.hbb.jets import HbbJets
from repro.data.spooled import store_rows
from repro.explain.drop_sets import explain_drop_sets
from repro.features.sample_streams import JetSet
from repro.figures.context import Context
from repro.figures.interaction import FAMILY, NO_JETS, from_weights, rows_of, without_jets
from repro.figures.interaction_relevance import JetRelevance, relevance_of_jets
from repro.figures.known_relevance import (
    draw_known,
    known_note,
    known_settings,
    known_values,
    moved_by_rounding,
)
from repro.figures.record_scores import jets_in_words
from repro.figures.relevance_pictures import draw_relevance
from repro.figures.relevance_values import (
    instability_values,
    ratios_to,
    relevance_values,
    shares_by_class,
)
from repro.figures.tracks import track_problem
from repro.models.tagger import Tagger
from repro.results.document import Result, named
from repro.results.evidence import Evidence, rate

__all__ = ["compute", "render"]

_VARIANT = "psvfeaturesdropped_001_noTrackQ"
_JETS = 3840
_RULE, _OLDER, _STABLE = "gamma", "gamma_constant", "gamma_signed"
_REFERENCE, _AGAINST = "sv_pt", ("sv_ptrel", "sv_erel")
_NOTES = {
    False: (
        "Jets without a label count as QCD, as published (H1), and the rule is the published one, "
        "whose denominators cross zero (H3): 'stable' has one whose do not."
    ),
    True: "Jets without a label are left out (H1), and the rule is the stable one (H3).",
}
_BASELINE = (
    "The relevance of the baseline is by the older rule, with which it was published. Drops in AUC "
    "are of the same jets, with a feature of all vertices at zero."
)


def compute(context: Context) -> Result:
    """Propagate logits to features: of one known jet by several rules, and of jets by class.

    As published, of the first 3840 jets unless a number is given.
    """
    baseline = context.tagger(FAMILY)
    values = known_values(baseline, context.settings.seed)
    alone = from_weights([baseline])
    evidence = {**dict.fromkeys(values, alone), **moved_by_rounding(values["moves"])}
    jets, notes, taggers = NO_JETS, [known_note(values)], [baseline]
    if context.record:
        taggers.append(context.tagger(f"{FAMILY}:{_VARIANT}"))
        jets = _described(context)
        own = from_weights(taggers).own_weights
        evidence[""] = Evidence(rate(jets.kind, jets.labels), jets.description, own)
        values |= _of_jets(context, taggers[1], baseline, len(jets.labels))
        notes += [_NOTES[context.settings.corrected], _BASELINE]
    else:
        evidence |= without_jets(context)
    return context.result(
        "hbb/fig11",
        jets,
        taggers,
        values,
        evidence=evidence,
        settings={**known_settings(), "rule": _rule(context), "stable_rule": _STABLE},
        notes=notes,
    )


def render(result: Result) -> Figure:
    """Draw maps, features and slots by class; without jets the shares of the known jet."""
    return draw_relevance(result) if "relevance" in result.values else draw_known(result)


def _rule(context: Context) -> str:
    return _STABLE if context.settings.corrected else _RULE


def _iter_jets(context: Context) -> Iterator[HbbJets]:
    """Yield the jets that are looked at: the first 3840, or as many as are asked for."""
    left = context.settings.jets or _JETS
    for jets in context.record.iter_jets():
        part = jets.take(slice(0, left))
        left -= len(part)
        yield part.treat_unlabelled("removed" if context.settings.corrected else "background")
        if left <= 0:
            return


def _described(context: Context) -> JetSet:
    """Return the jets that are looked at, as results describe them."""
    wanted, record = context.settings.jets or _JETS, context.record
    labels, unlabelled, count = [], 0, 0
    for jets in record.iter_jets():
        part = jets.take(slice(0, wanted - count))
        count += len(part)
        unlabelled += int(part.unlabelled.sum())
        labels.append(part.labels[~part.unlabelled] if context.settings.corrected else part.labels)
        if count >= wanted:
            break
    every = np.concatenate(labels)
    words = jets_in_words(context, count, unlabelled, removed=context.settings.corrected)
    data = record.data(count)
    if count == wanted:
        data["selection"] = f"first {count}"
    return JetSet(every, np.arange(len(every)), record.kind, words, data)


def _of_jets(context: Context, tagger: Tagger, baseline: Tagger, count: int) -> dict[str, Any]:
    seed, device = context.settings.seed, context.device

    total = min(context.settings.jets or _JETS, context.record.count)

    def found_by(rule: str, which: Tagger) -> JetRelevance:
        jets = context.progress_of_jets(_iter_jets(context), f"relevance, {rule}", total=total)
        return relevance_of_jets(which, jets, rule, device, most=total, spool=context.spool)

    def both(found: JetRelevance) -> dict[str, Any]:
        return {**relevance_values(found, seed), "instability": instability_values(found)}

    def of_variant(found: JetRelevance) -> dict[str, Any]:
        maps = {name: {"tracks": maps[0], "vertices": maps[1]} for name, maps in found.maps.items()}
        names = {"tracks": found.names[: found.tracks], "vertices": found.names[found.tracks :]}
        return {**both(found), "maps": maps, "names": names}

    def of_baseline(found: JetRelevance) -> dict[str, Any]:
        values = relevance_values(found, seed)
        return {
            "relevance": values["relevance"],
            "vertex_slots": values["vertex_slots"],
            "share": shares_by_class(found),
            "relative_to_sv_pt": ratios_to(found, _REFERENCE, _AGAINST, seed),
        }

    # One after the other: the relevance of all jets by one rule takes a kilobyte a jet, on disk if
    # they are many.
    values = of_variant(found_by(_rule(context), tagger))
    stable = both(found_by(_STABLE, tagger))
    older = of_baseline(found_by(_STABLE if context.settings.corrected else _OLDER, baseline))
    return {
        **values,
        "stable": stable,
        "baseline": {**older, "drop": _drops(context, baseline, count)},
    }


def _drops(context: Context, baseline: Tagger, count: int) -> dict[str, Any]:
    """Return the drop in AUC for each feature of all vertices at zero, in points."""
    labels: list[NDArray[np.int64]] = []

    def parts() -> Iterator[NDArray[np.float32]]:
        for jets in _iter_jets(context):
            labels.append(jets.labels)
            yield rows_of(baseline, jets.tracks, jets.vertices)

    rows = store_rows(parts(), count, context.spool)
    problem = track_problem(context, rows, np.concatenate(labels), baseline)
    names = [feature.name for feature in vertex_features()]
    found = explain_drop_sets(problem, {name: [name] for name in names})
    return named(found.names, found.panels["all"])
