"""The condition language: what it evaluates, and that it refuses the rest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argovx_lab.sandbox.google.conditions import ATTRIBUTE, parse
from argovx_lab.sandbox.google.errors import GoogleError

VALUES = {
    "resource.name": "projects/_/buckets/b/objects/it's/x",
    "resource.type": "storage.googleapis.com/Object",
    "request.time": datetime(2026, 11, 24, tzinfo=UTC),
    ATTRIBUTE + "p": "a/",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("!true", False),
        ("!!true", True),
        ("true || false && false", True),
        ("(true || false) && false", False),
        ("resource.name.startsWith('projects/_')", True),
        ('resource.name.startsWith("projects/_")', True),
        ("resource.name.endsWith('/x')", True),
        ("resource.name.endsWith('/y')", False),
        ("resource.name == 'a'", False),
        ("resource.name != 'a'", True),
        ("'a' == 'a'", True),
        ("'abc'.startsWith('a')", True),
        (r"resource.name.startsWith('projects/_/buckets/b/objects/it\'s')", True),
        (r"'\\' == '\\'", True),
        ("resource.type in ['a', 'storage.googleapis.com/Object']", True),
        ("resource.type in []", False),
        ("request.time < timestamp('2026-11-25T00:00:00Z')", True),
        ("request.time >= timestamp('2026-11-25T00:00:00+00:00')", False),
        ("request.time == timestamp('2026-11-24T00:00:00Z')", True),
        ("api.getAttribute('p', '').startsWith('a/')", True),
        ("request.time.getHours('Europe/Berlin') == 1", True),
        ("request.time.getHours() < 1 && request.time.getMinutes() == 0", True),
        ("request.time.getDayOfWeek('Asia/Tokyo') in [1, 2]", True),
        ("request.time.getFullYear() >= 2027", False),
        ("request.time.getMonth() == 10 && request.time.getDate() == 24", True),
        ("request.time.getDayOfMonth() == 23 && request.time.getDayOfYear() == 327", True),
        ("resource.name.extract('/buckets/{b}/objects') == 'b'", True),
        ("resource.name.extract('/objects/{rest}').startsWith('it')", True),
        ("resource.name.extract('/nothing/{x}/') == ''", True),
        ("api.getAttribute('q', 'a/').startsWith('a/')", True),
        ("api.getAttribute('q', '') == ''", True),
        # a name without a value makes the whole condition false, also where it is negated
        ("resource.service == 'x'", False),
        ("!(resource.service == 'x')", False),
        ("true || resource.service == 'x'", True),
    ],
)
def test_value(text, value):
    assert parse(text, attributes=True).holds(VALUES) is value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(",
        "true)",
        "true &&",
        "&& true",
        "true & false",
        "'a",
        "'a' 'b'",
        "'a'",
        "resource.name",
        "resource.name == 1",
        "request.time.getHours('Mars/Base') == 1",
        "request.time.getHours('a', 'b') == 1",
        "request.time.getHours() == 'x'",
        "request.time.getHours() in ['x']",
        "resource.name.extract('/buckets/') == ''",
        "resource.name.extract() == ''",
        "resource.name < 1",
        "resource.name == true",
        "resource.name && true",
        "!resource.name",
        "resource.name < 'a'",
        "resource.name.matches('a')",
        "resource.name.startsWith(resource.type)",
        "resource.name.startsWith('a').startsWith('b')",
        "resource.labels.x == 'a'",
        "resource['name'] == 'a'",
        "true ? true : false",
        "has(resource.name)",
        "timestamp('yesterday') < request.time",
        "request.time < '2026'",
        "true in ['a']",
        "resource.name in [resource.type]",
        "resource.name in 'a'",
        "'a\\n' == 'a'",
        "'''a''' == 'a'",
        "r'a' == 'a'",
        " || ".join(["true"] * 14),
        "true" + " " * 2048,
        "(" * 2000 + "true" + ")" * 2000,
    ],
)
def test_refused(text):
    with pytest.raises(GoogleError) as caught:
        parse(text)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_attributes_only_where_they_are_allowed():
    with pytest.raises(GoogleError, match="access boundaries only"):
        parse("api.getAttribute('p', '') == 'a'")


@given(st.text(alphabet="truefals&|!()'\"\\ .=resource.name<>[],in", max_size=60))
def test_anything_is_a_bool_or_a_refusal(text):
    try:
        condition = parse(text, attributes=True)
    except GoogleError:
        return
    assert condition.holds(VALUES) in (True, False)


@given(st.text(max_size=30))
def test_a_literal_cannot_leave_its_quotes(text):
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    try:
        condition = parse(f"resource.name.startsWith('x{quoted}')")
    except GoogleError:
        assert "\n" in text
        return
    assert condition.holds({"resource.name": "x" + text})
    assert not condition.holds({"resource.name": "y" + text})
