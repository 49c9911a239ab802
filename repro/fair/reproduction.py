"""``reproduce.sh``: the command that made a report, as a script that makes it again.

It has no paths, which would be those of a machine: the user's own files are found by their names.
"""

import shlex
from collections.abc import Collection

from repro.fair.crate_words import WORKFLOW
from repro.fair.run_record import RunRecord

__all__ = ["make_script", "own_files"]

_FIND = f"""\
near() {{
  here=$(dirname "$0")
  for place in "$here/../$1" "$here/../../$1" "./$1"; do
    if [ -e "$place" ]; then
      printf '%s\\n' "{WORKFLOW}: takes $place" >&2
      printf '%s\\n' "$place"
      return
    fi
  done
  printf '%s\\n' "{WORKFLOW}: error: no $1 beside the report or here: call this where it is" >&2
  exit 2
}}
"""
_CHECK = f"""\
command -v repro > /dev/null || {{
  echo "{WORKFLOW}: error: no command repro: add the folder that has it to PATH" >&2
  exit 2
}}
"""


def own_files(command: str, own: Collection[str]) -> dict[str, str]:
    """Return the names of the user's files in a command, by option.

    Args:
        command: Names them without their folders.
        own: The options that have such files, with their dashes.

    >>> own_files("repro report --from items --weights embedded", ["--from"])
    {'--from': 'items'}
    """
    words = shlex.split(command)
    return {option: words[words.index(option) + 1] for option in own if option in words}


def make_script(record: RunRecord, own: Collection[str]) -> str:
    """Return the script.

    Args:
        record: What the report is of, and the command.
        own: As :func:`own_files` takes them.
    """
    software, files = record.plan["software"], own_files(record.command, own)
    commit = f", commit {software['commit']}" if software["commit"] else ""
    lines = [
        "#!/bin/sh",
        f"# Makes this report again, with repro {software['repro']}{commit}.",
        "# The folder is the first argument; this may be called in any folder.",
    ]
    if files:
        lines += ["# Its files it finds by their names, where it is called or beside the report."]
    lines += ["set -eu", *_CHECK.splitlines(), *(_FIND.splitlines() if files else [])]
    words = shlex.split(record.command)
    asked = [shlex.quote(word) for word in words]
    for option, name in files.items():
        lines.append(f"{option[2:]}=$(near {shlex.quote(name)})")
        asked[words.index(option) + 1] = f'"${option[2:]}"'
    return "\n".join([*lines, f'exec {" ".join(asked)} --out "${{1:-report}}"', ""])
