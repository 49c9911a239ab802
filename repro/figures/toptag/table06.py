"""T6: PFN with the truth leak of the paper's first version (quirk B1), shown on purpose."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from repro.catalogue import Claim, load_claims
from repro.data.open_jets import open_jets
from repro.errors import BadInput, MissingData
from repro.features.pfn import pfn_features, pfn_inputs
from repro.features.samples import JetSource, Sample
from repro.features.truth_leak import leaky_pfn_inputs, transverse_imbalance
from repro.figures.context import Context
from repro.figures.performance import COLUMNS, in_points, layers_of, performance_row
from repro.metrics.intervals import Interval, auc_difference_interval, auc_interval
from repro.metrics.roc import rank_jets
from repro.models import pfn
from repro.models.cards import Card, find_card
from repro.models.dense import count_parameters
from repro.models.scores import probability_of_top, score
from repro.models.tagger import predict_logits
from repro.results.document import Result
from repro.results.evidence import Evidence, missing, rate
from repro.training.checkpoint import Checkpoint
from repro.training.examples import Examples
from repro.training.loop import Plan, train
from repro.training.preload import initialise
from repro.training.recipe import Recipe

__all__ = ["VARIANTS", "Halves", "Variant", "compute", "read_halves"]

Floats = NDArray[np.floating]

# By default as many jets as come with this package: training on all of the paper's takes hours.
_JETS = 12_000
# Of the jets to learn from, one in so many chooses the epoch.
_VALIDATION = 10
_BRIEFLY = Recipe(
    name="brief",
    learning_rate=1e-3,
    batch=100,
    epochs=4,
    schedule={"kind": "constant"},
    selection="loss",
    initialisation="torch",
    seed=0,
)
_SETTINGS = ("epochs", "batch", "learning_rate", "selection", "initialisation")
_COLUMNS = {
    "printed_auc": {"title": "AUC as printed [%]", "digits": 2},
    "printed_accuracy": {"title": "accuracy as printed [%]", "digits": 2},
    "printed_rejection_30": {"title": "rejection as printed", "digits": 2},
    **{name: COLUMNS[name] for name in ("phi", "f", "parameters", "jets")},
    "leak": {"title": "AUC with the leak [%]", "digits": 2},
    "control": {"title": "AUC without [%]", "digits": 2},
    "gain": {"title": "difference", "digits": 2},
}
_ASSUMED = (
    "latent_128 and latent_64 are the baseline with so many latent nodes; modified_v4 is assumed "
    "to have the layers of v4. Only the names of these variants are known."
)
_WHOLE = (
    "The leak is in the inputs, whatever a network makes of it: momenta across the axis balance "
    "about a jet's own axis and not about one with the truth in it. That imbalance alone, the row "
    "imbalance, has an AUC of {:.2f} % with the leak and of {:.2f} % without."
)
_TRAINED = (
    "Each variant is trained here twice, from the same start and on the same jets, for {} epochs "
    "on {:,} jets, {:,} others choosing the epoch; the authors had 1.2 million jets and up to 50 "
    "epochs. Intervals are those of the jets: two trainings as brief as these differ by more."
)
_CLEAN = "The row clean_weights is the PFN baseline that was trained without the leak."
_BRIEF = (
    "trained for {} epochs on {:,} jets, which is too brief to tell: without the leak the same "
    "training reaches {:.2f} %, and the published PFNs are above {:.2f} %"
)


@dataclass(frozen=True)
class Variant:
    """A row of the table as the first version printed it.

    Attributes:
        card: Its architecture, if it is known.
        auc: AUC [%] as printed.
        accuracy, rejection_30: Likewise, where they were.
    """

    card: Card | None
    auc: float
    accuracy: float | None = None
    rejection_30: float | None = None


@dataclass(frozen=True, eq=False)
class Halves:
    """The same jets with the leak and without it; one half to learn from, the other to judge by.

    Attributes:
        leaky: Inputs (n, 600) with the leak.
        clean: Inputs (n, 600) without it.
        labels: (n,).
        source: Where the jets are.
    """

    leaky: NDArray[np.float32]
    clean: NDArray[np.float32]
    labels: NDArray[np.int64]
    source: JetSource

    @property
    def learning(self) -> slice:
        """The first half but for its last tenth."""
        return slice(0, self.validation.start)

    @property
    def validation(self) -> slice:
        """The last tenth of the first half: these jets choose the epoch."""
        half = len(self.labels) // 2
        return slice(half - half // _VALIDATION, half)

    @property
    def judging(self) -> slice:
        """The second half."""
        return slice(len(self.labels) // 2, None)


def _variants() -> dict[str, Variant]:
    baseline, v4 = find_card("pfn"), find_card("pfn:v4")

    def with_latents(count: int) -> Card:
        return dataclasses.replace(
            baseline, variant=f"latent_{count}", phi=(*baseline.phi[:-1], count)
        )

    return {
        "baseline": Variant(baseline, 99.74, 97.72, 8778.87),
        "latent_128": Variant(with_latents(128), 99.74),
        "v9": Variant(None, 99.50),
        "latent_64": Variant(with_latents(64), 99.48),
        "modified_v7": Variant(None, 99.45),
        "modified_v4": Variant(v4, 99.16),
    }


VARIANTS = _variants()


def compute(context: Context) -> Result:
    """Train each known variant briefly with the leak, and again without it; judge by other jets.

    Both trainings begin with the same weights and see the same jets in the same order.  With
    the quirks off there is no leak at all.
    """
    halves = read_halves(context)
    labels = halves.labels[halves.judging]
    sample = _described(halves)
    evidence = {"": Evidence(rate(sample.kind, labels), sample.description, own_weights=True)}
    rows: dict[str, dict[str, Any]] = {}
    for name, variant in VARIANTS.items():
        rows[name] = _printed(variant)
        judged = tuple(f"rows.{name}.{column}" for column in ("auc", "accuracy", "rejection_30"))
        if variant.card is None:
            reason = f"the layers of {name} are not known, only its name and its AUC"
            evidence |= dict.fromkeys(judged, missing(reason))
            continue
        leaky, clean = _train(context, variant.card, halves)
        rows[name] |= {**_architecture(variant.card), **_areas(leaky, clean, labels)}
        too_brief = _too_brief(rows[name]["control"], halves)
        if too_brief:
            evidence |= dict.fromkeys(judged, missing(too_brief))
        else:
            rows[name] |= performance_row(leaky, labels, inclusive=False)
    judging = halves.leaky[halves.judging], halves.clean[halves.judging]
    tagger = context.tagger("pfn")
    leaky, clean = (score(tagger, inputs, context.device) for inputs in judging)
    rows["clean_weights"] = _architecture(tagger.card) | _compared(leaky, clean, labels)
    leaky, clean = map(transverse_imbalance, judging)
    rows["imbalance"] = _compared(leaky, clean, labels)
    evidence["rows.clean_weights"] = context.evidence(sample, tagger)
    evidence["rows.imbalance"] = dataclasses.replace(evidence[""], own_weights=False)
    ends = (rows["imbalance"][side].value for side in ("leak", "control"))
    return context.result(
        "toptag/table6",
        sample,
        [tagger],
        {"columns": _COLUMNS, "rows": rows},
        evidence=evidence,
        settings={
            "training_jets": len(halves.labels[halves.learning]),
            "validation_jets": len(halves.labels[halves.validation]),
            **{name: getattr(_BRIEFLY, name) for name in _SETTINGS},
        },
        notes=[
            _WHOLE.format(*ends),
            _TRAINED.format(
                _BRIEFLY.epochs,
                *(len(halves.labels[part]) for part in (halves.learning, halves.validation)),
            ),
            _CLEAN,
            _ASSUMED,
        ],
    )


def read_halves(context: Context) -> Halves:
    """Read the jets with the leak and without it.

    Raises:
        MissingData: If the source has no constituents or no truth momenta.
        BadInput: If a part of them has too few of a class.
    """
    jets = context.settings.jets or _JETS
    source = context.jet_source(jets=jets)
    parts = list(_parts(context, source, jets))
    leaky, clean, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = Halves(leaky, clean, labels, source)
    for part, fewest in ((found.learning, 1), (found.validation, 1), (found.judging, 2)):
        if np.bincount(labels[part], minlength=2).min() < fewest:
            raise BadInput(
                f"--jets {len(labels)}: too few of a class among those to learn from, to choose "
                "the epoch by, or to judge by: give more, of both classes"
            )
    return found


def _parts(
    context: Context, source: JetSource, jets: int
) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    with open_jets(source.path) as file:
        stop = min(jets, len(file))
        for part in context.progress(file.iter_jets(stop=stop), "preprocessing"):
            if not part.truth[part.labels == 1, 1:].any(axis=1).all():
                raise MissingData(
                    f"{source.path.name} has top jets without truth momenta, which this item is "
                    "about: use --data embedded or paper"
                )
            clean = pfn_inputs(part.four_momenta)
            corrected = context.settings.corrected
            leaky = clean if corrected else leaky_pfn_inputs(part.four_momenta, part.truth)
            yield leaky, clean, part.labels


def _train(context: Context, card: Card, halves: Halves) -> tuple[Floats, Floats]:
    """Return P(top) of the jets to judge by, after training with the leak and without it."""
    return (
        _train_on(context, card, halves, halves.leaky),
        _train_on(context, card, halves, halves.clean),
    )


def _train_on(context: Context, card: Card, halves: Halves, inputs: NDArray[np.float32]) -> Floats:
    def progress(steps: Iterable[Any], label: str) -> Iterable[Any]:
        return context.progress(steps, f"{card.variant}, {label}")

    learning, validation = (
        Examples(inputs[part], halves.labels[part], pfn_features(), halves.source.block)
        for part in (halves.learning, halves.validation)
    )
    recipe = _BRIEFLY.changed(seed=context.settings.seed)
    with torch.random.fork_rng(devices=()):
        network = pfn.build(card)
        initialise(network, recipe.initialisation, recipe.seed)
        network.to(context.device)
        train(
            network,
            learning,
            validation,
            Plan(recipe, context.device),
            Checkpoint("", network.state_dict(), {}),
            save=lambda _state: None,
            progress=progress,
        )
    return probability_of_top(predict_logits(network, inputs[halves.judging], context.device))


def _areas(leaky: Floats, clean: Floats, labels: NDArray[np.int64]) -> dict[str, Any]:
    """Return the AUC with the leak and without, in %."""
    leak, control = (in_points(auc_interval(rank_jets(s, labels))) for s in (leaky, clean))
    return {"jets": len(labels), "leak": leak, "control": control}


def _compared(leaky: Floats, clean: Floats, labels: NDArray[np.int64]) -> dict[str, Any]:
    """Return the same for one scorer of the same jets, with the difference."""
    gain = in_points(auc_difference_interval(leaky, clean, labels))
    return {**_areas(leaky, clean, labels), "gain": gain}


def _too_brief(control: Interval, halves: Halves) -> str | None:
    """Return why a training cannot tell, if it falls short of all published ones without leak."""
    floor = min(_lowest(claim) for claim in load_claims("toptag") if _is_published(claim))
    if control.value >= floor:
        return None
    jets = len(halves.labels[halves.learning])
    return _BRIEF.format(_BRIEFLY.epochs, jets, control.value, floor)


def _is_published(claim: Claim) -> bool:
    """Whether a claim is the AUC of a PFN as table 3 has it."""
    return claim.id.startswith("toptag/C10.auc.")


def _lowest(claim: Claim) -> float:
    expected = float(claim.expected)  # type: ignore[arg-type]
    return expected - (claim.replication.distance(expected) if claim.replication else 0.0)


def _printed(variant: Variant) -> dict[str, Any]:
    names = ("auc", "accuracy", "rejection_30")
    return {f"printed_{name}": getattr(variant, name) for name in names}


def _architecture(card: Card) -> dict[str, Any]:
    return {**layers_of(card), "parameters": count_parameters(pfn.build(card))}


def _described(halves: Halves) -> Sample:
    """Return the jets that are judged by; the data block names the others with them."""
    total, half = len(halves.labels), halves.judging
    return Sample(
        inputs=halves.leaky[half],
        labels=halves.labels[half],
        rows=np.arange(total)[half],
        kind="subset" if halves.source.is_paper else "other",
        description=f"the second half of the first {total:,} {halves.source.name}",
        data={
            **halves.source.block,
            "jets": total,
            "selection": f"first {total}: one half for training, the other to judge by",
        },
        family="pfn",
    )
