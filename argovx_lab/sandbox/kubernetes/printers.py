"""Which columns a table of objects has, and what stands in them: the server's half of ``kubectl get``.

Owns the columns of the served core kinds, those that definitions name, and human durations.
Source: k8s.io/kubernetes ``pkg/printers/internalversion``; k8s.io/apimachinery ``pkg/util/duration``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from argovx_lab.sandbox.kubernetes import pod_columns
from argovx_lab.sandbox.kubernetes.custom.columns import look_up
from argovx_lab.sandbox.kubernetes.interface import Object

UNKNOWN: Final = "<unknown>"
_NONE: Final = "<none>"


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    cell : callable
        From an object and the present moment to what is shown.
    priority : int
        Above 0: shown by ``-o wide`` alone.
    """

    name: str
    cell: Callable[[Object, datetime], Any]
    type: str = "string"
    priority: int = 0
    format: str = ""
    description: str = ""

    def definition(self) -> Object:
        """Return the column as a table names it."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


def human(seconds: float) -> str:
    """Return a duration as kubectl writes it, such as ``5m30s`` or ``3d``."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 120:
        return f"{max(whole, 0)}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    return _two(days // 365, "y", days % 365, "d") if days < 2920 else f"{days // 365}y"


def _two(first: int, unit: str, second: int, other: str) -> str:
    return f"{first}{unit}{second}{other}" if second else f"{first}{unit}"


def since(stamp: Any, now: datetime) -> str:
    """Return how long ago a time was."""
    if not isinstance(stamp, str):
        return UNKNOWN
    try:
        moment = datetime.fromisoformat(stamp)
        return human((now - moment).total_seconds())
    except (ValueError, TypeError):
        return "<invalid>"


def _at(*path: str, default: Any = "") -> Callable[[Object, datetime], Any]:
    def cell(obj: Object, _: datetime) -> Any:
        value: Any = obj
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return default if value is None else value

    return cell


def _count(*fields: str) -> Callable[[Object, datetime], Any]:
    return lambda obj, _: sum(len(obj.get(field) or ()) for field in fields)


def _age(obj: Object, now: datetime) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)


def _made(obj: Object, _: datetime) -> Any:
    return obj["metadata"].get("creationTimestamp") or UNKNOWN


def _subjects(kind: str) -> Callable[[Object, datetime], str]:
    def cell(obj: Object, _: datetime) -> str:
        found = [item for item in obj.get("subjects") or [] if item.get("kind") == kind]
        spaces = [f"{item['namespace']}/" if item.get("namespace") else "" for item in found]
        return ", ".join(space + str(item.get("name")) for space, item in zip(spaces, found, strict=True))

    return cell


def _quota(part: str) -> Callable[[Object, datetime], str]:
    def cell(obj: Object, _: datetime) -> str:
        state: Object = obj.get("status") or {}
        hard, used = state.get("hard") or {}, state.get("used") or {}
        names = [name for name in sorted(hard) if name.startswith("limits.") == (part == "limits")]
        return ", ".join(f"{name}: {used.get(name, 0)}/{hard[name]}" for name in names)

    return cell


def _event_time(*places: tuple[str, ...]) -> Callable[[Object, datetime], str]:
    def cell(obj: Object, now: datetime) -> str:
        found = (_at(*place, default=None)(obj, now) for place in places)
        return since(next((stamp for stamp in found if stamp), None), now)

    return cell


def _involved(obj: Object, _: datetime) -> str:
    about = obj.get("involvedObject") or {}
    return f"{str(about.get('kind') or '').lower()}/{about.get('name') or ''}"


def _source(obj: Object, now: datetime) -> str:
    found = [str(_at("source", part)(obj, now)) for part in ("component", "host")]
    return ", ".join(filter(None, found)) or str(obj.get("reportingComponent") or "")


