"""The small language of ``--when`` and its form for Argo."""

import pytest

from argovx_lab.errors import SpecError
from argovx_lab.model.condition import parse


def values_of(step):
    return f"values.{step}"


@pytest.mark.parametrize(
    ("typed", "argo"),
    [
        ("prepare.rows > 1000", "jsonpath(values.prepare, '$.rows') > 1000"),
        ("a.ok", "jsonpath(values.a, '$.ok')"),
        ("not a.ok", "!(jsonpath(values.a, '$.ok'))"),
        ("a.x >= -1.5 and b-c.y == 'z'", None),
        ("0 < a.x < 1", "(0 < jsonpath(values.a, '$.x') && jsonpath(values.a, '$.x') < 1)"),
        ("a.kind in ['p', 'q']", 'jsonpath(values.a, \'$.kind\') in ["p", "q"]'),
        ("a.kind not in ('p',)", "!(jsonpath(values.a, '$.kind') in [\"p\"])"),
        ("a.x != None", "jsonpath(values.a, '$.x') != nil"),
        ("a.x == 'b.y'", "jsonpath(values.a, '$.x') == \"b.y\""),
    ],
)
def test_conditions_become_expressions(typed, argo):
    found = parse(typed).argo(values_of)
    if argo is None:
        argo = "(jsonpath(values.a, '$.x') >= -1.5 && jsonpath(values.b-c, '$.y') == \"z\")"
    assert found == f"{{{{={argo}}}}}"


def test_a_result_that_is_known_stands_as_its_value_and_cannot_close_the_tag():
    condition = parse("a.x == a.y and a.z in [1]")
    known = {("a", "x"): "}}{{=evil", ("a", "y"): 3, ("a", "z"): 1}
    text = condition.argo(values_of, known)
    assert text.count("{{") == text.count("}}") == 1
    assert "\\u007d\\u007d" in text
    assert condition.reads == (("a", "x"), ("a", "y"), ("a", "z"))


@pytest.mark.parametrize(
    ("typed", "column"),
    [
        ("a.x > open('f')", 7),
        ("a.x > b", 7),
        ("a.x + 1 > 2", 1),
        ("a.x is None", 1),
        ("a.x > 1e999", 7),
        ("1 > 2", 1),
        ("a.x[0] == 1", 1),
        ("__import__('os').x == 1", 1),
    ],
)
def test_anything_else_is_refused_with_its_column(typed, column):
    with pytest.raises(SpecError) as caught:
        parse(typed)
    assert f"column {column} of the condition" in caught.value.message
    assert caught.value.hint


def test_braces_are_refused():
    with pytest.raises(SpecError, match="double braces"):
        parse("a.x == '{{workflow.name}}'")
