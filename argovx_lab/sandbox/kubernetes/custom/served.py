"""From definitions to served kinds: names that are accepted, kinds that come and go, the ends of objects.

Owns what the real server's controllers do with a definition. A definition holds from the write on; the real
one takes up to a second.
Source: k8s.io/apiextensions-apiserver ``pkg/controller``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from argovx_lab.sandbox.clock import rfc3339
from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.custom.definitions import FINALIZER, condition, kind_of, with_conditions
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, DEFINITIONS, Kind
from argovx_lab.sandbox.kubernetes.store import Store

_NAMES = (("plural", "Plural"), ("singular", "Singular"), ("kind", "Kind"), ("listKind", "ListKind"))


def established(obj: Object) -> bool:
    """Whether a definition's kind is served."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


class Definitions:
    """Serves what the store's definitions define.

    Parameters
    ----------
    now : callable
        Stamps conditions.

    Attributes
    ----------
    own : dict
        Name of a definition to the sandbox's own spec: its kind then keeps the sandbox's own schema.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self.now = store, now
        self.own: dict[str, Object] = {}

    def load(self) -> None:
        """Serve what was defined before a restart."""
        for record in self._store.select(DEFINITIONS):
            obj = record.object()
            if established(obj):
                self._serve(obj)

    def written(self, kind: Kind, obj: Object) -> None:
        """Look at a definition that was made or changed, and write its conditions."""
        if kind.id != DEFINITIONS.id or obj["metadata"].get("deletionTimestamp"):
            return
        at, taken = rfc3339(self.now()), self._taken(obj)
        new = {**obj, "metadata": dict(obj["metadata"])}
        if taken is None:
            names = condition(
                "NamesAccepted", value=True, reason="NoConflicts", message="no conflicts found", at=at
            )
            message = "the initial names have been accepted"
            first = condition(
                "Established", value=True, reason="InitialNamesAccepted", message=message, at=at
            )
            new = with_conditions(new, names, *([] if established(new) else [first]))
            new["status"]["acceptedNames"] = dict(obj["spec"]["names"])
        else:
            why, name = taken
            names = condition(
                "NamesAccepted", value=False, reason=why, message=f'"{name}" is already in use', at=at
            )
            message = "not all names are accepted"
            last = condition("Established", value=False, reason="NotAccepted", message=message, at=at)
            new = with_conditions(new, names, *([] if established(new) else [last]))
            new["status"]["acceptedNames"] = self._free(obj)
        if new["status"] != obj.get("status"):
            self._store.put(DEFINITIONS, new)
        if established(new):
            self._serve(new)

    def _serve(self, obj: Object) -> None:
        name = obj["metadata"]["name"]
        own = name in BY_ID and self.own.get(name) == obj["spec"]
        self._store.serve(BY_ID[name] if own else kind_of(obj))

    def _taken(self, obj: Object) -> tuple[str, str] | None:
        """Return why names are not accepted, by another definition of the same group."""
        used, names, found = self._used(obj), obj["spec"]["names"], None
        for field, word in _NAMES:
            if _key(field, names[field]) in used:
                found = (f"{word}Conflict", names[field])
        for name in names.get("shortNames") or ():
            if _key("", name) in used:
                found = found or ("ShortNamesConflict", name)
        return found

    def _free(self, obj: Object) -> Object:
        """Return the names of a definition that no other one has."""
        used, names = self._used(obj), obj["spec"]["names"]
        free = {field: names[field] for field, _ in _NAMES if _key(field, names[field]) not in used}
        return {"plural": "", "kind": "", **free}

    def _used(self, obj: Object) -> set[str]:
        used: set[str] = set()
        for record in self._store.select(DEFINITIONS):
            other = record.object()
            same = record.name != obj["metadata"]["name"] and other["spec"]["group"] == obj["spec"]["group"]
            accepted: Object = (other.get("status") or {}).get("acceptedNames") or {}
            if same:
                used |= {_key(field, accepted[field]) for field, _ in _NAMES if accepted.get(field)}
                used |= {_key("", name) for name in accepted.get("shortNames") or ()}
        return used

    def check_create(self, kind: Kind, name: str) -> None:
        """Refuse a new object of a kind whose definition ends."""
        record = self._store.get(DEFINITIONS, "", kind.id) if kind.custom else None
        if record is not None and record.object()["metadata"].get("deletionTimestamp"):
            why = "create not allowed while custom resource definition is terminating"
            raise status.forbidden(kind.resource, name, why)

    def check_delete(self, name: str) -> None:
        """Refuse the end of a kind that the sandbox's own engine lives on."""
        if name in BY_ID:
            why = "the sandbox's workflow engine lives on this kind; change its definition instead"
            raise status.forbidden(DEFINITIONS.resource, name, why)

    def ending(self, obj: Object) -> Object:
        """Return a definition that is marked for deletion: its objects go first."""
        meta = {**obj["metadata"]}
        if FINALIZER not in (meta.get("finalizers") or []):
            meta["finalizers"] = [*(meta.get("finalizers") or []), FINALIZER]
        message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
        last = condition(
            "Terminating",
            value=True,
            reason="InstanceDeletionPending",
            message=message,
            at=rfc3339(self.now()),
        )
        return with_conditions({**obj, "metadata": meta}, last)


def _key(field: str, name: str) -> str:
    """Return what two names of one group may not share: resources and kinds are two worlds."""
    return f"kind {name}" if field in ("kind", "listKind") else f"resource {name}"
