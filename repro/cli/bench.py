"""``repro bench``: how fast the taggers and their inputs are computed on this machine."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.benched import (
    TRACKS,
    has_random_weights,
    inputs_of,
    problem_of,
    tagger_of,
    trained_tagger,
)
from repro.cli.options import (
    add_device,
    add_json,
    add_verbosity,
    add_weights,
    natural,
    positive,
)
from repro.data.atomic import check_writable, write_atomically
from repro.errors import BadInput, MissingData

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Sequence

    from repro.benchmarks.compiled import CompiledSpeed
    from repro.benchmarks.features import FeatureSpeed
    from repro.benchmarks.masks import MaskSpeed
    from repro.benchmarks.methods import MethodSpeed
    from repro.benchmarks.networks import NetworkSpeed
    from repro.benchmarks.precisions import PrecisionSpeed
    from repro.figures.context import Context
    from repro.models.cards import Card

__all__ = ["add_parser", "run"]

_SIMULATED = "embedded"

_PARTS = ("networks", "masks", "methods", "inputs")

_DESCRIPTION = """\
Measure how fast taggers compute, beside their plain versions, which compute all slots and pairs
and mask them, and beside the speed at which this machine multiplies matrices of the same sizes.
Masks that recompute what they touch are measured beside running the padded network again for each,
explanation methods beside plain loops, captum and shap, whose numbers are compared. All of it is
measured in one run, on the same jets; the Interaction Network (in), which takes tracks and
vertices, gets artificial ones in realistic numbers, and is explained on simulated ones. Inputs of
jets are measured as well. What is compared takes turns; medians count, and quartiles are written.

With --precision, scores and explanations in each precision: throughput, AUC, memory, and the share
of what the device could do. With --compile, networks compiled by torch, on CUDA as graphs as well.

OMP_NUM_THREADS=1 measures one thread; on a machine that does other things, more of them wait for
each other."""

_EPILOG = """\
examples:
  repro bench --out bench.json
  repro bench pfn in --only methods --explained 128
  repro bench --device cuda --precision fp32,tf32,bf16 --jets 12000"""


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bench",
        help="measure how fast the taggers are on this machine",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL[:VARIANT]",
        help="which (default: topodnn mbns pfn augpfn pfin:sum pfin:cat in)",
    )
    parser.add_argument(
        "--data",
        default=_SIMULATED,
        metavar="embedded|PATH",
        help="the jets: simulated ones (default), or a file in the paper's format; not for in",
    )
    parser.add_argument(
        "--jets",
        type=positive,
        default=4000,
        metavar="N",
        help="how many go through the networks (default: 4000); --explained is for methods",
    )
    add_weights(parser, "random", "drawn with --seed: speed does not depend on them")
    add_device(parser)
    parser.add_argument(
        "--repeats",
        type=positive,
        default=3,
        metavar="R",
        help="the median of R times counts (default: 3)",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=_PARTS,
        metavar="PART",
        help=f"measure this alone; may be repeated: {', '.join(_PARTS)}",
    )
    parser.add_argument(
        "--explained",
        type=positive,
        default=64,
        metavar="N",
        help="jets that methods explain, 16 times as many of dense networks (default: 64)",
    )
    parser.add_argument(
        "--precision",
        default="",
        metavar="P,P",
        help="also measure in these precisions: fp32, tf32 (CUDA), bf16",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="also measure networks compiled by torch.compile, on CUDA with its graphs as well",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the document there")
    parser.add_argument("--seed", type=natural, default=0, metavar="S", help="of random weights")
    add_json(parser, "what was measured")
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print the table or the document."""
    if arguments.out and arguments.out.suffix != ".json":
        raise BadInput(f"--out {arguments.out}: give a name that ends in .json")
    if arguments.out:
        check_writable(arguments.out)
    from repro.benchmarks.features import count_jets  # noqa: PLC0415 - slow, as all below
    from repro.benchmarks.machine import describe_machine, peak_memory  # noqa: PLC0415
    from repro.benchmarks.networks import DEFAULT_MODELS  # noqa: PLC0415
    from repro.benchmarks.precisions import check_precisions  # noqa: PLC0415
    from repro.benchmarks.report import document, table  # noqa: PLC0415
    from repro.figures.context import Context, Settings  # noqa: PLC0415
    from repro.models.cards import find_card  # noqa: PLC0415

    cards = [find_card(name) for name in arguments.models or DEFAULT_MODELS]
    settings = Settings(
        data=arguments.data,
        weights="auto" if arguments.weights == "random" else arguments.weights,
        device=arguments.device,
        seed=arguments.seed,
        quiet=arguments.verbosity < 0,
    )
    context = Context(settings)
    precisions = list(filter(None, arguments.precision.split(",")))
    check_precisions(precisions, context.device)
    families = {card.family for card in cards} - {TRACKS}
    path = _data(arguments.data, arguments.jets, context) if families else None
    if path is None and arguments.data != _SIMULATED:
        raise BadInput(f"--data is for networks of constituents: {TRACKS} gets artificial jets")
    jets = count_jets(path, arguments.jets) if path else arguments.jets
    parts = arguments.only or _PARTS
    # Before anything is measured: how busy the machine is without this run.
    machine = describe_machine(context.device)
    networks, masks = _networks(cards, parts, arguments, context, (path, jets))
    compiled = _compiled(cards, arguments, context, (path, jets)) if arguments.compile else []
    methods, lowered = _explained(cards, parts, precisions, arguments, context)
    features = _features(families, arguments, path, jets) if "inputs" in parts and path else []
    used = {
        "data": _name(path, arguments.data),
        "jets": jets,
        "explained": arguments.explained,
        "weights": f"random, seed {arguments.seed}"
        if has_random_weights(arguments)
        else arguments.weights,
        "seed": arguments.seed,
        "repeats": arguments.repeats,
    }
    found = document(
        machine,
        used,
        networks,
        features,
        peak_memory(),
        masks=masks,
        methods=methods,
        precisions=lowered,
        compiled=compiled,
    )
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
    if arguments.out:
        write_atomically(arguments.out, f"{text}\n".encode())
    print(text if arguments.json else "\n".join(table(found)))
    return 0


