"""The claim on an attempt: who has it, and whether a job may be running for it already.

Owns ``intent.json`` and the search for a predecessor that left no end. Refuses a claim that is not this
step's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.errors import Conflict, PolicyDenied, RemoteError, RunError, StepFailed
from argovx_lab.launcher import records
from argovx_lab.launcher.arguments import Pointer
from argovx_lab.launcher.context import Context
from argovx_lab.launcher.events import now
from argovx_lab.launcher.inputs import resolve
from argovx_lab.launcher.place import Place
from argovx_lab.model.layout import Attempt, Layout, split_uri
from argovx_lab.model.step import StepSpec

#: Exit code of the platform's faults, which Argo repeats with a new job.
PLATFORM = RemoteError.exit_code


@dataclass(frozen=True)
class Claim:
    """An attempt whose intent is written.

    Parameters
    ----------
    attempt : Attempt
        Where the job writes; an earlier attempt's folder when its job is adopted.
    uri, digest : str
        The record that the runner is given.
    fresh : bool
        Whether this process wrote it just now, so that no job can exist yet.
    """

    intent: dict[str, Any]
    attempt: Attempt
    uri: str
    digest: str
    fresh: bool

    @property
    def key(self) -> str:
        """The attempt key that the job carries."""
        return str(self.intent["attempt_key"])


def claim(
    context: Context, place: Place, spec: StepSpec, spec_uri: str, manifests: Mapping[str, Pointer]
) -> Claim:
    """Write or find the intent of this attempt.

    Parameters
    ----------
    manifests : mapping
        Input → manifest of its producer, where Argo handed it on.

    Raises
    ------
    PolicyDenied
        When the record that is there belongs to something else.
    """
    layout, objects = context.settings.layout, context.objects
    own = place.attempt(layout)
    earlier = _predecessor(context, place, spec)
    try:
        if earlier is None:
            inputs = resolve(objects, layout, spec, manifests)
            document = _intent(context, place, spec, spec_uri, own, inputs)
        else:
            _check(earlier, place, spec, layout)
            document = earlier
        data = records.write(objects, own.bucket, own.intent, document)
        digest, fresh = hashlib.sha256(data).hexdigest(), earlier is None
    except (Conflict, RunError):  # an earlier life of this pod was here, or an input is gone
        found = records.read(objects, own.bucket, own.intent, records.INTENT)
        if found is None:
            raise
        (document, digest), fresh = found, False
        _check(document, place, spec, layout)
    context.events.emit("claimed", fresh=fresh, prefix=document["prefix"])
    return _claim(document, digest, fresh)


def _claim(document: dict[str, Any], digest: str, fresh: bool) -> Claim:
    bucket, folder = split_uri(document["prefix"])
    attempt = Attempt(bucket, folder)
    return Claim(document, attempt, attempt.uri + "intent.json", digest, fresh)


def _predecessor(context: Context, place: Place, spec: StepSpec) -> dict[str, Any] | None:
    """Return the intent of the latest earlier attempt whose job is still this step's, or ``None``.

    That is one that left no end, or an end that Argo does not repeat: then the launcher was killed between
    its record and its exit, and what the job came to stands.
    """
    repeated = {PLATFORM, StepFailed.exit_code} if spec.retry_failures else {PLATFORM}
    for ordinal in range(place.ordinal - 1, -1, -1):
        earlier = place.attempt(context.settings.layout, ordinal)
        ended = records.read(context.objects, earlier.bucket, earlier.exit, records.EXIT)
        if ended is not None and ended[0].get("code") in repeated:
            return None
        found = records.read(context.objects, earlier.bucket, earlier.intent, records.INTENT)
        if found is not None:
            reason = "ended, but its launcher was killed" if ended else "left no exit record"
            context.events.emit("adopting", reason=f"attempt {ordinal} {reason}")
            return found[0]
        if ended is not None:
            return None
    return None


def _intent(
    context: Context, place: Place, spec: StepSpec, spec_uri: str, own: Attempt, inputs: dict[str, Any]
) -> dict[str, Any]:
    settings = context.settings
    return {
        "schema": records.INTENT,
        "attempt_key": place.key(),
        "workflow_uid": place.uid,
        "workflow": place.workflow,
        "task": place.task,
        "ordinal": place.ordinal,
        "namespace": place.namespace,
        "user": settings.user,
        "spec": {"uri": spec_uri, "digest": spec.digest},
        "runner": {"uri": spec.runner.uri, "digest": spec.runner.digest},
        "inputs": inputs,
        "outputs": dict(spec.outputs),
        "prefix": own.uri,
        "created_at": now(),
    }


def _check(document: dict[str, Any], place: Place, spec: StepSpec, layout: Layout) -> None:
    """Refuse an intent that no attempt of this very step wrote."""
    try:
        ordinal = int(document["ordinal"])
        known = 0 <= ordinal <= place.ordinal
        expected = {
            "attempt_key": place.key(ordinal) if known else None,
            "workflow_uid": place.uid,
            "task": place.task,
            "user": layout.user,
            "namespace": place.namespace,
            "outputs": dict(spec.outputs),
            "runner": {"uri": spec.runner.uri, "digest": spec.runner.digest},
            "prefix": place.attempt(layout, ordinal).uri if known else None,
        }
        wrong = [name for name, value in expected.items() if document[name] != value]
        if document["spec"]["digest"] != spec.digest:
            wrong.append("spec")
    except (KeyError, TypeError, ValueError) as error:
        raise RemoteError("the claim on this attempt is incomplete", hint="Submit the cell again.") from error
    if wrong:
        raise PolicyDenied(
            f"the claim on this attempt is not this step's: {', '.join(wrong)} differ",
            hint="Somebody wrote into the run's folder; submit the cell again and tell the bucket's owner.",
        )
