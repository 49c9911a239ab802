"""The samples of a configuration: what is simulated or converted for them, and their files.

Runs with Python 3.8 and nothing else, as Snakemake reads it where the package is not installed.
"""

from __future__ import annotations

import hashlib
from typing import Any

__all__ = ["CHUNK_JETS", "FILE_JETS", "Samples"]

CHUNK_JETS = {"toptag": 500, "hbb": 600}
"""Jets of a chunk of ``repro simulate``."""

FILE_JETS = 200_000
"""Jets of a file of record 12102."""


class Samples:
    """Samples by their names.

    Args:
        samples: As the configuration has them.
    """

    def __init__(self, samples: dict[str, dict[str, Any]]) -> None:
        self.samples = samples

    def paper_of_sample(self, sample: str) -> str:
        """Return the paper whose jets a sample has: record 12102 is of hbb."""
        return self.samples[sample].get("paper", "hbb")

    def jets(self, sample: str) -> int:
        """Return how many jets a sample has."""
        entry = self.samples[sample]
        return entry["jets"] if "jets" in entry else FILE_JETS * len(entry["files"])

    def simulation(self, sample: str) -> str:
        """Return what 'repro simulate' is given for a sample, but the file and the chunks."""
        entry = self.samples[sample]
        words = "{paper} --preset {preset} --seed {seed} --jets {jets}".format(**entry)
        return words + (" --packed" if entry.get("packed", True) else "")

    def content(self, sample: str) -> str:
        """Return what the jets of a sample follow from, and what a training calls its files."""
        entry = self.samples[sample]
        if "jets" in entry:
            return f"{sample}.h5: {self.simulation(sample)}"
        return "{}: {}".format(entry["split"], entry["files"])

    def identity(self, sample: str) -> str:
        """Return a name for the folder of the chunks: those of other jets have another."""
        return hashlib.sha256(self.content(sample).encode()).hexdigest()[:16]

    def chunks(self, sample: str) -> list[tuple[int, int]]:
        """Return the first and the last chunk, which is left out, of each job."""
        entry = self.samples[sample]
        count = -(-entry["jets"] // CHUNK_JETS[entry["paper"]])
        size = entry.get("chunks_per_job", 1)
        return [(first, min(first + size, count)) for first in range(0, count, size)]

    def files(self, sample: str) -> list[str]:
        """Return the files of a sample, in the folder of samples."""
        if "jets" in self.samples[sample]:
            return [sample + ".h5"]
        return [f"{sample}/{number}.h5" for number in self.samples[sample]["files"]]

    @property
    def sample_files(self) -> list[str]:
        """The files of all samples."""
        return [path for sample in self.samples for path in self.made(sample)]

    def record_file(self, sample: str, number: str) -> str:
        """Return what the package calls a file of the record."""
        split = self.samples[sample]["split"]
        return f"hbb/record/{split}/ntuple_merged_{number}.h5"

    def made(self, sample: str) -> list[str]:
        """Return the files of a sample, in the folder of results."""
        return ["samples/" + path for path in self.files(sample)]
