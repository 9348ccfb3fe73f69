"""Values that flow: arguments into inputs, outputs into scopes, workflow-wide names.

Pure functions over plain data; results are flat scopes for :mod:`argovx_lab.sandbox.argo.tags`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from argovx_lab.sandbox.argo import artifacts, gojson, labels
from argovx_lab.sandbox.argo.errors import GlobalsError, NodeError
from argovx_lab.sandbox.argo.gotime import parse_time
from argovx_lab.sandbox.argo.tags import substitute

Scope = dict[str, Any]
#: Fields of a parameter, in the order in which Go writes them.
_SHOWN = ("name", "default", "value", "valueFrom", "globalName", "enum", "description")
#: ``(config map name, key)`` → value.
ConfigValues = Mapping[tuple[str, str], str]


def text_of(value: Any) -> str:
    """Return a parameter's value as text: YAML numbers and booleans as JSON writes them."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def parameters_of(holder: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return ``holder.parameters`` as a list."""
    return list((holder or {}).get("parameters") or [])


def with_inputs(
    template: Mapping[str, Any], arguments: Mapping[str, Any] | None, globals_: Scope, configs: ConfigValues
) -> dict[str, Any]:
    """Return the template with the values of its inputs set from arguments and defaults.

    Raises
    ------
    NodeError
        ``inputs.parameters.x was not supplied`` when a parameter or artifact has no value.
    """
    result = copy.deepcopy(dict(template))
    given = {p["name"]: p for p in parameters_of(arguments)}
    filled = [_input(p, given.get(p["name"]), globals_, configs) for p in parameters_of(result.get("inputs"))]
    if filled:
        result["inputs"] = {**result["inputs"], "parameters": filled}
    return artifacts.filled(result, arguments)


def _input(
    parameter: dict[str, Any], argument: Mapping[str, Any] | None, globals_: Scope, configs: ConfigValues
) -> dict[str, Any]:
    result, name = dict(parameter), parameter["name"]
    if "default" in result:
        result["default"] = text_of(result["default"])
    for source in (argument, result):
        if source is None:
            continue
        if source.get("value") is not None:
            result["value"] = text_of(source["value"])
            break
        reference = (source.get("valueFrom") or {}).get("configMapKeyRef")
        if reference:
            result["value"] = _config_value(name, substitute(reference, globals_), source, configs)
            break
    else:
        if "default" in result:
            result["value"] = result["default"]
    if result.get("value") is None:
        raise NodeError(f"inputs.parameters.{name} was not supplied")
    return result


def _config_value(
    name: str, reference: Mapping[str, Any], source: Mapping[str, Any], configs: ConfigValues
) -> str:
    found = configs.get((reference["name"], reference["key"]))
    if found is not None:
        return found
    default = (source.get("valueFrom") or {}).get("default")
    if default is not None:
        return text_of(default)
    raise NodeError(f"unable to retrieve inputs.parameters.{name} from ConfigMap: {_why(reference, configs)}")


def _why(reference: Mapping[str, Any], configs: ConfigValues) -> str:
    if configs.get((reference["name"], "")) is not None:
        return f"ConfigMap '{reference['name']}' does not have the key '{reference['key']}'"
    label = "workflows.argoproj.io/configmap-type: Parameter"
    return (
        f"ConfigMap '{reference['name']}' does not exist. Please make sure it has the label {label}"
        " to be detectable by the controller"
    )


def input_scope(template: Mapping[str, Any]) -> Scope:
    """Return ``inputs.parameters.*`` of a template whose inputs have values, and paths of outputs."""
    values = {p["name"]: p["value"] for p in parameters_of(template.get("inputs"))}
    scope: Scope = {f"inputs.parameters.{name}": value for name, value in values.items()}
    scope["inputs.parameters"] = gojson.dumps(
        [{"name": name, "value": value} for name, value in values.items()]
    )
    for artifact in artifacts.artifacts_of(template.get("inputs")):
        if artifact.get("path"):
            scope[f"inputs.artifacts.{artifact['name']}.path"] = artifact["path"]
    for parameter in parameters_of(template.get("outputs")):
        path = (parameter.get("valueFrom") or {}).get("path")
        if path:
            scope[f"outputs.parameters.{parameter['name']}.path"] = path
    return scope


def node_scope(prefix: str, node: Mapping[str, Any]) -> Scope:
    """Return what ``tasks.x`` or ``steps.x`` offers once the node is there."""
    scope: Scope = {f"{prefix}.id": node["id"], f"{prefix}.status": node["phase"]}
    for key in ("startedAt", "finishedAt", "hostNodeName"):
        if node.get(key):
            scope[f"{prefix}.{key}"] = node[key]
    outputs = node.get("outputs") or {}
    if outputs.get("result") is not None:
        scope[f"{prefix}.outputs.result"] = outputs["result"]
    if outputs.get("exitCode") is not None:
        scope[f"{prefix}.exitCode"] = outputs["exitCode"]
    for parameter in parameters_of(outputs):
        if parameter.get("value") is not None:
            scope[f"{prefix}.outputs.parameters.{parameter['name']}"] = parameter["value"]
    return scope


