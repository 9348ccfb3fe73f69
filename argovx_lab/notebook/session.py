"""One kernel's view of its run: profile, clients, definitions seen so far, steps and their handles.

Owns what must be remembered between cells, and nothing that cannot be had again: a restarted kernel finds
its run through the alias file in the bucket and the results through the run's Workflows.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from argovx_lab.capture.notebook import step_names
from argovx_lab.compile.manifest import task_name
from argovx_lab.errors import ArgovxError, NotFound, PolicyDenied, SpecError
from argovx_lab.model import names
from argovx_lab.model.ours import refusal
from argovx_lab.model.run import Node
from argovx_lab.notebook.current import CurrentRun, moved_to
from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.lists import HandleList
from argovx_lab.notebook.made import Made, recorded
from argovx_lab.notebook.remote import Told
from argovx_lab.notebook.saved import saved_cells
from argovx_lab.runs import cached
from argovx_lab.runs.argo import Execution, executions
from argovx_lab.wiring import Profile, ReadPath, Services, load_profile, read_path
from argovx_lab.wiring.place import notebook_place
from argovx_lab.wiring.profiles import SANDBOX

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Submission:
    """An execution that this kernel submitted."""

    step: str
    workflow: str
    cell_id: str


@dataclass(frozen=True)
class Ends:
    """What handles ask, at the profile that they were made under: it stays theirs after ``%argovx use``."""

    services: Services

    def told(self, workflow: str, task: str) -> Told:
        """Return what Argo says of an execution; of one that is not the user's own, nothing.

        Raises
        ------
        NotFound
            When the Workflow is gone.
        PolicyDenied
            When it is somebody else's, whatever its labels claim.
        """
        found = self.services.cluster.get_workflow(workflow)
        if found is None:
            raise NotFound(f"Workflow {workflow} is gone", hint="Run the cell again.", service="kubernetes")
        why = refusal(found, self.services.profile.user)
        if why:
            raise PolicyDenied(f"Workflow {workflow} is not one of your steps: {why}")
        layout = self.services.profile.layout
        folder = layout.uri(f"{layout.root}runs/{found['metadata']['uid']}/")
        for execution in executions(found):
            if execution.task == task:
                if execution.cached:
                    source = {"manifest": cached.manifest(execution.about)}
                    return Told("Succeeded", source, layout.uri(f"{layout.root}runs/"), _codecs(execution))
                phase = "Stopped" if execution.stopped else execution.phase
                node = f"{workflow}.{execution.path}"
                return Told(phase, dict(execution.outputs), folder, _codecs(execution), execution.uid, node)
        return Told("", {}, folder, {})

    def read(self, bucket: str, name: str) -> bytes:
        """Return an object's bytes."""
        return self.services.objects.get(bucket, name)

    def executions(self, workflow: str) -> list[Execution]:
        """Return the user's own executions of the run that a Workflow belongs to.

        Raises
        ------
        NotFound
            When the Workflow is gone.
        """
        found = self.services.cluster.get_workflow(workflow)
        if found is None:
            raise NotFound(f"Workflow {workflow} is gone", hint="Run the cell again.", service="kubernetes")
        run = (found["metadata"].get("labels") or {}).get(names.LABEL_RUN)
        every = self.services.cluster.list_workflows(f"{names.LABEL_RUN}={run}")[0] if run else [found]
        user = self.services.profile.user
        return [e for item in every if not refusal(item, user) for e in executions(item)]

    def read_first(self, bucket: str, name: str, length: int) -> bytes:
        """Return an object's first bytes, at most ``length``."""
        return self.services.objects.get(bucket, name, offset=0, length=length)


def _codecs(execution: Execution) -> dict[str, str]:
    """Return the codec of each output as it was declared."""
    return {str(o.get("name")): str(o.get("codec") or "") for o in execution.about.get("outputs") or []}


