"""The command line: what goes to stdout and stderr, and the exit codes."""

import json
import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from problems import shap

import repro
from repro.catalogue import load_claims, load_items
from repro.cli import main
from repro.cli.threads import let_threads_sleep

SCHEMA = json.loads(resources.files("repro.results").joinpath("schema.json").read_text("utf-8"))
COMMANDS = (
    "list",
    "fig",
    "table",
    "verify",
    "score",
    "convert",
    "train",
    "export",
    "bench",
    "draw",
    "simulate",
    "fetch",
    "cite",
    "info",
)
assert shap  # imported there without the warnings of its own imports


@pytest.fixture
def environment(tmp_path):
    """An empty cache, no mirror, no network."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("REPRO_", "ZENODO_"))}
    return kept | {"REPRO_CACHE": str(tmp_path / "cache"), "REPRO_OFFLINE": "1"}


@pytest.fixture
def mirrored(environment, store):
    """The session's cache, which fills itself from the mirror."""
    mirror, cache = store.mirrors[0], str(store.directory)
    return environment | {"REPRO_MIRROR": mirror, "REPRO_CACHE": cache}


def enter(monkeypatch, environment, folder):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)


@pytest.fixture
def here(monkeypatch, mirrored, tmp_path):
    """The same environment for calls within this process, in an empty folder."""
    enter(monkeypatch, mirrored, tmp_path)


@pytest.fixture
def nowhere(monkeypatch, environment, tmp_path):
    """Nothing at hand: no cache, no mirror, no network."""
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    enter(monkeypatch, environment, tmp_path)


