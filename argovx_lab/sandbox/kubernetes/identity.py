"""Whether a body is an object of the kind, namespace and name that a request says.

Owns these checks alone; what an object holds is judged in ``rules.py``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from argovx_lab.sandbox.kubernetes import rules, status
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import KINDS, Kind


def check_identity(kind: Kind, obj: Any, namespace: str, name: str = "", old: Object | None = None) -> None:
    """Refuse an object that is not of this kind, namespace and name; fill in what may be left out."""
    if not isinstance(obj, dict):
        raise status.bad_request(f"the body must be a JSON object, it is {status.shown(obj)}")
    resource = kind.resource
    if kind.custom and not (obj.get("apiVersion") and obj.get("kind")):
        missing = "apiVersion" if not obj.get("apiVersion") else "Kind"
        raise status.bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): Object '{missing}' is"
            f" missing in {status.shown(json.dumps(obj))}"
        )
    _check_type(kind, obj)
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    rules.check_types(kind, obj, old)
    _check_names(kind, obj["metadata"], namespace, name)


def _check_type(kind: Kind, obj: Object) -> None:
    resource = kind.resource
    version, word = obj.setdefault("apiVersion", resource.api_version), obj.setdefault("kind", resource.kind)
    if (version, word) == (resource.api_version, resource.kind):
        return
    known = any(other.resource.api_version == version and other.resource.kind == word for other in KINDS)
    if not kind.custom and not known:
        why = f'no kind "{word}" is registered for version "{version}"'
        raise status.undecodable(resource, str(word), str(version).rpartition("/")[2], why)
    if version != resource.api_version:
        raise status.bad_request(
            f"the API version in the data ({version}) does not match the expected API version"
            f" ({resource.api_version})"
        )
    if kind.custom and isinstance(word, str):
        meta = obj.get("metadata")
        name = meta.get("name", "") if isinstance(meta, dict) else ""
        cause = status.bad_value("kind", word, f"must be {resource.kind}")
        raise status.invalid(replace(resource, kind=word), str(name), [cause])
    raise status.bad_request(
        f"the kind in the data ({word}) does not match the expected kind ({resource.kind})"
    )


def _check_names(kind: Kind, meta: Object, namespace: str, name: str) -> None:
    if kind.resource.namespaced and meta.get("namespace") not in (None, "", namespace):
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if name:
        if not meta.get("name"):
            meta["name"] = name
        if meta["name"] != name:
            raise status.bad_request(
                f"the name of the object ({meta['name']}) does not match the name on the URL ({name})"
            )
