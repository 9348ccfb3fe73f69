"""Workflows that would take the engine for ever, or all of the memory: each ends with a reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from argovx_lab.sandbox.argo import nodes
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.expr import ExprError, evaluate
from argovx_lab.sandbox.argo.locks import Locks
from argovx_lab.sandbox.argo.loops import items_of
from argovx_lab.sandbox.argo.operation import World
from argovx_lab.sandbox.argo.reconcile import reconcile
from argovx_lab.sandbox.argo.when import should_execute

TWICE = "'" + "a" * 40 + "!' {} '^(a+)+$'"


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("all(1..100000, # in 1..1000000)", "steps"),
        ("reduce(1..60, [#acc, #acc])", "more than"),
        ("repeat('aaaaaaaaaa', 1000000000)", "at most"),
        ("replace(repeat('a', 1000000), '', repeat('b', 1000000))", "at most"),
        ("join(map(1..10000, 'a'), repeat('a', 100000))", "at most"),
        (TWICE.format("matches"), "repetitions"),
    ],
)
def test_expressions_that_would_not_end(source, word):
    with pytest.raises(ExprError, match=word):
        evaluate(source, {})


def test_whole_numbers_have_64_bits_and_results_are_whole():
    assert evaluate("9223372036854775807 + 1", {}) == -(2**63)
    assert -(2**63) <= evaluate("reduce(1..1000, #acc * #acc + 1)", {}) < 2**63
    assert evaluate("uniq([1, 2, 1, 3])", {}) == [1, 2, 3]
    assert evaluate("len(repeat('a', 20000))", {}) == 20_000


@pytest.mark.parametrize("condition", [TWICE.format("=~"), "(" * 5000 + "true" + ")" * 5000])
def test_conditions_that_would_not_end(condition):
    with pytest.raises(NodeError, match=r"repetitions|too deeply"):
        should_execute(condition)


def test_a_sequence_of_very_wide_numbers():
    with pytest.raises(NodeError, match="wider"):
        items_of({"withSequence": {"count": 3, "format": "%1000000000d"}})


def test_templates_that_call_one_another_twice_end_the_workflow(monkeypatch):
    monkeypatch.setattr(nodes, "NODES_MAX", 300)
    tasks = [{"name": "a", "template": "m"}, {"name": "b", "template": "m"}]
    spec = {"entrypoint": "m", "templates": [{"name": "m", "dag": {"tasks": tasks}}]}
    workflow = {"metadata": {"name": "w", "namespace": "n"}, "spec": spec}
    world = World({}, {}, {}, {}, Locks(), datetime(2026, 1, 1, tzinfo=UTC))
    status = reconcile(workflow, world).workflow["status"]
    assert status["phase"] == "Error"
    assert "more than 300 nodes" in status["message"]


def test_a_duration_beyond_all_calendars_ends_the_workflow():
    templates = [{"name": "m", "suspend": {"duration": "99999999999999999h"}}]
    spec = {"entrypoint": "m", "templates": templates}
    workflow = {"metadata": {"name": "w", "namespace": "n"}, "spec": spec}
    world = World({}, {}, {}, {}, Locks(), datetime(2026, 1, 1, tzinfo=UTC))
    status = reconcile(workflow, world).workflow["status"]
    assert status["phase"] == "Error"
    assert status["message"]
