"""Errors of the API server in the words of the real one, and the Status object they travel as.

Owns every message and its details; refuses to know HTTP transport and storage.
Source: k8s.io/apimachinery ``pkg/api/errors``; https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.kubernetes.interface import ApiError, Object, Resource

#: Longest value that an error repeats. Unit: characters.
VALUE_MAX = 300


class Undecodable(ApiError):
    """A body that is no object of its kind."""


@dataclass(frozen=True)
class Cause:
    """One wrong field.

    Parameters
    ----------
    reason : str
        ``FieldValueInvalid``, ``FieldValueRequired``, ``FieldValueForbidden``, ``FieldValueTypeInvalid`` …
    message : str
        Without the field, such as ``Required value``.
    field : str
        Path such as ``spec.containers[0].name``.
    """

    reason: str
    message: str
    field: str


def shown(value: object) -> str:
    """Return a value as Go's ``%#v`` would show it, cut to :data:`VALUE_MAX` characters."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif value is None:
        text = "null"
    else:
        text = str(value)
    return text if len(text) <= VALUE_MAX else text[: VALUE_MAX - 3] + "..."


def bad_value(field: str, value: object, why: str) -> Cause:
    """Return the cause ``Invalid value``."""
    return Cause("FieldValueInvalid", f"Invalid value: {shown(value)}: {why}", field)


def missing(field: str, why: str = "") -> Cause:
    """Return the cause ``Required value``."""
    return Cause("FieldValueRequired", f"Required value: {why}" if why else "Required value", field)


def not_allowed(field: str, why: str) -> Cause:
    """Return the cause ``Forbidden``."""
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def unsupported_value(field: str, value: object, allowed: Sequence[str]) -> Cause:
    """Return the cause ``Unsupported value``."""
    names = ", ".join(f'"{name}"' for name in allowed)
    return Cause(
        "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {names}", field
    )


def too_many(field: str, count: int, limit: int) -> Cause:
    """Return the cause ``Too many``."""
    return Cause("FieldValueTooMany", f"Too many: {count}: must have at most {limit} items", field)


def qualified(resource: Resource) -> str:
    """Return ``pods`` or ``workflows.argoproj.io``."""
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def _kind(resource: Resource) -> str:
    return f"{resource.kind}.{resource.group}" if resource.group else resource.kind


def _details(resource: Resource, name: str = "", **more: Any) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.plural
    return {**details, **more}


