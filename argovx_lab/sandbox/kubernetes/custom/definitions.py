"""CustomResourceDefinitions as objects: defaults, checks, conditions, and the kind that one defines.

The sandbox serves one version of a kind; conversion, several versions and ``scale`` are refused by name.
Source: https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/custom-resource-definition-v1/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from argovx_lab.sandbox.kubernetes import metadata, status
from argovx_lab.sandbox.kubernetes.custom import structure
from argovx_lab.sandbox.kubernetes.custom.structural import PRESERVE, Structural
from argovx_lab.sandbox.kubernetes.interface import Object, Resource
from argovx_lab.sandbox.kubernetes.kinds import DEFINITIONS, Kind
from argovx_lab.sandbox.kubernetes.status import Cause

#: What keeps a definition until its objects are gone.
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
_APPROVAL = "api-approved.kubernetes.io"
_PROTECTED = (".k8s.io", ".kubernetes.io")
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic"
    " character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for"
    " validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_COLUMNS = ("boolean", "date", "integer", "number", "string")
#: Members of a schema that the real server writes out even when they are empty or zero.
_KEPT = frozenset(
    (PRESERVE, "additionalProperties", "default", "example", "items", "maxItems", "maxLength",
     "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not")
)  # fmt: skip
_SCHEMA_MEMBERS = _KEPT | {
    "$ref", "$schema", "additionalItems", "allOf", "anyOf", "definitions", "dependencies", "description",
    "enum", "exclusiveMaximum", "exclusiveMinimum", "externalDocs", "format", "id", "nullable", "oneOf",
    "pattern", "patternProperties", "properties", "required", "title", "type", "uniqueItems",
    *(f"x-kubernetes-{name}" for name in (
        "embedded-resource", "int-or-string", "list-map-keys", "list-type", "map-type", "validations")),
}  # fmt: skip


def default(obj: Object) -> None:
    """Fill in names, conversion and status, and bring schemas into the form that is kept, in place."""
    spec = obj.setdefault("spec", {})
    names = spec.setdefault("names", {})
    kind = names.get("kind") or ""
    if kind:
        names.setdefault("singular", kind.lower())
        names.setdefault("listKind", f"{kind}List")
    spec.setdefault("conversion", {"strategy": "None"})
    if spec.get("preserveUnknownFields") is False:
        del spec["preserveUnknownFields"]
    for version in spec.get("versions") or []:
        for flag in ("served", "storage"):
            version.setdefault(flag, False)
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if isinstance(schema, dict):
            version["schema"] = {"openAPIV3Schema": _kept(schema)}
    if not isinstance(obj.get("status"), dict) or not obj["status"]:
        storage = [one.get("name") for one in spec.get("versions") or [] if one.get("storage")]
        obj["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}}
        obj["status"]["storedVersions"] = storage or None


def _kept(raw: Any) -> Any:
    """Return a schema without what is empty or not known, as Go's types leave it."""
    if not isinstance(raw, dict):
        return raw
    found: Object = {}
    for name, value in raw.items():
        if name not in _SCHEMA_MEMBERS or value is None or (not value and name not in _KEPT):
            continue
        if name in ("properties", "patternProperties"):
            found[name] = {key: _kept(inner) for key, inner in value.items()}
        elif name in ("allOf", "anyOf", "oneOf"):
            found[name] = [_kept(inner) for inner in value]
        else:
            found[name] = _kept(value) if name in ("items", "additionalProperties", "not") else value
    return found


def problems(new: Object, old: Object | None) -> list[Cause]:
    """Return what is wrong with a definition."""
    spec = new["spec"]
    names = spec["names"]
    causes = []
    if old is None and new["metadata"].get("name") != f"{names.get('plural', '')}.{spec.get('group', '')}":
        why = 'must be spec.names.plural+"."+spec.group'
        causes.append(status.bad_value("metadata.name", new["metadata"].get("name"), why))
    causes += _group(new)
    if not spec.get("scope"):
        causes.append(status.missing("spec.scope"))
    elif spec["scope"] not in ("Cluster", "Namespaced"):
        causes.append(status.unsupported_value("spec.scope", spec["scope"], ("Cluster", "Namespaced")))
    if spec.get("preserveUnknownFields"):
        why = f"cannot set to true, set {PRESERVE} to true in spec.versions[*].schema instead"
        causes.append(status.bad_value("spec.preserveUnknownFields", value=True, why=why))
    causes += _stored(spec)
    causes += _names(names)
    causes += _versions(spec) if not _stored(spec) else []
    causes += _conversion(spec["conversion"])
    causes += _lost(spec, old)
    return causes + (_immutable(spec, old["spec"]) if old is not None else [])


