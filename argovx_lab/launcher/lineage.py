"""The step's lineage in ML Metadata, written by its launcher and by nobody else.

Owns the translation: the beginning while the job starts, the outputs and the end once it has ended. A
failure is a note in ``exit-reason``, never the end of a step.
"""

from __future__ import annotations

from dataclasses import replace

from argovx_lab.errors import ArgovxError
from argovx_lab.launcher.claim import Claim
from argovx_lab.launcher.context import Context
from argovx_lab.launcher.follow import End
from argovx_lab.launcher.place import Place
from argovx_lab.launcher.verify import Manifest
from argovx_lab.model.step import StepSpec
from argovx_lab.vertex import lineage, states


class Lineage:
    """Lineage of one attempt.

    Parameters
    ----------
    job : str
        Resource name of the custom job.
    """

    def __init__(self, context: Context, place: Place, claim: Claim, spec: StepSpec, job: str) -> None:
        self._context = context
        self._begun = False
        self._step = lineage.StepLineage(
            notebook=place.notebook or spec.source.notebook,
            run=place.run,
            workflow=place.workflow,
            workflow_uid=place.uid,
            namespace=place.namespace,
            user=context.settings.user,
            step=spec.name,
            node=place.task,
            attempt_key=claim.key,
            ordinal=int(claim.intent["ordinal"]),
            job=job,
            image=spec.environment.image,
            source_digest=spec.source.digest,
            state=lineage.RUNNING,
            inputs=[_artifact(name, item) for name, item in claim.intent["inputs"].items()],
            replayed=not claim.fresh,
        )

    def begin(self) -> None:
        """Write the beginning; what fails is tried once more at the end."""
        try:
            lineage.begin(self._context.metadata, self._step)
            self._begun = True
        except ArgovxError as error:
            self._context.events.emit("warning", text=f"lineage cannot be begun: {error.message}")

    def finish(self, end: End, manifest: Manifest | None) -> str:
        """Write the end and return an empty text, or what went wrong in one sentence."""
        step = replace(
            self._step,
            state=_state(end, manifest),
            outputs=[_artifact(name, item) for name, item in (manifest.outputs if manifest else {}).items()],
            metrics=end.metrics,
        )
        try:
            if not self._begun:
                lineage.begin(self._context.metadata, replace(step, replayed=True))
            self._context.events.emit("lineage", execution=lineage.finish(self._context.metadata, step))
        except ArgovxError as error:
            self._context.events.emit("warning", text=f"lineage is incomplete: {error.message}")
            return f"Lineage is incomplete: {error.message}"
        return ""


def _state(end: End, manifest: Manifest | None) -> str:
    if manifest is not None:
        return lineage.COMPLETE
    return lineage.CANCELLED if end.job.get("state") == states.CANCELLED else lineage.FAILED


def _artifact(name: str, item: dict[str, object]) -> lineage.LineageArtifact:
    return lineage.LineageArtifact(
        name=name,
        uri=str(item["uri"]),
        digest=str(item["digest"]),
        codec=str(item.get("codec", "")),
        generation=int(str(item.get("generation") or 0)),
        summary=str(item.get("summary", "")),
    )
