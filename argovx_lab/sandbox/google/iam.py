"""IAM: allow policies on the resources of the sandbox, and the one place where a call is decided.

Owns policies (project, service account, bucket, managed folder), members, inheritance and the wording of a
denial. No principal is special: who has no binding may do nothing. What the sandbox cannot judge (``user:``
members, deny policies, unknown roles or conditions) is refused when the policy is set.
Source: https://cloud.google.com/iam/docs/policies, https://cloud.google.com/iam/docs/principal-identifiers
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google import conditions, roles
from argovx_lab.sandbox.google.boundary import Boundary
from argovx_lab.sandbox.google.caller import Caller
from argovx_lab.sandbox.google.errors import GoogleError, invalid
from argovx_lab.sandbox.google.policies import Policies
from argovx_lab.sandbox.google.store import Store

#: The attribute by which a listing tells its prefix. Source: downscoping-short-lived-credentials.
LIST_PREFIX: Final = "storage.googleapis.com/objectListPrefix"

_STORAGE = re.compile(r"projects/_/buckets/([^/]+)(?:/(objects|managedFolders)/(.*))?\Z", re.DOTALL)
_ACCOUNT = re.compile(r"projects/([^/]+)/serviceAccounts/([^/]+)\Z")
_PROJECT = re.compile(r"projects/([^/]+)(?:/|\Z)")
_SUBJECT = re.compile(r"(principal)(://.+/workloadIdentityPools/[^/]+)/subject/(.+)\Z")
_KSA = re.compile(r"system:serviceaccount:([^:]+):([^:]+)\Z")


@dataclass(frozen=True)
class Resource:
    """A resource as IAM sees it.

    Parameters
    ----------
    service : str
        ``storage.googleapis.com`` …; empty when the name had none.
    name : str
        Relative name, ``projects/…``; what ``resource.name`` of a condition reads.
    full : str
        As the caller of ``check`` wrote it, for messages.
    """

    service: str
    name: str
    full: str

    @classmethod
    def of(cls, text: str) -> Resource:
        """Split ``//service/name``; a text without the slashes is a name alone."""
        if not text.startswith("//"):
            return cls("", text, text)
        service, _, name = text[2:].partition("/")
        return cls(service, name, text)

    @property
    def type(self) -> str:
        """The resource type that conditions read; empty where we do not name it."""
        match = _STORAGE.match(self.name)
        if match is not None:
            kind = {None: "Bucket", "objects": "Object", "managedFolders": "ManagedFolder"}[match.group(2)]
            return f"storage.googleapis.com/{kind}"
        return "iam.googleapis.com/ServiceAccount" if _ACCOUNT.match(self.name) else ""