def _immutable(spec: Object, before: Object) -> list[Cause]:
    pairs = [(f"spec.{name}", spec, before, name) for name in ("group", "scope")]
    pairs += [(f"spec.names.{name}", spec["names"], before["names"], name) for name in ("kind", "plural")]
    return [
        status.bad_value(path, new.get(name), "field is immutable")
        for path, new, old, name in pairs
        if new.get(name) != old.get(name)
    ]


def _group(new: Object) -> list[Cause]:
    group = new["spec"].get("group") or ""
    if not group:
        return [status.missing("spec.group")]
    if why := metadata.subdomain(group):
        return [status.bad_value("spec.group", group, why)]
    if "." not in group:
        return [status.bad_value("spec.group", group, "should be a domain with at least one dot")]
    annotations = new["metadata"].get("annotations") or {}
    if f".{group}".endswith(_PROTECTED) and not annotations.get(_APPROVAL):
        why = f'protected groups must have approval annotation "{_APPROVAL}", see'
        why += " https://github.com/kubernetes/enhancements/pull/1111"
        return [status.missing(f"metadata.annotations[{_APPROVAL}]", why)]
    return []


def _names(names: Object) -> list[Cause]:
    causes = []
    for field in ("plural", "singular", "kind", "listKind"):
        value, path = names.get(field) or "", f"spec.names.{field}"
        mixed = "may have mixed case, but should otherwise match: " if field.lower().endswith("kind") else ""
        if not value:
            causes.append(status.missing(path))
        elif not _LABEL.fullmatch(value.lower() if mixed else value) or len(value) > 63:
            causes.append(status.bad_value(path, value, mixed + _LABEL_TEXT))
    for field in ("shortNames", "categories"):
        for index, value in enumerate(names.get(field) or []):
            if not _LABEL.fullmatch(value):
                causes.append(status.bad_value(f"spec.names.{field}[{index}]", value, _LABEL_TEXT))
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        why = "kind and listKind may not be the same"
        causes.append(status.bad_value("spec.names.listKind", names["listKind"], why))
    return causes


def _stored(spec: Object) -> list[Cause]:
    """Refuse versions of which not exactly one is the stored one."""
    versions = spec.get("versions")
    if sum(bool(one.get("storage")) for one in versions or ()) == 1:
        return []
    shown = (
        json.dumps([{"Name": one.get("name")} for one in versions], separators=(",", ":"))
        if (versions is not None)
        else "null"
    )
    why = f"Invalid value: {shown}: must have exactly one version marked as storage version"
    return [Cause("FieldValueInvalid", why, "spec.versions")]


def _lost(spec: Object, old: Object | None) -> list[Cause]:
    """Refuse versions without a stored one, and an update that takes away what objects are stored as."""
    if old is None:
        stored = "Invalid value: null: must have at least one stored version"
        return [Cause("FieldValueInvalid", stored, "status.storedVersions")] if _stored(spec) else []
    names = [one.get("name") for one in spec.get("versions") or ()]
    causes = []
    for index, name in enumerate((old.get("status") or {}).get("storedVersions") or ()):
        if name not in names:
            why = f"missing from spec.versions; {name} was previously a storage version, and must remain in"
            why += f" spec.versions until a storage migration ensures no data remains persisted in {name} and"
            why += f" removes {name} from status.storedVersions"
            causes.append(status.bad_value(f"status.storedVersions[{index}]", name, why))
    return causes


