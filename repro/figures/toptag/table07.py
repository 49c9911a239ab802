"""T7: properties of the explanation methods, published marks beside measured ones."""

from repro.catalogue import load_claims
from repro.explain.properties import PROPERTIES
from repro.explain.registry import find_method
from repro.features.sample_streams import no_jets
from repro.figures.context import Context
from repro.results.document import Result
from repro.results.evidence import Evidence

__all__ = ["compute"]

_NO_JETS = no_jets("no jets", "made-up networks and inputs")
_METHODS = {
    "occlusion": "ΔAUC",
    "kernel_shap": "SHAP",
    "lrp": "LRP",
    "activation_patterns": "RNA and NAP",
    "mad_relevance": "MAD",
    "permutation": "permutation",
    "integrated_gradients": "integrated gradients",
    "mean_behaviour": "mean-behaviour LRP",
}
_PUBLISHED = ("occlusion", "kernel_shap", "lrp", "activation_patterns")
_TITLES = {
    "scalable": "scales with the number of inputs",
    "local": "explains a single jet",
    "global": "explains a set of jets",
    "forward": "needs forward passes",
    "backward": "needs weights or gradients",
    "spurious": "fooled by an input that adds nothing",
    "complexity": "shows what the network does not use",
    "retraining": "needs retraining",
}
_ABOUT = "on made-up networks, jets do not enter: {}"
_MARKS = (
    "Each cell is the measured answer, and in brackets the published mark. A '~' there is a mark "
    "that our copy of the talk does not show clearly, yes or partly; it is not judged. The last "
    "four methods are not in the published table."
)


def compute(context: Context) -> Result:
    """Measure each property of each method; see :mod:`repro.explain.properties`."""
    published = {claim.value: claim.expected for claim in load_claims("toptag")}
    found: dict[str, dict[str, dict[str, str]]] = {}
    evidence = {"": Evidence("complete", "experiments with made-up networks")}
    rows: dict[str, dict[str, str]] = {}
    for name, title in _TITLES.items():
        found[name], rows[title] = {}, {}
        for method in context.progress(_METHODS, name):
            finding = PROPERTIES[name](find_method(method))
            found[name][method] = {"value": finding.answer, "about": finding.about}
            path = f"properties.{name}.{method}"
            evidence[path] = Evidence("complete", _ABOUT.format(finding.about))
            mark = published.get(path, "~")
            stated = f" ({mark})" if method in _PUBLISHED else ""
            rows[title][method] = f"{finding.answer}{stated}"
    values = {
        "properties": found,
        "columns": {name: {"title": title} for name, title in _METHODS.items()},
        "rows": rows,
    }
    return context.result("toptag/table7", _NO_JETS, [], values, evidence=evidence, notes=[_MARKS])