_NAME: Final = Column("Name", _at("metadata", "name"), format="name")
_AGE: Final = Column("Age", _age)
_MADE: Final = Column("Created At", _made)
_SEEN: Final = (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("firstTimestamp",))
_BINDING: Final = (
    _NAME,
    Column("Role", lambda obj, _: f"{obj['roleRef'].get('kind')}/{obj['roleRef'].get('name')}"),
    _AGE,
    Column("Users", _subjects("User"), priority=1),
    Column("Groups", _subjects("Group"), priority=1),
    Column("ServiceAccounts", _subjects("ServiceAccount"), priority=1),
)
_PODS: Final = (
    _NAME,
    Column("Ready", lambda pod, _: pod_columns.ready(pod)),
    Column("Status", lambda pod, _: pod_columns.state(pod)),
    Column("Restarts", lambda pod, _: str(pod_columns.restarts(pod))),
    _AGE,
    Column("IP", _at("status", "podIP", default=_NONE), priority=1),
    Column("Node", _at("spec", "nodeName", default=_NONE), priority=1),
    Column("Nominated Node", _at("status", "nominatedNodeName", default=_NONE), priority=1),
    Column("Readiness Gates", lambda _, __: _NONE, priority=1),
)
_EVENTS: Final = (
    Column("Last Seen", _event_time(*_SEEN)),
    Column("Type", _at("type")),
    Column("Reason", _at("reason")),
    Column("Object", _involved),
    Column("Subobject", _at("involvedObject", "fieldPath"), priority=1),
    Column("Source", _source, priority=1),
    Column("Message", lambda obj, _: str(obj.get("message") or "").strip()),
    Column("First Seen", _event_time(("firstTimestamp",), ("eventTime",)), priority=1),
    Column("Count", _at("count", default=1), type="integer", priority=1),
    Column("Name", _at("metadata", "name"), format="name", priority=1),
)

#: By the kind's id; every other one has a name and an age.
COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "pods": _PODS,
    "events": _EVENTS,
    "namespaces": (_NAME, Column("Status", _at("status", "phase")), _AGE),
    "configmaps": (_NAME, Column("Data", _count("data", "binaryData"), "integer"), _AGE),
    "secrets": (_NAME, Column("Type", _at("type")), Column("Data", _count("data"), "integer"), _AGE),
    "serviceaccounts": (_NAME, Column("Secrets", _count("secrets"), "integer"), _AGE),
    "resourcequotas": (_NAME, Column("Request", _quota("")), Column("Limit", _quota("limits")), _AGE),
    "leases.coordination.k8s.io": (_NAME, Column("Holder", _at("spec", "holderIdentity")), _AGE),
    "customresourcedefinitions.apiextensions.k8s.io": (_NAME, _MADE),
    **{f"{name}.rbac.authorization.k8s.io": (_NAME, _MADE) for name in ("roles", "clusterroles")},
    **{f"{name}.rbac.authorization.k8s.io": _BINDING for name in ("rolebindings", "clusterrolebindings")},
}


def columns_of(kind_id: str, definition: Object | None) -> tuple[Column, ...]:
    """Return the columns of a kind, with its definition when it has one."""
    if definition is None:
        return COLUMNS.get(kind_id, (_NAME, _AGE))
    named = definition["spec"]["versions"][0].get("additionalPrinterColumns")
    return (_NAME, *_defined(named)) if named else (_NAME, _AGE)


def _defined(named: list[Object]) -> Iterator[Column]:
    for item in named:
        yield Column(
            item["name"],
            _by_path(item["jsonPath"], item["type"]),
            item["type"],
            item.get("priority") or 0,
            item.get("format") or "",
            item.get("description") or "",
        )


def _by_path(path: str, kind: str) -> Callable[[Object, datetime], Any]:
    types: dict[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}

    def cell(obj: Object, now: datetime) -> Any:
        found = look_up(path, obj)
        if not found:
            return None
        if kind == "date":
            return since(found[0], now)
        if kind == "string":
            return ",".join(_shown(item) for item in found) if len(found) > 1 else _shown(found[0])
        fits = isinstance(found[0], types[kind]) and isinstance(found[0], bool) == (kind == "boolean")
        return found[0] if fits else None

    return cell


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
