"""Discovery documents: which groups, versions and resources are served.

Owns their shape; follows ``kinds.py`` and ``reviews.py``, so it cannot promise what is not there.
"""

from __future__ import annotations

from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import Kind, Kinds
from argovx_lab.sandbox.kubernetes.reviews import REVIEWS

#: The Kubernetes whose behaviour is followed; the suffix says what this is.
VERSION = {
    "major": "1",
    "minor": "34",
    "gitVersion": "v1.34.4+argovx-sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "cpython",
    "platform": "python",
}

_SUBRESOURCE_VERBS = {
    "log": ("Pod", ["get"]),
    "eviction": ("Eviction", ["create"]),
    "binding": ("Binding", ["create"]),
    "token": ("TokenRequest", ["create"]),
}
_SUBRESOURCE_GROUPS = {"eviction": ("policy", "v1"), "token": ("authentication.k8s.io", "v1")}


def group_versions(kinds: Kinds) -> list[tuple[str, str]]:
    """Return the served groups and versions, without the core group."""
    seen = [kind.resource for kind in kinds] + list(REVIEWS)
    return sorted({(item.group, item.version) for item in seen if item.group})


def versions(host: str) -> Object:
    """Return ``/api``."""
    address = {"clientCIDR": "0.0.0.0/0", "serverAddress": host}
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [address]}


def groups(kinds: Kinds) -> Object:
    """Return ``/apis``."""
    entries = [group(kinds, name) for name in dict.fromkeys(name for name, _ in group_versions(kinds))]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": entries}


def group(kinds: Kinds, name: str) -> Object | None:
    """Return ``/apis/GROUP``; ``None`` for one that is not served."""
    found = [version for served, version in group_versions(kinds) if served == name]
    if not found:
        return None
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in found]
    head: Object = {"kind": "APIGroup", "apiVersion": "v1", "name": name}
    return {**head, "versions": entries, "preferredVersion": entries[0]}


def resources(kinds: Kinds, name: str, version: str) -> Object | None:
    """Return ``/api/v1`` or ``/apis/GROUP/VERSION``; ``None`` for one that is not served."""
    entries: list[Object] = []
    for kind in kinds:
        if (kind.resource.group, kind.resource.version) == (name, version):
            entries += _entries(kind)
    entries += [
        {
            "name": review.plural,
            "singularName": review.kind.lower(),
            "namespaced": False,
            "kind": review.kind,
            "verbs": ["create"],
        }
        for review in REVIEWS
        if (review.group, review.version) == (name, version)
    ]
    if not entries:
        return None
    entries.sort(key=lambda entry: entry["name"])
    version_text = f"{name}/{version}" if name else version
    head: Object = {"kind": "APIResourceList", "apiVersion": "v1"}
    return {**head, "groupVersion": version_text, "resources": entries}


def _entries(kind: Kind) -> list[Object]:
    resource = kind.resource
    base: Object = {"namespaced": resource.namespaced, "kind": resource.kind}
    verbs = [verb for verb in kind.verbs if (kind.id, verb) != ("namespaces", "deletecollection")]
    entry = {
        "name": resource.plural,
        "singularName": kind.singular or resource.kind.lower(),
        **base,
        "verbs": verbs,
    }
    if kind.names:
        entry["shortNames"] = list(kind.names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    entries = [entry]
    if kind.status:
        verbs = ["get", "patch", "update"]
        entries.append({"name": f"{resource.plural}/status", "singularName": "", **base, "verbs": verbs})
    for subresource in kind.subresources:
        answer_kind, verbs = _SUBRESOURCE_VERBS[subresource]
        item: Object = {"name": f"{resource.plural}/{subresource}", "singularName": "", **base}
        item |= {"kind": answer_kind, "verbs": verbs}
        if subresource in _SUBRESOURCE_GROUPS:
            item["group"], item["version"] = _SUBRESOURCE_GROUPS[subresource]
        entries.append(item)
    return entries
