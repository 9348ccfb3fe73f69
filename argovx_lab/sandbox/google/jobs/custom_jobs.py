"""JobService's custom jobs: create, get, list, cancel, delete.

Owns the requests and their answers; what becomes of an accepted job is :mod:`.runner`'s.
Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.customJobs
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.errors import GoogleError, invalid, not_found
from argovx_lab.sandbox.google.fields import Fields
from argovx_lab.sandbox.google.filters import Comparison, matches
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.jobs import catalogue, states, validation
from argovx_lab.sandbox.google.jobs.persistent import CheckJob
from argovx_lab.sandbox.google.jobs.records import Records
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.operations import Operations
from argovx_lab.sandbox.google.paging import masked, page
from argovx_lab.sandbox.google.quotas import Quotas

_PATTERN = "projects/{project}/locations/{location}/customJobs/{job}"
_BOARD = "projects/{project}/locations/{location}/tensorboards/{tensorboard}"
_FIELDS = Fields(
    kinds={
        "display_name": "string",
        "state": "enum",
        "create_time": "time",
        "start_time": "time",
        "end_time": "time",
        "update_time": "time",
        "labels": "labels",
    },
    aliases={"displayName": "display_name", "createTime": "create_time", "updateTime": "update_time"},
)
_MASKABLE = (
    *("name", "display_name", "job_spec", "state", "create_time", "start_time", "end_time", "update_time"),
    *("error", "labels", "encryption_spec", "web_access_uris"),
)


class Wakes(Protocol):
    """Who carries jobs out."""

    def wake(self, key: str) -> None:
        """Look at a job again."""


class CustomJobs:
    """The methods of custom jobs.

    Parameters
    ----------
    context_exists, board_exists : callable
        Say whether a metadata context or a TensorBoard instance of this name is there.
    check_held : callable
        Refuses a job that does not fit on its persistent resource.
    quotas : Quotas
        For the machines that a job asks for.
    """

    def __init__(
        self,
        records: Records,
        project: Project,
        clock: Clock,
        operations: Operations,
        runner: Wakes,
        *,
        context_exists: Callable[[str], bool],
        board_exists: Callable[[str], bool],
        check_held: CheckJob,
        quotas: Quotas,
    ) -> None:
        self._records = records
        self._project = project
        self._clock = clock
        self._operations = operations
        self._runner = runner
        self._context_exists = context_exists
        self._board_exists = board_exists
        self._check_held = check_held
        self._quotas = quotas

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = "/google.cloud.aiplatform.v1.JobService/"
        return {
            prefix + "CreateCustomJob": self.create,
            prefix + "GetCustomJob": self.get,
            prefix + "ListCustomJobs": self.list,
            prefix + "CancelCustomJob": self.cancel,
            prefix + "DeleteCustomJob": self.delete,
        }

    async def create(self, call: Call, message: Document) -> Document:
        """Accept a job; it is queued when this returns."""
        location = self._project.location(message.get("parent", ""))
        job = validation.custom_job(message.get("custom_job") or {})
        self._act_as(call, job["job_spec"].get("service_account", ""))
        self._check_names(job["job_spec"], location)
        self._check_held(location, job["job_spec"])
        self._check_machines(location, job["job_spec"])
        job_id = self._records.new_id()
        stamp = rfc3339(self._clock.now(), fraction=True)
        job |= {
            "name": f"projects/{self._project.number}/locations/{location}/customJobs/{job_id}",
            "state": states.QUEUED,
            "create_time": stamp,
            "update_time": stamp,
        }
        key = f"{location}/{job_id}"
        self._records.put(key, job, {"submitter": call.caller.principal})
        self._runner.wake(key)
        return job

    def _act_as(self, call: Call, email: str) -> None:
        if not email:
            return
        try:
            call.check(
                "iam.serviceAccounts.actAs", f"//iam.googleapis.com/projects/-/serviceAccounts/{email}"
            )
        except GoogleError as error:
            if error.code != "PERMISSION_DENIED":
                raise
            # Vertex answers 400 here, not 403
            text = f"You do not have permission to act as service_account: {email}. (or it may not exist)."
            raise invalid(text) from error

    def _check_machines(self, location: str, spec: Document) -> None:
        """Refuse more machines than the project's quota has left; held ones are counted already."""
        if spec.get("persistent_resource_id") or not self._quotas.counts_machines:
            return
        used: Counter[str] = Counter()
        for key in self._records.unfinished():
            other = self._records.require(key)["job"]["job_spec"]
            if key.startswith(f"{location}/") and not other.get("persistent_resource_id"):
                used.update(_machines(other))
        self._quotas.machines(_machines(spec), used)

    def _check_names(self, spec: Document, location: str) -> None:
        """Refuse names of what is not there or is in another region."""
        board = spec.get("tensorboard", "")
        if board:
            self._project.parse(_BOARD, board, "job_spec.tensorboard")
            if board.split("/")[3] != location or not self._board_exists(board):
                raise not_found(
                    f"The Tensorboard '{board}' in job_spec.tensorboard is not found in {location}."
                )
            spec["tensorboard"] = self._project.canonical(board)
        for field in ("experiment", "experiment_run"):
            name = self._project.canonical(spec.get(field, ""))
            if name and not self._context_exists(name):
                raise not_found(f"The metadata context '{name}' in job_spec.{field} is not found.")

    def _find(self, message: Document) -> tuple[str, Any]:
        values = self._project.parse(_PATTERN, message.get("name", ""))
        key = f"{values['location']}/{values['job']}"
        record = self._records.get(key)
        if record is None:
            name = self._project.canonical(message["name"])
            raise not_found(f"The CustomJob {name!r} does not exist.".replace("'", '"'))
        return key, record

    async def get(self, _: Call, message: Document) -> Document:
        """Return a job."""
        job: Document = self._find(message)[1]["job"]
        return job

    async def list(self, _: Call, message: Document) -> Document:
        """Return the matching jobs of a region, the newest first."""
        location = self._project.location(message.get("parent", ""))
        expression = _FIELDS.parse(message.get("filter", ""))

        def leaf(part: Any, document: Any) -> bool:
            return isinstance(part, Comparison) and _FIELDS.compare(part, document)

        found = [job for job in self._records.within(location) if matches(expression, job, leaf)]
        chosen, token = page(found, message)
        mask = message.get("read_mask")
        return {"custom_jobs": [masked(job, mask, _MASKABLE) for job in chosen], "next_page_token": token}

    async def cancel(self, _: Call, message: Document) -> Document:
        """Begin to cancel a job; the runner ends its processes."""
        key, record = self._find(message)
        job = record["job"]
        if job["state"] in states.TERMINAL:
            name, state = job["name"], job["state"]
            raise GoogleError(
                "FAILED_PRECONDITION", f'The CustomJob "{name}" cannot be cancelled: it is {state}.'
            )
        if job["state"] != states.CANCELLING:
            self._records.put(key, states.advance(job, states.CANCELLING, self._clock.now()), record["run"])
        self._runner.wake(key)
        return {}

    async def delete(self, _: Call, message: Document) -> Document:
        """Forget a job that has ended."""
        key, record = self._find(message)
        job = record["job"]
        if job["state"] not in states.TERMINAL:
            name, state = job["name"], job["state"]
            text = f'The CustomJob "{name}" cannot be deleted while it is {state}; cancel it first.'
            raise GoogleError("FAILED_PRECONDITION", text)
        self._records.remove(key)
        metadata = "google.cloud.aiplatform.v1.DeleteOperationMetadata"
        return self._operations.start(job["name"], metadata, "google.protobuf.Empty", {})


def _machines(spec: Document) -> dict[str, int]:
    """Return what a job counts against the quotas of machines."""
    cpus = sum(
        catalogue.cpus(pool["machine_spec"]["machine_type"]) * int(pool.get("replica_count") or 1)
        for pool in spec["worker_pool_specs"]
        if pool
    )
    strategy = (spec.get("scheduling") or {}).get("strategy", "STANDARD")
    preemptible = strategy in ("SPOT", "LOW_COST", "FLEX_START")
    return {"preemptible_cpus" if preemptible else "cpus": cpus, "jobs": 1}
