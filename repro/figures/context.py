"""What an item is computed with: the user's choices, and the data and models they lead to."""

import dataclasses
import functools
import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.catalogue import Item, find_item
from repro.data.hbb.jets import HbbJets
from repro.data.pins import find_artifact
from repro.data.progress import make_bar
from repro.data.store import Store
from repro.errors import MissingData
from repro.explain.problem import Problem
from repro.features.embedded import SHIPPED_PRESET, find_embedded, make_embedded
from repro.features.sample_streams import SampleStream
from repro.features.samples import (
    CONSTANT_FEATURES,
    Described,
    JetSource,
    Sample,
    find_jets,
    read_sample,
    stored_outputs,
    stream_sample,
)
from repro.figures.choices import (
    Settings,
    WeightChoice,
    check_weights,
    choose_source,
    trained_in_words,
)
from repro.figures.prepared import prepared
from repro.figures.recent import RecentSamples
from repro.figures.record_jets import RecordFiles, choose_record_files
from repro.figures.stopped import StoppedRuns
from repro.models.cards import find_card
from repro.models.host import choose_device
from repro.models.pfin import PfinNetwork
from repro.models.tagger import Tagger, load_tagger
from repro.results.document import Result
from repro.results.evidence import Evidence, rate, sample_control
from repro.results.provenance import pinned_files
from repro.simulation.extras import versions
from repro.simulation.workers import count_jets, processors

