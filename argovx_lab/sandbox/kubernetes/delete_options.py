"""What a caller may ask of a deletion, from a body and its query twins.

Owns DeleteOptions and ``dryRun``; an option that is not honoured is refused by name.
Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.kubernetes import status

POLICIES = ("Background", "Foreground", "Orphan")
_KNOWN = {
    "kind",
    "apiVersion",
    "gracePeriodSeconds",
    "preconditions",
    "propagationPolicy",
    "dryRun",
    "orphanDependents",
}


@dataclass(frozen=True)
class DeleteOptions:
    """What a caller may ask of a deletion; ``grace_s`` ``None`` means the object's own."""

    grace_s: int | None = None
    uid: str = ""
    revision: str = ""
    policy: str = "Background"
    dry_run: bool = False


def options_from(body: Any, query: dict[str, str]) -> DeleteOptions:
    """Read a DeleteOptions body and its query twins; 400 for what is unknown or malformed."""
    if not isinstance(body, dict):
        raise status.bad_request(f"DeleteOptions must be an object, it is {status.shown(body)}")
    for name in sorted(set(body) - _KNOWN):
        raise status.bad_request(f'unknown field "{name}" in DeleteOptions')
    values = {**body, **query}
    grace = _grace(values.get("gracePeriodSeconds"))
    wanted = values.get("preconditions") or {}
    if not isinstance(wanted, dict) or any(not isinstance(v, str | None) for v in wanted.values()):
        raise status.bad_request("preconditions must hold strings: uid, resourceVersion")
    for name in sorted(set(wanted) - {"uid", "resourceVersion"}):
        raise status.bad_request(f'unknown field "preconditions.{name}" in DeleteOptions')
    return DeleteOptions(
        grace,
        wanted.get("uid") or "",
        wanted.get("resourceVersion") or "",
        _policy(values),
        dry_run(values.get("dryRun"), "DeleteOptions"),
    )


def _policy(values: dict[str, Any]) -> str:
    policy, orphan = values.get("propagationPolicy"), values.get("orphanDependents")
    if policy and orphan is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        raise status.bad_options("DeleteOptions", status.bad_value("propagationPolicy", policy, why))
    if policy and policy not in POLICIES:
        allowed = ("Foreground", "Background", "Orphan", "nil")
        cause = status.unsupported_value("propagationPolicy", policy, allowed)
        raise status.bad_options("DeleteOptions", cause)
    if orphan not in (None, True, False, "true", "false"):
        raise status.bad_request(f"orphanDependents {status.shown(orphan)} is neither true nor false")
    return policy or ("Orphan" if orphan in (True, "true") else "Background")


def _grace(value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        seconds = int(value)
    except (TypeError, ValueError):
        seconds = -1
    if isinstance(value, bool | float) or seconds < 0:
        raise status.bad_request(f"gracePeriodSeconds {status.shown(value)} is no whole number of seconds")
    return seconds


def dry_run(value: Any, options: str) -> bool:
    """Read ``dryRun``, which allows ``All`` only."""
    values = value if isinstance(value, list) else [value]
    if values in ([], [None], [""]):
        return False
    if values != ["All"]:
        shown = "[" + " ".join(status.shown(item) for item in values) + "]"
        text = f'Unsupported value: {shown}: supported values: "All"'
        raise status.bad_options(options, status.Cause("FieldValueNotSupported", text, "dryRun"))
    return True
