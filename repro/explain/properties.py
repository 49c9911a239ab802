"""Properties of the explanation methods, each measured on made-up networks.

The talk on arXiv:2210.04371 compares the methods by eight properties and marks each with yes or
no.  Here each mark is an experiment whose outcome is known beforehand for an ideal method; jets
and trained weights do not enter.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from repro.data.arrays import FloatArray
from repro.errors import BadInput, ReproError
from repro.explain.dense import dense_layers
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import Method
from repro.models.dense import DenseNetwork

__all__ = ["PROPERTIES", "Finding"]

_FEATURES = 12
_HIDDEN = (16, 8)
_JETS = 1200
_BACKGROUND = 20

# Jets of each class for methods that run the network many times for each.
_FEW = 20

# A method that asks for this many times the passes with twice the inputs grows with them.
_GROWS = 1.5
# Of the importance that the informative input has alone; below, nobody would see the other one.
_SEEN = 0.25


@dataclass(frozen=True)
class Finding:
    """The outcome of an experiment.

    Attributes:
        answer: ``yes``, ``partly`` or ``no``.
        about: What was measured, in words.
    """

    answer: str
    about: str


class _Veiled(nn.Module):
    """A dense network whose weights cannot be seen, and through which no gradient flows.

    Args:
        network: The network.
        activations: Whether its ReLU modules can be seen.
    """

    def __init__(self, network: nn.Module, *, activations: bool) -> None:
        super().__init__()
        layers = dense_layers(network)
        # A list is no module: torch does not find what is in it.
        self._layers = layers
        relus = [nn.ReLU() for _ in layers[1:]]
        self._relus = nn.ModuleList(relus) if activations else relus

    @torch.no_grad()
    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (n,) of inputs (n, features)."""
        values: Tensor = self._layers[0](inputs)
        for relu, layer in zip(self._relus, self._layers[1:], strict=True):
            values = layer(relu(values))
        return values.squeeze(-1)


