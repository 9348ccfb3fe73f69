"""Persistent resources: machines that stay, on which jobs start at once.

Owns their methods and which jobs fit on them. Nothing is held on this machine; what counts is the number of
replicas. Autoscaling, Ray and networks are refused by name.
Source: https://cloud.google.com/vertex-ai/docs/training/persistent-resource-overview
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.errors import GoogleError, invalid, not_found, unimplemented
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.jobs import catalogue, states
from argovx_lab.sandbox.google.jobs.records import Records
from argovx_lab.sandbox.google.jobs.validation import labels
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.operations import Operations
from argovx_lab.sandbox.google.paging import page
from argovx_lab.sandbox.google.store import Store

_TABLE = "persistent_resources"
_PATTERN = "projects/{project}/locations/{location}/persistentResources/{resource}"
_ID = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_REFUSED = (
    "network",
    "psc_interface_config",
    "encryption_spec",
    "reserved_ip_ranges",
    "resource_runtime_spec",
)
_AI = "google.cloud.aiplatform.v1."


class PersistentResources:
    """The methods of persistent resources, and what jobs find of them."""

    def __init__(
        self, store: Store, records: Records, project: Project, clock: Clock, operations: Operations
    ) -> None:
        self._store = store
        self._records = records
        self._project = project
        self._clock = clock
        self._operations = operations

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = f"/{_AI}PersistentResourceService/"
        return {
            prefix + "CreatePersistentResource": self.create,
            prefix + "GetPersistentResource": self.get,
            prefix + "ListPersistentResources": self.list,
            prefix + "UpdatePersistentResource": self.update,
            prefix + "RebootPersistentResource": self.reboot,
            prefix + "DeletePersistentResource": self.delete,
        }

    async def create(self, _: Call, message: Document) -> Document:
        """Make a persistent resource; it runs when the operation says so."""
        location = self._project.location(message.get("parent", ""))
        given = message.get("persistent_resource_id", "")
        if not _ID.fullmatch(given):
            text = f"Invalid persistent_resource_id '{given}': [a-z]([a-z0-9-]{{0,61}}[a-z0-9])?."
            raise invalid(text, ["persistent_resource_id"])
        wanted = message.get("persistent_resource") or {}
        _check(wanted)
        name = f"projects/{self._project.number}/locations/{location}/persistentResources/{given}"
        if self._store.get(_TABLE, f"{location}/{given}") is not None:
            raise GoogleError("ALREADY_EXISTS", f'The PersistentResource "{name}" already exists.')
        now = rfc3339(self._clock.now(), fraction=True)
        made: Document = {
            "name": name,
            "state": "RUNNING",
            "create_time": now,
            "start_time": now,
            "update_time": now,
            "resource_pools": [_pool(i, pool) for i, pool in enumerate(wanted["resource_pools"])],
            **{f: wanted[f] for f in ("display_name", "labels") if wanted.get(f)},
        }
        self._store.put(_TABLE, f"{location}/{given}", made)
        metadata = _AI + "CreatePersistentResourceOperationMetadata"
        return self._operations.start(name, metadata, _AI + "PersistentResource", made)

    def _find(self, name: str, field: str = "name") -> tuple[str, Document]:
        values = self._project.parse(_PATTERN, name, field)
        key = f"{values['location']}/{values['resource']}"
        found = self._store.get(_TABLE, key)
        if found is None:
            canonical = self._project.canonical(name)
            raise not_found(f'The PersistentResource "{canonical}" does not exist.')
        return key, found

    def _shown(self, resource: Document) -> Document:
        """Return a resource with what its jobs use of it."""
        location, _, name = (
            resource["name"]
            .removeprefix(f"projects/{self._project.number}/locations/")
            .partition("/persistentResources/")
        )
        used = self._used(location, name)
        pools = [
            {**pool, "used_replica_count": str(used.get(i, 0))}
            for i, pool in enumerate(resource["resource_pools"])
        ]
        return {**resource, "resource_pools": pools}

    async def get(self, _: Call, message: Document) -> Document:
        """Return a persistent resource."""
        return self._shown(self._find(message.get("name", ""))[1])

    async def list(self, _: Call, message: Document) -> Document:
        """Return the persistent resources of a region."""
        location = self._project.location(message.get("parent", ""))
        found = [self._shown(doc) for _, doc in self._store.scan(_TABLE, f"{location}/")]
        chosen, token = page(found, message)
        return {"persistent_resources": chosen, "next_page_token": token}

    async def update(self, _: Call, message: Document) -> Document:
        """Change replica counts of pools."""
        wanted = message.get("persistent_resource") or {}
        key, present = self._find(wanted.get("name", ""), "persistent_resource.name")
        for path in message.get("update_mask") or []:
            if path.partition(".")[0] not in ("resource_pools", "labels", "display_name"):
                raise invalid(
                    f"Invalid field mask: '{path}' is no field that can be changed.", ["update_mask"]
                )
        changed = {**present, **{f: wanted[f] for f in ("labels", "display_name") if f in wanted}}
        if "resource_pools" in wanted:
            _check(wanted)
            pools = [_pool(i, pool) for i, pool in enumerate(wanted["resource_pools"])]
            before = [(p["id"], p["machine_spec"]) for p in present["resource_pools"]]
            if [(p["id"], p["machine_spec"]) for p in pools] != before:
                text = "Only replica counts of resource pools can be changed."
                raise invalid(text, ["persistent_resource.resource_pools"])
            changed["resource_pools"] = pools
        changed["update_time"] = rfc3339(self._clock.now(), fraction=True)
        self._store.put(_TABLE, key, changed)
        metadata = _AI + "UpdatePersistentResourceOperationMetadata"
        return self._operations.start(present["name"], metadata, _AI + "PersistentResource", changed)

    async def reboot(self, _: Call, message: Document) -> Document:
        """Restart the machines; refused while jobs use them."""
        key, present = self._find(message.get("name", ""))
        self._refuse_busy(key, present, "rebooted")
        metadata = _AI + "RebootPersistentResourceOperationMetadata"
        return self._operations.start(present["name"], metadata, _AI + "PersistentResource", present)

    async def delete(self, _: Call, message: Document) -> Document:
        """Give the machines back; refused while jobs use them."""
        key, present = self._find(message.get("name", ""))
        self._refuse_busy(key, present, "deleted")
        self._store.delete(_TABLE, key)
        metadata = _AI + "DeleteOperationMetadata"
        return self._operations.start(present["name"], metadata, "google.protobuf.Empty", {})

    def _refuse_busy(self, key: str, resource: Document, verb: str) -> None:
        location, name = key.split("/")
        if self._used(location, name):
            text = f'The PersistentResource "{resource["name"]}" cannot be {verb} while jobs run on it.'
            raise GoogleError("FAILED_PRECONDITION", text)

    def check_job(self, location: str, spec: Mapping[str, Any]) -> None:
        """Refuse a job that does not fit on the persistent resource it names."""
        name = spec.get("persistent_resource_id")
        if not name:
            return
        found = self._store.get(_TABLE, f"{location}/{name}")
        if found is None:
            raise not_found(f'The PersistentResource "{name}" does not exist in {location}.')
        if (spec.get("scheduling") or {}).get("strategy", "STANDARD") not in ("STANDARD", "ON_DEMAND"):
            text = "Only the STANDARD strategy can be used with a persistent resource."
            raise invalid(text, ["job_spec.scheduling.strategy"])
        for i, _, pool in _wanted(spec, found["resource_pools"]):
            if pool is None:
                field = f"job_spec.worker_pool_specs[{i}].machine_spec"
                text = (
                    f'No resource pool of "{name}" has the machine spec of worker pool {i}, or enough of it.'
                )
                raise invalid(text, [field])

    def free(self, job: Mapping[str, Any]) -> bool:
        """Say whether the job's persistent resource has machines for it now."""
        location, name = job["name"].split("/")[3], job["job_spec"]["persistent_resource_id"]
        found = self._store.get(_TABLE, f"{location}/{name}")
        if found is None:
            return False
        used = self._used(location, name)
        for _, count, pool in _wanted(job["job_spec"], found["resource_pools"]):
            if pool is None:
                return False
            used[pool] = used.get(pool, 0) + count
        return all(
            used[i] <= int(pool["replica_count"])
            for i, pool in enumerate(found["resource_pools"])
            if i in used
        )

    def _used(self, location: str, name: str) -> dict[int, int]:
        found = self._store.get(_TABLE, f"{location}/{name}")
        used: dict[int, int] = {}
        busy = (states.PENDING, states.RUNNING, states.CANCELLING)
        for key in self._records.unfinished() if found else ():
            job = self._records.require(key)["job"]
            if (
                key.startswith(f"{location}/")
                and job["state"] in busy
                and job["job_spec"].get("persistent_resource_id") == name
            ):
                for _, count, pool in _wanted(job["job_spec"], found["resource_pools"] if found else []):
                    if pool is not None:
                        used[pool] = used.get(pool, 0) + count
        return used


