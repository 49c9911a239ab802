"""The workflow: what it asks of the package, what jobs cost, and that Snakemake takes it."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

import jsonschema
import pytest
import yaml
from workflow_parts import (
    CONFIGS,
    ROOT,
    SCHEMA,
    WORKFLOW,
    asked,
    call,
    imported,
    mistakes_in,
    snakemake,
)

from repro.catalogue import load_items
from repro.cli import build_parser, main
from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.features.embedded import SHIPPED
from repro.models.cards import find_card, load_cards
from repro.models.embedded_weights import embedded_card, embedded_names, stem_of
from repro.simulation.chunk import CHUNK_JETS
from repro.simulation.hbb.settings import load_settings
from repro.training.recipe import find_recipe

RATES = json.loads((WORKFLOW / "rates.json").read_text("utf-8"))["rates"]
PROFILES = {"local": None, "slurm": "slurm", "htcondor": "htcondor", "kubernetes": "kubernetes"}
"""The plugin that each profile needs."""


@pytest.fixture(scope="module")
def modules():
    with imported() as found:
        yield found


@pytest.fixture(scope="module")
def plan_of(modules):
    rates = modules["rates"].Rates.load()
    return lambda config: modules["plan"].Plan(config, rates)


def test_names_are_those_of_the_package(modules):
    plan = modules["plan"]
    chunks = {"toptag": CHUNK_JETS, "hbb": load_settings().chunk_jets}
    assert chunks == modules["samples"].CHUNK_JETS
    for item in load_items():
        assert plan.document_of(item.id) == f"{item.paper}/{item.stem}.json"
        name = plan.document_of(item.id).partition("/")[2].removesuffix(".json")
        kind = "fig" if name.startswith("fig") else "table"
        assert f"{item.paper}/{plan.Plan.item(kind, name.removeprefix(kind))}" == item.id
    for name in ("topodnn:v4", "pfin:sum", "in:baseline"):
        assert plan.stem_of(name) == stem_of(find_card(name))


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_have_the_form_and_lead_somewhere(name, plan_of, modules):
    jsonschema.validate(CONFIGS[name], SCHEMA)
    plan = plan_of(CONFIGS[name])
    assert mistakes_in(modules)(CONFIGS[name]) == []
    for entry in plan.trainings.values():
        card = find_card(entry["model"])
        assert card.name == entry["model"]
        assert card.variant in load_cards(card.family)
    assert set(plan.items) <= {item.id for item in load_items() if item.module}


@pytest.mark.parametrize("name", CONFIGS)
def test_the_package_takes_every_command(name, plan_of):
    plan, parse = plan_of(CONFIGS[name]), build_parser().parse_args
    for sample, entry in plan.samples.items():
        if "jets" in entry:
            chunks = plan.chunks(sample)
            assert [first for first, _ in chunks[1:]] == [last for _, last in chunks[:-1]]
            parse(shlex.split(f"simulate {plan.simulation(sample)} --out a.h5 --chunks 0:1"))
    for stem in plan.trainings:
        parse(shlex.split(f"train {plan.training(stem)} --seed 1 --data a.h5 --out b"))
        parse(shlex.split(f"score {plan.scoring(stem)} a.h5 --weights b --out c.npy"))
    for path in plan.explanations:
        _, _, stem, method, _ = path.split("/", 4)
        parse(shlex.split(f"explain {plan.explaining(method, stem)} a.h5 --seed 1 --out c.json"))
    for paper in plan.chosen:
        parse(shlex.split(f"fig 5 --paper {paper} {plan.computing(paper)} --out d"))
    parse(["verify", *plan.items, "--from", "d", "--json"])


def test_a_form_that_is_wrong_is_refused():
    for change in ({"result": "x"}, {"trainings": [{"model": "pfn", "sample": "a", "seeds": [0]}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(CONFIGS["small"] | change, SCHEMA)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_job_has_a_cost(name, plan_of):
    plan = plan_of(CONFIGS[name])
    costs = [plan.of_training(stem) for stem in plan.trainings]
    costs += [
        plan.of_scoring(path.split("/")[2], path.split("/", 3)[3].removesuffix(".npy"))
        for path in plan.scores
    ]
    costs += [plan.of_reading("verify"), plan.of_reading("report")]
    for paper, entry in plan.chosen.items():
        costs += [plan.of_item(paper, f"{paper}/{item}") for item in entry["ids"]]
    for cost in costs:
        assert cost.seconds > 0
        assert cost.mem_mb > cost.memory > 100
        assert cost.minutes * 60 > cost.seconds


def test_minutes_are_those_that_are_given_and_at_most_the_longest(plan_of):
    entry = CONFIGS["small"]["trainings"][0]
    small = CONFIGS["small"] | {"trainings": [entry]}
    stem = entry["model"].replace(":", "-")
    estimate = plan_of(small).of_training(stem).minutes
    assert [plan_of(small).minutes_of_training(stem, n) for n in (1, 2)] == [estimate, 2 * estimate]
    given = small | {"trainings": [entry | {"runtime": 90}]}
    jsonschema.validate(given | {"longest": 60}, SCHEMA)
    assert [plan_of(given).minutes_of_training(stem, n) for n in (1, 2)] == [90, 90]
    short = plan_of(given | {"longest": 60})
    assert short.minutes_of_training(stem, 1) == 60
    cost = short.of_training(stem)._replace(seconds=1e5)
    assert (short.minutes(cost, 1), plan_of(small).minutes(cost, 2)) == (60, 2 * cost.minutes)
    for wrong in ({"longest": 0}, {"trainings": [entry | {"runtime": "2 h"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(small | wrong, SCHEMA)


def test_settings_are_those_that_weights_follow_from(plan_of):
    samples = {
        "jets": {"paper": "hbb", "preset": "window", "seed": 2, "jets": 90},
        "record": {"split": "train", "files": [9, 10]},
    }
    first = {"model": "in:baseline", "sample": "jets", "seeds": [0]}
    second = {"model": "in:De8", "sample": "record", "seeds": [0], "after": "in:baseline"}

    def settings(one=(), two=(), jets=(), record=()):
        config = {
            "samples": {
                "jets": samples["jets"] | dict(jets),
                "record": samples["record"] | dict(record),
            },
            "trainings": [first | dict(one), second | dict(two)],
        }
        return [plan_of(config).settings(stem) for stem in ("in-baseline", "in-De8")]

    def changed(**changes):
        return [one != other for one, other in zip(settings(), settings(**changes), strict=True)]

    # The second begins with what the first has learned.
    for change in ({"epochs": 3}, {"recipe": "embedded"}, {"validation": "record"}):
        assert changed(one=change) == [True, True]
        assert changed(two=change) == [False, True]
    assert changed(jets={"seed": 3}) == [True, True]
    assert changed(record={"files": [9]}) == [False, True]
    means = {"device": "cpu", "gpus": 1, "threads": 4, "runtime": 9, "seeds": [0, 1], "score": []}
    same = {**means, "recipe": "published", "precision": "full"}
    assert changed(one=same, two=same, jets={"chunks_per_job": 5}) == [False, False]


def test_rates_of_trainings_are_those_of_the_cards():
    """The slowest of a family's cards, and the epochs of the published recipe.

    But for ``pfin:sum``, whose training saw but a part of each jet for most of its epochs.
    """
    rates = {entry["kind"]: entry for entry in RATES if entry["rule"] == "train"}
    for family in ("topodnn", "mbns", "pfn", "augpfn", "pfin"):
        trainings = [
            embedded_card(find_card(name))["training"]
            for name in embedded_names()
            if find_card(name).family == family and find_card(name).name != "pfin:sum"
        ]
        slowest = max(one["seconds"] / (one["epochs"] * one["data"]["jets"]) for one in trainings)
        assert rates[family]["seconds_per_jet"] == pytest.approx(slowest, rel=0.02), family
    for family, rate in rates.items():
        name = {"topodnn": "topodnn:baseline", "mbns": "mbns:baseline"}.get(family, family)
        assert rate["epochs"] == find_recipe("published", find_card(name)).epochs


def test_rates_of_items_and_explanations_are_those_of_the_committed_results():
    for entry in RATES:
        if "result" in entry:
            document = json.loads((ROOT / "figures" / entry["result"]).read_text("utf-8"))
            per_jet = document["seconds"] / document["data"]["jets"]
            assert entry["seconds_per_jet"] == pytest.approx(per_jet, rel=0.05)


def test_each_rate_says_how_it_was_measured():
    assert all(len(entry["measured"]) > 20 for entry in RATES)
    assert len({(entry["rule"], entry["kind"]) for entry in RATES}) == len(RATES)


# With Snakemake.


def configured(name):
    return ["--configfile", WORKFLOW / "config" / f"{name}.yaml"]


@pytest.mark.parametrize("name", CONFIGS)
def test_snakemake_takes_every_configuration(name, tmp_path, plan_of):
    code, said = call(tmp_path, *configured(name), "--cores", 2, "--dry-run", "--quiet", "rules")
    assert code == 0, said
    jobs = dict(
        line.split() for line in said.splitlines() if len(line.split()) == 2 and line[-1:].isdigit()
    )
    assert int(jobs["train"]) == len(plan_of(CONFIGS[name]).weights)
    assert int(jobs["score"]) == len(plan_of(CONFIGS[name]).scores)


@pytest.mark.parametrize("name", PROFILES)
def test_snakemake_takes_every_profile(name, tmp_path):
    plugin = PROFILES[name]
    looked = [snakemake()[0], "-c", f"import snakemake_executor_plugin_{plugin}"]
    if plugin and subprocess.run(looked, capture_output=True, check=False).returncode:
        pytest.skip(f"snakemake-executor-plugin-{plugin} is not installed")
    profile = ["--profile", WORKFLOW / "profiles" / name]
    code, said = call(tmp_path, *configured("small"), *profile, "--dry-run", "--quiet", "rules")
    assert code == 0, said
    assert "simulate" in said


def test_htcondor_is_asked_for_the_same_by_its_own_names(tmp_path):
    code, said = call(tmp_path, *configured("paper"), "--cores", 2, "--dry-run")
    assert code == 0, said
    asked = [
        dict(entry.partition("=")[::2] for entry in line.partition(":")[2].strip().split(", "))
        for line in said.splitlines()
        if line.strip().startswith("resources:") and "runtime" in line
    ]
    assert len({entry["mem_mb"] for entry in asked}) > 5
    for entry in asked:
        assert entry["htcondor_request_mem_mb"] == entry["mem_mb"]
        assert entry["htcondor_request_disk_mb"] == entry["disk_mb"]
        assert entry.get("request_gpus") == entry.get("gpu")
        assert int(entry["runtime"]) <= CONFIGS["paper"]["longest"]
    assert {entry["gpu"] for entry in asked if "gpu" in entry} == {"1"}
    # Without limits Kubernetes gives no GPU.
    assert {entry["scale"] for entry in asked if "gpu" in entry} == {"0"}


STAND_IN = """\
#!{python}
import json, pathlib, sys

