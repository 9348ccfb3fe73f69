"""Raw artifacts: from arguments into inputs, and what the pod of a template gets of them.

Owns the one kind of artifact that needs no repository: text that stands in the workflow, or in the arguments
of a step or task, also handed on with ``from: "{{inputs.artifacts.x}}"``. Everything else is refused by name.
Source: Argo Workflows 4.1, ``ProcessArgs`` and the input volumes of pods.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from argovx_lab.sandbox.argo.errors import InvalidSpec, NodeError, Unsupported

Object = dict[str, Any]

#: The volume that ``init`` writes and ``main`` reads.
VOLUME, FOLDER = "input-artifacts", "/argo/inputs/artifacts"
_HANDED_ON = re.compile(r"\{\{\s*inputs\.artifacts\.([-\w]+)\s*\}\}")
_NAME = re.compile(r"[-\w]+", re.ASCII)
_INPUT = frozenset(("name", "path", "raw", "mode", "recurseMode", "optional", "archive"))
_ARGUMENT = frozenset(("name", "raw", "from", "optional", "archive"))
_LOCATIONS = ("s3", "git", "http", "artifactory", "hdfs", "oss", "gcs", "azure", "plugin")
_HINTS = {
    **dict.fromkeys(_LOCATIONS, "only raw artifacts are emulated: write raw with data, or read a bucket"),
    "fromExpression": "artifacts of other steps need a repository: use output parameters or a bucket",
    "from": 'only "{{inputs.artifacts.NAME}}" is emulated: use output parameters or a bucket',
    "subPath": "a raw artifact is one file: leave it out",
}


def artifacts_of(holder: Mapping[str, Any] | None) -> list[Object]:
    """Return ``holder.artifacts`` as a list."""
    return list((holder or {}).get("artifacts") or [])


def check(holder: Mapping[str, Any] | None, where: str) -> None:
    """Refuse artifacts that are not raw ones of inputs or arguments.

    Raises
    ------
    Unsupported
        Naming the field and what to do instead.
    InvalidSpec
        For a name that is none.
    """
    listed = artifacts_of(holder)
    if listed and where.endswith(".outputs"):
        hint = "artifacts that a step makes are not emulated: use output parameters or a bucket"
        raise Unsupported(f"{where}.artifacts is not supported by the sandbox's engine: {hint}")
    allowed = _INPUT if where.endswith(".inputs") else _ARGUMENT
    for artifact in listed:
        name = str(artifact.get("name") or "")
        inside = f"{where}.artifacts '{name}'"
        if not _NAME.fullmatch(name):
            raise InvalidSpec(f"{inside} name must consist of alpha-numeric characters, '_', '-'")
        for field, value in artifact.items():
            if field in allowed or value is None or value in ([], {}, "", False):
                continue
            hint = _HINTS.get(field, "leave it out, or run it on a cluster")
            raise Unsupported(f"{inside}.{field} is not supported by the sandbox's engine: {hint}")
        _check_content(artifact, inside)


def _check_content(artifact: Mapping[str, Any], inside: str) -> None:
    raw = artifact.get("raw")
    if raw is not None and not (isinstance(raw, dict) and isinstance(raw.get("data"), str)):
        raise InvalidSpec(f"{inside}.raw.data must be a text")
    if set(artifact.get("archive") or {}) - {"none"}:
        hint = "a raw artifact is taken as it is: write archive: {none: {}}"
        raise Unsupported(f"{inside}.archive is not supported by the sandbox's engine: {hint}")
    if artifact.get("from") and not _HANDED_ON.fullmatch(str(artifact["from"])):
        raise Unsupported(f"{inside}.from is not supported by the sandbox's engine: {_HINTS['from']}")


def check_template(template: Mapping[str, Any], name: str, *, leaf: bool) -> None:
    """Refuse inputs without a path where a pod reads them, and references that name none of them.

    Raises
    ------
    InvalidSpec
        In Argo's words.
    """
    known = set()
    for artifact in artifacts_of(template.get("inputs")):
        where = f"templates.{name}.inputs.artifacts.{artifact['name']}"
        known.add(artifact["name"])
        if leaf and not artifact.get("path"):
            raise InvalidSpec(f"{where}.path not specified")
        if not leaf and artifact.get("path"):
            raise InvalidSpec(f"{where}.path only valid in container/script templates")
    for caller in _callers(template):
        for artifact in artifacts_of(caller.get("arguments")):
            found = _HANDED_ON.fullmatch(str(artifact.get("from") or ""))
            if found and found[1] not in known:
                raise InvalidSpec(f"templates.{name}.{caller.get('name', '')} failed to resolve {found[0]}")
            if not found and artifact.get("raw") is None:
                why = "from, artifact location, or key is required"
                raise InvalidSpec(
                    f"templates.{name}.{caller.get('name', '')}.arguments.{artifact['name']}.{why}"
                )


def check_supplied(template: Mapping[str, Any], name: str, arguments: Mapping[str, Any] | None) -> None:
    """Refuse a call that leaves out an artifact which must be there."""
    given = {artifact["name"] for artifact in artifacts_of(arguments)}
    for artifact in artifacts_of(template.get("inputs")):
        own = artifact.get("raw") is not None or artifact.get("optional")
        if not own and artifact["name"] not in given:
            raise InvalidSpec(f"templates.{name} inputs.artifacts.{artifact['name']} was not supplied")


def filled(template: Object, arguments: Mapping[str, Any] | None) -> Object:
    """Return a template whose input artifacts have their content, and whose calls hand it on.

    A content of the template's own is preferred to that of the arguments, as Argo does.

    Raises
    ------
    NodeError
        When an artifact that is not optional has no content.
    """
    listed = artifacts_of(template.get("inputs"))
    if not listed:
        return template
    given = {artifact["name"]: artifact for artifact in artifacts_of(arguments)}
    found = [_input(artifact, given.get(artifact["name"])) for artifact in listed]
    template = {**template, "inputs": {**template["inputs"], "artifacts": found}}
    contents = {artifact["name"]: artifact for artifact in found}
    for caller in _callers(template):
        for artifact in artifacts_of(caller.get("arguments")):
            match = _HANDED_ON.fullmatch(str(artifact.pop("from", "") or ""))
            if match and contents[match[1]].get("raw") is not None:
                artifact["raw"] = contents[match[1]]["raw"]
    return template


def _input(artifact: Object, argument: Mapping[str, Any] | None) -> Object:
    if artifact.get("raw") is not None:
        return artifact
    name = artifact["name"]
    if not artifact.get("optional"):
        if argument is None:
            raise NodeError(f"inputs.artifacts.{name} was not supplied")
        if argument.get("raw") is None:
            raise NodeError(f"inputs.artifacts.{name} missing location information")
    if argument is None:
        return artifact
    own = {key: artifact[key] for key in ("path", "mode", "recurseMode") if artifact.get(key)}
    return {**argument, **own}


def _callers(template: Mapping[str, Any]) -> Iterator[Object]:
    """Yield the tasks, steps and hooks of a template."""
    tasks = (template.get("dag") or {}).get("tasks") or []
    steps = [step for group in template.get("steps") or [] for step in group]
    for caller in (*tasks, *steps):
        yield caller
        yield from (caller.get("hooks") or {}).values()


def held(template: Mapping[str, Any]) -> list[Object]:
    """Return the input artifacts that have a content."""
    return [one for one in artifacts_of(template.get("inputs")) if one.get("raw") is not None]


def mounts(template: Mapping[str, Any]) -> list[Object]:
    """Return what ``main`` mounts, a file for each artifact.

    Raises
    ------
    NodeError
        When a path is relative, or lies in a volume of the template's own.
    """
    body = template.get("script") or template.get("container") or {}
    volumes = [mount["mountPath"].rstrip("/") for mount in body.get("volumeMounts") or []]
    found = []
    for artifact in held(template):
        name, path = artifact["name"], artifact["path"]
        if not path.startswith("/") or path.rstrip("/") == "":
            raise NodeError(f"inputs.artifacts.{name} path '{path}' must be an absolute path of a file")
        if any(path == place or path.startswith(f"{place}/") for place in volumes):
            raise NodeError(
                f"inputs.artifacts.{name} path '{path}' lies in a volume of the container, which is not"
                " supported by the sandbox: choose a path outside"
            )
        found.append({"mountPath": path, "name": VOLUME, "subPath": name})
    return found
