"""CronWorkflows: creates Workflows when their time has come, and keeps account of them.

Owns schedules, concurrency policy, history limits and the CronWorkflow's status. What was missed while
nothing ran is made up for once, within ``startingDeadlineSeconds``, as Argo does.
Source: https://argo-workflows.readthedocs.io/en/latest/cron-workflows/
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from argovx_lab.sandbox.argo import labels, schedule
from argovx_lab.sandbox.argo.cache import Cache, Key, Object, key_of
from argovx_lab.sandbox.argo.errors import InvalidSpec
from argovx_lab.sandbox.argo.expr.evaluate import evaluate_bool
from argovx_lab.sandbox.argo.expr.lexer import ExprError
from argovx_lab.sandbox.argo.gotime import stamp
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.interface import WORKFLOWS, ApiError, KubeClient
from argovx_lab.sandbox.kubernetes.kinds import CRON_WORKFLOWS

log = logging.getLogger(__name__)

#: Longest pause between two looks at the clock. Unit: seconds.
LOOK_S = 1.0
#: How many ended Workflows are kept. Source: Argo's defaults.
_SUCCEEDED, _FAILED = 3, 1


class CronController:
    """Argo's cron controller for the sandbox.

    Parameters
    ----------
    client : KubeClient
        The only way to the API server.
    """

    def __init__(self, client: KubeClient, clock: Clock | None = None) -> None:
        self._client, self._clock = client, clock or Clock()
        self._changed = asyncio.Event()
        made = labels.CRON_WORKFLOW
        self._crons = Cache(client, CRON_WORKFLOWS, self._on_change)
        self._workflows = Cache(client, WORKFLOWS, self._on_change, group_label=made, selector=made)
        self._looked: dict[Key, datetime] = {}

    def _on_change(self, _: Object) -> None:
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled."""
        caches = (self._crons, self._workflows)
        watches = [asyncio.create_task(cache.run()) for cache in caches]
        try:
            await asyncio.gather(*(cache.ready.wait() for cache in caches))
            while True:
                self._changed.clear()
                for key, cron in list(self._crons.objects.items()):
                    await self._guarded(key, cron)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._changed.wait()
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    async def _guarded(self, key: Key, cron: Object) -> None:
        try:
            await self._look(key, cron)
        except ApiError as error:
            log.warning("cron workflow %s/%s: %s", *key, error.message)
        except (InvalidSpec, ExprError) as error:
            await self._refuse(key, cron, str(error))

    async def _look(self, key: Key, cron: Object) -> None:
        spec, status = cron["spec"], cron.get("status") or {}
        status = await self._account(key, cron, status)
        now = self._clock.now()
        since = self._looked.get(key) or self._begin(cron, now)
        due = [moment for text in spec["schedules"] if (moment := self._due(text, spec, since, now))]
        self._looked[key] = now
        if not due or spec.get("suspend") or status.get("phase") == "Stopped":
            return
        if spec.get("when") and not evaluate_bool(_bare(spec["when"]), _env(cron, status)):
            return
        if await self._may_start(key, spec, status):
            await self._start(cron, status, max(due))

    def _begin(self, cron: Object, now: datetime) -> datetime:
        """Return from when on a schedule that has not been looked at yet counts."""
        deadline = cron["spec"].get("startingDeadlineSeconds")
        last = (cron.get("status") or {}).get("lastScheduledTime")
        if not deadline or not last:
            return now
        return max(_time(last), now - timedelta(seconds=int(deadline)))

    def _due(self, text: str, spec: Object, since: datetime, now: datetime) -> datetime | None:
        """Return the last moment of a schedule in ``(since, now]``."""
        found, when = None, schedule.parse(text, spec.get("timezone") or "")
        moment = when.after(since)
        while moment is not None and moment <= now:
            found, moment = moment, when.after(moment)
        return found

    async def _may_start(self, key: Key, spec: Object, status: Object) -> bool:
        policy, active = spec.get("concurrencyPolicy") or "Allow", status.get("active") or []
        if policy == "Forbid" and active:
            return False
        if policy == "Replace":
            for one in active:
                try:
                    patch = {"spec": {"shutdown": "Terminate"}}
                    await self._client.patch(WORKFLOWS, one["name"], patch, key[0])
                except ApiError as error:
                    if error.code != 404:
                        raise
        return True

    async def _start(self, cron: Object, status: Object, moment: datetime) -> None:
        workflow = workflow_of(cron, moment)
        try:
            made = await self._client.create(WORKFLOWS, workflow, cron["metadata"]["namespace"])
        except ApiError as error:
            if error.reason == "AlreadyExists":  # made by an earlier life, which did not get to say so
                return
            raise
        self._workflows.put(made)
        reference = {
            "apiVersion": made["apiVersion"],
            "kind": "Workflow",
            "name": made["metadata"]["name"],
            "namespace": made["metadata"]["namespace"],
            "uid": made["metadata"]["uid"],
        }
        active = [*(status.get("active") or []), reference]
        await self._write(cron, {"active": active, "lastScheduledTime": stamp(moment), "phase": "Active"})

    async def _account(self, key: Key, cron: Object, status: Object) -> Object:
        """Take ended Workflows out of ``active``, count them, and delete those above the limits."""
        found = {w["metadata"]["uid"]: w for w in self._workflows.group(*key)}
        ended = [w for w in found.values() if _phase(w)]
        active, counts = [], {"succeeded": status.get("succeeded", 0), "failed": status.get("failed", 0)}
        for one in status.get("active") or []:
            workflow = found.get(one["uid"])
            if workflow is not None and not _phase(workflow):
                active.append(one)
            elif workflow is not None:
                counts["succeeded" if _phase(workflow) == "Succeeded" else "failed"] += 1
        new = {**counts, "active": active, "phase": status.get("phase") or "Active"}
        stop = (cron["spec"].get("stopStrategy") or {}).get("expression")
        if stop and evaluate_bool(stop, _env(cron, new)):
            new["phase"] = "Stopped"
        if any(new[name] != status.get(name, []) for name in ("active", "phase")) or (
            counts["succeeded"] != status.get("succeeded", 0) or counts["failed"] != status.get("failed", 0)
        ):
            await self._write(cron, new)
        await self._prune(cron["spec"], ended)
        return {**status, **new}

    async def _prune(self, spec: Object, ended: list[Object]) -> None:
        for good, limit in (
            (True, spec.get("successfulJobsHistoryLimit", _SUCCEEDED)),
            (False, spec.get("failedJobsHistoryLimit", _FAILED)),
        ):
            group = [w for w in ended if (_phase(w) == "Succeeded") is good]
            group.sort(key=lambda w: str(w["status"].get("finishedAt")), reverse=True)
            for workflow in group[limit:]:
                meta = workflow["metadata"]
                self._workflows.drop(*key_of(workflow))
                try:
                    await self._client.delete(WORKFLOWS, meta["name"], meta["namespace"], uid=meta["uid"])
                except ApiError as error:
                    if error.code != 404:
                        raise

    async def _refuse(self, key: Key, cron: Object, why: str) -> None:
        condition = {"type": "SpecError", "status": "True", "message": why}
        if ((cron.get("status") or {}).get("conditions") or []) == [condition]:
            return
        log.info("cron workflow %s/%s: %s", *key, why)
        try:
            await self._write(cron, {"conditions": [condition]})
        except ApiError as error:
            log.warning("cron workflow %s/%s: %s", *key, error.message)

    async def _write(self, cron: Object, status: Object) -> None:
        meta = cron["metadata"]
        written = await self._client.patch(
            CRON_WORKFLOWS, meta["name"], {"status": status}, meta["namespace"]
        )
        cron["status"] = written.get("status") or {}
        self._crons.put(written)


