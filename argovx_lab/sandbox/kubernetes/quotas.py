"""ResourceQuota: how many objects of a kind a namespace may hold.

Owns the count of objects and the refusal above it; quotas on cpu, memory, storage and scopes are refused
by name, because nothing here measures them.
Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

import re

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, Kind
from argovx_lab.sandbox.kubernetes.status import Cause
from argovx_lab.sandbox.kubernetes.store import Store

KIND = BY_ID["resourcequotas"]
#: Kinds that a quota may name without ``count/``.
_PLAIN = ("pods", "configmaps", "secrets", "resourcequotas")
_QUANTITY = re.compile(r"(\d{1,12})(k|M|G)?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


def kind_of(key: str) -> Kind | None:
    """Return the kind whose objects ``key`` counts, ``None`` when nothing here can count it."""
    found = key.removeprefix("count/")
    return BY_ID.get(found) if key != found or key in _PLAIN else None


def quantity(text: str) -> int:
    """Read a whole number such as ``5`` or ``1k``; it has been checked."""
    found = _QUANTITY.fullmatch(text)
    assert found is not None
    return int(found[1]) * _UNITS[found[2] or ""]


def canonical(number: int) -> str:
    """Write a number as the real server does: the largest unit without a fraction."""
    units = [unit for unit, size in _UNITS.items() if number and number % size == 0]
    unit = units[-1] if units else ""
    return f"{number // _UNITS[unit]}{unit}"


def default(quota: Object) -> None:
    """Fill in a new quota, in place."""
    spec = quota.get("spec") or {}
    quota["spec"] = spec
    hard = spec.get("hard") or {}
    spec_hard = {
        k: canonical(quantity(str(v))) if _QUANTITY.fullmatch(str(v)) else v for k, v in hard.items()
    }
    if spec_hard:
        spec["hard"] = spec_hard
    quota.setdefault("status", {})


def problems(quota: Object) -> list[Cause]:
    """Return what a quota asks that cannot be counted."""
    spec = quota.get("spec") or {}
    causes = [
        status.not_allowed(f"spec.{name}", "the sandbox does not know quota scopes")
        for name in ("scopes", "scopeSelector")
        if spec.get(name)
    ]
    for key, value in (spec.get("hard") or {}).items():
        if kind_of(key) is None:
            known = f"use count/RESOURCE or one of {', '.join(_PLAIN)}"
            why = f"the sandbox counts objects only; {known}"
            causes.append(status.not_allowed(f"spec.hard[{key}]", why))
        elif not _QUANTITY.fullmatch(str(value)):
            causes.append(status.bad_value(f"spec.hard[{key}]", value, "must be a whole number"))
    return causes


def _used(store: Store, key: str, namespace: str) -> int:
    kind = kind_of(key)
    assert kind is not None
    records = store.select(kind, namespace)
    if key != "pods":
        return len(records)
    ended = ("Succeeded", "Failed")
    return sum((record.object().get("status") or {}).get("phase") not in ended for record in records)


def admit(store: Store, kind: Kind, obj: Object) -> None:
    """Refuse a new object that is one too many."""
    namespace = obj["metadata"].get("namespace", "")
    for record in store.select(KIND, namespace) if namespace else ():
        hard = (record.object().get("spec") or {}).get("hard") or {}
        for key, limit in hard.items():
            if kind_of(key) is not kind:
                continue
            used = _used(store, key, namespace)
            if used + 1 > quantity(limit):
                why = (
                    f"exceeded quota: {record.name}, requested: {key}=1, used: {key}={canonical(used) or 0},"
                    f" limited: {key}={limit}"
                )
                raise status.forbidden(kind.resource, obj["metadata"]["name"], why)


def refresh(store: Store, namespace: str) -> None:
    """Write what is used into the status of a namespace's quotas, where it changed."""
    for record in store.select(KIND, namespace) if namespace else ():
        quota = record.object()
        hard = (quota.get("spec") or {}).get("hard") or {}
        if not hard:
            continue
        used = {key: canonical(_used(store, key, namespace)) for key in hard}
        current = {"hard": hard, "used": used}
        if quota.get("status") != current:
            store.put(KIND, {**quota, "status": current})