__all__ = ["Context", "Settings"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Context:
    """Loads data and models once for all items of a run.

    Attributes:
        settings: The user's choices.
        store: Where pinned files come from.
    """

    settings: Settings = field(default_factory=Settings)
    store: Store = field(default_factory=Store)

    def fetch(self, artifact_id: str) -> Path:
        """Return the local path of a pinned file."""
        return self.store.fetch(find_artifact(artifact_id), progress=not self.settings.quiet)

    def progress(self, steps: Iterable[Any], label: str) -> Iterable[Any]:
        """Show a bar on stderr while the steps go by."""
        return make_bar(steps, label=label, hidden=self.settings.quiet)

    def progress_of_jets(
        self, chunks: Iterable[HbbJets], label: str, *, done: int = 0, total: int | None = None
    ) -> Iterator[HbbJets]:
        """Show a bar that counts the jets of ``hbb`` while chunks of them go by.

        Args:
            chunks: Of the jets that the settings lead to.
            label: Stands before the bar.
            done: How many jets came before these.
            total: How many there are with those; by default all of them.
        """
        hidden = self.settings.quiet
        if total is None and not hidden:
            total = self.record.count
        with make_bar(label=label, hidden=hidden, total=total, initial=done, unit=" jets") as bar:
            for jets in chunks:
                yield jets
                bar.update(len(jets))

    @functools.cached_property
    def stopped(self) -> StoppedRuns:
        """What runs keep, should they be stopped."""
        return StoppedRuns(self.spool)

    @functools.cached_property
    def device(self) -> str:
        """The device to compute on.

        Raises:
            BadInput: If it is not there.
        """
        return choose_device(self.settings.device)

    @functools.cached_property
    def source(self) -> str:
        """The source of the jets: ``paper``, ``fixtures``, ``embedded`` or a path.

        Raises:
            MissingData: If there is no such source.
        """
        return choose_source(self.settings.data, self.store)

    @functools.cached_property
    def record(self) -> RecordFiles:
        """The jets of ``hbb``, of which there may be none.

        Raises:
            MissingData: If there are none of those that are asked for.
        """
        return choose_record_files(self.settings.data, self.settings.jets, self.store)

    def but(self, **changes: Any) -> "Context":
        """Return a context with other settings, of the same source and whose weights alike."""
        other = dataclasses.replace(
            self, settings=dataclasses.replace(self.settings, data=self.source, **changes)
        )
        # An open choice is made, and announced, once.
        vars(other).update(_weights=self._weights, stopped=self.stopped)
        return other

    @functools.cached_property
    def is_paper(self) -> bool:
        """Whether the jets are the paper's own, also if a path leads to them."""
        return self.source != "fixtures" and self.jet_source().is_paper

    def once(self, key: Hashable, compute: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return what several items of a run share: computed when it is first asked for.

        Args:
            key: Names it, with all that it depends on but this context's settings.
            compute: Returns it; should be small, for it is kept.
        """
        if key not in self._shared:
            self._shared[key] = compute()
        return self._shared[key]

    @functools.cached_property
    def _shared(self) -> dict[Hashable, Any]:
        return {}

    def check(self, papers: Iterable[str] = ("toptag",)) -> None:
        """Make sure that the chosen device, data and weights are there.

        Args:
            papers: Whose data.

        Raises:
            BadInput: If the device or the weights are not.
            MissingData: If the data are not.
        """
        sources = {"toptag": "source", "hbb": "record"}
        for name in ("device", *(sources[paper] for paper in papers)):
            getattr(self, name)
        check_weights(self.settings.weights)

    @functools.cached_property
    def _samples(self) -> RecentSamples:
        return RecentSamples()

    def sample(self, family: str, split: str = "test", jets: int | None = None) -> Sample:
        """Return the inputs of a split; a user's file and the fixtures have but one.

        What needs but one look at each jet takes :meth:`stream`.

        Args:
            family: ``topodnn``, ``mbns``, ``pfn``, ``pfin`` or ``augpfn``.
            split: ``train``, ``val`` or ``test``.
            jets: Use the first N jets; by default as many as the settings say.

        Raises:
            MissingData: If the source has no jets for this family.
            NotAvailable: If subjettiness has to be computed and FastJet is not installed.
        """
        key = (family, split, jets or self.settings.jets)
        return self._samples.get(
            key,
            lambda: read_sample(
                family, self.source, *key[1:], self.fetch, **self._reading, spool=self.spool
            ),
        )

    def stream(self, family: str, jets: int | None = None) -> SampleStream:
        """Return the inputs of the test jets a part at a time, as :meth:`sample`.

        Raises:
            MissingData: If the source has no jets for this family.
            NotAvailable: While it is read, if subjettiness has to be computed and FastJet is not
                installed.
        """
        count = jets or self.settings.jets
        return stream_sample(family, self.source, "test", count, self.fetch, **self._reading)

    @property
    def spool(self) -> Path | None:
        """The folder for what does not fit into memory; None if no place is known for files."""
        try:
            return self.store.directory
        except MissingData:
            return None

    @property
    def _reading(self) -> dict[str, Any]:
        return {
            "progress": self.progress,
            "embedded": self.embedded,
            "corrected": self.settings.corrected,
        }

    def topodnn_sample(self, split: str = "test", jets: int | None = None) -> Sample:
        """Return the TopoDNN inputs of a split; see :meth:`sample`."""
        return self.sample("topodnn", split, jets)

    def jet_source(self, split: str = "test", jets: int | None = None) -> JetSource:
        """Return the file with the constituents of at least so many jets of a split.

        Raises:
            MissingData: If the source has no constituents.
        """
        return find_jets(
            self.source, split, jets or self.settings.jets, self.fetch, embedded=self.embedded
        )

    def embedded(self, jets: int | None = None, preset: str = SHIPPED_PRESET) -> Path:
        """Return a file of simulated jets: the shipped one, or a larger one made in the cache.

        Args:
            jets: At least so many; if not given, what is at hand.
            preset: How they are simulated.

        Raises:
            NotAvailable: If they have to be simulated and the extra ``simulate`` is missing.
            MissingData: If none are at hand and no number is given.
        """
        found = find_embedded(preset, jets)
        if found is not None:
            return found
        if jets is None:
            raise MissingData(f"no jets of the preset {preset} are at hand: --jets N makes them")
        versions()  # complains before anything is announced
        _LOG.warning("simulating %s jets (%s) into the cache, this once", f"{jets:,}", preset)
        return make_embedded(preset, jets, processors(), self._count_jets)

    def _count_jets(self, tasks: Iterable[Any], total: int, made: int) -> Iterable[Any]:
        return count_jets(tasks, total, made, hidden=self.settings.quiet)

    @functools.cached_property
    def _taggers(self) -> dict[str, Tagger]:
        return {}

    def tagger(self, name: str) -> Tagger:
        """Return a tagger with the weights that the settings ask for.

        Those of a model whose weights the authors did not publish are the package's own.
        """
        if name not in self._taggers:
            weights = self._weights.source_of(find_card(name))
            tagger = load_tagger(name, weights, self.fetch)
            if isinstance(tagger.network, PfinNetwork):
                tagger.network.stable_mass = self.settings.corrected
            self._taggers[name] = tagger
        return self._taggers[name]

    @functools.cached_property
    def _weights(self) -> WeightChoice:
        return WeightChoice(self.settings.weights, self.store)

    def evidence(self, sample: Described, *taggers: Tagger) -> Evidence:
        """Return what numbers from this sample, and from these taggers if any, rest on."""
        control, kind = None, rate(sample.kind, sample.labels)
        if sample.data["source"] == "fixtures" and kind != "few":
            control = sample_control(*stored_outputs(self.fetch), sample.rows)
        own = any(tagger.own_weights for tagger in taggers)
        return Evidence(kind, sample.description + trained_in_words(taggers), own, control)

    def problem(self, sample: Sample, tagger: Tagger) -> Problem:
        """Return the problem of explaining a tagger on a sample."""
        return Problem(
            network=tagger.network,
            inputs=prepared(tagger, sample.inputs, sample.features),
            labels=sample.labels,
            features=tuple(sample.features[i] for i in tagger.card.columns(sample.features)),
            skip=CONSTANT_FEATURES if sample.family == "topodnn" else (),
            device=self.device,
            seed=self.settings.seed,
            progress=self.progress,
            spool=self.spool,
        )

    def result(
        self,
        item_id: str,
        sample: Described,
        taggers: Iterable[Tagger],
        values: Mapping[str, Any],
        *,
        evidence: Mapping[str, Evidence] | None = None,
        settings: Mapping[str, Any] | None = None,
        notes: Iterable[str] = (),
        further_weights: Iterable[Mapping[str, Any]] = (),
    ) -> Result:
        """Return the result of an item; ``evidence`` adds to that of the sample, or replaces it.

        ``further_weights`` are of networks that values rest on, and that were not run.
        """
        item: Item = find_item(item_id)
        taggers = tuple(taggers)
        given = dict(evidence or {})
        if "" not in given:
            given = {"": self.evidence(sample, *taggers), **given}
        read = pinned_files(item, sample.data["source"])
        weights = [
            {"model": tagger.card.name, **vars(file)}
            for tagger in taggers
            for file in tagger.weights
        ]
        run = {entry["sha256"] for entry in weights}
        remarks = {entry.control for entry in given.values() if entry.control}
        corrected = self.settings.corrected and bool(item.quirks)
        if self.settings.corrected and not corrected:
            remarks.add("No quirk of the originals enters this item: --corrected changes nothing.")
        return Result(
            item=item.id,
            title=item.title,
            publication_label=item.publication_label,
            data={**sample.data, "files": [*sample.data.get("files", ()), *read]},
            weights=[
                *weights,
                *(entry for entry in further_weights if entry["sha256"] not in run),
            ],
            settings={
                "corrected": corrected,
                "seed": self.settings.seed,
                **(settings or {}),
            },
            values=values,
            evidence=given,
            notes=[*notes, *sorted(remarks)],
        )
