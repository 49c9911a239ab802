"""What comes with the package is what the code makes, and rounding it costs next to nothing."""

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")
pytest.importorskip("awkward")

from repro.data.hbb.derived import derive
from repro.data.hbb.measured import KINDS, join_measured
from repro.data.hbb.measured_file import MeasuredTable
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.figures.record_jets import EMBEDDED
from repro.models.scores import score_tracks
from repro.models.tagger import load_tagger
from repro.simulation.hbb.chunk import HbbTask, _batch, _generator, make_source
from repro.simulation.hbb.settings import load_settings

pytestmark = pytest.mark.slow


def source(name):
    return next(i for i, one in enumerate(load_settings().sources) if one.name == name)


def test_shipped_jets_are_made_again():
    """Those of one process in the first chunk, which the others do not influence."""
    number = source("graviton 1400")
    with MeasuredTable.open(shipped_path(find_artifact(EMBEDDED))) as table:
        chunk = table.read_measured(0, load_settings().chunk_jets)
    shipped = chunk.take(chunk.jets["source"] == number)
    made = make_source(HbbTask("window", 1, 0, 600), number, len(shipped))
    assert len(shipped) == load_settings().sources[number].shares["window"]
    for kind in KINDS:
        for name, column in made.values(kind).items():
            np.testing.assert_array_equal(column, shipped.values(kind)[name], err_msg=name)


def test_rounding_hardly_moves_scores(store):
    tagger = load_tagger("in:baseline", "authors", lambda name: store.fetch(find_artifact(name)))
    parts = []
    for name in ("graviton 2000", "dijets 600 to 800"):
        generator = _generator(source(name)).seed(5)
        rng = np.random.default_rng(6)
        parts.append(_batch(generator, "window", source(name), rng))
    exact = join_measured(parts)
    scores = [
        score_tracks(tagger, derive(jets, "tracks"), derive(jets, "vertices"))
        for jets in (exact, exact.rounded())
    ]
    assert len(exact) > 60
    assert scores[0].std() > 0.3  # both classes, and the network knows it
    moved = np.abs(scores[1] - scores[0])
    assert 0 < moved.mean() < 5e-4
    assert moved.max() < 0.02
