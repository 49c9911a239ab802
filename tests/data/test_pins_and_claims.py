"""Mistakes in the package's tables of pins and claims are told in one line, with the entry."""

import re

import pytest

from repro.catalogue.claims import parse_claims
from repro.catalogue.toml_files import parse_toml
from repro.data.pins import parse_pins
from repro.errors import BadInput

PIN = """
[[artifact]]
id = "toy/data.h5"
kind = "hdf5"
size = 12
md5 = "00112233445566778899aabbccddeeff"
licence = "CC0-1.0"
origin = "a test"
"""
CLAIM = """
[[claim]]
id = "hbb/C1"
statement = "words"
source = "T1"
[[claim.number]]
quantity = "parameters"
expected = 3
reproduction = { absolute = 0.0, reason = "a count" }
"""


def test_what_is_right_is_read():
    (pin,) = parse_pins(PIN.encode(), "a.toml")
    assert (pin.id, pin.size, pin.urls) == ("toy/data.h5", 12, ())
    (claim,) = parse_claims(CLAIM, "a.toml")
    assert (claim.id, claim.expected, claim.reproduction.absolute) == ("hbb/C1", 3, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"toy/data.h5"', '"../data.h5"', "cannot be an artifact id"),
        ('"toy/data.h5"', "5", "id is 5 and not str"),
        ('kind = "hdf5"', "", "'toy/data.h5' lacks 'kind'"),
        ('kind = "hdf5"', 'kind = "exe"', "unknown kind 'exe'"),
        ("size = 12", "size = true", "size is True and not int or None"),
        ("size = 12", "size = -1", "no less than no bytes"),
        ("size = 12", "", "a hash and a size, or neither"),
        ('md5 = "00112233445566778899aabbccddeeff"', "", "a hash and a size, or neither"),
        ("00112233", "0011", "md5 has 32 digits"),
        ("size = 12", "size = 12\ncolour = 3", "unknown key 'colour'"),
        ("size = 12", "size = 12\nurl = []", "unknown key 'url' (did you mean urls?)"),
        ("size = 12", "size = 12\nurls = 3", "urls is 3 and no list of texts"),
        ("size = 12", "size = 12\nurls = [3]", "no list of texts"),
        ("size = 12", 'size = 12\nurls = "https://x.org/a"', "and no list of texts"),
        ("[[artifact]]", "[artifact]", "has no [[artifact]] tables"),
        ("[[artifact]]", "", "has no [[artifact]] tables"),
        ("size = 12", "size = ", "a.toml is no TOML"),
        ("size = 12", f"size = {'[' * 5000}", "a.toml is no TOML: it is nested too deeply"),
    ],
)
def test_a_wrong_pin(old, new, said):
    assert old in PIN
    with pytest.raises(BadInput, match=re.escape(said)) as found:
        parse_pins(PIN.replace(old, new).encode(), "a.toml")
    assert str(found.value).startswith("a.toml")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("expected = 3", "", "'hbb/C1' lacks 'expected'"),
        ("expected = 3", "expected = 1979-05-27", "expected is datetime"),
        ("expected = 3", "expected = [[1]]", "no numbers or names"),
        ("expected = 3", "expected = []", "no numbers or names"),
        ("expected = 3", "expected = {}", "expected has no entries"),
        ("expected = 3", 'expected = [3, "a"]\ncomparison = "between"', "two numbers"),
        (
            "reproduction",
            "reproductoin",
            "unknown key 'reproductoin' (did you mean reproduction?)",
        ),
        ('source = "T1"', 'source = "T1"\nours_ = true', "unknown key 'ours_'"),
        ('"hbb/C1"', '"C1"', "'C1' begins with no paper: toptag, hbb"),
        ("expected = 3", 'expected = 3\ncomparison = "near"', "unknown comparison 'near'"),
        ("expected = 3", 'expected = 3\ncomparison = "between"', "between takes two numbers"),
        ("absolute = 0.0", "absolute = -1", "a number from zero on"),
        ("absolute = 0.0", "absolute = nan", "a number from zero on"),
        ("absolute = 0.0", 'absolute = "x"', "absolute is 'x' and not float or int or None"),
        (', reason = "a count"', "", "lacks 'reason'"),
        ('statement = "words"', "statement = 3", "statement is 3 and not str"),
        ("[[claim.number]]", "[claim.other]", "lacks 'number'"),
        ("[[claim.number]]", "[claim.number]", "write [[claim.number]]"),
        ('id = "hbb/C1"', "id = 1", "[[claim]] number 1"),
    ],
)
def test_a_wrong_claim(old, new, said):
    assert old in CLAIM
    with pytest.raises(BadInput, match=re.escape(said)) as found:
        parse_claims(CLAIM.replace(old, new), "a.toml")
    assert str(found.value).startswith("a.toml")
    assert "\n" not in str(found.value)


def test_bytes_that_are_no_text():
    with pytest.raises(BadInput, match=r"a\.toml is no TOML"):
        parse_toml(b"\xff\xfe", "a.toml")
