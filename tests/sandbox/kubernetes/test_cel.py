"""CEL beside what the table asks of a real server: refusals, limits and hostile expressions."""

from __future__ import annotations

import random

import pytest

from argovx_lab.sandbox.kubernetes.cel import CelError, compile_cel


def value(source: str, **variables):
    return compile_cel(source, variables)(variables)


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("-(2) * -3", 6),
        ("!(1 > 2) && 'a' < 'b'", True),
        ("{'a': [1, 2]}['a'][1]", 2),
        ("x.y.z == 'q' ? 'yes' : 'no'", "yes"),
        ("[1, 2, 3].map(i, i > 1, i * i)", [4, 9]),
        ("{'a': 1}.all(k, k == 'a')", True),
        (r"'\n\x41\u0042\'' + r'\n'", "\nAB'\\n"),
        ("'''a'b''' + \"\"\"c\"d\"\"\"", "a'bc\"d"),
        ("0x10 + 3u", 19),
        ("1.5e3 == 1500.0", True),
        ("type(x) == 'map' && type(null) == 'null_type'", True),
        ("string(true) + string(1)", "true1"),
        ("x.exists(k, k == 'y') // a comment", True),
    ],
)
def test_values(source, result):
    assert value(source, x={"y": {"z": "q"}}) == result


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "the end"),
        ("1 +", "the end"),
        ("a b", "was not expected"),
        ("'open", "syntax error"),
        ("unknown", "undeclared reference to 'unknown'"),
        ("x.conjure()", "undeclared reference to 'conjure'"),
        ("conjure(x)", "undeclared reference to 'conjure'"),
        ("has(x)", "needs a field selection"),
        ("x.all(k)", "needs a variable"),
        ("(" * 5000, "nested"),
        ("!" * 5000 + "true", "nested"),
        (r"'\q'", "unknown escape"),
    ],
)
def test_what_cannot_be_compiled(source, why):
    with pytest.raises(CelError, match=why.replace("(", r"\(")):
        compile_cel(source, ["x"])


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("x.nothing", "no such key"),
        ("1 / 0", "division by zero"),
        ("1 + 'a'", "no such overload"),
        ("x && true", "must be a bool"),
        ("9223372036854775807 + 1", "overflow"),
        ("'a'.matches('(?=a)')", "RE2"),
        ("'a'.matches('(')", "invalid regular expression"),
        ("int('x')", "conversion"),
        ("'abc'.substring(2, 1)", "out of range"),
        ("[1].min('a')", "no such overload"),
    ],
)
def test_what_comes_to_no_value(source, why):
    with pytest.raises(CelError, match=why):
        value(source, x={})


def test_work_is_bounded():
    rows = list(range(200))
    with pytest.raises(CelError, match="takes too long"):
        value("r.all(a, r.all(b, r.all(c, a + b + c >= 0)))", r=rows)


def test_noise_is_an_error_or_a_value():
    dice, words = (
        random.Random(5),
        ["x", "(", ")", "[", "]", "'a'", "1", "+", "&&", ".", "all", ",", "?", ":", "has", "{"],
    )
    outcomes = set()
    for _ in range(3000):
        source = " ".join(dice.choice(words) for _ in range(dice.randrange(1, 9)))
        try:
            value(source, x={"a": [1]})
            outcomes.add("value")
        except CelError:
            outcomes.add("error")
    assert outcomes == {"value", "error"}