def _wanted(spec: Mapping[str, Any], pools: list[Document]) -> Iterator[tuple[int, int, int | None]]:
    """Yield index and replica count of each worker pool, and the resource pool that it fits on."""
    for i, worker in enumerate(spec["worker_pool_specs"]):
        if not worker:
            continue
        count = int(worker.get("replica_count") or 1)
        fits = (
            n
            for n, pool in enumerate(pools)
            if pool["machine_spec"] == worker.get("machine_spec") and int(pool["replica_count"]) >= count
        )
        yield i, count, next(fits, None)


def _pool(index: int, pool: Document) -> Document:
    disk = {"boot_disk_type": "pd-ssd", "boot_disk_size_gb": 100, **(pool.get("disk_spec") or {})}
    return {
        "id": pool.get("id") or f"pool{index}",
        "machine_spec": pool["machine_spec"],
        "replica_count": str(pool.get("replica_count") or 1),
        "disk_spec": disk,
    }


def _check(wanted: Document) -> None:
    for field in _REFUSED:
        if wanted.get(field):
            raise unimplemented(f"'persistent_resource.{field}'")
    problems = dict(_problems(wanted))
    if problems:
        raise invalid("; ".join(problems.values()), problems)


def _problems(wanted: Document) -> Iterator[tuple[str, str]]:
    yield from labels(wanted)
    pools = wanted.get("resource_pools") or []
    if not pools:
        yield "persistent_resource.resource_pools", "At least one resource pool is required."
    for i, pool in enumerate(pools):
        field = f"persistent_resource.resource_pools[{i}]"
        kind = (pool.get("machine_spec") or {}).get("machine_type", "")
        if not catalogue.known_machine(kind):
            yield f"{field}.machine_spec.machine_type", f'Machine type "{kind}" is not supported.'
        if pool.get("autoscaling_spec"):
            raise unimplemented("'autoscaling_spec' of a resource pool", "Give a replica_count.")
        if int(pool.get("replica_count") or 1) < 1:
            yield f"{field}.replica_count", "Replica count must be positive."


#: Checks a job against the persistent resource that it names.
CheckJob = Callable[[str, Mapping[str, Any]], None]
