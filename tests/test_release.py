"""What releases and the FAIR checklist stand on."""

import subprocess
import sys
from pathlib import Path

import pytest
from programs import load_program

from repro.data.pins import load_registry
from repro.data.store import shipped_path
from repro.fair.checklist import Evidence, Line, load_checklist, missing
from repro.results.swhid import swhid_of_bytes, swhid_of_commit, swhid_of_file

ROOT = Path(__file__).resolve().parent.parent
GOOD = {
    "repro/__init__.py": '__version__ = "1.2.3"\n',
    "CITATION.cff": "title: x\nversion: 1.2.3\n",
    "CHANGELOG.md": """# Changelog

## [1.2.3] - 2026-01-02

- New.

## [1.2.2] - 2025-01-02

- Old.
""",
}


@pytest.fixture(scope="module")
def release():
    return load_program("scripts/release.py")


@pytest.fixture
def tree(release, tmp_path, monkeypatch):
    """A repository that can be released as 1.2.3."""
    monkeypatch.setattr(release, "ROOT", tmp_path)
    for name, text in GOOD.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def git(*arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.usefixtures("tree")
def test_what_fits_together_can_be_released(release):
    assert list(release.problems("v1.2.3", "1.2.3")) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("repro/__init__.py", '__version__ = "1.2.4"\n', "not the version"),
        ("CITATION.cff", "version: 1.2.2\n", "scripts/metadata.py"),
        ("CHANGELOG.md", "## [1.2.2] - 2025-01-02\n", "no section"),
        ("CHANGELOG.md", "## [1.2.3]\n", "no date"),
        ("CHANGELOG.md", "## [1.2.3rc1] - 2026-01-01\n", "no section"),
        ("CHANGELOG.md", "## [1.2.34] - 2026-01-01\n", "no section"),
    ],
)
def test_what_does_not_fit_is_said(release, tree, name, text, said):
    (tree / name).write_text(text)
    (problem,) = release.problems("v1.2.3", "1.2.3")
    assert said in problem


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "latest"])
def test_only_versions_are_tags(release, tag):
    assert any("no tag" in problem for problem in release.problems(tag, "1.2.3"))


def test_notes_have_the_changes_and_gits_own_names(release, tree):
    git("init", "-q", str(tree))
    git("-C", str(tree), "add", ".")
    git("-C", str(tree), "commit", "-q", "-m", "x")
    git("-C", str(tree), "tag", "-a", "v1.2.3", "-m", "x")
    notes = release.notes("v1.2.3", "1.2.3")
    assert "- New." in notes
    assert "- Old." not in notes
    for kind, name in (("rel", "v1.2.3"), ("rev", "HEAD"), ("dir", "HEAD^{tree}")):
        assert f"swh:1:{kind}:{git('-C', str(tree), 'rev-parse', name)}" in notes


def test_a_tag_without_a_note_is_no_release(release, tree):
    git("init", "-q", str(tree))
    git("-C", str(tree), "add", ".")
    git("-C", str(tree), "commit", "-q", "-m", "x")
    git("-C", str(tree), "tag", "v1.2.3")
    with pytest.raises(SystemExit, match="annotated"):
        release.notes("v1.2.3", "1.2.3")


def test_identifiers_of_contents_are_gits(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a\0b" * 1000)
    expected = f"swh:1:cnt:{git('hash-object', str(path))}"
    assert swhid_of_file(path) == swhid_of_bytes(path.read_bytes()) == expected


@pytest.mark.parametrize(
    "artifact", [artifact for artifact in load_registry() if artifact.shipped], ids=lambda a: a.id
)
def test_shipped_files_have_the_identifiers_that_are_pinned(artifact):
    assert swhid_of_file(shipped_path(artifact)) == artifact.swhid


def test_a_changed_checkout_is_no_revision():
    assert swhid_of_commit(None) is None
    assert swhid_of_commit("a" * 40 + "-dirty") is None


@pytest.mark.parametrize("line", load_checklist(), ids=lambda line: line.id)
def test_evidence_of_the_checklist_is_there(line):
    assert list(missing(line, ROOT)) == []


def test_missing_evidence_is_found(tmp_path):
    (tmp_path / "a").write_text("b")
    evidence = (Evidence("a", "b"), Evidence("a", "c"), Evidence("d"))
    line = Line("X", "principle", "met", "said", evidence)
    assert len(list(missing(line, tmp_path))) == 2


def test_no_line_is_without_evidence():
    with pytest.raises(ValueError, match="needs evidence"):
        Line("X", "principle", "met", "said", ())


def test_principles_of_software_are_all_there():
    names = {line.id for line in load_checklist()}
    found = set("F1 F1.1 F1.2 F2 F3 F4 A1 A1.1 A1.2 A2 I1 I2 R1 R1.1 R1.2 R2 R3".split())  # noqa: SIM905
    assert names >= found


def test_script_prints_every_line():
    command = [sys.executable, str(ROOT / "scripts/fair_checklist.py")]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(load_checklist())
