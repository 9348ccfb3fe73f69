"""Definitions of kinds: those of files at a start, those that are made, and what becomes of their objects."""

from __future__ import annotations

import json

import pytest
import yaml

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes import crds
from argovx_lab.sandbox.kubernetes.custom import declared, files, structural, validation
from argovx_lab.sandbox.kubernetes.custom.expressions import program, violations
from argovx_lab.sandbox.kubernetes.custom.structural import Structural
from argovx_lab.sandbox.kubernetes.delete_options import DeleteOptions
from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, DEFINITIONS
from argovx_lab.sandbox.kubernetes.server import ApiServer

WORKFLOWS = "workflows.argoproj.io"


def definition(name=WORKFLOWS, kind="Workflow", version="v1alpha1", schema=None):
    plural, _, group = name.partition(".")
    spec = {"type": "object", "required": ["entrypoint"], "properties": {"entrypoint": {"type": "string"}}}
    found = schema or {"type": "object", "properties": {"spec": spec}}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": found}}
    names = {"plural": plural, "kind": kind}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [served]},
    }


@pytest.fixture
def server(tmp_path):
    """Give a function that starts a server on one database, the one before being closed."""
    running = []

    def start(folder=None):
        while running:
            running.pop().close()
        running.append(ApiServer(tmp_path / "k.sqlite", clock=Clock(), argo_crds=folder))
        made = running[0]
        made.seed([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}])
        return made

    yield start
    while running:
        running.pop().close()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "crds"
    place.mkdir()
    return place


def workflow(name, **spec):
    meta = {"name": name}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": meta, "spec": spec}


def create(server, obj, kind=WORKFLOWS):
    return server.registry.create(server.store.kinds[kind], "ns", obj)


def test_argos_kinds_are_defined_from_the_start(server):
    found = {record.name for record in server().registry.list(DEFINITIONS)}
    assert found == {kind.id for kind in BY_ID.values() if kind.custom}
    assert create(server(), workflow("a", entrypoint="x", imagined=1))["spec"]["imagined"] == 1


def test_files_give_argos_kinds_their_schemas_and_go_again(server, folder):
    (folder / "a.yaml").write_text(yaml.safe_dump(definition()))
    (folder / "b.json").write_text(json.dumps(definition("things.lab.example", "Thing", "v1")))
    (folder / "README.md").write_text("not looked at")
    found = server(folder)
    assert create(found, workflow("a", entrypoint="x", imagined=1))["spec"] == {"entrypoint": "x"}
    with pytest.raises(ApiError, match=r"spec\.entrypoint: Required value"):
        create(found, workflow("b"))
    assert found.store.kinds.of("lab.example/v1", "Thing") is not None
    assert create(server(folder), workflow("c", entrypoint="x", more=1))["spec"] == {"entrypoint": "x"}
    found = server()
    assert create(found, workflow("d", entrypoint="x", imagined=1))["spec"]["imagined"] == 1
    assert [record.name for record in found.registry.list(found.store.kinds[WORKFLOWS])] == ["a", "c", "d"]


def test_what_a_user_changed_stays(server):
    schema = definition()["spec"]["versions"][0]["schema"]

    def change(old):
        new = json.loads(json.dumps(old))
        new["spec"]["versions"][0]["schema"] = schema
        return new

    server().registry.update(DEFINITIONS, "", WORKFLOWS, change)
    assert create(server(), workflow("a", entrypoint="x", imagined=1))["spec"] == {"entrypoint": "x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "cannot be read"),
        ("- 5", "holds list, not apiextensions.k8s.io/v1 CustomResourceDefinition"),
        ("apiVersion: v1\nkind: ConfigMap", "holds v1 ConfigMap"),
        ("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition", "without a name"),
        ("", "holds no CustomResourceDefinition"),
        ("when: 2026-01-01", "cannot be read"),
        (yaml.safe_dump(definition(version="v2")), "the sandbox's engine needs v1alpha1 Workflow Namespaced"),
        (yaml.safe_dump(definition(schema={"type": "string"})), "is refused: .*must be object at the root"),
        (yaml.safe_dump_all([definition(), definition()]), "again"),
        (yaml.safe_dump({**definition(), "spec": 5}), "no version without a kind"),
    ],
)
def test_files_that_cannot_be_used_stop_the_start(server, folder, text, message):
    (folder / "file.yaml").write_text(text)
    with pytest.raises(SandboxError, match=message) as caught:
        server(folder)
    assert str(folder) in caught.value.message
    assert caught.value.hint


