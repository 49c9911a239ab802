"""The table of methods, filled by the files of this room."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import repro.explain
from repro.errors import UnknownName, did_you_mean
from repro.explain.problem import Explanation

__all__ = ["Method", "find_method", "load_methods", "method"]

Function = TypeVar("Function", bound=Callable[..., Explanation])

_METHODS: dict[str, "Method"] = {}


@dataclass(frozen=True)
class Method:
    """An explanation method.

    Attributes:
        name: Name on the command line.
        title: One line.
        explain: From a problem, and the method's own options, to an explanation.
        dear: Whether it runs the network many times for each jet, so that few jets are enough work.
    """

    name: str
    title: str
    explain: Callable[..., Explanation]
    dear: bool = False


def method(name: str, title: str, *, dear: bool = False) -> Callable[[Function], Function]:
    """Register the decorated function as a method."""

    def register(function: Function) -> Function:
        known = _METHODS.get(name)
        if known and known.explain.__module__ != function.__module__:
            raise ValueError(f"there are two methods named {name!r}")
        _METHODS[name] = Method(name, title, function, dear)
        return function

    return register


def load_methods() -> Mapping[str, Method]:
    """Import every file of this room and return all methods by name.

    >>> "occlusion" in load_methods()
    True
    """
    for module in pkgutil.iter_modules(repro.explain.__path__):
        importlib.import_module(f"repro.explain.{module.name}")
    return dict(sorted(_METHODS.items()))


def find_method(name: str) -> Method:
    """Return a method by name.

    Raises:
        UnknownName: If there is no such method.
    """
    methods = load_methods()
    if name not in methods:
        hint = did_you_mean(name, methods)
        raise UnknownName(f"unknown method {name!r}{hint}: choose from {', '.join(methods)}")
    return methods[name]
