#!/usr/bin/env python3
r"""Time the authors' own networks beside the package's, on the same weights, jets and batches.

    git clone https://github.com/FAIR4HEP/xAI4toptagger
    git clone https://github.com/FAIR4HEP/hbb_interaction_network
    python scripts/time_authors.py --toptag xAI4toptagger --hbb hbb_interaction_network \
        --out docs/measured/authors.json

Their files are run as they are, from the folders that are given; nothing of them is in this
repository.  Two things are timed on the shipped jets: scoring, in batches of the authors' size, and
a training step on such a batch, without the optimiser.  They take turns.  Set OMP_NUM_THREADS=1 for
one thread.
"""

import argparse
import functools
import importlib.util
import json
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.benchmarks.features import iter_jets
from repro.benchmarks.machine import describe_machine
from repro.benchmarks.networks import authors_batch_of, iter_inputs_of_tagger
from repro.benchmarks.timing import measure_times
from repro.data.atomic import write_atomically
from repro.data.callbacks import silent
from repro.data.hbb.features import (
    TRACK_SLOTS,
    VERTEX_SLOTS,
    track_features,
    vertex_features,
)
from repro.data.integrity import hash_file
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.errors import BadInput, MissingData, ReproError, UnknownName
from repro.features.embedded import SHIPPED
from repro.figures.record_jets import EMBEDDED
from repro.models import interaction, mbns, pfin, pfn
from repro.models.cards import Card
from repro.models.particles import split_slots
from repro.models.tagger import Tagger, untrained_tagger
from repro.training.track_examples import read_track_examples

LARGEST_DIFFERENCE = {torch.float32: 1e-4, torch.float64: 1e-9}
"""Of logits that are the same but for rounding, relative to the largest."""


@dataclass(frozen=True)
class Original:
    """A network of the authors.

    Attributes:
        paper: Whose repository it is in.
        file: Where it is there.
        build: From the module and a card to the network, which gives logits.
        arguments: From the package's inputs to those of the network.
        names: From a card to the package's names of layers by the authors'.
    """

    paper: str
    file: str
    build: Callable[[Any, Card], nn.Module]
    arguments: Callable[[Tensor, nn.Module], tuple[Tensor, ...]]
    names: Callable[[Card], Mapping[str, str]]


def _pfn(name: str, module: Any, card: Card) -> nn.Module:
    kind = getattr(module, name)
    found: nn.Module = kind(
        input_dims=3, Phi_sizes=card.phi, F_sizes=card.hidden, for_inference=False
    )
    return found


def _pfin(module: Any, card: Card) -> nn.Module:
    found: nn.Module = module.PFIN(
        Phi_sizes=card.phi,
        F_sizes=card.hidden,
        PhiI_nodes=card.phi_pair[0],
        interaction_mode=card.mode,
        for_inference=False,
        device=torch.device("cpu"),
    )
    return found


def _mbns(module: Any, card: Card) -> nn.Module:
    network: nn.Module = module.Net(hidden=list(card.hidden))
    network.softmax = nn.Identity()
    return network


def _interaction(module: Any, card: Card) -> nn.Module:
    hidden, _ = card.hidden
    network: nn.Module = module.GraphNet(
        TRACK_SLOTS,
        2,
        len(track_features()),
        hidden,
        VERTEX_SLOTS,
        len(vertex_features()),
        De=card.edge_features,
        Do=card.node_features,
    )
    return network


def _slots(inputs: Tensor, network: nn.Module) -> tuple[Tensor, Tensor, Tensor]:
    """Return the constituents, the mask (n, 1, slots), and the columns after them."""
    slots, rest = split_slots(inputs, network.slots)  # type: ignore[arg-type]
    return slots, (slots[..., 0] != 0).to(inputs)[:, None], rest


def _pfin_arguments(inputs: Tensor, network: nn.Module) -> tuple[Tensor, ...]:
    slots, mask, jets = _slots(inputs, network)
    # Theirs has energy, mass and pt of the jet as well, and the network reads none of them.
    about = inputs.new_zeros(len(inputs), 7)
    about[:, [5, 3, 4, 6]] = jets
    return slots, about, mask


