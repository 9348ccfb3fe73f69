"""Allow policies and service accounts as their own APIs have them, over both transports.

Owns the policy methods of Resource Manager and IAM, and the service accounts of the project. Keys, roles and
everything that signs are refused by name. What a policy may hold is :mod:`.policies`' question.
Source: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts,
https://cloud.google.com/resource-manager/reference/rest/v3/projects
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from argovx_lab.sandbox.google.accounts import Accounts
from argovx_lab.sandbox.google.errors import GoogleError, invalid, not_found, unimplemented
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.iam import Iam, account_resource, project_resource
from argovx_lab.sandbox.google.names import Project, denied
from argovx_lab.sandbox.google.paging import page

_ACCOUNT: Final = re.compile(r"projects/([^/]+)/serviceAccounts/([^/]+)")
#: Source: CreateServiceAccountRequest.account_id.
_ACCOUNT_ID: Final = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
#: Service accounts of a project unless more are asked for. Source: https://cloud.google.com/iam/quotas
ACCOUNTS_MAX: Final = 100


class IamAdmin:
    """The methods of policies and service accounts."""

    def __init__(self, iam: Iam, accounts: Accounts, project: Project) -> None:
        self._iam = iam
        self._accounts = accounts
        self._project = project

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        project, iam = "/google.cloud.resourcemanager.v3.Projects/", "/google.iam.admin.v1.IAM/"
        return {
            project + "GetIamPolicy": self.get_policy,
            project + "SetIamPolicy": self.set_policy,
            project + "TestIamPermissions": self.test,
            iam + "GetIamPolicy": self.get_policy,
            iam + "SetIamPolicy": self.set_policy,
            iam + "TestIamPermissions": self.test,
            iam + "ListServiceAccounts": self.list,
            iam + "GetServiceAccount": self.get,
            iam + "CreateServiceAccount": self.create,
            iam + "DeleteServiceAccount": self.delete,
        }

    def _key(self, resource: str) -> tuple[str, str]:
        """Return the policy's key and the full name of its resource."""
        found = _ACCOUNT.fullmatch(resource)
        if found is not None:
            email = self._email(found)
            return f"serviceAccounts/{email}", account_resource(email)
        if re.fullmatch(r"projects/[^/]+", resource) is None:
            raise invalid(f"Invalid resource name '{resource[:200]}'.", ["resource"])
        if not self._project.owns(resource):
            raise denied("resourcemanager.projects.getIamPolicy", project_resource(resource[9:]))
        return "project", project_resource(self._project.id)

    def _email(self, found: re.Match[str]) -> str:
        email = found[2]
        for account in self._accounts.all():
            if account["uniqueId"] == email:
                email = account["email"]
        if not self._accounts.exists(email):
            raise not_found(f"Unknown service account: {email}")
        return email

    async def get_policy(self, _: Call, message: Document) -> Document:
        """Return a policy, with its etag.

        Notes
        -----
        A policy with conditions is shown whole only when version 3 is asked for; otherwise the conditional
        bindings come without their condition and under a role that cannot be set again.
        Source: https://cloud.google.com/iam/docs/policies#versions
        """
        key, _full = self._key(message.get("resource", ""))
        policy = self._iam.policies.get(key)
        version = int((message.get("options") or {}).get("requested_policy_version") or 0)
        if version not in (0, 1, 2, 3):
            raise invalid(f"Requested policy version {version} is not valid.", ["options"])
        if version < 3 and policy["version"] == 3:
            shown = [_masked(binding) for binding in policy["bindings"]]
            return {**policy, "version": 1, "bindings": shown}
        return policy

    async def set_policy(self, _: Call, message: Document) -> Document:
        """Replace a policy."""
        key, _full = self._key(message.get("resource", ""))
        if message.get("update_mask"):
            raise unimplemented("'update_mask' of SetIamPolicy", "Leave it out: bindings and etag are set.")
        policy = message.get("policy") or {}
        if any("_withcond_" in str(binding.get("role")) for binding in policy.get("bindings", [])):
            raise invalid(
                "A policy that was read without its conditions cannot be written: ask for version 3.",
                ["policy.bindings"],
            )
        before = self._iam.policies.get(key)
        if before["version"] == 3 and policy.get("version") != 3 and policy.get("etag"):
            raise invalid("A policy with conditions must be written with version 3.", ["policy.version"])
        return self._iam.policies.set(key, policy)

    async def test(self, call: Call, message: Document) -> Document:
        """Return which of the permissions the caller has."""
        _key, full = self._key(message.get("resource", ""))
        wanted = message.get("permissions", [])
        if any("*" in name for name in wanted):
            raise invalid("Permissions with wildcards cannot be tested.", ["permissions"])
        return {"permissions": self._iam.test(call.caller, wanted, full)}

    async def list(self, _: Call, message: Document) -> Document:
        """Return the service accounts of the project."""
        chosen, token = page([self._shown(a) for a in self._accounts.all()], message, default=20, most=100)
        return {"accounts": chosen, "next_page_token": token}

    async def get(self, _: Call, message: Document) -> Document:
        """Return a service account."""
        return self._shown(self._find(message.get("name", "")))

    def _find(self, name: str) -> dict[str, Any]:
        found = _ACCOUNT.fullmatch(name)
        if found is None:
            raise invalid(f"Invalid service account name '{name[:200]}'.", ["name"])
        account = self._accounts.get(self._email(found))
        assert account is not None, "its email was found"
        return account

    async def create(self, _: Call, message: Document) -> Document:
        """Make a service account."""
        account_id = message.get("account_id", "")
        if not _ACCOUNT_ID.fullmatch(account_id):
            text = (
                f"Invalid account id '{account_id[:100]}': 6 to 30 lowercase letters, digits and dashes, a "
                "letter first."
            )
            raise invalid(text, ["account_id"])
        email = self._accounts.email(account_id)
        if self._accounts.exists(email):
            text = f"Service account {account_id} already exists within project projects/{self._project.id}."
            raise GoogleError("ALREADY_EXISTS", text)
        if len(self._accounts.all()) >= ACCOUNTS_MAX:
            raise GoogleError("RESOURCE_EXHAUSTED", "Maximum number of service accounts on project reached.")
        wanted = message.get("service_account") or {}
        self._accounts.create(email, wanted.get("description", ""), wanted.get("display_name", ""))
        return self._shown(self._accounts.get(email) or {})

    async def delete(self, _: Call, message: Document) -> Document:
        """Remove a service account and its policy; bindings elsewhere that name it stay, as on Google's."""
        email = self._find(message.get("name", ""))["email"]
        self._accounts.delete(email)
        self._iam.policies.drop(f"serviceAccounts/{email}")
        return {}

    def _shown(self, account: dict[str, Any]) -> Document:
        return {
            "name": f"projects/{self._project.id}/serviceAccounts/{account['email']}",
            "project_id": self._project.id,
            "unique_id": account["uniqueId"],
            "email": account["email"],
            "display_name": account.get("displayName", ""),
            "description": account["description"],
            "oauth2_client_id": account["uniqueId"],
        }


def _masked(binding: Document) -> Document:
    if "condition" not in binding:
        return binding
    digest = hashlib.sha256(json.dumps(binding["condition"], sort_keys=True).encode()).hexdigest()[:20]
    return {"role": f"{binding['role']}_withcond_{digest}", "members": binding["members"]}
