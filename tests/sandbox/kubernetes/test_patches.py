"""Patch formats as functions from data to data."""

from __future__ import annotations

import copy

import pytest

from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.patches import json_patch, merge
from argovx_lab.sandbox.kubernetes.strategic import strategic

#: RFC 7396, appendix A
MERGES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), MERGES)
def test_merge_patch(target, patch, result):
    before = copy.deepcopy((target, patch))
    assert merge(target, patch) == result
    assert (target, patch) == before


POD = {
    "metadata": {"finalizers": ["a"], "labels": {"x": "1"}},
    "spec": {
        "containers": [
            {"name": "a", "image": "1", "env": [{"name": "E", "value": "1"}]},
            {"name": "b", "image": "1", "args": ["x"]},
        ],
        "tolerations": [{"key": "k"}],
    },
}

STRATEGIC = [
    ({"metadata": {"labels": {"x": None, "y": "2"}}}, lambda pod: pod["metadata"]["labels"], {"y": "2"}),
    (
        {"spec": {"containers": [{"name": "b", "image": "2"}]}},
        lambda pod: [(c["name"], c["image"]) for c in pod["spec"]["containers"]],
        [("a", "1"), ("b", "2")],
    ),
    (
        {"spec": {"containers": [{"name": "a", "env": [{"name": "F", "value": "2"}]}]}},
        lambda pod: [e["name"] for e in pod["spec"]["containers"][0]["env"]],
        ["F", "E"],
    ),
    (
        {"spec": {"containers": [{"name": "a", "$patch": "delete"}]}},
        lambda pod: [c["name"] for c in pod["spec"]["containers"]],
        ["b"],
    ),
    (
        {"spec": {"containers": [{"$patch": "replace"}, {"name": "c", "image": "3"}]}},
        lambda pod: [c["name"] for c in pod["spec"]["containers"]],
        ["c"],
    ),
    (
        {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}},
        lambda pod: [c["name"] for c in pod["spec"]["containers"]],
        ["b", "a"],
    ),
    ({"metadata": {"finalizers": ["b"]}}, lambda pod: pod["metadata"]["finalizers"], ["a", "b"]),
    (
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
        lambda pod: pod["metadata"]["finalizers"],
        [],
    ),
    ({"metadata": {"$patch": "replace", "name": "n"}}, lambda pod: pod["metadata"], {"name": "n"}),
    ({"metadata": {"$retainKeys": ["labels"]}}, lambda pod: list(pod["metadata"]), ["labels"]),
    ({"spec": {"tolerations": [{"key": "l"}]}}, lambda pod: pod["spec"]["tolerations"], [{"key": "l"}]),
    (
        {"spec": {"containers": [{"name": "b", "args": ["y"]}]}},
        lambda pod: pod["spec"]["containers"][1]["args"],
        ["y"],
    ),
]


@pytest.mark.parametrize(("patch", "look", "result"), STRATEGIC)
def test_strategic_merge_patch(patch, look, result):
    before = copy.deepcopy(POD)
    assert look(strategic(POD, patch, "Pod")) == result
    assert before == POD


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"containers": [{"image": "x"}]}},
        {"spec": {"containers": ["x"]}},
        {"metadata": {"$patch": "explode"}},
        {"metadata": {"$retainKeys": "labels"}},
    ],
)
def test_strategic_patches_that_make_no_sense(patch):
    with pytest.raises(ApiError) as caught:
        strategic(POD, patch, "Pod")
    assert caught.value.code == 400


@pytest.mark.parametrize(
    "step",
    [
        {"op": "remove", "path": "/none"},
        {"op": "test", "path": "/kind", "value": "Other"},
        {"op": "jump", "path": "/kind"},
        {"op": "add"},
        {"path": "/kind", "value": 1},
        {"op": "add", "path": "kind", "value": 1},
        {"op": "add", "path": "/kind/deeper", "value": 1},
        {"op": "copy", "path": "/a"},
        {"op": "copy", "from": "/none", "path": "/a"},
        {"op": "add", "path": "/list/9", "value": 1},
        {"op": "add", "path": 5, "value": 1},
        {"op": "replace", "path": "/list/x", "value": 1},
    ],
)
def test_json_patches_that_do_not_fit_are_422(step):
    old = {"kind": "Pod", "list": [1]}
    with pytest.raises(ApiError) as caught:
        json_patch(old, [step])
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert old == {"kind": "Pod", "list": [1]}


def test_a_json_patch_is_all_or_nothing():
    old = {"a": 1, "b": [1, 2]}
    steps = [
        {"op": "replace", "path": "/a", "value": 2},
        {"op": "move", "from": "/b/0", "path": "/c"},
        {"op": "add", "path": "/b/-", "value": 3},
    ]
    assert json_patch(old, steps) == {"a": 2, "b": [2, 3], "c": 1}
    assert old == {"a": 1, "b": [1, 2]}
