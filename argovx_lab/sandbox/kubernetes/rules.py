"""What is particular to single kinds: defaults, checks, admission, grace.

Owns the dispatch by kind; pods have a module of their own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any

from argovx_lab.sandbox.kubernetes import pod_rules, pod_status_rules, policies, quotas, schema, status
from argovx_lab.sandbox.kubernetes.custom import definitions, objects
from argovx_lab.sandbox.kubernetes.interface import SERVICE_ACCOUNTS, Object
from argovx_lab.sandbox.kubernetes.kinds import ADMISSION_GROUP, BY_ID, DEFINITIONS, LEASES, RBAC_GROUP, Kind
from argovx_lab.sandbox.kubernetes.status import Cause
from argovx_lab.sandbox.kubernetes.store import Store
from argovx_lab.sandbox.kubernetes.strict import schema_of

#: All values of a ConfigMap or Secret together. Unit: bytes.
DATA_MAX = 1024 * 1024
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def check_types(kind: Kind, obj: Object, old: Object | None = None) -> None:
    """Take out nulls and refuse wrong JSON types: 422 for custom kinds, 400 for the others.

    Parts that are equal in ``old`` are not looked at again.
    """
    if kind.schema is not None:
        objects.decode(kind, obj)
        return
    found = schema_of(kind)
    schema.prune_nulls(found, obj, old)
    causes = list(schema.problems(found, obj, "", old)) or list(schema.violations(found, obj, "", old))
    if kind.custom:
        undecodable = next((cause for cause in causes if cause.field.startswith("metadata")), None)
        if undecodable is not None:
            raise objects.undecodable(kind, undecodable)
        if causes:
            raise status.invalid(kind.resource, _name(obj), causes)
        return
    for key in set(obj) - set(found.fields):
        del obj[key]
    wrong = next((cause for cause in causes if cause.reason == "FieldValueTypeInvalid"), None)
    if wrong is not None:
        raise objects.undecodable(kind, wrong)


def _name(obj: Object) -> str:
    name = obj["metadata"].get("name") if isinstance(obj.get("metadata"), dict) else ""
    return name if isinstance(name, str) else ""


def default(kind: Kind, obj: Object) -> None:
    """Fill in what the real server fills in."""
    if kind.id == "namespaces":
        labels = obj["metadata"].get("labels") or {}
        obj["metadata"]["labels"] = {**labels, "kubernetes.io/metadata.name": _name(obj)}
        if not obj.get("spec"):
            obj["spec"] = {"finalizers": ["kubernetes"]}
        if not obj.get("status"):
            obj["status"] = {"phase": "Active"}
    elif kind.id == "pods":
        pod_rules.default(obj)
    elif kind.id == "secrets":
        _default_secret(obj)
    elif kind.resource.group == ADMISSION_GROUP:
        policies.default(kind, obj)
    elif kind.id == DEFINITIONS.id:
        definitions.default(obj)
    elif kind.id == "resourcequotas":
        quotas.default(obj)
    elif kind.id == "events":
        for name, value in (("source", {}), ("reportingComponent", ""), ("reportingInstance", "")):
            obj.setdefault(name, value)
    elif kind.resource.group == RBAC_GROUP:
        _default_rbac(obj)


def _default_secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    plain = obj.pop("stringData", None) or {}
    if plain:
        encoded = {
            key: base64.b64encode(value.encode(errors="replace")).decode() for key, value in plain.items()
        }
        obj["data"] = {**(obj.get("data") or {}), **encoded}


def _default_rbac(obj: Object) -> None:
    if obj["kind"] in ("Role", "ClusterRole") and not obj.get("rules"):
        obj["rules"] = None
    if isinstance(obj.get("roleRef"), dict) and not obj["roleRef"].get("apiGroup"):
        obj["roleRef"]["apiGroup"] = RBAC_GROUP
    for subject in obj.get("subjects") or []:
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC_GROUP)


def problems(
    kind: Kind, new: Object, old: Object | None, subresource: str = "", found: Sequence[Cause] = ()
) -> list[Cause]:
    """Return what is wrong with an object whose types are right, beyond its metadata.

    Parameters
    ----------
    found : sequence of Cause
        What is wrong with its metadata: rules may not be asked then.
    """
    if kind.schema is not None:
        return objects.problems(kind, new, old, found, subresource)
    held = {key: value for key, value in new.items() if value is not None}
    causes = [] if kind.custom else list(schema.problems(schema_of(kind), held, ""))
    if kind.id == "pods":
        causes += pod_rules.problems(new, old)
        if old is not None:
            causes += pod_status_rules.problems(new, old)
    elif kind.id in ("configmaps", "secrets"):
        causes += _data_problems(new, old)
    elif kind.resource.group == ADMISSION_GROUP:
        causes += policies.problems(kind, new)
    elif kind.id == DEFINITIONS.id:
        causes += definitions.problems(new, old)
    elif kind.id == "resourcequotas":
        causes += quotas.problems(new)
    elif kind.id == "events":
        causes += _event_problems(new)
    elif kind.resource == LEASES:
        causes += _lease_problems(new.get("spec") or {})
    elif kind.id.endswith(f"roles.{RBAC_GROUP}"):
        causes += _role_problems(new)
    elif kind.id.endswith(f"rolebindings.{RBAC_GROUP}") or kind.id.startswith("clusterrolebindings"):
        causes += _binding_problems(new, old)
    return causes


def _data_problems(new: Object, old: Object | None) -> list[Cause]:
    causes, size = [], 0
    encoded = "data" if new["kind"] == "Secret" else "binaryData"
    for part in ("data", "binaryData"):
        for key, value in (new.get(part) or {}).items():
            if not _DATA_KEY.fullmatch(key):
                why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
                causes.append(status.bad_value(f"{part}[{key}]", key, why))
            size += len(value.encode(errors="replace"))
            if part == encoded and not _is_base64(value):
                raise status.bad_request(f"illegal base64 data in {part}[{key}]")
    if size > DATA_MAX:
        why = f"Too long: may not be more than {DATA_MAX} bytes"
        causes.append(Cause("FieldValueTooLong", why, ""))
    if old is not None and old.get("immutable"):
        parts = ("data", "binaryData", "immutable")
        causes += [
            status.not_allowed(part, "field is immutable when `immutable` is set")
            for part in parts
            if new.get(part) != old.get(part)
        ]
    if old is not None and new.get("type") != old.get("type"):
        causes.append(status.bad_value("type", new.get("type"), "field is immutable"))
    return causes


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _event_problems(new: Object) -> list[Cause]:
    involved = new.get("involvedObject")
    place = new["metadata"].get("namespace")
    if not isinstance(involved, dict):
        return [status.missing("involvedObject")]
    if (involved.get("namespace") or "default") != place:
        found = involved.get("namespace") or ""
        return [status.bad_value("involvedObject.namespace", found, "does not match event.namespace")]
    return []


def _lease_problems(spec: Object) -> list[Cause]:
    causes = []
    lasts, moves = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if lasts is not None and lasts <= 0:
        causes.append(status.bad_value("spec.leaseDurationSeconds", lasts, "must be greater than 0"))
    if moves is not None and moves < 0:
        why = "must be greater than or equal to 0"
        causes.append(status.bad_value("spec.leaseTransitions", moves, why))
    return causes


def _role_problems(new: Object) -> list[Cause]:
    causes = []
    if new.get("aggregationRule"):
        causes.append(status.not_allowed("aggregationRule", "the sandbox does not aggregate cluster roles"))
    for index, rule in enumerate(new.get("rules") or []):
        field = f"rules[{index}]"
        if not rule.get("verbs"):
            causes.append(status.missing(f"{field}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            if new["kind"] == "Role":
                why = "namespaced rules cannot apply to non-resource URLs"
                causes.append(status.bad_value(f"{field}.nonResourceURLs", rule["nonResourceURLs"], why))
            continue
        for part, word in (("apiGroups", "API groups"), ("resources", "resources")):
            if not rule.get(part):
                why = f"resource rules must supply at least one {'api group' if word != part else 'resource'}"
                causes.append(status.missing(f"{field}.{part}", why))
    return causes


def _binding_problems(new: Object, old: Object | None) -> list[Cause]:
    reference: Any = new.get("roleRef") or {}
    causes = []
    allowed = ("ClusterRole",) if new["kind"] == "ClusterRoleBinding" else ("Role", "ClusterRole")
    if reference.get("apiGroup", RBAC_GROUP) != RBAC_GROUP:
        causes.append(status.unsupported_value("roleRef.apiGroup", reference["apiGroup"], (RBAC_GROUP,)))
    if reference.get("kind") not in allowed:
        causes.append(status.unsupported_value("roleRef.kind", reference.get("kind") or "", allowed))
    if not reference.get("name"):
        causes.append(status.missing("roleRef.name"))
    if old is not None and reference != old["roleRef"]:
        causes.append(status.bad_value("roleRef", reference, "cannot change roleRef"))
    for index, subject in enumerate(new.get("subjects") or []):
        field = f"subjects[{index}]"
        if not subject.get("name"):
            causes.append(status.missing(f"{field}.name"))
        if subject.get("kind") not in ("ServiceAccount", "User", "Group"):
            names = ("ServiceAccount", "User", "Group")
            causes.append(status.unsupported_value(f"{field}.kind", subject.get("kind") or "", names))
        elif subject["kind"] == "ServiceAccount" and not subject.get("namespace"):
            causes.append(status.missing(f"{field}.namespace"))
    return causes


def admit(store: Store, kind: Kind, obj: Object) -> None:
    """Refuse a new object by what else is in the store, and give a pod its token."""
    quotas.admit(store, kind, obj)
    if kind.id != "pods":
        return
    meta, account = obj["metadata"], obj["spec"]["serviceAccountName"]
    found = store.get(BY_ID["serviceaccounts"], meta["namespace"], account)
    if found is None:
        missing = status.not_found(SERVICE_ACCOUNTS, account).message
        missing = missing.replace("serviceaccounts", "serviceaccount", 1)
        why = f"error looking up service account {meta['namespace']}/{account}: {missing}"
        raise status.forbidden(kind.resource, meta["name"], why)
    pod_rules.give_token(obj, found.object())


def grace_s(kind: Kind, obj: Object, asked: int | None) -> int:
    """Return the seconds an object has to end; 0 for all but bound pods."""
    return pod_rules.grace_s(obj, asked) if kind.id == "pods" else 0


def finished(obj: Object) -> bool:
    """Whether an object that is being deleted has nothing left to wait for."""
    meta = obj["metadata"]
    return bool(
        meta.get("deletionTimestamp")
        and not meta.get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
        and obj["kind"] != "Namespace"
    )
