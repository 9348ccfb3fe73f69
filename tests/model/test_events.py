"""The reading end of the event protocol, beside the writing end that travels into jobs."""

from __future__ import annotations

import json

import pytest

from argovx_lab.errors import RunError
from argovx_lab.model.events import METHODS, VERSION, Event, parse
from argovx_lab.runner import PROTOCOL, messages


def test_the_runner_writes_what_is_read():
    data = messages.line(1, "metric", {"values": {"loss": 0.5}, "step": 3}, "2026-11-24T08:00:00Z")
    assert parse(data) == [Event("metric", {"values": {"loss": 0.5}, "step": 3}, "2026-11-24T08:00:00Z")]
    assert (set(messages.METHODS), PROTOCOL) == (METHODS, VERSION)


def test_a_text_with_an_unusual_line_separator_is_one_event():
    text = "a\u2028b\u2029c\x85d\x0be"
    (event,) = parse(messages.line(1, "closed", {"error": {"message": text}}))
    assert event.params["error"]["message"] == text


def test_blank_lines_do_not_count():
    assert len(parse(b'\n{"v":1,"method":"opened"}\r\n  \n')) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"7",
        b"null",
        b'{"v":1}',
        b'{"method":"opened"}',
        b'{"v":1,"method":["a"]}',
        b'{"v":1,"method":{"a":1}}',
        b'{"v":1,"method":"metric","params":[1]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_a_damaged_stream(line):
    with pytest.raises(RunError, match="damaged"):
        parse(line)


@pytest.mark.parametrize("version", [0, 2, "1", None, "x" * 500])
def test_another_version_is_refused_by_name(version):
    with pytest.raises(RunError, match="this one knows 1") as caught:
        parse(json.dumps({"v": version, "method": "opened", "params": {}}).encode())
    assert len(caught.value.message) < 200


def test_params_that_are_not_there_are_none():
    assert parse(b'{"v":1,"method":"opened","params":null}') == [Event("opened", {})]
