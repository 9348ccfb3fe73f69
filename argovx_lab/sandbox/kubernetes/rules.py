"""What is particular to single kinds: defaults, checks, admission, grace.

Owns the dispatch; refuses nothing itself.
"""

from __future__ import annotations

from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import Kind
from argovx_lab.sandbox.kubernetes.status import Cause
from argovx_lab.sandbox.kubernetes.store import Store


def default(kind: Kind, obj: Object) -> None:
    """Fill in what the real server fills in."""
    if kind.id == "namespaces":
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"].get(
            "name", ""
        )
        obj.setdefault("spec", {"finalizers": ["kubernetes"]})
        obj.setdefault("status", {"phase": "Active"})
    if kind.id == "pods":
        obj.setdefault("status", {"phase": "Pending"})


def problems(kind: Kind, new: Object, old: Object | None) -> list[Cause]:
    """Return what is wrong with an object, beyond its metadata."""
    del kind, new, old
    return []


def admit(store: Store, kind: Kind, obj: Object) -> None:
    """Refuse or complete a new object by what else is in the store."""
    del store, kind, obj


def grace_s(kind: Kind, obj: Object, asked: int | None) -> int:
    """Return the seconds an object has to end; 0 for all but bound pods."""
    if kind.id != "pods":
        return 0
    spec = obj.get("spec") or {}
    phase = (obj.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    return int(spec.get("terminationGracePeriodSeconds", 30)) if asked is None else asked


def finished(obj: Object) -> bool:
    """Whether an object that is being deleted has nothing left to wait for."""
    meta = obj["metadata"]
    return bool(
        meta.get("deletionTimestamp")
        and not meta.get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
        and obj["kind"] != "Namespace"
    )
