"""A cell of very many names costs what its length says: quadratic work takes ten times longer than these bounds."""

from __future__ import annotations

import time

import pytest

from argovx_lab.capture.analyse import analyse_cell
from argovx_lab.capture.notebook import plan
from argovx_lab.capture.secrets import find
from argovx_lab.capture.signature import parse

COUNT = 20_000


def seconds(call):
    """Return a call's result and its own time on the processor."""
    before = time.thread_time()
    found = call()
    return found, time.thread_time() - before


def test_names_that_are_read_and_made():
    source = "\n".join(f"n{i} = m{i}" for i in range(COUNT))
    found, took = seconds(lambda: analyse_cell(source))
    assert (len(found.inputs), len(found.outputs)) == (COUNT, COUNT)
    assert found.outputs[-1] == f"n{COUNT - 1}"
    assert took < 4.0


def test_a_signature_of_many_names():
    names = ", ".join(f"m{i}" for i in range(COUNT))
    found, took = seconds(lambda: parse(f"a({names}) -> q"))
    assert found.inputs is not None
    assert len(found.inputs) == COUNT
    assert took < 1.0


def test_many_branches_below_many_names():
    half = COUNT // 2
    made = "\n".join(f"m{i} = 1" for i in range(half))
    branches = "\n".join(f"z{i} = m{i} if m0 else n{i}" for i in range(half))
    found, took = seconds(lambda: analyse_cell(f"{made}\n{branches}"))
    assert len(found.outputs) == COUNT
    assert took < 8.0


def test_many_values_that_are_known_before():
    names = [f"m{i}" for i in range(COUNT // 2)]
    cells = ["\n".join(f"{name} = 1" for name in names), f"%%vertex_step a\nq = [{', '.join(names)}]"]
    document = {"cells": [{"cell_type": "code", "id": str(i), "source": c} for i, c in enumerate(cells)]}
    found, took = seconds(lambda: plan(document, "n.ipynb"))
    assert found.steps[0].inputs == tuple(names)
    assert not found.steps[0].problems
    assert took < 4.0


@pytest.mark.parametrize("between", ["\n", " "])
def test_many_secrets_have_their_places(between):
    text = between.join(f"AKIA{i:016d}" for i in range(3))
    places = [(one.line, one.column) for one in find("é\n" + text)]
    assert places == ([(2, 1), (3, 1), (4, 1)] if between == "\n" else [(2, 1), (2, 22), (2, 43)])


@pytest.mark.parametrize(
    ("branches", "outputs"),
    [
        ("if c:\n  x = 1\nelse:\n  x = 2", ("x",)),
        ("if c:\n  x = 1", ()),
        ("x = 1\nif c:\n  del x", ()),
        ("x = 1\nif c:\n  del x\n  x = 2", ("x",)),
        ("if c:\n  if d:\n    x = 1\n  else:\n    x = 2\nelse:\n  x = 3", ("x",)),
        ("if c:\n  if d:\n    x = 1\nelse:\n  x = 3", ()),
        ("if c:\n  raise E\nelse:\n  x = 1", ("x",)),
        ("x = 1\nif c:\n  raise E\nelse:\n  raise E", ("x",)),
    ],
)
def test_what_branches_leave_behind(branches, outputs):
    assert analyse_cell(branches).outputs == outputs
