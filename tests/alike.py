"""Documents whose numbers differ by rounding alone."""

import pytest


def assert_close(found, expected, *, rel=1e-3, abs=1e-4, without=()):  # noqa: A002 - as pytest's
    """Equal but for rounding, whatever the nesting; entries of some names are not looked at."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            if key not in without:
                assert_close(found[key], value, rel=rel, abs=abs, without=without)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            assert_close(ours, theirs, rel=rel, abs=abs, without=without)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=rel, abs=abs)
    else:
        assert found == expected