class _Rows:
    """Counts the rows that go through a network."""

    def __init__(self, network: nn.Module) -> None:
        self.count = 0
        network.register_forward_hook(self._add)

    def _add(self, _module: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        self.count += len(inputs[0])


def _scales(method: Method) -> Finding:
    """Whether twice the inputs leave the number of forward passes as it is."""
    few, many = _passes(method, _FEATURES), _passes(method, 2 * _FEATURES)
    about = f"{few:.1f} passes per jet with {_FEATURES} inputs, {many:.1f} with {2 * _FEATURES}"
    return Finding(_yes(many < _GROWS * few), about)


def _explains_one_jet(method: Method) -> Finding:
    """Whether a jet that is alone in its class gets a value for each of its inputs."""
    problem = _problem(_network())
    alone = np.flatnonzero(problem.labels == 1)[:1]
    rows = np.append(np.flatnonzero(problem.labels == 0), np.repeat(alone, 2))
    try:
        found = _explain(method, problem.with_jets(rows))
    except BadInput as error:
        return Finding("no", str(error))
    panel = found.panels.get(problem.classes[1])
    if panel is None:
        return Finding("no", "one value for all jets together")
    if found.names != problem.ranked_features:
        return Finding("no", "values of nodes, not of inputs")
    if not np.isfinite(panel.value).all():
        return Finding("no", "no finite values")
    return Finding("yes", "each jet has values of its own")


def _explains_a_set(method: Method) -> Finding:
    """Whether a set of jets gets one finite value per input or node."""
    found = _explain(method, _problem(_network()))
    finite = all(np.isfinite(panel.value).all() for panel in found.panels.values())
    return Finding(_yes(finite), f"{len(found.names)} values")


def _needs_forward(method: Method) -> Finding:
    """Whether jets go through the network."""
    passes = _passes(method, _FEATURES)
    return Finding(_yes(passes > 0), f"{passes:.1f} passes per jet")


def _needs_backward(method: Method) -> Finding:
    """Whether the method fails if it sees neither weights nor gradients."""
    seen = _access(method, _network())[1]
    return Finding(_yes(seen == "weights"), f"sees {seen} of the network")


def _is_fooled(method: Method) -> Finding:
    """Whether an input that adds nothing to another one seems important.

    The second input copies the first one, which alone tells the classes apart.  The network is
    (1 - b)·first + b·second, nearly the same function of the jets for each b; the importance of
    the second input is compared with that of the first one at b = 0.
    """
    alone = _importance(method, 0.0)
    if alone is None:
        return Finding("no", "ranks no inputs, so none can seem important")
    seen = {}
    for weight in (0.5, 2.0):
        found = _importance(method, weight)
        assert found is not None  # noqa: S101 - the inputs are the same
        seen[weight] = float(found[1] / alone[0])
    about = ", ".join(f"{times:.2f} times at b = {weight:g}" for weight, times in seen.items())
    fooled = sum(times > _SEEN for times in seen.values())
    return Finding(
        ("no", "partly", "yes")[fooled],
        "in a network of (1 - b)·input + b·copy, the copy seems as important as the input without "
        f"it: {about}",
    )


def _sees_idle_nodes(method: Method) -> Finding:
    """Whether nodes that are never active, and change nothing, change the explanation."""
    network = _network()
    wider = _with_idle_nodes(network)
    first, second = (_explain(method, _problem(each)) for each in (network, wider))
    same = first.names == second.names and all(
        np.allclose(panel.value, second.panels[name].value, rtol=1e-4, atol=1e-6)
        for name, panel in first.panels.items()
    )
    return Finding(_yes(not same), "unchanged by idle nodes" if same else "shows idle nodes")


def _needs_retraining(method: Method) -> Finding:
    """Whether the method changes the weights."""
    network = _network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    _explain(method, _problem(network))
    same = all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    return Finding(_yes(not same), "weights as before" if same else "other weights")


PROPERTIES: Mapping[str, Callable[[Method], Finding]] = {
    "scalable": _scales,
    "local": _explains_one_jet,
    "global": _explains_a_set,
    "forward": _needs_forward,
    "backward": _needs_backward,
    "spurious": _is_fooled,
    "complexity": _sees_idle_nodes,
    "retraining": _needs_retraining,
}
"""Experiments by name, in the order of the talk's table."""


def _network(features: int = _FEATURES) -> DenseNetwork:
    generator = torch.Generator().manual_seed(0)
    network = DenseNetwork(features, _HIDDEN, 1).eval()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
    return network


def _problem(network: nn.Module, features: int = _FEATURES) -> Problem:
    generator = np.random.default_rng(0)
    labels = np.arange(_JETS) % 2
    inputs = generator.normal(size=(_JETS, features)) + labels[:, None]
    names = tuple(f"x{column}" for column in range(features))
    return Problem(network, inputs.astype(np.float32), labels, names)


def _explain(method: Method, problem: Problem) -> Explanation:
    """Run a method on as many jets as it can afford."""
    few = problem.first_of_each_class(_FEW) if method.dear else problem
    if method.name != "kernel_shap":
        return method.explain(few)
    # The study has two coalitions per input; with so few inputs the regression needs more.
    coalitions = 4 * len(problem.features)
    return method.explain(few, background=problem.inputs[:_BACKGROUND], nsamples=coalitions)


def _access(method: Method, network: DenseNetwork) -> tuple[nn.Module, str]:
    """Return the network in the first guise in which the method works, and what is seen of it."""
    guises = {
        "outputs": _Veiled(network, activations=False),
        "outputs and activations": _Veiled(network, activations=True),
    }
    for seen, guise in guises.items():
        try:
            _explain(method, _problem(guise, dense_layers(network)[0].in_features))
        except (ReproError, RuntimeError):
            continue
        return guise, seen
    return network, "weights"


@functools.cache
def _passes(method: Method, features: int) -> float:
    """Return the forward passes per jet that the method asks for."""
    network, _ = _access(method, _network(features))
    problem = _problem(network, features)
    rows = _Rows(network)
    _explain(method, problem)
    jets = 2 * _FEW if method.dear else len(problem.inputs)
    return rows.count / jets


def _importance(method: Method, weight: float) -> FloatArray | None:
    """Return the value of both inputs, the second of which copies the first; None if it has none.

    The network gets ``weight`` of the second input and one minus that of the first one.
    """
    network = DenseNetwork(2, (2,), 1).eval()
    first, last = dense_layers(network)
    with torch.no_grad():
        toward = torch.tensor([1.0 - weight, weight])
        first.weight.copy_(torch.stack([toward, -toward]))
        last.weight.copy_(torch.tensor([[1.0, -1.0]]))
        first.bias.zero_()
        last.bias.zero_()
    generator = np.random.default_rng(0)
    labels = np.arange(_JETS) % 2
    informative = generator.normal(size=_JETS) + 2.0 * labels
    copied = informative + 0.05 * generator.normal(size=_JETS)
    inputs = np.stack([informative, copied], axis=1).astype(np.float32)
    # Behind a veil there is no shortcut, whose rounding would tell jets of equal scores apart.
    guise, _ = _access(method, network)
    found = _explain(method, Problem(guise, inputs, labels, ("informative", "copy")))
    if found.names != ("informative", "copy"):
        return None
    return np.asarray(np.mean([panel.value for panel in found.panels.values()], axis=0))


def _with_idle_nodes(network: DenseNetwork) -> DenseNetwork:
    """Return a network that does the same, with as many idle nodes as active ones in each layer."""
    wider = DenseNetwork(_FEATURES, tuple(2 * size for size in _HIDDEN), 1).eval()
    with torch.no_grad():
        for old, new in zip(dense_layers(network), dense_layers(wider), strict=True):
            nodes, inputs = old.weight.shape
            new.weight.zero_()
            new.weight[:nodes, :inputs] = old.weight
            # Far below zero, so that the ReLU never lets them through.
            new.bias.fill_(-1e3)
            new.bias[:nodes] = old.bias
    return wider


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