def _versions(spec: Object) -> list[Cause]:
    versions = spec["versions"]
    if len(versions) > 1:
        why = "the sandbox serves one version of a kind; keep the storage version only"
        return [status.not_allowed("spec.versions", why)]
    only = versions[0]
    if not only["served"]:
        return [status.not_allowed("spec.versions[0].served", "the sandbox serves every kind it knows")]
    causes = []
    if not _LABEL.fullmatch(only.get("name") or ""):
        paths = ("spec.versions[0].name", "spec.version")
        causes += [status.bad_value(path, only.get("name") or "", _LABEL_TEXT) for path in paths]
    schema = (only.get("schema") or {}).get("openAPIV3Schema")
    if not isinstance(schema, dict):
        return [*causes, status.missing("spec.versions[0].schema.openAPIV3Schema")]
    causes += structure.problems(schema, "spec.validation.openAPIV3Schema", root=True)
    causes += _extras(only, schema)
    return causes


def _extras(version: Object, schema: Object) -> Iterator[Cause]:
    if (version.get("subresources") or {}).get("scale"):
        why = "the sandbox does not serve this subresource; leave it out"
        yield status.not_allowed("spec.subresources.scale", why)
    for index, column in enumerate(version.get("additionalPrinterColumns") or []):
        path = f"spec.additionalPrinterColumns[{index}]"
        if column.get("type") not in _COLUMNS:
            why = f"must be one of {','.join(_COLUMNS)}"
            yield status.bad_value(f"{path}.type", column.get("type") or "", why)
        if not str(column.get("jsonPath") or "").startswith("."):
            why = "must be a simple json path starting with ."
            yield status.bad_value(f"{path}.JSONPath", column.get("jsonPath") or "", why)
    for index, field in enumerate(version.get("selectableFields") or []):
        node: Structural | None = Structural(schema, root=True)
        for name in str(field.get("jsonPath") or "").removeprefix(".").split("."):
            node = node.child(name) if node is not None else None
        if node is None or node.type not in ("string", "boolean", "integer"):
            why = "is an invalid path: does not refer to a valid field"
            place = f"spec.selectableFields[{index}].jsonPath"
            yield status.bad_value(place, field.get("jsonPath") or "", why)
        elif node.type != "string":
            why = "the sandbox selects by texts only"
            yield status.not_allowed(f"spec.selectableFields[{index}].jsonPath", why)


def _conversion(conversion: Object) -> list[Cause]:
    found = conversion.get("strategy") or ""
    if found == "Webhook":
        why = "the sandbox calls no webhooks; write None and one version"
        return [status.not_allowed("spec.conversion.strategy", why)]
    if found != "None":
        allowed = ("None", "Webhook")
        return [status.unsupported_value("spec.conversion.strategy", found, allowed)]
    return []


def kind_of(obj: Object) -> Kind:
    """Return the kind that a definition defines."""
    spec = obj["spec"]
    version, names = spec["versions"][0], spec["names"]
    namespaced = spec["scope"] == "Namespaced"
    resource = Resource(spec["group"], version["name"], names["plural"], names["kind"], namespaced=namespaced)
    status_apart = (version.get("subresources") or {}).get("status") is not None
    return Kind(
        resource,
        tuple(names.get("shortNames") or ()),
        status=status_apart,
        fields=tuple(item["jsonPath"].removeprefix(".") for item in version.get("selectableFields") or ()),
        generation="spec" if status_apart else "all",
        singular=names["singular"],
        list_kind=names["listKind"],
        categories=tuple(names.get("categories") or ()),
        schema=Structural(version["schema"]["openAPIV3Schema"], root=True),
    )


def condition(kind: str, value: bool, reason: str, message: str, at: str) -> Object:
    """Return one condition of a definition."""
    found = {"type": kind, "status": str(value), "lastTransitionTime": at}
    return {**found, "reason": reason, "message": message}


def with_conditions(obj: Object, *added: Object) -> Object:
    """Return a definition with conditions in place of those of the same types."""
    conditions = list((obj.get("status") or {}).get("conditions") or [])
    for item in added:
        same = next((n for n, one in enumerate(conditions) if one["type"] == item["type"]), None)
        if same is None:
            conditions.append(item)
        elif conditions[same]["status"] != item["status"]:
            conditions[same] = item
        else:
            before = conditions[same]["lastTransitionTime"]
            conditions[same] = {**item, "lastTransitionTime": before}
    return {**obj, "status": {**(obj.get("status") or {}), "conditions": conditions}}


__all__ = ["DEFINITIONS", "FINALIZER", "condition", "default", "kind_of", "problems", "with_conditions"]