out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
begun = (out / "checkpoint.pt").exists()
with open("calls", "a") as calls:
    calls.write(json.dumps([begun, *sys.argv[1:]]) + "\\n")
(out / "checkpoint.pt").touch()
if pathlib.Path("killed").exists():
    sys.exit(2)
for name in ("weights.safetensors", "card.json"):
    (out / name).touch()
"""
"""A command that writes what it was given, and whether there was a checkpoint."""


@pytest.fixture
def training(tmp_path):
    """Runs the rule of a training on files of the record; returns what the stand-in was given."""
    command = tmp_path / "bin/repro"
    command.parent.mkdir()
    command.write_text(STAND_IN.format(python=sys.executable))
    command.chmod(0o755)
    folder = tmp_path / "results/small/samples/record"
    folder.mkdir(parents=True)
    for number in (9, 10, 11):
        (folder / f"{number}.h5").touch()

    def run(files, *, code=0, **changes):
        entry = {"model": "in:De8", "sample": "record", "seeds": [0], **changes}
        parts = {"samples": {"record": {"split": "train", "files": files}}, "trainings": [entry]}
        config = CONFIGS["small"] | parts | {"explanations": [], "items": {}}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        options = ["--configfile", tmp_path / "config.yaml", "--cores", 1, "--allowed-rules"]
        target = ["train", "--", "results/small/weights/0/in-De8/weights.safetensors"]
        given = asked(tmp_path, *options, *target)
        given["env"]["PATH"] = os.pathsep.join([str(command.parent), given["env"]["PATH"]])
        done = subprocess.run(**given, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, done.stderr
        calls = tmp_path / "calls"
        return [json.loads(line) for line in calls.read_text().splitlines()]

    return run


def test_a_training_is_given_its_own_files_alone(training):
    """And not what a longer list of files left in their folder."""
    ((_, *words),) = training([9, 11], validation="record")
    folder = "results/small/samples/record"
    for option in ("--data", "--validation"):
        given = [words[at + 1] for at, word in enumerate(words) if word == option]
        assert given == [f"{folder}/9.h5", f"{folder}/11.h5"]
    build_parser().parse_args(words)


@pytest.mark.slow
def test_a_training_of_other_settings_begins_again(training, tmp_path):
    killed = tmp_path / "killed"
    killed.touch()
    training([9, 10], code=1, epochs=3)
    assert [begun for begun, *_ in training([9, 10], code=1, epochs=3)] == [False, True]
    assert not training([9, 10], code=1, epochs=4)[-1][0]
    assert training([9, 10], code=1, epochs=4, threads=2)[-1][0]
    assert not training([9, 11], code=1, epochs=4)[-1][0]
    killed.unlink()
    assert training([9, 11], epochs=4)[-1][0]
    calls = training([9], epochs=4)
    assert (len(calls), calls[-1][0]) == (7, False)
    assert training([9], epochs=4) == calls
    # What was not made here is not thrown away.
    folder = tmp_path / "results/small/weights/0/in-De8"
    (folder / "settings").unlink()
    (folder / "weights.safetensors").unlink()
    assert training([9], epochs=5)[-1][0]


def test_a_rule_that_fails_says_what_to_do_and_leaves_nothing(tmp_path):
    """The package's own line is shown, and Snakemake stops."""
    target = "results/small/scores/0/topodnn-baseline/toptag-test.h5.npy"
    for name in ("samples/toptag-test.h5", "weights/0/topodnn-baseline/weights.safetensors"):
        path = tmp_path / "results/small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("nothing of the kind")
    options = ["--profile", WORKFLOW / "profiles/local", "--cores", 1, "--allowed-rules", "score"]
    code, said = call(tmp_path, *configured("small"), *options, "--", target)
    assert code == 1
    assert "repro: error:" in said
    assert not (tmp_path / target).exists()


