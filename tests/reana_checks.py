"""For a Python that has reana-commons: validates, and checks a workspace by feature files.

    python tests/reana_checks.py reana.yaml             by the client's schema
    python tests/reana_checks.py reana.yaml WORKSPACE   by the feature files that it names

Prints JSON: warnings of the schema, or the outcome of each scenario.
"""

import json
import sys
from pathlib import Path

import yaml


def validate(specification):
    """Return what the client's schema says."""
    from reana_commons.validation.utils import validate_reana_yaml

    return {
        name: list(map(str, found)) for name, found in validate_reana_yaml(specification).items()
    }


def check(specification, root, workspace):
    """Return the outcome of each scenario, with what a failed one says."""
    from reana_commons.gherkin_parser.data_fetcher import DataFetcherBase
    from reana_commons.gherkin_parser.parser import parse_and_run_tests

    class Folder(DataFetcherBase):
        """A finished run in a folder here, told as REANA tells of one."""

        def list_files(self, workflow, file_name=None, page=None, size=None, search=None):
            path = workspace / file_name
            raw = path.stat().st_size if path.is_file() else None
            return [] if raw is None else [{"name": file_name, "size": {"raw": raw}}]

        def get_workflow_disk_usage(self, workflow, parameters):
            paths = [path for path in workspace.rglob("*") if ".snakemake" not in path.parts]
            if parameters.get("summarize"):
                raw = sum(path.stat().st_size for path in paths if path.is_file())
                return {"disk_usage_info": [{"name": "", "size": {"raw": raw}}]}
            names = [path.relative_to(workspace).as_posix() for path in paths]
            return {"disk_usage_info": [{"name": f"/{name}"} for name in names]}

        def get_workflow_logs(self, workflow, steps=None, page=None, size=None):
            return {
                "logs": json.dumps({"job_logs": {}, "workflow_logs": "", "engine_specific": ""})
            }

        def get_workflow_status(self, workflow):
            return {"status": "finished"}

        def get_workflow_specification(self, workflow):
            return {"specification": specification}

        def download_file(self, workflow, file_name):
            return (workspace / file_name.lstrip("/")).read_bytes(), file_name, False

    found = []
    for file in specification["tests"]["files"]:
        _, results = parse_and_run_tests(str(root / file), "here", Folder())
        found += [[one.scenario, one.result.name, one.error_log] for one in results]
    return found


def main():
    path = Path(sys.argv[1])
    specification = yaml.safe_load(path.read_text("utf-8"))
    if len(sys.argv) == 2:
        answer = validate(specification)
    else:
        answer = check(specification, path.parent, Path(sys.argv[2]))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
