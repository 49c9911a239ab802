"""Print what jets of hbb look like, class by class, and how a network does on them.

Jets are those of a file that ``repro simulate hbb`` wrote, or of any other file of record 12102:

    python scripts/describe_hbb.py jets.h5 --network in:baseline

Beside the quantiles of some spectators stand the mean numbers of tracks and vertices that a
network sees.  With a network, its AUC follows, of all jets and in bins of pT, unlabelled jets
being background.
"""

import argparse
import itertools

import numpy as np

from repro.data.hbb.branches import find_group
from repro.data.hbb.opening import open_table
from repro.data.pins import find_artifact
from repro.data.store import Store
from repro.metrics.intervals import auc_interval
from repro.metrics.roc import rank_jets
from repro.models.scores import score_tracks
from repro.models.tagger import load_tagger

QUANTILES = (5, 25, 50, 75, 95)
BINS = (200.0, 300.0, 400.0, 600.0, 1000.0, np.inf)


def main() -> None:
    """Read, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--network", metavar="in:LABEL")
    arguments = parser.parse_args()
    with open_table(arguments.file) as table:
        jets = table.read_jets()
    names = find_group("spectators").branches
    spectators = dict(zip(names, jets.spectators.T, strict=True))
    classes = {
        "H->bb": jets.labels == 1,
        "QCD": (jets.labels == 0) & ~jets.unlabelled,
        "unlabelled": jets.unlabelled,
    }
    quality = find_group("tracks").branches.index("track_quality")
    pt = find_group("vertices").branches.index("sv_pt")
    for name, chosen in classes.items():
        tracks = (jets.tracks[chosen, quality] != 0).sum(axis=1).mean()
        vertices = (jets.vertices[chosen, pt] != 0).sum(axis=1).mean()
        print(
            f"{name}: {chosen.sum():,} jets, {tracks:.1f} tracks and {vertices:.2f} vertices each"
        )
        for spectator in ("fj_pt", "fj_sdmass", "fj_tau21", "npfcands"):
            values = np.percentile(spectators[spectator][chosen], QUANTILES)
            print(f"  {spectator:10}", *(f"{value:8.3g}" for value in values))
    if arguments.network:
        store = Store()
        tagger = load_tagger(
            arguments.network, "authors", lambda name: store.fetch(find_artifact(name))
        )
        scores = score_tracks(tagger, jets.tracks, jets.vertices)
        for low, high in (BINS[:: len(BINS) - 1], *itertools.pairwise(BINS)):
            chosen = (spectators["fj_pt"] >= low) & (spectators["fj_pt"] < high)
            if len(set(jets.labels[chosen])) < 2:
                continue
            area = auc_interval(rank_jets(scores[chosen], jets.labels[chosen]))
            print(
                f"AUC from {low:.0f} to {high:.0f} GeV (%): {100 * area.value:.2f} "
                f"[{100 * area.low:.2f}, {100 * area.high:.2f}] on {chosen.sum():,} jets"
            )


if __name__ == "__main__":
    main()
