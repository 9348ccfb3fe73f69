"""The thin shell around :mod:`.reconcile`: watches, calls, applies, waits.

Owns timers and retries of the API; refuses to decide anything about workflows. One reconcile of a
workflow at a time; a stale write (409) starts over from what the API server has.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime

from argovx_lab.sandbox.argo import labels
from argovx_lab.sandbox.argo.apply import Applier
from argovx_lab.sandbox.argo.cache import Cache, Key, Object, key_of
from argovx_lab.sandbox.argo.compress import hydrate
from argovx_lab.sandbox.argo.cron import CronController
from argovx_lab.sandbox.argo.errors import InvalidSpec
from argovx_lab.sandbox.argo.locks import Locks
from argovx_lab.sandbox.argo.reconcile import Outcome, broken, reconcile
from argovx_lab.sandbox.argo.view import Caches, Missed, needs_look, world_of
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.interface import (
    CLUSTER_WORKFLOW_TEMPLATES,
    CONFIG_MAPS,
    PODS,
    WORKFLOW_TASK_RESULTS,
    WORKFLOW_TEMPLATES,
    WORKFLOWS,
    ApiError,
    KubeClient,
)  # fmt: skip

log = logging.getLogger(__name__)

#: Share of the time that reconciles of one workflow may take; the rest gathers events: 0.5 means two thirds.
_REST_FACTOR = 0.5
#: Wait before an API call that failed is tried again. Unit: seconds.
RETRY_S = 0.5


class Controller:
    """Argo's workflow controller for the sandbox.

    Parameters
    ----------
    client : KubeClient
        The only way to the API server.
    clock : Clock
        Its ``speed`` shortens back-offs, durations and deadlines.
    """

    def __init__(self, client: KubeClient, clock: Clock | None = None) -> None:
        self._client, self._clock = client, clock or Clock()
        self._locks = Locks()
        owner = labels.WORKFLOW
        self._caches = Caches(
            workflows=Cache(client, WORKFLOWS, self._on_workflow),
            pods=Cache(client, PODS, self._on_owned, group_label=owner, selector=owner),
            results=Cache(client, WORKFLOW_TASK_RESULTS, self._on_owned, group_label=owner, selector=owner),
            namespaced=Cache(client, WORKFLOW_TEMPLATES, lambda _: None),
            cluster=Cache(client, CLUSTER_WORKFLOW_TEMPLATES, lambda _: None),
            configs=Cache(client, CONFIG_MAPS, self._on_config),
        )
        self._applier = Applier(client, self._caches, self._clock)
        self._cron = CronController(client, self._clock)
        self._due: dict[Key, float] = {}
        self._rest: dict[Key, float] = {}
        self._busy: dict[Key, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        watches = [asyncio.create_task(cache.run()) for cache in self._caches.all()]
        watches.append(asyncio.create_task(self._cron.run()))
        try:
            ready = asyncio.create_task(self._caches.ready())
            await asyncio.wait([ready, *watches], return_when=asyncio.FIRST_COMPLETED)
            self._locks.load(self._caches.workflows.objects.values())
            await self._work(watches)
        finally:
            tasks = [*watches, *self._busy.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, watches: list[asyncio.Task[None]]) -> None:
        while True:
            for watch in watches:
                if watch.done():
                    watch.result()  # a watch ends by an error that is none of the API's: a bug, shown
            self._changed.clear()
            wait = self._start_due()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue

    def _start_due(self) -> float | None:
        """Start what is due and return the seconds until the next is."""
        now, soonest = time.monotonic(), None
        for key, asked in list(self._due.items()):
            due = max(asked, self._rest.get(key, 0.0))
            if key in self._busy:
                continue
            if due <= now:
                del self._due[key]
                self._busy[key] = asyncio.create_task(self._one(key))
                self._busy[key].add_done_callback(_report)
            else:
                soonest = due if soonest is None else min(soonest, due)
        return None if soonest is None else max(0.0, soonest - now)

    def _enqueue(self, key: Key, after_s: float = 0.0) -> None:
        due = time.monotonic() + after_s
        if key not in self._due or due < self._due[key]:
            self._due[key] = due
            self._changed.set()

    def _on_workflow(self, workflow: Object) -> None:
        self._enqueue(key_of(workflow))

    def _on_owned(self, obj: Object) -> None:
        meta = obj["metadata"]
        name = (meta.get("labels") or {}).get(labels.WORKFLOW)
        if name:
            self._enqueue((str(meta.get("namespace") or ""), name))

    def _on_config(self, _: Object) -> None:
        self._wake_waiting()

    def _wake_waiting(self) -> None:
        for holders in self._locks.waiting.values():
            for holder in holders:
                namespace, name = holder.split("/")[:2]
                self._enqueue((namespace, name))

    async def _one(self, key: Key) -> None:
        started = time.monotonic()
        try:
            await self._reconcile(key)
        except ApiError as error:
            log.warning("workflow %s/%s: %s; trying again", *key, error.message)
            self._enqueue(key, RETRY_S)
        finally:
            del self._busy[key]
            now = time.monotonic()
            self._rest[key] = now + (now - started) * _REST_FACTOR
            self._changed.set()

    async def _reconcile(self, key: Key) -> None:
        workflow = self._caches.workflows.get(*key)
        if workflow is None or workflow["metadata"].get("deletionTimestamp"):
            self._forget(key)
            return
        if not needs_look(workflow):
            return
        held = sum(map(len, self._locks.holders.values()))
        try:
            hydrate(workflow)
            await self._applier.refresh(workflow)
            outcome = await self._decide(workflow)
        except InvalidSpec as error:
            outcome = broken(workflow, self._clock.now(), error.message)
        again = await self._applier.apply(workflow, outcome)
        if again is not None:
            self._enqueue(key, again)
        if outcome.wake_at is not None:
            self._enqueue(key, self._until(outcome.wake_at))
        if sum(map(len, self._locks.holders.values())) < held:
            self._wake_waiting()

    async def _decide(self, workflow: Object) -> Outcome:
        """Reconcile; again when a template or ConfigMap was there that no watch had brought yet."""
        while True:
            missed: Missed = set()
            world = world_of(self._caches, workflow, self._locks, self._clock, missed)
            outcome = reconcile(workflow, world)
            if not await self._applier.find(missed, workflow["metadata"].get("namespace", "")):
                return outcome

    def _until(self, moment: datetime) -> float:
        return max(0.001, (moment - self._clock.now()).total_seconds())

    def _forget(self, key: Key) -> None:
        self._rest.pop(key, None)
        self._locks.release_all(f"{key[0]}/{key[1]}/")
        self._locks.release(f"{key[0]}/{key[1]}")
        self._wake_waiting()


def _report(task: asyncio.Task[None]) -> None:
    """Show a reconcile that ended by an error of ours; the next event tries again."""
    if not task.cancelled() and task.exception() is not None:
        log.error("a reconcile failed", exc_info=task.exception())
