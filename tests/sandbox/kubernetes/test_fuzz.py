"""Hostile objects: valid ones with anything anywhere. Every answer is an object or a refusal."""

from __future__ import annotations

import copy
import random

import pytest

from argovx_lab.sandbox.kubernetes import patches, subresources
from argovx_lab.sandbox.kubernetes.authentication import User
from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, RBAC_GROUP
from argovx_lab.sandbox.kubernetes.rbac import Authorizer

ARGO = "argoproj.io/v1alpha1"
OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
META = {
    "name": "x",
    "labels": {"a": "b"},
    "annotations": {"a": "b"},
    "ownerReferences": [OWNER],
    "finalizers": ["a/b"],
}
CONTAINER = {
    "name": "main",
    "image": "i:1",
    "command": ["sh"],
    "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    "ports": [{"containerPort": 1}],
    "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
}
TOKEN = {"serviceAccountToken": {"path": "t", "audience": "a"}}
POD = {"containers": [CONTAINER], "volumes": [{"name": "v", "projected": {"sources": [TOKEN]}}]}
PARAMETERS = {"parameters": [{"name": "p", "value": "1", "valueFrom": {"path": "/x"}}]}
TASK = {"name": "t", "template": "b", "arguments": PARAMETERS, "depends": "a", "withItems": [1]}
TEMPLATES = [
    {"name": "a", "dag": {"tasks": [TASK]}},
    {"name": "b", "steps": [[{"name": "s", "withSequence": {"count": 2}}]]},
    {"name": "c", "container": CONTAINER, "inputs": PARAMETERS, "retryStrategy": {"limit": 1}},
]
NODE = {"id": "n", "name": "n", "type": "Pod", "outputs": PARAMETERS, "children": ["m"]}
SPEC = {
    "entrypoint": "a",
    "templates": TEMPLATES,
    "arguments": PARAMETERS,
    "hooks": {"exit": {"template": "c"}},
}
SUBJECTS = [{"kind": "ServiceAccount", "name": "s", "namespace": "ns"}]

OBJECTS = {
    "pods": {"spec": POD, "status": {"conditions": [{"type": "Ready"}]}},
    "configmaps": {"data": {"k": "v"}, "binaryData": {"b": "dg=="}, "immutable": False},
    "secrets": {"data": {"k": "dg=="}, "stringData": {"s": "t"}, "type": "Opaque"},
    "events": {"involvedObject": {"kind": "Pod", "namespace": "ns"}, "count": 1, "series": {}},
    "serviceaccounts": {"secrets": [{"name": "s"}]},
    f"roles.{RBAC_GROUP}": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    f"rolebindings.{RBAC_GROUP}": {"roleRef": {"kind": "Role", "name": "r"}, "subjects": SUBJECTS},
    "workflows.argoproj.io": {"spec": SPEC, "status": {"nodes": {"n": NODE}, "phase": "Running"}},
    "cronworkflows.argoproj.io": {"spec": {"schedules": ["* * * * *"], "workflowSpec": SPEC}},
    "workflowtasksets.argoproj.io": {"spec": {"tasks": {"t": TEMPLATES[2]}}, "status": {}},
}
HOSTILE = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x" * 300,
    "\ud800",
    [],
    [[]],
    [None],
    {},
    {"": None},
    {"a": {}},
]


def spoil(value, chance: random.Random):
    """Replace, remove or add something at one random place."""
    places = list(_places(value))
    holder, key = chance.choice(places)
    kind = chance.randrange(4)
    if kind == 0 and isinstance(holder, dict):
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.append(copy.deepcopy(chance.choice(HOSTILE)))
    else:
        holder[key] = copy.deepcopy(chance.choice(HOSTILE))
    return value


def _places(value):
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def whole(kind_id: str) -> dict:
    kind = BY_ID[kind_id]
    head = {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind}
    return copy.deepcopy({**head, "metadata": META, **OBJECTS[kind_id]})


@pytest.mark.parametrize("kind_id", sorted(OBJECTS))
def test_spoiled_objects_are_stored_or_refused(registry, store, kind_id):
    chance, kind = random.Random(kind_id), BY_ID[kind_id]
    authorizer, user = Authorizer(store), User("nobody")
    outcomes = set()
    for _ in range(220):
        obj = whole(kind_id)
        obj["metadata"]["ownerReferences"] = []
        for _ in range(chance.randrange(1, 4)):
            spoil(obj, chance)
        outcomes.add(_outcome(lambda obj=obj: registry.create(kind, "ns", obj)))
        stored = store.get(kind, "ns", "x")
        if stored is None:
            continue
        made = stored.object()
        _outcome(lambda made=made: authorizer.check_grant(user, kind, made))
        patch = spoil(whole(kind_id), chance)
        for media in ("merge-patch", "strategic-merge-patch"):
            outcomes.add(_outcome(lambda media=media, patch=patch: _patch(registry, kind, media, patch)))
        _outcome(lambda: subresources.bind(registry, "ns", "x", spoil({"target": {"name": "n"}}, chance)))
        current = store.get(kind, "ns", "x")
        if current is not None:
            store.remove(current)
    assert outcomes == {"stored", "refused"}


def _patch(registry, kind, media: str, patch) -> None:
    if isinstance(patch.get("metadata"), dict):
        patch["metadata"].pop("finalizers", None)
    change = patches.change(f"application/{media}+json", patch, kind.resource)
    registry.update(kind, "ns", "x", change)


def _outcome(work) -> str:
    try:
        work()
    except ApiError as error:
        return "refused" if error.message and 400 <= error.code <= 500 else "crashed"
    return "stored"
