"""Cloud Logging: what a custom job's machines and the platform wrote, over REST.

Owns one call. Reads only.

Notes
-----
Source: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list; entries of custom jobs have
the resource ``ml_job`` (https://cloud.google.com/vertex-ai/docs/training/monitor-debug). A project has 60
reads a minute.
"""

from __future__ import annotations

import re
from typing import Any

from argovx_lab.errors import SpecError
from argovx_lab.vertex.session import Rest, Session

#: Entries of one page. Source: ``entries.list``, at most 1000.
PAGE = 1000

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_TIME = re.compile(r"[0-9TZ:.+-]{10,40}\Z")


class Logs:
    """Log entries of one project."""

    def __init__(self, session: Session, base_url: str, project: str) -> None:
        self._rest = Rest(session, base_url, "logging", version="v2")
        self._project = project

    def of_job(self, job_id: str, since: str = "", token: str = "") -> tuple[list[dict[str, Any]], str]:
        """Return one page of a job's entries, the oldest first, and the token of the next, empty at the end.

        Parameters
        ----------
        since : str
            RFC 3339; leaves out what is older. A token goes with the ``since`` that it was given for.

        Raises
        ------
        PermissionMissing
            Without ``roles/logging.viewer``.
        """
        if not _ID.match(job_id) or (since and not _TIME.match(since)):
            raise SpecError(f"{job_id[:64]!r} is not the number of a custom job")
        wanted = f'resource.type="ml_job" AND resource.labels.job_id="{job_id}"'
        body: dict[str, Any] = {
            "resourceNames": [f"projects/{self._project}"],
            "filter": f'{wanted} AND timestamp>="{since}"' if since else wanted,
            "orderBy": "timestamp asc",
            "pageSize": PAGE,
        }
        page = self._rest.call(
            "POST",
            "entries:list",
            permission="logging.logEntries.list",
            body={**body, **({"pageToken": token} if token else {})},
            repeat=True,
        )
        found = page.get("entries")
        entries = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
        return entries, str(page.get("nextPageToken") or "")
