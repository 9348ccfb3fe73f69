"""How objects end: grace, finalizers, preconditions, and the garbage that owners leave.

Owns deletion and owner-reference collection; refuses options it does not honour in ``options_from``.
Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.kubernetes import quotas, rules, status
from argovx_lab.sandbox.kubernetes.custom.definitions import FINALIZER
from argovx_lab.sandbox.kubernetes.custom.served import Definitions
from argovx_lab.sandbox.kubernetes.delete_options import DeleteOptions
from argovx_lab.sandbox.kubernetes.history import Record
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, DEFINITIONS, Kind
from argovx_lab.sandbox.kubernetes.store import Store

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Deletion:
    """Removes objects and what they own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self.definitions = Definitions(store, clock.now)
        self._queue: list[str] = []
        self._scheduled = False

    def delete(self, kind: Kind, record: Record, options: DeleteOptions) -> Object:
        """Begin or finish a deletion; the answer is the object while it lives on, else a Status."""
        obj = record.object()
        meta = obj["metadata"]
        _check_preconditions(kind, meta, options)
        if kind.id == DEFINITIONS.id and not meta.get("deletionTimestamp"):
            return self._end_definition(kind, obj, options)
        grace = rules.grace_s(kind, obj, options.grace_s)
        finalizers = [name for name in meta.get("finalizers") or [] if name not in (FOREGROUND, ORPHAN)]
        if options.policy == "Foreground":
            finalizers.append(FOREGROUND)
        elif options.policy == "Orphan":
            finalizers.append(ORPHAN)
        lives = bool(finalizers) or grace > 0 or kind.id == "namespaces"
        if options.dry_run:
            return self._last(kind, obj, grace)
        if not lives:
            self.remove(kind, obj)
            return self._last(kind, obj, grace)
        self._mark(kind, obj, finalizers, grace)
        return obj

    def _end_definition(self, kind: Kind, obj: Object, options: DeleteOptions) -> Object:
        self.definitions.check_delete(obj["metadata"]["name"])
        obj = self.definitions.ending(obj)
        obj["metadata"]["deletionTimestamp"] = rfc3339(self._clock.now())
        if not options.dry_run:
            self._store.put(kind, obj)
            self._later(obj["metadata"]["uid"])
        return obj

    def _last(self, kind: Kind, obj: Object, grace: int) -> Object:
        """Return what a deletion that leaves nothing answers: a Status, for some kinds the object."""
        meta = obj["metadata"]
        if kind.id not in ("pods", "serviceaccounts", "namespaces", "resourcequotas"):
            return _gone(kind, meta)
        if kind.id == "pods":
            meta["generation"] = meta.get("generation", 1) + 1
            meta["deletionGracePeriodSeconds"] = grace
        if kind.id in ("pods", "namespaces"):
            meta["deletionTimestamp"] = rfc3339(self._clock.now() + timedelta(seconds=grace))
        if kind.id == "namespaces":
            obj["status"] = {**obj["status"], "phase": "Terminating"}
        return obj

    def _mark(self, kind: Kind, obj: Object, finalizers: list[str], grace: int) -> None:
        before, meta = obj["metadata"], dict(obj["metadata"])
        shorter = before.get("deletionGracePeriodSeconds", grace) > grace
        if not before.get("deletionTimestamp") or shorter:
            meta["deletionTimestamp"] = rfc3339(self._clock.now() + timedelta(seconds=grace))
            meta["deletionGracePeriodSeconds"] = grace
            if "generation" in meta:
                meta["generation"] += 1
        if finalizers:
            meta["finalizers"] = finalizers
        else:
            meta.pop("finalizers", None)
        if meta != before:
            obj["metadata"] = meta
            if kind.id == "namespaces":
                obj.setdefault("status", {})["phase"] = "Terminating"
            self._store.put(kind, obj)
        self._later(meta["uid"])

    def remove(self, kind: Kind, obj: Object) -> None:
        """Take an object out of the store and collect what it owned."""
        meta = obj["metadata"]
        record = self._store.get(kind, meta.get("namespace", ""), meta["name"])
        if record is None:
            return
        meta["resourceVersion"] = str(self._store.remove(record))
        quotas.refresh(self._store, record.namespace)
        self._later(record.uid)
        for owner in record.owners:
            self._later(owner)
        if kind.id == DEFINITIONS.id and record.name not in BY_ID:
            ended = self._store.kinds.get(record.name)
            if ended is not None:
                self._store.unserve(ended)
        elif kind.schema is not None:
            definition = self._store.get(DEFINITIONS, "", kind.id)
            if definition is not None:
                self._later(definition.uid)
        if record.namespace:
            place = self._store.get(BY_ID["namespaces"], "", record.namespace)
            if place is not None:
                self._later(place.uid)

    def created(self, kind: Kind, obj: Object) -> None:
        """Look at a new object's owners: one whose owners are all gone is collected."""
        if obj["metadata"].get("ownerReferences"):
            self._later(obj["metadata"]["uid"])
        del kind

    def sweep(self) -> None:
        """Look at everything once; a start does this, because a kill may have cut a collection."""
        for record in self._store.all():
            self._queue.append(record.uid)
            self._queue += record.owners
        self.collect()

    def _later(self, uid: str) -> None:
        self._queue.append(uid)
        if self._scheduled:
            return
        try:
            asyncio.get_running_loop().call_soon(self.collect)
        except RuntimeError:
            self.collect()
        else:
            self._scheduled = True

    def collect(self) -> None:
        """Work through what changed: one pass in the background of the calls that caused it."""
        self._scheduled = True
        try:
            while self._queue:
                self._visit(self._queue.pop())
        finally:
            self._scheduled = False

    def _visit(self, uid: str) -> None:
        record = self._store.by_uid(uid)
        if record is None:
            for dependent in self._store.owned_by(uid):
                self._collect_dependent(dependent)
            return
        kind, obj = self._store.kinds[record.kind], record.object()
        meta = obj["metadata"]
        if record.owners:
            self._collect_dependent(record)
        if not meta.get("deletionTimestamp") or self._store.by_uid(uid) is not record:
            return
        if kind.id == "namespaces":
            self._empty_namespace(kind, obj)
        elif FINALIZER in (meta.get("finalizers") or []):
            self._empty_kind(kind, obj)
        elif FOREGROUND in (meta.get("finalizers") or []):
            self._foreground(kind, obj)
        elif ORPHAN in (meta.get("finalizers") or []):
            self._orphan(kind, obj)

    def _collect_dependent(self, record: Record) -> None:
        owners = [self._store.by_uid(uid) for uid in record.owners]
        if any(owner is not None and owner.namespace in ("", record.namespace) for owner in owners):
            return
        if not record.object()["metadata"].get("deletionTimestamp"):
            self.delete(self._store.kinds[record.kind], record, DeleteOptions())

    def _foreground(self, kind: Kind, obj: Object) -> None:
        waiting = False
        for dependent in self._store.owned_by(obj["metadata"]["uid"]):
            content = dependent.object()["metadata"]
            owner = next(o for o in content["ownerReferences"] if o["uid"] == obj["metadata"]["uid"])
            if not content.get("deletionTimestamp"):
                self.delete(self._store.kinds[dependent.kind], dependent, DeleteOptions(policy="Foreground"))
            alive = self._store.by_uid(dependent.uid) is not None
            waiting = waiting or (alive and bool(owner.get("blockOwnerDeletion")))
        if not waiting:
            self._drop_finalizer(kind, obj, FOREGROUND)

    def _orphan(self, kind: Kind, obj: Object) -> None:
        uid = obj["metadata"]["uid"]
        for dependent in self._store.owned_by(uid):
            content = dependent.object()
            owners = [o for o in content["metadata"]["ownerReferences"] if o["uid"] != uid]
            content["metadata"]["ownerReferences"] = owners
            if not owners:
                del content["metadata"]["ownerReferences"]
            self._store.put(self._store.kinds[dependent.kind], content)
        self._drop_finalizer(kind, obj, ORPHAN)

    def _drop_finalizer(self, kind: Kind, obj: Object, name: str) -> None:
        meta = obj["metadata"]
        meta["finalizers"] = [finalizer for finalizer in meta["finalizers"] if finalizer != name]
        if not meta["finalizers"]:
            del meta["finalizers"]
        if rules.finished(obj):
            self.remove(kind, obj)
        else:
            self._store.put(kind, obj)

    def _empty_kind(self, kind: Kind, obj: Object) -> None:
        ended = self._store.kinds.get(obj["metadata"]["name"])
        for record in self._store.select(ended) if ended is not None else ():
            if not record.object()["metadata"].get("deletionTimestamp"):
                assert ended is not None
                self.delete(ended, record, DeleteOptions())
        if ended is None or not self._store.select(ended):
            self._drop_finalizer(kind, obj, FINALIZER)

    def _empty_namespace(self, kind: Kind, obj: Object) -> None:
        name, left = obj["metadata"]["name"], False
        for other in self._store.kinds:
            if not other.resource.namespaced:
                continue
            for record in self._store.select(other, name):
                if not record.object()["metadata"].get("deletionTimestamp"):
                    self.delete(other, record, DeleteOptions())
                left = left or self._store.by_uid(record.uid) is not None
        if not left and not obj["metadata"].get("finalizers"):
            self.remove(kind, obj)


def _check_preconditions(kind: Kind, meta: Object, options: DeleteOptions) -> None:
    for wanted, field, word in (
        (options.uid, "uid", "UID"),
        (options.revision, "resourceVersion", "ResourceVersion"),
    ):
        if wanted and wanted != meta[field]:
            if kind.id not in ("namespaces", DEFINITIONS.id):
                raise status.precondition(kind.resource, meta["name"], word, wanted, meta[field])
            why = (
                f"Precondition failed: {word} in precondition: {wanted}, {word} in object meta: {meta[field]}"
            )
            raise status.conflict(kind.resource, meta["name"], why)


def _gone(kind: Kind, meta: Object) -> Object:
    return status.success(kind.resource, meta["name"], meta["uid"])
