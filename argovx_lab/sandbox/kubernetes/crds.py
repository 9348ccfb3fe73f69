"""Our schemas of Argo's kinds, written as CustomResourceDefinitions.

Owns the translation into OpenAPI; unknown fields are preserved everywhere. What the sandbox checks and
what a real API server checks with these is the same, but for the rules that Argo writes in CEL.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

from typing import Any

from argovx_lab.sandbox.kubernetes.argo_schema import SCHEMAS
from argovx_lab.sandbox.kubernetes.interface import WORKFLOWS, Object
from argovx_lab.sandbox.kubernetes.kinds import KINDS, Kind
from argovx_lab.sandbox.kubernetes.schema import Lazy, List, Map, OrBoolean, Schema, Struct, Value

API_VERSION = "apiextensions.k8s.io/v1"
#: What ``kubectl get workflows`` shows, as with Argo's own definition.
_WORKFLOW_COLUMNS = (
    {"name": "Status", "type": "string", "jsonPath": ".status.phase"},
    {"name": "Age", "type": "date", "format": "date-time", "jsonPath": ".status.startedAt"},
    {"name": "Message", "type": "string", "jsonPath": ".status.message"},
)
_OPEN = "x-kubernetes-preserve-unknown-fields"


def openapi(schema: Schema, within: tuple[int, ...] = ()) -> Object:
    """Return a schema as OpenAPI; a recursive one is left open where it begins again."""
    if isinstance(schema, Lazy):
        if id(schema) in within:
            return {"type": "object", _OPEN: True}
        return openapi(schema.inner[0], (*within, id(schema)))
    if isinstance(schema, OrBoolean):
        return {_OPEN: True}
    if isinstance(schema, Value):
        return _plain(schema)
    if isinstance(schema, List):
        found: Object = {"type": "array", "items": openapi(schema.items, within)}
        if schema.max is not None:
            found["maxItems"] = schema.max
        return {**found, "minItems": schema.min} if schema.min else found
    if isinstance(schema, Map):
        return {"type": "object", "additionalProperties": openapi(schema.values, within)}
    inner = {name: openapi(value, within) for name, value in schema.fields.items()}
    found = {"type": "object", "properties": inner, _OPEN: True}
    return {**found, "required": list(schema.required)} if schema.required else found


def _plain(schema: Value) -> Object:
    if schema.type == "int-or-string":
        return {"x-kubernetes-int-or-string": True}
    if schema.type == "any":
        return {_OPEN: True}
    found: dict[str, Any] = {"type": schema.type}
    if schema.type == "object":
        found[_OPEN] = True
    if schema.enum:
        found["enum"] = list(schema.enum)
    if schema.pattern:
        found["pattern"] = f"^{schema.pattern}$"
    if schema.minimum is not None:
        found["minimum"] = schema.minimum
    return found


def _root(schema: Struct) -> Object:
    """Leave metadata open: the API server checks it itself and wants no schema of it."""
    found = openapi(schema)
    found["properties"]["metadata"] = {"type": "object"}
    return found


def definition(kind: Kind) -> Object:
    """Return the definition of one of Argo's kinds."""
    resource = kind.resource
    names: Object = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
    }
    if kind.names:
        names["shortNames"] = list(kind.names)
    version: Object = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root(SCHEMAS[kind.id])},
    }
    if kind.status:
        version["subresources"] = {"status": {}}
    if kind.resource == WORKFLOWS:
        version["additionalPrinterColumns"] = [dict(column) for column in _WORKFLOW_COLUMNS]
    return {
        "apiVersion": API_VERSION,
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.id},
        "spec": {
            "group": resource.group,
            "names": names,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [version],
        },
    }


def definitions() -> list[Object]:
    """Return the definitions of all of Argo's kinds that are served."""
    return [definition(kind) for kind in KINDS if kind.custom]
