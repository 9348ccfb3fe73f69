"""Allow policies as documents: read, checked, written with etags, and compiled for decisions.

Owns the keys ``project``, ``serviceAccounts/<email>``, ``buckets/<bucket>`` and
``buckets/<bucket>/managedFolders/<folder>``; who may read or write a policy is the service's question.
Source: https://cloud.google.com/iam/docs/reference/rest/v1/Policy
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from argovx_lab.sandbox.google import conditions, roles
from argovx_lab.sandbox.google.errors import GoogleError, invalid
from argovx_lab.sandbox.google.store import Store

Document = dict[str, Any]

#: Source: https://cloud.google.com/iam/quotas
MEMBERS_MAX: Final = 1500
_TABLE = "iam.policies"
_MEMBER = re.compile(
    r"serviceAccount:[a-z0-9.-]+@[a-z0-9.-]+"
    r"|principal://iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/[a-z0-9-]+/subject/\S+"
    r"|principalSet://iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/[a-z0-9-]+/"
    r"(?:\*|attribute\.(?:namespace|ksa)/[^/\s]+)"
)


@dataclass(frozen=True)
class Binding:
    """One binding, ready to decide with."""

    permissions: frozenset[str]
    members: frozenset[str]
    condition: conditions.Condition | None


class Policies:
    """The policies of one project.

    Parameters
    ----------
    store : Store
        Where they live.
    project : str
        Project id, in whose name custom roles are written.
    """

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project
        self._compiled: dict[str, tuple[Document, tuple[Binding, ...]]] = {}

    def get(self, key: str) -> Document:
        """Return a policy with its etag; one without bindings where none was set."""
        stored = self._store.get(_TABLE, key) or {"version": 1, "bindings": []}
        return {"version": stored["version"], "etag": _etag(stored), "bindings": stored["bindings"]}

    def exists(self, key: str) -> bool:
        """Return whether a policy was ever set there."""
        return self._store.get(_TABLE, key) is not None

    def set(self, key: str, policy: object) -> Document:
        """Replace a policy and return it.

        Raises
        ------
        GoogleError
            INVALID_ARGUMENT for what the sandbox cannot judge; ABORTED when the etag is stale.
        """
        if not isinstance(policy, dict):
            raise invalid("policy must be an object.", ["policy"])
        extra = set(policy) - {"version", "etag", "bindings", "kind", "resourceId"}
        if extra:
            raise invalid(f"policy.{min(extra)} is not emulated by the sandbox.", [f"policy.{min(extra)}"])
        etag = policy.get("etag")
        if etag and etag != self.get(key)["etag"]:
            raise GoogleError(
                "ABORTED",
                "There were concurrent policy changes. Please retry the whole read-modify-write with "
                "exponential backoff. The request's ETag does not match the current policy's ETag.",
            )
        bindings = _merged(policy.get("bindings", []))
        document = {"version": _version(policy, bindings), "bindings": bindings}
        self._compile(document)
        self._store.put(_TABLE, key, document)
        return self.get(key)

    def add(self, key: str, role: str, member: str, condition: Mapping[str, str] | None = None) -> None:
        """Add one binding, keeping what is there."""
        binding: Document = {"role": role, "members": [member]}
        if condition is not None:
            binding["condition"] = dict(condition)
        policy = self.get(key)
        self.set(key, {**policy, "version": 3, "bindings": [*policy["bindings"], binding]})

    def drop(self, key: str) -> None:
        """Remove the policies of a resource that is gone, and of everything below it."""
        self._store.delete(_TABLE, key)
        for below, _ in list(self._store.scan(_TABLE, key + "/")):
            self._store.delete(_TABLE, below)

    def bindings(self, key: str) -> tuple[Binding, ...]:
        """Return the compiled bindings of one resource's own policy."""
        document = self._store.get(_TABLE, key)
        if document is None:
            return ()
        known = self._compiled.get(key)
        # the store replaces documents, so the same object is the same policy
        if known is None or known[0] is not document:
            known = self._compiled[key] = (document, self._compile(document))
        return known[1]

    def _compile(self, document: Document) -> tuple[Binding, ...]:
        return tuple(self._binding(i, binding) for i, binding in enumerate(document["bindings"]))

    def _binding(self, index: int, binding: Mapping[str, Any]) -> Binding:
        place = f"policy.bindings[{index}]"
        contained = roles.permissions(str(binding.get("role")), self._project)
        if contained is None:
            raise invalid(
                f"Role {binding.get('role')} is not supported for this resource.", [f"{place}.role"]
            )
        members = binding["members"]
        for member in members:
            if not _MEMBER.fullmatch(member):
                raise invalid(
                    f"Invalid member {member!r}: the sandbox knows serviceAccount:, principal:// and "
                    "principalSet:// of a workload identity pool.",
                    [f"{place}.members"],
                )
        given = binding.get("condition")
        condition = conditions.parse(given["expression"]) if given else None
        return Binding(contained, frozenset(members), condition)


def _version(policy: Mapping[str, Any], bindings: list[Document]) -> int:
    version = policy.get("version", 1)
    if version not in (0, 1, 3):
        raise invalid(f"Policy version {version!r} is not valid: 1 or 3.", ["policy.version"])
    conditional = any("condition" in b for b in bindings)
    if conditional and version != 3:
        raise invalid("Policies with conditions must have version 3.", ["policy.version"])
    return 3 if conditional else 1


def _merged(bindings: object) -> list[Document]:
    """Return bindings with one entry per role and condition, members sorted; empty ones are dropped."""
    if not isinstance(bindings, list):
        raise invalid("policy.bindings must be a list.", ["policy.bindings"])
    found: dict[str, Document] = {}
    for index, binding in enumerate(bindings):
        entry = _shape(f"policy.bindings[{index}]", binding)
        key = json.dumps([entry["role"], entry.get("condition")], sort_keys=True)
        known = found.setdefault(key, {**entry, "members": []})
        known["members"] = sorted({*known["members"], *entry["members"]})
    kept = [entry for entry in found.values() if entry["members"]]
    if sum(len(entry["members"]) for entry in kept) > MEMBERS_MAX:
        raise invalid(f"The policy has more than {MEMBERS_MAX} members.", ["policy.bindings"])
    return kept


def _shape(place: str, binding: object) -> Document:
    if not isinstance(binding, dict) or not set(binding) <= {"role", "members", "condition"}:
        raise invalid(f"{place} must hold role, members and condition only.", [place])
    role, members = binding.get("role"), binding.get("members") or []
    if (
        not isinstance(role, str)
        or not isinstance(members, list)
        or not all(isinstance(m, str) for m in members)
    ):
        raise invalid(f"{place} must hold a role and a list of members.", [place])
    entry: Document = {"role": role, "members": members}
    condition = binding.get("condition")
    if condition:
        good = isinstance(condition, dict) and set(condition) <= {
            "title",
            "description",
            "expression",
            "location",
        }
        if not good or not isinstance(condition.get("expression"), str) or not condition.get("title"):
            raise invalid(f"{place}.condition must hold a title and an expression.", [f"{place}.condition"])
        entry["condition"] = condition
    return entry


def _etag(document: Document) -> str:
    text = json.dumps(document, sort_keys=True)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()
