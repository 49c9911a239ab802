"""``repro train``: train a tagger, with the recipe of the original or a short one."""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli.options import add_device, add_verbosity, make_context, natural, positive

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from repro.figures.context import Context
    from repro.models.tagger import Tagger
    from repro.training.loop import Plan
    from repro.training.parallel import Crew
    from repro.training.recipe import Recipe
    from repro.training.rules import Epoch
    from repro.training.run import Preloaded

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Train a tagger and write weights.safetensors, card.json, history.csv and curves.png. A training
that was stopped or killed goes on when the same command is given again, to the same weights.
The weights are used with --weights DIR/weights.safetensors."""

_EPILOG = """\
The whole set of weights that ships with the package is made by scripts/train_embedded.py; each of
them is this command with --recipe embedded:
  repro train pfn --data jets.h5 --out runs/pfn --recipe embedded
On several GPUs or machines, torch's own launcher starts the processes:
  torchrun --nproc-per-node 4 -m repro train pfin:sum --data paper --out runs/pfin"""

_RECIPES = ("published", "embedded")
_PRECISIONS = ("full", "bfloat16")


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="train a tagger",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL[:VARIANT]", help="such as topodnn:v4 or pfin:cat")
    parser.add_argument(
        "--data",
        required=True,
        action="append",
        metavar="paper|embedded|PATH",
        help="jets to learn from: the paper's training set, the 12,000 jets that come with the "
        "package, or a file in the paper's format or packed; for in, a file or a folder of files "
        "of record 12102, and may be repeated",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    _add_choices(parser)
    _add_means(parser)
    add_verbosity(parser)
    parser.set_defaults(run=run)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is trained")
    group.add_argument(
        "--recipe",
        choices=_RECIPES,
        default=_RECIPES[0],
        help="published: the settings of the original (default); embedded: those of the weights "
        "that come with the package, with few epochs",
    )
    group.add_argument("--epochs", type=positive, metavar="N", help="instead of the recipe's")
    group.add_argument("--batch", type=positive, metavar="N", help="instead of the recipe's")
    group.add_argument("--learning-rate", type=float, metavar="X", help="instead of the recipe's")
    group.add_argument("--seed", type=natural, metavar="S", help="instead of the recipe's")
    group.add_argument(
        "--preload",
        metavar="authors|embedded|PATH",
        help="weights to begin with; of a network of other sizes, the corners that overlap",
    )
    group.add_argument("--jets", type=positive, metavar="N", help="learn from the first N jets")
    group.add_argument(
        "--validation",
        metavar="PATH",
        action="append",
        default=[],
        help="jets to choose the epoch by (default: the paper's validation set with --data paper, "
        "else the last tenth of the jets); for in, may be repeated",
    )
    group.add_argument(
        "--test",
        metavar="PATH",
        action="append",
        default=[],
        type=Path,
        help="also measure the performance on this file, for the card; may be repeated",
    )
    group.add_argument("--corrected", action="store_true", help="switch the originals' quirks off")
    group.add_argument("--restart", action="store_true", help="begin again if there is a run")


def _add_means(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("computing")
    add_device(group)
    group.add_argument(
        "--precision",
        choices=_PRECISIONS,
        default=_PRECISIONS[0],
        help="of matrix products: the network's (default), or bfloat16 where that is faster",
    )
    group.add_argument(
        "--compile",
        action="store_true",
        help="compile the network with torch.compile; PFN and PFIN then compute their padding too",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, and print where the run is and how good it is."""
    from repro.models.tagger import untrained_tagger  # noqa: PLC0415 - imports torch
    from repro.training.parallel import join_crew  # noqa: PLC0415
    from repro.training.recipe import find_recipe  # noqa: PLC0415

    context = make_context(arguments, "device")
    tagger = untrained_tagger(arguments.model, corrected=arguments.corrected)
    recipe = find_recipe(arguments.recipe, tagger.card).changed(
        epochs=arguments.epochs,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
    )
    with join_crew(arguments.device) as (crew, device):
        plan = _plan(arguments, tagger, recipe, crew, device)
        card, history = _train(arguments, context, tagger, plan)
    if card:
        _draw(history, arguments.out)
        print(_summary(card, arguments.out))
    return 0


