"""What the repository says of itself agrees: versions, titles, dependencies, paths."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from programs import load_program

import repro
from repro.fair.bibtex import entry_of_software
from repro.fair.software import load_software

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
NAME = re.compile(r"[A-Za-z0-9._-]+")

# Written so that this file does not contain them.
HOSTS = ("pypi" + ".org", "python" + "hosted.org", "npmjs" + ".com", "npmjs" + ".org")
PATHS = re.compile(
    r"(?<![\w.])(?:/" + r"(?:work|home|Users|root|opt|mnt)/\w|/" + r"tmp/\w|[A-Z]:\\\\?Users)"
)


@pytest.fixture(scope="module")
def run():
    return load_program("run.py")


@pytest.fixture
def checkout(run, tmp_path):
    """A folder with the inputs of run.py, and an environment that was set up for test."""
    root = tmp_path / "checkout"
    for name in run.INPUTS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{name}\n")
    python = run.python_of(root)
    python.parent.mkdir(parents=True)
    python.touch()
    run.write_stamp(root, ["test"], finished=True)
    return root


@pytest.fixture
def steps(run, monkeypatch):
    """The commands that a set-up would run."""
    commands = []
    monkeypatch.setattr(run, "step", lambda command, *_: commands.append([str(c) for c in command]))
    return commands


def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))


def codemeta():
    return json.loads((ROOT / "codemeta.json").read_text("utf-8"))


def zenodo():
    return json.loads((ROOT / ".zenodo.json").read_text("utf-8"))


def requirements():
    yield from PROJECT["dependencies"]
    for extra in PROJECT["optional-dependencies"].values():
        # An extra may contain another one.
        yield from (line for line in extra if not line.startswith("repro["))


def names():
    return sorted({NAME.match(line)[0].lower() for line in requirements()})


def committed_files():
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            yield ROOT / name


def test_versions_agree():
    assert citation()["version"] == codemeta()["version"] == repro.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## .*\b{re.escape(repro.__version__)}\b", changelog, re.MULTILINE)


def test_metadata_files_are_those_that_the_script_writes():
    command = [sys.executable, str(ROOT / "scripts/metadata.py"), "--check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    checked = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_titles_agree():
    assert citation()["title"] == codemeta()["name"] == zenodo()["title"]
    assert f"{{{citation()['title']}}}" in entry_of_software(load_software())
    assert citation()["abstract"] == codemeta()["description"] == PROJECT["description"]
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert f"site_description: {PROJECT['description']}\n" in site


def test_what_is_said_twice_agrees():
    assert PROJECT["name"] == load_software().name
    assert citation()["keywords"] == codemeta()["keywords"] == zenodo()["keywords"]
    assert citation()["keywords"] == PROJECT["keywords"]
    assert codemeta()["softwareRequirements"] == PROJECT["dependencies"]
    dois = {entry["identifier"] for entry in zenodo()["related_identifiers"]}
    related = codemeta()["referencePublication"] + codemeta()["citation"]
    assert {entry["@id"].removeprefix("https://doi.org/") for entry in related} == dois
    assert {entry["doi"] for entry in citation()["references"] if "doi" in entry} < dois


def test_licences_and_authors_agree():
    assert citation()["license"] == PROJECT["license"] == "MIT"
    assert codemeta()["license"].endswith("/MIT")
    (author,) = (entry["name"] for entry in PROJECT["authors"])
    assert [entry["name"] for entry in citation()["authors"]] == [author]
    assert [entry["name"] for entry in codemeta()["author"]] == [author]
    assert author in (ROOT / "LICENSE").read_text("utf-8")


def test_citation_names_the_papers_and_data():
    text = json.dumps(citation()["references"])
    for identifier in ("2210.04371", "2211.12770", "2212.05081", "10.5281/zenodo.2603256"):
        assert identifier in text


@pytest.mark.parametrize("name", names())
def test_dependency_is_explained(name):
    page = (ROOT / "docs/dependencies.md").read_text("utf-8")
    assert re.search(rf"^\| `{re.escape(name)}` \| \S.* \| \S.* \|$", page, re.MULTILINE)


@pytest.mark.parametrize("name", names())
def test_dependency_is_locked(name):
    lock = (ROOT / "requirements/lock.txt").read_text("utf-8")
    assert re.search(rf"^{re.escape(name)}==", lock, re.MULTILINE | re.IGNORECASE)


def test_lock_keeps_what_the_papers_need():
    lock = (ROOT / "requirements/lock.txt").read_text("utf-8").splitlines()
    assert "shap==0.51.0 ; python_full_version < '3.12'" in lock
    assert "torch==2.13.0" in lock
    pins = [line for line in lock if line and not line.startswith("#")]
    assert all(re.match(r"[a-z0-9-]+==\S+( ; .+)?$", pin) for pin in pins)


def test_no_place_of_any_machine_is_committed():
    found = []
    for path in committed_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        hits = [host for host in HOSTS if host in text] + PATHS.findall(text)
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in hits]
    assert not found


def test_readme_example_runs(capsys):
    (example,) = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("('pt', 'mass', 'noise')")


@pytest.mark.parametrize("command", [["-c", "import repro"], ["-m", "repro", "list"]])
def test_light_commands_do_not_import_torch(command):
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=True
    ).stderr
    imported = {line.rpartition("|")[2].strip() for line in shown.splitlines()}
    assert "repro" in imported
    assert not {"torch", "numpy", "matplotlib", "shap", "h5py"} & imported


@pytest.mark.parametrize("command", [["-c", "import repro"], ["-m", "repro", "list"]])
def test_light_commands_are_quick(command):
    # Processor time: what else the machine does must not count.
    times = []
    for _ in range(7):
        before = os.times()
        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
        after = os.times()
        used = (after.children_user, after.children_system)
        times.append(sum(used) - before.children_user - before.children_system)
        if times[-1] < 0.3:
            break
    assert min(times) < 0.3


def test_ready_environment_is_left_alone(run, checkout, steps):
    assert run.set_up(checkout, "test") == run.python_of(checkout)
    assert run.set_up(checkout, None) == run.python_of(checkout)
    assert not steps


def test_extras_add_up(run, checkout, steps):
    run.set_up(checkout, "docs")
    (command,) = steps
    assert command[-2:] == ["-e", ".[docs,test]"]
    assert command[command.index("-c") + 1] == "requirements/lock.txt"
    assert run.is_ready(checkout, "test")
    assert run.is_ready(checkout, "docs")
    assert not run.is_ready(checkout, "lint")


@pytest.mark.parametrize("name", ["requirements/lock.txt", "pyproject.toml"])
def test_changed_inputs_bring_the_environment_up_to_date(run, checkout, steps, name):
    (checkout / name).write_text("changed\n")
    assert not run.is_ready(checkout, None)
    run.set_up(checkout, None)
    assert [command[1:4] for command in steps] == [["-m", "pip", "install"]]
    assert run.is_ready(checkout, "test")


def test_interrupted_set_up_is_made_anew(run, checkout, monkeypatch, steps):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.set_up(checkout, "lint")
    assert not run.is_ready(checkout, None)
    run.set_up(checkout, None)
    assert [command[2] for command in steps] == ["venv", "pip"]


def test_moved_environment_is_made_anew(run, checkout, steps, tmp_path):
    moved = checkout.rename(tmp_path / "moved")
    assert not run.is_ready(moved, None)
    run.set_up(moved, None)
    assert [command[2] for command in steps] == ["venv", "pip"]


def test_environment_made_by_hand_is_kept(run, checkout, steps):
    (checkout / ".venv/stamp.json").write_text("{")
    run.set_up(checkout, "test")
    assert [command[2] for command in steps] == ["pip"]


def test_failed_step_is_one_line_and_leaves_no_stamp(run, checkout, monkeypatch, capsys):
    failing = [sys.executable, "-c", "print('  ERROR: no such wheel'); print('note'); exit(1)"]
    monkeypatch.setattr(run, "ROOT", checkout)
    monkeypatch.setattr(run, "pip_command", lambda *_: failing)
    assert run.main(["docs"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "run.py: error: pip failed: ERROR: no such wheel"
    assert not run.is_ready(checkout, None)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["test", "-x"], ["-m", "pytest", "-x"]),
        (["docs"], ["-m", "mkdocs", "build", "--strict"]),
        (["notebooks"], ["-P", "scripts/run_notebooks.py"]),
        (["browser", "-x"], ["-m", "pytest", "tests/test_browser.py", "-x"]),
        (["fig", "5", "--json"], ["-P", "-m", "repro", "fig", "5", "--json"]),
        (
            ["workflow", "-n", "--profile=mine"],
            [
                *("-m", "snakemake", "--snakefile", "workflow/Snakefile", "-n", "--profile=mine"),
                *("--configfile", "workflow/config/small.yaml"),
            ],
        ),
    ],
)
def test_command_that_it_becomes(run, checkout, monkeypatch, arguments, expected):
    became = []
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(run, "ROOT", checkout)
    monkeypatch.setattr(run, "set_up", lambda root, _: run.python_of(root))
    monkeypatch.setattr(run, "become", lambda command: became.extend(map(str, command)) or 0)
    # The command sets it for the one that it becomes, not for the tests that come after this one.
    monkeypatch.setenv("REPRO_SITE", "site")
    monkeypatch.setenv("PATH", os.environ["PATH"])
    assert run.main(arguments) == 0
    assert became == [str(run.python_of(checkout)), *expected]


def test_old_pythons_get_as_far_as_the_message():
    # What is above the check must run there, and all of the file must parse.
    text = (ROOT / "run.py").read_text("utf-8")
    ast.parse(text, feature_version=(3, 7))
    imports = [line for line in text.splitlines() if re.match(r"import |from |if ", line)]
    assert imports[:2] == ["import sys", "if not (3, 11) <= sys.version_info[:2] <= (3, 13):"]


def test_every_extra_of_run_exists(run):
    assert set(run.EXTRAS.values()) <= set(PROJECT["optional-dependencies"])


def test_help_sets_nothing_up(run, monkeypatch, capsys):
    monkeypatch.setattr(run, "set_up", lambda *_: pytest.fail("set up"))
    assert run.main(["--help"]) == 0
    assert run.main([]) == 2
    assert "run.py fig 5" in capsys.readouterr().out


def test_mirror_beside_the_checkout_is_used_and_named(run, checkout, monkeypatch, capsys):
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    run.name_mirror(checkout)
    assert "REPRO_MIRROR" not in os.environ
    (checkout.parent / "shared/mirror").mkdir(parents=True)
    monkeypatch.setenv("REPRO_MIRROR", "mine")
    run.name_mirror(checkout)
    assert os.environ["REPRO_MIRROR"] == "mine"
    monkeypatch.delenv("REPRO_MIRROR")
    assert not capsys.readouterr().err
    run.name_mirror(checkout)
    assert os.environ["REPRO_MIRROR"] == str(checkout.parent / "shared/mirror")
    assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.delenv("REPRO_MIRROR")
