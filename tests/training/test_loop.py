"""The loop against a plain one, and training that is stopped and goes on."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from trainings import examples, recipe

from repro.errors import BadInput
from repro.models.dense import DenseNetwork
from repro.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from repro.training.loop import Plan, _loss, _permutation, train
from repro.training.parallel import Crew
from repro.training.preload import initialise, preload

RECIPE = recipe(learning_rate=0.01, batch=32, epochs=3, selection="loss")


def network(seed=0, outputs=2, dropout=()):
    made = DenseNetwork(5, (8, 4), outputs, dropout)
    initialise(made, "torch", seed)
    return made


def begin(made):
    return Checkpoint("", {n: t.clone() for n, t in made.state_dict().items()}, {})


def run(made, plan, state=None, save=lambda _state: None, **arguments):
    learning, validation = examples(300, 0), examples(100, 1)
    return train(made, learning, validation, plan, state or begin(made), save=save, **arguments)


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_loss_is_that_of_the_originals(outputs):
    torch.manual_seed(0)
    logits = torch.randn(50, outputs, dtype=torch.float64).squeeze(-1)
    labels = torch.randint(0, 2, (50,))
    truth = labels.double()
    if outputs == 1:
        expected = nn.BCELoss(reduction="sum")(torch.sigmoid(logits), truth)
    else:
        columns = torch.softmax(logits, dim=1)
        both = nn.BCELoss()(columns, torch.stack([1 - truth, truth], dim=1))
        top = nn.BCELoss()(columns[:, 1], truth)
        assert float(both) == pytest.approx(float(top), rel=1e-12)
        expected = 50 * both
    assert float(_loss(logits, labels)) == pytest.approx(float(expected), rel=1e-12)


def test_it_does_what_a_plain_loop_does():
    mine, plain = network(), network()
    state = run(mine, Plan(RECIPE))
    learning, validation = examples(300, 0), examples(100, 1)
    x, y = torch.from_numpy(learning.inputs), torch.from_numpy(learning.labels)
    optimiser = torch.optim.Adam(plain.parameters(), lr=0.01)
    kept, least = {}, np.inf
    for epoch in range(3):
        for rows in _permutation(0, epoch, 300).split(32):
            optimiser.zero_grad()
            nn.functional.cross_entropy(plain(x[rows]), y[rows]).backward()
            optimiser.step()
        with torch.no_grad():
            logits = plain(torch.from_numpy(validation.inputs))
            loss = float(nn.functional.cross_entropy(logits, torch.from_numpy(validation.labels)))
        assert state.history[epoch].validation_loss == pytest.approx(loss, rel=1e-5)
        if loss < least:
            least, kept = loss, {n: t.clone() for n, t in plain.state_dict().items()}
    for name, tensor in mine.state_dict().items():
        torch.testing.assert_close(tensor, kept[name], rtol=1e-4, atol=1e-6)


def test_it_learns():
    made = network()
    state = run(made, Plan(dataclasses.replace(RECIPE, epochs=10)))
    assert state.history[-1].validation_auc > 0.9
    assert not made.training


@pytest.mark.parametrize("steps", [0, 3, 10, 14, 29])
def test_an_interrupted_training_goes_on_to_the_same_weights(steps, tmp_path):
    whole = network(dropout=(0.2, 0.1))
    expected = run(whole, Plan(RECIPE))
    path = tmp_path / "checkpoint.pt"
    calls = iter(range(10_000))
    with pytest.raises(KeyboardInterrupt):
        run(
            network(dropout=(0.2, 0.1)),
            Plan(RECIPE),
            save=lambda state: write_checkpoint(path, state),
            interrupted=lambda: next(calls) >= steps,
        )
    # Other random numbers in between must not matter.
    torch.manual_seed(99)
    fresh = network(seed=7, dropout=(0.2, 0.1))
    reached = run(fresh, Plan(RECIPE), state=read_checkpoint(path))
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, fresh.state_dict()[name]), name
    old, new = (
        [dataclasses.astuple(dataclasses.replace(epoch, seconds=0.0)) for epoch in state.history]
        for state in (expected, reached)
    )
    np.testing.assert_allclose(new, old, rtol=1e-12)


def test_a_finished_training_is_not_continued():
    made = network()
    state = run(made, Plan(RECIPE))
    again = run(network(seed=3), Plan(RECIPE), state=state)
    assert again.history == state.history


def test_the_seed_decides():
    states = [run(network(), Plan(dataclasses.replace(RECIPE, seed=s))).best for s in (0, 0, 1)]
    first, same, other = (state["layers.0.weight"] for state in states)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_dropout_differs_from_step_to_step():
    made = nn.Sequential(nn.Dropout(0.5), nn.Linear(5, 2))
    seen = []
    made[0].register_forward_hook(lambda _m, _i, output: seen.append(output == 0))
    run(made, Plan(dataclasses.replace(RECIPE, epochs=1, batch=100)))
    assert not torch.equal(seen[0], seen[1])


def test_bfloat16_comes_close():
    full, half = network(), network()
    exact = run(full, Plan(RECIPE)).history[-1]
    rounded = run(half, Plan(RECIPE, autocast=torch.bfloat16)).history[-1]
    assert rounded.validation_loss == pytest.approx(exact.validation_loss, rel=0.05)
    assert half.layers[0].weight.dtype == torch.float32


def test_a_compiled_network_trains_the_same():
    plain, compiled = network(), network()
    expected = run(plain, Plan(RECIPE))
    step = torch.compile(compiled, backend="eager")
    found = run(compiled, Plan(RECIPE, step_network=step))
    assert found.history[-1].validation_loss == pytest.approx(
        expected.history[-1].validation_loss, rel=1e-5
    )


def test_columns_are_scaled_with_each_set_s_own_moments():
    learning, validation = examples(300, 0), examples(100, 1)
    scaled = dataclasses.replace(learning, scaled=(0, 2))
    columns = scaled.prepared[:, [0, 2]]
    np.testing.assert_allclose(columns.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(columns.std(axis=0, ddof=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(scaled.prepared[:, 1], learning.inputs[:, 1])
    made = network()
    seen = []
    made.register_forward_pre_hook(lambda _m, given: seen.append(given[0]))
    train(
        made,
        scaled,
        dataclasses.replace(validation, scaled=(0, 2)),
        Plan(dataclasses.replace(RECIPE, epochs=1, batch=300)),
        begin(made),
        save=lambda _state: None,
    )
    rows = _permutation(0, 0, 300)
    torch.testing.assert_close(seen[0], torch.from_numpy(scaled.prepared)[rows])


def test_a_loss_that_is_no_number_ends_the_training():
    with pytest.raises(BadInput, match="lower --learning-rate"):
        run(network(), Plan(dataclasses.replace(RECIPE, learning_rate=1e38)))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_shares_of_a_batch_make_up_the_batch(size):
    rows = torch.arange(10)
    shares = torch.cat([Crew(rank, size).share(rows) for rank in range(size)])
    assert torch.equal(shares.sort().values, rows)


def test_glorot_is_that_of_keras():
    made = nn.Linear(300, 100)
    initialise(made, "glorot", 0)
    limit = (6 / 400) ** 0.5
    assert (made.bias == 0).all()
    assert float(made.weight.detach().abs().max()) <= limit
    assert float(made.weight.detach().std()) == pytest.approx(limit / 3**0.5, rel=0.02)


def test_initial_weights_follow_the_seed():
    first, same, other = (network(seed).layers[0].weight for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_preloading_takes_overlapping_corners():
    old, new = nn.Linear(2, 3), nn.Linear(4, 2)
    taken = preload(new, old.state_dict())
    assert taken == ["weight (part)", "bias (part)"]
    assert torch.equal(new.weight[:, :2], old.weight[:2])
    assert (new.weight[:, 2:] == 0).all()
    same = network(seed=5)
    assert preload(same, network(seed=1).state_dict()) == list(same.state_dict())
    assert torch.equal(same.layers[0].weight, network(seed=1).layers[0].weight)
    with pytest.raises(BadInput, match="no tensor in common"):
        preload(new, {"other": torch.zeros(1)})


def test_a_damaged_checkpoint_says_what_to_do(tmp_path):
    path = tmp_path / "checkpoint.pt"
    assert read_checkpoint(path) is None
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match="--restart"):
        read_checkpoint(path)
