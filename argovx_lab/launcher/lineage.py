"""The step's lineage in ML Metadata, written by its launcher and by nobody else.

Owns the translation. A failure is a note in ``exit-reason``, never the end of a step.
"""

from __future__ import annotations

from argovx_lab.errors import ArgovxError
from argovx_lab.launcher.claim import Claim
from argovx_lab.launcher.context import Context
from argovx_lab.launcher.follow import End
from argovx_lab.launcher.place import Place
from argovx_lab.launcher.verify import Manifest
from argovx_lab.model.step import StepSpec
from argovx_lab.vertex import lineage, states


def write_lineage(
    context: Context, place: Place, claim: Claim, spec: StepSpec, end: End, manifest: Manifest | None
) -> str:
    """Write it and return an empty text, or what went wrong in one sentence."""
    outputs = manifest.outputs if manifest else {}
    step = lineage.StepLineage(
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
        job=str(end.job["name"]),
        image=spec.environment.image,
        source_digest=spec.source.digest,
        state=_state(end, manifest),
        inputs=[_artifact(name, item) for name, item in claim.intent["inputs"].items()],
        outputs=[_artifact(name, item) for name, item in outputs.items()],
        metrics=end.metrics,
    )
    try:
        context.events.emit("lineage", execution=lineage.write(context.metadata, step))
    except ArgovxError as error:
        context.events.emit("warning", text=f"lineage is incomplete: {error.message}")
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
