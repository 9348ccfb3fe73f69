"""Credential access boundaries: upper limits that a downscoped token carries with it.

Owns validation and evaluation of ``accessBoundary.accessBoundaryRules``. A boundary only takes away: IAM
must allow as well. It covers Cloud Storage only, so a downscoped token is refused by every other service.
Source: https://cloud.google.com/iam/docs/downscoping-short-lived-credentials
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.google import conditions, roles
from argovx_lab.sandbox.google.errors import invalid

#: Source: same page.
RULES_MAX = 10
_RESOURCE = re.compile(
    r"//storage\.googleapis\.com/(projects/_/buckets/[a-z0-9][a-z0-9._-]{1,220}[a-z0-9])\Z"
)
_RULE_KEYS = {"availableResource", "availablePermissions", "availabilityCondition"}


@dataclass(frozen=True)
class Rule:
    """One rule: permissions on one bucket, where a condition holds.

    Parameters
    ----------
    bucket : str
        ``projects/_/buckets/<name>``.
    permissions : frozenset of str
        Union of the roles named by ``inRole:``.
    condition : Condition, optional
        ``None`` means the whole bucket.
    """

    bucket: str
    permissions: frozenset[str]
    condition: conditions.Condition | None

    def allows(self, permission: str, name: str, values: conditions.Values) -> bool:
        """Return whether this rule leaves ``permission`` on the resource ``name``."""
        inside = name == self.bucket or name.startswith(self.bucket + "/")
        if not inside or permission not in self.permissions:
            return False
        return self.condition is None or self.condition.holds(values)


@dataclass(frozen=True)
class Boundary:
    """A validated boundary; rules are a union."""

    rules: tuple[Rule, ...]
    document: Mapping[str, Any]

    def allows(self, permission: str, name: str, values: conditions.Values) -> bool:
        """Return whether some rule leaves ``permission`` on the resource ``name``."""
        return any(rule.allows(permission, name, values) for rule in self.rules)


def parse(document: object) -> Boundary:
    """Validate ``{"accessBoundaryRules": [...]}``.

    Raises
    ------
    GoogleError
        INVALID_ARGUMENT with the rule and field at fault.
    """
    if not isinstance(document, dict) or set(document) != {"accessBoundaryRules"}:
        raise invalid("accessBoundary must be an object with the one field accessBoundaryRules.")
    rules = document["accessBoundaryRules"]
    if not isinstance(rules, list) or not 1 <= len(rules) <= RULES_MAX:
        raise invalid(f"accessBoundaryRules must hold 1 to {RULES_MAX} rules.")
    return Boundary(tuple(_rule(i, rule) for i, rule in enumerate(rules)), document)


def _rule(index: int, rule: object) -> Rule:
    place = f"accessBoundaryRules[{index}]"
    if not isinstance(rule, dict) or not set(rule) <= _RULE_KEYS:
        raise invalid(f"{place} must be an object with the fields {', '.join(sorted(_RULE_KEYS))}.")
    match = _RESOURCE.match(str(rule.get("availableResource", "")))
    if match is None:
        raise invalid(
            f"{place}.availableResource must be //storage.googleapis.com/projects/_/buckets/BUCKET; "
            "boundaries cover Cloud Storage only."
        )
    return Rule(match.group(1), _permissions(place, rule), _condition(place, rule))


def _permissions(place: str, rule: Mapping[str, Any]) -> frozenset[str]:
    names = rule.get("availablePermissions")
    if not isinstance(names, list) or not names:
        raise invalid(f"{place}.availablePermissions must be a list of inRole:ROLE.")
    found: list[str] = []
    for name in names:
        role = str(name).removeprefix("inRole:")
        if not str(name).startswith("inRole:roles/storage.") or role not in roles.PREDEFINED:
            raise invalid(f"{place}.availablePermissions: {name!r} is not inRole: and a storage role.")
        found.append(role)
    return roles.union(found)


def _condition(place: str, rule: Mapping[str, Any]) -> conditions.Condition | None:
    given = rule.get("availabilityCondition")
    if given is None:
        return None
    allowed = {"expression", "title", "description"}
    if (
        not isinstance(given, dict)
        or not set(given) <= allowed
        or not isinstance(given.get("expression"), str)
    ):
        raise invalid(f"{place}.availabilityCondition must hold an expression (and a title, a description).")
    return conditions.parse(given["expression"], attributes=True)
