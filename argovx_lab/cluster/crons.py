"""CronWorkflows of one user: make, list, suspend, remove.

Owns these verbs. Refuses to touch one that is not labelled as the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from argovx_lab.errors import NotFound
from argovx_lab.model import names


class Ends(Protocol):
    """What is needed of a cluster."""

    def cron(self, method: str, name: str = "", body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send one request about CronWorkflows."""


class Crons:
    """The CronWorkflows of one user in one namespace.

    Parameters
    ----------
    user : str
        Slug of the user.
    """

    def __init__(self, cluster: Ends, user: str) -> None:
        self._cluster, self._user = cluster, user

    def create(self, body: dict[str, Any]) -> None:
        """Create one; raises :class:`Conflict` when the name is taken."""
        self._cluster.cron("POST", body=body)

    def all(self) -> list[dict[str, Any]]:
        """Return the user's own."""
        return [cron for cron in self._cluster.cron("GET").get("items") or [] if self._own(cron)]

    def suspend(self, name: str, *, suspended: bool) -> None:
        """Pause a schedule, or let it go on.

        Raises
        ------
        NotFound
            When the user has none of that name.
        """
        self._get(name)
        self._cluster.cron("PATCH", name, {"spec": {"suspend": suspended}})

    def remove(self, name: str) -> None:
        """Remove a schedule; raises :class:`NotFound` when the user has none of that name."""
        self._get(name)
        self._cluster.cron("DELETE", name)

    def _get(self, name: str) -> None:
        there = [cron["metadata"]["name"] for cron in self.all()]
        if name not in there:
            raise NotFound(
                f"there is no schedule {name}",
                hint=f"There are: {', '.join(there) or 'none'}.",
                service="kubernetes",
                status=404,
            )

    def _own(self, cron: Mapping[str, Any]) -> bool:
        labels = (cron.get("metadata") or {}).get("labels") or {}
        return labels.get(names.LABEL_USER) == self._user
