"""The controller's caches as the :class:`World` that a reconcile sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.argo import labels
from argovx_lab.sandbox.argo.cache import Cache, Object
from argovx_lab.sandbox.argo.locks import Locks
from argovx_lab.sandbox.argo.operation import World
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.interface import (
    CLUSTER_WORKFLOW_TEMPLATES,
    CONFIG_MAPS,
    WORKFLOW_TEMPLATES,
    Resource,
)  # fmt: skip

#: Objects that a reconcile looked for and no cache had, by kind and name.
Missed = set[tuple[Resource, str]]


@dataclass
class Caches:
    """All kinds that the engine follows."""

    workflows: Cache
    pods: Cache
    results: Cache
    namespaced: Cache
    cluster: Cache
    configs: Cache

    def all(self) -> tuple[Cache, ...]:
        """Return all of them."""
        return self.workflows, self.pods, self.results, self.namespaced, self.cluster, self.configs

    def of(self, resource: Resource) -> Cache:
        """Return the cache of one kind."""
        return next(cache for cache in self.all() if cache.resource == resource)

    async def ready(self) -> None:
        """Wait until every kind has been listed once."""
        for cache in self.all():
            await cache.ready.wait()


class _Library(Mapping[tuple[str, str], Object]):
    def __init__(self, caches: Caches, namespace: str, missed: Missed) -> None:
        self._caches, self._namespace, self._missed = caches, namespace, missed

    def __getitem__(self, key: tuple[str, str]) -> Object:
        scope, name = key
        found = self._caches.cluster.get("", name) if scope == "cluster" else self._caches.namespaced.get(
            self._namespace, name
        )  # fmt: skip
        if found is None:
            resource = CLUSTER_WORKFLOW_TEMPLATES if scope == "cluster" else WORKFLOW_TEMPLATES
            self._missed.add((resource, name))
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[tuple[str, str]]:
        yield from (("cluster", name) for _, name in self._caches.cluster.objects)
        yield from (("namespaced", n) for ns, n in self._caches.namespaced.objects if ns == self._namespace)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Configs(Mapping[tuple[str, str], str]):
    def __init__(self, cache: Cache, namespace: str, missed: Missed) -> None:
        self._cache, self._namespace, self._missed = cache, namespace, missed

    def __getitem__(self, key: tuple[str, str]) -> str:
        found = self._cache.get(self._namespace, key[0])
        if found is None:
            self._missed.add((CONFIG_MAPS, key[0]))
        elif not key[1]:
            return ""  # the map is there
        return str(((found or {}).get("data") or {})[key[1]])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for (namespace, name), found in self._cache.objects.items():
            if namespace == self._namespace:
                yield from ((name, key) for key in found.get("data") or {})

    def __len__(self) -> int:
        return sum(1 for _ in self)


def owned(obj: Mapping[str, Any], workflow: Mapping[str, Any]) -> bool:
    """Tell whether an object belongs to this very workflow, not to an earlier one of its name."""
    uid = workflow["metadata"].get("uid")
    return any(o.get("uid") == uid for o in obj["metadata"].get("ownerReferences") or [])


def node_of(pod: Mapping[str, Any]) -> str:
    """Return the node id that a pod is annotated with."""
    return str((pod["metadata"].get("annotations") or {}).get(labels.NODE_ID) or "")


def world_of(
    caches: Caches, workflow: Mapping[str, Any], locks: Locks, clock: Clock, missed: Missed
) -> World:
    """Return what surrounds a workflow now; what is looked for in vain is put into ``missed``."""
    namespace, name = workflow["metadata"].get("namespace", ""), workflow["metadata"]["name"]
    return World(
        pods={node_of(p): p for p in caches.pods.group(namespace, name) if owned(p, workflow)},
        results={
            r["metadata"]["name"]: r for r in caches.results.group(namespace, name) if owned(r, workflow)
        },
        library=_Library(caches, namespace, missed),
        configs=_Configs(caches.configs, namespace, missed),
        locks=locks,
        now=clock.now(),
        speed=clock.speed,
    )


def needs_look(workflow: Mapping[str, Any]) -> bool:
    """Tell whether a reconcile could do anything: not for workflows that are over and stay."""
    if (workflow["metadata"].get("labels") or {}).get(labels.COMPLETED) != "true":
        return True
    stored = (workflow.get("status") or {}).get("storedWorkflowTemplateSpec") or {}
    return bool(workflow["spec"].get("ttlStrategy") or stored.get("ttlStrategy"))
