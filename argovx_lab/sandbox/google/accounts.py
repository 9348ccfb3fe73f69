"""The service accounts that exist in the sandbox's project.

Owns their records and their spelling; policies on them live in :mod:`argovx_lab.sandbox.google.policies`.
Source: https://cloud.google.com/iam/docs/service-account-overview
"""

from __future__ import annotations

import hashlib
from typing import Any

from argovx_lab.sandbox.google.store import Store

_TABLE = "iam.accounts"


class Accounts:
    """Service accounts by address.

    Parameters
    ----------
    store : Store
        Where they live.
    project, number : str
        The project, by id and by number.
    """

    def __init__(self, store: Store, project: str, number: str) -> None:
        self._store = store
        self._project, self._number = project, number

    def email(self, account_id: str) -> str:
        """Return the address of an account of this project."""
        return f"{account_id}@{self._project}.iam.gserviceaccount.com"

    @property
    def custom_code_agent(self) -> str:
        """Who a custom job runs as when it names no service account.

        Notes
        -----
        Source: https://cloud.google.com/vertex-ai/docs/general/access-control#service-agents
        """
        return f"service-{self._number}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"

    def create(self, email: str, description: str, display_name: str = "") -> None:
        """Add an account; one that is there stays as it is."""
        if not self.exists(email):
            unique = str(int(hashlib.sha256(email.encode()).hexdigest()[:15], 16) + 10**20)
            record = {"email": email, "uniqueId": unique, "description": description}
            if display_name:
                record["displayName"] = display_name
            self._store.put(_TABLE, email, record)

    def exists(self, email: str) -> bool:
        """Return whether there is such an account."""
        return self._store.get(_TABLE, email) is not None

    def get(self, email: str) -> dict[str, Any] | None:
        """Return the record of an account, or ``None``."""
        return self._store.get(_TABLE, email)

    def all(self) -> list[dict[str, Any]]:
        """Return every account, by address."""
        return [record for _, record in self._store.scan(_TABLE)]

    def delete(self, email: str) -> None:
        """Remove an account."""
        self._store.delete(_TABLE, email)
