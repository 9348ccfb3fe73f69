"""Custom jobs: create, get, list, cancel.

Owns the four calls. Refuses to repeat a create: a create whose answer was lost is looked up by its label, by
whoever called.

Notes
-----
Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.customJobs
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from argovx_lab.errors import ArgovxError, RemoteError, SpecError, Unavailable
from argovx_lab.model.names import JOB_LABEL_KEY, JOB_LABEL_USER, JOB_LABEL_WORKFLOW
from argovx_lab.vertex.session import SERVICE, UNREADABLE, Rest, Session
from argovx_lab.vertex.states import is_terminal

Job = dict[str, Any]

_NAME = re.compile(r"projects/([^/]+)/locations/([^/]+)/customJobs/([^/]+)\Z")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}\Z")

#: A create may take this long before its answer counts as lost. Unit: seconds.
CREATE_TIMEOUT_S = 60.0

_PAGE = 100


class Jobs:
    """Custom jobs of one project and region.

    Parameters
    ----------
    session : Session
        Adds the credentials.
    base_url : str
        Such as ``https://europe-west4-aiplatform.googleapis.com``.
    """

    def __init__(self, session: Session, base_url: str, project: str, region: str) -> None:
        self._rest = Rest(session, base_url)
        self._parent = f"projects/{project}/locations/{region}"
        self._project = project

    def create(self, body: Mapping[str, Any]) -> Job:
        """Create a job and return it; sent once.

        Raises
        ------
        PermissionMissing
            Also when ``actAs`` is missing, which Vertex answers as 400.
        SpecError
            When the job itself is at fault: a field that Vertex refuses, or a thing that is not there.
        RemoteError
            With ``reason`` ``QUOTA`` when a quota is used up.
        Unavailable
            When the answer is lost or unreadable, or the service busy: the job may exist.
        """
        try:
            job = self._rest.call(
                "POST",
                f"{self._parent}/customJobs",
                permission="aiplatform.customJobs.create",
                body=body,
                timeout_s=CREATE_TIMEOUT_S,
            )
        except RemoteError as error:
            if error.status == 404 or error.reason == "INVALID_ARGUMENT":
                raise _refused(error) from error
            if error.reason != UNREADABLE:
                raise
            raise Unavailable(error.message, service=error.service, reason=UNREADABLE) from error
        if not _NAME.match(str(job.get("name", ""))):
            raise Unavailable("Vertex created a job and named none", service=SERVICE, reason=UNREADABLE)
        return job

    def get(self, name: str) -> Job:
        """Return a job by resource name.

        Raises
        ------
        NotFound
            When it is not there.
        """
        return self._rest.call("GET", _path(name), permission="aiplatform.customJobs.get")

    def find(self, filter_text: str = "") -> Iterator[Job]:
        """Yield the jobs that fit an AIP-160 filter, all of them without one; see :func:`by_labels`."""
        token = ""
        while True:
            found, token = self.page(filter_text, token)
            yield from found
            if not token:
                return

    def page(self, filter_text: str = "", token: str = "") -> tuple[list[Job], str]:
        """Return one page of at most 100 jobs that fit a filter, and the token of the next (empty: none)."""
        params = {"pageSize": _PAGE, **({"filter": filter_text} if filter_text else {})}
        page = self._rest.call(
            "GET",
            f"{self._parent}/customJobs",
            permission="aiplatform.customJobs.list",
            params={**params, **({"pageToken": token} if token else {})},
        )
        return page.get("customJobs") or [], str(page.get("nextPageToken") or "")

    def by_key(self, key: str) -> list[Job]:
        """Return the jobs that carry an attempt key, oldest first."""
        found = self.find(by_labels({JOB_LABEL_KEY: key}))
        return sorted(found, key=lambda job: (job.get("createTime", ""), job.get("name", "")))

    def of_workflow(self, uid: str, user: str) -> list[Job]:
        """Return a user's jobs of one Workflow that have not ended."""
        found = self.find(by_labels({JOB_LABEL_WORKFLOW: uid, JOB_LABEL_USER: user}))
        return [job for job in found if not is_terminal(str(job.get("state", "")))]

    def cancel(self, name: str) -> None:
        """Ask for a job to be cancelled; Vertex does so later, and not if it ends first.

        An error for a job that has ended is taken for done.
        """
        try:
            self._rest.call(
                "POST",
                f"{_path(name)}:cancel",
                permission="aiplatform.customJobs.cancel",
                body={},
                repeat=True,
            )
        except ArgovxError:
            if not is_terminal(str(self.get(name).get("state", ""))):
                raise

    def console_url(self, name: str) -> str:
        """Return the page of a job in the Cloud console."""
        match = _NAME.match(name)
        if match is None:
            return ""
        region, number = quote(match.group(2)), quote(match.group(3))
        return (
            f"https://console.cloud.google.com/vertex-ai/locations/{region}/training/{number}/cpu"
            f"?project={quote(self._project)}"
        )


def _refused(error: RemoteError) -> SpecError:
    """Return the error of a job that would be refused again, however often it is sent."""
    return SpecError(
        f"Vertex refuses the job: {error.message}",
        hint="Check --on, --disk, --workers, --persistent and --image; project and region are the profile's.",
    )


def by_labels(labels: Mapping[str, str]) -> str:
    """Return the filter that asks for all these labels.

    Raises
    ------
    SpecError
        When a value is not a label's, so that nothing can be injected.
    """
    for name, value in labels.items():
        if not _LABEL.match(name) or not _LABEL.match(value):
            raise SpecError(f"{name}={value!r} is not a label")
    return " AND ".join(f'labels.{name}="{value}"' for name, value in labels.items())


def _path(name: str) -> str:
    if not _NAME.match(name):
        raise SpecError(f"{name!r} is not the name of a custom job")
    return quote(name, safe="/")