def test_a_missing_folder_is_named(server, tmp_path):
    with pytest.raises(SandboxError, match="nowhere is no folder"):
        server(tmp_path / "nowhere")


def test_a_list_of_definitions_is_one_file(folder):
    whole = {"apiVersion": "v1", "kind": "List", "items": crds.definitions()}
    (folder / "all.yaml").write_text(json.dumps(whole))
    assert len(files.definitions(folder)) == len(crds.definitions())


def test_a_kind_comes_and_goes_with_its_definition(server):
    found = server()
    found.registry.create(DEFINITIONS, "", definition("things.lab.example", "Thing", "v1"))
    kind = "things.lab.example"
    thing = {"apiVersion": "lab.example/v1", "kind": "Thing", "metadata": {"name": "a"}}
    create(found, {**thing, "spec": {"entrypoint": "x"}}, kind)
    found = server()
    assert found.registry.get(found.store.kinds[kind], "ns", "a").object()["spec"] == {"entrypoint": "x"}
    found.registry.delete(DEFINITIONS, "", kind, DeleteOptions())
    assert found.store.kinds.get(kind) is None
    assert found.store.get(DEFINITIONS, "", kind) is None
    found.registry.create(DEFINITIONS, "", definition(kind, "Thing", "v1"))
    assert found.registry.list(found.store.kinds[kind]) == []


def test_the_engines_own_kinds_cannot_go(server):
    with pytest.raises(ApiError, match="the sandbox's workflow engine lives on this kind"):
        server().registry.delete(DEFINITIONS, "", WORKFLOWS, DeleteOptions())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"versions": "second"}, "the sandbox serves one version of a kind"),
        ({"conversion": {"strategy": "Webhook"}}, "the sandbox calls no webhooks"),
        ({"subresources": {"scale": {}, "status": {}}}, None),
        ({"subresources": {"scale": {"specReplicasPath": ".a"}}}, "does not serve this subresource"),
        ({"format": "creditcard"}, "the sandbox does not check this format"),
        ({"optionalOldSelf": True}, "the sandbox has no optional values in rules"),
        ({"rule": "quantity(self.entrypoint).isInteger()"}, "the sandbox does not know this function"),
    ],
)
def test_what_is_not_served_is_refused_by_name(server, change, message):
    made = definition("things.lab.example", "Thing", "v1")
    (version,) = made["spec"]["versions"]
    node = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    if "versions" in change:
        made["spec"]["versions"].append({**version, "name": "v2", "storage": False})
    elif "conversion" in change:
        made["spec"] |= change
    elif "subresources" in change:
        version |= change
    elif "format" in change:
        node["properties"]["entrypoint"] |= change
    else:
        node["x-kubernetes-validations"] = [{"rule": "true", **change}]
    if message is None:
        server().registry.create(DEFINITIONS, "", made)
        return
    with pytest.raises(ApiError, match=message):
        server().registry.create(DEFINITIONS, "", made)


def test_defaults_reach_into_lists_and_maps():
    inner = {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}}
    node = Structural(
        {
            "type": "object",
            "properties": {
                "list": {"type": "array", "items": inner},
                "map": {"type": "object", "additionalProperties": inner},
                "whole": {"type": "object", "default": {}, "properties": inner["properties"]},
            },
        }
    )
    value = {"list": [{}, {"n": None}, {"n": 1}], "map": {"a": {}, "b": None}}
    structural.complete(node, value)
    assert value == {"list": [{"n": 3}, {"n": 3}, {"n": 1}], "map": {"a": {"n": 3}}, "whole": {"n": 3}}


def test_an_update_is_not_asked_about_what_it_leaves():
    node = Structural(
        {
            "type": "object",
            "properties": {
                "a": {"type": "string", "maxLength": 1},
                "b": {"type": "string", "x-kubernetes-validations": [{"rule": "self == 'x'"}]},
            },
        }
    )
    old = {"a": "long", "b": "y"}
    assert list(validation.problems(node, {**old, "c": 1}, "", old)) == []
    assert list(violations(node, {**old, "c": 1}, "", old)) == []
    assert len(list(violations(node, {"b": "z"}, "", old))) == 1


def test_names_that_are_no_identifiers_are_escaped_in_rules():
    node = Structural(
        {"type": "object", "properties": {"a-b": {"type": "integer"}, "namespace": {"type": "integer"}}}
    )
    found = program("self.a__dash__b == self.__namespace__")
    declared.check(found.tree, node)
    assert found({"self": {"a-b": 1, "namespace": 1}, "oldSelf": None}) is True
    assert program("!has(self.a__dash__b)")({"self": {}, "oldSelf": None}) is True
