"""Strategic merge patch for the core kinds: lists of objects are merged by a key, not replaced.

Owns the merge keys of the kinds we serve and the ``$`` directives.
Source: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.kubernetes import status

_CONTAINER = {
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
}
_POD_LISTS = {
    "spec.containers": "name",
    "spec.initContainers": "name",
    "spec.ephemeralContainers": "name",
    "spec.volumes": "name",
    "spec.imagePullSecrets": "name",
    "spec.hostAliases": "ip",
    "spec.topologySpreadConstraints": "topologyKey",
    "spec.resourceClaims": "name",
    "status.conditions": "type",
    "status.podIPs": "ip",
    "status.hostIPs": "ip",
    **{
        f"spec.{containers}.{field}": key
        for containers in ("containers", "initContainers", "ephemeralContainers")
        for field, key in _CONTAINER.items()
    },
}
_KEYS: Mapping[str, Mapping[str, str]] = {
    "Pod": _POD_LISTS,
    "ServiceAccount": {"secrets": "name", "imagePullSecrets": "name"},
    "Namespace": {"status.conditions": "type"},
}
_COMMON = {"metadata.ownerReferences": "uid"}
#: Lists of plain values that are merged as sets.
_SETS = ("metadata.finalizers", "spec.finalizers")


def strategic(target: Any, patch: Any, kind: str) -> Any:
    """Return ``target`` changed by a strategic merge patch; neither argument is changed."""
    return _object(target, patch, {**_KEYS.get(kind, {}), **_COMMON}, "")


def _object(target: Any, patch: Any, keys: Mapping[str, str], path: str) -> Any:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise status.bad_request(f"unknown directive $patch: {status.shown(directive)}")
    result = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        kept = _strings("$retainKeys", patch["$retainKeys"])
        result = {key: value for key, value in result.items() if key in kept}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            gone = value if isinstance(value, list) else []
            result[field] = [item for item in _list(result.get(field)) if item not in gone]
        elif not key.startswith("$"):
            _field(result, key, value, keys, f"{path}.{key}" if path else key)
    for key, value in patch.items():
        if key.startswith("$setElementOrder/"):
            field = key.partition("/")[2]
            result[field] = _ordered(_list(result.get(field)), value, keys.get(f"{path}.{field}".strip(".")))
    return result


def _field(result: dict[str, Any], key: str, value: Any, keys: Mapping[str, str], path: str) -> None:
    if value is None:
        result.pop(key, None)
    elif isinstance(value, dict):
        result[key] = _object(result.get(key), value, keys, path)
    elif isinstance(value, list) and path in keys:
        result[key] = _keyed(_list(result.get(key)), value, keys, path)
    elif isinstance(value, list) and path in _SETS:
        old = _list(result.get(key))
        result[key] = old + [item for item in value if item not in old]
    else:
        result[key] = value


def _keyed(old: list[Any], new: list[Any], keys: Mapping[str, str], path: str) -> list[Any]:
    merge_key = keys[path]
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in new):
        return [item for item in new if not (isinstance(item, dict) and "$patch" in item)]
    result = list(old)
    for item in new:
        if not isinstance(item, dict) or merge_key not in item:
            raise status.bad_request(f"{path}: each element of the patch needs its merge key {merge_key}")
        place = next(
            (
                index
                for index, present in enumerate(result)
                if isinstance(present, dict) and present.get(merge_key) == item[merge_key]
            ),
            None,
        )
        if item.get("$patch") == "delete":
            result = result if place is None else result[:place] + result[place + 1 :]
        elif place is None:
            result.append(_object({}, item, keys, path))
        else:
            result[place] = _object(result[place], item, keys, path)
    named = [item[merge_key] for item in new]
    before = [item.get(merge_key) if isinstance(item, dict) else None for item in old]
    return _woven(result, named, before, merge_key)


def _woven(items: list[Any], named: list[Any], before: list[Any], merge_key: str) -> list[Any]:
    """Order merged items: what the patch names in its own order, before what it does not know.

    An item that was there before all the same stays behind those that stood before it.
    """

    def key(item: Any) -> Any:
        return item.get(merge_key) if isinstance(item, dict) else None

    patched = sorted((item for item in items if key(item) in named), key=lambda item: named.index(key(item)))
    others = [item for item in items if key(item) not in named]
    result: list[Any] = []
    while patched and others:
        first = key(patched[0])
        behind = first in before and before.index(key(others[0])) < before.index(first)
        result.append((others if behind else patched).pop(0))
    return [*result, *patched, *others]


def _ordered(items: list[Any], order: Any, merge_key: str | None) -> list[Any]:
    wanted = [item.get(merge_key) if merge_key and isinstance(item, dict) else item for item in _list(order)]

    def place(pair: tuple[int, Any]) -> tuple[int, int]:
        index, item = pair
        key = item.get(merge_key) if merge_key and isinstance(item, dict) else item
        return (wanted.index(key) if key in wanted else len(wanted), index)

    return [item for _, item in sorted(enumerate(items), key=place)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
        raise status.bad_request(f"{name} must be a list of strings, it is {status.shown(value)}")
    return value
