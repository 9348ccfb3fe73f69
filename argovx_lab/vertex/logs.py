"""A job's last lines in Cloud Logging: for jobs that died before the runner could write to the bucket.

Owns one call, asked seldom: the service allows 60 of them a minute and project. Live logs come from the
bucket.

Notes
-----
Source: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
"""

from __future__ import annotations

import json
import re

from argovx_lab.errors import SpecError
from argovx_lab.vertex.session import Session, document, fault

DEFAULT_URL = "https://logging.googleapis.com"
_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/customJobs/([0-9]+)\Z", re.ASCII)


class JobLogs:
    """Log entries of custom jobs of one project.

    Parameters
    ----------
    session : Session
        Adds the credentials.
    """

    def __init__(self, session: Session, base_url: str, project: str) -> None:
        self._session = session
        self._url = f"{base_url.rstrip('/')}/v2/entries:list"
        self._project = project

    def last(self, job: str, limit: int = 50) -> list[str]:
        """Return a job's last lines, oldest first.

        Parameters
        ----------
        job : str
            Resource name of the custom job.
        limit : int
            Most lines, 1 to 1000.

        Raises
        ------
        PermissionMissing, Unavailable, RemoteError
            As the service answers.
        """
        match = _NAME.match(job)
        if match is None:
            raise SpecError(f"{job!r} is not the name of a custom job")
        body = {
            "resourceNames": [f"projects/{self._project}"],
            "filter": f'resource.type="ml_job" AND resource.labels.job_id="{match.group(1)}"',
            "orderBy": "timestamp desc",
            "pageSize": limit,
        }
        answer = self._session.request(
            "POST",
            self._url,
            headers={"Content-Type": "application/json"},
            data=json.dumps(body).encode(),
            repeat=True,
            timeout_s=10.0,
            service="logging",
        )
        if answer.status_code != 200:
            raise fault(answer.status_code, answer.content, "logging.logEntries.list", job, "logging")
        entries = document(answer.content, "logging").get("entries", [])
        return [_text(entry) for entry in reversed(entries)]


def _text(entry: dict[str, object]) -> str:
    payload = entry.get("jsonPayload")
    if isinstance(payload, dict):
        return str(payload.get("message", ""))
    return str(entry.get("textPayload", ""))