def aggregate_scope(prefix: str, nodes: Iterable[Mapping[str, Any]]) -> Scope:
    """Return what a fan-out offers: lists in the order of its items, of the members that succeeded.

    Raises
    ------
    NodeError
        When a result is no JSON; the message is Go's.
    """
    done = [n for n in nodes if n["phase"] == "Succeeded"]
    scope: Scope = {}
    results = [(n.get("outputs") or {}).get("result") for n in done]
    if any(r is not None for r in results):
        scope[f"{prefix}.outputs.result"] = gojson.dumps([_parsed(r) for r in results if r is not None])
    maps = [
        {p["name"]: p["value"] for p in parameters_of(n.get("outputs")) if p.get("value") is not None}
        for n in done
    ]
    if any(maps):
        scope[f"{prefix}.outputs.parameters"] = gojson.dumps(maps)
        for name in sorted({k for m in maps for k in m}):
            scope[f"{prefix}.outputs.parameters.{name}"] = gojson.dumps([m[name] for m in maps if name in m])
    return scope


def _parsed(text: str) -> Any:
    try:
        return gojson.loads(text)
    except gojson.GoJsonError as error:
        raise NodeError(str(error)) from None


def global_scope(
    workflow: Mapping[str, Any], spec: Mapping[str, Any], now: datetime, configs: ConfigValues
) -> Scope:
    """Return ``workflow.*``: names, parameters, labels, annotations, times, outputs, status."""
    meta, status = workflow["metadata"], workflow.get("status") or {}
    scope: Scope = {
        "workflow.name": meta["name"],
        "workflow.namespace": meta.get("namespace", ""),
        "workflow.uid": meta.get("uid", ""),
        "workflow.mainEntrypoint": spec.get("entrypoint", ""),
        "workflow.serviceAccountName": spec.get("serviceAccountName", ""),
        "workflow.status": status.get("phase") or "Running",
    }
    if spec.get("priority") is not None:
        scope["workflow.priority"] = str(spec["priority"])
    scheduled = (meta.get("annotations") or {}).get(labels.SCHEDULED_TIME)
    if scheduled:
        scope["workflow.scheduledTime"] = scheduled
    for kind in ("labels", "annotations"):
        entries = meta.get(kind) or {}
        scope.update({f"workflow.{kind}.{k}": v for k, v in entries.items()})
        scope[f"workflow.{kind}"] = scope[f"workflow.{kind}.json"] = gojson.dumps(entries)
    parameters = [_global(p, scope, configs) for p in parameters_of(spec.get("arguments"))]
    scope.update({f"workflow.parameters.{p['name']}": p["value"] for p in parameters})
    listed = ",".join(map(_as_json, parameters))
    scope["workflow.parameters"] = scope["workflow.parameters.json"] = f"[{listed}]"
    for parameter in parameters_of(status.get("outputs")):
        if parameter.get("value") is not None:
            scope[f"workflow.outputs.parameters.{parameter['name']}"] = parameter["value"]
    scope.update(_times(meta, status, now))
    return scope


def _as_json(parameter: Mapping[str, Any]) -> str:
    """Return a parameter as Go writes it: its fields in their own order."""
    fields = [f"{gojson.dumps(k)}:{gojson.dumps(parameter[k])}" for k in _SHOWN if k in parameter]
    return "{" + ",".join(fields) + "}"


def _global(parameter: dict[str, Any], scope: Scope, configs: ConfigValues) -> dict[str, Any]:
    try:
        return _input(parameter, None, scope, configs)
    except NodeError as error:
        name, reference = parameter["name"], (parameter.get("valueFrom") or {}).get("configMapKeyRef")
        if not reference:
            raise
        why = error.message.partition(" from ConfigMap: ")[2]
        raise GlobalsError(
            f"failed to set global parameters: failed to set global parameter {name} from configmap"
            f" with name {reference['name']} and key {reference['key']}: {why}"
        ) from None


def _times(meta: Mapping[str, Any], status: Mapping[str, Any], now: datetime) -> Scope:
    scope: Scope = {}
    created = parse_time(meta.get("creationTimestamp"))
    if created:
        scope["workflow.creationTimestamp"] = created.strftime("%Y-%m-%dT%H:%M:%SZ")
        scope["workflow.creationTimestamp.RFC3339"] = scope["workflow.creationTimestamp"]
        scope["workflow.creationTimestamp.s"] = str(int(created.timestamp()))
        for code in "aAbBcdDfFHIjmMpSTUWwxXyYzZ":
            scope[f"workflow.creationTimestamp.{code}"] = created.strftime("%" + code)
    started = parse_time(status.get("startedAt"))
    scope["workflow.duration"] = f"{(now - started).total_seconds() if started else 0:f}"
    return scope
