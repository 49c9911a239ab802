"""Write CITATION.cff, codemeta.json and .zenodo.json from what the package says of itself.

    python scripts/metadata.py           # write them
    python scripts/metadata.py --check   # say which of them are not as they should be

The source is repro/fair/software.toml, with repro/catalogue/references.toml; what the package
needs stands in pyproject.toml.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from repro.fair.cff import citation_file
from repro.fair.codemeta import codemeta, zenodo
from repro.fair.software import load_software
from repro.fair.yaml_text import to_yaml

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Write or check the files; return 1 if one is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    arguments = parser.parse_args()
    wrong = 0
    for name, content in documents().items():
        path = ROOT / name
        if arguments.check:
            if not path.is_file() or path.read_text("utf-8") != content:
                wrong += 1
                print(f"{name} is out of date: run python scripts/metadata.py", file=sys.stderr)
        else:
            path.write_text(content, "utf-8")
    return int(wrong > 0)


def documents() -> dict[str, str]:
    """Return the text of each file."""
    software = load_software()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    references = [reference for _, reference in software.related()]
    return {
        "CITATION.cff": to_yaml(citation_file(software, references)),
        "codemeta.json": as_json(
            codemeta(software, project["dependencies"], supported_pythons(project))
        ),
        ".zenodo.json": as_json(zenodo(software)),
    }


def supported_pythons(project: dict[str, Any]) -> list[str]:
    """Return the versions of Python that the project's classifiers name."""
    prefix = "Programming Language :: Python :: 3."
    return [line.rpartition(" ")[2] for line in project["classifiers"] if line.startswith(prefix)]


def as_json(document: dict[str, Any]) -> str:
    """Return a document as text."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
