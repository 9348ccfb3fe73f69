"""What the API server makes of ``metadata``: names, stamps, sizes and owners.

Owns the checks and the fields that clients cannot set; refuses values as the real server does.
``managedFields`` are not kept: server-side apply is not served.
Source: k8s.io/apimachinery ``pkg/api/validation``; https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from argovx_lab.sandbox.clock import rfc3339
from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import RBAC_GROUP, Kind
from argovx_lab.sandbox.kubernetes.status import Cause

#: All keys and values of an object's annotations together. Unit: bytes.
ANNOTATIONS_MAX = 256 * 1024
#: A generated name keeps this much of its prefix. Unit: characters.
GENERATE_MAX = 58
#: Without vowels and look-alikes, so that no words appear.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

#: What may stand without a prefix among a core object's finalizers.
_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")

_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_QUALIFIED_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)

NameCheck = Callable[[str], str]


def subdomain(name: str) -> str:
    """Return why ``name`` is no DNS subdomain, or the empty string."""
    if len(name) > 253:
        return "must be no more than 253 characters"
    return "" if _SUBDOMAIN.fullmatch(name) else _SUBDOMAIN_TEXT


def label(name: str) -> str:
    """Return why ``name`` is no DNS label, or the empty string."""
    if len(name) > 63:
        return "must be no more than 63 characters"
    return "" if _LABEL.fullmatch(name) else _LABEL_TEXT


def path_segment(name: str) -> str:
    """Return why ``name`` is no path segment, or the empty string."""
    if name in (".", ".."):
        return f"may not be '{name}'"
    if not name.isprintable():
        return "must consist of printable characters"
    return next((f"may not contain '{sign}'" for sign in "/%" if sign in name), "")


def name_check(kind: Kind) -> NameCheck:
    """Return the rule for names of a kind."""
    if kind.resource.group == RBAC_GROUP or kind.id == "events":
        return path_segment
    return label if kind.id == "namespaces" else subdomain


def tail() -> str:
    """Return five characters that make a name unlike others."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(5))


def complete(kind: Kind, obj: Object, namespace: str, now: datetime) -> None:
    """Set what the server sets on a new object: name, uid, stamps."""
    metadata = obj["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"][:GENERATE_MAX] + tail()
    for field in ("selfLink", "managedFields", "deletionTimestamp", "deletionGracePeriodSeconds"):
        metadata.pop(field, None)
    metadata.pop("namespace", None)
    if kind.resource.namespaced:
        metadata["namespace"] = namespace
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = rfc3339(now)
    if kind.generation != "none":
        metadata["generation"] = 1
    _drop_empty(metadata)


def keep(kind: Kind, new: Object, old: Object) -> None:
    """Give an object that replaces another what clients cannot change, and count its generation."""
    metadata, before = new["metadata"], old["metadata"]
    for field in (
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "namespace",
        "resourceVersion",
        "generateName",
    ):
        metadata.pop(field, None)
        if field in before:
            metadata[field] = before[field]
    for field in ("selfLink", "managedFields"):
        metadata.pop(field, None)
    _drop_empty(metadata)
    if _counted(kind, new) != _counted(kind, old):
        metadata["generation"] = metadata.get("generation", 1) + 1


def _counted(kind: Kind, obj: Object) -> Any:
    if kind.generation == "spec":
        return obj.get("spec")
    if kind.generation == "all":
        return {key: value for key, value in obj.items() if key != "metadata"}
    return None


def _drop_empty(metadata: Object) -> None:
    for field in ("labels", "annotations", "finalizers", "ownerReferences", "generateName"):
        if not metadata.get(field):
            metadata.pop(field, None)


def _items(value: object) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def problems(kind: Kind, metadata: Object) -> list[Cause]:
    """Return what is wrong with complete metadata."""
    causes = []
    check = name_check(kind)
    name = metadata.get("name", "")
    if not name:
        causes.append(status.missing("metadata.name", "name or generateName is required"))
    elif why := check(name):
        causes.append(status.bad_value("metadata.name", name, why))
    for key, value in _items(metadata.get("labels")):
        causes += qualified_name("metadata.labels", key)
        causes += _label_value(value)
    causes += _annotations(metadata.get("annotations") or {})
    for index, finalizer in enumerate(metadata.get("finalizers") or []):
        causes += qualified_name("metadata.finalizers", finalizer)
        if "/" not in finalizer and finalizer not in _FINALIZERS and not kind.custom and kind.id != "events":
            why = "name is neither a standard finalizer name nor is it fully qualified"
            causes.append(status.bad_value(f"metadata.finalizers[{index}]", finalizer, why))
    for owner in metadata.get("ownerReferences") or []:
        causes += _owner("metadata.ownerReferences", owner)
    return causes


def _label_value(value: str) -> list[Cause]:
    field = "metadata.labels"
    if len(value) > 63:
        return [status.bad_value(field, value, "must be no more than 63 characters")]
    if not _VALUE.fullmatch(value):
        return [status.bad_value(field, value, _VALUE_TEXT)]
    return []


def qualified_name(field: str, key: str) -> list[Cause]:
    """Return why ``key`` is no ``[prefix/]name``."""
    prefix, slash, name = key.rpartition("/")
    causes = []
    if slash and not prefix:
        causes.append(status.bad_value(field, key, "prefix part must be non-empty"))
    elif slash and subdomain(prefix):
        causes.append(status.bad_value(field, key, f"prefix part {_SUBDOMAIN_TEXT}"))
    if not name:
        causes.append(status.bad_value(field, key, "name part must be non-empty"))
    elif len(name) > 63:
        causes.append(status.bad_value(field, key, "name part must be no more than 63 characters"))
    if not _QUALIFIED.fullmatch(name):
        causes.append(status.bad_value(field, key, _QUALIFIED_TEXT))
    return causes


def _annotations(annotations: dict[str, str]) -> list[Cause]:
    field, causes = "metadata.annotations", []
    for key in annotations:
        causes += qualified_name(field, key.lower())
    size = sum(
        len(key.encode(errors="replace")) + len(value.encode(errors="replace"))
        for key, value in annotations.items()
    )
    if size > ANNOTATIONS_MAX:
        text = f"Too long: may not be more than {ANNOTATIONS_MAX} bytes"
        causes.append(Cause("FieldValueTooLong", text, field))
    return causes


def _owner(field: str, owner: Object) -> list[Cause]:
    causes = []
    for part in ("apiVersion", "kind", "name", "uid"):
        value = owner.get(part)
        if not isinstance(value, str) or not value:
            why = "version must not be empty" if part == "apiVersion" else "must not be empty"
            causes.append(status.bad_value(f"{field}.{part}", "" if value is None else value, why))
    causes += [
        status.bad_value(f"{field}.{part}", owner[part], "must be of type boolean")
        for part in ("controller", "blockOwnerDeletion")
        if owner.get(part) is not None and not isinstance(owner[part], bool)
    ]
    return causes
