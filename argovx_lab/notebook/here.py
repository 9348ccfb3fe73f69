"""From a plan to results on this machine: run, shown in the same words as a job, kept by digest."""

from __future__ import annotations

from dataclasses import replace

from argovx_lab.errors import StepCancelled
from argovx_lab.model.run import Cell, Node, Times
from argovx_lab.model.step import canonical
from argovx_lab.notebook.display import line
from argovx_lab.notebook.local import RAN_HERE, Ended, Workshop
from argovx_lab.notebook.made import SCHEMA, Made, made
from argovx_lab.notebook.plan import Plan
from argovx_lab.notebook.wait import raise_for
from argovx_lab.runs.argo import Execution
from argovx_lab.runs.merge import About, Seen, merge
from argovx_lab.runs.words import state_line


def run_here(plan: Plan, run: str, cell: Cell) -> list[Made]:
    """Run a step on this machine; returns its outputs, which lie in the bucket by digest.

    Raises
    ------
    StepFailed
        With the cell's own traceback, as a job's failure has it.
    StepCancelled
        When the user interrupts.
    """
    try:
        with Workshop(plan) as workshop:
            ended = workshop.run()
            node = node_of(plan, run, cell, ended)
            _show(state_line(node))
            raise_for(node)
            return keep(plan, run, ended)
    except KeyboardInterrupt:
        raise StepCancelled(
            f"{plan.name} was interrupted on this machine", hint="Nothing of it runs on."
        ) from None


def keep(plan: Plan, run: str, ended: Ended) -> list[Made]:
    """Send the outputs by digest and write down that they were made here; returns them.

    Raises
    ------
    RemoteError, PermissionMissing, CredentialError
        When the bucket does not take them.
    """
    services, layout = plan.services, plan.services.profile.layout
    for file in ended.files.values():
        with file.open("rb") as data:
            services.objects.create_content(layout, data)
    outputs = {
        name: {key: item[key] for key in ("codec", "summary", "size_bytes", "digest")}
        for name, item in ended.outputs.items()
    }
    document = {
        "schema": SCHEMA,
        "step": plan.name,
        "id": ended.id,
        "spec": plan.spec.digest,
        "source": plan.spec.source.digest,
        "inputs": {name: ref.digest for name, ref in plan.spec.inputs.items()},
        "outputs": outputs,
        "metrics": ended.stream.metrics,
        "started_at": ended.started_at,
        "created_at": ended.finished_at,
    }
    services.objects.create(layout.bucket, layout.here(run) + f"{ended.id}.json", canonical(document))
    return made(layout, document)


def node_of(plan: Plan, run: str, cell: Cell, ended: Ended) -> Node:
    """Return the step as views show it: judged like a job's, with the machine that it ran on."""
    succeeded = ended.stream.outcome == "succeeded"
    execution = Execution(
        workflow=ended.id,
        uid=ended.id,
        namespace="",
        user=plan.services.profile.user,
        run=run,
        notebook=cell.notebook,
        created_at=ended.started_at,
        task=plan.name,
        about={"name": plan.name, "machine": "this machine"},
        phase="Succeeded" if succeeded else "Failed",
        finished_at=ended.finished_at,
        outputs={} if succeeded else {"exitCode": "1"},
    )
    node = merge(run, [Seen(execution, ended.stream)], About("", "", RAN_HERE)).nodes[0]
    line = ", ".join(name for name in plan.spec.outputs if name in ended.outputs) if succeeded else node.line
    times = Times(queued_at=ended.started_at, finished_at=ended.finished_at)
    return replace(
        node,
        line=" · ".join(part for part in (RAN_HERE, line) if part),
        cell=cell,
        argo=None,
        times=times,
        hint="Mend the cell and run it again.",
    )


def _show(text: str) -> None:
    from IPython.display import display

    display(line(text), raw=True)  # type: ignore[no-untyped-call]
