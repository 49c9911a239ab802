"""Check that a tag can be released, or print the notes of its release.

    python scripts/release.py v0.1.0            # what is not as it should be
    python scripts/release.py v0.1.0 --notes    # the part of the changelog, and identifiers

Needs nothing but Python and git.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_SECTION = r"^## \[?{version}(?![\w.])\]?(?P<rest>[^\n]*)\n(?P<body>.*?)(?=^## |\Z)"
_DATED = re.compile(r" - \d{4}-\d{2}-\d{2}$")


def main() -> int:
    """Print what was asked for; return 1 if the tag cannot be released."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tag", help="such as v0.1.0")
    parser.add_argument("--notes", action="store_true", help="print the notes of the release")
    arguments = parser.parse_args()
    version = arguments.tag.removeprefix("v")
    found = list(problems(arguments.tag, version))
    for problem in found:
        print(problem, file=sys.stderr)
    if arguments.notes and not found:
        print(notes(arguments.tag, version))
    return int(bool(found))


def problems(tag: str, version: str) -> Iterator[str]:
    """Yield what keeps a tag from being released."""
    if not re.fullmatch(r"v\d+\.\d+\.\d+((a|b|rc)\d+)?", tag):
        yield f"{tag} is no tag of a release: they look like v1.2.3"
    package = re.search(r'^__version__ = "(.*)"$', read("repro/__init__.py"), re.MULTILINE)
    if package is None or package[1] != version:
        yield f"{tag} is not the version in repro/__init__.py"
    if f"\nversion: {version}\n" not in read("CITATION.cff"):
        yield f"CITATION.cff is of another version than {version}: run scripts/metadata.py"
    section = changes(version)
    if section is None:
        yield f"CHANGELOG.md has no section {version}"
    elif not _DATED.search(section["rest"]):
        yield f"CHANGELOG.md has no date: write '## [{version}] - 2026-12-31', with that of today"


def notes(tag: str, version: str) -> str:
    """Return what has changed, and what names this release for ever."""
    section = changes(version)
    body = section["body"].strip() if section else ""
    lines = [body, "", "### Software Heritage identifiers", ""]
    return "\n".join([*lines, *(f"- `{identifier}`" for identifier in identifiers(tag))])


def identifiers(tag: str) -> Iterator[str]:
    """Yield the SWHIDs of a tag: of the release, its revision and its directory.

    They are git's own names of these objects.
    """
    if git("cat-file", "-t", tag) != "tag":
        raise SystemExit(
            f"{tag} is no annotated tag: make it with git tag -a, and fetch it as such"
        )
    yield f"swh:1:rel:{git('rev-parse', tag)}"
    yield f"swh:1:rev:{git('rev-parse', f'{tag}^{{commit}}')}"
    yield f"swh:1:dir:{git('rev-parse', f'{tag}^{{tree}}')}"


def changes(version: str) -> re.Match[str] | None:
    """Return the section of the changelog on a version."""
    pattern = _SECTION.format(version=re.escape(version))
    return re.search(pattern, read("CHANGELOG.md"), re.MULTILINE | re.DOTALL)


def read(name: str) -> str:
    """Return the text of a file."""
    return (ROOT / name).read_text("utf-8")


def git(*arguments: str) -> str:
    """Return what git says."""
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
