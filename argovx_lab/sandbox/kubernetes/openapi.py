"""OpenAPI v3, as far as clients ask it before they write: which paths take which verbs and query parameters.

Schemas are not described (``kubectl explain`` finds none). kubectl reads here whether a write may ask for
``fieldValidation``, and leaves the checking to the server then. Follows ``kinds.py`` and ``OPTIONS``.
Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.discovery import VERSION, group_versions
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import Kind, Kinds
from argovx_lab.sandbox.kubernetes.requests import OPTIONS

#: RBAC's verb → the operation of a path, of one object and of many.
_OF_ONE: Final = {"get": "get", "update": "put", "patch": "patch", "delete": "delete"}
_OF_MANY: Final = {"list": "get", "create": "post", "deletecollection": "delete"}
_ACTIONS: Final = {"update": "put", "create": "post"}


def find(kinds: Kinds, place: list[str]) -> Object | None:
    """Return the document at ``/openapi/…``; ``None`` for what is not served.

    Raises
    ------
    ApiError
        404 that names what is served, for version 2.
    """
    match place:
        case ["v3"]:
            return _index(kinds)
        case ["v3", "api", version]:
            return _document(kinds, "", version)
        case ["v3", "apis", group, version]:
            return _document(kinds, group, version)
        case ["v2", *_]:
            raise status.not_served("the sandbox does not serve OpenAPI v2 documents, but /openapi/v3")
    return None


def _index(kinds: Kinds) -> Object:
    places = ["api/v1", *(f"apis/{group}/{version}" for group, version in group_versions(kinds))]
    return {"paths": {place: {"serverRelativeURL": f"/openapi/v3/{place}"} for place in places}}


def _document(kinds: Kinds, group: str, version: str) -> Object | None:
    if (group, version) not in [("", "v1"), *group_versions(kinds)]:
        return None
    paths: Object = {}
    for kind in kinds:
        if (kind.resource.group, kind.resource.version) == (group, version):
            paths.update(_paths(kind))
    about = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
    return {"openapi": "3.0.0", "info": about, "paths": paths}


def _paths(kind: Kind) -> Iterator[tuple[str, Object]]:
    resource = kind.resource
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    within = "/namespaces/{namespace}" if resource.namespaced else ""
    many = f"{root}{within}/{resource.plural}"
    yield many, _operations(kind, _OF_MANY)
    yield f"{many}/{{name}}", _operations(kind, _OF_ONE)
    if kind.status:
        yield f"{many}/{{name}}/status", _operations(kind, _OF_ONE, leave=("delete",))


def _operations(kind: Kind, verbs: dict[str, str], leave: tuple[str, ...] = ()) -> Object:
    resource = kind.resource
    named = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    return {
        method: {
            "parameters": [
                {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
                for name in sorted(OPTIONS[verb])
            ],
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": _ACTIONS.get(verb, verb),
            "x-kubernetes-group-version-kind": named,
        }
        for verb, method in verbs.items()
        if verb in kind.verbs and verb not in leave
    }