def planned(folder):
    """Return how many jobs of each rule are left, by a dry run."""
    code, said = call(folder, *configured("small"), "--cores", 2, "--dry-run", "--quiet", "rules")
    assert code == 0, said
    rows = (line.split() for line in said.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_it_runs_to_the_end_and_makes_nothing_twice(tmp_path):
    """What is there stays; what is removed is made again, and what follows from it."""
    profile = ["--profile", WORKFLOW / "profiles/local"]
    code, said = call(tmp_path, *configured("small"), *profile, timeout=1700)
    assert code == 0, said
    assert planned(tmp_path) == {}
    out = tmp_path / "results/small"
    assert not any((out / "samples").rglob("*.parts"))
    verdicts = json.loads((out / "verdicts.json").read_text("utf-8"))
    assert sum(verdicts["summary"].values()) == len(verdicts["claims"]) > 50
    assert (out / "report/ro-crate-metadata.json").is_file()
    # What no rule names is not looked at, as docs/clusters.md says.
    others = ("items/toptag/fig05.png", "weights/0/topodnn-baseline/card.json", "report/index.html")
    for name in others:
        (out / name).unlink()
    assert planned(tmp_path) == {}
    shutil.rmtree(out / "report")
    assert planned(tmp_path) == {"report": 1, "all": 1, "total": 2}
    code, said = call(tmp_path, *configured("small"), *profile)
    assert code == 0, said
    (out / "scores/1/topodnn-baseline/toptag-test.h5.npy").unlink()
    assert planned(tmp_path) == {"score": 1, "all": 1, "total": 2}
    (out / "items/toptag/fig05.json").unlink()
    left = planned(tmp_path)
    assert left == {"score": 1, "item": 1, "verify": 1, "report": 1, "all": 1, "total": 5}
    (out / "samples/hbb-test.h5").unlink()
    made = {"simulate": 1, "merge": 1, "score": 2, "item": 2, "verify": 1, "report": 1}
    assert planned(tmp_path) == {**made, "all": 1, "total": 9}


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_training_that_was_killed_goes_on_and_gives_the_same_weights(tmp_path):
    """All of it is killed, Snakemake too, which then says that it has to be unlocked."""
    training = {"model": "topodnn:v4", "sample": "toptag-train", "recipe": "embedded"}
    training |= {"epochs": 60, "seeds": [0], "score": []}
    config = CONFIGS["small"] | {"trainings": [training], "explanations": [], "items": {}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    sample = tmp_path / "results/small/samples/toptag-train.h5"
    sample.parent.mkdir(parents=True)
    shutil.copyfile(shipped_path(find_artifact(SHIPPED)), sample)
    folder = "results/small/weights/0/topodnn-v4"
    options = ["--configfile", tmp_path / "config.yaml", "--profile", WORKFLOW / "profiles/local"]
    target = [*options, "--cores", 1, "--", f"{folder}/weights.safetensors"]
    run = subprocess.Popen(
        **asked(tmp_path, *target),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    history = tmp_path / folder / "history.csv"
    while not history.is_file() or len(history.read_text().splitlines()) < 4:
        assert run.poll() is None
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    done = len(history.read_text().splitlines()) - 1
    assert done < training["epochs"]
    assert not (tmp_path / folder / "weights.safetensors").exists()
    assert "--unlock" in call(tmp_path, *target)[1]
    assert call(tmp_path, *options, "--unlock")[0] == 0
    code, said = call(tmp_path, *target)
    assert code == 0, said
    log = (tmp_path / "results/small/logs/train/topodnn-v4-0.log").read_text()
    assert "epoch 1:" not in log
    words = f"train topodnn:v4 --recipe embedded --epochs 60 --seed 0 --data {sample} --out"
    assert main([*words.split(), str(tmp_path / "whole"), "--device", "cpu"]) == 0
    names = ["whole", folder]
    first, second = ((tmp_path / name / "weights.safetensors").read_bytes() for name in names)
    assert first == second


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_job_that_slurm_cancels_is_tried_again(tmp_path):
    """On a SLURM that is at hand; REPRO_SLURM is ACCOUNT:PARTITION there."""
    account, _, partition = os.environ.get("REPRO_SLURM", "").partition(":")
    if not partition or not shutil.which("sbatch"):
        pytest.skip("no SLURM: REPRO_SLURM=ACCOUNT:PARTITION names one")
    sample = {"paper": "toptag", "preset": "documented", "seed": 3, "jets": 300}
    parts = {"samples": {"jets": sample}, "trainings": [], "explanations": [], "items": {}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIGS["small"] | parts))
    options = ["--configfile", tmp_path / "config.yaml", "--profile", WORKFLOW / "profiles/slurm"]
    site = [f"slurm_account={account}", f"slurm_partition={partition}"]
    with (tmp_path / "said").open("w") as said:
        run = subprocess.Popen(
            **asked(tmp_path, *options, "--default-resources", *site),
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            while not (jobs := running_in(tmp_path)):
                assert run.poll() is None
                time.sleep(0.2)
            subprocess.run(["scancel", jobs[0]], check=True)
            assert run.wait(600) == 0, (tmp_path / "said").read_text()
        finally:
            run.terminate()  # which cancels its jobs
            run.wait(60)
    said = (tmp_path / "said").read_text()
    assert "SLURM status is: 'CANCELLED'" in said
    words = "simulate toptag --preset documented --seed 3 --jets 300 --jobs 1 --packed -q --out"
    assert main([*words.split(), str(tmp_path / "whole.h5")]) == 0
    made = tmp_path / "results/small/samples/jets.h5"
    assert made.read_bytes() == (tmp_path / "whole.h5").read_bytes()


def running_in(folder):
    """Return the SLURM jobs of ours that run in a folder."""
    words = ["squeue", "--me", "--noheader", "--states=RUNNING", "--format=%i %Z"]
    rows = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return [row.split()[0] for row in rows if row.split()[1] == str(folder)]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_chunks_put_together_have_the_bytes_of_one_run(tmp_path):
    options = ["--profile", WORKFLOW / "profiles/local", "--", "made/samples/toptag-train.h5"]
    given = [*configured("small"), "--config", "results=made"]
    code, said = call(tmp_path, *given, *options, timeout=800)
    assert code == 0, said
    sample = CONFIGS["small"]["samples"]["toptag-train"]
    whole = tmp_path / "whole.h5"
    words = f"simulate toptag --preset {sample['preset']} --seed {sample['seed']} --packed -q"
    code = main([*words.split(), "--jets", str(sample["jets"]), "--jobs", "1", "--out", str(whole)])
    assert code == 0
    assert (tmp_path / "made/samples/toptag-train.h5").read_bytes() == whole.read_bytes()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_what_changed_in_a_configuration_is_made_again(tmp_path):
    """Another sample, and what learns from it, though the old one and its weights are there."""
    training = {"model": "topodnn:v4", "sample": "jets", "recipe": "embedded", "seeds": [0]}
    chosen = {"paper": "toptag", "preset": "documented", "seed": 2, "jets": 200}
    options = ["--configfile", tmp_path / "config.yaml", "--profile", WORKFLOW / "profiles/local"]
    found = []
    for sample, changes in (({}, {"epochs": 1}), ({"seed": 3}, {"epochs": 1}), ({}, {"epochs": 2})):
        parts = {"samples": {"jets": chosen | sample}, "trainings": [training | changes]}
        config = CONFIGS["small"] | parts | {"explanations": [], "items": {}}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        code, said = call(tmp_path, *options)
        assert code == 0, said
        card = json.loads((tmp_path / "results/small/weights/0/topodnn-v4/card.json").read_text())
        data = card["training"]["data"]
        found.append((data["simulation"]["seed"], card["training"]["recipe"]["epochs"]))
    assert found == [(2, 1), (3, 1), (2, 2)]


def test_the_plan_in_the_documentation_is_of_every_job(plan_of):
    """Its rows add up to the jobs that Snakemake plans, but for those of the mark itself."""
    from site_hooks import hook

    plan, page = plan_of(CONFIGS["paper"]), hook("cluster_plan")
    rows = [line.split("|")[1:-1] for line in page.plan().splitlines()[2:-1]]
    jobs = {}
    for rule, _, count, *_ in rows:
        jobs[rule.strip(" `")] = jobs.get(rule.strip(" `"), 0) + int(count.replace(",", ""))
    simulated = [name for name, entry in plan.samples.items() if "jets" in entry]
    assert jobs["simulate"] == sum(len(plan.chunks(name)) for name in simulated)
    assert jobs["convert"] == 91
    assert jobs["train"] == len(plan.weights)
    assert jobs["score"] == len(plan.scores)
    assert jobs["explain"] == len(plan.explanations)
    assert jobs["item"] == len(plan.items)
    assert sum(plan.jets(name) for name in simulated) >= 2_000_000
    assert len(page.rates().splitlines()) == len(RATES) + 2
