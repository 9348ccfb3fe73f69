"""The plan of a notebook that nobody has run."""

from __future__ import annotations

import random
import time

import nbformat
import pytest

from argovx_lab.capture.cells import Problem
from argovx_lab.capture.notebook import plan, step_head
from argovx_lab.capture.planned import PlannedEdge
from argovx_lab.errors import SpecError


def notebook(*sources: str) -> dict:
    document = nbformat.v4.new_notebook()
    document.cells = [
        nbformat.v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources, 1)
    ]
    nbformat.validate(document)
    return document


def test_steps_edges_and_signatures_are_found():
    document = notebook(
        "import numpy as np\nSCALE = 2",
        "%%vertex_step prepare -> X, y\nX, y = np.ones(3), np.zeros(3) * SCALE",
        "%%vertex_step train(X, y) -> model:json --on n1-standard-8+T4*2 --timeout 2h\nmodel = [float(v) for v in X + y]",
        "%%vertex_step evaluate\nscore = sum(model) + len(X)\nfor i in range(3): print(i)",
    )
    document.cells.insert(1, nbformat.v4.new_markdown_cell("%%vertex_step nothing"))
    found = plan(document, "work/digits.ipynb")
    assert found.path == "work/digits.ipynb"
    assert [(s.name, s.cell_id, s.number, s.machine) for s in found.steps] == [
        ("prepare", "cell-2", 2, ""),
        ("train", "cell-3", 3, "n1-standard-8+T4*2"),
        ("evaluate", "cell-4", 4, ""),
    ]
    assert [s.signature for s in found.steps] == [
        "prepare(SCALE) -> X, y",
        "train(X, y) -> model:json",
        "evaluate(model, X) -> score",
    ]
    assert found.edges == (
        PlannedEdge("prepare", "train", ("X", "y")),
        PlannedEdge("train", "evaluate", ("model",)),
        PlannedEdge("prepare", "evaluate", ("X",)),
    )
    assert not any(s.problems for s in found.steps)


def test_a_cell_in_between_that_assigns_the_name_cuts_the_edge():
    found = plan(notebook("%%vertex_step a -> X\nX = 1", "X = 2", "%%vertex_step b\ny = X"), "n")
    assert found.steps[1].inputs == ("X",)
    assert found.edges == ()


def test_a_later_step_takes_over_a_name():
    found = plan(notebook("%%vertex_step a\nX = 1", "%%vertex_step b\nX += 1", "%%vertex_step c\ny = X"), "n")
    assert found.edges == (PlannedEdge("a", "b", ("X",)), PlannedEdge("b", "c", ("X",)))


def test_functions_of_step_cells_travel_to_later_steps():
    found = plan(notebook("%%vertex_step a\ndef f(v): return v\nX = f(1)", "%%vertex_step b\ny = f(X)"), "n")
    assert found.steps[1].inputs == ("X",)


PROBLEMS = {
    "%%vertex_step": "a step name is missing",
    "%%vertex_step Bad(x)\ny = x": "cannot name a step",
    "%%vertex_step s\nx = (": "was never closed",
    "%%vertex_step s\n!ls": "shell escape",
    "%%vertex_step s\n# words": "nothing to run",
    "%%vertex_step s -> model\nmodle = 1": "never assigns the output model",
    "%%vertex_step s()\ny = a": "reads a, which is not among its inputs",
    "%%vertex_step s\ny = nowhere": "no cell above gives nowhere",
    "%%vertex_step s(nowhere)\ny = nowhere": "no cell above gives nowhere",
    "%%vertex_step s --onn n1-standard-4\ny = 1": "unknown flag --onn",
    "%%vertex_step s --timeout 9y\ny = a": "--timeout '9y'",
}


@pytest.mark.parametrize("source", PROBLEMS)
def test_a_cell_that_is_no_step_yet_is_a_problem_of_the_plan(source):
    found = plan(notebook("%%vertex_step first\na = 1", source, "%%vertex_step last\nb = a"), "n")
    step = found.steps[1]
    assert PROBLEMS[source] in step.problems[0].message
    assert step.problems[0].hint
    assert step.problems[0].line >= 0
    assert PlannedEdge("first", "last", ("a",)) in found.edges


def test_a_constant_that_only_a_helper_reads_travels_with_it():
    found = plan(
        notebook(
            "FACTOR = 3",
            "def scale(v):\n    return v * FACTOR",
            "n = 1",
            "%%vertex_step s(n) -> y\ny = scale(n)",
            "%%vertex_step t(n) -> z\nz = scale(n) + FACTOR",
        ),
        "n",
    )
    assert found.steps[0].inputs == ("n", "FACTOR")
    assert not found.steps[0].problems
    assert found.steps[1].problems[0].message == "the cell reads FACTOR, which is not among its inputs"


