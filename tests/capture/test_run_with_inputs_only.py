"""Analysed cells really run with nothing but what the analysis found."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argovx_lab.capture.analyse import PROVIDED, analyse_cell
from argovx_lab.capture.definitions import Definitions

NOTEBOOKS = {
    "statistics": (
        [
            "import statistics as stats\nfrom collections import Counter\nLIMIT = 2\nwords = 'a b a c'.split()",
            "def top(items, n=LIMIT):\n    return Counter(items).most_common(n)",
            "numbers = [1, 2, 3]\nspare = [0] * 1000",
        ],
        "best = top(words)\nmean = stats.mean(numbers)\nfor name, count in best:\n    last = name, count\n",
        {"LIMIT", "words", "numbers"},
    ),
    "classes": (
        [
            "import dataclasses\n@dataclasses.dataclass\nclass Point:\n    x: int = 0\n    def scaled(self): return Point(self.x * FACTOR)",
            "FACTOR = 3",
        ],
        "p = Point(2).scaled().x\nclass Far(Point):\n    def far(self): return self.x + offset\noffset = 4\nq = Far(1).far()",
        {"FACTOR"},
    ),
    "recursion": (
        [
            "def even(n): return True if n == 0 else odd(n - 1)",
            "def odd(n): return False if n == 0 else even(n - 1)",
        ],
        "x = [even(i) for i in range(4)]",
        set(),
    ),
    "decorators": (
        [
            "calls = []\ndef count(f):\n    def inner(*a):\n        calls.append(f.__name__)\n        return f(*a)\n    return inner",
            "@count\ndef work(v):\n    return v + 1",
        ],
        "r = work(1)\nn = len(calls)",
        {"calls"},
    ),
    "globals": (
        ["state = 0\ndef bump():\n    global state\n    state += 1\n    return state"],
        "bump()\nbump()\nseen = state",
        {"state"},
    ),
    "try": (
        [
            "try:\n    import no_such_module_at_all as lib\nexcept ImportError:\n    import json as lib\nraw = '[1]'"
        ],
        "try:\n    got = lib.loads(raw)\nexcept ValueError as e:\n    got = None\nfinally:\n    done = True",
        {"raw"},
    ),
    "closures": (
        ["base = 10\ndef adder(n):\n    def add(v):\n        return v + n + base\n    return add"],
        "total = adder(1)(2)\npick = (lambda v, k=total: v + k + base)(1)",
        {"base"},
    ),
    "shadowed builtins": (["list = [3, 1]\nmax = 7"], "s = sorted(list)\nm = max", {"list", "max"}),
    "patterns": (
        ["import re\nWORD = re.compile(r'\\w+')\ntext = 'a bc'"],
        "found = WORD.findall(text)\nmatch found:\n    case [first, *rest]:\n        head = first\n    case _:\n        head = None",
        {"text"},
    ),
}


def run(code: str, names: dict) -> dict:
    names.setdefault("__name__", "__main__")
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "<cell>", "exec", dont_inherit=True), names)
    return names


def in_a_job(known: Definitions, found, session: dict, cell: str) -> dict:
    """Run the cell as a job would: inputs, definitions, cell; nothing else is there."""
    names = {name: session[name] for name in found.inputs if name in session}
    inputs = dict(names)
    for item in known.code(found.definitions):
        run(item["code"], names)
    names.update(inputs)
    return run(cell, names)


@pytest.mark.parametrize("title", NOTEBOOKS)
def test_a_cell_gives_the_same_with_only_its_inputs(title):
    cells, cell, inputs = NOTEBOOKS[title]
    known = Definitions()
    session, fresh = {}, {}
    for number, text in enumerate(cells, 1):
        known.add_cell(text, number=number)
        run(text, session)
        run(text, fresh)
    found = analyse_cell(cell, known)
    assert not found.problems
    assert set(found.inputs) == inputs, "no name is missing and none is needless"
    job = in_a_job(known, found, fresh, cell)
    here = run(cell, session)
    for name in found.outputs:
        assert job[name] == here[name], name
    assert found.outputs


NAMES = st.sampled_from(list("abcdef"))
CALLS = st.sampled_from(["p", "q"])


def indent(lines: str) -> str:
    return "\n".join("    " + line for line in lines.split("\n"))


def expressions() -> st.SearchStrategy[str]:
    leaf = st.one_of(NAMES, st.integers(0, 9).map(str))
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda t: f"({t[0]} + {t[1]})"),
            st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
            st.tuples(NAMES, inner).map(lambda t: f"sum([{t[0]} + {t[1]} for {t[0]} in range(2)])"),
            st.tuples(NAMES, inner).map(lambda t: f"(lambda {t[0]}: {t[0]} + {t[1]})(1)"),
            st.tuples(NAMES, inner).map(lambda t: f"({t[0]} := {t[1]})"),
            inner.map(lambda e: f"len(f'{{{e}}}')"),
            CALLS.map(lambda f: f"{f}()"),
        ),
        max_leaves=5,
    )


def statements() -> st.SearchStrategy[str]:
    simple = st.one_of(
        st.tuples(NAMES, expressions()).map(lambda t: f"{t[0]} = {t[1]}"),
        st.tuples(NAMES, expressions()).map(lambda t: f"{t[0]} += {t[1]}"),
        st.tuples(NAMES, NAMES, expressions()).map(lambda t: f"{t[0]}, {t[1]} = {t[2]}, 1"),
        NAMES.map(lambda n: f"del {n}"),
        st.tuples(CALLS, expressions()).map(lambda t: f"def {t[0]}():\n    return {t[1]}"),
        st.tuples(CALLS, NAMES, expressions()).map(
            lambda t: f"def {t[0]}():\n    {t[1]} = {t[2]}\n    return {t[1]}"
        ),
        st.tuples(CALLS, NAMES).map(
            lambda t: f"def {t[0]}():\n    global {t[1]}\n    {t[1]} = 2\n    return 1"
        ),
        st.tuples(NAMES, expressions()).map(lambda t: f"class K:\n    {t[0]} = {t[1]}\n{t[0]} = K.{t[0]}"),
        expressions(),
    )
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.tuples(expressions(), inner, inner).map(
                lambda t: f"if {t[0]}:\n{indent(t[1])}\nelse:\n{indent(t[2])}"
            ),
            st.tuples(expressions(), inner).map(lambda t: f"if {t[0]}:\n{indent(t[1])}"),
            st.tuples(NAMES, inner).map(lambda t: f"for {t[0]} in (1, 2):\n{indent(t[1])}"),
            st.tuples(inner, inner).map(
                lambda t: f"try:\n{indent(t[0])}\nexcept NameError as e:\n{indent(t[1])}"
            ),
            st.tuples(inner, inner).map(lambda t: f"{t[0]}\n{t[1]}"),
        ),
        max_leaves=4,
    )


def outcome(action) -> tuple:
    try:
        return "ended", action()
    except Exception as error:  # noqa: BLE001  (which one is what is compared)
        return type(error).__name__, {}


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(setup=st.lists(statements(), max_size=2), cell=st.lists(statements(), min_size=1, max_size=5))
def test_any_cell_runs_alike_with_only_its_inputs(setup, cell):
    base = "a = 1\nb = 2\nc = 3\nd = 4\ne = 5\nf = 6\ndef p():\n    return a\ndef q():\n    return p() + b\n"
    text = "\n".join(cell)
    known = Definitions()
    session: dict = {}
    if any("    def " in code and ("    del " in code or "    global " in code) for code in setup):
        return  # a block that defines travels as a whole, with what else it does
    for number, code in enumerate([base, *setup], 1):
        kind, _ = outcome(lambda code=code: run(code, session))
        if kind != "ended":
            return  # a cell that failed half-way is not what this is about
        known.add_cell(code, number=number)
    found = analyse_cell(text, known)
    if found.problems:
        return
    here = dict(session)
    job = outcome(lambda: in_a_job(known, found, session, text))
    whole = outcome(lambda: run(text, _own(here)))
    assert job[0] == whole[0], (found, known.code(found.definitions))
    for name in found.outputs:
        assert repr(job[1].get(name)) == repr(whole[1].get(name)), name


def _own(names: dict) -> dict:
    """Give functions of the session this namespace as their globals, as in a kernel of its own."""
    import types

    for name, value in list(names.items()):
        if isinstance(value, types.FunctionType):
            names[name] = types.FunctionType(value.__code__, names, value.__name__, value.__defaults__)
    return names


def test_every_provided_name_is_one_that_the_runner_gives():
    assert {"argovx", "display", "__name__"} <= PROVIDED
