"""Objects of one kind as last seen: list, then watch, then list again when the watch breaks.

What the engine wrote itself is put in at once, so that it never acts on a state older than its own acts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from argovx_lab.sandbox.kubernetes.interface import ApiError, KubeClient, Resource

log = logging.getLogger(__name__)

Object = dict[str, Any]
Key = tuple[str, str]
#: Wait before listing again after an error. Unit: seconds.
RELIST_S = 0.5


def key_of(obj: Object) -> Key:
    """Return namespace and name."""
    meta = obj["metadata"]
    return str(meta.get("namespace") or ""), str(meta["name"])


class Cache:
    """A kind's objects by namespace and name, and by the value of one label.

    Parameters
    ----------
    group_label : str
        Objects are also found by ``(namespace, value of this label)``.
    on_change : callable
        Called with every object that changed or went.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        on_change: Callable[[Object], None],
        *,
        group_label: str = "",
        selector: str = "",
    ) -> None:
        self._client, self.resource, self._on_change = client, resource, on_change
        self._group_label, self._selector = group_label, selector
        self.objects: dict[Key, Object] = {}
        self._groups: dict[Key, dict[str, Object]] = {}
        self.ready = asyncio.Event()

    def get(self, namespace: str, name: str) -> Object | None:
        """Return an object as last seen; ``None`` when there is none."""
        return self.objects.get((namespace, name))

    def group(self, namespace: str, value: str) -> list[Object]:
        """Return the objects whose label has a value."""
        return list(self._groups.get((namespace, value), {}).values())

    def put(self, obj: Object) -> bool:
        """Take over an object unless it or a newer one is known; tell whether it was taken."""
        key = key_of(obj)
        old = self.objects.get(key)
        if old is not None and _same_life(old, obj) and _version(obj) <= _version(old):
            return False
        if old is not None:
            self._ungroup(key, old)
        self.objects[key] = obj
        group = self._group_of(obj)
        if group:
            self._groups.setdefault((key[0], group), {})[key[1]] = obj
        return True

    def drop(self, namespace: str, name: str) -> Object | None:
        """Forget an object."""
        old = self.objects.pop((namespace, name), None)
        if old is not None:
            self._ungroup((namespace, name), old)
        return old

    def _group_of(self, obj: Object) -> str:
        return (
            str((obj["metadata"].get("labels") or {}).get(self._group_label) or "")
            if self._group_label
            else ""
        )

    def _ungroup(self, key: Key, obj: Object) -> None:
        group = self._groups.get((key[0], self._group_of(obj)))
        if group is not None:
            group.pop(key[1], None)
            if not group:
                del self._groups[key[0], self._group_of(obj)]

    async def run(self) -> None:
        """Follow the API server until cancelled."""
        while True:
            try:
                version = await self._list()
                self.ready.set()
                await self._watch(version)
            except ApiError as error:
                if error.code != 410:
                    log.warning("watch of %s broke: %s", self.resource.plural, error.message)
                    await asyncio.sleep(RELIST_S)

    async def _list(self) -> str:
        items, version = await self._client.list(self.resource, label_selector=self._selector)
        present = {key_of(item) for item in items}
        for key in [k for k in self.objects if k not in present]:
            gone = self.drop(*key)
            if gone is not None:
                self._on_change(gone)
        for item in items:
            if self.put(item):
                self._on_change(item)
        return version

    async def _watch(self, version: str) -> None:
        async for event in self._client.watch(
            self.resource, resource_version=version, label_selector=self._selector
        ):
            if event.type == "BOOKMARK":
                continue
            if event.type == "DELETED":
                known = self.objects.get(key_of(event.object))
                if known is not None and _same_life(known, event.object):
                    self.drop(*key_of(event.object))
                self._on_change(event.object)
            elif self.put(event.object):
                self._on_change(event.object)


def _same_life(old: Object, new: Object) -> bool:
    return bool(old["metadata"].get("uid") == new["metadata"].get("uid"))


def _version(obj: Object) -> int:
    text = str(obj["metadata"].get("resourceVersion") or "0")
    return int(text) if text.isdigit() else 0
