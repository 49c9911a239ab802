"""``repro bench``: how fast the taggers and their inputs are computed on this machine."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.options import (
    add_device,
    add_json,
    add_verbosity,
    add_weights,
    natural,
    positive,
)
from repro.errors import BadInput, MissingData

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from repro.figures.context import Context
    from repro.models.tagger import Tagger

__all__ = ["add_parser", "run"]

_SIMULATED = "embedded"
_TRACKS = "in"
"""The family that takes tracks and vertices, not constituents."""

_DESCRIPTION = """\
Measure how fast taggers compute, beside their plain versions, which compute all slots and pairs
and mask them, and beside the speed at which this machine multiplies matrices of the same sizes.
Masks that recompute what they touch are measured beside running the padded network again for each.
All of it is measured in one run, on the same jets; the Interaction Network (in), which takes tracks
and vertices, gets artificial ones in realistic numbers. Inputs of jets are measured as well.

OMP_NUM_THREADS=1 measures one thread; on a machine that does other things, more of them wait for
each other."""


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bench",
        help="measure how fast the taggers are on this machine",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL[:VARIANT]",
        help="which (default: topodnn mbns pfn pfin:sum pfin:cat in)",
    )
    parser.add_argument(
        "--data",
        default=_SIMULATED,
        metavar="embedded|PATH",
        help="the jets: simulated ones (default), or a file in the paper's format; not for in",
    )
    parser.add_argument(
        "--jets", type=positive, default=4000, metavar="N", help="how many (default: 4000)"
    )
    add_weights(parser, "random", "drawn with --seed: speed does not depend on them")
    add_device(parser)
    parser.add_argument(
        "--repeats",
        type=positive,
        default=3,
        metavar="R",
        help="the shortest of R times counts (default: 3)",
    )
    parser.add_argument("--seed", type=natural, default=0, metavar="S", help="of random weights")
    add_json(parser, "what was measured")
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print the table or the document."""
    from repro.benchmarks.features import (  # noqa: PLC0415 - slow
        count_jets,
        iter_jets,
        measure_features,
    )
    from repro.benchmarks.machine import describe_machine, peak_memory  # noqa: PLC0415
    from repro.benchmarks.masks import measure_masks  # noqa: PLC0415
    from repro.benchmarks.networks import (  # noqa: PLC0415
        DEFAULT_MODELS,
        measure_network,
    )
    from repro.benchmarks.report import document, table  # noqa: PLC0415
    from repro.features.registry import FAMILIES  # noqa: PLC0415
    from repro.figures.context import Context, Settings  # noqa: PLC0415
    from repro.models.cards import find_card  # noqa: PLC0415

    cards = [find_card(name) for name in arguments.models or DEFAULT_MODELS]
    settings = Settings(
        weights="auto" if arguments.weights == "random" else arguments.weights,
        device=arguments.device,
        seed=arguments.seed,
        quiet=arguments.verbosity < 0,
    )
    context = Context(settings)
    device = context.device
    families = {card.family for card in cards} - {_TRACKS}
    path = _data(arguments.data, arguments.jets, context) if families else None
    if path is None and arguments.data != _SIMULATED:
        raise BadInput(f"--data is for networks of constituents: {_TRACKS} gets artificial jets")
    jets = count_jets(path, arguments.jets) if path else arguments.jets
    # Before anything is measured: how busy the machine is without this run.
    machine = describe_machine(device)
    networks, masks = [], []
    for card in context.progress(cards, "networks"):
        tagger = _tagger(card.name, arguments, context)
        inputs = _inputs(tagger, path, jets, arguments.seed)
        networks.append(measure_network(tagger, inputs, arguments.repeats, device))
        first = next(_inputs(tagger, path, jets, arguments.seed))
        masks.append(measure_masks(tagger, first, arguments.repeats, device))
    # Without a choice of networks, inputs of all families.
    wanted = families if arguments.models else FAMILIES
    measured = next(iter_jets(path, jets)) if path else None
    features = measure_features(measured, arguments.repeats, wanted) if measured else []
    used = {
        "data": _name(path, arguments.data),
        "jets": jets,
        "weights": f"random, seed {arguments.seed}" if _random(arguments) else arguments.weights,
        "seed": arguments.seed,
        "repeats": arguments.repeats,
    }
    found = document(
        machine, used, networks, features, peak_memory(), masks=list(filter(None, masks))
    )
    print(json.dumps(found, indent=1) if arguments.json else "\n".join(table(found)))
    return 0


def _name(path: Path | None, chosen: str) -> str:
    if path is None:
        return "artificial jets"
    return path.name if chosen != _SIMULATED else f"simulated jets ({path.name})"


def _data(chosen: str, jets: int, context: "Context") -> Path:
    if chosen == _SIMULATED:
        return context.embedded(jets)
    if not Path(chosen).is_file():
        raise MissingData(f"no data at {chosen!r}: give embedded or a file")
    return Path(chosen)


def _inputs(
    tagger: "Tagger", path: Path | None, jets: int, seed: int
) -> "Iterator[NDArray[np.floating]]":
    """Yield what the network of a tagger gets: of the jets of a file, or of artificial ones."""
    from repro.benchmarks.artificial import iter_artificial_inputs  # noqa: PLC0415 - slow
    from repro.benchmarks.features import iter_jets  # noqa: PLC0415
    from repro.benchmarks.networks import iter_inputs_of_tagger  # noqa: PLC0415

    if path is None or tagger.card.family == _TRACKS:
        return iter_artificial_inputs(tagger, jets, seed)
    return iter_inputs_of_tagger(tagger, iter_jets(path, jets))


def _tagger(name: str, arguments: argparse.Namespace, context: "Context") -> "Tagger":
    from repro.models.tagger import untrained_tagger  # noqa: PLC0415 - slow

    return untrained_tagger(name, arguments.seed) if _random(arguments) else context.tagger(name)


def _random(arguments: argparse.Namespace) -> bool:
    return arguments.weights in ("auto", "random")
