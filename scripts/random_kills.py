#!/usr/bin/env python3
"""Kill commands at random moments, run them again until they end, and compare what they left.

Each command of ``tests/faults/fault_commands.py`` that writes is run undisturbed once.  Then it is
run again and again in an empty folder, and its whole process group is killed after a random time;
when it has ended by itself, all of its files have to be those of the undisturbed run, but for
times, with nothing beside them.  Once they are, the folder is emptied and it begins again, until
there were as many kills as were asked for.  Prints a line for each command, and exits with 1 if
anything differs.

    python scripts/random_kills.py --kills 100 --seed 1
    python scripts/random_kills.py --kills 20 train simulate
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "faults"))

from fault_commands import (
    COMMANDS,
    WRITING,
    contents,
    environment_of,
    litter,
    make_inputs,
    settings_of,
)
from forking import Forking

# In a row; then it is left to end: what is slower than any kill would never be compared.
_MOST_KILLS = 6


@dataclass
class Campaign:
    """What came of a command.

    Attributes:
        kills: How often it was killed.
        rounds: How often it came to its end after kills.
        seconds: How long an undisturbed run takes.
        faults: What was wrong, in words.
    """

    kills: int = 0
    rounds: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def kill_at_random(
    server: Forking, name: str, inputs: Path, folder: Path, *, kills: int, source: random.Random
) -> Campaign:
    """Kill a command so many times.

    Args:
        server: What runs it.
        name: The row of the table.
        inputs: The folder of the inputs.
        folder: An empty one.
        kills: How many.
        source: Of the moments.
    """
    command, found = COMMANDS[name], Campaign()

    def start(place: Path) -> Any:
        environment = environment_of(inputs, place / "cache")
        arguments = command.arguments(inputs)
        settings = settings_of(name, inputs)
        return server.start(arguments, place, environment=environment, **settings)

    whole = folder / "undisturbed"
    whole.mkdir()
    first = start(whole)
    outcome = first.wait(600)
    found.seconds = first.seconds
    expected = contents(whole, command.leaves)
    if outcome.code != 0 or litter(whole, expected):
        found.faults.append(f"undisturbed: {outcome.code}, {outcome.err}")
        return found
    while found.kills < kills and not found.faults:
        place = folder / f"round{found.rounds}"
        place.mkdir()
        _one_round(start, place, kills, found, source)
        left = contents(place, command.leaves)
        differing = sorted(
            n for n in left.keys() | expected.keys() if left.get(n) != expected.get(n)
        )
        if differing:
            found.faults.append(f"differ after kills: {', '.join(differing)}")
        if more := litter(place, expected):
            found.faults.append(f"left behind: {', '.join(more)}")
        found.rounds += 1
        shutil.rmtree(place)
    return found


def _one_round(start: Any, place: Path, kills: int, found: Campaign, source: random.Random) -> None:
    """Run a command to its end, through some kills."""
    for _ in range(min(_MOST_KILLS, kills - found.kills)):
        run = start(place)
        if run.ended(source.uniform(0, found.seconds)):
            break
        run.kill()
        found.kills += 1
    else:
        run = start(place)
    outcome = run.wait(600)
    if outcome.code != 0 or "Traceback" in outcome.err:
        found.faults.append(f"after kills exit code {outcome.code}: {outcome.err.strip()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("commands", nargs="*", help=f"of {', '.join(WRITING)} (default: all)")
    parser.add_argument("--kills", type=int, default=20, help="of each command (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    chosen = parser.parse_args(arguments)
    names = chosen.commands or [name for name in WRITING if COMMANDS[name].at_hand]
    wrong = 0
    server = Forking()
    try:
        with tempfile.TemporaryDirectory(prefix="kills-") as place:
            inputs = Path(place) / "inputs"
            inputs.mkdir()
            make_inputs(inputs)
            for name in names:
                folder = Path(place) / name
                folder.mkdir()
                source = random.Random(f"{chosen.seed} {name}")  # noqa: S311 - moments, no secret
                found = kill_at_random(
                    server, name, inputs, folder, kills=chosen.kills, source=source
                )
                wrong += bool(found.faults)
                said = "; ".join(found.faults) or "all as undisturbed"
                print(
                    f"{name}: {found.kills} kills in {found.rounds} rounds of {found.seconds:.1f} "
                    f"s: {said}",
                    flush=True,
                )
    finally:
        server.close()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