def _networks(
    cards: "Sequence[Card]",
    parts: "Sequence[str]",
    arguments: argparse.Namespace,
    context: "Context",
    jets: tuple[Path | None, int],
) -> "tuple[list[NetworkSpeed], list[MaskSpeed]]":
    """Measure networks, and masks that recompute what they touch."""
    from repro.benchmarks.masks import measure_masks  # noqa: PLC0415 - slow
    from repro.benchmarks.networks import measure_network  # noqa: PLC0415

    networks, masks = [], []
    repeats, device = arguments.repeats, context.device
    for card in context.progress(cards, "networks"):
        tagger = tagger_of(card.name, arguments, context)
        if "networks" in parts:
            inputs = inputs_of(tagger, *jets, arguments.seed)
            networks.append(measure_network(tagger, inputs, repeats, device))
        if "masks" in parts:
            first = next(inputs_of(tagger, *jets, arguments.seed))
            masks.append(measure_masks(tagger, first, repeats, device))
    return networks, list(filter(None, masks))


def _compiled(
    cards: "Sequence[Card]",
    arguments: argparse.Namespace,
    context: "Context",
    jets: tuple[Path | None, int],
) -> "list[CompiledSpeed]":
    """Measure compiled networks."""
    from repro.benchmarks.compiled import measure_compiled  # noqa: PLC0415 - slow

    found: list[CompiledSpeed] = []
    for card in context.progress(cards, "compiled"):
        tagger = tagger_of(card.name, arguments, context)
        first = next(inputs_of(tagger, *jets, arguments.seed))
        found += measure_compiled(tagger, first, arguments.repeats, context.device)
    return found


def _explained(
    cards: "Sequence[Card]",
    parts: "Sequence[str]",
    precisions: "Sequence[str]",
    arguments: argparse.Namespace,
    context: "Context",
) -> "tuple[list[MethodSpeed], list[PrecisionSpeed]]":
    """Measure explanation methods, and precisions, on networks that have learned."""
    import numpy as np  # noqa: PLC0415 - slow, as all below

    from repro.benchmarks.methods import JETS_OF_DENSE, measure_methods  # noqa: PLC0415
    from repro.benchmarks.precisions import measure_precisions  # noqa: PLC0415

    methods: list[MethodSpeed] = []
    lowered: list[PrecisionSpeed] = []
    wanted = "methods" in parts
    if not wanted and not precisions:
        return methods, lowered
    most = max(JETS_OF_DENSE * arguments.explained if wanted else 0, arguments.jets)
    for card in context.progress(cards, "methods"):
        tagger, trained = trained_tagger(card.name, arguments, context)
        problem = problem_of(tagger, most, arguments, context)
        if wanted:
            found = measure_methods(problem, card.name, arguments.repeats, arguments.explained)
            methods += context.progress(found, card.name)
        some = problem.with_jets(np.arange(min(arguments.jets, len(problem.labels))))
        lowered += measure_precisions(
            some, card.name, precisions, arguments.repeats, trained=trained
        )
    return methods, lowered


def _features(
    families: set[str], arguments: argparse.Namespace, path: Path, jets: int
) -> "list[FeatureSpeed]":
    from repro.benchmarks.features import iter_jets, measure_features  # noqa: PLC0415 - slow
    from repro.features.registry import FAMILIES  # noqa: PLC0415

    # Without a choice of networks, inputs of all families.
    wanted = families if arguments.models else FAMILIES
    return measure_features(next(iter_jets(path, jets)), arguments.repeats, wanted)


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
