"""The sandbox's own end of :class:`KubeClient`: the store, in process and without RBAC.

Controllers are part of the cluster, as in a real control plane; people and pods come through HTTP.
"""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes import status, subresources
from argovx_lab.sandbox.kubernetes.delete_options import DeleteOptions
from argovx_lab.sandbox.kubernetes.interface import Event, Object, Resource
from argovx_lab.sandbox.kubernetes.kinds import Kind, kind_id
from argovx_lab.sandbox.kubernetes.patches import merge
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.selectors import matcher
from argovx_lab.sandbox.kubernetes.store import Store
from argovx_lab.sandbox.kubernetes.tokens import Issuer


class StoreClient:
    """A client in process.

    Parameters
    ----------
    store : Store or Registry
        A bare store gets its own registry on the real clock; parts of one server share a registry.
    issuer : Issuer, optional
        Signs tokens for the ``token`` subresource; without it that is refused.
    """

    def __init__(self, store: Store | Registry, *, issuer: Issuer | None = None) -> None:
        self._registry = store if isinstance(store, Registry) else Registry(store, Clock())
        self._issuer = issuer

    def _kind(self, resource: Resource) -> Kind:
        kind = self._registry.store.kinds.get(kind_id(resource))
        if kind is None or kind.resource != resource:
            raise status.not_served(f"{resource.api_version} {resource.plural}")
        return kind

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """Return one object."""
        return self._registry.get(self._kind(resource), namespace, name).object()

    async def list(
        self, resource: Resource, namespace: str = "", *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """Return matching objects (all namespaces when empty) and the list's resourceVersion."""
        records = self._registry.list(self._kind(resource), namespace, label_selector, field_selector)
        return [record.object() for record in records], str(self._registry.store.revision)

    async def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = "", label_selector: str = ""
    ) -> AsyncIterator[Event]:
        """Yield every change after ``resource_version``.

        Without a resourceVersion the present objects come first, as ``ADDED``.
        """
        kind, store = self._kind(resource), self._registry.store
        match = matcher(kind, namespace, label_selector)
        if resource_version in ("", "0"):
            present = [record for record in store.select(kind, namespace) if match(record)]
            revision = store.revision
        else:
            present, revision = [], parse_revision(resource_version, store.revision)
        cursor = store.history(kind).cursor(revision, match)
        try:
            for record in present:
                yield Event("ADDED", record.object())
            while True:
                seen = await cursor.next()
                assert seen is not None
                yield Event(seen[0], json.loads(seen[1]))
        finally:
            cursor.close()

    async def create(
        self, resource: Resource, obj: Object, namespace: str = "", *, subresource: str = "", name: str = ""
    ) -> Object:
        """Create an object, or POST to a subresource of the object ``name``."""
        kind, obj = self._kind(resource), copy.deepcopy(obj)
        namespace = namespace or (obj.get("metadata") or {}).get("namespace") or ""
        if subresource:
            return subresources.post(self._registry, self._issuer, kind, namespace, name, subresource, obj)
        return self._registry.create(kind, namespace, obj)

    async def replace(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """Write a whole object; a stale ``resourceVersion`` is 409 ``Conflict``."""
        kind = self._kind(resource)
        _check_subresource(kind, subresource)
        new, meta = copy.deepcopy(obj), obj["metadata"]
        return self._registry.update(
            kind, meta.get("namespace", ""), meta["name"], lambda _: new, subresource=subresource, whole=True
        )

    async def patch(
        self, resource: Resource, name: str, patch: Object, namespace: str = "", *, subresource: str = ""
    ) -> Object:
        """Apply a JSON merge patch."""
        kind, patch = self._kind(resource), copy.deepcopy(patch)
        _check_subresource(kind, subresource)
        return self._registry.update(
            kind, namespace, name, lambda old: _merged(old, patch), subresource=subresource
        )

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", *, grace_s: int | None = None, uid: str = ""
    ) -> None:
        """Delete an object; bound pods get a deletionTimestamp first, ``grace_s=0`` removes at once."""
        self._registry.delete(self._kind(resource), namespace, name, DeleteOptions(grace_s=grace_s, uid=uid))


def _merged(old: Object, patch: Object) -> Object:
    result: Object = merge(old, patch)
    return result


def _check_subresource(kind: Kind, subresource: str) -> None:
    if subresource and not (subresource == "status" and kind.status):
        raise status.not_served(f"{kind.id}/{subresource}")


def not_a_number(text: str) -> str:
    """Return what the real server says of a version that is no number."""
    return f"{status.shown(text)}: strconv.ParseUint: parsing {status.shown(text)}: invalid syntax"


def parse_revision(text: str, current: int) -> int:
    """Read a resourceVersion; 400 when it is no number, 504 when it lies in the future."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise status.bad_request(f"resourceVersion: Invalid value: {not_a_number(text)}")
    revision = int(text)
    if revision > current:
        raise status.future(revision, current)
    return revision
