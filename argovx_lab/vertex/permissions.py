"""Which permissions the caller holds on a project and on a service account: asked, not tried.

Owns two calls, ``testIamPermissions`` of Resource Manager and of IAM, which need no permission themselves.
Source: https://cloud.google.com/resource-manager/reference/rest/v3/projects/testIamPermissions
"""

from __future__ import annotations

from collections.abc import Iterable

from argovx_lab.vertex.session import Rest, Session


class Permissions:
    """Asks what may be done.

    Parameters
    ----------
    resourcemanager_url, iam_url : str
        Base URLs of the two services.
    """

    def __init__(self, session: Session, resourcemanager_url: str, iam_url: str) -> None:
        self._projects = Rest(session, resourcemanager_url, "cloudresourcemanager", version="v3")
        self._accounts = Rest(session, iam_url, "iam")

    def on_project(self, project: str, permissions: Iterable[str]) -> frozenset[str]:
        """Return those of ``permissions`` that the caller holds on a project."""
        return self._held(self._projects, f"projects/{project}", permissions)

    def on_account(self, email: str, permissions: Iterable[str]) -> frozenset[str]:
        """Return those of ``permissions`` that the caller holds on a service account.

        Raises
        ------
        NotFound
            When there is no such account.
        """
        return self._held(self._accounts, f"projects/-/serviceAccounts/{email}", permissions)

    def _held(self, rest: Rest, resource: str, permissions: Iterable[str]) -> frozenset[str]:
        answer = rest.call(
            "POST",
            f"{resource}:testIamPermissions",
            permission="resourcemanager.projects.get",
            body={"permissions": list(permissions)},
            repeat=True,
        )
        return frozenset(map(str, answer.get("permissions") or ()))