class Session:
    """State behind the magics of one kernel."""

    def __init__(self) -> None:
        self.place = notebook_place()
        self.profile_name = ""
        self.submissions: dict[str, Submission] = {}
        self.wholes: list[str] = []
        self._services: Services | None = None
        self._path: ReadPath | None = None
        self._run_id = ""
        self._attached = ""

    @property
    def services(self) -> Services:
        """Clients of the present profile; starts the sandbox when that is the profile."""
        if self._services is None:
            self._services = Services(load_profile(self.profile_name))
        return self._services

    def begin(self) -> None:
        """Make sure that the ends can be there: a sandbox that died or was stopped is started."""
        if self._services is not None and self._services.profile.name == SANDBOX:
            load_profile(SANDBOX)

    @property
    def profile(self) -> Profile:
        """The present profile."""
        return self.services.profile

    @property
    def path(self) -> ReadPath:
        """The read path, started on first use."""
        if self._path is None:
            self._path = read_path(self.services)
        return self._path

    def use(self, name: str) -> Profile:
        """Switch to another profile; runs of the old one go on."""
        services = Services(load_profile(name))
        if self._path is not None:
            self._path.stop()
        self.profile_name, self._services, self._path, self._run_id = name, services, None, ""
        self.submissions.clear()
        self.wholes.clear()
        return services.profile

    @property
    def run_id(self) -> str:
        """The notebook's current run: found in the bucket, or begun now."""
        if not self._run_id:
            self._run_id = CurrentRun(self.services, self.place).find()
        return self._run_id

    def new_run(self) -> str:
        """Begin another run and remember it for this notebook."""
        self._run_id = CurrentRun(self.services, self.place).begin()
        return self._run_id

    def relocate(self, cell_id: str) -> None:
        """Take notice that the notebook was renamed while this kernel runs; the run goes with it."""
        cells = (cell_id, *(known.cell_id for known in self.submissions.values()))
        moved = moved_to(self.place, cells)
        if moved is not None:
            run = self.run_id
            self.place = moved
            CurrentRun(self.services, moved).remember(run)

    def handle(self, name: str) -> Handle | HandleList | None:
        """Return a handle on the newest result called ``name`` of the run, or ``None``."""
        return self.results().get(name)

    def workflows(self) -> list[dict[str, Any]]:
        """Return the run's Workflows as Argo has them now, without those that only claim to be of it."""
        found, _ = self.services.cluster.list_workflows(f"{names.LABEL_RUN}={self.run_id}")
        return [workflow for workflow in found if not refusal(workflow, self.profile.user)]

    def results(self) -> dict[str, Handle | HandleList]:
        """Return a handle on the newest result of each name that the run has, or will have when it ends well.

        What is still being made counts only for names that nothing has made yet.
        """
        found = [e for workflow in self.workflows() for e in executions(workflow)]
        found.sort(key=lambda e: (e.created_at, e.uid))
        named = [
            (execution.good, execution.created_at, output["name"], handle)
            for execution in found
            if (execution.good or not execution.final) and not execution.about.get("fan")
            for output in execution.about.get("outputs") or []
            for handle in [self.make_handle(execution.step, output["name"], execution.workflow)]
        ]
        named += [
            (True, made.created_at, made.name, self.made_here(made))
            for made in recorded(self.services, self.run_id)
        ]
        found_now: dict[str, Handle | HandleList] = {
            name: handle for *_, name, handle in sorted(named, key=lambda item: item[:2])
        }
        return {**found_now, **self._lists(found)}

    def _lists(self, found: Sequence[Execution]) -> dict[str, HandleList]:
        """Return the results of fan-outs whose members have all ended well, the newest of each name."""
        fans: dict[tuple[str, str], list[Execution]] = {}
        for execution in found:
            if execution.about.get("fan"):
                fans.setdefault((execution.workflow, str(execution.about["fan"])), []).append(execution)
        return {
            output["name"]: self.make_list(fan, output["name"], [e.step for e in members], workflow)
            for (workflow, fan), members in fans.items()
            if all(member.phase == "Succeeded" for member in members)
            for output in members[0].about.get("outputs") or []
        }

    def attach(self, namespace: MutableMapping[str, Any], *, again: bool = False) -> tuple[str, ...]:
        """Bind the run's results that the kernel does not have; returns their names.

        Once per kernel and run, unless ``again``: a restarted kernel has its results again that way. A name
        that is defined is never touched.
        """
        if self._attached == self.run_id and not again:
            return ()
        self._attached = self.run_id
        fresh = {name: handle for name, handle in self.results().items() if name not in namespace}
        namespace.update(fresh)
        return tuple(fresh)

    def make_handle(self, step: str, name: str, workflow: str) -> Handle:
        """Return a handle on one output of one execution."""
        return Handle(Ends(self.services), step, name, workflow, task_name(step))

    def make_list(self, fan: str, name: str, members: Sequence[str], workflow: str) -> HandleList:
        """Return the list of one output of each member of a fan-out."""
        return HandleList(fan, name, [self.make_handle(member, name, workflow) for member in members])

    def newest(self, step: str) -> Execution | None:
        """Return the newest execution of a step of the run, or ``None``."""
        found = [e for workflow in self.workflows() for e in executions(workflow) if e.step == step]
        return max(found, key=lambda e: (e.created_at, e.uid), default=None)

    def made_here(self, made: Made) -> Handle:
        """Return a handle on one output of a step that ran on this machine."""
        return Handle(Ends(self.services), made.step, made.name, made.id, made.step, made.resolved)

    def check_name(self, step: str, cell_id: str) -> None:
        """Refuse a step name that another cell of this notebook has.

        Raises
        ------
        SpecError
            When it is taken.
        """
        known = self.submissions.get(step)
        other = known.cell_id if known else ""
        taken = bool(other and cell_id and other != cell_id)
        saved = step_names(saved_cells(self.place.file))
        ids = [saved_id for saved_id, _ in saved]
        if cell_id in ids:  # the file is as new as this cell, and knows better
            above = saved[: ids.index(cell_id)]
            taken = (taken and (other, step) in saved) or step in [name for _, name in above]
        if taken:
            raise SpecError(
                f"two cells are named {step}",
                hint="Give one another name after %%vertex_step; save the notebook if the other is gone.",
            )

    def active(self, step: str) -> Node:
        """Return a step of the run, or of a whole notebook's, that has not ended.

        Raises
        ------
        SpecError
            When there is no such step or it has ended.
        """
        ended = ""
        for run_id in (self.run_id, *reversed(self.wholes)):
            run = self.path.store.get(run_id)
            for node in run.nodes if run else ():
                if node.id == step and node.argo:
                    if not node.phase.final:
                        return node
                    ended = ended or node.phase.value.lower()
        if ended:
            raise SpecError(f"{step} has ended: {ended}")
        raise SpecError(f"run {self.run_id} has no step {step}", hint="%argovx status lists its steps.")

    def close(self) -> None:
        """End the threads; runs go on."""
        if self._path is not None:
            try:
                self._path.stop()
            except ArgovxError as error:
                logger.debug("could not stop the read path: %s", error.message)
            self._path = None
