"""One attempt of one step, from its arguments to its exit record.

Owns the order: place, specification, arguments, policy, claim, job, follow, verify, lineage, record.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from typing import Any

from argovx_lab.errors import ArgovxError, Conflict, NotFound, RunError, SpecError, Unavailable
from argovx_lab.launcher import records
from argovx_lab.launcher.arguments import compare, manifests
from argovx_lab.launcher.cancel import interrupted, stop_job
from argovx_lab.launcher.claim import PLATFORM, Claim, claim
from argovx_lab.launcher.context import Context, Interrupted
from argovx_lab.launcher.ending import STOPPED, SUCCEEDED, Ending, of_error
from argovx_lab.launcher.follow import End, Follower
from argovx_lab.launcher.inputs import own_object
from argovx_lab.launcher.launch import Launch, Uncertain
from argovx_lab.launcher.lineage import Lineage
from argovx_lab.launcher.place import Place, find
from argovx_lab.launcher.report import Report, cut, small_json, with_traceback
from argovx_lab.launcher.stream import last_word
from argovx_lab.launcher.verdict import blamed, judge
from argovx_lab.launcher.verify import Manifest, verify
from argovx_lab.model.exits import WAITING
from argovx_lab.model.step import StepSpec, canonical
from argovx_lab.policy.bundle import default_bundle
from argovx_lab.policy.judge import StepFacts, enforce
from argovx_lab.policy.judge import judge as judge_policy


class Step:
    """The attempt that this process works on."""

    def __init__(self, context: Context, args: argparse.Namespace) -> None:
        self._context = context
        self._args = args
        self._report = Report(context)
        self._place: Place | None = None
        self._launch: Launch | None = None
        self._job = ""
        self._waited: dict[str, str] = {}

    def run(self) -> Ending:
        """Work until the end; every end of the table but a bug of ours comes back from here."""
        try:
            ending = self._work()
        except Interrupted:
            ending = interrupted(self._context, self._job, self._launch)
        except Uncertain as unknown:
            ending = replace(of_error(unknown.cause), record=False)
        except RunError as error:
            ending = of_error(error)
        except ArgovxError as error:
            ending = self._abandon(error)
        self._finish(ending)
        return ending

    def _work(self) -> Ending:
        context, args = self._context, self._args
        place = self._place = self._find()
        if place is None:
            return Ending(143, STOPPED, "the Workflow is gone or being stopped")
        context.events.emit("placed", task=place.task, ordinal=place.ordinal, key=place.key())
        spec = self._specification()
        compare(args, spec)
        facts = StepFacts.of(spec, context.settings.user, context.settings.project)
        enforce(judge_policy(default_bundle(), facts))
        context.events.emit("specified", step=spec.name, digest=spec.digest)
        own = claim(context, place, spec, args.spec, manifests(args.inputs))
        if not own.fresh:
            before = self._ended_before(place)
            if before is not None:
                return self._again(before, own)
        launch = self._launch = Launch(context, own, spec, self._waits)
        job = launch.obtain(self._known)
        about = {"vertex_job": self._job, "console_url": context.jobs.console_url(self._job)}
        self._report.now(**about, **self._waited)
        lineage = Lineage(context, place, own, spec, self._job)
        lineage.begin()
        end = Follower(context, own, job, self._report).run()
        return self._judge(own, spec, end, lineage)

    def _known(self, job: str) -> None:
        self._job = job

    def _waits(self, reason: str) -> None:
        """Show in Argo what the step waits for; the end overwrites it."""
        self._waited = {"exit_reason": ""}
        self._report.now(exit_reason=f"{WAITING}: {reason}")

    def _find(self) -> Place | None:
        context, times = self._context, self._context.settings.times
        limit = context.interrupt.deadline(times.started_s)

        def wait() -> bool:
            context.interrupt.wait(times.started_poll_s)
            return not limit.passed

        def read() -> dict[str, Any] | None:
            return context.kubernetes.workflow(context.settings.workflow)

        return find(read, context.settings.node_id, self._args.ordinal, context.settings.user, wait)

    def _specification(self) -> StepSpec:
        context, uri = self._context, self._args.spec
        bucket, name = own_object(context.settings.layout, uri, "the step document")
        try:
            data = context.objects.get(bucket, name)
        except NotFound:
            raise SpecError(f"the step document {uri} is not there", hint="Submit the cell again.") from None
        digest = hashlib.sha256(data).hexdigest()
        if digest != self._args.spec_digest:
            raise SpecError(
                f"the step document has digest {digest[:12]}…, not {self._args.spec_digest[:12]}…",
                hint="The Workflow or the bucket was changed after submission; submit the cell again.",
            )
        spec = StepSpec.decode(data)
        if spec.digest != digest:
            raise SpecError("the step document is not in canonical form", hint="Submit the cell again.")
        own_object(context.settings.layout, spec.runner.uri, "the runner")
        return spec

    def _judge(self, own: Claim, spec: StepSpec, end: End, lineage: Lineage) -> Ending:
        """Turn the end of the job into the end of the step; lineage is written either way."""
        worker = blamed(end.job)
        closed = last_word(self._context.objects, own.attempt, worker) if worker else end.closed
        problem = judge(end.job, closed)
        manifest: Manifest | None = None
        if problem is None:
            try:
                manifest = verify(self._context.objects, own, spec)
            except RunError as error:
                problem = error
        self._outputs(manifest, end)
        ending = Ending(0, SUCCEEDED) if problem is None else of_error(problem)
        note = lineage.finish(end, manifest)
        if note:
            text = f"{ending.message}. {note}" if ending.message else note
            ending = replace(ending, message=text)
        return ending

    def _outputs(self, manifest: Manifest | None, end: End) -> None:
        if manifest is None:
            self._report.set(metrics=small_json(end.metrics))
            return
        self._context.events.emit("verified", outputs=sorted(manifest.outputs))
        self._report.set(
            manifest=canonical({"uri": manifest.uri, "digest": manifest.digest}).decode(),
            metrics=small_json(manifest.document.get("metrics") or end.metrics),
            values=small_json(manifest.document.get("values") or {}),
        )

    def _ended_before(self, place: Place) -> dict[str, Any] | None:
        own = place.attempt(self._context.settings.layout)
        found = records.read(self._context.objects, own.bucket, own.exit, records.EXIT)
        return found[0] if found else None

    def _again(self, record: dict[str, Any], own: Claim) -> Ending:
        """Repeat the end of an earlier life of this very attempt."""
        objects, attempt = self._context.objects, own.attempt
        created = records.read(objects, attempt.bucket, attempt.created, records.CREATED)
        if created:
            job = str(created[0]["job"])
            self._report.set(vertex_job=job, console_url=self._context.jobs.console_url(job))
        manifest = records.read(objects, attempt.bucket, attempt.manifest, records.MANIFEST)
        if manifest and record["code"] == 0:
            document, digest = manifest
            self._report.set(
                manifest=canonical({"uri": f"{attempt.uri}manifest.json", "digest": digest}).decode(),
                metrics=small_json(document.get("metrics") or {}),
                values=small_json(document.get("values") or {}),
            )
        return Ending(int(record["code"]), str(record["reason"]), str(record["message"]), record=False)

    def _abandon(self, error: ArgovxError) -> Ending:
        """End for an error of ours or a remote end; a job that this leaves behind is cancelled first.

        Where an end is merely out of reach, the job stays and no end is recorded: the retry adopts it.
        """
        if isinstance(error, Unavailable):
            return of_error(error, record=False)
        if not self._job:
            return of_error(error, record=self._final(error))
        self._context.events.emit("warning", text=f"the job cannot be followed: {error.message}")
        return replace(of_error(error), record=stop_job(self._context, self._job).record)

    def _final(self, error: ArgovxError) -> bool:
        """Tell whether an end without a known job may be recorded: not while there may be one to adopt."""
        if self._launch is None:  # an earlier life may have made a job, which a repetition must find
            return error.exit_code != PLATFORM
        return not self._launch.doubtful

    def _finish(self, ending: Ending) -> None:
        """Write the exit record and tell Argo."""
        ending = replace(ending, message=cut(ending.message, 3000))
        if ending.record and self._place is not None:
            own = self._place.attempt(self._context.settings.layout)
            document = records.exit_document(ending.code, ending.reason, ending.message)
            try:
                records.write(self._context.objects, own.bucket, own.exit, document)
                self._context.events.emit("recorded", code=ending.code)
            except Conflict:
                pass
            except ArgovxError as error:
                self._context.events.emit("warning", text=f"the exit record is missing: {error.message}")
        try:
            self._report.set(exit_reason=ending.text)
        except Unavailable as error:
            self._context.events.emit("warning", text=error.message)
            self._report.show()  # a disk that takes no file must not hide why the step ended
        if ending.code:
            self._report.termination(with_traceback(ending.message or ending.reason, ending.traceback))