def _plan(
    arguments: argparse.Namespace, tagger: "Tagger", recipe: "Recipe", crew: "Crew", device: str
) -> "Plan":
    import torch  # noqa: PLC0415

    from repro.training.loop import Plan  # noqa: PLC0415

    step_network = None
    if arguments.compile:
        from repro.models.compiling import compile_network  # noqa: PLC0415

        step_network = compile_network(tagger.network.to(device))
    precision = torch.bfloat16 if arguments.precision == "bfloat16" else None
    return Plan(recipe, device, precision, step_network, crew)


def _train(
    arguments: argparse.Namespace, context: "Context", tagger: "Tagger", plan: "Plan"
) -> tuple[dict[str, Any], list["Epoch"]]:
    import torch  # noqa: PLC0415

    from repro.cli.examples import read_all  # noqa: PLC0415 - imports torch
    from repro.data.callbacks import silent  # noqa: PLC0415
    from repro.results.provenance import environment  # noqa: PLC0415
    from repro.training.run import run_training  # noqa: PLC0415

    preloaded = _preloaded(arguments.preload, plan.recipe.begin_with, context, tagger)
    learning, validation, tests = read_all(arguments, context, tagger)
    quiet = arguments.verbosity < 0 or not plan.crew.leads
    return run_training(
        tagger,
        learning,
        validation,
        plan,
        arguments.out,
        tests=tests,
        preloaded=preloaded,
        corrected=arguments.corrected,
        restart=arguments.restart,
        environment={**environment(plan.device), "threads": str(torch.get_num_threads())},
        interrupted=_ask_to_stop(),
        progress=silent if quiet else context.progress,
        report=(lambda _epoch: None) if quiet else _say,
    )


def _preloaded(
    weights: str | None, begin_with: str | None, context: "Context", tagger: "Tagger"
) -> "Preloaded | None":
    from repro.data.integrity import hash_file  # noqa: PLC0415
    from repro.models.state import read_state  # noqa: PLC0415
    from repro.models.tagger import load_tagger, rename_state  # noqa: PLC0415
    from repro.training.run import Preloaded  # noqa: PLC0415

    weights = weights or ("embedded" if begin_with else None)
    if weights is None:
        return None
    if weights in ("authors", "embedded"):
        name = begin_with or tagger.card.name
        found = load_tagger(name, weights, context.fetch)
        state = dict(found.network.state_dict())
        return Preloaded(state, {"model": name, "sha256": found.weights[0].sha256})
    path = Path(weights)
    renamed = rename_state(tagger.card, read_state(path))
    return Preloaded(renamed, {"model": path.name, "sha256": hash_file(path)})


def _ask_to_stop() -> Callable[[], bool]:
    """Let the first signal end the training after the step; a second one ends it at once."""
    asked = []

    def handle(number: int, _frame: object) -> None:
        asked.append(number)
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.default_int_handler)

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, handle)
    return lambda: bool(asked)


def _say(epoch: "Epoch") -> None:
    print(
        f"epoch {epoch.epoch}: loss {epoch.loss:.4f}, validation loss {epoch.validation_loss:.4f}, "
        f"accuracy {epoch.validation_accuracy:.4f}, AUC {epoch.validation_auc:.5f} "
        f"({epoch.seconds:.0f} s)",
        file=sys.stderr,
    )


def _draw(history: list["Epoch"], out: Path) -> None:
    from repro.figures.training_curves import draw_curves  # noqa: PLC0415 - imports matplotlib

    draw_curves(history, out / "curves.png")


def _summary(card: dict[str, Any], out: Path) -> str:
    training = card["training"]
    learned = f"{training['data']['jets']:,} jets of {training['data']['file']}"
    chosen = f"weights of epoch {training['chosen_epoch']}"
    lines = [f"{card['model']}: {training['epochs']} epochs on {learned}, {chosen}"]
    for name, found in card["metrics"].items():
        low, high = found["auc"]["interval"]
        lines.append(
            f"{name}: AUC {found['auc']['value']:.4f} [{low:.4f}, {high:.4f}], accuracy "
            f"{found['accuracy']['value']:.4f}, {found['jets']['jets']:,} jets"
        )
    return "\n".join([*lines, f"wrote {out}"])
