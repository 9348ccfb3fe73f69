"""``podSpecPatch``: a strategic merge of JSON or YAML text into a pod's spec."""

from __future__ import annotations

from typing import Any

from argovx_lab.sandbox.argo.errors import NodeError

#: Lists that merge by a key; all others are replaced. Source: patch strategies of ``PodSpec``.
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
}


def apply_patch(spec: dict[str, Any], patch: str) -> dict[str, Any]:
    """Return ``spec`` with the patch merged in.

    Raises
    ------
    NodeError
        When the text is no map.
    """
    import yaml  # 10 ms at the start of every sandbox, and few workflows patch

    try:
        parsed = yaml.safe_load(patch)
    except yaml.YAMLError as error:
        raise NodeError(f"Error applying PodSpecPatch: {error}".replace("\n", " ")) from None
    if not isinstance(parsed, dict):
        raise NodeError("Error applying PodSpecPatch: it must be a map of pod spec fields, as JSON or YAML")
    merged: dict[str, Any] = _map(spec, parsed)
    return merged


def _map(base: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    if patch.get("$patch") == "replace":
        return {k: v for k, v in patch.items() if k != "$patch"}
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = _map(result[key], value)
        elif isinstance(value, list) and key in _KEYS:
            result[key] = _list(result.get(key) or [], value, _KEYS[key])
        else:
            result[key] = value
    return result


def _list(base: list[Any], patch: list[Any], key: str) -> list[Any]:
    result = list(base)
    for item in patch:
        place = next((i for i, old in enumerate(result) if old.get(key) == item.get(key)), None)
        if item.get("$patch") == "delete":
            result = [old for old in result if old.get(key) != item.get(key)]
        elif place is None:
            result.append(item)
        else:
            result[place] = _map(result[place], item)
    return result