class Iam:
    """Decides calls by principal, permission and resource.

    Parameters
    ----------
    store : Store
        Where policies live.
    clock : Clock
        What ``request.time`` of a condition is.
    project, number : str
        The sandbox's only project, by id and by number.
    """

    def __init__(self, store: Store, clock: Clock, project: str, number: str) -> None:
        self._clock = clock
        self.project, self.number = project, number
        self.policies = Policies(store, project)

    def allows(
        self,
        caller: Caller,
        permission: str,
        resource: str,
        *,
        attributes: Mapping[str, str] | None = None,
    ) -> bool:
        """Return whether ``caller`` may do ``permission`` on ``resource``.

        Parameters
        ----------
        caller, permission : Caller, str
            Whose call, and ``aiplatform.customJobs.create`` or its kin.
        resource : str
            Full resource name ``//service/projects/…``; project by id or number.
        attributes : mapping, optional
            API attributes, such as :data:`LIST_PREFIX`.
        """
        target = Resource.of(resource)
        given = attributes or {}
        values: dict[str, Any] = {
            "resource.name": target.name,
            "resource.type": target.type,
            "resource.service": target.service,
            "request.time": self._clock.now(),
            **{conditions.ATTRIBUTE + name: value for name, value in given.items()},
        }
        limit = caller.boundary
        if isinstance(limit, Boundary) and not limit.allows(permission, target.name, values):
            return False
        members = identities(caller)
        folder = given.get(LIST_PREFIX, "") if permission == "storage.objects.list" else ""
        return any(
            permission in binding.permissions
            and not binding.members.isdisjoint(members)
            and (binding.condition is None or binding.condition.holds(values))
            for key in self._ancestry(target, folder)
            for binding in self.policies.bindings(key)
        )

    def check(
        self,
        caller: Caller,
        permission: str,
        resource: str,
        *,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Refuse unless :meth:`allows`.

        Raises
        ------
        GoogleError
            PERMISSION_DENIED with reason IAM_PERMISSION_DENIED, in Google's words.
        """
        if not self.allows(caller, permission, resource, attributes=attributes):
            raise denied(permission, resource)

    def test(
        self,
        caller: Caller,
        permissions: Iterable[str],
        resource: str,
        *,
        attributes: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Return those of ``permissions`` that the caller has, in their order.

        Raises
        ------
        GoogleError
            INVALID_ARGUMENT for a permission that no role of the sandbox contains.
        """
        wanted = list(permissions)
        for name in wanted:
            if name not in roles.ALL:
                raise invalid(f"Permission {name} is not valid for this resource.", ["permissions"])
        return [name for name in wanted if self.allows(caller, name, resource, attributes=attributes)]

    def _ancestry(self, target: Resource, list_folder: str) -> Iterator[str]:
        """Yield the keys of the policies that reach down to ``target``, nearest first."""
        if match := _STORAGE.match(target.name):
            bucket, kind, name = match.groups()
            path = name if kind else list_folder
            for end in range(len(path), 0, -1):
                if path[end - 1] == "/":
                    yield f"buckets/{bucket}/managedFolders/{path[:end]}"
            yield f"buckets/{bucket}"
            yield "project"
            return
        if match := _ACCOUNT.match(target.name):
            yield f"serviceAccounts/{match.group(2)}"
            if match.group(1) in ("-", self.project, self.number):
                yield "project"
            return
        match = _PROJECT.match(target.name)
        if match and match.group(1) in (self.project, self.number):
            yield "project"


def identities(caller: Caller) -> frozenset[str]:
    """Return every member string of a policy that means ``caller``.

    Notes
    -----
    The pool maps ``attribute.namespace`` and ``attribute.ksa`` from the subject's own parts.
    Source: https://cloud.google.com/iam/docs/principal-identifiers
    """
    return _members(caller.principal)


@lru_cache(maxsize=1024)
def _members(of: str) -> frozenset[str]:
    found = {of}
    if match := _SUBJECT.match(of):
        pool = f"principalSet{match.group(2)}"
        found.add(f"{pool}/*")
        if account := _KSA.match(match.group(3)):
            found.add(f"{pool}/attribute.namespace/{account.group(1)}")
            found.add(f"{pool}/attribute.ksa/{account.group(2)}")
    return frozenset(found)


def denied(permission: str, resource: str) -> GoogleError:
    """Return the 403 that names permission and resource, as Google words it."""
    target = Resource.of(resource)
    return GoogleError(
        "PERMISSION_DENIED",
        f"Permission '{permission}' denied on resource '{resource}' (or it may not exist).",
        reason="IAM_PERMISSION_DENIED",
        domain=target.service or "iam.googleapis.com",
        metadata={"permission": permission, "resource": target.name},
    )


def account_resource(email: str) -> str:
    """Return the full resource name of a service account."""
    return f"//iam.googleapis.com/projects/-/serviceAccounts/{email}"


def project_resource(project: str) -> str:
    """Return the full resource name of a project."""
    return f"//cloudresourcemanager.googleapis.com/projects/{project}"


def principal(number: str, pool: str, subject: str) -> str:
    """Return the principal identifier of one federated subject."""
    return (
        f"principal://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/{pool}"
        f"/subject/{subject}"
    )
