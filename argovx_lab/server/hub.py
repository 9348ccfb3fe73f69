"""One hub per server process: the profile's clients and read path, started on first use.

Blocking calls of remote ends run in threads, never on the event loop.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from argovx_lab.cluster import control
from argovx_lab.compile.again import again
from argovx_lab.compile.manifest import task_name
from argovx_lab.errors import Conflict, NotFound
from argovx_lab.lineage.job import of_job
from argovx_lab.lineage.join import join
from argovx_lab.lineage.vertex import read
from argovx_lab.model.principal import Principal
from argovx_lab.model.run import Node, Run, to_json
from argovx_lab.runs.jobs.alone import PREFIX
from argovx_lab.runs.stopping import stop_step
from argovx_lab.runs.store import RunStore
from argovx_lab.server.detail import Detail
from argovx_lab.server.plan import planned
from argovx_lab.wiring import ReadPath, Services, load_profile, read_path

T = TypeVar("T")

#: While the Kubernetes API is busy, a retry from the panel waits so long; a browser waits too. Unit: seconds.
RETRY_PATIENCE_S = 10.0


#: How long a list of runs waits for the first list of custom jobs. Unit: seconds.
FIRST_JOBS_S = 3.0

NO_RETRY = "Start it again where it was started; what the notebook's steps run can be retried here."


class Hub:
    """Everything handlers ask.

    Parameters
    ----------
    root_dir : str
        The server's root folder, which notebook paths are relative to.
    """

    def __init__(self, root_dir: str) -> None:
        self.root_dir = root_dir
        self._lock = threading.Lock()
        self._services: Services | None = None
        self._read_path: ReadPath | None = None
        self._detail: Detail | None = None

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run a blocking call in a thread."""
        return await asyncio.get_running_loop().run_in_executor(None, lambda: function(*args))

    @property
    def services(self) -> Services:
        """Clients of the profile; starts the sandbox when that is the profile."""
        return self._started()[0]

    @property
    def path(self) -> ReadPath:
        """The running read path."""
        return self._started()[1]

    @property
    def store(self) -> RunStore:
        """All runs."""
        return self.path.store

    @property
    def detail(self) -> Detail:
        """Answers about single steps."""
        services, path = self._started()
        with self._lock:
            if self._detail is None:
                self._detail = Detail(services, path)
            return self._detail

    def _started(self) -> tuple[Services, ReadPath]:
        with self._lock:
            if self._services is None or self._read_path is None:
                self._services = Services(load_profile())
                self._read_path = read_path(self._services)
            return self._services, self._read_path

    def principal(self) -> Principal:
        """Return who acts, as both ends see it now."""
        return self.services.principal()

    def overview(self) -> dict[str, Any]:
        """Return all runs without their nodes, the profile, who acts and how live this is."""
        self.path.outside.attend(FIRST_JOBS_S)
        runs = [to_json(run) for run in self.store.all()]
        for run in runs:
            run["nodes"] = []
        reflector = self.path.reflector
        error = reflector.error
        stale_s = reflector.stale_s
        jobs = self.path.outside.error
        return {
            "runs": runs,
            "profile": self.services.profile.name,
            "note": self.services.profile.note,
            "principal": to_json(self.services.profile.principal),
            "connection": {
                "live": error is None,
                "stale_s": None if stale_s == float("inf") else round(stale_s, 1),
                "message": error.message if error else "",
                "hint": error.hint if error else "",
            },
            "jobs": {"message": jobs.message if jobs else "", "hint": jobs.hint if jobs else ""},
            "epoch": self.store.epoch,
        }

    def run(self, run_id: str) -> Run:
        """Return one run; :class:`NotFound` when there is none."""
        self.path.follower.look(run_id)
        run = self.store.get(run_id)
        if run is None:
            raise NotFound(
                f"there is no run {run_id}", hint="%argovx runs lists them.", service="argovx", status=404
            )
        return run

    def node(self, run_id: str, name: str) -> Node:
        """Return one step of a run; :class:`NotFound` when there is none."""
        for node in self.run(run_id).nodes:
            if node.id == name:
                return node
        raise NotFound(f"run {run_id} has no step {name}", service="argovx", status=404)

    def plan(self, content: dict[str, Any], path: str) -> dict[str, Any]:
        """Return the planned steps of a notebook document, and which of its results are stale."""
        services, read_path = self._services, self._read_path
        if services is None or read_path is None:
            return planned(content, path)  # a plan needs no remote end, and starts none
        return planned(content, path, read_path.store.all(), services.profile.images)

    def lineage(self, run_id: str, step: str) -> dict[str, Any]:
        """Return the lineage of a run (or of one step of it), read from both systems now."""
        run = self.run(run_id)
        if outside := self.path.follower.job_of(run_id):
            job = outside.job(run_id, *([step] if step else []))
            found = of_job(self.services.metadata, job, run.nodes[0])
            return dict(to_json(found))
        uids = [node.argo.workflow_uid for node in run.nodes if node.argo and step in ("", node.id)]
        lineage: dict[str, Any] = to_json(join(run, read(self.services.metadata, uids), step))
        return lineage

    def stop_run(self, run_id: str) -> dict[str, Any]:
        """Stop every Workflow of a run that has not ended."""
        nodes = [node for node in self.run(run_id).nodes if not node.phase.final]
        once = {
            node.argo.workflow if node.argo else node.id: node for node in nodes if node.argo or node.vertex
        }
        stopped = [self._stop(node) for node in once.values()]
        if not stopped:
            raise Conflict(f"nothing of run {run_id} is running", service="argovx", status=409)
        return {"stopped": stopped}

    def stop_step(self, run_id: str, name: str) -> dict[str, Any]:
        """Stop one step: its Workflow, or its job where the Workflow has others."""
        node, services = self.node(run_id, name), self.services
        if node.argo is None:
            return {"stopped": [self._stop(node)]}
        by = services.profile.principal
        return {"stopped": [stop_step(services.cluster, services.jobs, node, by)]}

    def retry_step(self, run_id: str, name: str) -> dict[str, Any]:
        """Submit the same code and inputs once more, as a new Workflow of the same run."""
        node = self.node(run_id, name)
        if node.argo is None and node.vertex is not None:
            raise Conflict(
                f"{node.name} is a Vertex job of its own: it cannot be retried here", hint=NO_RETRY
            )
        if not node.phase.final or node.argo is None:
            raise Conflict(f"{name} is {node.phase.value.lower()}; it can be retried when it has ended")
        workflow = self.services.cluster.get_workflow(node.argo.workflow)
        if workflow is None:
            raise NotFound(f"Workflow {node.argo.workflow} is gone", hint="Run the cell again.")
        title, user = f"{task_name(name)}-{secrets.token_hex(3)}", self.services.profile.user
        fresh = again(workflow, title, user, step=name)
        self.services.cluster.create_workflow(fresh, patience_s=RETRY_PATIENCE_S)
        return {"workflow": fresh["metadata"]["name"]}

    def _stop(self, node: Node) -> str:
        if node.argo is None and node.vertex is not None:
            return self._cancel(node, node.vertex.job)
        if node.argo is None:
            raise Conflict(f"{node.name} has not been submitted", service="argovx", status=409)
        control.stop(self.services.cluster, node.argo.workflow, self.services.profile.principal)
        return node.argo.workflow

    def _cancel(self, node: Node, job: str) -> str:
        """Ask Vertex to cancel a job that no step started."""
        if node.phase.final:
            raise Conflict(f"{node.name} has ended", service="argovx", status=409)
        self.services.jobs.cancel(job)
        self.path.follower.look(f"{PREFIX}{job.rpartition('/')[2]}")
        return job
