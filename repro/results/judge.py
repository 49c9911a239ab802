"""Verdicts: each claim of an item against the numbers that were computed.

* On the paper's whole data with the authors' weights a number must lie within the
  reproduction tolerance: *reproduced* or *deviates*.
* On some of the paper's jets the numerical tolerance says nothing; the statistical interval
  decides, if the jets are a typical draw and the interval is narrow enough to tell.
* On all of them, but with less computed than for the paper, the interval of that estimate decides
  in the same way.
* On other jets, or with other weights, the replication tolerance holds: *replicated* or
  *deviates*; on other jets, or some of the paper's, the interval decides about it.  With the
  authors' weights on the package's simulated jets, a claim can have a tolerance of its own.
* Whatever cannot be decided is *not tested*, with the reason; so is everything that was
  computed with ``--corrected``, for the paper's numbers have the quirks on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repro.catalogue import Claim, Tolerance, load_claims
from repro.results.document import Result, look_up
from repro.results.evidence import FEWEST, SURE, Evidence

__all__ = ["VERDICTS", "judge_claim", "judge_item", "not_tested", "summarise"]

VERDICTS = ("reproduced", "replicated", "deviates", "not tested")

_STABLE = 0.95
# An item judges tens of numbers at once, one in twenty of which is outside by chance: a number
# deviates on a sample only beyond twice its 95 % interval, about four standard deviations.
_FAR = 2.0
_OTHER_JETS = {True: "other jets", False: "jets that are neither the paper's nor the package's own"}
_NOT_FAR = "but not when twice as wide"
_CORRECTED = "computed with the originals' quirks off, and the paper's number has them on"


@dataclass(frozen=True)
class _Measured:
    value: Any
    interval: tuple[float | None, float | None] | None
    shares: Mapping[str, float] = field(default_factory=dict)
    candidates: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, found: Any, evidence: Evidence) -> "_Measured":
        if not isinstance(found, Mapping):
            return cls(found, None)
        deciding = "estimate" if evidence.kind == "estimate" else "interval"
        low, high = found.get(deciding) or (None, None)
        ends = None if low is None and high is None else (low, high)
        return cls(found.get("value"), ends, found.get("shares", {}), found.get("candidates", {}))


def judge_item(result: Result) -> list[dict[str, Any]]:
    """Judge every claim that the catalogue assigns to the result's item."""
    paper = result.item.split("/")[0]
    return [judge_claim(claim, result) for claim in load_claims(paper) if claim.item == result.item]


def judge_claim(claim: Claim, result: Result) -> dict[str, Any]:
    """Judge one claim.

    Returns:
        An entry of the result schema's ``claims``.
    """
    if claim.value is None:
        return not_tested(claim, "no item computes it")
    evidence = result.evidence_for(claim.value)
    measured = _Measured.read(look_up(result.values, claim.value), evidence)
    if result.settings.get("corrected"):
        return not_tested(claim, _CORRECTED, measured)
    if evidence.kind == "missing":
        return not_tested(claim, evidence.description, measured)
    if measured.value is None:
        about = f"undefined or infinite on these jets ({evidence.description})"
        return not_tested(claim, about, measured)
    if evidence.kind == "few":
        about = f"{evidence.description}: it takes {FEWEST} of each class to decide"
        return not_tested(claim, about, measured)
    simulated = result.data.get("source") == "embedded"
    tolerance = _tolerance_for(claim, evidence, simulated=simulated)
    if tolerance is None:
        return not_tested(claim, _no_expectation(evidence, simulated=simulated), measured)
    success = "reproduced" if evidence.reproduces else "replicated"
    if evidence.kind == "complete":
        agreed: bool | None
        agreed, reason = _agrees(claim, measured.value, tolerance)
        reason = f"{reason} ({evidence.description})"
    else:
        agreed, reason = _on_sample(claim, measured, evidence, tolerance)
    verdict = "not tested" if agreed is None else success if agreed else "deviates"
    if agreed and _zero_agrees(claim, tolerance):
        reason += "; so would zero"
    return _entry(claim, measured, tolerance, verdict, reason)


def _zero_agrees(claim: Claim, tolerance: Tolerance) -> bool:
    """Return whether a number that is not zero is expected so loosely that zero would agree."""
    expected = claim.expected
    if claim.comparison != "within" or not isinstance(expected, int | float) or expected == 0:
        return False
    return tolerance.distance(expected) >= abs(expected)


def _tolerance_for(claim: Claim, evidence: Evidence, *, simulated: bool) -> Tolerance | None:
    if evidence.reproduces:
        return claim.reproduction
    # How like the real jets a user's are is not known.
    authors_network = evidence.kind == "other" and simulated and not evidence.own_weights
    return (claim.on_other_jets if authors_network else None) or claim.replication


def not_tested(claim: Claim, reason: str, measured: _Measured | None = None) -> dict[str, Any]:
    """Return the entry of a claim to which no tolerance was applied."""
    return _entry(claim, measured or _Measured(None, None), None, "not tested", reason)