ORIGINALS = {
    "mbns": Original(
        "toptag",
        "models/Multi-Body/multimodel.py",
        _mbns,
        lambda inputs, _: (inputs,),
        mbns.authors_names,
    ),
    "pfn": Original(
        "toptag",
        "models/PFN/pfn_model.py",
        functools.partial(_pfn, "ParticleFlowNetwork"),
        lambda inputs, network: _slots(inputs, network)[:2],
        pfn.authors_names,
    ),
    "augpfn": Original(
        "toptag",
        "models/PFN/augmented_pfn_model.py",
        functools.partial(_pfn, "AugParticleFlowNetwork"),
        _slots,
        pfn.authors_names,
    ),
    "in": Original(
        "hbb",
        "src/models/models.py",
        _interaction,
        lambda inputs, network: network.split(inputs),  # type: ignore[operator]
        interaction.authors_names,
    ),
    **dict.fromkeys(
        ("pfin:sum", "pfin:cat"),
        Original("toptag", "models/PFIN/PFIN.py", _pfin, _pfin_arguments, pfin.authors_names),
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Time what there is; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    known = ", ".join(ORIGINALS)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {known} (default: all)")
    parser.add_argument("--toptag", type=Path, help="a clone of FAIR4HEP/xAI4toptagger")
    parser.add_argument("--hbb", type=Path, help="a clone of FAIR4HEP/hbb_interaction_network")
    parser.add_argument("--jets", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args(argv)
    folders = {"toptag": arguments.toptag, "hbb": arguments.hbb}
    try:
        names = arguments.models or [
            name for name, original in ORIGINALS.items() if folders[original.paper]
        ]
        if not names:
            raise MissingData("no network to time: give --toptag or --hbb")
        for name in names:
            if name not in ORIGINALS:
                raise UnknownName(f"no network {name!r}: choose from {known}")
        found = [
            measure(name, folders[ORIGINALS[name].paper], arguments.jets, arguments.repeats)
            for name in names
        ]
        for entry in found:
            print(json.dumps(entry))
        if arguments.out:
            document = {"machine": describe_machine("cpu"), "networks": found}
            write_atomically(arguments.out, f"{json.dumps(document, indent=1)}\n".encode())
    except ReproError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def measure(name: str, folder: Path | None, jets: int, repeats: int) -> dict[str, Any]:
    """Time a network and its original on the same jets.

    Raises:
        MissingData: If the original is not there.
        BadInput: If the two do not give the same logits.
    """
    original = ORIGINALS[name]
    path = folder / original.file if folder else None
    if path is None or not path.is_file():
        raise MissingData(f"no {original.file}: give --{original.paper} a clone of the repository")
    tagger = untrained_tagger(name)
    inputs = torch.from_numpy(inputs_of(tagger, jets))
    theirs = original.build(load(path), tagger.card).to(inputs.dtype).eval()
    take_weights(theirs, tagger, original.names(tagger.card))
    labels = torch.arange(len(inputs)) % 2
    batch = authors_batch_of(tagger.card.family)
    batches = torch.split(inputs, batch)
    given = [original.arguments(part, tagger.network) for part in batches]

    def ours_scored() -> Tensor:
        with torch.inference_mode():
            return torch.cat([tagger.network(part) for part in batches])

    def theirs_scored() -> Tensor:
        with torch.inference_mode():
            return torch.cat([theirs(*part) for part in given])

    def step(network: nn.Module, part: Sequence[Tensor]) -> None:
        network.zero_grad()
        functional.cross_entropy(network(*part), labels[:batch]).backward()

    first, second = (scored().double() for scored in (theirs_scored, ours_scored))
    difference = float((first - second).abs().max() / first.abs().max())
    if not difference < LARGEST_DIFFERENCE[inputs.dtype]:
        raise BadInput(f"{path} gives other logits than {name}: is it the file that was published?")
    runs = [ours_scored, theirs_scored]
    runs += [lambda: step(tagger.network, batches[:1]), lambda: step(theirs, given[0])]
    times = measure_times(runs, repeats)
    counts = (len(inputs), len(inputs), len(batches[0]), len(batches[0]))
    rates = [taken.rates(count) for taken, count in zip(times, counts, strict=True)]
    return {
        "model": tagger.card.name,
        "file": original.file,
        "sha256": hash_file(path),
        "jets": len(inputs),
        "batch": batch,
        "largest_difference": difference,
        "scored_per_second": rates[0],
        "authors_scored_per_second": rates[1],
        "trained_per_second": rates[2],
        "authors_trained_per_second": rates[3],
    }


def load(path: Path) -> Any:
    """Import a file; what it prints with need not be installed."""
    missing = "torchinfo" not in sys.modules and importlib.util.find_spec("torchinfo") is None
    if missing:
        sys.modules["torchinfo"] = types.SimpleNamespace(summary=print)  # type: ignore[assignment]
    spec = importlib.util.spec_from_file_location(f"authors_{path.stem}", path)
    assert spec is not None  # noqa: S101 - a path of a Python file has one
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    finally:
        if missing:
            del sys.modules["torchinfo"]
    return module


def take_weights(theirs: nn.Module, tagger: Tagger, names: Mapping[str, str]) -> None:
    """Give the authors' network the weights of a tagger."""
    ours = tagger.network.state_dict()
    state = {
        f"{layer}.{leaf}": ours[f"{mine}.{leaf}"]
        for layer, mine in names.items()
        for leaf in ("weight", "bias")
    }
    theirs.load_state_dict(state)


def inputs_of(tagger: Tagger, jets: int) -> np.ndarray[Any, Any]:
    """Return the inputs of the first shipped jets."""
    if tagger.card.family == "in":
        path = shipped_path(find_artifact(EMBEDDED))
        return read_track_examples([path], tagger, jets, silent).inputs
    parts = iter_jets(shipped_path(find_artifact(SHIPPED)), jets)
    return np.concatenate(list(iter_inputs_of_tagger(tagger, parts)))


if __name__ == "__main__":
    sys.exit(main())
