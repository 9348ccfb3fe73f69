"""Workflows that nobody vouches for: one of them never hides the others, and everything stays JSON."""

import base64
import hashlib
import json
import tracemalloc
import zlib

import pytest

from argovx_lab.model import names
from argovx_lab.model.events import Event
from argovx_lab.model.run import Phase, to_json
from argovx_lab.runs import nodes as nodes_module
from argovx_lab.runs.argo import executions
from argovx_lab.runs.document import submitted, with_document
from argovx_lab.runs.merge import About, Seen, merge
from argovx_lab.runs.nodes import NODES_MAX, nodes_of
from argovx_lab.runs.shapes import parsed, text
from argovx_lab.runs.stream import Stream, reduce

ABOUT = About("sandbox", "argovx")

WRONG = [None, 1, "text", [], [1], {"x": 1}, [[]], {"metadata": None}, True, float("nan")]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize(
    "where", ["metadata", "spec", "status", "labels", "annotations", "nodes", "node", "outputs"]
)
def test_a_wrong_shape_anywhere_does_not_raise(workflow, node, where, wrong):
    identifier, pod = node("w", ".train", phase="Running", outputs={"exitCode": "0"})
    found = workflow("w", nodes={identifier: pod})
    if where in ("labels", "annotations"):
        found["metadata"][where] = wrong
    elif where == "nodes":
        found["status"]["nodes"] = wrong
    elif where == "node":
        found["status"]["nodes"][identifier] = wrong
    elif where == "outputs":
        pod["outputs"] = wrong
    else:
        found[where] = wrong
    run = merge("r", [Seen(execution) for execution in executions(found)], ABOUT)
    json.dumps(to_json(run), allow_nan=False)


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"train": 1}', '{"train": {"inputs": [1, {"name": 2}]}}', "[" * 100_000]
)
def test_an_annotation_that_is_not_ours(workflow, text):
    found = workflow("w")
    found["metadata"]["annotations"][names.ANNOTATION_STEPS] = text
    run = merge("r", [Seen(execution) for execution in executions(found)], ABOUT)
    assert [n.name for n in run.nodes] == ["train"]


def test_a_long_annotation_is_read_whole(workflow):
    inputs = [{"name": f"x{i}", "step": "prepare", "digest": "d" * 64} for i in range(1000)]
    (execution,) = executions(workflow("w", about={"inputs": inputs}))
    assert len(execution.about["inputs"]) == 1000


def test_no_number_that_is_no_json_reaches_a_view():
    event = Event("metric", {"values": {"loss": float("nan"), "ok": 1}, "step": 1}, "t")
    stream = reduce(Stream(), [event])
    assert stream.metrics == {"ok": 1.0}


def test_text_stays_text(workflow, node):
    hostile = "<img src=x onerror=alert(1)>"
    identifier, pod = node("w", ".train", phase="Failed", message=hostile)
    run = merge(
        "r", [Seen(execution) for execution in executions(workflow("w", nodes={identifier: pod}))], ABOUT
    )
    assert run.nodes[0].message == hostile
    assert run.nodes[0].phase is Phase.FAILED


HALF = "\ud800"


def test_text_that_no_file_takes_is_replaced_where_it_enters(workflow, node):
    identifier, pod = node("w", ".train", phase="Failed", message=f"m{HALF}", outputs={})
    pod["outputs"]["parameters"] = [{"name": "exit-reason", "value": f"r{HALF}"}]
    found = workflow("w", nodes={identifier: pod})
    found["metadata"]["annotations"][names.ANNOTATION_STEPS] = (
        '{"train": {"name": "a\\ud800", "machine": "\\uDFFF", "outputs": [{"name": "\\ud8001"}]}}'
    )
    found["metadata"]["annotations"][names.ANNOTATION_NOTEBOOK] = f"n{HALF}.ipynb"
    manifest = json.loads('{"outputs": {"x": {"summary": "s"}}}')
    run = merge("r", [Seen(e, manifest=manifest) for e in executions(found)], ABOUT)
    repr(run).encode()
    assert (run.nodes[0].name, run.nodes[0].message, run.notebook) == ("a\ufffd", "m\ufffd", "n\ufffd.ipynb")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"a\\ud800": ["\\uDC00", 1]}', {"a\ufffd": ["\ufffd", 1]}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('"é\ud800"', "é\ufffd"),
        (b'"\xed\xa0\x80"', None),
        (b"\xff", None),
        ("", None),
        (None, None),
        (5, None),
        ("[" * 100_000, None),
        ('["\\ud800",' * 600 + "1" + "]" * 600, None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_json_of_others(data, found):
    read = parsed(data)
    if isinstance(data, str) and data.startswith('["'):
        json.dumps(read)
    else:
        assert read == found


def test_a_long_text_is_cut_and_encodable():
    text(HALF * 30_000).encode()
    assert text("é" + HALF) == "é\ufffd"


def test_a_document_with_half_a_character_can_be_shown():
    data = b'{"name": "\\ud800"}'
    found = submitted({}, "t")
    found.arguments["spec-digest"] = hashlib.sha256(data).hexdigest()
    assert json.loads(with_document(found, data).document) == {"name": "\ufffd"}


def dag(*tasks):
    return {"templates": [{"name": "main", "dag": {"tasks": [{"name": task} for task in tasks]}}]}


def test_steps_that_the_workflow_does_not_have_are_not_made_up(workflow):
    fake = {f"t{i}": {"name": f"n{i}"} for i in range(4000)}
    found = workflow("w", spec=dag("train", "other"))
    found["metadata"]["annotations"][names.ANNOTATION_STEPS] = json.dumps({**fake, "other": {"name": "o"}})
    assert [execution.step for execution in executions(found)] == ["o"]
    found["metadata"]["annotations"][names.ANNOTATION_STEPS] = json.dumps(fake)
    assert [execution.step for execution in executions(found)] == ["train"]
    found["spec"] = {"templates": [{"name": "main", "container": {"image": "sh"}}]}
    assert [execution.step for execution in executions(found)] == ["train"]


def packed(document):
    squeezer = zlib.compressobj(9, wbits=31)
    return base64.b64encode(squeezer.compress(document) + squeezer.flush()).decode()


def test_nodes_that_were_compressed_are_read(node):
    nodes = dict([node("w", ".train", phase="Running")])
    assert nodes_of({"compressedNodes": packed(json.dumps(nodes).encode())}) == nodes


@pytest.mark.parametrize(
    "document",
    [b"{" + b" " * (10 * NODES_MAX) + b"}", b"[" + b"[]," * (NODES_MAX // 4) + b"[]]"],
    ids=["long", "many values"],
)
def test_nodes_that_swell_are_not_read(document, monkeypatch):
    def read(data):
        raise AssertionError(f"{len(data)} bytes are read")

    status = {"compressedNodes": packed(document)}
    del document
    monkeypatch.setattr(nodes_module, "parsed", read)
    tracemalloc.start()
    try:
        assert nodes_of(status) == {}
        assert tracemalloc.get_traced_memory()[1] < 4 * NODES_MAX
    finally:
        tracemalloc.stop()