def test_what_a_magic_may_bring_is_no_problem():
    found = plan(notebook("%run other.ipynb", "%%vertex_step s\ny = brought"), "n")
    assert not found.steps[0].problems


def test_two_steps_with_one_name_are_a_problem_of_the_second():
    found = plan(notebook("%%vertex_step a\nx = 1", "%%vertex_step a\ny = 2", "%%vertex_step b\nz = y"), "n")
    assert not found.steps[0].problems
    assert found.steps[1].problems[0].message == "two steps are called a"
    assert isinstance(found.steps[1].problems[0], Problem)
    assert found.edges == ()


@pytest.mark.parametrize("document", [None, [], {}, {"cells": 3}, {"worksheets": []}])
def test_what_is_no_notebook_is_refused(document):
    with pytest.raises(SpecError, match="not a notebook"):
        plan(document, "n")


def test_sources_as_lists_odd_cells_and_line_ends_are_read():
    document = {
        "cells": [
            {"cell_type": "code", "source": ["%%vertex_step a\r\n", "x = 1"]},
            {"cell_type": "raw", "source": "%%vertex_step b"},
            "odd",
            {"cell_type": "code"},
        ]
    }
    assert [(s.name, s.cell_id, s.outputs) for s in plan(document, "n").steps] == [
        ("a", "", (("x", "auto"),))
    ]


def test_the_head_of_a_step_cell():
    assert step_head("\n\n%%vertex_step a --no-wait\nx = 1") == ("a --no-wait", "x = 1", 4)
    assert step_head("%%vertex_step") == ("", "", 2)
    assert step_head("%%vertex_steps a") is None
    assert step_head("x = 1\n%%vertex_step a") is None
    assert step_head("") is None


def test_hostile_notebooks_never_raise():
    rng = random.Random(7)
    alphabet = [
        "%%vertex_step ",
        "a(",
        ")",
        "->",
        "x",
        "\n",
        "def ",
        ":",
        "    ",
        "'",
        '"""',
        "\\",
        "lambda",
        "{",
        "}",
        "!",
        "\ud800",
        "\x00",
        "import ",
        "*",
    ]
    for _ in range(400):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(30)))
        cell = {"cell_type": "code", "source": rng.choice(["", "%%vertex_step a\n"]) + text}
        plan({"cells": [cell, cell]}, "n")


def test_five_thousand_lines_are_analysed_in_little_work():
    """The bound is generous, since machines differ; the benchmark has the real number."""
    cells = ["import numpy as np"]
    for n in range(125):
        lines = "def f{0}(x, y={1}):\n    z = [a for a in x if a > y]\n    return sum(z) + np.mean(x)\nv{0} = f{0}([{1}])"
        cells.append("\n".join([lines.format(f"{n}_{i}", i) for i in range(10)]))
    cells.append("%%vertex_step a\nq = f3_1([v4_2]) + f100_9([1])")
    document = notebook(*cells)
    started = time.process_time()
    found = plan(document, "n")
    assert time.process_time() - started < 2
    assert found.steps[0].inputs == ("v4_2",)


def test_a_value_of_the_step_is_no_edge_and_hides_what_others_call_so():
    found = plan(
        notebook(
            "import time\ndef lr(x):\n    return x",
            "%%vertex_step prepare -> seed\nseed = 3",
            "%%vertex_step train(seed=7, lr=0.1, time=5) -> m\nm = seed * lr * time",
            "%%vertex_step sweep(lr=0.1) -> n --for lr in [1, 2]\nn = lr",
        ),
        "n.ipynb",
        texts=True,
    )
    train, sweep = found.steps[1:]
    assert [step.problems for step in found.steps] == [(), (), ()]
    assert train.inputs == ("seed", "lr", "time")
    assert train.defaults == {"seed": 7, "lr": 0.1, "time": 5}
    assert train.signature == "train(seed=7, lr=0.1, time=5) -> m"
    assert train.text.definitions == ()
    assert found.edges == ()
    assert (sweep.inputs, sweep.defaults) == (("lr",), {})


def test_a_secret_in_a_signature_is_a_problem_with_its_place():
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    (step,) = plan(notebook(f"%%vertex_step t(key='{key}')\nx = key"), "n.ipynb").steps
    assert [problem.line for problem in step.problems] == [1]
    assert key not in step.problems[0].text
