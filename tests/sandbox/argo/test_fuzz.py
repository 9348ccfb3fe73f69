"""Malformed and hostile workflows: the engine ends them with a message, it never falls over."""

from __future__ import annotations

import copy
import logging

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SPEC = yaml.safe_load("""
entrypoint: main
activeDeadlineSeconds: 100
onExit: ok
arguments: {parameters: [{name: p, value: "1"}]}
retryStrategy: {limit: 1, backoff: {duration: 1s, factor: 2}, expression: "asInt(lastRetry.exitCode) > 0"}
templates:
- name: ok
  inputs: {parameters: [{name: m, default: d}]}
  outputs: {parameters: [{name: v, valueFrom: {path: /v}}]}
  container: {image: busybox, command: [echo, "{{inputs.parameters.m}} {{=asInt(workflow.parameters.p) + 1}}"]}
- name: inner
  steps: [[{name: s, template: ok, withItems: [1, a, {b: c}]}], [{name: t, template: ok, when: "1 == 2"}]]
- name: main
  dag:
    tasks:
    - {name: a, template: ok}
    - {name: l, template: ok, dependencies: [a], withSequence: {count: "2", format: "x%02d"}}
    - {name: b, template: inner, depends: "l.AnySucceeded || a.Failed", continueOn: {failed: true}}
    - {name: c, template: ok, dependencies: [a], withParam: "[1]",
       hooks: {exit: {template: ok}, run: {template: ok, expression: "true"}}}
""")
_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**6),
    st.text(max_size=12),
    st.sampled_from(
        ["{{", "{{=", "{{a}}", "{{=1+}}", "{{item}}", "{{workflow.uid}}", "a.b", "-1", "1e9", "((("]
    ),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.sampled_from(["name", "template", "value", "x"]), st.text(max_size=4), max_size=2),
)


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


PLACES = [p for p in _places(SPEC) if p]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(PLACES), _JUNK), min_size=1, max_size=3))
def test_any_change_of_a_spec_ends_in_order(play, changes):
    logging.disable(logging.WARNING)
    spec = copy.deepcopy(SPEC)
    for path, junk in changes:
        holder = spec
        try:
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = junk
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    w = play("{}")
    w.workflow["spec"] = spec
    try:
        for round_ in range(4):
            w.step(1)
            assert w.phase in ("Pending", "Running", "Failed", "Error", "Succeeded")
            if w.phase in ("Failed", "Error"):
                return
            for number, (name, node) in enumerate(w.nodes().items()):
                if node["id"] in w.pods and node["phase"] == "Pending":
                    w.end(name, (round_ + number) % 2, v="7")
    finally:
        logging.disable(logging.NOTSET)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.sampled_from(["nodes", "phase", "storedTemplates", "conditions", "startedAt"]), _JUNK)
)
def test_any_status_is_survived(play, status):
    logging.disable(logging.WARNING)
    w = play(yaml.safe_dump(SPEC))
    w.workflow["status"] = status
    try:
        for _ in range(3):
            w.step(1)
            assert isinstance(w.status["phase"], str)
    finally:
        logging.disable(logging.NOTSET)
