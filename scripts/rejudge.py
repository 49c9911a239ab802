"""Judge committed results again, after verdicts or their wording have changed: no number does.

``python scripts/rejudge.py figures/toptag/*.json``
"""

import dataclasses
import sys
from pathlib import Path

from repro.data.atomic import write_atomically
from repro.results.document import Result
from repro.results.judge import judge_item


def main(paths: list[str]) -> None:
    """Write each document with the claims as they are judged now."""
    for path in map(Path, paths):
        result = Result.from_json(path)
        judged = dataclasses.replace(result, claims=judge_item(result))
        if judged.claims != result.claims:
            write_atomically(path, judged.to_json().encode())
            print(f"judged {path} again")


if __name__ == "__main__":
    main(sys.argv[1:])
