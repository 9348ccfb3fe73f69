"""The filter language, by tables."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.google import filters
from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.google.fields import Fields
from argovx_lab.sandbox.google.filters import Comparison, matches

FIELDS = Fields(
    kinds={
        "display_name": "string",
        "state": "enum",
        "create_time": "time",
        "count": "number",
        "ready": "bool",
        "labels": "labels",
        "metadata": "struct",
        "parents": "list",
    },
    order=("display_name", "create_time", "count"),
)
DOCUMENT = {
    "display_name": "Weekly run",
    "state": "RUNNING",
    "create_time": "2026-11-24T08:00:00.5Z",
    "count": 3,
    "ready": True,
    "labels": {"team": "vision", "argovx-key": "ab12", "empty": ""},
    "metadata": {"user": "ada", "rows": 10.0, "ok": True, "deep": {"er": "x"}},
    "parents": ["p/1", "p/2"],
}

TRUE = [
    "",
    'display_name="Weekly run"',
    "display_name='Weekly run'",
    'display_name="Weekly*"',
    'display_name="*run"',
    'display_name="*ly r*"',
    'display_name:"weekly"',
    "display_name:*",
    'display_name!="x"',
    'state="RUNNING"',
    "state=RUNNING",
    'state=("A" OR "RUNNING")',
    'NOT state="FAILED"',
    '-state="FAILED"',
    'create_time>"2026-11-24T07:00:00Z"',
    'create_time<="2026-11-24T09:00:00.5+01:00"',
    "count>=3 AND count<4",
    "count = 3",
    "ready=true",
    'labels.team="vision"',
    'labels.team = "vis*"',
    "labels.argovx-key=ab12",
    "labels.argovx-key:*",
    "labels:team",
    'labels.empty=""',
    'labels.nothing!="x"',
    'metadata.user.string_value="ada"',
    "metadata.rows.number_value>9",
    "metadata.ok.bool_value=true",
    'metadata.deep.struct_value.fields.er.string_value="x"',
    'parents:"p/2"',
    # OR binds tighter than AND
    'state="RUNNING" AND state="X" OR count=3',
    'state="RUNNING" count=3',
    '(state="X" AND count=3) OR ready=true',
    'NOT (state="X" OR count=4)',
    'display_name="Weekly run" AND (labels.team="a" OR labels.team="vision")',
]
FALSE = [
    'display_name="weekly run"',
    'display_name!="Weekly run"',
    'state!="RUNNING"',
    'create_time>"2026-11-24T08:00:01Z"',
    "count>3",
    "ready=false",
    'labels.team="sound"',
    "labels.nothing:*",
    'labels.nothing=""',
    "labels:nothing",
    'metadata.rows.string_value="10"',
    "metadata.ok.bool_value=false",
    "metadata.user.number_value=0",
    "metadata.none.number_value=0",
    'parents:"p/3"',
    'state="X" OR state="Y" AND count=3',
    'NOT state="RUNNING"',
]
INVALID = [
    'colour="red"',
    "display_name",
    "display_name=",
    '="x"',
    'display_name="x" AND',
    'AND display_name="x"',
    '(display_name="x"',
    'display_name="x")',
    'display_name=~"x"',
    "count>many",
    'create_time>"yesterday"',
    "state>RUNNING",
    "labels=team",
    'metadata.user="ada"',
    'in_context("x")',
    'display_name="x" OR OR count=1',
    'display_name="unfinished',
    "(((((((count=1)))))))",
    "count=(1 OR",
    "x" * 30_000,
]


def decide(text):
    return matches(
        FIELDS.parse(text), DOCUMENT, lambda p, d: isinstance(p, Comparison) and FIELDS.compare(p, d)
    )


@pytest.mark.parametrize("text", TRUE)
def test_true(text):
    assert decide(text) is True


@pytest.mark.parametrize("text", FALSE)
def test_false(text):
    assert decide(text) is False


@pytest.mark.parametrize("text", INVALID)
def test_invalid(text):
    with pytest.raises(GoogleError) as caught:
        decide(text)
    assert caught.value.code == "INVALID_ARGUMENT"
    assert "filter" in caught.value.fields


def test_order():
    rows = [{"display_name": n, "count": c} for n, c in (("b", 1), ("a", 2), ("c", 1), ("d", None))]
    names = lambda order: [r["display_name"] for r in FIELDS.sort(rows, order, "count")]  # noqa: E731
    assert names("") == ["d", "b", "c", "a"]
    assert names("count desc") == ["a", "b", "c", "d"]
    assert names("count, display_name desc") == ["d", "c", "b", "a"]
    for wrong in ("colour", "count upwards", "count,,"):
        with pytest.raises(GoogleError, match="sortable fields"):
            names(wrong)


def test_a_part_of_a_path_may_be_quoted():
    expression = filters.parse(
        'labels."compute.googleapis.com/name".x = "a" AND NOT labels."b.c":* "bare"', logging=True
    )
    names = [
        leaf.field if isinstance(leaf, filters.Comparison) else leaf.argument
        for leaf in filters.leaves(expression)
    ]
    assert names == ['labels."compute.googleapis.com/name".x', 'labels."b.c"', "bare"]
