"""``await``: waits for a step of another Workflow and hands its results on as if it had run here.

Owns the reading of the producer's end. Argo's word counts; the bucket is asked where the Workflow is gone.
Refuses to guess: a producer that failed, was stopped or never ran is this task's failure, with its reason.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from argovx_lab.errors import ArgovxError, OutputsMissing, SpecError
from argovx_lab.launcher import records
from argovx_lab.launcher.cancel import interrupted
from argovx_lab.launcher.context import Context, Interrupted
from argovx_lab.launcher.ending import SUCCEEDED, Ending, of_error
from argovx_lab.launcher.inputs import own_object
from argovx_lab.launcher.report import Report, small_json
from argovx_lab.model import names
from argovx_lab.model.ours import nodes_of
from argovx_lab.model.step import canonical

_FINAL = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})

_AGAIN = "Mend its cell and run it again, then this one."


class Await:
    """One wait for one node of another Workflow of the same namespace."""

    def __init__(self, context: Context, args: argparse.Namespace) -> None:
        self._context = context
        self._args = args
        self._report = Report(context)

    def run(self) -> Ending:
        """Wait until the producer has ended; its end is this one's."""
        try:
            ending = self._wait()
        except Interrupted:
            ending = interrupted(self._context, "", None)
        except ArgovxError as error:
            ending = of_error(error, record=False)
        self._report.set(exit_reason=ending.text)
        if ending.code:
            self._report.termination(ending.message or ending.reason)
        return ending

    def _wait(self) -> Ending:
        context, said = self._context, False
        while True:
            workflow = context.kubernetes.workflow(self._args.workflow)
            if workflow is None or (workflow.get("metadata") or {}).get("uid") != self._args.workflow_uid:
                return self._gone()
            outputs = self._ended(workflow)
            if outputs is not None:
                return self._hand_on(outputs)
            if not said:
                context.events.emit("waiting", reason=f"for step {self._args.step}", seconds=0)
                said = True
            context.interrupt.wait(context.settings.times.await_s)

    def _ended(self, workflow: Mapping[str, Any]) -> Mapping[str, str] | None:
        """Return the producer's output parameters when it has ended well, ``None`` while it has not ended.

        Raises
        ------
        OutputsMissing
            When it has ended otherwise.
        """
        status = workflow.get("status") or {}
        node = nodes_of(status).get(names.node_id(self._args.workflow, self._args.node)) or {}
        phase = node.get("phase") or ""
        over = status.get("phase") in ("Succeeded", "Failed", "Error")
        if phase not in _FINAL:
            if not over:
                return None
            raise self._failed("has not run", str(status.get("message") or "its Workflow has ended"))
        given = (node.get("outputs") or {}).get("parameters") or []
        outputs = {str(p.get("name")): str(p.get("value") or "") for p in given if isinstance(p, dict)}
        if phase == "Succeeded":
            return outputs
        why = outputs.get("exit-reason") or str(node.get("message") or "")
        if (workflow.get("spec") or {}).get("shutdown") or why.startswith("Stopped"):
            raise self._failed("was stopped", "")
        raise self._failed("failed" if phase in ("Failed", "Error") else f"was {phase.lower()}", why)

    def _failed(self, what: str, why: str) -> OutputsMissing:
        return OutputsMissing(f"step {self._args.step} {what}{': ' if why else ''}{why}", hint=_AGAIN)

    def _hand_on(self, outputs: Mapping[str, str]) -> Ending:
        if not outputs.get("manifest"):
            raise self._failed("has no manifest", "")
        kept = {name: outputs.get(name, "") for name in ("manifest", "values", "metrics")}
        self._report.set(**kept)
        return Ending(0, SUCCEEDED, f"step {self._args.step} has its results")

    def _gone(self) -> Ending:
        """Hand on what a step has left in the bucket whose Workflow was deleted."""
        context, args = self._context, self._args
        layout = context.settings.layout
        try:
            folder = layout.task(args.workflow_uid, args.node)
        except SpecError as error:
            raise self._failed("cannot be waited for", error.message) from error
        found = [item.name for item in context.objects.list(layout.bucket, folder)]
        for name in sorted((n for n in found if n.endswith("/manifest.json")), reverse=True):
            record = records.read(context.objects, layout.bucket, name, records.MANIFEST)
            ended = records.read(
                context.objects, layout.bucket, f"{name.removesuffix('manifest.json')}exit.json", records.EXIT
            )
            if record is not None and ended is not None and ended[0].get("code") == 0:
                own_object(layout, layout.uri(name), "the manifest")
                pointer = {"uri": layout.uri(name), "digest": record[1]}
                values = small_json(record[0].get("values") or {})
                self._report.set(manifest=canonical(pointer).decode(), values=values)
                return Ending(0, SUCCEEDED, f"step {args.step} has left its results; its Workflow is gone")
        raise self._failed("left no results", "its Workflow is gone")
