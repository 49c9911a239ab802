"""One thread and two, and jets in parts of any size: the same numbers to a stated precision."""

import numpy as np
import pytest
import torch
from problems import make_problem

from repro.data.pins import find_artifact
from repro.data.store import shipped_path
from repro.explain.registry import load_methods
from repro.features.embedded import SHIPPED
from repro.models.scoring import score_file
from repro.models.tagger import load_tagger

JETS = 90
MODELS = ("topodnn:v4", "mbns", "pfn:v4", "augpfn:v4_aug", "pfin:sum", "pfin:cat")
PRECISION = 1e-6
"""Relative, of scores and explanations; PFIN's pair masses as published are rounding noise (B17)
that follows the place of a jet among others, so PFIN is compared with them corrected."""


@pytest.fixture
def with_threads():
    """Sets the number of threads of torch, and puts it back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def taggers():
    return {name: load_tagger(name, "embedded", None) for name in MODELS}


def scores(taggers, chunk):
    path = shipped_path(find_artifact(SHIPPED))
    found, _ = score_file(path, taggers, jets=JETS, chunk=chunk, corrected=False)
    pfin = {name: tagger for name, tagger in taggers.items() if name.startswith("pfin")}
    corrected, _ = score_file(path, pfin, jets=JETS, chunk=chunk, corrected=True)
    return {**found, **corrected}


def largest_change(first, second):
    """Largest change relative to the number, over all models and jets that have a score."""
    return {name: float(np.nanmax(np.abs(second[name] / first[name] - 1))) for name in first}


@pytest.mark.long
def test_scores_do_not_depend_on_threads_or_parts(taggers, with_threads):
    with_threads(1)
    one = scores(taggers, 4096)
    parts = scores(taggers, 13)
    with_threads(2)
    two = scores(taggers, 4096)
    for other in (parts, two):
        assert max(largest_change(one, other).values()) <= PRECISION, largest_change(one, other)


@pytest.mark.parametrize("name", load_methods())
def test_explanations_do_not_depend_on_threads(name, with_threads):
    few = {"kernel_shap": {"background_size": 10, "nsamples": 30}}
    panels = []
    for threads in (1, 2):
        with_threads(threads)
        found = load_methods()[name].explain(make_problem(n=24), **few.get(name, {}))
        panels.append({key: panel.value for key, panel in found.panels.items()})
    for key, value in panels[0].items():
        np.testing.assert_allclose(panels[1][key], value, rtol=PRECISION, atol=1e-12)
