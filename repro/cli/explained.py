"""What ``repro explain`` explains: one entry for what a family of taggers sees of a jet.

A new kind of jets is one more entry of :data:`EXPLAINED`.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repro.errors import BadInput

if TYPE_CHECKING:
    from repro.data.hbb.labels import Unlabelled
    from repro.explain.problem import Problem
    from repro.figures.context import Context
    from repro.models.tagger import Tagger

__all__ = ["EXPLAINED", "Explained", "Found"]

_FIT_TRACKS = "activation_patterns, integrated_gradients, lrp, occlusion, permutation"


@dataclass(frozen=True, eq=False)
class Found:
    """Jets of a file, with the tagger that is explained on them.

    Attributes:
        problem: What a method takes.
        description: The jets in words.
        data: Where they are from, as a result has it.
        settings: What else was chosen of them.
    """

    problem: "Problem"
    description: str
    data: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Explained:
    """How taggers of some kind of jets are explained on a file.

    Attributes:
        find: Returns the jets of the file in the arguments, and the problem.
        options: By method, what the study of these taggers set otherwise than the method's
            defaults, which are those of the top taggers' study.
        unfit: Methods that do not work on them.
    """

    find: Callable[[argparse.Namespace, "Context", "Tagger"], Found]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unfit: tuple[str, ...] = ()

    def check_method(self, name: str) -> None:
        """Raise if a method does not fit.

        Raises:
            BadInput: If it does not.
        """
        if name in self.unfit:
            raise BadInput(
                f"{name} takes dense networks of single columns, and the features of in take up "
                f"several: choose from {_FIT_TRACKS}"
            )


def _find_constituents(
    arguments: argparse.Namespace, context: "Context", tagger: "Tagger"
) -> Found:
    from repro.figures.context import Context  # noqa: PLC0415 - imports torch
    from repro.figures.latent import particle_problem  # noqa: PLC0415
    from repro.figures.shap import explained_jets  # noqa: PLC0415

    family = tagger.card.family
    sample = context.sample(family)
    if arguments.method == "kernel_shap":
        sample = explained_jets(sample, arguments.seed)
    on_particles = family in ("pfn", "pfin", "augpfn", "leakypfn")
    make = particle_problem if on_particles else Context.problem
    return Found(make(context, sample, tagger), sample.description, sample.data)


def _find_tracks(arguments: argparse.Namespace, context: "Context", tagger: "Tagger") -> Found:
    from repro.data.hbb.streaming import is_address  # noqa: PLC0415 - with numpy, as all below
    from repro.features.record_rows import RecordRows  # noqa: PLC0415
    from repro.figures.record_jets import files_at  # noqa: PLC0415
    from repro.figures.tracks import columns_of, track_problem  # noqa: PLC0415

    files = files_at(arguments.file, arguments.jets, context.store)
    policy: Unlabelled = arguments.unlabelled or "background"
    jets = RecordRows(
        files.paths,
        limit=files.limit,
        unlabelled=policy,
        repair=bool(arguments.repair),
        columns=columns_of(tagger),
    )
    counted = {
        "hbb": int(jets.labels.sum()),
        "others": int((jets.labels == 0).sum()),
        "unlabelled": int(jets.unlabelled.sum()),
    }
    about = (
        f"{files.describe(len(jets))}: {counted['hbb']:,} H->bb and {counted['others']:,} others, "
        f"{counted['unlabelled']:,} of them unlabelled"
    )
    problem = track_problem(context, jets, jets.labels, tagger)
    if is_address(arguments.file):
        problem = problem.in_memory()  # methods go over the jets more than once
    data = {**files.data(len(jets), jets.read), "classes": counted}
    return Found(problem, about, data, {"unlabelled": policy, "repair": bool(arguments.repair)})


EXPLAINED: Mapping[str, Explained] = {
    "constituents": Explained(_find_constituents),
    "tracks": Explained(
        _find_tracks,
        {
            "occlusion": {"replacement": "zero"},
            "lrp": {"biases": False, "outliers": "kept", "signed": True},
        },
        ("correlation", "kernel_shap", "mad_relevance", "mean_behaviour"),
    ),
}
"""By what a family sees, see :func:`repro.features.registry.objects_of`."""
