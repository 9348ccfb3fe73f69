"""The verbs of the API server on the store: what create, update and delete mean for every kind.

Owns versions, status separation, finalizers and dry runs; kind-specific rules are in ``rules.py``,
deletion in ``deletion.py``. Synchronous: one call is one step that nobody else sees half done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes import metadata, quotas, rules, status
from argovx_lab.sandbox.kubernetes.admission import Admission
from argovx_lab.sandbox.kubernetes.custom.served import Definitions
from argovx_lab.sandbox.kubernetes.delete_options import DeleteOptions
from argovx_lab.sandbox.kubernetes.deletion import Deletion
from argovx_lab.sandbox.kubernetes.history import Record
from argovx_lab.sandbox.kubernetes.identity import check_identity
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, DEFINITIONS, Kind
from argovx_lab.sandbox.kubernetes.selectors import matcher
from argovx_lab.sandbox.kubernetes.store import Store

#: etcd's default limit on one request; a larger object answers 500, as measured. Unit: bytes.
OBJECT_MAX = 3 * 512 * 1024

Change = Callable[[Object], Object]
#: Raises when a complete object must not be written.
Check = Callable[[Object], None]
#: Called with the new object after each creation.
Hook = Callable[[Kind, Object], None]


class Registry:
    """Verbs on one store.

    Parameters
    ----------
    store : Store
        Where objects live.
    clock : Clock
        Stamps creation and deletion.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self.deletion = Deletion(store, clock)
        self.admission = Admission(store)
        self.hooks: list[Hook] = []
        self.definitions = Definitions(store, clock.now)
        self.deletion.definitions = self.definitions

    def get(self, kind: Kind, namespace: str, name: str) -> Record:
        """Return one object's record; 404 when there is none."""
        record = self.store.get(kind, namespace, name)
        if record is None:
            raise status.not_found(kind.resource, name)
        return record

    def list(self, kind: Kind, namespace: str = "", labels: str = "", fields: str = "") -> list[Record]:
        """Return the records that match, by namespace and name."""
        match = matcher(kind, namespace, labels, fields)
        return [record for record in self.store.select(kind, namespace) if match(record)]

    def create(
        self,
        kind: Kind,
        namespace: str,
        obj: Object,
        *,
        name: str = "",
        dry_run: bool = False,
        check: Check | None = None,
        user: Object | None = None,
    ) -> Object:
        """Add an object and return it as stored; ``check`` may refuse the complete object."""
        check_identity(kind, obj, namespace, name)
        if name:
            obj["metadata"].pop("resourceVersion", None)
        if obj["metadata"].get("resourceVersion"):
            raise status.bad_request("resourceVersion should not be set on objects to be created")
        metadata.complete(kind, obj, namespace, self.clock.now())
        if kind.status:
            obj.pop("status", None)
        rules.default(kind, obj)
        name = obj["metadata"].get("name", "")
        self._check_place(kind, namespace, name)
        self._require(kind, obj, None)
        self.definitions.check_create(kind, name)
        if self.store.get(kind, namespace, name) is not None:
            raise status.already_exists(kind.resource, name)
        rules.admit(self.store, kind, obj)
        self.admission.review(kind, "CREATE", obj, None, user=user, dry_run=dry_run)
        if check is not None:
            check(obj)
        if dry_run:
            return obj
        self.store.put(kind, obj, OBJECT_MAX)
        self._furnish(kind, obj)
        quotas.refresh(self.store, namespace)
        for hook in self.hooks:
            hook(kind, obj)
        self.definitions.written(kind, obj)
        self.deletion.created(kind, obj)
        return obj

    def _furnish(self, kind: Kind, obj: Object) -> None:
        """Give a new namespace its default account, as the controller manager does."""
        if kind.id == "namespaces":
            account: Object = {"metadata": {"name": "default"}}
            self.create(BY_ID["serviceaccounts"], obj["metadata"]["name"], account)

    def _check_place(self, kind: Kind, namespace: str, name: str) -> None:
        if not kind.resource.namespaced:
            return
        place = self.store.get(BY_ID["namespaces"], "", namespace)
        if place is None:
            raise status.not_found(BY_ID["namespaces"].resource, namespace)
        if place.object()["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise status.forbidden(kind.resource, name, why)

    def update(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        change: Change,
        *,
        subresource: str = "",
        whole: bool = False,
        dry_run: bool = False,
        check: Check | None = None,
        user: Object | None = None,
    ) -> Object:
        """Write what ``change`` makes of the stored object, and return it.

        Parameters
        ----------
        change : callable
            From the stored object to the wanted one; it must not change its argument.
        subresource : str
            ``status`` writes only that part.
        whole : bool
            A replace: custom kinds then need a resourceVersion.
        check : callable, optional
            May refuse the complete object.
        """
        old = self.get(kind, namespace, name).object()
        try:
            new = self._changed(kind, old, change, subresource, whole=whole)
        except status.Undecodable as error:
            raise error if whole else status.unpatchable(error.message) from error
        if new == old:
            return new
        self.admission.review(kind, "UPDATE", new, old, subresource=subresource, user=user, dry_run=dry_run)
        if check is not None:
            check(new)
        if dry_run:
            return new
        if rules.finished(new):
            self.deletion.remove(kind, new)
            return new
        self.store.put(kind, new, OBJECT_MAX)
        self.definitions.written(kind, new)
        return new

    def _changed(self, kind: Kind, old: Object, change: Change, subresource: str, *, whole: bool) -> Object:
        new = change(old)
        meta = old["metadata"]
        check_identity(kind, new, meta.get("namespace", ""), meta["name"], old)
        new["metadata"] = dict(new["metadata"])
        self._check_version(kind, new, old, whole=whole)
        new = _separate(kind, new, old, subresource)
        metadata.keep(kind, new, old)
        if not subresource:
            rules.default(kind, new)
        self._require(kind, new, old, subresource)
        _check_finalizers(kind, new, old)
        return new

    def _check_version(self, kind: Kind, new: Object, old: Object, *, whole: bool) -> None:
        sent, current = new["metadata"], old["metadata"]
        version = sent.get("resourceVersion")
        if not version and whole and (kind.custom or kind.id == DEFINITIONS.id):
            cause = status.bad_value("metadata.resourceVersion", 0, "must be specified for an update")
            plural = replace(kind.resource, kind=kind.resource.plural)
            raise status.invalid(plural, current["name"], [cause])
        if sent.get("uid") and sent["uid"] != current["uid"]:
            if not whole:
                cause = status.bad_value("metadata.uid", sent["uid"], "field is immutable")
                raise status.invalid(kind.resource, current["name"], [cause, cause])
            why = f"Precondition failed: UID in precondition: {sent['uid']}, "
            why += f"UID in object meta: {current['uid']}"
            raise status.conflict(kind.resource, current["name"], why)
        if version and version != current["resourceVersion"]:
            if not version.isdigit():
                raise status.bad_request(
                    f"strconv.ParseUint: parsing {status.shown(version)}: invalid syntax"
                )
            raise status.conflict(kind.resource, current["name"])

    def delete(
        self, kind: Kind, namespace: str, name: str, options: DeleteOptions, *, user: Object | None = None
    ) -> Object:
        """Delete an object; return it when it lives on for a while, else a Status."""
        record = self.get(kind, namespace, name)
        self.admission.review(kind, "DELETE", None, record.object(), user=user, dry_run=options.dry_run)
        return self.deletion.delete(kind, record, options)

    def _require(self, kind: Kind, new: Object, old: Object | None, subresource: str = "") -> None:
        causes = metadata.problems(kind, new["metadata"])
        if not causes or kind.schema is not None or kind.id == DEFINITIONS.id:
            causes += rules.problems(kind, new, old, subresource, causes)
        if causes:
            raise status.invalid(kind.resource, new["metadata"].get("name", ""), causes)


def _separate(kind: Kind, new: Object, old: Object, subresource: str) -> Object:
    if subresource == "status":
        changed = {**old, "metadata": dict(old["metadata"])}
        changed.pop("status", None)
        if "status" in new:
            changed["status"] = new["status"]
        if not kind.custom:
            for field in ("labels", "annotations"):
                changed["metadata"][field] = new["metadata"].get(field)
        return changed
    if kind.status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    return new


def _check_finalizers(kind: Kind, new: Object, old: Object) -> None:
    if not old["metadata"].get("deletionTimestamp"):
        return
    had = set(old["metadata"].get("finalizers") or [])
    added = [name for name in new["metadata"].get("finalizers") or [] if name not in had]
    if added:
        names = ", ".join(f'"{name}"' for name in added)
        why = (
            "no new finalizers can be added if the object is being deleted, found new finalizers"
            f" []string{{{names}}}"
        )
        raise status.invalid(
            kind.resource, new["metadata"]["name"], [status.not_allowed("metadata.finalizers", why)]
        )