def not_found(resource: Resource, name: str) -> ApiError:
    """Return 404 for a missing object."""
    return ApiError(404, "NotFound", f'{qualified(resource)} "{name}" not found', _details(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    """Return 409 for a name that is taken."""
    text = f'{qualified(resource)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", text, _details(resource, name))


def precondition(resource: Resource, name: str, part: str, wanted: str, found: str) -> ApiError:
    """Return 409 for a deletion whose precondition does not hold."""
    tail = "deleted and then recreated" if part == "UID" else "modified"
    text = (
        f'Operation cannot be fulfilled on {_kind(resource)} "{name}": the {part} in the precondition'
        f" ({wanted}) does not match the {part} in record ({found}). The object might have been {tail}"
    )
    return ApiError(409, "Conflict", text, {**_details(resource, name), "kind": resource.kind})


def conflict(resource: Resource, name: str, why: str = "") -> ApiError:
    """Return 409 for a stale write or a failed precondition."""
    why = why or (
        "the object has been modified; please apply your changes to the latest version and try again"
    )
    text = f'Operation cannot be fulfilled on {qualified(resource)} "{name}": {why}'
    return ApiError(409, "Conflict", text, _details(resource, name))


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    """Return 422 with one cause for each wrong field."""
    lines = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    body = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
    details = _details(
        resource,
        name,
        causes=[{"reason": c.reason, "message": c.message, "field": c.field} for c in causes],
    )
    details["kind"] = resource.kind
    return ApiError(422, "Invalid", f'{_kind(resource)} "{name}" is invalid: {body}', details)


def bad_options(kind: str, cause: Cause, *more: Cause) -> ApiError:
    """Return 422 for options such as ``CreateOptions`` that hold a wrong value."""
    return invalid(Resource("meta.k8s.io", "v1", "", kind), "", [cause, *more])


def undecodable(resource: Resource, kind: str, version: str, why: str) -> Undecodable:
    """Return 400 for a body that is no object of its kind."""
    text = f'{kind} in version "{version}" cannot be handled as a {resource.kind}: {why}'
    return Undecodable(400, "BadRequest", text)


def unpatchable(why: str) -> ApiError:
    """Return 422 for a patch that leaves what cannot be decoded."""
    text = f'Invalid value: "{{}}": {why}'
    cause = {"reason": "FieldValueInvalid", "message": text, "field": "patch"}
    return ApiError(422, "Invalid", f' "" is invalid: patch: {text}', {"causes": [cause]})


def bad_request(message: str) -> ApiError:
    """Return 400 for a request that makes no sense."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """Return 401; the reason stays in the server's log, as in the real one."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """Return 403 for an object, in the real server's words."""
    subject = f'{qualified(resource)} "{name}"' if name else qualified(resource)
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", _details(resource, name))


def forbidden_path(user: str, verb: str, path: str) -> ApiError:
    """Return 403 for a path that is no resource."""
    return ApiError(403, "Forbidden", f'forbidden: User "{user}" cannot {verb} path "{path}"')


def unknown_path() -> ApiError:
    """Return 404 for a path or resource that is not served."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def not_served(what: str) -> ApiError:
    """Return 404 that names what the sandbox does not serve."""
    return ApiError(404, "NotFound", f"the server could not find the requested resource ({what})")


def wrong_method() -> ApiError:
    """Return 405."""
    return ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
    )


def expired(revision: int, floor: int) -> ApiError:
    """Return 410 for a watch that starts before what is kept."""
    return ApiError(410, "Expired", f"too old resource version: {revision} ({floor})")


def future(revision: int, current: int) -> ApiError:
    """Return 504 for a resourceVersion that has not been given out yet."""
    text = f"Timeout: Too large resource version: {revision}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return ApiError(504, "Timeout", text, {"causes": [cause], "retryAfterSeconds": 1})


def unsupported_media(allowed: Sequence[str]) -> ApiError:
    """Return 415 for a body in a format that is not taken; the real one does not name them for core kinds."""
    if not allowed:
        return ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type")
    text = "the body of the request was in an unknown format - accepted media types include: "
    return ApiError(415, "UnsupportedMediaType", text + ", ".join(allowed))


def no_apply(allowed: Sequence[str]) -> ApiError:
    """Return 415 for server-side apply, which is not served: managedFields are not kept."""
    text = (
        "server-side apply is not served by the sandbox: use kubectl apply without --server-side, or create"
        f" and patch; the body of a patch may be {', '.join(allowed)}"
    )
    return ApiError(415, "UnsupportedMediaType", text)


def not_acceptable(allowed: Sequence[str]) -> ApiError:
    """Return 406 for an Accept header that wants none of what is served."""
    text = "only the following media types are accepted: " + ", ".join(allowed)
    return ApiError(406, "NotAcceptable", text)


def too_large(message: str) -> ApiError:
    """Return 413 for a body that is too long to be read."""
    return ApiError(413, "RequestEntityTooLarge", message)


def internal(message: str) -> ApiError:
    """Return 500 in the real server's frame."""
    return ApiError(500, "InternalError", f"Internal error occurred: {message}")


def failure(error: ApiError) -> Object:
    """Return the Status object of an error."""
    status: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": error.message,
        "reason": error.reason,
        "details": error.details,
        "code": error.code,
    }
    for part in ("details", "reason"):
        if not status[part]:
            del status[part]
    return status


def success(resource: Resource, name: str, uid: str, details: Mapping[str, Any] | None = None) -> Object:
    """Return the Status object of a deletion that is done."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {**_details(resource, name, uid=uid), **(details or {})},
    }
