"""The three patch formats of the API server.

Owns merge patch (RFC 7396), JSON patch (RFC 6902) and strategic merge patch; refuses server-side apply.
Source: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jsonpatch
import jsonpointer

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object, Resource
from argovx_lab.sandbox.kubernetes.strategic import strategic

#: Operations in one JSON patch, and bytes that its copies may add. Source: the real server's limits.
OPERATIONS_MAX = 10_000
COPIED_MAX = 3 * 1024 * 1024


def change(media_type: str, patch: Any, resource: Resource) -> Callable[[Object], Object]:
    """Return what a patch does to an object; 400 for a patch of the wrong shape.

    Parameters
    ----------
    media_type : str
        One of the three formats; the caller has refused others.
    """
    if media_type == "application/json-patch+json":
        _check_operations(patch)
        return lambda old: json_patch(old, patch)
    if not isinstance(patch, dict):
        raise status.bad_request(f"a merge patch must be a JSON object, it is {status.shown(patch)}")
    if media_type == "application/strategic-merge-patch+json":
        return lambda old: _object(strategic(old, patch, resource.kind))
    return lambda old: _object(merge(old, patch))


def _object(value: Any) -> Object:
    if not isinstance(value, dict):
        raise status.bad_request("the patch does not leave an object")
    return value


def merge(target: Any, patch: Any) -> Any:
    """Return ``target`` changed by a JSON merge patch; neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def _check_operations(patch: Any) -> None:
    if not isinstance(patch, list) or any(not isinstance(step, dict) for step in patch):
        raise status.bad_request("a JSON patch must be a list of operations")
    if len(patch) > OPERATIONS_MAX:
        raise status.too_large(
            f"The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {len(patch)}"
        )


def json_patch(old: Object, patch: list[Any]) -> Object:
    """Apply a JSON patch; 422 when an operation does not fit the object.

    Notes
    -----
    Copies are counted: a few of them, each of the whole, would otherwise fill the memory.
    """
    result, copied = copy.deepcopy(old), 0
    for step in patch:
        try:
            if step.get("op") == "copy":
                part = jsonpointer.resolve_pointer(result, step["from"])
                copied += len(str(part))
            if copied > COPIED_MAX:
                raise status.too_large(f"the copies of the JSON patch are over {COPIED_MAX} bytes")
            result = jsonpatch.JsonPatch([step]).apply(result, in_place=True)
        except (
            jsonpatch.JsonPatchException,
            jsonpointer.JsonPointerException,
            TypeError,
            ValueError,
            KeyError,
            IndexError,
            AttributeError,
        ) as error:
            raise _misfit() from error
    return _object(result)


def _misfit() -> ApiError:
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request")