def run(*arguments, env, cwd):
    command = [sys.executable, "-m", "repro", *map(str, arguments)]
    return subprocess.run(
        command, env=env, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def call(capsys, *arguments):
    """Exit code, stdout and stderr of a command within this process."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def assert_refused(outcome, message):
    """Exit code 2, one line on stderr that says what is wrong, and nothing on stdout."""
    code, out, err = outcome
    assert code == 2
    assert out == ""
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert message in lines[0]


# --- one process each: they cost about two seconds ---------------------------------------------


def test_json_is_alone_on_stdout_and_follows_the_schema(mirrored, tmp_path):
    done = run("fig", 4, "--data", "fixtures", "--json", env=mirrored, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["item"] == "toptag/fig4"
    folder = tmp_path / "results" / "toptag"
    assert json.loads((folder / "fig04.json").read_text("utf-8")) == document
    assert sorted(p.name for p in folder.iterdir()) == [
        f"fig04.{suffix}" for suffix in ("csv", "json", "pdf", "png")
    ]
    assert str(tmp_path) not in done.stdout


def test_a_reader_that_stops_reading_gets_no_traceback(mirrored, tmp_path):
    """As in ``repro fig 5 | head -1``."""
    command = [sys.executable, "-m", "repro", "fig", "5", "--data", "fixtures", "--json"]
    with subprocess.Popen(
        command, env=mirrored, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_interrupt_exits_with_130(mirrored, tmp_path):
    """The signal comes while an item is computed, as it nearly always does."""
    script = (
        "import os, signal, sys, time\n"
        "from repro.cli import main\n"
        "from repro.figures import run\n"
        # What is started in the background may have it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def compute(*_):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(60)\n"  # another thread may get the signal first
        "run.compute_item = compute\n"
        "sys.exit(main(['fig', '4']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=mirrored,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 130
    assert done.stdout == ""
    assert done.stderr == "repro: interrupted\n"
    assert not list(tmp_path.rglob("results"))


def test_termination_is_told_and_exits_with_143(mirrored, tmp_path):
    """As batch systems end jobs; what was computed is kept then as it is at Ctrl-C."""
    script = (
        "import os, signal, sys, time\n"
        "import numpy as np\n"
        "from repro.cli import main\n"
        "from repro.figures import run\n"
        "def compute(item, context):\n"
        "    with context.stopped.rows('key') as kept:\n"
        "        kept.add({'rows': np.ones(7)})\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        time.sleep(60)\n"
        "run.compute_item = compute\n"
        "code = main(['fig', '4'])\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=mirrored | {"REPRO_CACHE": str(tmp_path / "cache")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (143, "")
    said = ["repro: 7 jets are kept: run it again to go on", "repro: interrupted"]
    assert done.stderr.splitlines() == said
    assert list((tmp_path / "cache" / "stopped").glob("key/*.npz"))


def test_without_network_mirror_and_cache_it_says_what_to_do(environment, tmp_path):
    done = run("fig", 4, "--data", "fixtures", env=environment, cwd=tmp_path)
    assert_refused((done.returncode, done.stdout, done.stderr), "REPRO_OFFLINE")
    assert "repro fetch toptag/" in done.stderr
    assert not (tmp_path / "results").exists()


def test_auto_takes_the_embedded_jets_offline_and_says_so(environment, tmp_path):
    # Neither data nor weights have to be fetched for this figure.
    done = run("fig", 3, "--jets", 500, env=environment, cwd=tmp_path)
    assert done.returncode == 0
    assert "simulated jets that come with this package" in done.stderr
    assert "data: embedded, 500 jets" in done.stdout


# --- within this process -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, {"GOMP_SPINCOUNT": "1000"}),
        ({"GOMP_SPINCOUNT": "9"}, {"GOMP_SPINCOUNT": "9"}),
        ({"OMP_WAIT_POLICY": "active"}, {"OMP_WAIT_POLICY": "active"}),
    ],
)
def test_threads_sleep_unless_the_user_says_how_they_wait(given, wanted):
    let_threads_sleep(given)
    assert given == wanted


@pytest.mark.parametrize("paper", [None, "toptag", "hbb"])
def test_list_shows_every_item(capsys, paper):
    chosen = ["--paper", paper] if paper else []
    code, out, err = call(capsys, "list", *chosen)
    assert (code, err) == (0, "")
    for item in load_items(paper):
        assert f"{item.id} " in out
        assert item.title in out


def test_list_as_json_is_a_list_of_items(capsys):
    code, out, err = call(capsys, "list", "--json")
    assert (code, err) == (0, "")
    entries = json.loads(out)
    assert [entry["id"] for entry in entries] == [item.id for item in load_items()]
    claimed = {name for entry in entries for name in entry["claims"]}
    assert claimed == {claim.id for claim in load_claims() if claim.item}
    assert {entry["publication_label"] for entry in entries} == {None}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys, command):
    code, out, err = call(capsys, command, "--help")
    assert (code, err) == (0, "")
    assert f"usage: repro {command}" in out


def test_version(capsys):
    assert call(capsys, "--version") == (0, f"repro {repro.__version__}\n", "")


WRONG = {
    "fig": "required",
    "fig 9 --device": "expected one argument",
    "fig nosuch": "no figure 'nosuch'",
    "fig 99": "toptag has no figure '99'",
    "table K4": "hbb has: --paper hbb",
    "fig 0": "no figure",
    "table 1 --paper atlas": "invalid choice",
    "fig 4 --jets 0": "no whole number from 1",
    "fig 4 --jets many": "no whole number from 1",
    "fig 4 --seed x": "no whole number from 0",
    "fig 4 --seed -1": "no whole number from 0",
    "fig 2 --data fixtures --background 5001": "take 1 to 5000",
    "fig 2 --background 0": "no whole number from 1",
    "fig 4 --data nowhere.h5": "no data at 'nowhere.h5'",
    "fig 4 --data fixtures --jets 1": "two jets or more",
    "fig 4 --data fixtures --weights nowhere.pt": "no weights at nowhere.pt",
    "fig 4 --data fixtures --device gpu": "unknown device 'gpu'",
    "fig 4 -q -v": "not allowed with",
    "verify toptag/nosuch": "unknown item or claim 'toptag/nosuch'",
    "verify fig4": "unknown item or claim 'fig4' (did you mean toptag/fig4 or hbb/fig4?)",
    "verify FIG5": "unknown item or claim 'FIG5' (did you mean toptag/fig5 or hbb/fig5?)",
    "verify figK5": "unknown item or claim 'figK5' (did you mean hbb/figK5?)",
    "verify C2": "unknown item or claim 'C2' (did you mean toptag/C2 or hbb/C2?)",
    "verify toptag/fig4 --data nowhere.h5": "no data at 'nowhere.h5'",
    "verify toptag/fig4 --data fixtures --device gpu": "unknown device 'gpu'",
    "verify toptag/fig4 --weights nowhere.pt --data fixtures": "no weights at nowhere.pt",
    "verify toptag/fig4 --paper hbb": "toptag/fig4",
    "fig 4 --nosuch": "unrecognized arguments: --nosuch ('repro fig --help'",
    "draw": "required",
    "draw nowhere.json": "no result document",
    "fetch": "name the files",
    "fetch nosuch": "nosuch",
    "dance": "invalid choice",
    "": "required",
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_is_one_line_and_exit_code_2(request, capsys, line):
    request.getfixturevalue("here" if "fixtures" in line else "nowhere")
    assert_refused(call(capsys, *line.split()), WRONG[line])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_a_gpu_that_is_not_there_is_one_line(capsys, monkeypatch, json_too):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    if shutil.which("nvidia-smi"):
        pytest.skip("there is a GPU")
    outcome = call(capsys, "fig", 4, "--data", "fixtures", "--device", "cuda", *json_too)
    assert_refused(outcome, "--device cuda cannot be used")


@pytest.mark.usefixtures("nowhere")
def test_damaged_files_are_one_line(capsys, tmp_path):
    (tmp_path / "truncated.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1000))
    (tmp_path / "text.h5").write_text("no jets here")
    for name in ("truncated.h5", "text.h5"):
        assert_refused(call(capsys, "fig", 6, "--data", name), "truncated or no HDF5 file")
    (tmp_path / "page.h5").write_text("<!DOCTYPE html><p>404</p>")
    assert_refused(call(capsys, "fig", 6, "--data", "page.h5"), "is a web page and no file of jets")


UNWRITABLE = {
    "fig 3 --data fixtures --out file": "cannot write file/toptag/fig03.json: Not a directory",
    "table 8 --data fixtures --out file": "choose another folder",
    "verify toptag/fig4 --data fixtures --out file": "choose another folder",
    "fig 3 --data fixtures --out taken": "cannot write taken/toptag/fig03.json: Is a directory",
    "explain integrated_gradients topodnn jets.h5 --out file/found.json": "Not a directory",
    "export topodnn --out file/model.onnx": "Not a directory",
    "bench topodnn --out file/speed.json": "Not a directory",
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("line", UNWRITABLE)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_computed(
    capsys, monkeypatch, tmp_path, line
):
    (tmp_path / "file").write_text("I am a file")
    (tmp_path / "taken" / "toptag" / "fig03.json").mkdir(parents=True)
    for name in ("repro.figures.run.compute_item", "repro.figures.context.Context.tagger"):
        monkeypatch.setattr(name, lambda *_: pytest.fail("computed"))
    assert_refused(call(capsys, *line.split()), UNWRITABLE[line])
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "taken", "cache"}


@pytest.mark.usefixtures("here")
def test_figures_are_printed_claim_by_claim(capsys, tmp_path):
    code, out, err = call(
        capsys, "fig", "08", "--data", "fixtures", "--jets", 8, "--out", "there", "-q"
    )
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("toptag/fig8: ")
    assert lines[1] == "data: fixtures, 8 jets (first 4 QCD and 4 top jets)"
    claims = [claim for claim in load_claims("toptag") if claim.item == "toptag/fig8"]
    judged = [line.split()[2].rstrip(":") for line in lines if line.startswith("not tested")]
    assert judged == [claim.id for claim in claims]
    assert lines[-1].startswith("wrote there/toptag/fig08.json ")
    assert (tmp_path / "there" / "toptag" / "fig08.png").is_file()


@pytest.mark.usefixtures("here")
def test_tables_are_written_as_text(capsys, tmp_path):
    code, out, _ = call(capsys, "table", 8, "--data", "fixtures", "--out", "there")
    assert code == 0
    assert "reproduced   toptag/T8.topodnn_auc" in out
    names = sorted(path.name for path in (tmp_path / "there" / "toptag").iterdir())
    assert names == [f"table08.{suffix}" for suffix in ("csv", "json", "md", "tex")]
    text = (tmp_path / "there" / "toptag" / "table08.md").read_text("utf-8")
    assert "| TopoDNN | 90 | 1 | 90, 300, 102, 12, 6, 1 |" in text


@pytest.mark.usefixtures("here")
def test_verify_prints_summary_and_claims_as_json(capsys):
    code, out, err = call(capsys, "verify", "toptag/table1", "--data", "fixtures", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert set(document) == {"summary", "claims"}
    claims = document["claims"]
    assert sum(document["summary"].values()) == len(claims)
    verdicts = {entry["id"]: entry["verdict"] for entry in claims}
    for name in ("C1.max_abs_difference", "C2.auc", "C14.topodnn.v4"):
        assert verdicts[f"toptag/{name}"] == "reproduced"
    definition = {"$ref": "#/$defs/claim", "$defs": SCHEMA["$defs"]}
    for entry in claims:
        assert entry.pop("item") == "toptag/table1"
        jsonschema.validate(entry, definition)


@pytest.mark.usefixtures("here")
def test_verify_takes_claims_and_groups_of_them(capsys):
    code, out, _ = call(capsys, "verify", "toptag/T8.topodnn_auc", "--data", "fixtures")
    assert code == 0
    made, verdict, *notes, summary = out.splitlines()
    assert made.startswith("toptag/table8: data: fixtures, ")
    assert "weights: the authors'" in made
    assert verdict.startswith("reproduced   toptag/T8.topodnn_auc: ")
    assert all(note.startswith("note: ") for note in notes)
    assert summary == "1 reproduced, 0 replicated, 0 deviates, 0 not tested"
    _, out, _ = call(capsys, "verify", "toptag/T8", "--data", "fixtures", "--json")
    group = [claim.id for claim in load_claims("toptag") if claim.group == "toptag/T8"]
    assert [entry["id"] for entry in json.loads(out)["claims"]] == group


@pytest.mark.usefixtures("here")
def test_verify_judges_what_the_weights_alone_decide_and_nothing_that_is_not_implemented(capsys):
    chosen = ("hbb/C7", "hbb/C13")
    code, out, err = call(capsys, "verify", *chosen, "--data", "fixtures", "--json")
    assert code == 0
    assert err.count("data: no jets") == 1
    assert "toptag" not in err
    document = json.loads(out)
    verdicts = {entry["id"]: entry["verdict"] for entry in document["claims"]}
    groups = {claim.id: claim.group for claim in load_claims("hbb") if claim.group in chosen}
    wanted = {"hbb/C7": "reproduced", "hbb/C13": "not tested"}
    assert verdicts == {name: wanted[group] for name, group in groups.items()}
    assert all(entry["reason"] for entry in document["claims"])
    assert call(capsys, "verify", "hbb/C13", "--data", "fixtures", "--strict", "-q")[0] == 1


@pytest.mark.usefixtures("here")
def test_a_deviating_claim_makes_verify_and_strict_figures_fail(capsys, monkeypatch):
    from repro.figures import run as runner

    def deviating(result):
        return [entry | {"verdict": "deviates"} for entry in judge(result)]

    judge = runner.judge_item
    monkeypatch.setattr(runner, "judge_item", deviating)
    arguments = ["toptag/table8", "--data", "fixtures", "-q"]
    assert call(capsys, "verify", *arguments)[0] == 1
    assert call(capsys, "table", 8, "--data", "fixtures", "-q")[0] == 0
    assert call(capsys, "table", 8, "--data", "fixtures", "-q", "--strict")[0] == 1


def test_cite_gives_bibtex_of_package_papers_and_data(capsys):
    code, out, err = call(capsys, "cite")
    assert (code, err) == (0, "")
    assert out.count("@") >= 3
    for identifier in (repro.__version__, "2210.04371", "2211.12770", "10.5281/zenodo.2603256"):
        assert identifier in out
    assert "{version}" not in out


def test_info_is_for_bug_reports(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path))
    code, out, err = call(capsys, "info", "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert facts["repro"] == repro.__version__
    assert facts["cache"] == str(tmp_path)
    assert facts["cached"].startswith("0 of ")
    assert {"python", "torch", "numpy", "platform", "device", "threads", "offline"} <= set(facts)
    _, out, _ = call(capsys, "info")
    assert f"repro: {repro.__version__}\n" in out


@pytest.mark.usefixtures("here")
def test_verbosity_reaches_the_log(capsys):
    for flag, shown in (("-q", False), ("-v", True)):
        _, _, err = call(capsys, "fig", 3, "--jets", 8, flag)
        assert ("simulated jets that come with this package" in err) == shown


@pytest.mark.usefixtures("here")
def test_verify_writes_the_items_files_where_asked(capsys, tmp_path):
    code, _, _ = call(capsys, "verify", "toptag/fig5", "--data", "fixtures", "--out", tmp_path)
    assert code == 0
    written = sorted(path.name for path in (tmp_path / "toptag").iterdir())
    assert written == ["fig05.csv", "fig05.json", "fig05.pdf", "fig05.png"]


def test_cite_says_what_an_item_rests_on(capsys):
    code, out, err = call(capsys, "cite", "toptag/fig5", "--data", "embedded", "--format", "text")
    assert (code, err) == (0, "")
    package, paper, *others = out.splitlines()
    assert f"version {repro.__version__}" in package
    assert "2210.04371" in paper
    assert any("PYTHIA" in line for line in others)
    code, out, _ = call(capsys, "cite", "hbb/fig5", "--format", "cff")
    assert (code, out.partition("\n")[0]) == (0, "cff-version: 1.2.0")
    assert "10.7483/OPENDATA.CMS.JGJX.MS7Q" in out


def test_cite_knows_what_is_an_item(capsys):
    code, out, err = call(capsys, "cite", "toptag/fig555")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_verify_reads_results_and_computes_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REPRO_OFFLINE", "1")
    folder = Path(__file__).parent.parent / "figures"
    stored = json.loads((folder / "toptag" / "fig05.json").read_text("utf-8"))["claims"]
    code, out, err = call(capsys, "verify", "toptag/fig5", "--from", folder, "--json")
    judged = json.loads(out)["claims"]
    assert [claim["id"] for claim in judged] == [claim["id"] for claim in stored]
    assert [claim["verdict"] for claim in judged] == [claim["verdict"] for claim in stored]
    assert code == any(claim["verdict"] == "deviates" for claim in stored)
    assert not err


def test_verify_says_which_results_are_not_at_hand(capsys, tmp_path):
    source = Path(__file__).parent.parent / "figures" / "toptag" / "fig05.json"
    (tmp_path / "toptag").mkdir()
    (tmp_path / "toptag" / "fig05.json").write_bytes(source.read_bytes())
    _, out, _ = call(capsys, "verify", "--paper", "toptag", "--from", tmp_path, "--json")
    claims = json.loads(out)["claims"]
    others = {claim["reason"] for claim in claims if claim["item"] == "toptag/fig6"}
    assert others == {"no result of toptag/fig6 was at hand"}
    code, _, err = call(capsys, "verify", "toptag/fig6", "--from", tmp_path)
    assert (code, "fig06.json is not there" in err) == (2, True)


@pytest.mark.parametrize("options", [("--jets", "5"), ("--out", "elsewhere")])
def test_verify_that_reads_takes_no_options_of_computing(capsys, options):
    code, out, err = call(capsys, "verify", "--from", "figures", *options)
    assert (code, out) == (2, "")
    assert f"leave out {options[0]}" in err
