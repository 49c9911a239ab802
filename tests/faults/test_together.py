"""Two processes that write to the same place."""

import time

import pytest
from fault_commands import COMMANDS, contents, environment_of, litter, settings_of
from forking import Forking


@pytest.fixture(scope="module")
def other():
    server = Forking()
    yield server
    server.close()


@pytest.fixture
def both(forking, other, inputs, tmp_path):
    """Run a row twice at the same time, in the same folder."""

    def go(name, *, lead=0.0):
        settings = {"environment": environment_of(inputs, tmp_path / "cache")}
        settings |= settings_of(name, inputs)
        arguments = COMMANDS[name].arguments(inputs)
        first = forking.start(arguments, tmp_path, **settings)
        time.sleep(lead)
        second = other.run(arguments, tmp_path, **settings)
        return first.wait(120), second

    return go


@pytest.mark.parametrize("name", ["fetch", "score", "explain", "convert", "draw"])
def test_both_succeed_and_the_files_are_whole(both, forking, inputs, tmp_path, name):
    outcomes = both(name)
    assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
    leaves = COMMANDS[name].leaves
    alone = tmp_path / "alone"
    alone.mkdir()
    settings = {"environment": environment_of(inputs, alone / "cache")}
    settings |= settings_of(name, inputs)
    assert forking.run(COMMANDS[name].arguments(inputs), alone, **settings).code == 0
    expected = contents(alone, leaves)
    assert contents(tmp_path, leaves) == expected
    known = [*expected, *(f"alone/{entry}" for entry in expected)]
    assert litter(tmp_path, known) == []


@pytest.mark.parametrize("name", ["report", "train"])
def test_one_of_them_is_told_to_wait(both, name, tmp_path):
    outcomes = sorted(both(name, lead=0.05), key=lambda outcome: outcome.code)
    assert [outcome.code for outcome in outcomes] == [0, 2], outcomes
    assert outcomes[1].out == ""
    assert outcomes[1].err.count("\n") == 1
    assert "wait" in outcomes[1].err
    assert not [name for name in litter(tmp_path) if "/." in f"/{name}"]
