"""Look whether the evidence for each line of the FAIR checklist is there.

python scripts/fair_checklist.py
"""

import sys
from pathlib import Path

from repro.fair.checklist import load_checklist, missing

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Print each line with its state; return 1 if evidence is missing."""
    wrong = 0
    for line in load_checklist():
        problems = list(missing(line, ROOT))
        wrong += len(problems)
        print(f"{'missing' if problems else line.state:8}  {line.id:9}  {line.principle}")
        for problem in problems:
            print(f"          {problem}", file=sys.stderr)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
