"""The runner's messages, cut at any byte, and documents of other versions: understood, or refused by name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argovx_lab.errors import RunError, SpecError
from argovx_lab.model.events import Event, parse
from argovx_lab.runner import INTENT, SOURCE, STEP, documents, messages
from argovx_lab.runner.events import Events

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.lists(
    st.tuples(st.sampled_from(messages.METHODS), st.dictionaries(TEXT, JSON, max_size=3)), max_size=5
)


def stream(said):
    return [
        messages.line(i, method, params, "2026-11-24T08:00:00Z") for i, (method, params) in enumerate(said, 1)
    ]


@given(MESSAGES)
def test_what_is_said_is_what_is_read(said):
    assert [(event.method, event.params) for event in parse(b"".join(stream(said)))] == said


@given(MESSAGES, st.data())
def test_a_stream_cut_at_any_byte_is_a_prefix_or_a_clear_error(said, data):
    lines = stream(said)
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    found, error = tried(parse, whole[:cut])
    if error is not None:
        assert "damaged" in error.message
        assert whole[:cut].rpartition(b"\n")[2], "only half a line is damage"
        return
    assert [(event.method, event.params) for event in found] == said[: len(found)]
    assert sum(map(len, lines[: len(found)])) - 1 <= cut


@given(MESSAGES.filter(bool))
def test_every_cut_of_a_stream(said):
    lines = stream(said[:1])
    whole, ends = b"".join(lines), {0, len(lines[0]) - 1, len(lines[0])}
    for cut in range(len(whole) + 1):
        if cut in ends:
            assert len(parse(whole[:cut])) == (cut > 0)
        else:
            with pytest.raises(RunError, match="damaged"):
                parse(whole[:cut])


@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_a_clear_error(data):
    found, error = tried(parse, data)
    assert error.hint if error is not None else all(isinstance(event, Event) for event in found)


@given(JSON, st.sampled_from(["metric", "progress", "closed", "phase", ""]))
def test_what_a_cell_writes_into_the_pipe_never_breaks_the_stream(params, method):
    class Parts:
        written = b""

        def add(self, data, *, now=False):
            self.written += data
            return True

    parts = Parts()
    Events(parts).from_child({"method": method, "params": params})
    Events(parts).from_child(params)
    assert {event.method for event in parse(parts.written)} <= {"metric", "progress"}


def tried(act, *args):
    """Return what it returns and ``None``, or ``None`` and our own error; others are failures."""
    try:
        return act(*args), None
    except (RunError, SpecError) as error:
        return None, error


READERS = {INTENT: documents.intent, STEP: documents.step, SOURCE: documents.source}


@pytest.mark.parametrize("schema", READERS)
@pytest.mark.parametrize("version", ["0", "2", "10", "1.1", "", "one"])
def test_documents_of_another_version_are_refused_by_name(schema, version):
    """Version 1 is the first: there is no older one to read, and none is guessed at."""
    other = schema.rpartition("/")[0] + "/" + version
    with pytest.raises(SpecError) as caught:
        READERS[schema](json.dumps({"schema": other}).encode())
    assert caught.value.message == f"this runner reads {schema}, not {other!r}"
    assert caught.value.hint == "Submit the cell again with this version of argovx-lab."


@pytest.mark.parametrize("schema", READERS)
@given(data=st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_document_is_read_or_refused_by_name(schema, data):
    with pytest.raises(SpecError, match=r"argovx\.\w+/1"):
        READERS[schema](data)


@pytest.mark.parametrize("schema", READERS)
@given(
    fields=st.dictionaries(
        st.sampled_from(
            [
                "prefix",
                "spec",
                "inputs",
                "outputs",
                "name",
                "source",
                "environment",
                "cell",
                "filename",
                "definitions",
                "ordinal",
                "cell_number",
                "notebook",
                "attempt_key",
                "task",
                "workflow_uid",
            ]
        ),
        JSON,
    )
)
def test_any_fields_of_the_right_version_are_read_or_refused_by_name(schema, fields):
    _, error = tried(READERS[schema], json.dumps({**fields, "schema": schema}).encode())
    assert error is None or schema in error.message
