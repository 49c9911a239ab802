"""What tests of the commands on files of record 12102 have in common."""

import numpy as np
import torch
from hbb_files import make, write_originals, write_root, write_twin
from safetensors.torch import save_file

from repro.cli import main
from repro.models.tagger import untrained_tagger

N = 37
EMPTY = 5  # has neither tracks nor vertices
COUNTS = {
    "tracks": [0 if jet == EMPTY else 3 + jet for jet in range(N)],
    "vertices": [0 if jet == EMPTY else jet % 7 for jet in range(N)],
}
MADE = make(N, seed=1, counts=COUNTS)


def tagger_of(name="in:baseline"):
    """A network with seeded weights, for values as large as those of made-up jets."""
    tagger = untrained_tagger(name, 3)
    with torch.no_grad():
        tagger.network.classifier.weight.mul_(1e-3)
    return tagger


def save(tagger, path):
    state = {key: value.contiguous() for key, value in tagger.network.state_dict().items()}
    save_file(state, path)


def write_files(folder, made=MADE):
    """A file of each format, and weights."""
    write_root(made, folder / "jets.root")
    write_twin(made, folder / "twin.h5")
    write_originals(made, folder / "processed.h5")
    save(tagger_of(), folder / "weights.safetensors")
    return folder


def call(capsys, *arguments):
    """Exit status, output and errors of a command."""
    try:
        code = main(list(map(str, arguments)))
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def scored(capsys, file, *options, model="in"):
    """Scores that ``score`` writes, and the lines that it prints."""
    given = [] if "--weights" in options else ["--weights", "weights.safetensors"]
    code, out, err = call(capsys, "score", model, file, "--out", "s.npy", *given, *options)
    assert (code, err) == (0, "")
    return np.load("s.npy", allow_pickle=False), out.splitlines()
