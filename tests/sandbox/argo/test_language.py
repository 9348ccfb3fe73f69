"""Small languages around templates: ``when``, tags, loops, ``depends``, durations, Go's JSON."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.argo import gojson, tags
from argovx_lab.sandbox.argo.depends import ancestors_of, holds
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.gotime import humanize, parse_duration
from argovx_lab.sandbox.argo.loops import expand
from argovx_lab.sandbox.argo.when import should_execute


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, True),
        ("", True),
        ("true", True),
        ("false", False),
        ("1 == 1", True),
        ("1 == 2", False),
        ("heads == heads", True),
        ("heads != tails", True),
        ("'x y' == \"x y\"", True),
        ("3 > 2 && 2 >= 2", True),
        ("( 1 > 2 ) || !false", True),
        ("abc =~ '^a'", True),
        ("abc !~ '^b'", True),
        ("x in (x, y)", True),
        ("1 + 2 == 3", True),
        ("-1 < 0", True),
        ("true && false", False),
    ],
)
def test_when(condition, expected):
    assert should_execute(condition) is expected


@pytest.mark.parametrize("condition", ["foo", "1", "== 2", "(true", "a < 1", "true)", "1 / 0 == 1"])
def test_when_must_be_a_condition(condition):
    with pytest.raises(NodeError, match=r"evaluat|'when'"):
        should_execute(condition)


SCOPE = {"inputs.parameters.m": 'say "hi"', "workflow.parameters.n": "4", "tasks.a.outputs.result": "[1]"}


def test_tags_are_replaced_in_keys_and_values_at_any_depth():
    value = {"args": ["{{inputs.parameters.m}} {{ workflow.parameters.n }}"], "{{workflow.parameters.n}}": 1}
    assert tags.substitute(value, SCOPE) == {"args": ['say "hi" 4'], "4": 1}


def test_expression_tags_give_text_or_json():
    assert tags.substitute("{{=asInt(workflow.parameters.n) * 2}}", SCOPE) == "8"
    assert tags.substitute("{{=map(fromJSON(tasks.a.outputs.result), {# + 1})}}", SCOPE) == "[2]"
    assert tags.substitute("{{=inputs.parameters.m}}", SCOPE) == 'say "hi"'


def test_unresolved_tags_stay_or_are_an_error():
    assert tags.substitute("{{a.b}} {{=a.b.c}}", SCOPE, allow_unresolved=True) == "{{a.b}} {{=a.b.c}}"
    with pytest.raises(NodeError, match=r"failed to resolve \{\{a\.b\}\}"):
        tags.substitute("{{a.b}}", SCOPE)
    with pytest.raises(NodeError, match=r"workflow\.parameters\.none is missing"):
        tags.substitute("{{=workflow.parameters.none}}", SCOPE)


def test_values_are_not_substituted_again():
    assert tags.substitute("{{a}}", {"a": "{{b}}", "b": "x"}) == "{{b}}"


def test_find_names_every_tag():
    found = list(tags.find({"x": ["{{a.b}}", "{{=f({'k': 1})}}"], "{{k}}": 1}))
    assert found == ["a.b", "=f({'k': 1})", "k"]


def test_items_name_their_members():
    step = {"name": "l", "template": "t", "withItems": ["a", 3, {"b": "x", "a": True}, ["q"], "p(q)"]}
    names = [m["name"] for m in expand(step, {})]
    assert names == ["l(0:a)", "l(1:3)", "l(2:a:true,b:x)", "l(3:[q])", "l(4:pq)"]


def test_items_are_replaced_with_their_fields():
    arguments = {"parameters": [{"name": "m", "value": "{{item.a}}-{{item}}"}]}
    step = {"name": "l", "arguments": arguments, "withParam": '[{"a": 1}]'}
    assert expand(step, {})[0]["arguments"]["parameters"][0]["value"] == '1-{"a":1}'


@pytest.mark.parametrize(
    ("sequence", "items"),
    [
        ({"count": "3"}, ["0", "1", "2"]),
        ({"start": "2", "end": "4"}, ["2", "3", "4"]),
        ({"start": 3, "end": 1}, ["3", "2", "1"]),
        ({"count": 2, "format": "n%02d"}, ["n00", "n01"]),
        ({"start": "10", "count": "2", "format": "%x%%"}, ["a%", "b%"]),
        ({"count": "0"}, []),
    ],
)
def test_sequences(sequence, items):
    members = expand({"name": "l", "when": "{{item}}", "withSequence": sequence}, {})
    assert [m["when"] for m in members] == items


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("not json", "invalid character 'o' in literal null (expecting 'u')"),
        ("[1,", "unexpected end of JSON input"),
        ("{}", "cannot unmarshal object into Go value"),
        ("3", "cannot unmarshal number into Go value"),
    ],
)
def test_a_parameter_that_is_no_list(text, complaint):
    with pytest.raises(NodeError) as caught:
        expand({"name": "l", "withParam": text}, {})
    assert caught.value.message.startswith(f"withParam value could not be parsed as a JSON list: {text}: ")
    assert complaint in caught.value.message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a", "invalid character 'a' looking for beginning of value"),
        ("tru", "unexpected end of JSON input"),
        ("trux", "invalid character 'x' in literal true (expecting 'e')"),
        ("[1 2]", "invalid character '2' after array element"),
        ("{a: 1}", "invalid character 'a' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a": 1 "b"}', "invalid character '\"' after object key:value pair"),
        ("1 2", "invalid character '2' after top-level value"),
        ("-x", "invalid character 'x' in numeric literal"),
        ("01", "invalid character '1' after top-level value"),
        ("", "unexpected end of JSON input"),
    ],
)
def test_complaints_are_gos(text, complaint):
    with pytest.raises(gojson.GoJsonError) as caught:
        gojson.loads(text)
    assert str(caught.value) == complaint


def test_json_is_written_as_go_writes_it():
    assert gojson.dumps({"b": "<&>", "a": [1, None]}) == '{"a":[1,null],"b":"\\u003c\\u0026\\u003e"}'


@pytest.mark.parametrize(
    ("text", "seconds"), [("10", 10), ("1m30s", 90), ("1.5h", 5400), ("2d", 172800), ("100ms", 0.1), ("0", 0)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "x", "1y", "s", "1m x"])
def test_bad_durations_name_the_text(text):
    with pytest.raises(NodeError, match="duration"):
        parse_duration(text)


def test_durations_for_people():
    assert [humanize(s) for s in (4, 1, 65, 3600, 0.2)] == [
        "4 seconds", "1 second", "1 minute 5 seconds", "1 hour", "0 seconds"
    ]  # fmt: skip


def results(**phases):
    def look(name):
        phase = phases[name]
        keys = (
            "Succeeded",
            "Failed",
            "Errored",
            "Skipped",
            "Omitted",
            "Daemoned",
            "AnySucceeded",
            "AllFailed",
        )
        return {k: k == phase for k in keys}

    return look


@pytest.mark.parametrize(
    ("depends", "phases", "expected"),
    [
        ("a", {"a": "Succeeded"}, True),
        ("a", {"a": "Skipped"}, True),
        ("a", {"a": "Failed"}, False),
        ("a.Failed || a.Errored", {"a": "Errored"}, True),
        ("a && !b", {"a": "Succeeded", "b": "Failed"}, True),
        ("a &&", {"a": "Succeeded"}, None),
        ("a.Succeeded && (b.Omitted || b.AnySucceeded)", {"a": "Succeeded", "b": "Omitted"}, True),
    ],
)
def test_depends(depends, phases, expected):
    task = {"name": "t", "depends": depends}
    if expected is None:
        with pytest.raises(NodeError, match="unable to evaluate expression"):
            holds(task, {}, results(**phases))
        return
    assert holds(task, {}, results(**phases)) is expected


def test_a_condition_without_end_is_not_repeated_at_length():
    task = {"name": "t", "depends": "(" * 3000 + "a" + ")" * 3000}
    with pytest.raises(NodeError) as caught:
        holds(task, {}, results(a="Succeeded"))
    assert len(caught.value.message) < 300


def test_continue_on_widens_a_bare_dependency():
    tasks = {"a": {"name": "a", "continueOn": {"failed": True}}}
    assert holds({"name": "t", "dependencies": ["a"]}, tasks, results(a="Failed"))
    assert not holds({"name": "t", "dependencies": ["a"]}, tasks, results(a="Errored"))


def test_ancestors_are_named_once_and_results_checked():
    assert ancestors_of({"depends": "a.Failed && (b || a) && c-d"}) == ["a", "b", "c-d"]
    with pytest.raises(NodeError, match="task result 'Done' for task 'a' is invalid"):
        ancestors_of({"depends": "a.Done"})
