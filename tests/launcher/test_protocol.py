"""The launcher's own lines: a closed set, an order, and nothing of them gets lost or mixed."""

from __future__ import annotations

import ast
import json
from dataclasses import fields
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argovx_lab import errors
from argovx_lab import launcher as package
from argovx_lab.launcher import document
from argovx_lab.launcher.events import METHODS, STATES, VERSION, Events, follow
from argovx_lab.launcher.settings import Times


def emitted():
    """Return (method, parameters) of every line that the code can write."""
    trees = [ast.parse(path.read_text()) for path in sorted(Path(package.__file__).parent.glob("*.py"))]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        (call.args[0].value, {item.arg for item in call.keywords})
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "emit"
    ]


def test_the_code_writes_every_method_and_no_other():
    found = emitted()
    assert {method for method, _ in found} == set(METHODS)
    for method, parameters in found:
        assert parameters == set(METHODS[method].params), method


def test_states_lead_somewhere_and_are_all_reached():
    reached = {method.leads for method in METHODS.values()} - {""}
    assert reached | {"begun"} == set(STATES)
    for name, method in METHODS.items():
        assert method.states, name
        assert set(method.states) <= set(STATES)
        assert "ended" not in method.states


def test_what_is_not_of_the_protocol_is_refused():
    events = Events(StringIO())
    with pytest.raises(ValueError, match="unknown event"):
        events.emit("rejoiced")
    with pytest.raises(ValueError, match="parameters"):
        events.emit("created", job="j")
    with pytest.raises(ValueError, match="parameters"):
        events.emit("warning", text="t", more="m")


def test_the_page_is_not_stale():
    """Stale means: python -m argovx_lab.launcher.document docs/launcher.md"""
    page = Path(__file__).parent.parent.parent / "docs" / "launcher.md"
    assert document.block() in page.read_text("utf-8")


def test_every_time_and_exit_code_is_on_the_page():
    text = document.block()
    for field in fields(Times):
        assert f"`{field.name}`" in text
    known = [error for error in vars(errors).values() if hasattr(error, "exit_code")]
    codes = {error.exit_code for error in known if not issubclass(error, errors.SandboxError)}
    assert codes <= set(document.CODES)


def line(method, **params):
    return {"v": VERSION, "method": method, "params": params}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([line("verified", outputs=[])], "cannot be said"),
        ([line("ended", code=0, reason="", message=""), line("warning", text="")], "cannot be said"),
        ([{**line("warning", text=""), "v": 2}], "version 2"),
        ([line("rejoiced")], "not of this protocol"),
        ([line("warning")], "other parameters"),
    ],
)
def test_a_wrong_order_is_seen(lines, problem):
    with pytest.raises(ValueError, match=problem):
        follow(lines)


def test_a_whole_run_keeps_to_it(launcher, step):
    process = launcher.start(step)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    lines = [json.loads(item) for item in errors.splitlines()]
    assert follow(lines) == "ended"
    assert [item["seq"] for item in lines] == list(range(1, len(lines) + 1))
    said = [item["method"] for item in lines]
    wanted = ["started", "placed", "specified", "claimed", "creating", "created", "following", "closed"]
    assert [item for item in said if item in {*wanted, "verified", "lineage", "recorded", "ended"}] == [
        *wanted,
        "verified",
        "lineage",
        "recorded",
        "ended",
    ]


@pytest.mark.parametrize("behaviour", ["succeed", "fail"])
def test_lives_and_ends_keep_to_it(launcher, step, world, lib, behaviour):
    world.behaviour = getattr(lib, behaviour)
    for _ in range(2):
        launcher.stderr.truncate(0)
        launcher.stderr.seek(0)
        launcher.run(step)
        assert follow(launcher.events) in ("recorded", "claimed")


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(0, 10_000))
def test_cut_at_any_byte_only_the_last_line_is_lost(text, at):
    stream = StringIO()
    events = Events(stream)
    events.emit("started", mode="run", version=text)
    events.emit("warning", text=text)
    events.emit("ended", code=0, reason=text, message=text)
    data = stream.getvalue().encode()
    head = data[: at % (len(data) + 1)]
    whole, _, rest = head.rpartition(b"\n")
    lines = [json.loads(item) for item in whole.split(b"\n") if item]
    assert [item["seq"] for item in lines] == list(range(1, len(lines) + 1))
    follow(lines)
    if rest and rest + b"\n" not in data:  # else only the line's end is lost
        with pytest.raises(ValueError):
            json.loads(rest)
