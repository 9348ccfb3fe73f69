"""RBAC: which user may do what, decided from the Role and Binding objects in the store.

Owns evaluation and the rule that nobody grants what they do not hold; there is no superuser.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.authentication import User
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, RBAC_GROUP, Kind
from argovx_lab.sandbox.kubernetes.store import Store

_ROLES, _CLUSTER_ROLES = BY_ID[f"roles.{RBAC_GROUP}"], BY_ID[f"clusterroles.{RBAC_GROUP}"]
_BINDINGS = BY_ID[f"rolebindings.{RBAC_GROUP}"]
_CLUSTER_BINDINGS = BY_ID[f"clusterrolebindings.{RBAC_GROUP}"]


@dataclass(frozen=True)
class Attributes:
    """What a request wants to do; ``path`` is set for paths that are no resources."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    version: str = "v1"

    @property
    def full(self) -> str:
        """``pods`` or ``pods/log``, as rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Authorizer:
    """Decides by the RBAC objects of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def allowed(self, user: User, wanted: Attributes) -> bool:
        """Whether a rule that holds for the user allows it."""
        return any(covers(rule, wanted) for rule in self.rules(user, wanted.namespace))

    def require(self, user: User, wanted: Attributes) -> None:
        """Raise 403 in the real server's words when no rule allows it."""
        if not self.allowed(user, wanted):
            raise denial(user, wanted)

    def rules(self, user: User, namespace: str) -> Iterator[Object]:
        """Yield the rules that hold for a user: cluster-wide, and in ``namespace`` when it is given."""
        for binding in self._bindings(_CLUSTER_BINDINGS, ""):
            if _is_subject(binding, user, ""):
                yield from self.rules_of(binding["roleRef"], "")
        if namespace:
            for binding in self._bindings(_BINDINGS, namespace):
                if _is_subject(binding, user, namespace):
                    yield from self.rules_of(binding["roleRef"], namespace)

    def rules_of(self, reference: Object, namespace: str) -> list[Object]:
        """Return the rules of a roleRef; none when the role does not exist."""
        kind = _ROLES if reference["kind"] == "Role" else _CLUSTER_ROLES
        place = namespace if reference["kind"] == "Role" else ""
        record = self._store.get(kind, place, reference["name"])
        return list((record.object().get("rules") or []) if record else [])

    def _bindings(self, kind: Kind, namespace: str) -> Iterator[Object]:
        for record in self._store.select(kind, namespace):
            yield record.object()

    def check_grant(self, user: User, kind: Kind, obj: Object) -> None:
        """Raise 403 when writing this role or binding would give more than the user holds.

        Notes
        -----
        The verbs ``escalate`` on roles and ``bind`` on a referenced role lift the check.
        """
        meta = obj["metadata"]
        namespace = meta.get("namespace", "")
        if kind in (_ROLES, _CLUSTER_ROLES):
            lift = Attributes("escalate", RBAC_GROUP, kind.resource.plural, "", namespace, meta["name"])
            granted = obj.get("rules") or []
        elif kind in (_BINDINGS, _CLUSTER_BINDINGS):
            reference = obj["roleRef"]
            plural = "roles" if reference["kind"] == "Role" else "clusterroles"
            lift = Attributes("bind", RBAC_GROUP, plural, "", namespace, reference["name"])
            granted = self.rules_of(reference, namespace)
        else:
            return
        if self.allowed(user, lift):
            return
        held = list(self.rules(user, namespace))
        lacking = [rule for rule in granted if not _held(rule, held)]
        if lacking:
            groups = " ".join(f'"{group}"' for group in user.groups)
            why = f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not'
            lines = "\n".join(_shown(rule) for rule in lacking)
            raise status.forbidden(kind.resource, meta["name"], f"{why} currently held:\n{lines}")


def covers(rule: Object, wanted: Attributes) -> bool:
    """Whether one rule allows a request."""
    if not _has(rule.get("verbs"), wanted.verb):
        return False
    if wanted.path:
        return any(_path_covers(pattern, wanted.path) for pattern in rule.get("nonResourceURLs") or [])
    names = rule.get("resourceNames") or []
    return (
        _has(rule.get("apiGroups"), wanted.group)
        and _resource_covers(rule.get("resources") or [], wanted)
        and (not names or wanted.name in names)
    )


def _has(values: list[str] | None, wanted: str) -> bool:
    return values is not None and ("*" in values or wanted in values)


def _resource_covers(resources: list[str], wanted: Attributes) -> bool:
    any_parent = f"*/{wanted.subresource}" if wanted.subresource else "*"
    return "*" in resources or wanted.full in resources or any_parent in resources


def _path_covers(pattern: str, path: str) -> bool:
    if pattern.endswith("*"):
        return path.startswith(pattern[:-1])
    return path == pattern


def _is_subject(binding: Object, user: User, namespace: str) -> bool:
    for subject in binding.get("subjects") or []:
        kind, name = subject.get("kind"), subject.get("name")
        if kind == "User" and name == user.name:
            return True
        if kind == "Group" and name in user.groups:
            return True
        if kind == "ServiceAccount":
            place = subject.get("namespace") or namespace
            if f"system:serviceaccount:{place}:{name}" == user.name:
                return True
    return False


def _held(rule: Object, held: list[Object]) -> bool:
    """Whether every single right inside ``rule`` is covered by one of the held rules."""
    return all(any(covers(own, single) for own in held) for single in _singles(rule))


def _singles(rule: Object) -> Iterator[Attributes]:
    for verb in rule.get("verbs") or []:
        for path in rule.get("nonResourceURLs") or []:
            yield Attributes(verb, path=path)
        for group in rule.get("apiGroups") or []:
            for full in rule.get("resources") or []:
                resource, _, subresource = full.partition("/")
                for name in rule.get("resourceNames") or [""]:
                    yield Attributes(verb, group, resource, subresource, name=name)


def _shown(rule: Object) -> str:
    parts = (
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("ResourceNames", "resourceNames"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("Verbs", "verbs"),
    )
    shown = []
    for word, key in parts:
        if rule.get(key):
            values = ", ".join(f'"{value}"' for value in rule[key])
            shown.append(f"{word}:[{values}]")
    return "{" + ", ".join(shown) + "}"


def denial(user: User, wanted: Attributes) -> ApiError:
    """Return the 403 of a request that no rule allows."""
    if wanted.path:
        return status.forbidden_path(user.name, wanted.verb, wanted.path)
    place = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {wanted.verb} resource "{wanted.full}"'
    why += f' in API group "{wanted.group}" {place}'
    subject = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    subject += f' "{wanted.name}"' if wanted.name else ""
    text = f"{subject} is forbidden: {why}"
    details = {"name": wanted.name, "group": wanted.group, "kind": wanted.resource}
    return ApiError(403, "Forbidden", text, {key: value for key, value in details.items() if value})
