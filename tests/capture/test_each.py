"""The words after ``--for``, the gates of a notebook, and the order that flags give."""

import pytest

from argovx_lab.capture.arguments import parse_line
from argovx_lab.capture.notebook import plan
from argovx_lab.errors import SpecError


@pytest.mark.parametrize(
    ("line", "name", "values"),
    [
        ("t(X) -> m --for lr in [0.1, 0.01] --spot", "lr", (0.1, 0.01)),
        ("t --spot --for s in ['a --b', \"c\"]", "s", ("a --b", "c")),
        ("t --for i in range(3) --no-wait", "i", (0, 1, 2)),
        ("t --for 'p in ({\"a\": 1},)'", "p", ({"a": 1},)),
    ],
)
def test_a_fan_out_over_literals(line, name, values):
    each = parse_line(line).options.each
    assert (each.name, each.values) == (name, values)


def test_a_fan_out_over_a_name():
    options = parse_line("t --for row in grid --parallelism 3 --after a,b").options
    assert (options.each.name, options.each.source, options.parallelism) == ("row", "grid", 3)
    assert options.after == ("a", "b")


@pytest.mark.parametrize(
    "line",
    [
        "t --for lr",
        "t --for lr in",
        "t --for lr in []",
        "t --for lr in f(1)",
        "t --for lr in [x]",
        "t --for 1 in [1]",
        "t --for lr in range(1000)",
        "t --for a in [1] --for b in [2]",
        "t --parallelism 3",
        "t --for a in [1] --parallelism 0",
        "t --after 9x",
        "t --when 'x'",
    ],
)
def test_what_is_no_fan_out_is_refused_with_a_hint(line):
    with pytest.raises(SpecError) as caught:
        parse_line(line)
    assert caught.value.message


def notebook(*cells):
    return {"cells": [{"cell_type": "code", "id": f"c{n}", "source": text} for n, text in enumerate(cells)]}


def test_a_gate_stands_between_what_is_above_and_below():
    found = plan(
        notebook(
            "%%vertex_step train() -> model\nmodel = 1",
            '%argovx gate ok "Deploy {model}?"',
            "%%vertex_step deploy(model)\nprint(model)",
        ),
        "n.ipynb",
    )
    _, gate, deploy = found.steps
    assert (gate.kind, gate.prompt, gate.after) == ("approval", "Deploy {model}?", ("train",))
    assert deploy.after == ("ok",)
    assert {(edge.source, edge.target) for edge in found.edges} == {
        ("train", "ok"),
        ("train", "deploy"),
        ("ok", "deploy"),
    }


def test_order_that_cannot_be_kept_is_a_problem():
    found = plan(
        notebook(
            "%%vertex_step a() -> x\nx = 1",
            "%%vertex_step b() -> y --after later --when 'a.z > 1'\ny = 1",
            "%%vertex_step c() -> z --for n in [1]\nz = 1",
            '%argovx gate ok "Deploy {nothing}?"',
        ),
        "n.ipynb",
    )
    messages = [problem.message for step in found.steps for problem in step.problems]
    assert messages == [
        "--after later: no step above has this name",
        "--when a.z: a gives no z",
        "--for n: the cell does not read n",
        "gate ok asks about nothing, which no step above gives",
    ]