def workflow_of(cron: Object, moment: datetime) -> Object:
    """Return the Workflow that a CronWorkflow makes for a scheduled moment."""
    meta, wanted = cron["metadata"], cron["spec"].get("workflowMetadata") or {}
    owner = {
        "apiVersion": cron["apiVersion"],
        "kind": "CronWorkflow",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    own: Object = {
        "name": f"{meta['name']}-{int(moment.timestamp())}",
        "namespace": meta["namespace"],
        "labels": {**(wanted.get("labels") or {}), labels.CRON_WORKFLOW: meta["name"]},
        "annotations": {
            **(wanted.get("annotations") or {}),
            labels.SCHEDULED_TIME: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "ownerReferences": [owner],
    }
    spec = copy.deepcopy(cron["spec"]["workflowSpec"])
    return {"apiVersion": cron["apiVersion"], "kind": "Workflow", "metadata": own, "spec": spec}


def _phase(workflow: Object) -> str:
    """Return the final phase, empty while the workflow goes on."""
    done = (workflow["metadata"].get("labels") or {}).get(labels.COMPLETED) == "true"
    return str((workflow.get("status") or {}).get("phase") or "Error") if done else ""


def _bare(expression: str) -> str:
    """Take ``{{= … }}`` off an expression."""
    text = expression.strip()
    return text[3:-2] if text.startswith("{{=") and text.endswith("}}") else text


def _env(cron: Object, status: Object) -> dict[str, Any]:
    meta, last = cron["metadata"], status.get("lastScheduledTime")
    return {
        "cronworkflow": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": meta.get("labels") or {},
            "annotations": meta.get("annotations") or {},
            "lastScheduledTime": last,
            "succeeded": status.get("succeeded", 0),
            "failed": status.get("failed", 0),
        }
    }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