def summarise(claims: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count verdicts.

    >>> summarise([{"verdict": "deviates"}])
    {'reproduced': 0, 'replicated': 0, 'deviates': 1, 'not tested': 0}
    """
    return {name: sum(claim["verdict"] == name for claim in claims) for name in VERDICTS}


def _agrees(claim: Claim, value: Any, tolerance: Tolerance) -> tuple[bool, str]:
    expected: Any = claim.expected
    match claim.comparison:
        case "within":
            allowed = tolerance.distance(expected)
            distance = abs(value - expected)
            # The last bit of a decimal fraction must not decide.
            agrees = bool(distance <= allowed * (1 + 1e-9) + 1e-12)
            word = "within" if agrees else "outside"
            return agrees, f"differs by {distance:.4g}, {word} {allowed:.4g}"
        case "equal":
            agrees = _comparable(value) == _comparable(expected)
            return agrees, "as stated" if agrees else f"{_text(value)}, not {_text(expected)}"
        case "above":
            return bool(value > expected), f"{value:.4g}, to be above {expected:.4g}"
        case "below":
            return bool(value < expected), f"{value:.4g}, to be below {expected:.4g}"
        case _:
            low, high = _widened(expected, tolerance)
            return bool(low <= value <= high), f"{value:.4g}, to be in [{low:.4g}, {high:.4g}]"


def _on_sample(
    claim: Claim, measured: _Measured, evidence: Evidence, tolerance: Tolerance
) -> tuple[bool | None, str]:
    """Return whether the number agrees, None if these jets cannot tell, and why."""
    about = evidence.description
    untypical = ", an untypical draw: see note" if evidence.control else ""
    if claim.comparison == "equal":
        return _order_on_sample(claim, measured, f"{about}{untypical}")
    if measured.interval is None:
        return None, f"{about}: the number has no interval, and they are not all jets"
    low, high = measured.interval
    if low is None or high is None:
        return None, f"{about} are too few: the interval of the number has no end"
    floor, ceiling = _accepted(claim, tolerance)
    overlaps = low <= ceiling and high >= floor
    if claim.comparison in ("above", "below") or evidence.control is None:
        if floor <= low and high <= ceiling:
            return True, f"the whole 95 % interval agrees ({about}{untypical})"
        reach = _FAR * (high - low) / 2
        if measured.value + reach < floor or measured.value - reach > ceiling:
            return False, f"more than {_FAR:.0f} times the 95 % interval away ({about}{untypical})"
    if evidence.control is not None and claim.comparison not in ("above", "below"):
        verb = "includes" if overlaps else "excludes"
        return None, f"the interval {verb} it, but these jets are an untypical draw (see note)"
    word = "overlaps the accepted range" if overlaps else f"misses the accepted range, {_NOT_FAR}"
    return None, f"the 95 % interval {word}: it does not decide ({about}{untypical})"


def _order_on_sample(claim: Claim, measured: _Measured, about: str) -> tuple[bool | None, str]:
    wanted = _comparable(claim.expected)
    if not measured.shares:
        agrees = _comparable(measured.value) == wanted
        word = "as the paper states" if agrees else f"{_text(measured.value)}"
        return None, f"{about} give {word}, without an interval"
    share = measured.shares.get(_text(claim.expected), 0.0)
    reason = f"{share:.0%} of draws within the errors give this order"
    if share >= _STABLE:
        return True, f"{reason} ({about})"
    # Among many numbers no order comes often, the true one neither: only what is known to be
    # otherwise speaks against it.
    names = wanted if isinstance(wanted, list) else [wanted]
    known = _contradiction(names, measured.candidates)
    if known:
        return False, f"{known}, with {SURE:.2%} confidence ({about})"
    return None, f"{reason}, which nothing contradicts and takes 95 % to decide ({about})"


def _contradiction(names: Sequence[str], candidates: Mapping[str, Sequence[str]]) -> str | None:
    """Return what is known against these names being the leading ones in this order."""
    if not candidates:
        return None
    for place, name in enumerate(names):
        if name not in candidates:
            return f"{name} is not among the first {len(names)}"
        ahead = names[:place]
        for other, smaller in candidates.items():
            if name in smaller and other not in ahead:
                return f"{other} is larger than {name}"
    return None


def _accepted(claim: Claim, tolerance: Tolerance) -> tuple[float, float]:
    """Return the range of values that agree."""
    expected: Any = claim.expected
    infinity = float("inf")
    match claim.comparison:
        case "above":
            return expected, infinity
        case "below":
            return -infinity, expected
        case "between":
            return _widened(expected, tolerance)
        case _:
            allowed = tolerance.distance(expected)
            return expected - allowed, expected + allowed


def _widened(ends: Sequence[float], tolerance: Tolerance) -> tuple[float, float]:
    """Return a range with the tolerance of each end beyond it."""
    low, high = ends
    return low - tolerance.distance(low), high + tolerance.distance(high)


def _no_expectation(evidence: Evidence, *, simulated: bool) -> str:
    whose = (
        "the authors' weights on the paper's jets"
        if evidence.reproduces
        else ("own weights" if evidence.own_weights else _OTHER_JETS[simulated])
    )
    return f"no tolerance is set for {whose} ({evidence.description})"


def _comparable(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _entry(
    claim: Claim,
    measured: _Measured,
    tolerance: Tolerance | None,
    verdict: str,
    reason: str,
) -> dict[str, Any]:
    allowed = None
    if tolerance is not None and claim.comparison == "within":
        allowed = tolerance.distance(claim.expected)  # type: ignore[arg-type]
    elif tolerance is not None and claim.comparison == "between":
        allowed = max(map(tolerance.distance, claim.expected)) or None  # type: ignore[arg-type]
    return {
        "id": claim.id,
        "statement": claim.statement,
        "quantity": claim.quantity,
        "comparison": claim.comparison,
        "expected": _comparable(claim.expected),
        "got": measured.value,
        "interval": list(measured.interval) if measured.interval else None,
        "tolerance": allowed,
        "tolerance_reason": tolerance.reason if tolerance else "",
        "verdict": verdict,
        "reason": reason,
        "source": claim.source,
        "ours": claim.ours,
    }
